package gateway

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// TestAttemptTellsHowOftenAStepWasTried of the message that is next, and forgets it once it has arrived.
func TestAttemptTellsHowOftenAStepWasTried(t *testing.T) {
	inWorld(t, func(w *world) {
		var broken switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: broken.fault})
		broken.on(before(memory.Post, func() error { return &bridge.Error{Kind: bridge.Transient, Err: errors.New("503")} }))
		began := time.Now()
		a.Say("town", "ann", "the first")
		a.Say("town", "ann", "the second")
		w.wait(6 * time.Second)
		c := bridge.ConversationID{Server: "memory:b", Channel: "town"}
		got, failing := w.gateway.Attempt(c)
		if !failing || got.Times < 2 || !got.Last.After(got.Since) || got.Since.Before(began) || got.Instance == 0 {
			w.t.Errorf("%+v %v", got, failing)
		}
		before := got
		w.wait(25 * time.Minute) // within which it is not given up
		got, _ = w.gateway.Attempt(c)
		got.Times, got.Last, before.Times, before.Last = got.Times-before.Times, time.Time{}, 0, time.Time{}
		if got.Times < 5 {
			w.t.Errorf("within 25 minutes it was tried %d times", got.Times)
		}
		got.Times = 0
		if diff := cmp.Diff(before, got); diff != "" {
			w.t.Errorf("(-before +after):\n%s", diff)
		}
		broken.off()
		w.wait(10 * time.Minute)
		w.crossed(a, "town", b, "town")
		if got, failing := w.gateway.Attempt(c); failing {
			w.t.Errorf("%+v", got)
		}
	})
}

func TestAttemptsCountOneStepAfterTheOther(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	var a attempts
	for _, step := range []struct {
		instance int64
		op       store.Op
		err      error
		times    int
	}{{1, store.Post, one, 1}, {1, store.Find, nil, 1}, {1, store.Post, two, 2}, {1, store.Find, one, 3}, {2, store.Post, one, 1}, {2, store.Post, nil, 0}, {2, store.Post, one, 1}, {3, store.Find, nil, 0}} {
		a.note(step.instance, step.op, step.err)
		if a.times != step.times {
			t.Errorf("after %+v it is %d", step, a.times)
		}
	}
}
