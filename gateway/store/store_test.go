package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
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
