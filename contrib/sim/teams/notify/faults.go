package notify

import (
	"math/rand/v2"
	"time"
)

// Faults make deliveries go wrong at random, the same way each time for a seed and an order of events. The shares are
// of each notification, each post or each change by itself; the zero value has none. Lifecycle notifications are spared,
// except from lost posts.
type Faults struct {
	Seed uint64

	Duplicate float64 // delivered once more, up to MaxDelay later
	Delay     float64 // delivered up to MaxDelay late
	Reorder   float64 // overtaken by the next one to the same URL
	Lose      float64 // never delivered, and nobody is told
	// MaxDelay is the longest delay; 0 means 30 seconds.
	MaxDelay time.Duration

	LoseRequest float64 // of posts: cut before they arrive, and repeated
	LoseAnswer  float64 // of posts: the acknowledgement is lost, and they are repeated

	// Batch lets a post hold up to so many items that are waiting, of several subscriptions where they share a URL.
	Batch int
	// Capitals writes Created and #Microsoft.Graph.ChatMessage.
	Capitals float64
	// TwicePerReaction sends two notifications for each reaction at once.
	TwicePerReaction bool
	// NoNames leaves the author's name out of the resource data.
	NoNames bool
	// DeletedAsUpdated is the share of deletions that are notified as updated, with deletedDateTime.
	DeletedAsUpdated float64

	// Remove is the share of changes that remove a subscription beforehand, and RemoveSilently the share of these
	// of which no lifecycle notification tells.
	Remove         float64
	RemoveSilently float64

	// Forged is the share of notifications that are accompanied by a forged one of one of Forgeries; nil means all.
	Forged    float64
	Forgeries []Forgery
}

// SetFaults starts or, with the zero value, ends failing at random.
func (e *Engine) SetFaults(f Faults) {
	if f.MaxDelay == 0 {
		f.MaxDelay = 30 * time.Second
	}
	if f.Forgeries == nil {
		f.Forgeries = Forgeries()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults, e.random = f, rand.New(rand.NewPCG(f.Seed, 1))
	for _, l := range e.lanes { // nothing stays behind for a next one that never comes
		e.bringForth(l)
	}
}

// Faults gives the faults in force.
func (e *Engine) Faults() Faults {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.faults
}

// Draw tells whether something of a share happens this time.
func (e *Engine) Draw(share float64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draw(share)
}

// Pick gives a number from 0 to below n.
func (e *Engine) Pick(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.random.IntN(n)
}

func (e *Engine) draw(share float64) bool { return share > 0 && e.random.Float64() < share }

// misbehave sends an item as the faults in force have it. The caller holds the lock.
func (e *Engine) misbehave(it *Item) {
	if it.Lifecycle != "" {
		e.enqueue(e.begins(&delivery{Item: it}))
		return
	}
	f := e.faults
	if e.draw(f.Forged) && len(f.Forgeries) > 0 {
		e.forge(it, f.Forgeries[e.random.IntN(len(f.Forgeries))])
	}
	if e.draw(f.Lose) {
		e.stats.Lost++
		return
	}
	e.launch(&delivery{Item: it, capitals: e.draw(f.Capitals)})
	if it.Reaction && f.TwicePerReaction {
		e.enqueue(e.begins(&delivery{Item: it, copy: true}))
	}
	if e.draw(f.Duplicate) {
		p := e.begins(&delivery{Item: it, copy: true, capitals: e.draw(f.Capitals)})
		e.later(e.someTime(), func() { e.enqueue(p) })
	}
}

// launch sends a delivery at once, later, or behind the next one.
func (e *Engine) launch(d *delivery) {
	p := e.begins(d)
	switch {
	case e.draw(e.faults.Delay):
		e.stats.Late++
		e.later(e.someTime(), func() { e.enqueue(p) })
	case p.lane.aside == nil && e.draw(e.faults.Reorder):
		e.stats.Late++
		p.lane.aside = p
		e.later(e.faults.MaxDelay, func() {
			if p.lane.aside == p {
				e.bringForth(p.lane)
			}
		})
	default:
		e.enqueue(p)
	}
}

// bringForth stops waiting for somebody to overtake.
func (e *Engine) bringForth(l *lane) {
	if p := l.aside; p != nil {
		l.aside = nil
		e.enqueue(p)
	}
}

func (e *Engine) someTime() time.Duration {
	return time.Duration(e.random.Int64N(int64(e.faults.MaxDelay))) + 1
}
