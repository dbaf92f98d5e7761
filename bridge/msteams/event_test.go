package msteams

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
	"causeway/contrib/sim/teams"
)

// asking is an inbox that wants all events.
type asking struct{ *testInbox }

func (asking) Events(bridge.ConversationID) []bridge.Event { return bridge.Events() }

// TestWhatNoticesOfTeamsTell in words of people, by who did it.
func TestWhatNoticesOfTeamsTell(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	user := func(id, name string) string {
		return fmt.Sprintf(`{"application":null,"device":null,"user":{"id":%q,"displayName":%s,"userIdentityType":"aadUser"}}`, id, name)
	}
	member := func(id, name string) string {
		return fmt.Sprintf(`{"id":%q,"displayName":%s,"userIdentityType":"aadUser"}`, id, name)
	}
	bob := user(w.bob.ID, "null") // whose name is asked for
	many := ""
	for n := range 7 {
		many += "," + member(fmt.Sprint("u", n), fmt.Sprintf(`"U%d"`, n))
	}
	for kind, c := range map[string]struct {
		detail string
		event  bridge.Event
		want   string
	}{
		"callStarted 1":             {`"callEventType":"call","initiator":` + bob, bridge.EventCalls, "Bob Brown: *started a call*"},
		"callStarted 2":             {`"callEventType":"meeting","initiator":` + bob, bridge.EventCalls, "Bob Brown: *started a meeting*"},
		"callStarted 3":             {`"initiator":null`, bridge.EventCalls, "Somebody: *started a call*"},
		"callEnded":                 {`"callDuration":"PT59S","callEventType":"meeting","initiator":` + bob, bridge.EventCalls, "Bob Brown: *The meeting has ended.*"},
		"callRecording 1":           {`"callRecordingStatus":"initial","initiator":` + bob, "", ""},
		"callRecording 2":           {`"callRecordingStatus":"success","callRecordingDisplayName":"M.mp4","callRecordingUrl":"https://x.example/M.mp4","callRecordingDuration":"PT40M19.26S","initiator":` + bob, bridge.EventCalls, "Bob Brown: *There is a recording: [M.mp4](https://x.example/M.mp4)*"},
		"channelRenamed":            {`"channelDisplayName":"Berlin *2*","initiator":` + bob, bridge.EventRenamed, `Bob Brown: *renamed the channel to “Berlin \*2\*”*`},
		"teamRenamed":               {`"teamDisplayName":"Sales","initiator":` + bob, bridge.EventRenamed, "Bob Brown: *renamed the team to “Sales”*"},
		"channelDescriptionUpdated": {`"channelDescription":"@all <at id=\"0\">x</at>","initiator":` + bob, bridge.EventDescription, "Bob Brown: *changed the description of the channel to “@\u200ball &lt;at id=\"0\">x&lt;/at>”*"},
		"teamDescriptionUpdated":    {`"teamDescription":"what\nwe do","initiator":` + bob, bridge.EventDescription, "Bob Brown: *changed the description of the team to “what we do”*"},
		"messagePinned":             {`"initiator":` + bob, bridge.EventPinned, "Bob Brown: *pinned a message*"},
		"messageUnpinned":           {`"initiator":` + bob, bridge.EventPinned, "Bob Brown: *unpinned a message*"},
		"membersAdded 1":            {`"members":[` + member(w.bob.ID, "null") + `],"initiator":` + bob, bridge.EventMembers, "Bob Brown: *joined*"},
		"membersAdded 2":            {`"members":[` + member(w.bob.ID, "null") + `,` + member("a", `"Ada"`) + `],"initiator":` + user("z", `"Zoe"`), bridge.EventMembers, "Zoe: *added Bob Brown and Ada*"},
		"membersAdded 3":            {`"members":[` + many[1:] + `],"initiator":` + bob, bridge.EventMembers, "Bob Brown: *added U0, U1, U2, U3, U4 and 2 others*"},
		"membersAdded 4":            {`"members":[],"initiator":` + bob, "", ""},
		"membersJoined":             {`"members":[` + member("g", `"Alex (Guest)"`) + `],"initiator":` + bob, bridge.EventMembers, "Bob Brown: *Alex (Guest) joined*"},
		"membersDeleted":            {`"members":[` + member("a", `"Ada"`) + `],"initiator":` + bob, bridge.EventMembers, "Bob Brown: *removed Ada*"},
		"membersLeft":               {`"members":[` + member(w.bob.ID, "null") + `],"initiator":` + bob, bridge.EventMembers, "Bob Brown: *left*"},
		"teamArchived":              {`"initiator":` + bob, "", ""},
		"tabUpdated":                {`"initiator":` + bob, "", ""},
		"somethingNew":              {`"initiator":` + bob, "", ""},
	} {
		name, _, _ := cutLast(kind)
		for _, messageType := range []string{"systemEventMessage", "unknownFutureValue"} {
			m := fromJSON(t, fmt.Sprintf(`"messageType":%q,"from":null,"body":{"contentType":"html","content":"<systemEventMessage/>"},"eventDetail":{"@odata.type":"#microsoft.graph.%sEventMessageDetail",%s}`, messageType, name, c.detail))
			if s, ok := a.state(t.Context(), w.id(w.general), m); ok {
				t.Errorf("%s is put although nobody asks for it: %+v", kind, s)
			}
			e := a.eventIn(t.Context(), m)
			if e.kind == "" {
				if c.event != "" {
					t.Errorf("%s tells nothing", kind)
				}
				continue
			}
			s := a.eventState(t.Context(), w.id(w.general), m, e)
			if got := s.Author.Name + ": " + markdown.Render(s.Text); got != c.want || s.Event != c.event || s.ID == "" || len(s.Text.Mentions()) > 0 {
				t.Errorf("%s: %q (%s), want %q (%s)", kind, got, s.Event, c.want, c.event)
			}
		}
	}
}

// cutLast takes the number off the name of a case.
func cutLast(kind string) (name, number string, ok bool) {
	var n int
	if _, err := fmt.Sscanf(kind, "%s %d", &name, &n); err != nil {
		return kind, "", false
	}
	return name, fmt.Sprint(n), true
}

// TestNoticesThatAreWantedArriveOnce, by reading and by notification.
func TestNoticesThatAreWantedArriveOnce(t *testing.T) {
	for _, rich := range []bool{false, true} {
		t.Run(fmt.Sprintf("rich %t", rich), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSimWorld(t, teams.Options{})
				if rich {
					w.richly()
				}
				a, inbox := w.connected(), asking{newTestInbox(w.id(w.general))}
				stop := w.running(a, inbox)
				time.Sleep(time.Minute)
				by := map[string]any{"user": map[string]any{"id": w.bob.ID, "displayName": nil, "userIdentityType": "aadUser"}}
				id := w.sim.SystemMessage(w.general, "channelRenamedEventMessageDetail", map[string]any{"channelDisplayName": "Berlin", "initiator": by})
				w.say(1, "hello")
				time.Sleep(10 * time.Minute)
				stop()
				stop = w.running(a, inbox)
				time.Sleep(10 * time.Minute)
				stop()
				n := 0
				for _, b := range inbox.puts {
					for _, s := range b.States {
						if string(s.ID) == id {
							n++
						}
					}
				}
				s := inbox.state(w.id(w.general), id)
				want := bridge.State{Conversation: w.id(w.general), ID: bridge.MessageID(id), Author: bridge.Author{ID: bridge.UserID(w.bob.ID), Name: "Bob Brown", Avatar: s.Author.Avatar},
					Created: s.Created, Revision: s.Revision, Event: bridge.EventRenamed,
					Text: richtext.Doc{paragraph(richtext.Run{Text: "renamed the channel to “Berlin”", Style: richtext.Italic})}}
				if diff := cmp.Diff(want, s); diff != "" || n == 0 {
					t.Errorf("put %d times (-want +got):\n%s", n, diff)
				}
			})
		})
	}
}
