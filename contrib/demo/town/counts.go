package town

import (
	"slices"
	"time"
)

// Counts are the figures of the ledger. Said = Arrived + Waiting + Missing.
type Counts struct {
	Said       int      `json:"said"`       // messages of people
	Arrived    int      `json:"arrived"`    // whose other side shows the same
	Waiting    int      `json:"waiting"`    // not there yet, or not as it is now
	WaitingBy  [2]int   `json:"waitingBy"`  // the same, by the side on which it was said
	Missing    int      `json:"missing"`    // passed over by younger ones, or not there long after all is well
	Doubled    int      `json:"doubled"`    // copies of nothing
	OutOfOrder int      `json:"outOfOrder"` // copies of what was said before the one above it
	Crossed    int      `json:"crossed"`    // messages and changes that have crossed
	Median     float64  `json:"median"`     // of how long they took, ms
	Wrong      []string `json:"wrong"`      // what is missing, doubled or out of order, in words
}

const (
	// unknown is how long no words may fit a copy until it is told by its place whose it is. It is shorter than what follows, so that
	// nobody is accused before.
	unknown = 2 * time.Second
	// overtaken is how long a message may be passed over by a younger one until it counts as missing, and a copy may lack
	// an original until it counts as doubled: the two sides are not looked at in the same instant.
	overtaken = 3 * time.Second
	// overdue is how long nothing may stand in the way until what has not arrived counts as missing: longer than any pause that Causeway
	// makes after a failure.
	overdue = 90 * time.Second
)

// counts judges what is seen. Calm says since when Causeway runs and nothing is in its way; zero: it is not so.
func (l *ledger) counts(now, calm time.Time) Counts {
	l.guess(now)
	c := Counts{Crossed: len(l.delays), Median: float64(middle(l.delays).Microseconds()) / 1000}
	for _, where := range []Place{Left, Right} {
		sorted := slices.SortedStableFunc(slices.Values(l.order[where]), byTime)
		arrived := l.newestArrival(sorted)
		for _, e := range sorted {
			switch {
			case e.Copy && e.origin == nil && !e.Deleted && now.Sub(e.first) > overtaken:
				c.Doubled++
				c.Wrong = append(c.Wrong, "doubled: "+Plain(e.Body))
			case e.Copy:
			case e.behind.IsZero():
				c.Said, c.Arrived = c.Said+1, c.Arrived+1
			case l.missing(e, arrived[e.Conversation], now, calm):
				c.Said, c.Missing = c.Said+1, c.Missing+1
				c.Wrong = append(c.Wrong, "missing: "+Plain(e.Body))
			default:
				c.Said, c.Waiting = c.Said+1, c.Waiting+1
				c.WaitingBy[where]++
			}
		}
		for _, e := range outOfOrder(sorted) {
			c.OutOfOrder++
			c.Wrong = append(c.Wrong, "out of order: "+Plain(e.Body))
		}
	}
	return c
}

// arrival is a message that has arrived, and when.
type arrival struct{ said, seen time.Time }

// newestArrival gives by conversation the youngest message that has a copy.
func (l *ledger) newestArrival(sorted []*entry) map[string]arrival {
	newest := map[string]arrival{}
	for _, e := range sorted {
		if !e.Copy && e.copy != nil && !e.At.Before(newest[e.Conversation].said) {
			newest[e.Conversation] = arrival{e.At, e.copy.first}
		}
	}
	return newest
}

func (l *ledger) missing(e *entry, newest arrival, now, calm time.Time) bool {
	if !calm.IsZero() && now.Sub(calm) > overdue && now.Sub(e.behind) > overdue {
		return true
	}
	return e.copy == nil && newest.said.After(e.At) && now.Sub(newest.seen) > overtaken
}

// outOfOrder gives the copies that stand below one of what was said later. What has the same time has no order.
func outOfOrder(sorted []*entry) []*entry {
	var wrong []*entry
	type last struct{ at, before, latest time.Time }
	places := map[string]last{}
	for _, e := range sorted {
		if !e.Copy || e.origin == nil || e.Deleted {
			continue
		}
		p := places[e.Conversation]
		if e.At.After(p.at) {
			p.at, p.before = e.At, p.latest
		}
		if e.origin.At.Before(p.before) {
			wrong = append(wrong, e)
		}
		if e.origin.At.After(p.latest) {
			p.latest = e.origin.At
		}
		places[e.Conversation] = p
	}
	return wrong
}

// middle gives the median.
func middle(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[len(all)/2]
}
