package bridgetest

import (
	"context"
	"time"

	"causeway/bridge"
)

// endLaws: everything ends when its context does. That no goroutine is left is checked at the end of every law.
var endLaws = []Law{
	{Name: "Run ends at once while nothing happens", prove: runEndsIdle},
	{Name: "Run ends at once while Put hangs", prove: runEndsInPut},
	{Name: "Run ends at once while the service hangs", needs: need(func(f Features) bool { return f.NoHang }, "hang"), prove: runEndsHanging},
	{Name: "Run ends at once while the service throttles", needs: need(func(f Features) bool { return f.NoThrottle }, "throttle"), prove: runEndsThrottled},
	{Name: "a hanging write ends with its context and is uncertain", needs: need(func(f Features) bool { return f.NoHang }, "hang"), prove: writeEnds},
	{Name: "a context that has ended writes nothing", prove: endedWritesNothing},
}

func runEndsIdle(w *world) {
	p := w.Place()
	w.start(p)
	w.halt()
	w.read()
	w.halt()
	w.Say(p.ID, Alice, "after it has ended twice")
	w.read()
	w.converges(p)
}

func runEndsInPut(w *world) {
	p := w.Place()
	w.start(p)
	hangs := make(chan struct{}, 1)
	w.inbox.hooks(func(ctx context.Context, b bridge.Batch) error {
		if len(b.States) == 0 {
			return nil
		}
		select {
		case hangs <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return ctx.Err()
	}, nil)
	w.Say(p.ID, Alice, "the store is slow")
	select {
	case <-hangs:
	case <-time.After(w.Within()):
		w.Fatal("nothing was put")
	}
	w.halt()
	w.inbox.hooks(nil, nil)
	w.read()
	w.converges(p)
}

// runEndsHanging cannot see when Run has come to the request that hangs, so it ends it at several moments.
func runEndsHanging(w *world) {
	p := w.Place()
	w.start(p)
	release := w.Hang(Reads)
	defer release()
	w.Say(p.ID, Alice, "nobody answers")
	for _, moment := range []time.Duration{100 * time.Millisecond, 0, 10 * time.Millisecond} {
		pause(w.ctx, moment)
		w.halt()
		w.read()
	}
	w.halt()
	release()
	w.read()
	w.converges(p)
}

func runEndsThrottled(w *world) {
	p := w.Place()
	w.start(p)
	w.stop()
	w.Say(p.ID, Alice, "come back in an hour")
	w.connect()
	w.inbox.watch(p)
	w.Throttle(Reads, 1000, time.Hour)
	for _, moment := range []time.Duration{100 * time.Millisecond, 0, 10 * time.Millisecond} {
		w.read()
		pause(w.ctx, moment)
		w.halt()
	}
}

func writeEnds(w *world) {
	p := w.Place()
	w.connect()
	release := w.Hang(Writes)
	defer release()
	before := w.Attempts
	started := 0
	if !w.Features().NoAttempts {
		started = before()
	}
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	result := make(chan error, 1)
	d := w.draft(p, "does this arrive?")
	b := w.bridge
	go func() {
		_, err := b.Post(ctx, d)
		result <- err
	}()
	if w.Features().NoAttempts {
		pause(w.ctx, 100*time.Millisecond)
	} else {
		w.eventually("the write is attempted", func() string {
			if w.Attempts() == started {
				return "it is not"
			}
			return ""
		})
	}
	cancel()
	select {
	case err := <-result:
		w.kind("Post", w.note(err), bridge.Uncertain)
	case <-time.After(prompt):
		w.Fatalf("Post has not returned %s after its context ended", prompt)
	}
	release()
	w.settle()
	if found, err := w.find(d); err != nil || len(found) > 0 {
		w.Errorf("Find gives %v (%v), want none", found, err)
	}
}

func endedWritesNothing(w *world) {
	p := w.Place()
	w.connect()
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if id, err := w.bridge.Post(ctx, w.draft(p, "never")); w.note(err) == nil {
		w.Errorf("Post gave %s with a context that had ended", id)
	}
	if _, err := w.bridge.Connect(ctx); w.note(err) == nil {
		w.Error("Connect succeeded with a context that had ended")
	}
	if err := w.note(w.bridge.Run(ctx, w.inbox)); err != nil {
		w.Errorf("Run with a context that had ended: %v, want nil", err)
	}
	w.post(w.draft(p, "this is said"))
	w.shows(p, "this is said")
}
