package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestAnAccountThatCannotTellSomebodyDoesNotTakeAnotherWithIt: what is said in one service is told in the other, which does not know the account any more.
func TestAnAccountThatCannotTellSomebodyDoesNotTakeAnotherWithIt(t *testing.T) {
	inWorld(t, func(w *world) {
		var mended atomic.Bool
		var connects atomic.Int64
		a, b := w.pair(memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			switch {
			case c.After:
			case c.Op == memory.Post:
				return memory.Fails(bridge.Rejected)
			case c.Op == memory.Notify && !mended.Load():
				return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Err: errors.New("the token is dead")}
			}
			return nil
		}}, memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			switch {
			case c.Op == memory.Connect && !c.After:
				connects.Add(1)
			case c.Op == memory.Notify && !c.After:
				return memory.Fails(bridge.Unsupported)
			}
			return nil
		}})
		w.connect(a, "ann", b, "Ann")
		w.wait(time.Second)
		before := connects.Load()
		b.Say("town", "Ann", "refused")
		w.wait(2 * time.Hour)
		w.same(connects.Load(), before)
		w.same(len(a.Notices()), 0)
		a.Say("town", "ben", "hello")
		w.wait(time.Hour)
		w.same(texts(b, "town"), []string{"refused", "hello"})
		mended.Store(true)
		w.wait(time.Hour)
		w.same(len(a.Notices()), 1)
		w.same(a.Notices()[0].User, bridge.UserID("ann"))
	})
}

// TestWhoIsNotToBeToldIsNotTriedAgain: where a service tells nobody, that is the end of a notice.
func TestWhoIsNotToBeToldIsNotTriedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		var tried atomic.Int64
		a, b := w.pair(memory.Options{Fault: before(memory.Post, func() error { return memory.Fails(bridge.Rejected) })},
			memory.Options{Fault: before(memory.Notify, func() error { tried.Add(1); return memory.Fails(bridge.Unsupported) })})
		b.Say("town", "Ann", "refused")
		w.wait(24 * time.Hour)
		b.Say("town", "Ann", "refused again")
		w.wait(24 * time.Hour)
		w.same([]int{int(tried.Load()), len(w.held()), len(a.Notices()), len(b.Notices())}, []int{2, 2, 0, 0})
	})
}
