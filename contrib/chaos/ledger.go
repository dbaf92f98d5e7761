package main

import (
	"fmt"
	"slices"
	"sync"

	"causeway/contrib/sim/teams"
)

// Expected is what must stand on both sides of a place: what somebody has said, as it is after all that they have done.
type Expected struct {
	N     int
	Place int
	Side  Side
	// Author is who said it, Root what it answers; 0: nothing.
	Author string
	Root   int
	Text   string
	Emoji  []string
	// File is the hash of the file that goes along; empty: none.
	File    string
	Deleted bool
}

func (e Expected) token() string { return token(e.N) }

// token stands before everything that is said.
func token(n int) string { return fmt.Sprintf("#c%d.", n) }

// ledger is what people have done.
type ledger struct {
	mu      sync.Mutex
	entries map[int]*entry
}

// entry is something that was said, or is to be said.
type entry struct {
	Expected
	// id is its own where it was said; read it after done.
	id string
	// files are those that go along, as Teams refers to them.
	files []teams.File
	done  chan struct{} // closed when it was said
	set   map[[2]string]bool
	// acting is held by who does something to it, last is the side on which that was done last.
	acting sync.Mutex
	last   Side
}

func newLedger(p *Plan) *ledger {
	l := &ledger{entries: map[int]*entry{}}
	for _, a := range p.Acts {
		if a.Kind == say {
			l.entries[a.N] = &entry{done: make(chan struct{}), set: map[[2]string]bool{}, last: a.Side,
				Expected: Expected{N: a.N, Place: a.Place, Side: a.Side, Author: cast[a.By].name, Root: a.Root, Text: a.Text, File: hashOf(fileOf(a))}}
		}
	}
	return l
}

// said notes that something was said, under this id.
func (l *ledger) said(n int, id string) {
	e := l.entries[n]
	e.id = id
	close(e.done)
}

// did notes an act about something that was said.
func (l *ledger) did(a Act) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[a.N]
	e.last = a.side()
	switch a.Kind {
	case edit:
		e.Text = a.Text
	case remove:
		e.Deleted = true
	case react, unreact:
		e.set[[2]string{cast[a.By].name, a.Emoji}] = a.Kind == react
	}
}

// emoji gives the reactions that are set.
func (e *entry) emoji() (all []string) {
	for key, on := range e.set {
		if on && !slices.Contains(all, key[1]) {
			all = append(all, key[1])
		}
	}
	slices.Sort(all)
	return all
}

// touched reports whether somebody has said something, or has reacted to it.
func (l *ledger) touched(n int, name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[n]
	for key := range e.set {
		if key[0] == name {
			return true
		}
	}
	return e.Author == name
}

// count is how many things were said.
func (l *ledger) count() (n int) {
	for _, e := range l.entries {
		select {
		case <-e.done:
			n++
		default:
		}
	}
	return n
}

// expected gives what must stand there now.
func (l *ledger) expected() (all []Expected) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		select {
		case <-e.done:
		default:
			continue
		}
		x := e.Expected
		x.Emoji = e.emoji()
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b Expected) int { return a.N - b.N })
	return all
}
