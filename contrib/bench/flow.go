package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// board tells the flows that are under way of what is seen at the target. Its methods may be called by any goroutine.
type board struct {
	mu    sync.Mutex
	flows map[string]*flow
	next  int
}

func newBoard() *board { return &board{flows: map[string]*flow{}} }

// open begins a series.
func (b *board) open() *flow {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	f := &flow{
		series: fmt.Sprint("s", b.next), open: map[mark]time.Time{}, shown: map[mark]time.Time{},
		arrived: map[mark]bool{}, changed: make(chan struct{}),
	}
	b.flows[f.series] = f
	return f
}

// seen is called with every text that a program has written.
func (b *board) seen(text string, at time.Time) {
	m, ok := markOf(text)
	if !ok {
		return
	}
	b.mu.Lock()
	f := b.flows[m.series]
	b.mu.Unlock()
	if f != nil {
		f.arrive(m, at)
	}
}

// answered is called with every answer of a service that is polled: it may be what shows a message for the first time.
func (b *board) answered(body []byte, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.flows {
		f.show(body, at)
	}
}

// flow is a series of messages on their way from one conversation to another.
type flow struct {
	series string

	mu      sync.Mutex
	said    []mark
	open    map[mark]time.Time // those under way, with the time at which they were said
	shown   map[mark]time.Time // when a polled answer showed them first
	watched bool               // answers are looked through
	arrived map[mark]bool
	delays  []float64 // milliseconds, in the order of arrival
	polled  []float64 // the same from the answer that showed it
	landed  []landing
	first   time.Time // arrivals
	last    time.Time
	changed chan struct{} // closed and made anew at each arrival
}

// landing is a message that has arrived.
type landing struct{ said, at time.Time }

// say notes a message as said now.
func (f *flow) say(m mark) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, m)
	f.open[m] = time.Now()
}

// watch lets answers be looked through from now on.
func (f *flow) watch(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watched = on
}

func (f *flow) show(body []byte, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.watched {
		return
	}
	for m := range f.open {
		if _, known := f.shown[m]; !known && strings.Contains(string(body), m.String()) {
			f.shown[m] = at
		}
	}
}

// arrive notes a copy; only the first one of a message counts here.
func (f *flow) arrive(m mark, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	since, ok := f.open[m]
	if !ok {
		return
	}
	delete(f.open, m)
	f.arrived[m] = true
	f.landed = append(f.landed, landing{since, at})
	f.delays = append(f.delays, milliseconds(at.Sub(since)))
	if shown, ok := f.shown[m]; ok {
		f.polled = append(f.polled, milliseconds(at.Sub(shown)))
	}
	if f.first.IsZero() {
		f.first = at
	}
	f.last = at
	close(f.changed)
	f.changed = make(chan struct{})
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// under gives how many are under way, how many were said and how many have arrived.
func (f *flow) under() (way, said, there int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open), len(f.said), len(f.arrived)
}

// marks gives what was said.
func (f *flow) marks() []mark {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]mark(nil), f.said...)
}

// await waits until nothing is under way, and reports false when nothing has arrived for so long. The time counts from the
// last arrival or the call.
func (f *flow) await(ctx context.Context, quiet time.Duration) (bool, error) {
	for {
		f.mu.Lock()
		way, changed := len(f.open), f.changed
		f.mu.Unlock()
		if way == 0 {
			return true, nil
		}
		timer := time.NewTimer(quiet)
		select {
		case <-changed:
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			timer.Stop()
			return false, context.Cause(ctx)
		}
		timer.Stop()
	}
}

// recovery is how long it took from a disturbance until a message that was said after it had arrived; negative when none has.
func (f *flow) recovery(disturbed time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	best := time.Duration(-1)
	for _, l := range f.landed {
		if took := l.at.Sub(disturbed); l.said.After(disturbed) && (best < 0 || took < best) {
			best = took
		}
	}
	return best
}

// firstArrival is when the first message arrived; zero when none has.
func (f *flow) firstArrival() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first
}

// throughput is at what rate, per second, messages arrived from the first to the last one; 0 when less than two have.
func (f *flow) throughput() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	took := f.last.Sub(f.first).Seconds()
	if len(f.delays) < 2 || took <= 0 {
		return 0
	}
	return float64(len(f.delays)-1) / took
}

// burstRate is at what rate, per second, messages have arrived since the first one was said; 0 when none has.
func (f *flow) burstRate() float64 { return burstRate(f) }

// burstRate is that of several flows together.
func burstRate(all ...*flow) float64 {
	var first, last time.Time
	n := 0
	for _, f := range all {
		f.mu.Lock()
		for _, l := range f.landed {
			if first.IsZero() || l.said.Before(first) {
				first = l.said
			}
		}
		if f.last.After(last) {
			last = f.last
		}
		n += len(f.landed)
		f.mu.Unlock()
	}
	if n == 0 {
		return 0
	}
	return float64(n) / last.Sub(first).Seconds()
}

// pause waits; the error is that of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
