package app

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"causeway/gateway/people"
)

// crowd is whoever are the people now: others when the config says something else of them, or of the accounts by which they are reached.
type crowd struct {
	there atomic.Pointer[gathering]

	mutex sync.Mutex // guards what follows
	// ctx is that of run; nil before.
	ctx context.Context
	// leave ends the duties of those who are there, and left is closed when they have ended; nil when there are none.
	leave  context.CancelFunc
	left   chan struct{}
	failed chan error
}

// gathering is people with their pages.
type gathering struct {
	*people.People
	pages http.Handler
}

func (c *crowd) now() *people.People { return c.there.Load().People }

// become puts others in the place of those who are there, whose duties must have ended.
func (c *crowd) become(p *people.People) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.there.Store(&gathering{p, p.Handler()})
	c.begin()
}

// begin lets those who are there do their duties; it is called with the mutex held.
func (c *crowd) begin() {
	if c.ctx == nil || c.ctx.Err() != nil {
		return
	}
	ctx, leave := context.WithCancel(c.ctx)
	p, left := c.now(), make(chan struct{})
	c.leave, c.left = leave, left
	go func() { // disperse waits for it
		defer close(left)
		if err := guarded(func() error { p.Run(ctx); return nil }); err != nil {
			select {
			case c.failed <- err:
			default: // one is enough
			}
		}
	}()
}

// disperse ends the duties of those who are there, and waits for that. Their pages and commands answer until others come.
func (c *crowd) disperse() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.leave != nil {
		c.leave()
		<-c.left
		c.leave = nil
	}
}

// run has the duties done, whoever the people are, until ctx ends or one of them fails.
func (c *crowd) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer c.disperse()
	defer cancel()
	c.mutex.Lock()
	c.ctx, c.failed = ctx, make(chan error, 1)
	c.begin()
	c.mutex.Unlock()
	select {
	case err = <-c.failed:
	case <-ctx.Done():
	}
	return err
}

// ServeHTTP answers with the pages of people.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.there.Load().pages.ServeHTTP(w, r)
}

// order carries out an order about people.
func (c *crowd) order(ctx context.Context, text []byte) (any, error) {
	return c.now().OrderJSON(ctx, text)
}
