package gateway

import (
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestAReactionOfTheLostIsSetWhenTheyHaveConnectedAgain, as nobody else may set it in a talk; also after a restart, and as often as they lose and connect.
func TestAReactionOfTheLostIsSetWhenTheyHaveConnectedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		one, two := a.Say(dm, "ann", "one"), a.Say(dm, "ben", "two")
		w.wait(5 * time.Second)
		b.Revoke("Ann")
		a.Say(dm, "ann", "waits") // by which it comes out
		w.wait(5 * time.Second)
		a.React(dm, one, "ann", "👍")
		a.React(dm, two, "ann", "🎉")
		a.React(dm, two, "ben", "👍")
		w.wait(5 * time.Second)
		set := func() (all []string) {
			for _, m := range b.Messages(b.Talks()[0].Conversation.Channel) {
				for _, r := range m.Reactions {
					all = append(all, m.Text+" "+string(r.User)+" "+r.Emoji)
				}
			}
			slices.Sort(all)
			return all
		}
		w.same(set(), []string{"two Ben 👍"})
		w.connect(a, "cid", b, "Cid") // somebody else
		w.wait(5 * time.Second)
		w.same(set(), []string{"two Ben 👍"})
		w.down()
		w.start()
		a.Unreact(dm, two, "ann", "🎉") // what is taken back meanwhile is not set
		w.wait(5 * time.Second)
		b.Grant("Ann")
		w.connect(a, "ann", b, "Ann")
		w.wait(5 * time.Second)
		w.same(set(), []string{"one Ann 👍", "two Ben 👍"})
	})
}

// TestWhatOnlyWaitsForAReactionIsLikeWhatIsDelivered: it is changed and quarantined as that is, and nothing but the reaction waits for whoever is lost.
func TestWhatOnlyWaitsForAReactionIsLikeWhatIsDelivered(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		theirs := likeTeams()
		theirs.Fault = s.fault
		a, b := w.talking(likeMattermost(), theirs, "ann", "ben")
		dm := a.Direct("ann", "ben")
		two := a.Say(dm, "ben", "two")
		w.wait(5 * time.Second)
		chat := b.Talks()[0].Conversation.Channel
		three := b.Say(chat, "Ben", "three")
		w.wait(5 * time.Second)
		b.Revoke("Ann")
		a.Say(dm, "ann", "waits")
		w.wait(5 * time.Second)
		a.React(dm, two, "ann", "👍")
		a.React(dm, w.find(a, dm, "three").ID, "ann", "🎉")
		w.wait(5 * time.Second)
		b.Edit(chat, three, "three more")
		s.on(before(memory.Edit, func() error { return memory.Fails(bridge.Rejected) }))
		a.Edit(dm, two, "two more")
		w.wait(5 * time.Second)
		w.same(len(w.held()), 1)
		s.off()
		w.connect(a, "cid", b, "Cid") // nothing is tried again for that
		w.wait(5 * time.Second)
		w.same(len(w.held()), 1)
		w.same(w.find(b, chat, "two").ID != "", true)
		b.Grant("Ann")
		w.connect(a, "ann", b, "Ann")
		w.wait(5 * time.Second)
		w.same(len(w.held()), 1)
		w.same(len(w.find(b, chat, "three more").Reactions), 1)
	})
}
