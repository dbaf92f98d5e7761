package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// watcher keeps the ledger up to date and prints what becomes visible.
type watcher struct {
	world  *world
	screen *screen
	cancel context.CancelFunc
	done   chan struct{}

	mutex  sync.Mutex
	ledger *ledger
	moved  chan struct{} // closed and made anew whenever the ledger has changed
}

// watch starts a watcher; stop ends it.
func watch(w *world, s *screen) *watcher {
	ctx, cancel := context.WithCancel(context.Background())
	v := &watcher{world: w, screen: s, cancel: cancel, done: make(chan struct{}), ledger: newLedger(), moved: make(chan struct{})}
	go func() {
		defer close(v.done)
		for {
			select {
			case <-w.changed:
				v.refresh()
			case <-ctx.Done():
				return
			}
		}
	}()
	return v
}

func (v *watcher) stop() {
	v.cancel()
	<-v.done
}

// refresh looks at both sides.
func (v *watcher) refresh() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for _, s := range []side{left, right} {
		now := time.Now()
		for _, c := range v.ledger.update(s, v.world.look(s), now) {
			text := c.text
			if c.took > 0 {
				text += fmt.Sprintf("  (%v)", c.took.Round(time.Millisecond))
			}
			v.screen.say(now, s, text)
		}
	}
	close(v.moved)
	v.moved = make(chan struct{})
}

// settled waits until everything has crossed.
func (v *watcher) settled(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v.refresh() // what was done a moment ago counts
	for {
		v.mutex.Lock()
		problems, moved := v.ledger.problems(), v.moved
		v.mutex.Unlock()
		if len(problems) == 0 {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%d things did not cross within %v:\n  %s", len(problems), patience, strings.Join(problems, "\n  "))
		}
	}
}

// copyOf gives the id of a message's instance on the other side.
func (v *watcher) copyOf(s side, id string) (string, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if e := v.ledger.sides[s][id]; e != nil && e.counterpart() != nil {
		return e.counterpart().id, nil
	}
	return "", fmt.Errorf("there is no copy of the message %s on %v", id, s.other())
}

// last gives the id of a side's latest message that is not deleted, of one person if a name is given.
func (v *watcher) last(s side, who string) (string, error) {
	v.refresh()
	v.mutex.Lock()
	defer v.mutex.Unlock()
	order := v.ledger.order[s]
	for i := len(order) - 1; i >= 0; i-- {
		if e := order[i]; !e.deleted && (who == "" || e.who == who && !e.copied) {
			return e.id, nil
		}
	}
	return "", fmt.Errorf("%s has said nothing on %v yet", who, s)
}

// summary gives how many messages people have said, how many things have crossed, and how long the middle one of them took.
func (v *watcher) summary() (said, crossed int, median time.Duration) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.ledger.said(), len(v.ledger.delay), middle(v.ledger.delay)
}
