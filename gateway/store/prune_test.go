package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"causeway/bridge"
)

// rows counts what is stored of messages.
func rows(t *testing.T, s *Store) string {
	t.Helper()
	return query[string](t, s, `SELECT (SELECT count(*) FROM messages) || ' messages, ' || (SELECT count(*) FROM instances) || ' instances, ' || (SELECT count(*) FROM parts) || ' parts, ' ||
		(SELECT count(*) FROM reactions) || ' reactions'`)
}

// pruned forgets all that was said before the n-th second, as if that were long ago.
func pruned(t *testing.T, s *Store, n int) (total int) {
	t.Helper()
	before := began.Add(time.Duration(n) * time.Second)
	if err := s.do(t.Context(), func(t *tx) error {
		return t.exec("UPDATE parts SET posted = (SELECT m.created FROM instances i JOIN messages m ON m.id = i.message WHERE i.id = parts.instance) WHERE posted > 0")
	}); err != nil {
		t.Fatal(err)
	}
	for from := (time.Time{}); ; {
		p, err := s.Prune(t.Context(), from, before, nil)
		if err != nil {
			t.Fatal(err)
		}
		if total += p.Messages; p.Done {
			return total
		}
		from = p.Next
	}
}

func TestWhatWasForgottenDoesNotComeBackAsNew(t *testing.T) {
	s, path := fresh(t, Options{})
	old := state("m1", 1, "old")
	old.Reactions = []bridge.Reaction{{User: "ben", Emoji: "👍"}}
	put(t, s, batch(old, state("less old", 3000, "less old"), state("m2", 5000, "young")))
	steps := deliver(t, s, there)
	if n := pruned(t, s, 4000); n != 2 {
		t.Fatalf("%d messages were forgotten", n)
	}
	if got, want := rows(t, s), "1 messages, 2 instances, 2 parts, 0 reactions"; got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
	// It is edited, restored after a deletion, answered; its copy is reacted to, and edited by somebody as whom it was written.
	edited := old
	edited.Revision, edited.Text, edited.Edited = 5, state("", 0, "edited").Text, time.Now()
	answer := state("m3", 5001, "an answer")
	answer.Root = "m1"
	put(t, s, batch(edited, answer))
	echo := bridge.State{Conversation: there, ID: "p1", Author: bridge.Author{ID: "bot"}, Created: began.Add(time.Second), Revision: 9, Key: steps[0].Draft.Key,
		Reactions: []bridge.Reaction{{User: "cyd", Emoji: "🎉"}}}
	theirs := echo
	theirs.ID, theirs.Author.ID, theirs.Key = "p1b", "ann", ""
	if _, err := s.Put(t.Context(), bridge.Batch{Conversation: there, Cursor: "1", Begin: began, States: []bridge.State{echo, theirs}}, Routes{Own: routes().Own, Targets: []bridge.ConversationID{here}}); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages WHERE origin_id NOT IN ('m2', 'm3')"); n != 0 {
		t.Errorf("%d messages came back", n)
	}
	if n := query[int](t, s, "SELECT count(*) FROM orphans"); n != 0 {
		t.Error("a copy of what was forgotten is kept as an orphan")
	}
	if i, err := Inspect(t.Context(), place(path, new(Options))); cluster == nil && (err != nil || len(i.Problems) > 0) {
		t.Errorf("%+v %v", i, err)
	}
}

func TestOnlyWhatIsSettledAndOfNoUseIsForgotten(t *testing.T) {
	s, _ := fresh(t, Options{})
	root, answer := state("root", 1, "root"), state("answer", 100, "a young answer")
	answer.Root = "root"
	put(t, s, batch(root, state("gone", 2, "gone"), answer))
	deliver(t, s, there)
	put(t, s, batch(state("waits", 3, "waits"), state("held", 4, "held"), state("quarantined", 5, "quarantined")))
	for column, id := range map[string]string{"rank = NULL, held = 1": "held", "rank = NULL, reason = 'why', quarantined = 1": "quarantined"} {
		if err := s.do(t.Context(), func(t *tx) error {
			return t.exec("UPDATE instances SET "+column+" WHERE origin = 0 AND message = (SELECT id FROM messages WHERE origin_id = $1)", id)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n := pruned(t, s, 50); n != 1 {
		t.Errorf("%d messages were forgotten", n)
	}
	if n := query[int](t, s, "SELECT count(*) FROM messages WHERE origin_id = 'gone'"); n != 0 {
		t.Error("another one was forgotten")
	}
	// What was not read yet is not older than the beginning.
	put(t, s, batch(state("late", 3, "read late")))
	if n := query[int](t, s, "SELECT count(*) FROM messages WHERE origin_id = 'late'"); n != 1 {
		t.Error("a message that had not been read was taken for one that was forgotten")
	}
	if n := pruned(t, s, 1000); n != 1 || query[int](t, s, "SELECT count(*) FROM messages WHERE origin_id = 'root'") != 1 {
		t.Errorf("%d messages were forgotten: first the answers of a thread, then its root", n)
	}
	if n := pruned(t, s, 1000); n != 1 {
		t.Errorf("%d messages were forgotten, want the root", n)
	}
}

func TestManyAreForgottenInShortTransactions(t *testing.T) {
	aboutSQLite(t)
	commits := 0
	path := filepath.Join(t.TempDir(), "causeway.db")
	s := open(t, path, Options{AfterCommit: func() error { commits++; return nil }})
	var all []bridge.State
	for n := range 3*pruneMost + 1 {
		all = append(all, state(fmt.Sprint("m", n), n, "hello"))
	}
	put(t, s, bridge.Batch{Conversation: here, Cursor: "begun", Begin: began, States: all})
	deliver(t, s, there)
	commits = 0
	if n := pruned(t, s, 1000); n != 3*pruneMost+1 || commits != 1+4 {
		t.Errorf("%d messages were forgotten in %d commits", n, commits)
	}
}
