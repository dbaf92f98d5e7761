package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"causeway/bridge"
)

// busy keeps the writer at work until release is called.
func busy(t *testing.T, s *Store) (release func()) {
	gate, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if err := s.do(t.Context(), func(*tx) error { <-gate; return nil }); err != nil {
			t.Error(err)
		}
	}()
	synctest.Wait()
	return func() { close(gate); <-done }
}

func TestCallsThatArriveTogetherShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var commits atomic.Int64
		s, _ := fresh(t, Options{BeforeCommit: func() error { commits.Add(1); return nil }})
		commits.Store(0)
		release := busy(t, s)
		var calls sync.WaitGroup
		for n := range 100 {
			calls.Go(func() {
				if _, err := s.Put(t.Context(), batch(state(fmt.Sprint("m", n), n, "hello")), routes()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		release()
		calls.Wait()
		if n := commits.Load(); n != 1 {
			t.Errorf("100 calls made %d commits, want 1", n)
		}
		if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 100 {
			t.Errorf("%d messages", n)
		}
	})
}

func TestACallThatFailsDoesNotSpoilItsNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := fresh(t, Options{})
		release := busy(t, s)
		ill := errors.New("ill")
		var got [30]error
		var calls sync.WaitGroup
		for n := range got {
			calls.Go(func() {
				switch n % 10 {
				case 3:
					got[n] = s.do(t.Context(), func(x *tx) error {
						_, err := x.conversation(bridge.ConversationID{Server: "spoilt", Channel: bridge.ChannelID(fmt.Sprint(n))})
						return cmp.Or(err, ill)
					})
				case 7:
					got[n] = s.do(t.Context(), func(*tx) error { panic("worse") })
				default:
					_, got[n] = s.Put(t.Context(), batch(state(fmt.Sprint("m", n), n, "hello")), routes())
				}
			})
		}
		synctest.Wait()
		release()
		calls.Wait()
		for n, err := range got {
			switch {
			case n%10 == 3 && !errors.Is(err, ill), n%10 == 7 && (err == nil || !strings.Contains(err.Error(), "worse")), n%10 != 3 && n%10 != 7 && err != nil:
				t.Errorf("call %d: %v", n, err)
			}
		}
		if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 24 {
			t.Errorf("%d messages, want 24", n)
		}
		if n := query[int](t, s, "SELECT count(*) FROM conversations WHERE server = 'spoilt'"); n != 0 {
			t.Error("what a failing call wrote has stayed")
		}
		// Nor is a row id remembered that was never stored.
		spoilt := bridge.ConversationID{Server: "spoilt", Channel: "3"}
		if err := s.Remember(t.Context(), "memory.a", "team/spoilt", spoilt); err != nil {
			t.Fatal(err)
		}
		if c, ok, err := s.Endpoint(t.Context(), "memory.a", "team/spoilt"); c != spoilt || !ok || err != nil {
			t.Errorf("got %v %v %v", c, ok, err)
		}
	})
}

func TestACrashLeavesWhatWasCommittedAndNothingElse(t *testing.T) {
	for name, after := range map[string]bool{"before the commit": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			var armed atomic.Bool
			die := func() error {
				if armed.Load() {
					return errors.New("crash")
				}
				return nil
			}
			o := Options{BeforeCommit: die}
			if after {
				o = Options{AfterCommit: die}
			}
			s, path := fresh(t, o)
			armed.Store(true)
			b := batch(state("m1", 1, "hello"))
			b.Cursor = "next"
			if _, err := s.Put(t.Context(), b, routes()); err == nil {
				t.Fatal("no error")
			}
			if _, err := s.Put(t.Context(), b, routes()); !errors.Is(err, ErrClosed) {
				t.Errorf("after the crash: %v, want ErrClosed", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, path, Options{})
			cursor, err := s.Cursor(t.Context(), here)
			n := query[int](t, s, "SELECT count(*) FROM messages")
			want := map[bool]string{false: "begun 0", true: "next 1"}[after]
			if got := fmt.Sprint(cursor, " ", n); got != want || err != nil {
				t.Errorf("got %s (%v), want %s", got, err, want)
			}
		})
	}
}

func TestCallsAfterCloseAreRefused(t *testing.T) {
	s, _ := fresh(t, Options{})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Cursor(t.Context(), here); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestACallIsGivenUpOnlyBeforeItHasBegun(t *testing.T) {
	s, _ := fresh(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := s.do(ctx, func(x *tx) error {
		cancel()
		return x.exec("INSERT INTO conversations (server, channel) VALUES ('kept', '')")
	})
	if err != nil {
		t.Errorf("a call that has begun: %v", err)
	}
	if n := query[int](t, s, "SELECT count(*) FROM conversations WHERE server = 'kept'"); n != 1 {
		t.Error("it was not stored")
	}
}

func TestAnotherProcessChangesTheDataVersion(t *testing.T) {
	s, path := fresh(t, Options{})
	version := func() int64 {
		v, err := s.DataVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := version()
	put(t, s, batch(state("m1", 1, "own change")))
	if v := version(); v != first {
		t.Error("it changed by the store's own write")
	}
	var o Options
	another, err := Open(t.Context(), place(path, &o), testKeys(t), o)
	if err != nil {
		t.Fatal(err)
	}
	defer another.Close()
	put(t, another, batch(state("m2", 2, "another's")))
	if v := version(); v == first {
		t.Error("it did not change")
	}
}
