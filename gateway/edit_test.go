package gateway

import (
	"context"
	"testing"
	"time"

	"causeway/bridge/memory"
)

func TestAnEditBehindCausewaysOwnIsNotHiddenByAClockThatHasNotMoved(t *testing.T) {
	inWorld(t, func(w *world) {
		var slow switched
		a, b := w.connectedPair(memory.Options{Tick: time.Hour, Fault: slow.fault}, memory.Options{})
		id := a.Say("town", "alice", "first")
		w.wait(time.Second)
		copied := b.Messages("town")[0].ID
		a.Edit("town", id, "second")
		w.wait(time.Second)
		b.Edit("town", copied, "third")
		w.wait(time.Second)
		slow.on(func(ctx context.Context, c memory.Call) error {
			if c.Op == memory.Feeding && !c.After {
				pause(ctx, 10*time.Second)
			}
			return nil
		})
		a.Say("town", "cyd", "the feed is slow")
		w.wait(time.Second)
		b.Edit("town", copied, "fourth")
		w.wait(time.Second)
		w.same(texts(a, "town"), []string{"fourth", "the feed is slow"})
		a.Edit("town", id, "fifth")
		slow.off()
		w.wait(time.Minute)
		w.same(texts(b, "town"), texts(a, "town"))
	})
}
