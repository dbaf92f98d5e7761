package mattermost

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda says what is to be done when: each thing once, the earliest first.
type agenda struct {
	mu    sync.Mutex
	queue appointments
	known map[string]*appointment
	// changed wakes who waits.
	changed chan struct{}
}

type appointment struct {
	key   string
	at    time.Time
	place int // in the queue
}

func newAgenda() *agenda {
	return &agenda{known: map[string]*appointment{}, changed: make(chan struct{}, 1)}
}

// set puts something down for a time, in the place of any other.
func (a *agenda) set(key string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.known[key]; e != nil {
		e.at = at
		heap.Fix(&a.queue, e.place)
	} else {
		e = &appointment{key: key, at: at}
		a.known[key] = e
		heap.Push(&a.queue, e)
	}
	a.wake()
}

// soon puts something down for a time unless it is due earlier.
func (a *agenda) soon(key string, at time.Time) {
	a.mu.Lock()
	e := a.known[key]
	early := e != nil && !e.at.After(at)
	a.mu.Unlock()
	if !early {
		a.set(key, at)
	}
}

func (a *agenda) drop(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.known[key]; e != nil {
		heap.Remove(&a.queue, e.place)
		delete(a.known, key)
	}
}

func (a *agenda) wake() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// next waits for what is due, and takes it off.
func (a *agenda) next(ctx context.Context) (string, error) {
	for {
		key, wait, ok := a.due()
		if ok {
			return key, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return "", ctx.Err()
		case <-timer.C:
		case <-a.changed:
			timer.Stop()
		}
	}
}

// due gives what is due, or how long to wait.
func (a *agenda) due() (key string, wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		return "", time.Hour, false
	}
	first := a.queue[0]
	if wait := time.Until(first.at); wait > 0 {
		return "", wait, false
	}
	heap.Pop(&a.queue)
	delete(a.known, first.key)
	return first.key, 0, true
}

// appointments is a heap.
type appointments []*appointment

func (q appointments) Len() int           { return len(q) }
func (q appointments) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q appointments) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *appointments) Push(x any) {
	e := x.(*appointment)
	e.place = len(*q)
	*q = append(*q, e)
}

func (q *appointments) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}
