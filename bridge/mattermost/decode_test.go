package mattermost

import (
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// interested is an inbox that knows what becomes of each talk.
type interested struct {
	bridge.Inbox
	of map[bridge.ChannelID]bridge.Interest
}

func (i interested) Interest(c bridge.ConversationID) bridge.Interest { return i.of[c.Channel] }

// TestFramesThatDoNotMatterAreNotDecoded: on somebody's own connection comes everything that happens in all their channels. Only what is said in direct and group
// conversations that are carried, or may be, is decoded.
func TestFramesThatDoNotMatterAreNotDecoded(t *testing.T) {
	busy, ignored, unmet := model.NewId(), model.NewId(), model.NewId()
	all := newTalks(&feed{account: &account{}, inbox: interested{of: map[bridge.ChannelID]bridge.Interest{bridge.ChannelID(ignored): bridge.Ignored}}})
	decoded := 0
	all.decode = func(f frame) (c content, err error) {
		decoded++
		c.Data.Post = "unreadable" // so that it goes no further
		return c, nil
	}
	o := &observer{talks: all, user: model.NewId(), session: &session{}}
	post, err := (&model.Post{Id: model.NewId(), Message: "hello"}).ToJSON()
	if err != nil {
		t.Fatal(err)
	}
	posted := func(kind model.ChannelType) map[string]any {
		return map[string]any{"channel_type": string(kind), "channel_name": "n", "post": post}
	}
	comes := func(kind model.WebsocketEventType, channel string, data map[string]any) (n int) {
		for range 100 {
			before, known := decoded, false
			plain, _ := eventOf(t, kind, channel, data, o.session.next)
			if err := o.take(t.Context(), plain, &known); err != nil || !known {
				t.Fatalf("%s: %v", kind, err)
			}
			n += decoded - before
		}
		return n
	}
	for _, one := range []struct {
		what    string
		kind    model.WebsocketEventType
		channel string
		data    map[string]any
		want    int
	}{
		{"a post in a channel", model.WebsocketEventPosted, busy, posted(model.ChannelTypeOpen), 0},
		{"a post in a private channel", model.WebsocketEventPosted, busy, posted(model.ChannelTypePrivate), 0},
		{"an edit in a channel", model.WebsocketEventPostEdited, busy, map[string]any{"post": post}, 0},
		{"a deletion in a channel", model.WebsocketEventPostDeleted, busy, map[string]any{"post": post}, 0},
		{"a reaction in a channel", model.WebsocketEventReactionAdded, busy, map[string]any{"reaction": `{"post_id":"x"}`}, 0},
		{"a header of a channel", model.WebsocketEventChannelUpdated, busy, map[string]any{"channel": "{}"}, 0},
		{"somebody typing", model.WebsocketEventTyping, busy, map[string]any{"user_id": "x"}, 0},
		{"a status", model.WebsocketEventStatusChange, "", map[string]any{"status": "online"}, 0},
		{"a preference", model.WebsocketEventPreferencesChanged, "", map[string]any{"preferences": "[]"}, 0},
		{"what is of no channel", model.WebsocketEventPosted, "", posted(model.ChannelTypeDirect), 0},
		{"a post in a conversation that is not carried", model.WebsocketEventPosted, ignored, posted(model.ChannelTypeDirect), 0},
		{"an edit in a conversation that is not carried", model.WebsocketEventPostEdited, ignored, map[string]any{"post": post}, 0},
		{"a post in a conversation of which nothing is known", model.WebsocketEventPosted, unmet, posted(model.ChannelTypeGroup), 100},
	} {
		if n := comes(one.kind, one.channel, one.data); n != one.want {
			t.Errorf("%s: %d of 100 were decoded, want %d", one.what, n, one.want)
		}
	}
}
