package town

import "sync"

// Bell wakes everybody who waits that something has changed.
type Bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// NewBell makes a bell.
func NewBell() *Bell { return &Bell{rung: make(chan struct{})} }

// Ring wakes all who wait.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.rung)
	b.rung = make(chan struct{})
}

// Wait gives a channel that is closed at the next Ring. Ask for it first and look at what may have changed afterwards.
func (b *Bell) Wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rung
}
