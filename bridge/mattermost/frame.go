package mattermost

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/mattermost/mattermost/server/public/model"
)

// frame is one frame of a websocket as it came, an event mostly: {"event": "posted", "data": {…}, "broadcast": {…}, "seq": 5}, data and broadcast as
// encoding/json writes them (model.WebSocketEvent). People's texts stand in JSON strings, so a quote of theirs has a backslash before it, and what is
// looked for with its quotes is the server's own. Decoding is left to what matters, also for the stack that it takes: of each connection's goroutine
// that would stay.
type frame []byte

// Kinds of events that matter on somebody's own connection.
type eventKind uint8

const (
	kindOther eventKind = iota
	kindHello
	kindPosted
	kindPost     // edited or deleted
	kindReaction // set or removed
	kindChannel  // of the channel itself
)

var eventKinds = map[string]eventKind{
	string(model.WebsocketEventHello):           kindHello,
	string(model.WebsocketEventPosted):          kindPosted,
	string(model.WebsocketEventPostEdited):      kindPost,
	string(model.WebsocketEventPostDeleted):     kindPost,
	string(model.WebsocketEventReactionAdded):   kindReaction,
	string(model.WebsocketEventReactionRemoved): kindReaction,
	string(model.WebsocketEventChannelUpdated):  kindChannel,
}

var (
	markEvent   = []byte(`{"event":`)
	markType    = []byte(`"channel_type":"`)
	markChannel = []byte(`"channel_id":"`)
	markSeq     = []byte(`"seq":`)

	markConnection = []byte(`"connection_id":"`)
	markStatus     = []byte(`{"status":`)
	markOK         = []byte(`{"status":"OK"`)
	markReply      = []byte(`"seq_reply":`)
)

// event gives the name of the event; nil for what is none.
func (f frame) event() []byte {
	rest, ok := bytes.CutPrefix(f, markEvent)
	if !ok {
		return nil
	}
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(`"`))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 {
		return nil
	}
	return rest[:end]
}

// direct says whether the event is of a direct or group channel: of those that tell, the posted ones. Where it cannot be told it may be.
func (f frame) direct() bool {
	i := bytes.Index(f, markType)
	if i < 0 || i+len(markType) >= len(f) {
		return true
	}
	kind := f[i+len(markType)]
	return kind == model.ChannelTypeDirect[0] || kind == model.ChannelTypeGroup[0]
}

// channel gives the id of the channel to whose members the event is sent, which stands in broadcast; empty when there is none.
func (f frame) channel() string { return idAt(f, bytes.LastIndex(f, markChannel), markChannel) }

// connection gives what a greeting calls the connection, in data; empty when there is none.
func (f frame) connection() string { return idAt(f, bytes.Index(f, markConnection), markConnection) }

func idAt(f frame, i int, mark []byte) string {
	const length = 26
	if i < 0 {
		return ""
	}
	rest := f[i+len(mark):]
	if len(rest) < length || !model.IsValidId(string(rest[:length])) {
		return ""
	}
	return string(rest[:length])
}

// answer says whether it is the answer to a ping, {"status":"OK","data":{…},"seq_reply":1}, and whether that is a good one.
func (f frame) answer() (ok, is bool) {
	return bytes.HasPrefix(f, markOK), bytes.HasPrefix(f, markStatus) && bytes.Contains(f, markReply)
}

// seq gives the number of the event; -1 when there is none.
func (f frame) seq() int64 {
	i := bytes.LastIndex(f, markSeq)
	if i < 0 {
		return -1
	}
	digits := bytes.TrimLeft(f[i+len(markSeq):], " ")
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(digits[:end]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// content is what events of these kinds carry.
type content struct {
	Event model.WebsocketEventType
	Data  struct {
		// Post and Reaction are JSON.
		Post, Reaction string
		ChannelName    string `json:"channel_name"`
	}
}

func (f frame) decode() (c content, err error) { return c, json.Unmarshal(f, &c) }

// event gives it as it is queued.
func (c content) event() event { return event{kind: c.Event, body: c.Data.Post + c.Data.Reaction} }
