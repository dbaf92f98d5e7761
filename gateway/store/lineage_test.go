package store

import (
	"strings"
	"testing"

	"causeway/bridge"
	"causeway/gateway/store/pgtest"
)

// whenRestored gives when a store was marked as one that was restored; 0: it was not.
func whenRestored(t *testing.T, s *Store) int64 {
	t.Helper()
	return query[int64](t, s, "SELECT COALESCE(MAX(at), 0) FROM moments WHERE what = 'restored'")
}

// reopened opens a store, does something with it, and closes it again.
func reopened(t *testing.T, dsn string, do func(s *Store)) {
	t.Helper()
	s, err := Open(t.Context(), dsn, testKeys(t), Options{Holder: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// marked opens a store, looks whether that marks it as one that was restored, and that the next opening does so no more.
func marked(t *testing.T, dsn string, want bool) {
	t.Helper()
	var at int64
	reopened(t, dsn, func(s *Store) {
		if at = whenRestored(t, s); (at != 0) != want || s.Moved() != want {
			t.Errorf("marked as restored at %d, moved %t: want %t", at, s.Moved(), want)
		}
	})
	reopened(t, dsn, func(s *Store) {
		if again := whenRestored(t, s); again != at || s.Moved() {
			t.Errorf("at the next opening marked at %d, not %d; moved %t", again, at, s.Moved())
		}
	})
}

// A dump that was put back has less than what Causeway has done since it was made.
func TestADumpThatWasPutBackIsNoticed(t *testing.T) {
	c := postgresql(t)
	dsn := c.DSN(t.Name(), c.Address())
	reopened(t, dsn, func(s *Store) { put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began}) })
	back := c.Dump(t.Name())
	reopened(t, dsn, func(s *Store) { put(t, s, batch(state("m1", 1, "since then"))) })
	marked(t, dsn, false)
	back()
	marked(t, dsn, true)
	reopened(t, dsn, func(s *Store) {
		if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 0 {
			t.Errorf("the dump holds %d messages", n)
		}
	})
}

// A store of an older Causeway does not tell in which database it was.
func TestAStoreThatDoesNotTellWhereItWasIsNotMarked(t *testing.T) {
	c := postgresql(t)
	dsn := c.DSN(t.Name(), c.Address())
	reopened(t, dsn, func(s *Store) {
		if err := s.do(t.Context(), func(t *tx) error { return t.exec("UPDATE store SET lineage = ''") }); err != nil {
			t.Fatal(err)
		}
	})
	marked(t, dsn, false)
}

// A replica that takes over may be behind the very start of the process that held the store, so that only the next one finds out.
func TestAReplicaThatHasTakenOverIsNoticed(t *testing.T) {
	primary := pgtest.Start(false)
	t.Cleanup(primary.Stop)
	dsn := primary.DSN(t.Name(), primary.Address())
	reopened(t, dsn, func(s *Store) { put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began}) })
	marked(t, dsn, false)
	replica := primary.Replica()
	t.Cleanup(replica.Stop)
	reopened(t, dsn, func(s *Store) { put(t, s, batch(state("m1", 1, "the replica does not have it"))) })
	primary.Halt(false)
	replica.Run()
	replica.Promote()
	dsn = strings.Replace(dsn, primary.Address(), replica.Address(), 1)
	marked(t, dsn, true)
	reopened(t, dsn, func(s *Store) {
		if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 0 {
			t.Errorf("the replica holds %d messages", n)
		}
	})
}

// A holder whose connection is lost knows by its count that nothing is missing, wherever it finds the store again.
func TestAHolderThatHasLostNothingDoesNotMarkTheStore(t *testing.T) {
	server := postgresql(t)
	c := newCutter(t, server.Address())
	dsn := server.DSN(t.Name(), c.listener.Addr().String())
	s := opened(t, dsn)
	if err := s.do(t.Context(), func(t *tx) error { return t.exec("UPDATE store SET lineage = 'another'") }); err != nil {
		t.Fatal(err)
	}
	s.engine.(*postgres).lineage = "another"
	c.at.Store(before)
	put(t, s, batch(state("m1", 1, "hello")))
	if err := s.Close(); err != nil || c.cuts.Load() != 1 {
		t.Fatal(err, c.cuts.Load())
	}
	marked(t, dsn, false)
}

// Causeway's role needs no more than its database.
func TestAnyRoleMayAskWhichDatabaseItIs(t *testing.T) {
	c := postgresql(t)
	dsn := c.DSN(t.Name(), c.Address())
	s := opened(t, dsn)
	conn, err := direct(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"CREATE ROLE plain", "GRANT USAGE ON SCHEMA " + query[string](t, s, "SELECT current_schema()::text") + " TO plain", "SET ROLE plain"} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	got, err := lineage(t.Context(), conn)
	if want := s.engine.(*postgres).lineage; err != nil || got != want || len(strings.Fields(got)) != len(lineageQueries) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
}
