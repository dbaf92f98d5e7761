package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// ledger knows which message is a copy of which, and what has not crossed yet. It goes by what people see alone, and asks
// Causeway nothing.
type ledger struct {
	sides [2]map[string]*entry
	order [2][]*entry // as said, by side
	delay []time.Duration
}

// entry is a message on one side.
type entry struct {
	seen
	side    side
	texts   []string    // what it has said so far, letters only
	origin  *entry      // of a copy, once it is known
	copies  []*entry    // of an original
	waiting []time.Time // when it changed in a way that its counterpart does not show yet
}

// change is something that has become visible.
type change struct {
	where side
	text  string        // for the screen
	took  time.Duration // since it was visible on the other side; 0 for what people do themselves
	cross bool
}

func newLedger() *ledger {
	return &ledger{sides: [2]map[string]*entry{{}, {}}}
}

// update takes in what a side shows now and gives what has changed.
func (l *ledger) update(where side, now []seen, at time.Time) []change {
	var changes []change
	for _, m := range now {
		e := l.sides[where][m.id]
		if e == nil {
			if m.deleted {
				continue // came and went unseen
			}
			e = &entry{side: where, seen: seen{id: m.id}}
			l.sides[where][m.id] = e
			l.order[where] = append(l.order[where], e)
		}
		before := e.seen
		if m.deleted { // some services then no longer say whose it was
			m.who, m.text = before.who, ""
		}
		if same(before, m) {
			continue
		}
		e.seen = m
		if m.text != "" && m.text != before.text {
			e.texts = append(e.texts, letters(m.text))
		}
		changes = append(changes, l.note(e, before, at))
	}
	return changes
}

// note says what happened to a message and settles accounts with its counterpart.
func (l *ledger) note(e *entry, before seen, at time.Time) change {
	c := change{where: e.side, text: describe(e.seen, before)}
	if e.copied && e.origin == nil {
		l.match(e)
	}
	other := e.counterpart()
	switch {
	case other != nil && len(other.waiting) > 0:
		c.cross, c.took = true, at.Sub(other.waiting[0])
		l.delay = append(l.delay, c.took)
		other.waiting = other.waiting[1:]
		if agree(e.seen, other.seen) {
			other.waiting = nil // several changes have crossed as one
		}
	case other != nil && agree(e.seen, other.seen):
		c.cross = true
	case !e.copied || other != nil:
		e.waiting = append(e.waiting, at)
	}
	return c
}

// match finds the original of a new copy: the oldest without a copy that has ever said the same.
func (l *ledger) match(e *entry) {
	text := letters(e.text)
	for _, o := range l.order[e.side.other()] {
		if o.copied || len(o.copies) > 0 || !slices.ContainsFunc(o.texts, func(said string) bool { return strings.Contains(text, said) }) {
			continue
		}
		e.origin, o.copies = o, append(o.copies, e)
		return
	}
}

func (e *entry) counterpart() *entry {
	switch {
	case e.origin != nil:
		return e.origin
	case len(e.copies) > 0:
		return e.copies[0]
	}
	return nil
}

// problems says what is not as it should be: nothing, once all has crossed.
func (l *ledger) problems() []string {
	var all []string
	for _, where := range []side{left, right} {
		last := -1
		for _, e := range l.order[where] {
			switch {
			case e.copied && e.origin == nil && !e.deleted:
				all = append(all, fmt.Sprintf("doubled or made up on %v: %q", where, e.text))
			case e.copied && e.origin != nil && !e.deleted:
				place := slices.Index(l.order[where.other()], e.origin)
				if place < last {
					all = append(all, fmt.Sprintf("out of order on %v: %q", where, e.text))
				}
				last = max(last, place)
			case !e.copied && len(e.copies) == 0 && !e.deleted:
				all = append(all, fmt.Sprintf("missing on %v: %q", where.other(), e.text))
			case !e.copied && len(e.copies) > 0 && !agree(e.seen, e.copies[0].seen):
				all = append(all, fmt.Sprintf("different on %v: %q", where.other(), e.text))
			}
		}
	}
	return all
}

// said counts the messages of people.
func (l *ledger) said() int {
	n := 0
	for _, entries := range l.order {
		for _, e := range entries {
			if !e.copied {
				n++
			}
		}
	}
	return n
}

// agree reports whether two instances of a message show the same.
func agree(a, b seen) bool {
	if a.copied {
		a, b = b, a
	}
	if a.deleted || b.deleted {
		return a.deleted == b.deleted
	}
	return strings.Contains(letters(b.text), letters(a.text)) && len(a.reactions) == len(b.reactions)
}

func same(a, b seen) bool {
	return a.text == b.text && a.deleted == b.deleted && slices.Equal(a.reactions, b.reactions) && a.who == b.who
}

// describe words what happened to a message.
func describe(now, before seen) string {
	thread := ""
	if now.root != "" {
		thread = "↳ "
	}
	switch {
	case before.who == "":
		return thread + now.who + ": " + now.text
	case now.deleted:
		return thread + now.who + " ✗ deleted: " + before.text
	case now.text != before.text:
		return thread + now.who + " ✎ " + now.text
	}
	for _, r := range now.reactions {
		if !slices.Contains(before.reactions, r) {
			return fmt.Sprintf("%s on %s: %s", r, now.who, now.text)
		}
	}
	for _, r := range before.reactions {
		if !slices.Contains(now.reactions, r) {
			return fmt.Sprintf("%s taken back from %s: %s", r, now.who, now.text)
		}
	}
	return thread + now.who + ": " + now.text
}

// letters keeps what is the same in the markup of either side.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// middle gives the median.
func middle(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[len(all)/2]
}
