package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"causeway/bridge"
)

func TestEverythingIsCopiedThereAndBack(t *testing.T) {
	c := postgresql(t)
	path := t.TempDir() + "/causeway.db"
	s, err := Open(t.Context(), path, testKeys(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began})
	one := state("m1", 1, `a "quote", a \ and ü`)
	one.Reactions = []bridge.Reaction{{User: "ben", Emoji: "👍"}}
	put(t, s, batch(one, state("m2", 2, "second")))
	deliver(t, s, there)
	put(t, s, batch(state("m3", 3, "waits")))
	if err := errors.Join(s.Vault("memory.a").Save(t.Context(), "token", []byte("\x00\xff\\x")), s.Close()); err != nil {
		t.Fatal(err)
	}
	middle, back := c.DSN(t.Name(), c.Address()), t.TempDir()+"/back.db"
	there1, err := Copy(t.Context(), path, middle)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Copy(t.Context(), middle, back)
	if err != nil || again != there1 || again.Rows < 10 {
		t.Fatalf("%+v there, %+v back: %v", there1, again, err)
	}
	for _, dsn := range []string{middle, back} {
		if i, err := Inspect(t.Context(), dsn); err != nil || i.Rows != again.Rows || len(i.Problems) > 0 {
			t.Errorf("%+v %v", i, err)
		}
	}
	first, last := contents(t, path), contents(t, back)
	if first != last {
		t.Errorf("before:\n%s\nafterwards:\n%s", first, last)
	}
	if _, err := Copy(t.Context(), path, middle); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("into a store that is not empty: %v", err)
	}
	s = open(t, middle, Options{}) // and it works on, with ids of its own
	if v, err := s.Vault("memory.a").Load(t.Context(), "token"); string(v) != "\x00\xff\\x" || err != nil {
		t.Errorf("%q %v", v, err)
	}
	put(t, s, batch(state("m4", 4, "new")))
	if next, err := s.Advance(t.Context(), there, nil, 1, simplePlan); err != nil || next.Step.Op != Post || next.Step.Draft.Text.PlainText() != "waits" {
		t.Errorf("%+v %v", next.Step, err)
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 4 {
		t.Errorf("%d messages", n)
	}
	if _, err := Copy(t.Context(), middle, t.TempDir()+"/used.db"); !errors.Is(err, ErrHeld) {
		t.Errorf("from a store that is used: %v", err)
	}
}

// contents writes out an SQLite store.
func contents(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	all, err := tables(t.Context(), conn, false)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range all {
		wanted, err := columns(t.Context(), conn, false, table)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.QueryContext(t.Context(), "SELECT "+strings.Join(names(wanted), ", ")+" FROM "+table+" ORDER BY 1, 2, 3")
		if err != nil {
			rows, err = conn.QueryContext(t.Context(), "SELECT "+strings.Join(names(wanted), ", ")+" FROM "+table+" ORDER BY 1")
		}
		if err != nil {
			t.Fatal(err)
		}
		f := feed{rows: rows, columns: wanted}
		for f.Next() {
			row, err := f.Values()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %q\n", table, row)
		}
		_ = rows.Close()
	}
	return b.String()
}

// A copy that breaks off leaves a store that says so, and that takes the same copy.
func TestACopyThatBreaksOffIsRecognised(t *testing.T) {
	c := postgresql(t)
	path := t.TempDir() + "/causeway.db"
	s, err := Open(t.Context(), path, testKeys(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began, States: []bridge.State{state("m1", 1, "hello")}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"SQLite": t.TempDir() + "/copy.db", "PostgreSQL": c.DSN(t.Name(), c.Address())} {
		e, err := engineOf(target, Options{Holder: "a copy"})
		if err != nil {
			t.Fatal(err)
		}
		db, conn, err := openTarget(t.Context(), e, filling{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), "BEGIN; INSERT INTO conversations (id, server, channel) VALUES (1, 'memory:a', 'town')"); err != nil {
			t.Fatal(err)
		}
		discard(conn) // it dies
		_ = db.Close()
		_, err = Open(t.Context(), target, testKeys(t), Options{})
		_, reading := OpenReader(t.Context(), target, testKeys(t))
		if !errors.Is(err, ErrUnfinished) || !errors.Is(reading, ErrUnfinished) {
			t.Errorf("%s: opened with %v and %v", name, err, reading)
		}
		if copied, err := Copy(t.Context(), path, target); err != nil || copied.Rows == 0 {
			t.Errorf("%s: copied again: %+v, %v", name, copied, err)
		}
		copied, err := Open(t.Context(), target, testKeys(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := query[int](t, copied, "SELECT count(*) FROM messages"); n != 1 {
			t.Errorf("%s: %d messages", name, n)
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
}
