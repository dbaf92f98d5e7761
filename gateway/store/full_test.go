package store

import (
	"fmt"
	"strings"
	"testing"

	"causeway/bridge"
)

// fill puts messages until one is refused, and gives how many were taken and that refusal.
func fill(t *testing.T, s *Store) (taken int, err error) {
	t.Helper()
	for n := range 100_000 {
		b := batch(state(fmt.Sprint("m", n), n, strings.Repeat("text ", 2000)))
		b.Cursor = fmt.Sprint(n)
		if _, err := s.Put(t.Context(), b, routes()); err != nil {
			return n, err
		}
	}
	t.Fatal("it never got full")
	return 0, nil
}

// filled proves that a store that could not write holds exactly what it said it holds, and works on when it can again.
func filled(t *testing.T, s *Store, space func()) {
	t.Helper()
	taken, err := fill(t, s)
	if !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v, want an error that says what is full", err)
	}
	for range 3 {
		if _, err := s.Put(t.Context(), batch(state("again", taken, strings.Repeat("text ", 20000))), routes()); err == nil {
			t.Error("a store that is full took more")
		}
	}
	cursor, err := s.Cursor(t.Context(), here)
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != taken || cursor != fmt.Sprint(taken-1) || err != nil {
		t.Errorf("it took %d, holds %d, its cursor is %q (%v)", taken, n, cursor, err)
	}
	space()
	put(t, s, bridge.Batch{Conversation: here, Cursor: "on", States: []bridge.State{state("later", taken+1, strings.Repeat("text ", 2000))}})
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != taken+1 {
		t.Errorf("after there was space again it holds %d, want %d", n, taken+1)
	}
	if v := query[string](t, s, "PRAGMA integrity_check"); v != "ok" {
		t.Error(v)
	}
}

func TestAStoreThatMayNotGrowRefusesAndGoesOn(t *testing.T) {
	aboutSQLite(t)
	s, _ := fresh(t, Options{})
	limit(t, s, 200)
	filled(t, s, func() { limit(t, s, 1_000_000) })
}

func TestAStoreThatIsReadOnlyRefusesAndGoesOn(t *testing.T) {
	aboutSQLite(t)
	s, _ := fresh(t, Options{})
	readOnly := func(on int) { // nobody calls the store meanwhile
		if _, err := s.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA query_only = %d", on)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, batch(state("before", 1, "before")))
	readOnly(1)
	for range 3 {
		if _, err := s.Put(t.Context(), batch(state("refused", 2, "refused")), routes()); err == nil || !strings.Contains(err.Error(), "readonly") {
			t.Errorf("got %v, want an error that says that it is read-only", err)
		}
	}
	readOnly(0)
	put(t, s, batch(state("after", 3, "after")))
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 2 {
		t.Errorf("it holds %d messages, want those of which it said that it holds them", n)
	}
}

// limit sets how many pages the database may have.
func limit(t *testing.T, s *Store, pages int) {
	query[int](t, s, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
}
