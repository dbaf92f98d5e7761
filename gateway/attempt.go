package gateway

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Attempt is how often a step was tried that has not succeeded yet, since Causeway was started.
type Attempt struct {
	// Instance is what the step is about; 0: an errand.
	Instance int64
	Times    int
	// Last is when it was tried last, and Trouble why that failed, since the first time.
	Last time.Time
	Trouble
}

// attempts are those of one lane, which makes one step at a time: so only the last one that has failed is known.
type attempts struct {
	mutex    sync.Mutex
	instance int64
	times    int
	last     time.Time
	failure  failure
}

// note is told how a step went. What only looks does not mend what has failed before.
func (a *attempts) note(instance int64, op store.Op, err error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	switch {
	case errors.Is(err, context.Canceled): // Causeway is being stopped
	case err == nil && (instance != a.instance || writes(op)):
		a.times, a.failure = 0, failure{}
	case err == nil:
	case a.times == 0 || instance != a.instance:
		now := time.Now()
		a.instance, a.times, a.last, a.failure = instance, 1, now, failure{err, now}
	default:
		a.times, a.last, a.failure.err = a.times+1, time.Now(), err
	}
}

// Attempt tells what a conversation's lane tries again and again; false: nothing.
func (g *Gateway) Attempt(c bridge.ConversationID) (Attempt, bool) {
	p := g.table.Load().at(c)
	g.lanes.Lock()
	l := g.running[c]
	g.lanes.Unlock()
	if p == nil || l == nil {
		return Attempt{}, false
	}
	a := &l.tries
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.times == 0 {
		return Attempt{}, false
	}
	return Attempt{Instance: a.instance, Times: a.times, Last: a.last, Trouble: *newTrouble(p.account.Name, a.failure)}, true
}

// mostFailures is how many failures a lane keeps in mind while they cannot be stored.
const mostFailures = 20

// remember keeps in mind what has failed of a message, for its journey, until it is stored.
func (l *lane) remember(o *store.Outcome, err error) {
	if err == nil || o.Work.Instance == 0 || errors.Is(err, context.Canceled) {
		return
	}
	now := time.Now()
	f := store.Failure{Instance: o.Work.Instance, Part: o.Step.Part, Kind: bridge.KindOf(err).String(), Reason: bridge.Cause(err), Since: now, Last: now, Times: 1}
	if n := len(l.unstored); n > 0 && l.unstored[n-1].Same(f) {
		l.unstored[n-1].Last = now
		l.unstored[n-1].Times++
		return
	}
	if len(l.unstored) == mostFailures {
		l.unstored = slices.Delete(l.unstored, 0, 1)
	}
	l.unstored = append(l.unstored, f)
}

// tellFailed has what has failed stored with how the last steps ended, or with the next look at what is lacking: it is worth no commit of its own.
func (l *lane) tellFailed() {
	if len(l.unstored) > 0 {
		l.ended = append(l.ended, &store.Outcome{Work: &store.Work{}, Failed: l.unstored})
		l.unstored = nil
	}
}
