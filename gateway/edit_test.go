package gateway

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
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

// TestAnEditOfACopyOutlastsOneThatCouldNotBeMade: what its author writes there while the service does not take the older text from Causeway is newer; also where it may have taken it, once that
// would have been longer ago than clocks tell.
func TestAnEditOfACopyOutlastsOneThatCouldNotBeMade(t *testing.T) {
	for _, c := range []struct {
		kind  bridge.Kind
		after time.Duration // of what was tried last
	}{{bridge.Transient, 100 * time.Millisecond}, {bridge.Throttled, 100 * time.Millisecond}, {bridge.Uncertain, 20 * time.Second}} {
		t.Run(c.kind.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b := w.connectedPair(memory.Options{}, memory.Options{Fault: s.fault})
				id := a.Say("town", "alice", "first")
				w.wait(time.Second)
				copied := b.Messages("town")[0].ID
				var tried atomic.Int64
				s.on(before(memory.Edit, func() error { tried.Store(time.Now().UnixNano()); return memory.Fails(c.kind) }))
				a.Edit("town", id, "second")
				w.wait(10 * time.Millisecond)
				for time.Since(time.Unix(0, tried.Load())) < c.after {
					w.wait(10 * time.Millisecond)
				}
				b.Edit("town", copied, "third")
				w.wait(10 * time.Millisecond)
				s.off()
				w.wait(time.Hour)
				w.same([2][]string{texts(a, "town"), texts(b, "town")}, [2][]string{{"third"}, {"third"}})
			})
		})
	}
}

// TestAnEditOfACopyOutlastsOneThatWaits: what its author writes there while Causeway may not write as them, or has to wait for its turn, is newer than what it was to write; also where it ends meanwhile.
func TestAnEditOfACopyOutlastsOneThatWaits(t *testing.T) {
	throttled := func() error { return memory.Throttles(bridge.ScopePerson, 30*time.Second) }
	for name, c := range map[string]struct {
		interval time.Duration
		fault    memory.Fault // of the copy's service, once
		stops    bool
	}{
		"throttled":             {fault: before(memory.Edit, throttled)},
		"throttled by a post":   {fault: before(memory.Post, throttled)},
		"its turn":              {interval: 10 * time.Second},
		"throttled, and a stop": {fault: before(memory.Edit, throttled), stops: true},
		"its turn, and a stop":  {interval: 10 * time.Second, stops: true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b := w.connectedPair(memory.Options{}, memory.Options{Fault: s.fault, PostInterval: c.interval})
				id := a.Say("town", "alice", "first")
				w.wait(time.Minute)
				copied := b.Messages("town")[0].ID
				if c.fault != nil {
					s.on(func(ctx context.Context, call memory.Call) error {
						err := c.fault(ctx, call)
						if err != nil {
							s.off()
						}
						return err
					})
				}
				if c.interval > 0 || name == "throttled by a post" {
					a.Say("town", "alice", "before it")
					w.wait(time.Second)
				}
				a.Edit("town", id, "second")
				w.wait(time.Second)
				if c.stops {
					w.down()
				}
				b.Edit("town", copied, "third")
				w.wait(time.Second)
				if c.stops {
					w.start()
				}
				w.wait(time.Hour)
				w.same([2]string{texts(a, "town")[0], texts(b, "town")[0]}, [2]string{"third", "third"})
			})
		})
	}
}

// TestAReactionToACopyDoesNotMakeAnEditThatFailedPassForMade: what its author writes there next is theirs.
func TestAReactionToACopyDoesNotMakeAnEditThatFailedPassForMade(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.connectedPair(memory.Options{}, memory.Options{Fault: s.fault})
		id := a.Say("town", "alice", "first")
		w.wait(time.Minute)
		copied := b.Messages("town")[0].ID
		s.on(func(ctx context.Context, c memory.Call) error {
			if c.Op != memory.Edit {
				return nil
			}
			s.off()
			b.React("town", copied, "bob", "👍")
			pause(ctx, time.Second) // until that has been seen
			return memory.Throttles(bridge.ScopeConversation, time.Minute)
		})
		a.Edit("town", id, "second")
		w.wait(10 * time.Second)
		b.Edit("town", copied, "third")
		w.wait(time.Hour)
		w.same([2][]string{texts(a, "town"), texts(b, "town")}, [2][]string{{"third"}, {"third"}})
	})
}
