package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/gateway/store/pgtest"
)

// postgresql gives the cluster of the tests that are about PostgreSQL, whatever engine the others are run on.
func postgresql(t *testing.T) *pgtest.Cluster {
	t.Helper()
	ownOnce.Do(func() {
		if own = cluster; own == nil {
			own = pgtest.Start(false)
		}
	})
	return own
}

var (
	own     *pgtest.Cluster
	ownOnce sync.Once
)

// opened opens a store on PostgreSQL and begins the conversation of the tests.
func opened(t *testing.T, dsn string) *Store {
	t.Helper()
	s := open(t, dsn, Options{})
	put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began})
	return s
}

func direct(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestASecondProcessIsToldWhoHoldsTheStore(t *testing.T) {
	c := postgresql(t)
	dsn := c.DSN(t.Name(), c.Address())
	s := opened(t, dsn)
	_, err := Open(t.Context(), dsn, testKeys(t), Options{Holder: "process 2 on elsewhere"})
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "(a test, since ") || strings.Contains(err.Error(), c.Password) {
		t.Errorf("got %v", err)
	}
	command, err := Open(t.Context(), dsn, testKeys(t), Options{}) // which does not hold it
	if err != nil {
		t.Fatal(err)
	}
	put(t, command, batch(state("m1", 1, "from another")))
	if err := errors.Join(command.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, open(t, dsn, Options{}), "SELECT count(*) FROM messages"); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// A DSN that finds the primary among several servers also leads those there who only read.
func TestAReaderFindsThePrimary(t *testing.T) {
	c := postgresql(t)
	dsn := c.DSN(t.Name(), c.Address()) + "&target_session_attrs=read-write"
	if Begun(t.Context(), dsn) {
		t.Error("an empty database is taken for a store")
	}
	opened(t, dsn)
	r, err := OpenReader(t.Context(), dsn, testKeys(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.db.ExecContext(t.Context(), "UPDATE store SET others = 1"); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a reader writes: %v", err)
	}
}

func TestAPostgreSQLStoreThatCannotBeUsedIsRefusedWithTheNextStep(t *testing.T) {
	c := postgresql(t)
	held := c.DSN(t.Name()+"held", c.Address())
	opened(t, held)
	for name, one := range map[string]struct{ script, want string }{
		"too new":    {"UPDATE store SET version = 1000", "restore a backup"},
		"unfinished": {"UPDATE store SET version = -1", "store copy again"},
		"no schema":  {"DO $$BEGIN EXECUTE 'DROP SCHEMA ' || current_schema() || ' CASCADE'; END$$", "CREATE SCHEMA"},
	} {
		dsn := c.DSN(t.Name()+name, c.Address())
		if err := opened(t, dsn).Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := direct(t, dsn).ExecContext(t.Context(), one.script); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), dsn, testKeys(t), Options{}); err == nil || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := direct(t, held).ExecContext(t.Context(), "UPDATE store SET version = 0"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), held, testKeys(t), Options{}); !errors.Is(err, ErrHeld) {
		t.Errorf("a migration under way of a store that is used: %v", err)
	}
	away := strings.Replace(held, c.Address(), "127.0.0.1:1", 1)
	if _, err := Open(t.Context(), away, testKeys(t), Options{}); err == nil || !strings.Contains(err.Error(), "see that PostgreSQL runs") || strings.Contains(err.Error(), c.Password) {
		t.Errorf("got %v", err)
	}
	for _, bad := range []string{"postgres://causeway:hush%zz@localhost/x", "postgres://causeway:hush@localhost:port/x", "postgres://causeway:hush@localhost/x?sslmode=no"} {
		if _, err := Open(t.Context(), bad, testKeys(t), Options{}); err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "write DSN") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

// cutter is a proxy before PostgreSQL that cuts the connection at a COMMIT.
type cutter struct {
	listener net.Listener
	target   string
	// at says at which side of the next COMMIT the connection is cut, away that nobody is let in.
	at   atomic.Int64
	away atomic.Bool
	cuts atomic.Int64
}

const (
	uncut int64 = iota
	before
	after
	silent // it takes effect, but no answer comes, and the server is not told that anything is wrong
)

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, target: target}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() { c.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); done.Wait() })
	return c
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	if c.away.Load() {
		return
	}
	server, err := net.Dial("tcp4", c.target)
	if err != nil {
		return
	}
	var cut atomic.Bool
	var done sync.WaitGroup
	done.Go(func() {
		defer server.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := client.Read(buffer)
			if err != nil {
				return
			}
			if strings.Contains(string(buffer[:n]), "COMMIT\x00") {
				at := c.at.Swap(uncut)
				if at != uncut {
					c.cuts.Add(1)
				}
				if at == before {
					return
				}
				cut.Store(at != uncut)
				if at == silent {
					defer time.Sleep(2 * time.Second) // the server sees an open connection meanwhile
				}
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		if err != nil || cut.Load() {
			break
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			break
		}
	}
	_ = client.Close()
	done.Wait()
}

// TestACommitWhoseAnswerIsLostIsFoundOut cuts the connection at every third commit.
func TestACommitWhoseAnswerIsLostIsFoundOut(t *testing.T) {
	server := postgresql(t)
	for name, at := range map[string]int64{"before": before, "after": after, "silent": silent} {
		t.Run(name, func(t *testing.T) {
			c := newCutter(t, server.Address())
			s := opened(t, server.DSN(t.Name(), c.listener.Addr().String()))
			var woken int
			const messages = 12
			for n := range messages {
				if n%3 == 0 {
					c.at.Store(at)
				}
				b := batch(state(fmt.Sprint("m", n), n, "hello"))
				b.Cursor = fmt.Sprint(n)
				w, err := s.Put(t.Context(), b, routes())
				if err != nil {
					t.Fatal(err)
				}
				woken += len(w)
				if err := s.do(t.Context(), func(t *tx) error { return t.exec("UPDATE conversations SET begins = begins + 1") }); err != nil {
					t.Fatal(err)
				}
			}
			sum := query[int](t, s, "SELECT begins FROM conversations WHERE server = 'memory:a'")
			if n := query[int](t, s, "SELECT count(*) FROM messages"); n != messages || woken != messages || sum != int(began.UnixMilli())+messages || c.cuts.Load() != messages/3 {
				t.Errorf("%d messages, %d woken, begins moved by %d, %d cuts: want %d and %d", n, woken, sum-int(began.UnixMilli()), c.cuts.Load(), messages, messages/3)
			}
		})
	}
}

func TestACallWhoseOutcomeIsUnknownWaitsAsLongAsItsCaller(t *testing.T) {
	server := postgresql(t)
	c := newCutter(t, server.Address())
	s := opened(t, server.DSN(t.Name(), c.listener.Addr().String()))
	c.at.Store(after)
	c.away.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := s.Put(ctx, batch(state("m1", 1, "hello")), routes())
		result <- err
	}()
	for c.cuts.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	// Others are told at once.
	if _, err := s.Cursor(t.Context(), here); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("got %v", err)
	}
	cancel()
	if err := <-result; !errors.Is(err, errDoubt) {
		t.Errorf("got %v", err)
	}
	c.away.Store(false)
	for {
		if _, err := s.Cursor(t.Context(), here); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 1 {
		t.Errorf("%d messages", n)
	}
	// One that ends while it does not know.
	c.at.Store(after)
	c.away.Store(true)
	go func() {
		_, err := s.Put(t.Context(), batch(state("m2", 2, "hello")), routes())
		result <- err
	}()
	for c.cuts.Load() == 1 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestARestartOfPostgreSQLIsSurvived(t *testing.T) {
	for _, orderly := range []bool{true, false} {
		server := pgtest.Start(true)
		t.Cleanup(server.Stop)
		dsn := server.DSN(t.Name(), server.Address())
		s := opened(t, dsn)
		var calls sync.WaitGroup
		var taken atomic.Int64
		var stop atomic.Bool
		for worker := range 4 {
			calls.Go(func() {
				for n := 0; !stop.Load(); n++ {
					id := fmt.Sprintf("m%d-%d", worker, n)
					for {
						_, err := s.Put(t.Context(), batch(state(id, n, "hello")), routes())
						if err == nil {
							break
						}
						time.Sleep(10 * time.Millisecond)
					}
					taken.Add(1)
				}
			})
		}
		for round := range int64(3) {
			for taken.Load() < 200*(round+1) {
				time.Sleep(time.Millisecond)
			}
			server.Halt(orderly)
			server.Run()
		}
		stop.Store(true)
		calls.Wait()
		if n := query[int64](t, s, "SELECT count(*) FROM messages"); n != taken.Load() {
			t.Errorf("orderly=%v: it took %d, has %d", orderly, taken.Load(), n)
		}
	}
}

func TestAStoreThatWasTakenOverOrWentBackEnds(t *testing.T) {
	server := postgresql(t)
	for name, one := range map[string]struct {
		script string
		want   error
	}{
		"taken over": {"UPDATE store SET token = 'another', holder = 'process 2'", errTaken},
		"went back":  {"UPDATE store SET commits = commits - 1", errRewound},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCutter(t, server.Address())
			s := opened(t, server.DSN(t.Name(), c.listener.Addr().String()))
			if _, err := direct(t, server.DSN(t.Name(), server.Address())).ExecContext(t.Context(), one.script); err != nil {
				t.Fatal(err)
			}
			c.at.Store(before)
			_, err := s.Put(t.Context(), batch(state("m1", 1, "hello")), routes())
			if !errors.Is(err, one.want) || !errors.Is(err, ErrClosed) {
				t.Errorf("got %v", err)
			}
			if _, err := s.Cursor(t.Context(), here); !errors.Is(err, ErrClosed) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestTextsThatPostgreSQLDoesNotTakeAreTaken(t *testing.T) {
	c := postgresql(t)
	s := opened(t, c.DSN(t.Name(), c.Address()))
	one := state("a\x00b", 1, "hello \x00 there")
	one.Author.ID = "\xff"
	for range 2 {
		put(t, s, batch(one))
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 1 {
		t.Errorf("%d messages", n)
	}
}
