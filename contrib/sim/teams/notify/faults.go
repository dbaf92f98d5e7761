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
	e.faults, e.sent, e.random = f, 0, rand.New(rand.NewPCG(f.Seed, 0))
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
	return happens(e.random, share)
}

// Pick gives a number from 0 to below n.
func (e *Engine) Pick(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.random.IntN(n)
}

func happens(dice *rand.Rand, share float64) bool { return dice.Float64() < share }

// dice of one item, or of one attempt to post it: what happens to it does not depend on what happens at the same time.
func (e *Engine) dice(item uint64, attempt int) *rand.Rand {
	return rand.New(rand.NewPCG(e.faults.Seed, item<<16+uint64(attempt)))
}

// misbehave sends an item as the faults in force have it. The caller holds the lock.
func (e *Engine) misbehave(it *Item) {
	if it.Lifecycle != "" {
		e.told++
		e.enqueue(e.begins(&delivery{Item: it, number: 1<<40 + e.told}))
		return
	}
	f := e.faults
	e.sent++
	dice, number := e.dice(e.sent, 0), 2*e.sent
	if happens(dice, f.Forged) && len(f.Forgeries) > 0 {
		e.forge(it, f.Forgeries[dice.IntN(len(f.Forgeries))])
	}
	if happens(dice, f.Lose) {
		e.stats.Lost++
		return
	}
	e.launch(&delivery{Item: it, number: number, capitals: happens(dice, f.Capitals)}, dice)
	if it.Reaction && f.TwicePerReaction {
		e.enqueue(e.begins(&delivery{Item: it, number: number + 1, copy: true}))
	}
	if happens(dice, f.Duplicate) {
		p := e.begins(&delivery{Item: it, number: number + 1, copy: true, capitals: happens(dice, f.Capitals)})
		e.later(e.someTime(dice), func() { e.enqueue(p) })
	}
}

// launch sends a delivery at once, later, or behind the next one.
func (e *Engine) launch(d *delivery, dice *rand.Rand) {
	p := e.begins(d)
	switch {
	case happens(dice, e.faults.Delay):
		e.stats.Late++
		e.later(e.someTime(dice), func() { e.enqueue(p) })
	case p.lane.aside == nil && happens(dice, e.faults.Reorder):
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

func (e *Engine) someTime(dice *rand.Rand) time.Duration {
	return time.Duration(dice.Int64N(int64(e.faults.MaxDelay))) + 1
}
