package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"causeway/contrib/e2e/harness"
)

// Result is what came of a plan.
type Result struct {
	Plan     *Plan
	Messages int
	counts
	Sums
	// Healed is how long it took after the last fault until nothing was wrong any more.
	Healed time.Duration
	// wrong says what is, last what was wrong when all else was well again.
	wrong []string
	last  string
}

// run carries a plan out, and keeps the history where it fails, or is slow to become well.
func run(tb harness.TB, s *servers, plan *Plan, o options) (r *Result) {
	w := newWorld(tb, s, plan, o)
	w.begin()
	w.began = time.Now()
	ctx, cancel := context.WithCancel(tb.Context())
	people := w.talk(ctx, w.began)
	tb.Cleanup(func() { cancel(); people.Wait() })
	h := &hand{world: w, active: map[int]bool{}, down: map[*instance]bool{}}
	h.strikes()
	h.heals()
	w.note("everything is healed; HTTP to Mattermost: %s; to Graph: %s, and the stand-in itself: %s", w.mattermostFront.did(), w.graphFront.did(), w.suffered())
	r = w.judged(h, people.Wait)
	if tb.Context().Err() != nil {
		return nil // it was broken off, which says nothing
	}
	if r.broken(o.strict) || r.Healed > o.slow {
		w.keep(r)
	}
	return r
}

// judged waits until nothing is wrong any more, and then looks once more whether it stays so.
func (w *world) judged(h *hand, spoken func()) *Result {
	healed := time.Now()
	ended := make(chan struct{})
	go func() { spoken(); close(ended) }()
	var v *verdict
	var last string
	for deadline, looked := healed.Add(w.o.heal), healed; ; {
		h.revive(nil)
		if time.Since(looked) > reconnectTime {
			w.stayConnected()
			looked = time.Now()
		}
		v = w.verdict(false)
		over := false
		select {
		case <-ended:
			over = !v.broken(false)
		default:
		}
		if v.broken(false) {
			last = v.wrong[0]
		}
		if over || time.Now().After(deadline) || !w.sleep(time.Second) {
			break
		}
	}
	took := time.Since(healed)
	w.note("all is as it should be: %v", !v.broken(false))
	w.sleep(w.o.settle) // a double that is yet to be made
	v = w.verdict(true)
	select {
	case <-ended:
	default:
		v.blame(&v.Misbehaved, "people could not say all that they had to say")
	}
	v.Misbehaved += w.counts.misbehaved
	if n := w.panics(); n > 0 {
		v.Misbehaved += n
		v.wrong = append(v.wrong, fmt.Sprintf("%d panics or internal errors stand in the log", n))
	}
	return &Result{Plan: w.plan, Messages: w.ledger.count(), counts: w.counts, Sums: v.Sums, Healed: took, wrong: v.wrong, last: last}
}

// suffered tells what the stand-in did to requests.
func (w *world) suffered() string {
	var throttled, failed, lost int
	for _, r := range w.sim.Requests() {
		switch {
		case r.Status == http.StatusTooManyRequests:
			throttled++
		case r.Status >= http.StatusInternalServerError:
			failed++
		case r.Lost:
			lost++
		}
	}
	return fmt.Sprintf("throttled %d, failed %d, lost the answers of %d", throttled, failed, lost)
}

// verdict looks at both sides, and asks Causeway how it is; whole: at what strangers see, too.
func (w *world) verdict(whole bool) *verdict {
	ctx := w.tb.Context()
	expected := w.ledger.expected()
	seen, err := w.look(ctx)
	if err != nil {
		return &verdict{Sums: Sums{Missing: 1}, wrong: []string{err.Error()}}
	}
	v := judge(expected, seen)
	if s, err := w.asks(ctx); err != nil {
		v.blame(&v.Pending, "%v", err)
	} else {
		v.Pending += s.waiting
		v.Quarantined += s.quarantined
		if s != (state{}) {
			v.wrong = append(v.wrong, fmt.Sprintf("Causeway says that %d are waiting and %d in quarantine", s.waiting, s.quarantined))
		}
	}
	if whole {
		strangers, err := w.strangers(ctx, expected)
		if err != nil {
			v.blame(&v.Strangers, "looking what strangers see: %v", err)
		}
		v.Strangers += strangers.Strangers
		v.wrong = append(v.wrong, strangers.wrong...)
	}
	return v
}

// why says what is wrong in some lines.
func (r *Result) why() string {
	lines := r.wrong
	if len(lines) > 12 {
		lines = append(lines[:12:12], fmt.Sprintf("and %d more", len(r.wrong)-12))
	}
	return strings.Join(lines, "\n")
}
