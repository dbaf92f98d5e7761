package notify

import (
	"maps"
	"time"
)

// Stats are counters since the beginning, or the last ResetStats.
type Stats struct {
	Items     int // notifications that changes gave rise to, one per subscription
	Delivered int // of these, acknowledged
	Copies    int // further copies acknowledged (duplicates, a second one per reaction)
	Posts     int // attempts, repeated ones too
	Retries   int // of these, repetitions
	Lost      int // never delivered: after too long, or by Faults.Lose
	Dropped   int // thrown away since the endpoint did not answer in time too often
	Discarded int // thrown away since the subscription had gone
	Paused    int // times an item was kept since its subscription was paused
	Late      int // items delayed or overtaken on purpose

	Lifecycle          int // lifecycle notifications
	LifecycleDelivered int

	Handshakes       int // validation requests
	HandshakesFailed int

	Forged        int         // forged items
	ForgedAnswers map[int]int // answers to them by status, 0 for none

	LargestPost int       // items in one acknowledged post, at most
	First, Last time.Time // first attempt and last acknowledgement, in real time
}

// PerSecond is how many notifications were acknowledged per second between First and Last.
func (s Stats) PerSecond() float64 {
	if d := s.Last.Sub(s.First).Seconds(); d > 0 {
		return float64(s.Delivered+s.Copies) / d
	}
	return 0
}

// Stats gives the counters.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.stats
	out.ForgedAnswers = maps.Clone(out.ForgedAnswers)
	return out
}

// ResetStats sets the counters to zero.
func (e *Engine) ResetStats() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats = Stats{}
}
