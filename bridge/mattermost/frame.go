package mattermost

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/mattermost/mattermost/server/public/model"
)

// frame is one frame of a websocket as it came, an event mostly: {"event": "posted", "data": {…}, "broadcast": {…}, "seq": 5}, data and broadcast as
// encoding/json writes them (model.WebSocketEvent). People's texts stand in JSON strings, so a quote of theirs has a backslash before it, and what is
// looked for with its quotes is the server's own.
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

// channel gives the id of the channel to whose members the event is sent; empty when there is none.
func (f frame) channel() string {
	const length = 26
	i := bytes.LastIndex(f, markChannel)
	if i < 0 {
		return ""
	}
	rest := f[i+len(markChannel):]
	if len(rest) < length || !model.IsValidId(string(rest[:length])) {
		return ""
	}
	return string(rest[:length])
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

// decode gives what an event of these kinds carries: the JSON of a post or reaction, the id of the connection.
func (f frame) decode() (kind model.WebsocketEventType, body, connection string, err error) {
	var e struct {
		Event model.WebsocketEventType
		Data  struct {
			Post, Reaction string
			ConnectionID   string `json:"connection_id"`
		}
	}
	if err := json.Unmarshal(f, &e); err != nil {
		return "", "", "", err
	}
	return e.Event, e.Data.Post + e.Data.Reaction, e.Data.ConnectionID, nil
}
