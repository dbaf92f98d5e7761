package msteams

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

// TestALostAnswerDoublesNothing, after each kind of write, whether the connection is cut or the service says that it
// failed: the key tells what stands. (The laws of the contract prove it for posts, edits, deletions and reactions of roots.)
func TestALostAnswerDoublesNothing(t *testing.T) {
	for what, lost := range map[string]teams.Fault{
		"cut":        {Where: isWrite, Drop: true, AfterEffect: true},
		"said to be": {Where: isWrite, Status: 504, AfterEffect: true},
	} {
		for _, inThread := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newSimWorld(t, teams.Options{})
				a := w.connected()
				since := time.Now()
				root, err := w.sim.Say(w.alice, w.general, "<p>root</p>")
				w.do(err)
				d := w.draft("first")
				if inThread {
					d.Root = bridge.MessageID(root)
				}
				// stands gives our posts as people see them.
				stands := func() (ours []teams.Message) {
					for _, m := range w.sim.Messages(w.general) {
						for _, m := range append([]teams.Message{m}, m.Replies...) {
							if m.Author == w.relay && !m.Deleted {
								ours = append(ours, m)
							}
						}
					}
					return ours
				}
				lose := func(write string, do func() error) {
					t.Helper()
					w.sim.Inject(lost)
					before := w.wire.attempts()
					if err := do(); bridge.KindOf(err) != bridge.Uncertain || w.wire.attempts() != before+1 {
						t.Errorf("%s, %s: %d attempts: %v (%v)", what, write, w.wire.attempts()-before, err, bridge.KindOf(err))
					}
				}
				finds := func(after string, want ...bridge.MessageID) {
					t.Helper()
					found, err := a.Find(t.Context(), d, since)
					if err != nil || !slices.Equal(found, want) {
						t.Errorf("%s: after %s Find gives %v (%v), want %v", what, after, found, err, want)
					}
				}

				lose("post", func() error { _, err := a.Post(t.Context(), d); return err })
				posted := stands()
				if len(posted) != 1 {
					t.Fatalf("%s: people see %d posts", what, len(posted))
				}
				id := messageID(posted[0].RootID, posted[0].ID)
				finds("the post", id)

				d.Text = richtext.Plain("second")
				lose("edit", func() error { return a.Edit(t.Context(), id, d) })
				finds("the edit", id)
				w.do(a.Edit(t.Context(), id, d))

				target := bridge.Target{Conversation: d.Conversation, ID: id}
				for _, on := range []bool{true, false} {
					lose("reaction", func() error { return a.React(t.Context(), target, "👍", on) })
					w.do(a.React(t.Context(), target, "👍", on))
					want := map[bool]int{true: 1}[on]
					if now := stands(); len(now) != 1 || len(now[0].Reactions) != want || now[0].Text != "Carla Fremd\nsecond" {
						t.Errorf("%s: with the reaction on: %t people see %+v", what, on, now)
					}
				}
				finds("the reactions", id)

				lose("deletion", func() error { return a.Delete(t.Context(), target) })
				finds("the deletion")
				if err := a.Delete(t.Context(), target); bridge.KindOf(err) != bridge.Gone || len(stands()) != 0 {
					t.Errorf("%s: deleting again: %v; people see %+v", what, err, stands())
				}
			})
		}
	}
}
