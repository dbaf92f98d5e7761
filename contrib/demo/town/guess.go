package town

import (
	"slices"
	"time"
)

// guess gives each copy that has been alone for a while the oldest original without one, of the same author and conversation: either
// service shows texts in ways that the other cannot, so that no words may fit although nothing is wrong. What such a pair
// says must still agree as far as it can be compared.
func (l *ledger) guess(now time.Time) {
	for _, where := range []Place{Left, Right} {
		for _, c := range slices.SortedStableFunc(slices.Values(l.order[where]), byTime) {
			if !c.Copy || c.origin != nil || c.Deleted || now.Sub(c.first) < unknown || l.known(c) {
				continue
			}
			if o := l.oldestFor(c); o != nil {
				o.guessed = true
				l.marry(o, c)
			}
		}
	}
}

// known reports whether a copy says what an original with another copy says, so that it is a second one.
func (l *ledger) known(c *entry) bool {
	return slices.ContainsFunc(l.order[c.place.Other()], func(o *entry) bool {
		return o.copy != nil && o.Conversation == l.twins[c.Conversation] && fits(o, c) >= exact
	})
}

// oldestFor gives the oldest original that has no copy and may be that of c.
func (l *ledger) oldestFor(c *entry) *entry {
	var oldest *entry
	for _, o := range l.order[c.place.Other()] {
		if o.Copy || o.copy != nil || o.Deleted || o.Conversation != l.twins[c.Conversation] || !sameAuthor(o, c) || o.At.After(c.At) {
			continue
		}
		if oldest == nil || byTime(o, oldest) < 0 {
			oldest = o
		}
	}
	return oldest
}
