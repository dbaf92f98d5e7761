package people

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// errandTime is how long an errand may take.
const errandTime = 10 * time.Minute

// errand is an order that takes longer than a command may.
type errand struct {
	home  Account
	by    Administrator
	order Order
}

// errands is the duty that does what takes longer, one after the other, and tells by a direct message what has become of it.
type errands struct {
	p     *People
	queue chan errand

	mutex sync.Mutex // guards busy
	// busy: one is under way.
	busy bool
}

func newErrands(p *People) *errands { return &errands{p: p, queue: make(chan errand, 1)} }

// take begins an errand, unless one is under way.
func (e *errands) take(one errand) bridge.Reply {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.busy {
		return say("Somebody is doing that just now. Try again in a few minutes.")
	}
	e.busy = true
	e.queue <- one // there is room, as nothing else is under way
	return say("Looking who has left. You get a direct message when that is done.")
}

func (e *errands) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-e.queue:
			e.do(ctx, one)
		}
	}
}

func (e *errands) do(ctx context.Context, one errand) {
	defer func() { // also after a panic, or nobody could ever order one again
		e.mutex.Lock()
		defer e.mutex.Unlock()
		e.busy = false
	}()
	limited, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	done, err := e.p.Administer(limited, one.by, one.order)
	text := richtext.Doc{paragraph(bold("Who has left:"))}
	if err != nil {
		done = []Outcome{{Text: err.Error(), Failed: true}}
	}
	var lines [][]richtext.Run
	for i, d := range done {
		if i == chatMost {
			lines = append(lines, []richtext.Run{plain(fmt.Sprintf("and %d more", len(done)-chatMost))})
			break
		}
		lines = append(lines, outcomeRuns(d))
	}
	if err := e.p.notify(ctx, one.home, one.by.User, append(text, list(lines...))); err != nil && ctx.Err() == nil {
		e.p.o.Log.WithField("account", string(one.home.Name)).WithError(errors.New(bridge.Cause(err))).Warn("telling an administrator what was done failed")
	}
}
