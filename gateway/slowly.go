package gateway

import (
	"context"
	"time"
)

const (
	// lived is how long a process must have lived, so that its end is not one of many. One that is killed now and then must not be taken for one that cannot begin.
	lived = 2 * time.Second
	// loopFree is how many processes may end early before the next one waits, and loopLongest how long it waits at most.
	loopFree    = 3
	loopLongest = time.Minute
)

// slowly waits before the services are asked for anything, longer each time, where one process after the other has ended before it had lived: whoever starts them anew
// all the time must not hammer the services, nor must several that take over from each other. It reports whether ctx is still alive.
func (g *Gateway) slowly(ctx context.Context) bool {
	ended, err := g.store.Begun(ctx)
	if err != nil {
		g.storeFailed(err)
		return ctx.Err() == nil
	}
	if wait := loopWait(ended); wait > 0 {
		g.log.WithField("starts", ended).WithField("wait", wait.String()).Error("Causeway has ended early again and again, so it waits before it goes on; what ended it stands above in this log")
		if !pause(ctx, wait) {
			return false
		}
	}
	g.tasks.Go(func() {
		if !pause(ctx, lived) {
			return
		}
		if err := g.store.Lived(ctx); err != nil {
			g.storeFailed(err)
		}
	})
	return true
}

// loopWait is how long a process waits when so many before it have ended early.
func loopWait(ended int) time.Duration {
	if ended < loopFree {
		return 0
	}
	return min(loopLongest, time.Second<<min(ended-loopFree, 10))
}
