package gateway

import (
	"context"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

func TestAReactionThatComesBackWhileItsRemovalIsUncertainIsSetAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		var lost switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: lost.fault})
		id := a.Say("town", "ann", "well done")
		a.React("town", id, "ben", "👍")
		w.wait(time.Second)
		lost.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.React && c.After {
				return memory.LostAnswer()
			}
			return nil
		})
		a.Unreact("town", id, "ben", "👍")
		w.wait(time.Millisecond)
		w.same(b.Messages("town")[0].Reactions, []bridge.Reaction{})
		a.React("town", id, "ben", "👍")
		lost.off()
		w.wait(time.Minute)
		w.crossed(a, "town", b, "town")
	})
}
