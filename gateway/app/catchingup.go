package app

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"causeway/gateway"
)

const (
	// backlogPause lies between two looks at what waits, and longerPause when that has gone on for a minute: each asks the store.
	backlogPause, longerPause = 500 * time.Millisecond, 2 * time.Second
	// stuckAfter is how long nothing that waits may have moved: the rest waits for somebody who mends an account or a channel, and the status tells of it.
	stuckAfter = time.Minute
	// quietLooks is how many looks in a row must find nothing before it counts as caught up: a bridge that has just connected needs a moment to read.
	quietLooks = 10
)

// terminal takes the log, and shows below it how far the catching up has come. Its methods may be called at the same time.
type terminal struct {
	out io.Writer

	mutex sync.Mutex
	bar   *progressbar.ProgressBar
}

// watchedLog gives the terminal on which somebody watches the log; nil: nobody does.
func (c *call) watchedLog() *terminal {
	f, is := c.Stderr.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &terminal{out: f}
}

// Write takes a line of the log. The bar comes again below it with the next look.
func (t *terminal) Write(line []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.bar != nil {
		_ = t.bar.Clear()
	}
	return t.out.Write(line)
}

// show tells that of all that has waited so many have arrived.
func (t *terminal) show(arrived, all int) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.bar == nil {
		t.bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(t.out), progressbar.OptionSetDescription("delivering what waited"),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
	}
	t.bar.ChangeMax(all)
	_ = t.bar.Set(arrived)
}

// end takes the bar away.
func (t *terminal) end() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.bar != nil {
		_ = t.bar.Clear()
	}
	t.bar = nil
}

// backlog is what has waited since the start.
type backlog struct {
	// most is how much waited at once, arrived how much of that has arrived: both at most.
	most, arrived int
	// oldest is since when the first has waited, and moved when some had last arrived, or might not yet.
	oldest, moved time.Time
}

// see takes what waits now. Where more waits than ever, that some have arrived shows in that another is the oldest.
func (b *backlog) see(s gateway.Status, now time.Time) {
	b.most = max(b.most, s.Totals.Waiting)
	arrived := b.most - s.Totals.Waiting
	if s.Totals.Waiting == 0 || connecting(s) || arrived > b.arrived || s.Totals.Oldest.After(b.oldest) {
		b.moved = now
	}
	b.arrived, b.oldest = max(b.arrived, arrived), s.Totals.Oldest
}

// catchingUp shows how much of what waited at the start has arrived, until nothing waits any more, or moves for stuckAfter, or ctx ends. What has waited for
// less than progressAfter is not worth a bar.
func (t *terminal) catchingUp(ctx context.Context, look func(context.Context) gateway.Status) {
	defer t.end()
	looks := time.NewTicker(backlogPause)
	defer looks.Stop()
	began := time.Now()
	all := backlog{moved: began}
	for quiet := 0; quiet < quietLooks && time.Since(all.moved) < stuckAfter; {
		select {
		case <-ctx.Done():
			return
		case <-looks.C:
		}
		s := look(ctx)
		all.see(s, time.Now())
		if time.Since(began) >= time.Minute {
			looks.Reset(longerPause)
		}
		switch {
		case s.Totals.Waiting > 0:
			quiet = 0
			if time.Since(began) >= progressAfter {
				t.show(all.most-s.Totals.Waiting, all.most)
			}
		case connecting(s):
			t.end()
		default:
			t.end()
			quiet++
		}
	}
}

// connecting tells that an account was just started.
func connecting(s gateway.Status) bool {
	for _, a := range s.Accounts {
		if !a.Connected && a.Trouble == nil {
			return true
		}
	}
	return false
}
