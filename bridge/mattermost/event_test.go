package mattermost

import (
	"testing"

	"causeway/bridge"
	"causeway/bridge/richtext/markdown"
)

// TestWhatTheServerTells of what happens, in words of people, by who did it.
func TestWhatTheServerTells(t *testing.T) {
	const anna, ben = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbb"
	people := map[string]person{anna: {name: "Anna Ax", username: "anna"}, ben: {name: "Ben @all", username: "ben"}}
	for post, want := range map[string]struct {
		event bridge.Event
		text  string
	}{
		`{"type":"system_join_channel","message":"anna joined the channel."}`:                                                 {bridge.EventMembers, "*joined*"},
		`{"type":"system_guest_join_channel"}`:                                                                                {bridge.EventMembers, "*joined*"},
		`{"type":"system_leave_channel","message":"@anna has left the channel."}`:                                             {bridge.EventMembers, "*left*"},
		`{"type":"system_add_to_channel","message":"@ben added","props":{"addedUserId":"` + ben + `","addedUsername":"ben"}}`: {bridge.EventMembers, "*added Ben @\u200ball*"},
		`{"type":"system_add_to_channel","props":{"addedUserId":"cccccccccccccccccccccccccc","addedUsername":"cyd"}}`:         {bridge.EventMembers, "*added cyd*"},
		`{"type":"system_add_guest_to_chan","props":{"addedUserId":7}}`:                                                       {bridge.EventMembers, "*added somebody*"},
		`{"type":"system_remove_from_channel","message":"@ben was removed","props":{"removedUserId":"` + ben + `"}}`:          {bridge.EventMembers, "*removed Ben @\u200ball*"},
		`{"type":"system_join_team"}`:                                                                                                    {bridge.EventMembers, "*joined the team*"},
		`{"type":"system_add_to_team","props":{"addedUserId":"` + ben + `"}}`:                                                            {bridge.EventMembers, "*added Ben @\u200ball to the team*"},
		`{"type":"system_remove_from_team"}`:                                                                                             {bridge.EventMembers, "*was removed from the team*"},
		`{"type":"system_displayname_change","props":{"old_displayname":"Town","new_displayname":"City **2**"}}`:                         {bridge.EventRenamed, `*renamed the channel to “City \*\*2\*\*”*`},
		`{"type":"system_header_change","props":{"old_header":"a","new_header":"see\nhttps://x.example"}}`:                               {bridge.EventDescription, "*changed the header of the channel to “see https://x.example”*"},
		`{"type":"system_header_change","props":{"old_header":"a","new_header":""}}`:                                                     {bridge.EventDescription, "*removed the header of the channel*"},
		`{"type":"system_purpose_change","props":{"new_purpose":"work"}}`:                                                                {bridge.EventDescription, "*changed the purpose of the channel to “work”*"},
		`{"type":"custom_calls","message":"Anna started a call","props":{"start_at":1,"attachments":[{"title":"Anna started a call"}]}}`: {bridge.EventCalls, "*started a call*"},
		`{"type":"custom_calls","message":"Call ended","props":{"start_at":1,"end_at":2,"attachments":[{"title":"Call ended"}]}}`:        {bridge.EventCalls, "*started a call, which has ended*"},
		`{"type":"system_ephemeral"}`:                             {"", ""},
		`{"type":"system_header_change","original_id":"p0"}`:      {"", ""},
		`{"type":"custom_calls_recording","message":"recording"}`: {"", ""},
		`{"message":"hello"}`:                                     {"", ""},
	} {
		p := postOf(t, post)
		p.UserId = anna
		e := tellsOf(p)
		if e != want.event || e != "" && carried(p) {
			t.Errorf("%s is %q, want %q; carried: %t", post, e, want.event, carried(p))
		}
		if e == "" {
			continue
		}
		s := happened(p, e, people, testConfig)
		if got := markdown.Render(s.Text); got != want.text || s.Author.Name != "Anna Ax" || s.Event != e || len(s.Text.Mentions()) > 0 {
			t.Errorf("%s: %q by %s, want %q", post, got, s.Author.Name, want.text)
		}
	}
}

// TestWhatCausewayItselfDoesIsNoEvent, nor what is done to it.
func TestWhatCausewayItselfDoesIsNoEvent(t *testing.T) {
	const me, anna = "mmmmmmmmmmmmmmmmmmmmmmmmmm", "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	b := &batch{events: bridge.Events(), me: me, config: testConfig}
	for post, want := range map[string]bool{
		`{"user_id":"` + me + `","type":"system_join_channel"}`:                                                 false,
		`{"user_id":"` + anna + `","type":"system_add_to_channel","props":{"addedUserId":"` + me + `"}}`:        false,
		`{"user_id":"` + anna + `","type":"system_remove_from_channel","props":{"removedUserId":"` + me + `"}}`: false,
		`{"user_id":"` + anna + `","type":"system_join_channel"}`:                                               true,
	} {
		if _, got := b.state(postOf(t, post)); got != want {
			t.Errorf("%s: %t, want %t", post, got, want)
		}
	}
}
