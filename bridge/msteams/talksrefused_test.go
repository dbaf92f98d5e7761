package msteams

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestABusyChatThatIsRefusedCostsLittle: each minute what was said since is read once.
func TestABusyChatThatIsRefusedCostsLittle(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		w.inbox.decides(func(bridge.Talk) (bridge.Interest, error) { return bridge.Refused, nil })
		group := w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		before := 0
		for n := range 20 * 60 {
			by := w.alice
			switch n {
			case 5 * 60:
				before = w.reads()
			case 15 * 60:
				by = w.bob
			}
			w.says(by, group, "not carried")
			time.Sleep(time.Second)
		}
		if reads := w.reads() - before; reads > 15*3 { // 60 messages are on two pages, and the service may give an empty one
			w.Errorf("messages were asked for %d times in 15 minutes", reads)
		}
		time.Sleep(2 * time.Minute)
		if !slices.ContainsFunc(w.inbox.meetings(), func(m bridge.Talk) bool { return slices.Contains(m.Speakers, w.bobID) }) {
			w.Error("who has spoken once among many others' messages is not told of")
		}
	})
}

// TestAChatWhoseMessagesCannotBeReadIsLetBe until somebody speaks again: it is not tried for ever, and what else is said in chats is noted as noticed.
func TestAChatWhoseMessagesCannotBeReadIsLetBe(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		w.inbox.decides(func(bridge.Talk) (bridge.Interest, error) { return bridge.Refused, nil })
		chat := w.tenant.AddChat(w.alice, w.carla)
		w.sim.Inject(teams.Fault{Method: "GET", Template: "/chats/{id}/messages", Times: -1, Status: http.StatusForbidden})
		for _, u := range []*teams.User{w.alice, w.carla} {
			w.says(u, chat, "not carried")
		}
		time.Sleep(10 * time.Minute)
		before := w.reads()
		time.Sleep(time.Hour)
		if w.inbox.happened() != "meet ac" || w.reads() != before {
			w.Errorf("it came so: %s; in the last hour messages were asked for %d times", w.inbox.happened(), w.reads()-before)
		}
	})
}
