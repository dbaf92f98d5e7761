package notification

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// renewSigningKeys is when the keys are fetched anew, while the old ones may still be used if that fails.
	renewSigningKeys = 12 * time.Hour
	// keepSigningKeys is how long keys may be used: Microsoft says a day at most.
	keepSigningKeys = 24 * time.Hour
	// betweenFetches is the pause after keys were fetched, however many unknown keys are asked for.
	betweenFetches = 5 * time.Minute
	// afterFailure is the pause after keys could not be fetched; afterCancel the one when who asked went away.
	afterFailure, afterCancel = 10 * time.Second, time.Second
)

var (
	// ErrNoSuchKey: the login service has no key of that name.
	ErrNoSuchKey = errors.New("the login service has no such key")
	// ErrKeysUnavailable: the keys could not be fetched now. Nothing is known of the token; ask again.
	ErrKeysUnavailable = errors.New("the login service's keys are not available")
)

// Fetch gives all signing keys that the login service has now. It must end by itself or with its context.
type Fetch func(ctx context.Context) ([]SigningKey, error)

// KeySource gives the login service's public key of a name, or an error that is [ErrNoSuchKey] or [ErrKeysUnavailable].
type KeySource func(ctx context.Context, kid string) (SigningKey, error)

// KeyCache keeps the login service's keys: for a day at most, renewed at half of that. A key that is not known makes it look
// again, but not within 5 minutes of the last look, so forged tokens make no traffic. Whoever asks waits for the one who
// is fetching.
type KeyCache struct {
	fetch Fetch
	now   func() time.Time
	// turn is held by whoever fetches.
	turn chan struct{}

	mu   sync.Mutex
	keys map[string]SigningKey
	// fetched is when the keys came, times how often that has happened.
	fetched time.Time
	times   int
	// next is when they may be fetched again, failure what happened last.
	next    time.Time
	failure error
}

// NewKeyCache makes an empty one. now is the clock.
func NewKeyCache(fetch Fetch, now func() time.Time) *KeyCache {
	return &KeyCache{fetch: fetch, now: now, turn: make(chan struct{}, 1)}
}

// known is what the cache says of a key at one moment.
type known struct {
	key SigningKey
	has bool
	// old: a renewal is due.
	old   bool
	times int
	// wait says until when nothing is fetched, and why: after that failure, if any.
	wait    bool
	failure error
}

func (c *KeyCache) look(kid string) known {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	age := now.Sub(c.fetched).Abs() // a clock that was set back makes nothing young
	k := known{old: age >= renewSigningKeys, times: c.times, failure: c.failure}
	pause := c.next.Sub(now)
	k.wait = pause > 0 && pause <= betweenFetches
	if age < keepSigningKeys {
		k.key, k.has = c.keys[kid]
	}
	return k
}

// Key gives a key by its name. It is a [KeySource].
func (c *KeyCache) Key(ctx context.Context, kid string) (SigningKey, error) {
	first := c.look(kid)
	if first.has && !first.old {
		return first.key, nil
	}
	if first.has { // usable still: only one renews it, and nobody waits for that
		select {
		case c.turn <- struct{}{}:
		default:
			return first.key, nil
		}
	} else {
		select {
		case c.turn <- struct{}{}:
		case <-ctx.Done():
			return SigningKey{}, fmt.Errorf("%w: waiting for them: %w", ErrKeysUnavailable, ctx.Err())
		}
	}
	defer func() { <-c.turn }()
	now := c.look(kid)
	if !now.wait {
		c.renew(ctx)
		now = c.look(kid)
	}
	switch {
	case now.has:
		return now.key, nil
	case now.times > first.times:
		return SigningKey{}, ErrNoSuchKey
	case now.failure != nil:
		return SigningKey{}, fmt.Errorf("%w: %w", ErrKeysUnavailable, now.failure)
	}
	return SigningKey{}, fmt.Errorf("%w: they were fetched just now, and this key was not among them", ErrKeysUnavailable)
}

// Refresh fetches the keys whatever there is already, so that the first notification need not wait for it, or to see
// whether it works.
func (c *KeyCache) Refresh(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the login service's keys: %w", ctx.Err())
	}
	defer func() { <-c.turn }()
	return c.renew(ctx)
}

// renew fetches the keys. Whoever calls it has the turn.
func (c *KeyCache) renew(ctx context.Context) error {
	keys, err := c.fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.failure = err; err != nil {
		c.next = now.Add(afterFailure)
		if errors.Is(ctx.Err(), context.Canceled) {
			c.next = now.Add(afterCancel)
		}
		return err
	}
	c.keys = make(map[string]SigningKey, len(keys))
	for _, k := range keys {
		c.keys[k.ID] = k
	}
	c.fetched, c.next = now, now.Add(betweenFetches)
	c.times++
	return nil
}
