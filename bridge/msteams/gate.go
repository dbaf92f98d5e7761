package msteams

import (
	"context"
	"sync"
	"time"
)

// gate keeps deliveries out of a channel until all that was said before has been read, so that what is said now does not
// go ahead of it. While a long gap is read, deliveries are turned away at once: they are read with it. They wait only for a
// short reading, the last one, and go in when it is done.
type gate struct {
	mu    sync.Mutex
	state gateState
	// turned is closed when the state has changed.
	turned chan struct{}
	// missed: a delivery could not wait for the reading that is under way.
	missed bool
	// misses counts the readings in a row for which that was so.
	misses int
	// away is when a delivery was turned away last.
	away time.Time
}

// mostMisses is how often a reading is repeated for a delivery that could not wait for it. Where Graph is that slow, what was
// turned away may arrive late.
const mostMisses = 5

type gateState uint8

const (
	gateShut gateState = iota
	gateOpening
	gateOpen
)

func newGate() *gate { return &gate{turned: make(chan struct{})} }

// enter tells whether a delivery may go in. It waits for a reading that is under way.
func (g *gate) enter(ctx context.Context) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.state == gateOpening && ctx.Err() == nil {
		turned := g.turned
		g.mu.Unlock()
		select {
		case <-turned:
		case <-ctx.Done():
		}
		g.mu.Lock()
	}
	if g.state == gateOpen {
		return true
	}
	g.missed = g.missed || g.state == gateOpening
	g.away = time.Now()
	return false
}

// begin notes that a reading begins: what is delivered from now on may not be in it.
func (g *gate) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == gateShut {
		g.turn(gateOpening)
		g.missed = false
	}
}

// shut sends away who waits: the reading takes longer, or has failed.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == gateOpening {
		g.turn(gateShut)
	}
}

// end notes that a reading is done, and tells whether the gate is open. If not, the channel must be read again, since a
// delivery was turned away that may not have been in it.
func (g *gate) end() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.state == gateOpen:
	case g.state == gateShut:
	case g.missed && g.misses < mostMisses:
		g.misses++
		g.turn(gateShut)
	default:
		g.misses = 0
		g.turn(gateOpen)
	}
	return g.state == gateOpen
}

func (g *gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state == gateOpen
}

// turnedAway tells when that happened last to a delivery.
func (g *gate) turnedAway() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.away
}

// refuse notes that a delivery had to be turned away that had gone in: the channel must be read before another one goes in.
func (g *gate) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away = time.Now()
	g.missed = g.missed || g.state == gateOpening
	if g.state == gateOpen {
		g.turn(gateShut)
	}
}

// interrupt shuts the gate because something may have been said of which no delivery tells: only a reading that begins
// from now on opens it.
func (g *gate) interrupt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != gateShut {
		g.turn(gateShut)
	}
}

// giveUp opens the gate although the reading has failed, and tells whether it was shut.
func (g *gate) giveUp() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == gateOpen {
		return false
	}
	g.turn(gateOpen)
	return true
}

func (g *gate) turn(to gateState) {
	g.state = to
	close(g.turned)
	g.turned = make(chan struct{})
}
