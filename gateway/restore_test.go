package gateway

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// snapshot keeps what the store holds now; putBack has the next start work on that.
func (w *world) snapshot() string {
	w.t.Helper()
	if cluster != nil {
		w.t.Skip("the copies are SQLite's; store/backup_test.go makes them of PostgreSQL, too")
	}
	copied := memoryName(w.path)
	keep, err := kept(copied)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = keep.Close() })
	if err := copyMemory(w.path, copied); err != nil {
		w.t.Fatal(err)
	}
	return copied
}

func (w *world) putBack(snapshot string) {
	w.t.Helper()
	if err := markRestored(snapshot, time.Now()); err != nil {
		w.t.Fatal(err)
	}
	w.path = snapshot
}

// memoryName gives a name that nothing in memory has.
func memoryName(like string) string {
	like, _, _ = strings.Cut(like, "_")
	return fmt.Sprintf("%s_%d", like, worlds.Add(1))
}

func inMemory(path string) string { return "file:" + path + "?vfs=memdb" }

// kept makes a database in memory that is there until what it gives is closed.
func kept(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", inMemory(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(0)
	return db, db.Ping()
}

func copyMemory(from, to string) error {
	db, err := sql.Open("sqlite", inMemory(from))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("VACUUM INTO $1", inMemory(to))
	return err
}

// markRestored does what the store's Restore does with a file.
func markRestored(path string, at time.Time) error {
	db, err := sql.Open("sqlite", inMemory(path))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("INSERT INTO moments (what, at) VALUES ('restored', $1) ON CONFLICT (what) DO UPDATE SET at = excluded.at", at.UnixMilli())
	return err
}

// everPosted counts all that was ever posted in a channel, whatever became of it.
func everPosted(s *memory.Service, in bridge.ChannelID) int { return len(s.Messages(in)) }

func TestAStoreRestoredFromAnHourAgoCatchesUpWithoutASingleDouble(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{BatchSize: 3}), w.service("b", memory.Options{BatchSize: 7, MaxText: 100, Settle: time.Second})
		a.AddChannel("hall", "team/hall")
		b.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.connect(a, "alice", b, "ally")
		before := a.Say("town", "ben", "before")
		waiting := a.Say("town", "ben", "edited later")
		w.wait(time.Minute)
		w.down()
		saved := w.snapshot()
		w.route(inout("a", "hall"), inout("b", "hall")) // since then there is a gateway more
		w.start()
		w.connect(a, "cleo", b, "clea") // and a person more
		w.wait(time.Second)
		a.Edit("town", before, "before, edited")
		var root bridge.MessageID
		for n := range 30 {
			root = a.Say("town", "ben", fmt.Sprint("relayed ", n))
			b.Say("town", "dan", fmt.Sprint("from there ", n))
			a.Say("town", "alice", fmt.Sprint("as herself ", n))
			b.Say("town", "clea", fmt.Sprint("connected since, ", n))
			a.Say("hall", "ben", fmt.Sprint("in the new gateway ", n))
			w.wait(time.Minute)
		}
		a.Reply("town", root, "ben", "an answer")
		a.SayDoc("town", "", "ben", richtext.Plain(long(350)))
		a.Edit("town", waiting, "edited twice")
		w.wait(10 * time.Minute)
		towns, halls := [2]int{everPosted(a, "town"), everPosted(b, "town")}, [2]int{everPosted(a, "hall"), everPosted(b, "hall")}
		shown := [2][]string{texts(a, "town"), texts(b, "town")}
		w.down()
		a.Say("town", "ben", "while it was down")
		w.wait(time.Minute)
		w.putBack(saved)
		w.start()
		w.wait(time.Hour)
		w.same([2]int{everPosted(a, "town"), everPosted(b, "town")}, [2]int{towns[0] + 1, towns[1] + 1})
		w.same([2]int{everPosted(a, "hall"), everPosted(b, "hall")}, halls)
		w.same([2][]string{texts(a, "town"), texts(b, "town")}, [2][]string{append(shown[0], "while it was down"), append(shown[1], "while it was down")})
		w.same(len(w.held()), 0)
		// And what was said in the lost hour still follows its changes.
		a.Edit("town", root, "relayed, and edited")
		w.wait(time.Minute)
		w.find(b, "town", "relayed, and edited")
		w.same(everPosted(b, "town"), towns[1]+1)
	})
}

// TestAPostThatStandsInNoThreadSaysSoAfterARestoration, although the root could be answered now.
func TestAPostThatStandsInNoThreadSaysSoAfterARestoration(t *testing.T) {
	inWorld(t, func(w *world) {
		var s, late switched
		a, b := w.pair(memory.Options{Fault: late.fault}, memory.Options{Fault: s.fault})
		root := a.Say("town", "ann", "root")
		w.wait(time.Minute)
		w.down()
		saved := w.snapshot()
		w.start()
		s.on(before(memory.Post, func() error { s.off(); return memory.Fails(bridge.Gone) })) // as if the root were not there
		answer := a.Reply("town", root, "ben", "an answer")
		w.wait(time.Minute)
		want := []string{"root", "ann: root\nan answer"}
		w.same(texts(b, "town"), want)
		w.down()
		w.putBack(saved)
		late.on(before(memory.Feeding, func() error { return memory.Fails(bridge.Transient) })) // the copy is read first
		w.start()
		w.wait(time.Second)
		late.off()
		w.wait(time.Hour)
		w.same(texts(b, "town"), want)
		a.Edit("town", answer, "another answer")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"root", "ann: root\nanother answer"})
		w.same(everPosted(b, "town"), 2)
	})
}

// TestCausewaysOwnEditFromBeforeARestorationIsNotTakenForAPersons, though the clock of its service is ahead.
func TestCausewaysOwnEditFromBeforeARestorationIsNotTakenForAPersons(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.pair(memory.Options{}, memory.Options{Skew: 5 * time.Minute, Fault: s.fault})
		w.connect(a, "alice", b, "ally")
		id := a.Say("town", "alice", "one")
		w.wait(time.Minute)
		w.down()
		saved := w.snapshot()
		w.start()
		a.Edit("town", id, "two")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"two"})
		w.down()
		a.Edit("town", id, "three")
		w.putBack(saved)
		s.on(before(memory.Feeding, func() error { return memory.Fails(bridge.Transient) })) // the origin is read first
		w.start()
		w.wait(time.Second)
		s.off()
		w.wait(time.Hour)
		w.same([2][]string{texts(a, "town"), texts(b, "town")}, [2][]string{{"three"}, {"three"}})
	})
}

// TestWhatWasSaidSinceARestorationIsNotHeldUp: each post is looked for first, but what was written of another message need not settle for that.
func TestWhatWasSaidSinceARestorationIsNotHeldUp(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{Settle: 20 * time.Second})
		w.down()
		w.putBack(w.snapshot())
		w.start()
		want := []string{}
		for n := range 20 {
			a.Say("town", "ann", fmt.Sprint(n))
			want = append(want, fmt.Sprint(n))
		}
		w.wait(time.Minute)
		w.same(texts(b, "town"), want)
	})
}

func TestAFileThatDidNotCrossBeforeTheStoreWasRestoredIsAddedToTheCopyThatIsThere(t *testing.T) {
	inWorld(t, func(w *world) {
		secret := true
		a, b := w.pair(memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Open && secret {
				return memory.Fails(bridge.Unauthorised)
			}
			return nil
		}}, memory.Options{})
		w.down()
		saved := w.snapshot()
		w.start()
		file := fileOfSize("plan.bin", 100)
		a.SayDoc("town", "", "ann", richtext.Plain("see"), file)
		w.wait(time.Minute)
		w.same(len(b.Messages("town")), 1)
		w.same(b.Messages("town")[0].Files, []memory.Upload(nil))
		w.down()
		secret = false
		w.putBack(saved)
		w.start()
		w.wait(time.Hour)
		w.same(carriedIn(b, "town", file), []carried{{"see", []string{"plan.bin application/octet-stream 100"}}})
	})
}

// long is a text of so many letters.
func long(n int) string {
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "word%d ", i)
	}
	return string(b[:n])
}
