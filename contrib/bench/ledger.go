package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// mark says which message a text is: the n-th (from 0) of a sender in a series. It stands in the text itself, in
// letters and digits alone, so that every program carries it unchanged.
type mark struct {
	series    string // letters and digits without q
	sender, n int
}

func (m mark) String() string { return fmt.Sprintf("q%sq%dq%dq", m.series, m.sender, m.n) }

// text is a message of the length that people write.
func (m mark) text() string {
	return "a message of the usual length, such as people write to each other " + m.String()
}

var markPattern = regexp.MustCompile(`\bq([a-pr-z0-9]+)q([0-9]+)q([0-9]+)q\b`)

// markOf finds the mark in what a program has made of the text.
func markOf(text string) (mark, bool) {
	found := markPattern.FindStringSubmatch(text)
	if found == nil {
		return mark{}, false
	}
	sender, err1 := strconv.Atoi(found[2])
	n, err2 := strconv.Atoi(found[3])
	return mark{found[1], sender, n}, err1 == nil && err2 == nil
}

// Counts are what became of the messages of a series.
type Counts struct {
	Said, Delivered, Lost int
	// Doubled are further copies of messages that are there already.
	Doubled int
	// OutOfOrder are messages that stand behind a later one of the same sender. A sender says the next message when the service has taken the
	// last one, so their order is beyond doubt; between senders it is not.
	OutOfOrder int
}

func (c Counts) clean() bool { return c.Lost == 0 && c.Doubled == 0 && c.OutOfOrder == 0 }

func (c Counts) plus(d Counts) Counts {
	return Counts{c.Said + d.Said, c.Delivered + d.Delivered, c.Lost + d.Lost, c.Doubled + d.Doubled, c.OutOfOrder + d.OutOfOrder}
}

func (c Counts) String() string {
	return fmt.Sprintf("%d said, %d delivered, %d lost, %d doubled, %d out of order", c.Said, c.Delivered, c.Lost, c.Doubled, c.OutOfOrder)
}

// count holds the copies, in the order in which they stand at the target, against what was said. Copies of other series and texts without a
// mark are passed over.
func count(said []mark, copies []string) Counts {
	known := make(map[mark]bool, len(said))
	for _, m := range said {
		known[m] = true
	}
	c := Counts{Said: len(said)}
	seen := map[mark]bool{}
	latest := map[[2]string]int{}
	for _, text := range copies {
		m, ok := markOf(text)
		if !ok || !known[m] {
			continue
		}
		if seen[m] {
			c.Doubled++
			continue
		}
		seen[m] = true
		who := [2]string{m.series, strconv.Itoa(m.sender)}
		if last, ok := latest[who]; ok && m.n < last {
			c.OutOfOrder++
			continue
		}
		latest[who] = m.n
	}
	c.Delivered = len(seen)
	c.Lost = c.Said - c.Delivered
	return c
}
