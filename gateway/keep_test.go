package gateway

import (
	"strings"
	"testing"
	"time"

	"causeway/bridge/memory"
)

// TestWhatCouldNotBeReadForLongIsNotTakenForForgotten: what was said where nobody could read for longer than messages are remembered is new when it is read.
func TestWhatCouldNotBeReadForLongIsNotTakenForForgotten(t *testing.T) {
	for name, unread := range map[string]struct{ begins, ends func(b *memory.Service) }{
		"the channel is closed":  {func(b *memory.Service) { b.Shut("town") }, func(b *memory.Service) { b.Reopen("town") }},
		"the account is refused": {func(b *memory.Service) { b.Revoke("bot") }, func(b *memory.Service) { b.Grant("bot") }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.keep = Keep{Messages: 2 * time.Hour}
				a, b := w.pair(memory.Options{}, memory.Options{})
				a.Say("town", "ann", "carried")
				w.wait(time.Second)
				unread.begins(b)
				b.Say("town", "ben", "unread")
				w.wait(5 * time.Hour)
				unread.ends(b)
				w.wait(10 * time.Minute)
				w.same(texts(a, "town"), []string{"carried", "unread"})
				w.wait(5 * time.Hour)
				stored, err := dump(w.path)
				w.same(err, nil)
				w.same(strings.Contains(stored, "\nmessages "), false) // then both are forgotten
			})
		})
	}
}
