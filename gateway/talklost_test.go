package gateway

import (
	"slices"
	"testing"
	"time"
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
