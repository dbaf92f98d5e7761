package msteams

import (
	"context"
	"time"
)

// recentLife is how long teams and channels that were listed are taken for the present ones. At a start each channel of the config is looked for by its name,
// and Graph lets nobody list the channels of one team more than four times a second.
const recentLife = 10 * time.Second

// recent is what was listed a moment ago. One asks, and the others wait for that.
type recent[T any] struct {
	turn chan struct{} // holds one while nobody asks
	list []T
	// asked is when it was begun to be listed; zero: never.
	asked time.Time
}

func newRecent[T any]() *recent[T] {
	r := &recent[T]{turn: make(chan struct{}, 1)}
	r.turn <- struct{}{}
	return r
}

// get gives what was listed since a time, or asks for it. The list is not to be changed.
func (r *recent[T]) get(ctx context.Context, since time.Time, ask func() ([]T, error)) ([]T, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.turn:
	}
	defer func() { r.turn <- struct{}{} }()
	if !r.asked.IsZero() && !r.asked.Before(since) {
		return r.list, nil
	}
	began := time.Now()
	list, err := ask()
	if err != nil {
		return nil, err
	}
	r.list, r.asked = list, began
	return list, nil
}

// sought looks in a list for what is meant: first in one of a moment ago, and where it is not found there, in one that is listed from now on.
func sought[T any](list func(since time.Time) ([]T, error), means func(T) bool) (found, all []T, err error) {
	now := time.Now()
	for _, since := range []time.Time{now.Add(-recentLife), now} {
		if all, err = list(since); err != nil {
			return nil, nil, err
		}
		for _, one := range all {
			if means(one) {
				found = append(found, one)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	return found, all, nil
}
