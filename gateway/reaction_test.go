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

// lateBridge tells of a reaction only when told to.
type lateBridge struct {
	bridge.Bridge
	refused func()
}

func (l lateBridge) React(ctx context.Context, t bridge.Target, emoji string, on bool) error {
	err := l.Bridge.React(ctx, t, emoji, on)
	if bridge.KindOf(err) == bridge.Gone {
		l.refused()
	}
	return err
}

func TestAReactionRefusedWhileItsMessageIsBeingRestoredIsSetAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{Settle: 2 * time.Second}), w.service("b", memory.Options{})
		var id bridge.MessageID
		w.wrap("a", func(inner bridge.Bridge) bridge.Bridge {
			return lateBridge{inner, func() {
				a.Undelete("town", id)
				time.Sleep(5 * time.Second) // the feed tells of it before the refusal is stored
			}}
		})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		id = a.Say("town", "ann", "not deleted after all")
		a.React("town", id, "ben", "🎉")
		w.wait(time.Minute)
		a.Delete("town", id)
		b.React("town", w.find(b, "town", "not deleted after all").ID, "cyd", "👍")
		w.wait(time.Minute)
		w.same(emojiOf(a.Messages("town")[0], true), []string{"👍"})
	})
}
