package msteams

import (
	"fmt"
	"time"

	"causeway/bridge"
)

// lives says of each subscription that lives since when it does.
func (s *subscriber) lives() []time.Time {
	now, all := time.Now(), []time.Time{}
	for _, f := range s.inOrder() {
		s.mu.Lock()
		if f.alive(now) && !f.since.IsZero() {
			all = append(all, f.since)
		}
		s.mu.Unlock()
	}
	return all
}

// facts are what an operator wants to see, and why channels are polled instead, if all are.
func (s *subscriber) facts() (facts []bridge.Fact, trouble string) {
	feeds := s.inOrder()
	s.mu.Lock()
	defer s.mu.Unlock()
	now, alive, polled := time.Now(), 0, 0
	var next, ends time.Time
	for _, f := range feeds {
		switch {
		case f.surplus:
		case f.alive(now):
			alive++
			if next.IsZero() || f.next.Before(next) {
				next = f.next
			}
			if ends.IsZero() || f.expires.Before(ends) {
				ends = f.expires
			}
		default:
			polled++
			if f.trouble != nil && trouble == "" {
				trouble = "subscribing failed: " + f.trouble.Error()
			}
		}
	}
	text := fmt.Sprintf("%d of %d alive", alive, alive+polled)
	if alive > 0 {
		text += fmt.Sprintf(", next renewal %s, first end %s", next.UTC().Format(time.RFC3339), ends.UTC().Format(time.RFC3339))
	}
	facts = append(facts, bridge.Fact{Name: "subscriptions", Value: text})
	if alive > 0 && trouble != "" {
		facts = append(facts, bridge.Fact{Name: "polled instead", Value: fmt.Sprintf("%d: %s", polled, trouble)})
		trouble = ""
	}
	if s.distrusted != nil {
		trouble = s.distrusted.Error()
	}
	if s.gaps > 0 {
		facts = append(facts, bridge.Fact{Name: "changes found by reading only", Value: fmt.Sprint(s.gaps)})
	}
	if s.forged > 0 {
		facts = append(facts, bridge.Fact{Name: "forged notifications refused", Value: fmt.Sprint(s.forged)})
	}
	return facts, trouble
}
