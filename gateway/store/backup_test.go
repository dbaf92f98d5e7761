package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
)

// restoredTo puts a backup in the place of a store and opens that.
func restoredTo(t *testing.T, backup, path string) *Store {
	t.Helper()
	if _, err := Restore(t.Context(), backup, path, Restoring{Keys: testKeys(t), Replace: true, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	return open(t, path, Options{})
}

func TestABackupIsOneMomentOfAStoreThatIsWrittenTo(t *testing.T) {
	aboutSQLite(t) // and about PostgreSQL, of which it asks by itself
	for _, name := range []string{filepath.Join(t.TempDir(), "causeway.db"), postgresql(t).DSN(t.Name(), postgresql(t).Address())} {
		t.Run(fmt.Sprintf("PostgreSQL=%t", IsPostgres(name)), func(t *testing.T) {
			s := opened(t, name)
			first := make(chan struct{})
			stop, stopped := make(chan struct{}), make(chan int)
			go func() { // each message with its cursor: a moment holds both or neither
				n := 0
				for ; ; n++ {
					b := batch(state(fmt.Sprint("m", n), n, strings.Repeat("text ", 200)))
					b.Cursor = fmt.Sprint(n)
					if _, err := s.Put(t.Context(), b, routes()); err != nil {
						t.Error(err)
					}
					if n == 50 {
						close(first)
					}
					select {
					case <-stop:
						stopped <- n
						return
					default:
					}
				}
			}()
			<-first
			file := filepath.Join(t.TempDir(), "backup.db")
			found, err := Backup(t.Context(), name, file)
			close(stop)
			most := <-stopped
			if err != nil || found.Rows < 50*4 {
				t.Fatalf("%+v %v", found, err)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", info, err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
				t.Errorf("it has left %v", left)
			}
			back := restoredTo(t, file, filepath.Join(t.TempDir(), "back.db"))
			cursor, err := back.Cursor(t.Context(), here)
			if n := query[int](t, back, "SELECT count(*) FROM messages"); err != nil || cursor != fmt.Sprint(n-1) || n < 50 || n > most+1 {
				t.Errorf("it holds %d messages of %d, its cursor is %q: %v", n, most, cursor, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = restoredTo(t, file, name) // and back where it came from
			again, err := s.Cursor(t.Context(), here)
			if err != nil || again != cursor {
				t.Errorf("restored, its cursor is %q, not %q: %v", again, cursor, err)
			}
			put(t, s, batch(state("new", 1_000_000, "goes on")))
		})
	}
}

func TestWhatIsNoBackupOrHasNoPlaceIsRefusedWithTheNextStep(t *testing.T) {
	aboutSQLite(t)
	s, path := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "hello")))
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	good := in("good.db")
	if _, err := Backup(t.Context(), path, good); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	torn := bytes.Clone(raw)
	for i := range torn[8192:] {
		torn[8192+i] ^= 0x55
	}
	other, err := NewKeys(bytes.Repeat([]byte{8}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"torn.db": torn, "short.db": raw[:len(raw)/2], "text.db": []byte(strings.Repeat("no database ", 900)), "empty.db": nil} {
		if err := os.WriteFile(in(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restore := func(file, to string, keys Keys, replace bool) func() error {
		return func() error {
			_, err := Restore(t.Context(), file, to, Restoring{Keys: keys, Replace: replace, Now: time.Now()})
			return err
		}
	}
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"a file that is there": {func() error { _, err := Backup(t.Context(), path, good); return err }, "give another name"},
		"no folder":            {func() error { _, err := Backup(t.Context(), path, in("no/such.db")); return err }, "name a file in a folder"},
		"no backup":            {restore(in("none.db"), in("x.db"), testKeys(t), false), "no such file"},
		"torn":                 {restore(in("torn.db"), in("x.db"), testKeys(t), false), "take another one"},
		"cut off":              {restore(in("short.db"), in("x.db"), testKeys(t), false), "take another one"},
		"text":                 {restore(in("text.db"), in("x.db"), testKeys(t), false), "take another one"},
		"empty":                {restore(in("empty.db"), in("x.db"), testKeys(t), false), "take another one"},
		"another key":          {restore(good, in("x.db"), other, false), "belongs to another key file"},
		"not empty":            {restore(good, path, testKeys(t), false), "with --replace"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := os.Stat(in("x.db")); err == nil {
		t.Error("a refused backup has made a store")
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 1 {
		t.Errorf("the store that was not to be replaced has %d messages", n)
	}
}

func TestAFileThatIsReplacedIsKeptBesideTheNewOne(t *testing.T) {
	aboutSQLite(t)
	s, path := fresh(t, Options{})
	file := filepath.Join(t.TempDir(), "backup.db")
	if _, err := Backup(t.Context(), path, file); err != nil {
		t.Fatal(err)
	}
	put(t, s, batch(state("m1", 1, "since then")))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", []byte("the log of the former one"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Restore(t.Context(), file, path, Restoring{Keys: testKeys(t), Replace: true, Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	if err != nil || r.Kept != path+".before-20260102-030405" {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("the former log stands beside the new file")
	}
	if err := os.Remove(r.Kept + "-wal"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]int{path: 0, r.Kept: 1} {
		if n := query[int](t, open(t, name, Options{}), "SELECT count(*) FROM messages"); n != want {
			t.Errorf("%s has %d messages, want %d", name, n, want)
		}
	}
}

func TestInARestoredStoreAPostIsLookedForBeforeItIsMade(t *testing.T) {
	aboutSQLite(t)
	s, path := fresh(t, Options{})
	file := filepath.Join(t.TempDir(), "backup.db")
	if _, err := Backup(t.Context(), path, file); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = restoredTo(t, file, path)
	at := time.Now().Add(-time.Minute).Truncate(time.Second)
	said := func(id string, at time.Time) bridge.State {
		one := state(id, 0, "text of "+id)
		one.Created = at
		return one
	}
	edited := said("edited", at.Add(time.Millisecond))
	edited.Edited = at.Add(time.Second)
	put(t, s, batch(said("posted", at), edited, said("missing", at.Add(2*time.Millisecond)), said("younger", time.Now().Add(time.Hour))))
	var steps []string
	var last []*Outcome
	for range 20 {
		next, err := s.Advance(t.Context(), there, last, 4, simplePlan)
		if err != nil {
			t.Fatal(err)
		}
		if next.Step.Op == Settled {
			break
		}
		id := next.Work.Message.OriginID
		steps = append(steps, fmt.Sprint(next.Step.Op, " ", id))
		o := &Outcome{Work: next.Work, Step: next.Step}
		switch {
		case next.Step.Op == Find && !next.Step.Since.Equal(next.Work.Message.Created):
			t.Errorf("%s is looked for since %v", id, next.Step.Since)
		case next.Step.Op == Find && id == "missing":
			o.Verdict = Absent
		case next.Step.Op == Find, next.Step.Op == Post:
			o.IDs = []bridge.MessageID{"copy of " + id}
		}
		last = []*Outcome{o}
		for _, p := range next.Ahead {
			last = append(last, &Outcome{Work: p.Work, Step: p.Step, Verdict: Absent})
		}
	}
	want := []string{fmt.Sprint(Find, " posted"), fmt.Sprint(Find, " edited"), fmt.Sprint(Edit, " edited"), fmt.Sprint(Find, " missing"), fmt.Sprint(Post, " missing"), fmt.Sprint(Post, " younger")}
	if fmt.Sprint(steps) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", steps, want)
	}
}

func TestDamageIsToldFromADiskThatIsFull(t *testing.T) {
	aboutSQLite(t)
	path := filepath.Join(t.TempDir(), "causeway.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, testKeys(t), Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a text: %v", err)
	}
	s, _ := fresh(t, Options{})
	limit(t, s, 100)
	if _, err := fill(t, s); errors.Is(err, ErrDamaged) || !strings.Contains(saying(err).Error(), "make room on the disk") {
		t.Errorf("full: %v", saying(err))
	}
}
