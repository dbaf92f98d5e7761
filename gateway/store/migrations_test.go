package store

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causeway/bridge"
)

// golden are the hashes of the migrations that are out in the world: they may never change; append.
var golden = []string{
	"eaed382d79515737",
	"2e261ccef3bde133",
	"987a06465916c550",
	"0c35082846169e20",
	"f1148fcd4ffb8d70",
	"9420b9875eb9e48d",
}

func TestMigrationsAreAppendOnly(t *testing.T) {
	if len(migrations) != len(golden) {
		t.Fatalf("%d migrations, %d hashes: append the hash of a new one", len(migrations), len(golden))
	}
	for n, m := range migrations {
		sum := sha256.Sum256([]byte(m))
		if got := hex.EncodeToString(sum[:8]); got != golden[n] {
			t.Errorf("migration %d has changed: its hash is %s, was %s", n+1, got, golden[n])
		}
	}
}

func TestEveryOlderVersionIsBroughtToThePresentOne(t *testing.T) {
	aboutSQLite(t)
	for version := range migrations {
		path := filepath.Join(t.TempDir(), "causeway.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		for n, m := range migrations[:version] {
			if _, err := db.Exec(fmt.Sprintf("%s; PRAGMA user_version = %d", m, n+1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		s := open(t, path, Options{})
		if v := query[int](t, s, "PRAGMA user_version"); v != len(migrations) {
			t.Errorf("from version %d: now %d, want %d", version, v, len(migrations))
		}
		put(t, s, bridge.Batch{Conversation: here, Cursor: "1", Begin: began})
		if v := query[string](t, s, "PRAGMA integrity_check"); v != "ok" {
			t.Errorf("from version %d: %s", version, v)
		}
	}
}

// Two that are started together, such as a command and `causeway run`, bring it to the present version once.
func TestSeveralThatFindAnOlderStoreDoNotGetIntoEachOthersWay(t *testing.T) {
	aboutSQLite(t)
	script, err := os.ReadFile("testdata/version-1.sql")
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		path := filepath.Join(t.TempDir(), "causeway.db")
		db, err := sql.Open("sqlite", dataSource(path, ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(string(script)); err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		begin, ends := make(chan struct{}), make(chan error)
		for range 4 {
			go func() {
				<-begin
				s, err := Open(t.Context(), path, testKeys(t), Options{})
				if err == nil {
					err = s.Close()
				}
				ends <- err
			}()
		}
		close(begin)
		for range 4 {
			if err := <-ends; err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
}

func TestAStoreOfANewerVersionIsRefusedWithTheNextStep(t *testing.T) {
	aboutSQLite(t)
	s, path := fresh(t, Options{Program: "v8.0.0"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, Options{Program: "v9.1.0"})
	if err := s.do(t.Context(), func(t *tx) error { return t.exec("PRAGMA user_version = 1000") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, testKeys(t), Options{})
	if !errors.Is(err, ErrTooNew) || !strings.Contains(err.Error(), "restore a backup") || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "Causeway v9.1.0 has worked on it") {
		t.Errorf("got %v", err)
	}
}

func TestAPathThatCannotBeWrittenIsRefusedWithTheNextStep(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "missing", "causeway.db"), t.TempDir()} {
		_, err := Open(t.Context(), path, testKeys(t), Options{})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "set DSN in [storage]") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causeway.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, testKeys(t), Options{}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}
