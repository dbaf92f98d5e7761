package notification

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// service is what the login service has, on synctest's clock.
type service struct {
	mu      sync.Mutex
	kids    []string
	err     error
	takes   time.Duration
	fetches atomic.Int32
	running atomic.Int32
}

func (s *service) fetch(ctx context.Context) ([]SigningKey, error) {
	s.fetches.Add(1)
	if s.running.Add(1) > 1 {
		panic("fetched twice at once")
	}
	defer s.running.Add(-1)
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	var keys []SigningKey
	for _, kid := range s.kids {
		keys = append(keys, SigningKey{ID: kid, Public: &signingKey().PublicKey})
	}
	return keys, nil
}

func (s *service) set(err error, kids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.kids = err, kids
}

// steps runs a test on fake time.
func steps(t *testing.T, run func(t *testing.T, s *service, c *KeyCache, expect func(kid string, want error, fetches int))) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{kids: []string{"a", "b"}, takes: time.Millisecond}
		c := NewKeyCache(s.fetch, time.Now)
		run(t, s, c, func(kid string, want error, fetches int) {
			t.Helper()
			key, err := c.Key(t.Context(), kid)
			if !errors.Is(err, want) || err == nil && key.ID != kid {
				t.Errorf("%s: %v, %v", kid, key.ID, err)
			}
			if n := int(s.fetches.Load()); n != fetches {
				t.Errorf("%s: %d fetches, want %d", kid, n, fetches)
			}
		})
	})
}

func TestKeysAreKeptForADayAtMost(t *testing.T) {
	steps(t, func(t *testing.T, s *service, c *KeyCache, expect func(string, error, int)) {
		expect("a", nil, 1)
		expect("b", nil, 1)
		time.Sleep(renewSigningKeys - time.Second)
		expect("a", nil, 1)
		time.Sleep(time.Second)
		expect("a", nil, 2) // renewed at half time
		s.set(errors.New("down"))
		time.Sleep(renewSigningKeys)
		expect("a", nil, 3) // in vain, and the old ones still do
		expect("b", nil, 3) // not tried again at once
		time.Sleep(afterFailure)
		expect("b", nil, 4)
		time.Sleep(keepSigningKeys - renewSigningKeys)
		expect("a", ErrKeysUnavailable, 5) // a day is over
		expect("a", ErrKeysUnavailable, 5)
		s.set(nil, "b")
		time.Sleep(afterFailure)
		expect("b", nil, 6)
		time.Sleep(renewSigningKeys)
		s.set(nil, "c")
		expect("b", ErrNoSuchKey, 7) // withdrawn
	})
}

func TestAnUnknownKeyIsLookedForButNotOften(t *testing.T) {
	steps(t, func(t *testing.T, s *service, c *KeyCache, expect func(string, error, int)) {
		expect("forged", ErrNoSuchKey, 1)
		for i := range 1000 {
			expect(fmt.Sprint("forged", i), ErrKeysUnavailable, 1) // nothing can be said yet
		}
		expect("a", nil, 1)
		s.set(nil, "a", "new")
		time.Sleep(betweenFetches)
		expect("new", nil, 2)
		expect("a", nil, 2)
		expect("b", ErrKeysUnavailable, 2)
		time.Sleep(betweenFetches)
		expect("b", ErrNoSuchKey, 3)
		time.Sleep(betweenFetches)
		s.set(errors.New("down"))
		expect("b", ErrKeysUnavailable, 4)
		expect("a", nil, 4) // what is known is not lost by a failure
	})
}

func TestThePauseAfterAFailureIsShort(t *testing.T) {
	steps(t, func(t *testing.T, s *service, c *KeyCache, expect func(string, error, int)) {
		down := errors.New("connection refused")
		s.set(down)
		expect("a", down, 1)
		expect("a", down, 1) // the reason is still told
		time.Sleep(afterFailure - time.Second)
		expect("a", ErrKeysUnavailable, 1)
		s.set(nil, "a")
		time.Sleep(time.Second)
		expect("a", nil, 2)
	})
}

// TestManyAskAndOneFetches: all get what it brings.
func TestManyAskAndOneFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{kids: []string{"a"}, takes: time.Second}
		c := NewKeyCache(s.fetch, time.Now)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				kid, want := "a", error(nil)
				if i%2 == 1 {
					kid, want = "unknown", ErrNoSuchKey
				}
				if _, err := c.Key(t.Context(), kid); !errors.Is(err, want) {
					t.Errorf("%s: %v", kid, err)
				}
			})
		}
		wg.Wait()
		if n := s.fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestARenewalHoldsNobodyUp while the old keys may still be used.
func TestARenewalHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{kids: []string{"a"}, takes: time.Minute}
		c := NewKeyCache(s.fetch, time.Now)
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(renewSigningKeys)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.Key(t.Context(), "a") })
		synctest.Wait()
		begin := time.Now()
		if _, err := c.Key(t.Context(), "a"); err != nil || time.Since(begin) != 0 {
			t.Errorf("%v, after %v", err, time.Since(begin))
		}
		wg.Wait()
		if n := s.fetches.Load(); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestWhoeverWaitsMayGoAway and whoever fetches too: the next one fetches then.
func TestWhoeverWaitsMayGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{kids: []string{"a"}, takes: time.Minute}
		c := NewKeyCache(s.fetch, time.Now)
		first, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Key(first, "a"); !errors.Is(err, ErrKeysUnavailable) || !errors.Is(err, context.Canceled) {
				t.Errorf("who fetched: %v", err)
			}
		})
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Key(short, "a"); !errors.Is(err, ErrKeysUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waited: %v", err)
		}
		if err := c.Refresh(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who refreshed: %v", err)
		}
		leave()
		wg.Wait()
		if _, err := c.Key(t.Context(), "a"); !errors.Is(err, ErrKeysUnavailable) || s.fetches.Load() != 1 {
			t.Errorf("at once: %v, %d fetches", err, s.fetches.Load())
		}
		time.Sleep(afterCancel)
		if _, err := c.Key(t.Context(), "a"); err != nil || s.fetches.Load() != 2 {
			t.Errorf("a second later: %v, %d fetches", err, s.fetches.Load())
		}
	})
}

func TestRefresh(t *testing.T) {
	steps(t, func(t *testing.T, s *service, c *KeyCache, expect func(string, error, int)) {
		down := errors.New("down")
		s.set(down)
		if err := c.Refresh(t.Context()); !errors.Is(err, down) {
			t.Error(err)
		}
		s.set(nil, "a")
		if err := c.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
		expect("a", nil, 2)
		if err := c.Refresh(t.Context()); err != nil { // whatever there is already
			t.Error(err)
		}
		expect("a", nil, 3)
	})
}

// TestAClockThatIsSetBackMakesNothingYoung, nor stops the fetching for long.
func TestAClockThatIsSetBackMakesNothingYoung(t *testing.T) {
	s := &service{kids: []string{"a"}}
	now := noon
	c := NewKeyCache(s.fetch, func() time.Time { return now })
	if _, err := c.Key(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	now = noon.Add(-30 * 24 * time.Hour)
	if _, err := c.Key(t.Context(), "a"); err != nil || s.fetches.Load() != 2 {
		t.Errorf("%v, %d fetches", err, s.fetches.Load())
	}
}
