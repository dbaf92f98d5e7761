package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"causeway/bridge"
	"causeway/gateway/store/pgtest"
)

// successor is a process that stands by.
type successor struct {
	told chan Holder
	// opened gives what it has opened, and is closed when it has ended.
	opened chan *Store
}

// succeeds has another process stand by.
func succeeds(t *testing.T, dsn string) *successor {
	t.Helper()
	s := &successor{told: make(chan Holder), opened: make(chan *Store, 1)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		next, err := Open(ctx, dsn, testKeys(t), Options{Holder: "the next", Listens: ":9080", Standby: func(h Holder) {
			select {
			case s.told <- h:
			case <-ctx.Done():
			}
		}})
		if err == nil {
			t.Cleanup(func() { _ = next.Close() })
			s.opened <- next
		} else if ctx.Err() == nil {
			t.Errorf("standing by: %v", err)
		}
		close(s.opened)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return s
}

// until reads what the one that stands by is told.
func (s *successor) until(t *testing.T, holds func(Holder) bool) {
	t.Helper()
	for late := time.After(time.Minute); ; {
		select {
		case h := <-s.told:
			if holds(h) {
				return
			}
		case <-late:
			t.Fatal("waited too long")
		}
	}
}

// takesOver waits until it holds the store.
func (s *successor) takesOver(t *testing.T) *Store {
	t.Helper()
	for late := time.After(time.Minute); ; {
		select {
		case <-s.told:
		case next := <-s.opened:
			if next == nil {
				t.Fatal("it has ended")
			}
			return next
		case <-late:
			t.Fatal("waited too long")
		}
	}
}

func instances(t *testing.T, s *Store) (holding, waiting int) {
	t.Helper()
	all, err := s.Instances(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if !strings.HasPrefix(i.Name, "causeway ") || i.Since.IsZero() {
			t.Errorf("%+v", i)
		}
		if i.Holds {
			holding++
		} else {
			waiting++
		}
	}
	return holding, waiting
}

func TestOneThatStandsByTakesOver(t *testing.T) {
	server := postgresql(t)
	for name, end := range map[string]func(t *testing.T, s *Store, c *pgtest.Cluster, dsn string){
		"when the holder ends": func(t *testing.T, s *Store, _ *pgtest.Cluster, _ string) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		},
		"when the holder's session is ended": func(t *testing.T, s *Store, _ *pgtest.Cluster, dsn string) {
			// As if a third one had held it in between: or this one might be back before the next one notices.
			if _, err := direct(t, dsn).ExecContext(t.Context(), "UPDATE store SET token = 'another'"); err != nil {
				t.Error(err)
			}
			if _, err := direct(t, dsn).ExecContext(t.Context(), "SELECT pg_terminate_backend(a.pid) "+ofStore+"= $2::int4::oid", s.engine.(*postgres).place, holding); err != nil {
				t.Error(err)
			}
		},
		"after a replica may have taken over": func(t *testing.T, s *Store, _ *pgtest.Cluster, dsn string) {
			if _, err := direct(t, dsn).ExecContext(t.Context(), "SELECT pg_terminate_backend(a.pid) "+ofStore+"= $2::int4::oid", s.engine.(*postgres).place, waiting); err != nil {
				t.Error(err)
			}
			for _, waiting := instances(t, s); waiting > 0; _, waiting = instances(t, s) {
				time.Sleep(time.Millisecond)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.DSN(t.Name(), server.Address())
			s := open(t, dsn, Options{Standby: func(Holder) {}})
			put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began})
			next := succeeds(t, dsn)
			next.until(t, func(h Holder) bool {
				want := Holder{Name: "a test"}
				diff := cmp.Diff(want, h, cmpopts.IgnoreFields(Holder{}, "Since"))
				if diff != "" || time.Since(h.Since) > time.Minute {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				return true
			})
			if holding, waiting := instances(t, s); holding != 1 || waiting != 1 {
				t.Errorf("%d hold it and %d wait", holding, waiting)
			}
			end(t, s, server, dsn)
			now := next.takesOver(t)
			put(t, now, batch(state("m1", 1, "hello")))
			if holding, waiting := instances(t, now); holding != 1 || waiting != 0 {
				t.Errorf("%d hold it and %d wait", holding, waiting)
			}
			if got := query[string](t, now, "SELECT address FROM store"); got != "127.0.0.1:9080" {
				t.Errorf("it is to be reached at %q", got)
			}
			// What it posts is looked for first where the former holder may have stored what is not there any more.
			if marked := query[int](t, now, "SELECT count(*) FROM moments WHERE what = 'restored'"); (marked == 1) != strings.HasPrefix(name, "after") {
				t.Errorf("marked as restored %d times", marked)
			}
			// Whoever held it before writes no more, and finds out by itself.
			select {
			case <-s.Done():
			case <-time.After(time.Minute):
				t.Fatal("the former holder goes on")
			}
			if _, err := s.Put(t.Context(), batch(state("m2", 2, "too late")), routes()); !errors.Is(err, ErrClosed) {
				t.Errorf("the former holder writes: %v", err)
			}
			if err := s.Err(); strings.HasSuffix(name, "session is ended") != errors.Is(err, errTaken) {
				t.Errorf("the former holder has ended because of %v", err)
			}
		})
	}
}

// An older Causeway says at once that it cannot understand the store, not only when it is needed.
func TestOneThatCouldNotTakeOverDoesNotStandBy(t *testing.T) {
	server := postgresql(t)
	dsn := server.DSN(t.Name(), server.Address())
	open(t, dsn, Options{Program: "v9.1.0"})
	told, ended := make(chan struct{}, 1), make(chan error)
	go func() {
		_, err := Open(t.Context(), dsn, testKeys(t), Options{Holder: "an older one", Standby: func(Holder) {
			select {
			case told <- struct{}{}:
			default:
			}
		}})
		ended <- err
	}()
	<-told
	if err := testKeys(t).Belongs(t.Context(), dsn); err != nil {
		t.Error(err)
	}
	if _, err := direct(t, dsn).ExecContext(t.Context(), "UPDATE store SET version = 1000"); err != nil {
		t.Fatal(err)
	}
	for who, err := range map[string]error{"one that stands by": <-ended, "one that begins to": testKeys(t).Belongs(t.Context(), dsn)} {
		if !errors.Is(err, ErrTooNew) || !strings.Contains(err.Error(), "Causeway v9.1.0 has worked on it") {
			t.Errorf("%s: got %v", who, err)
		}
	}
	if _, err := direct(t, dsn).ExecContext(t.Context(), "UPDATE store SET version = -1"); err != nil {
		t.Fatal(err)
	}
	if err := testKeys(t).Belongs(t.Context(), dsn); !errors.Is(err, ErrUnfinished) {
		t.Errorf("unfinished: got %v", err)
	}
}

// A holder that says nothing has its session ended, one that only has nothing to do has not.
func TestOneThatStandsByEndsASilentHolder(t *testing.T) {
	t.Parallel()
	server := postgresql(t)
	dsn := server.DSN(t.Name(), server.Address())
	s := opened(t, dsn)
	place := s.engine.(*postgres).place
	idle := server.DSN(t.Name()+"idle", server.Address())
	alive := open(t, idle, Options{Standby: func(Holder) {}})
	put(t, alive, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began})
	second := succeeds(t, idle)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	paused, err := direct(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := paused.ExecContext(t.Context(), "SELECT pg_advisory_lock($1, $2)", holding, place); err != nil {
		t.Fatal(err)
	}
	if _, err := paused.ExecContext(t.Context(), "SELECT pg_advisory_lock_shared($1, $2)", beating, place); err != nil {
		t.Fatal(err)
	}
	// A command holds a store without saying anything.
	copying := server.DSN(t.Name()+"copying", server.Address())
	if err := opened(t, copying).Close(); err != nil {
		t.Fatal(err)
	}
	free, err := nobodyHolds(t.Context(), direct(t, copying))
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	third := succeeds(t, copying)
	next := succeeds(t, dsn)
	told := 0
	for over := false; !over; {
		select {
		case <-second.told: // the other one is watched as long as that takes
			told++
		case <-next.told:
		case <-third.told:
		case <-third.opened:
			t.Fatal("the session of a command was ended")
		case now := <-next.opened:
			over = now != nil
		}
	}
	if told < int(silence/(watchPause+awayPause))-1 {
		t.Errorf("a silent holder is ended after %d looks", told)
	}
	if err := paused.PingContext(t.Context()); err == nil {
		t.Error("the silent one still has its session")
	}
	put(t, alive, batch(state("m1", 1, "hello")))
}
