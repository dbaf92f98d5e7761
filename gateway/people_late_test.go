package gateway

import (
	"context"
	"testing"
	"time"

	"causeway/bridge/memory"
)

// TestAnEditOfACopyThatHasNotBeenSeenAgainCounts: somebody edits a copy of theirs after Causeway has, and before Causeway has seen its own edit, as its feed is stuck. By the
// service's clock theirs is later, however wrong the clock of this machine is; only what is from within seconds of Causeway's cannot be told apart.
func TestAnEditOfACopyThatHasNotBeenSeenAgainCounts(t *testing.T) {
	for name, skew := range map[string]time.Duration{"clocks agree": 0, "the service's is ahead": time.Hour, "it is behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b := w.connectedPair(memory.Options{}, memory.Options{Fault: s.fault, Skew: skew})
				id := a.Say("town", "alice", "one")
				w.wait(5 * time.Second)
				stuck := make(chan struct{})
				s.on(func(ctx context.Context, c memory.Call) error {
					if c.Op == memory.Feeding {
						select {
						case <-stuck:
						case <-ctx.Done():
						}
					}
					return nil
				})
				a.Edit("town", id, "two")
				w.wait(30 * time.Second)
				w.same(texts(b, "town"), []string{"two"})
				b.Edit("town", w.find(b, "town", "two").ID, "three")
				w.wait(30 * time.Second)
				close(stuck)
				w.wait(time.Minute)
				w.same(texts(b, "town"), []string{"three"})
				w.same(texts(a, "town"), []string{"three"})
			})
		})
	}
}
