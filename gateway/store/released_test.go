package store

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causeway/bridge"
)

// released opens a store of a version as it was once released, with something of everything in it. No code of today has made it.
func released(t *testing.T, version int) (*Store, string) {
	t.Helper()
	script, err := os.ReadFile(fmt.Sprintf("testdata/version-%d.sql", version))
	if err != nil {
		t.Fatalf("every version that was released needs its file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "causeway.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(script)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path, Options{}), path
}

// schema is how a database is made up.
func schema(t *testing.T, s *Store) string {
	t.Helper()
	return query[string](t, s, `SELECT group_concat(line, char(10)) FROM (
		SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || COALESCE(c.dflt_value, '') || ' ' || c.pk AS line FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'
		UNION ALL SELECT name || ' ' || COALESCE(sql, '') FROM sqlite_master WHERE type = 'index' ORDER BY 1)`)
}

func TestEveryReleasedStoreGoesOnWhereItWas(t *testing.T) {
	aboutSQLite(t)
	present, _ := fresh(t, Options{})
	for version := 1; version < len(migrations); version++ {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			s, path := released(t, version)
			if got, want := schema(t, s), schema(t, present); got != want {
				t.Errorf("its tables are\n%s\nthose of a new store\n%s", got, want)
			}
			goesOn(t, s, version)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if i, err := Inspect(t.Context(), path); err != nil || len(i.Problems) > 0 {
				t.Errorf("%+v %v", i, err)
			}
			backup := filepath.Join(t.TempDir(), "old.db") // and a backup of it can be restored
			old, _ := sql.Open("sqlite", backup)
			script, _ := os.ReadFile(fmt.Sprintf("testdata/version-%d.sql", version))
			if _, err := old.Exec(strings.TrimSpace(string(script))); err != nil {
				t.Fatal(err)
			}
			if _, err := old.Exec("INSERT INTO vault VALUES ('', 'key file', $1)", testKeys(t).sealed("", keyFileSeal, []byte("the same"))); err != nil {
				t.Fatal(err)
			}
			_ = old.Close()
			if n := query[int](t, restoredTo(t, backup, path), "SELECT count(*) FROM messages"); n != 6 {
				t.Errorf("restored, it has %d messages", n)
			}
		})
	}
}

// goesOn makes sure that a store of a version goes on where it was.
func goesOn(t *testing.T, s *Store, version int) {
	t.Helper()
	// Who is in quarantine stays there, and what waits leaves: what may be there is looked for first.
	held, err := s.Quarantine(t.Context())
	if err != nil || len(held) != 1 || held[0].Reason != "too large" || held[0].Author != "Ben" {
		t.Errorf("in quarantine: %+v %v", held, err)
	}
	var did []string
	for _, step := range deliver(t, s, there) {
		did = append(did, fmt.Sprint(step.Op, " ", step.Draft.Key == "key-3", " ", step.Draft.Text.PlainText()))
	}
	want := []string{fmt.Sprint(Find, " true may be there"), fmt.Sprint(Post, " true may be there"), fmt.Sprint(Post, " false waits")}
	if fmt.Sprint(did) != fmt.Sprint(want) {
		t.Errorf("did  %q\nwant %q", did, want)
	}
	// What is known is not taken for new.
	changed := state("answer", 2, "edited")
	changed.Revision = 9
	put(t, s, batch(state("settled", 1, "settled"), changed))
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 6 {
		t.Errorf("%d messages", n)
	}
	if steps := deliver(t, s, there); len(steps) != 1 || steps[0].Op != Edit || steps[0].ID != "q2" {
		t.Errorf("an edit led to %+v", steps)
	}
	cursor, err := s.Cursor(t.Context(), here)
	if c, known, failed := s.Endpoint(t.Context(), "memory.a", " team/town"); cursor != "c7" || c != here || !known || err != nil || failed != nil {
		t.Errorf("%q %v %v %v %v", cursor, c, known, err, failed)
	}
	if version > 1 {
		p, known, err := s.PersonOf(t.Context(), bridge.ServerID("memory:b"), "dane")
		if err != nil || !known || p.Preferred != "memory.b" || len(p.Identities) != 2 {
			t.Errorf("%+v %v %v", p, known, err)
		}
	}
}

// postgresSchemaOf is how a database is made up.
const postgresSchemaOf = `SELECT string_agg(line, chr(10) ORDER BY line) FROM (
	SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '') || ' ' || is_identity || ' ' || COALESCE(collation_name, '') AS line
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'store'
	UNION ALL SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema()) lines`

func TestEveryReleasedStoreOnPostgreSQLGoesOnWhereItWas(t *testing.T) {
	c := postgresql(t)
	present := open(t, c.DSN(t.Name(), c.Address()), Options{})
	for version := 1; version < len(migrations); version++ {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			script, err := os.ReadFile(fmt.Sprintf("testdata/postgres-version-%d.sql", version))
			if err != nil {
				t.Fatalf("every version that was released needs its file: %v", err)
			}
			dsn := c.DSN(t.Name(), c.Address())
			if _, err := direct(t, dsn).ExecContext(t.Context(), string(script)); err != nil {
				t.Fatal(err)
			}
			s := open(t, dsn, Options{})
			if got, want := query[string](t, s, postgresSchemaOf), query[string](t, present, postgresSchemaOf); got != want {
				t.Errorf("its tables are\n%s\nthose of a new store\n%s", got, want)
			}
			goesOn(t, s, version)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if i, err := Inspect(t.Context(), dsn); err != nil || len(i.Problems) > 0 {
				t.Errorf("%+v %v", i, err)
			}
		})
	}
}
