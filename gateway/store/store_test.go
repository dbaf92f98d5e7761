package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

var (
	here  = bridge.ConversationID{Server: "memory:a", Channel: "town"}
	there = bridge.ConversationID{Server: "memory:b", Channel: "town"}
	// began is when the conversations of these tests began.
	began = time.UnixMilli(1_000_000)
)

func testKeys(t testing.TB) Keys {
	t.Helper()
	k, err := NewKeys(bytes.Repeat([]byte{7}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, path string, o Options) *Store {
	t.Helper()
	o.Holder = "a test"
	s, err := Open(context.Background(), place(path, &o), testKeys(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fresh opens a new store in a folder of its own, with the test's conversation begun.
func fresh(t testing.TB, o Options) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "causeway.db")
	s := open(t, path, o)
	put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began})
	return s, path
}

func routes() Routes {
	return Routes{Targets: []bridge.ConversationID{there}, Own: func(u bridge.UserID) bool { return u == "bot" }}
}

func put(t testing.TB, s *Store, b bridge.Batch) {
	t.Helper()
	if _, err := s.Put(t.Context(), b, routes()); err != nil {
		t.Fatal(err)
	}
}

// state is what ann said at the n-th second.
func state(id string, n int, text string) bridge.State {
	return bridge.State{
		Conversation: here, ID: bridge.MessageID(id), Author: bridge.Author{ID: "ann", Name: "ann"},
		Created: began.Add(time.Duration(n) * time.Second), Revision: 1, Text: richtext.Plain(text),
	}
}

func batch(states ...bridge.State) bridge.Batch {
	return bridge.Batch{Conversation: here, States: states}
}

// deliver does for the target conversation what a lane would, with posts called p1, p2, …
func deliver(t testing.TB, s *Store, c bridge.ConversationID) []Step {
	t.Helper()
	var steps []Step
	var last []*Outcome
	for {
		next, err := s.Advance(t.Context(), c, last, 1, simplePlan)
		if err != nil {
			t.Fatal(err)
		}
		if next.Step.Op == Settled {
			return steps
		}
		steps = append(steps, next.Step)
		last = []*Outcome{{Work: next.Work, Step: next.Step}}
		if next.Step.Op == Post {
			last[0].IDs = []bridge.MessageID{bridge.MessageID(fmt.Sprint("p", len(steps)))}
		}
	}
}

// simplePlan posts a message, edits it when it has changed and deletes it.
func simplePlan(w *Work) Step {
	m := w.Message
	hash := fmt.Sprint("version ", m.Version)
	switch {
	case w.IsOrigin, w.Phase == Removed:
	case m.Deleted && len(w.Parts) > 0 && w.Parts[0].ID != "" && !w.Parts[0].Deleted:
		return Step{Op: Delete, ID: w.Parts[0].ID}
	case m.Deleted, m.Body == nil:
	case len(w.Parts) == 0 || w.Parts[0].ID == "":
		return Step{Op: Post, Draft: bridge.Draft{Conversation: w.Conversation, Text: m.Body.Text}, Hash: hash}
	case w.Parts[0].Hash != hash:
		return Step{Op: Edit, ID: w.Parts[0].ID, Draft: bridge.Draft{Conversation: w.Conversation, Text: m.Body.Text}, Hash: hash}
	}
	return Step{}
}

// query gives the only value of a query over the store's database.
func query[T any](t testing.TB, s *Store, q string, args ...any) T {
	t.Helper()
	var v T
	if err := s.do(t.Context(), func(t *tx) error { return t.row(q, args...).Scan(&v) }); err != nil {
		t.Fatal(err)
	}
	return v
}

// golden are the hashes of the migrations that are out in the world: they may never change; append.
var golden = []string{
	"eaed382d79515737",
	"2e261ccef3bde133",
	"987a06465916c550",
	"0c35082846169e20",
	"f1148fcd4ffb8d70",
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

func TestTheCursorBeginsOnceAndMovesWithItsStates(t *testing.T) {
	s, _ := fresh(t, Options{})
	cursor := func() string {
		c, err := s.Cursor(t.Context(), here)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c, err := s.Cursor(t.Context(), there); c != "" || err != nil {
		t.Errorf("a conversation that has not begun: %q, %v", c, err)
	}
	put(t, s, bridge.Batch{Conversation: here, Cursor: "two", Begin: began.Add(time.Hour), States: []bridge.State{state("m1", 1, "after"), state("m0", -1, "before")}})
	if c := cursor(); c != "two" {
		t.Errorf("the cursor is %q", c)
	}
	put(t, s, batch(state("m2", 2, "live")))
	if c := cursor(); c != "two" {
		t.Errorf("a live push moved the cursor to %q", c)
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 2 {
		t.Errorf("%d messages, want the two made after the beginning", n)
	}
}

// TestStatesConvergeInWhateverOrderTheyCome permutes and repeats what a feed may say about one message.
func TestStatesConvergeInWhateverOrderTheyCome(t *testing.T) {
	at := func(revision int64, text string, deleted bool, reactions ...bridge.Reaction) bridge.State {
		s := state("m1", 1, text)
		s.Revision, s.Deleted, s.Reactions = revision, deleted, reactions
		if deleted {
			s.Text = nil
		}
		return s
	}
	up := bridge.Reaction{User: "ben", Emoji: "👍"}
	histories := map[string]struct {
		states  []bridge.State
		text    string
		deleted bool
		emoji   int
	}{
		"edited":                       {[]bridge.State{at(1, "one", false), at(2, "two", false), at(3, "three", false, up), at(4, "four", false, up)}, "four", false, 1},
		"unreacted":                    {[]bridge.State{at(1, "one", false), at(2, "one", false, up), at(3, "one", false)}, "one", false, 0},
		"deleted":                      {[]bridge.State{at(1, "one", false), at(2, "two", false, up), at(3, "", true)}, "", true, 0},
		"deleted at the same revision": {[]bridge.State{at(1, "one", false), at(2, "two", false), at(2, "", true)}, "", true, 0},
		"restored":                     {[]bridge.State{at(1, "one", false), at(2, "one", false), at(2, "", true), at(3, "one", false), at(4, "two", false)}, "two", false, 0},
	}
	for name, h := range histories {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for round := range 60 {
				s := open(t, fmt.Sprintf("/converge-%s-%d", name, round), Options{VFS: "memdb"})
				put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began})
				all := slices.Concat(h.states, h.states)
				random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				for len(all) > 0 {
					n := 1 + random.IntN(len(all))
					put(t, s, batch(all[:n]...))
					all = all[n:]
				}
				var w *Work
				_, err := s.Advance(t.Context(), there, nil, 1, func(found *Work) Step {
					w = found
					return Step{Op: Post, Draft: bridge.Draft{Conversation: there}}
				})
				if err != nil {
					t.Fatal(err)
				}
				if w == nil { // settled at once: deleted before anything was posted
					w = &Work{Message: Message{Deleted: query[bool](t, s, "SELECT deleted FROM messages")}}
				}
				text := ""
				if w.Message.Body != nil {
					text = w.Message.Body.Text.PlainText()
				}
				if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 1 || w.Message.Deleted != h.deleted || text != h.text {
					t.Fatalf("round %d: %d messages, deleted %v, %q", round, n, w.Message.Deleted, text)
				}
				if n := query[int](t, s, "SELECT count(*) FROM reactions"); n != h.emoji && !h.deleted {
					t.Fatalf("round %d: %d reactions, want %d", round, n, h.emoji)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestARepeatedStateWakesNobody(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "hello")))
	deliver(t, s, there)
	woken, err := s.Put(t.Context(), batch(state("m1", 1, "hello")), routes())
	if err != nil || len(woken) > 0 {
		t.Errorf("woke %v, %v", woken, err)
	}
	if lacking, err := s.Lacking(t.Context()); err != nil || len(lacking) > 0 {
		t.Errorf("lacking %v, %v", lacking, err)
	}
}

func TestAPostOfAnEarlierLifeOfTheStoreStaysAndTheNewOneGoes(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "hello")))
	key := deliver(t, s, there)[0].Draft.Key
	back := Routes{Targets: []bridge.ConversationID{here}, Own: routes().Own}
	_, err := s.Put(t.Context(), bridge.Batch{Conversation: there, Cursor: "1", Begin: began, States: []bridge.State{{
		Conversation: there, ID: "old", Author: bridge.Author{ID: "bot"}, Created: time.Now().Add(-time.Hour), Revision: 1, Key: key,
	}}}, back)
	if err != nil {
		t.Fatal(err)
	}
	steps := deliver(t, s, there)
	if len(steps) != 1 || steps[0].Op != Stray || steps[0].ID != "p1" {
		t.Errorf("got %+v, want the new post deleted", steps)
	}
	if id := query[string](t, s, "SELECT id FROM parts WHERE key IS NOT NULL"); id != "old" {
		t.Errorf("the copy is %q now", id)
	}
}

// Our clock was an hour ahead when both were posted, so that each seems to be of an earlier life: one of them stays nevertheless.
func TestOfTwoPostsThatSeemToBeOfAnEarlierLifeOneStays(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "hello")))
	key := deliver(t, s, there)[0].Draft.Key
	back := Routes{Targets: []bridge.ConversationID{here}, Own: routes().Own}
	hour := time.Now().Add(-time.Hour)
	for _, id := range []bridge.MessageID{"old", "p1", "old", "p1"} {
		if _, err := s.Put(t.Context(), bridge.Batch{Conversation: there, States: []bridge.State{{
			Conversation: there, ID: id, Author: bridge.Author{ID: "bot"}, Created: hour, Revision: 1, Key: key,
		}}}, back); err != nil {
			t.Fatal(err)
		}
	}
	steps := deliver(t, s, there)
	if len(steps) != 1 || steps[0].Op != Stray || steps[0].ID != "p1" {
		t.Errorf("got %+v, want the second post deleted", steps)
	}
	if id := query[string](t, s, "SELECT id FROM parts WHERE key IS NOT NULL"); id != "old" {
		t.Errorf("the copy is %q now", id)
	}
}

func TestASecondPostWithTheSameKeyIsDeleted(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "hello")))
	key := deliver(t, s, there)[0].Draft.Key
	echo := func(id string) bridge.Batch {
		return bridge.Batch{Conversation: there, Cursor: id, Begin: began, States: []bridge.State{{
			Conversation: there, ID: bridge.MessageID(id), Author: bridge.Author{ID: "bot"}, Created: time.Now(), Revision: 1, Key: key,
		}}}
	}
	back := Routes{Targets: []bridge.ConversationID{here}, Own: routes().Own}
	for _, id := range []string{"p1", "p9", "p9"} {
		if _, err := s.Put(t.Context(), echo(id), back); err != nil {
			t.Fatal(err)
		}
	}
	steps := deliver(t, s, there)
	if len(steps) != 1 || steps[0].Op != Stray || steps[0].ID != "p9" {
		t.Errorf("got %+v, want the second post deleted", steps)
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages"); n != 1 {
		t.Errorf("%d messages: an echo was carried on", n)
	}
}

func TestAnEchoSettlesAPostWhoseAnswerWasLost(t *testing.T) {
	s, path := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "hello")))
	next, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil || next.Step.Op != Post {
		t.Fatal(next.Step, err)
	}
	if err := s.Close(); err != nil { // it dies before it could note the answer
		t.Fatal(err)
	}
	s = open(t, path, Options{})
	found, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil || found.Step.Op != Find || found.Step.Draft.Key != next.Step.Draft.Key {
		t.Fatalf("after a crash: %+v, %v", found.Step, err)
	}
	echo := bridge.State{Conversation: there, ID: "p1", Author: bridge.Author{ID: "bot"}, Created: began, Revision: 1, Key: next.Step.Draft.Key}
	if _, err := s.Put(t.Context(), bridge.Batch{Conversation: there, States: []bridge.State{echo}}, Routes{Own: routes().Own}); err != nil {
		t.Fatal(err)
	}
	if steps := deliver(t, s, there); len(steps) > 0 {
		t.Errorf("got %+v, want nothing more to do", steps)
	}
}

func TestWhatWasPostedBeforeTheStoreWasEmptiedIsAdopted(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "hello")))
	key := deliver(t, s, there)[0].Draft.Key
	s, _ = fresh(t, Options{}) // emptied
	echo := bridge.State{Conversation: there, ID: "p1", Author: bridge.Author{ID: "bot"}, Created: began, Revision: 1, Key: key}
	if _, err := s.Put(t.Context(), bridge.Batch{Conversation: there, States: []bridge.State{echo}}, Routes{Own: routes().Own}); err != nil {
		t.Fatal(err)
	}
	put(t, s, batch(state("m1", 1, "hello")))
	steps := deliver(t, s, there)
	if len(steps) != 1 || steps[0].Op != Edit || steps[0].ID != "p1" {
		t.Errorf("got %+v, want the old post brought up to date", steps)
	}
}

func TestTheTextOfSettledMessagesIsNotKept(t *testing.T) {
	aboutSQLite(t)
	s, path := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "the word is swordfish")))
	if n := query[int](t, s, "SELECT count(*) FROM messages WHERE body IS NOT NULL"); n != 1 {
		t.Fatal("the text must be kept until it is delivered")
	}
	deliver(t, s, there)
	edited := state("m1", 1, "the word is barracuda")
	edited.Revision = 2
	put(t, s, batch(edited))
	deliver(t, s, there)
	if n := query[int](t, s, "SELECT count(*) FROM messages WHERE body IS NOT NULL OR quote <> ''"); n != 0 {
		t.Error("the text of a settled message is still in its row")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal"} {
		raw, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, word := range []string{"swordfish", "barracuda"} {
			if bytes.Contains(raw, []byte(word)) {
				t.Errorf("%s still holds %q", filepath.Base(file), word)
			}
		}
	}
}

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
