package mattermost

import (
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

// hostile is a text that would be taken for the server's own words if it were looked at carelessly.
const hostile = `{"event": "posted"} "channel_type":"D" "channel_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa" "seq":99} \" \\`

func eventOf(t *testing.T, kind model.WebsocketEventType, channel string, data map[string]any, seq int64) (plain, computed frame) {
	t.Helper()
	e := model.NewWebSocketEvent(kind, "", channel, "", nil, "")
	for k, v := range data {
		e.Add(k, v)
	}
	for n, one := range []*model.WebSocketEvent{e.SetSequence(seq), e.PrecomputeJSON().SetSequence(seq)} {
		text, err := one.ToJSON()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			plain = text
		} else {
			computed = text
		}
	}
	return plain, computed
}

func TestFramesAreToldApartWithoutDecoding(t *testing.T) {
	channel := model.NewId()
	post, err := (&model.Post{Id: model.NewId(), ChannelId: model.NewId(), Message: hostile}).ToJSON()
	if err != nil {
		t.Fatal(err)
	}
	posted := func(kind model.ChannelType) map[string]any {
		return map[string]any{"channel_type": string(kind), "channel_name": "n", "channel_display_name": hostile, "post": post, "sender_name": "@x", "mentions": `["` + model.NewId() + `"]`}
	}
	for _, c := range []struct {
		name    string
		kind    model.WebsocketEventType
		channel string
		data    map[string]any
		want    eventKind
		direct  bool
	}{
		{"a direct message", model.WebsocketEventPosted, channel, posted(model.ChannelTypeDirect), kindPosted, true},
		{"a group message", model.WebsocketEventPosted, channel, posted(model.ChannelTypeGroup), kindPosted, true},
		{"a post in a channel", model.WebsocketEventPosted, channel, posted(model.ChannelTypeOpen), kindPosted, false},
		{"a post in a private channel", model.WebsocketEventPosted, channel, posted(model.ChannelTypePrivate), kindPosted, false},
		{"an edit", model.WebsocketEventPostEdited, channel, map[string]any{"post": post}, kindPost, true},
		{"a reaction", model.WebsocketEventReactionAdded, channel, map[string]any{"reaction": `{"post_id":"x"}`}, kindReaction, true},
		{"a typing", model.WebsocketEventTyping, channel, map[string]any{"user_id": "x"}, kindOther, true},
		{"a status", model.WebsocketEventStatusChange, "", map[string]any{"status": "online"}, kindOther, true},
		{"a user", model.WebsocketEventUserUpdated, "", map[string]any{"user": &model.User{Username: `"seq":7`}}, kindOther, true},
		{"a header", model.WebsocketEventChannelUpdated, channel, map[string]any{"channel": `{"header":"x"}`}, kindChannel, true},
	} {
		plain, computed := eventOf(t, c.kind, c.channel, c.data, 123)
		for _, f := range []frame{plain, computed} {
			if got := eventKinds[string(f.event())]; got != c.want || string(f.event()) != string(c.kind) {
				t.Errorf("%s is of kind %d (%q), want %d", c.name, got, f.event(), c.want)
			}
			if f.direct() != c.direct || f.channel() != c.channel || f.seq() != 123 {
				t.Errorf("%s: direct %t, channel %q, number %d; want %t, %q, 123", c.name, f.direct(), f.channel(), f.seq(), c.direct, c.channel)
			}
		}
		if strings.HasPrefix(c.name, "a direct") {
			if got, err := computed.decode(); err != nil || got.event() != (event{c.kind, post}) || got.Data.ChannelName != "n" {
				t.Errorf("%s holds %+v (%v)", c.name, got, err)
			}
		}
	}
	for _, other := range []string{"", "{", `{"status":"OK","seq_reply":1}`, `{"event"`, `{"event":5}`, `[]`} {
		if name := frame(other).event(); name != nil {
			t.Errorf("%q is an event %q", other, name)
		}
	}
	if n := frame(`{"event": "posted", "seq": x}`).seq(); n != -1 {
		t.Errorf("no number is %d", n)
	}
}
