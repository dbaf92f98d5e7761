package people

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// TestWhatIsToBeToldIsToldAfterARestart ends Causeway just before it would have told alice that she is connected, and that she is not any more.
func TestWhatIsToBeToldIsToldAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		run := func(can bool) {
			s.fails(memory.Notify, map[bool]error{false: memory.Fails(bridge.Transient)}[can])
			stop := s.running()
			time.Sleep(time.Minute)
			stop()
		}
		tells := func(words string, want int) {
			t.Helper()
			if n, _ := told(s, words); n != want {
				t.Errorf("told %d times %q: %+v", n, words, s.mm.Notices())
			}
		}
		s.both("alice").open(s.link("alice")).press(pressBegin).press(pressFinish).wants(donePage)
		run(false)
		tells("You are connected.", 0)
		run(true)
		run(true)
		tells("You are connected.", 1)

		s.types("alice", "/msteams disconnect")
		run(false)
		if got := s.stored(); got != "" {
			t.Errorf("stored %q", got)
		}
		tells(farewell, 0)
		run(true)
		run(true)
		tells(farewell, 1)
	})
}

// TestLeavingSeveralIsToldOnce: alice disconnects from two at once.
func TestLeavingSeveralIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(o *setting) { o.tenants = 2 })
		defer s.close()
		connected(s, tmAccount, faAccount)
		s.types("alice", "/msteams disconnect contoso")
		s.types("alice", "/msteams disconnect fabrikam")
		defer s.running()()
		time.Sleep(time.Hour)
		if n, _ := told(s, "You are not connected with Microsoft Teams and Microsoft Teams (Fabrikam) any more."); n != 1 || len(s.mm.Notices()) != 1 {
			t.Errorf("told %+v", s.mm.Notices())
		}
	})
}

// TestWhatCannotBeUnmutedIsOwed: only alice herself could unmute her channel, and her right is gone. She is told which one it is, and it is unmuted when
// she has connected again.
func TestWhatCannotBeUnmutedIsOwed(t *testing.T) {
	for _, how := range []string{"lost", "disconnected"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, byThemselves)
				defer s.close()
				s.mm.AddChannel("town", "main/town")
				s.mm.SetMembers("town", "alice")
				s.both("alice").open(s.link("alice")).press(pressBegin).press(pressFinish).wants(donePage)
				s.mm.Set("alice", "town", memory.Mention)
				if err := s.store.SetMute(t.Context(), store.Mute{Server: "mattermost:1", User: "alice", Channel: "town", Before: memory.All, State: store.Muted}); err != nil {
					t.Fatal(err)
				}
				s.mm.Revoke("alice")
				if _, err := s.store.Turn(t.Context(), "mattermost:1", "alice", store.Connected, store.Lost, "refused"); err != nil {
					t.Fatal(err)
				}
				if how == "disconnected" {
					s.types("alice", "/msteams disconnect")
				}
				stop := s.running()
				time.Sleep(10 * time.Minute)
				const owed = "These stay muted for you:"
				words := map[string]string{"lost": "Causeway cannot write as Alice Chen in Mattermost", "disconnected": farewell}[how]
				if n, _ := told(s, owed); n != 1 || s.mm.Setting("alice", "town") != memory.Mention {
					t.Errorf("told %d times; it is %s", n, s.mm.Setting("alice", "town"))
				}
				for _, n := range s.mm.Notices() {
					if said := text(n.Text); strings.Contains(said, owed) && (!strings.Contains(said, words) || !strings.Contains(said, "main/town in Mattermost")) {
						t.Errorf("told %q", said)
					}
				}
				s.both("alice").open(s.link("alice")).press(pressBegin).press(pressFinish).wants(donePage)
				time.Sleep(5 * time.Second)
				stop()
				if got := s.mm.Setting("alice", "town"); got != memory.All {
					t.Errorf("after connecting again it is %s", got)
				}
			})
		})
	}
}
