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

// reacting is a pair of services on which alice has just reacted to a message of ben's, so that the same was set as ally on its copy. That ally takes
// it away at once is the first that the feed tells of it.
func (w *world) reacting(faults *switched, meanwhile memory.Fault) (a, b *memory.Service) {
	a, b = w.connectedPair(memory.Options{}, memory.Options{Fault: faults.fault})
	id := a.Say("town", "ben", "hello")
	w.wait(time.Second)
	faults.on(func(ctx context.Context, c memory.Call) error {
		if c.Op == memory.Feeding && !c.After {
			pause(ctx, 10*time.Second)
		}
		return meanwhile(ctx, c)
	})
	b.Say("town", "cyd", "the feed is slow")
	w.wait(time.Second)
	a.React("town", id, "alice", "👍")
	w.wait(time.Second)
	w.same(all(b)[0].Marks, []bridge.Reaction{{User: "ally", Emoji: "👍"}})
	b.Unreact("town", b.Messages("town")[0].ID, "ally", "👍")
	return a, b
}

func TestAReactionTakenAwayBeforeItWasSeenGoesEverywhereHoweverLongNobodyCanLook(t *testing.T) {
	for _, kind := range []bridge.Kind{bridge.Transient, bridge.Unauthorised} {
		t.Run(kind.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var faults switched
				a, _ := w.reacting(&faults, before(memory.Read, func() error { return memory.Fails(kind) }))
				w.wait(10 * time.Minute)
				faults.off()
				w.wait(10 * time.Minute)
				w.same(all(a)[0].Marks, []bridge.Reaction(nil))
			})
		})
	}
}

func TestAReactionTakenAwayWhileTheAnswerToSettingItIsUnderWayGoesEverywhere(t *testing.T) {
	inWorld(t, func(w *world) {
		var faults switched
		a, b := w.reacting(&faults, func(ctx context.Context, c memory.Call) error {
			if c.Op == memory.React && c.After {
				pause(ctx, time.Minute)
			}
			return nil
		})
		w.wait(10 * time.Minute)
		w.same(all(a)[0].Marks, []bridge.Reaction(nil))
		w.same(all(b)[0].Marks, []bridge.Reaction(nil))
	})
}

// TestAReactionThatIsThrottledIsNotTakenForOneTakenAway by the look at another one that its person did take away.
func TestAReactionThatIsThrottledIsNotTakenForOneTakenAway(t *testing.T) {
	inWorld(t, func(w *world) {
		var faults switched
		set := 0
		a, b := w.reacting(&faults, before(memory.React, func() error {
			if set++; set == 2 {
				return memory.Throttles(bridge.ScopePerson, time.Minute)
			}
			return nil
		}))
		a.React("town", a.Messages("town")[0].ID, "alice", "🎉")
		w.wait(10 * time.Minute)
		w.same(all(a)[0].Marks, []bridge.Reaction{{User: "alice", Emoji: "🎉"}})
		w.same(all(b)[0].Marks, []bridge.Reaction{{User: "ally", Emoji: "🎉"}})
		w.same(set, 3)
	})
}
