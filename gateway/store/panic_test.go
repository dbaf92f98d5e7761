package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"causeway/bridge"
)

// faulty panics where a query is prepared that holds a text.
type faulty struct {
	engine
	at string
}

func (f *faulty) query(text string) string {
	if f.at != "" && strings.Contains(text, f.at) {
		panic("a mistake of ours")
	}
	return f.engine.query(text)
}

// panickedAt gives the instance that a panic is blamed on.
func panickedAt(t *testing.T, err error) int64 {
	t.Helper()
	var p *PanicError
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a panic", err)
	}
	return p.Instance
}

func TestAPanicIsBlamedOnWhatIsWorkedOnThen(t *testing.T) {
	s, _ := fresh(t, Options{})
	f := &faulty{engine: s.writer.engine}
	s.writer.engine = f
	put(t, s, batch(state("1", 1, "one"), state("2", 2, "two")))
	_, err := s.Advance(t.Context(), there, nil, 2, func(w *Work) Step {
		if w.Message.OriginID == "2" {
			panic("a mistake of ours")
		}
		return Step{Op: Post, Draft: bridge.Draft{Conversation: there, Text: w.Message.Body.Text}, Hash: "hash", Whole: true}
	})
	if got := panickedAt(t, err); got != instanceOf(t, s, "2") {
		t.Errorf("got %d, want %d", got, instanceOf(t, s, "2"))
	}
	f.at = "FROM strays" // where both have been settled
	_, err = s.Advance(t.Context(), there, nil, 2, func(*Work) Step { return Step{} })
	if got := panickedAt(t, err); got != 0 {
		t.Errorf("an instance that was settled is blamed: %d", got)
	}
}

// instanceOf gives the copy of a message.
func instanceOf(t *testing.T, s *Store, origin bridge.MessageID) (id int64) {
	t.Helper()
	err := s.do(t.Context(), func(t *tx) error {
		return t.row("SELECT i.id FROM instances i JOIN messages m ON m.id = i.message WHERE i.origin = 0 AND m.origin_id = $1", string(origin)).Scan(&id)
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestAPostWhoseOutcomeCannotBeStoredIsLookedForOnceItLeavesTheQuarantine: until then the lane goes on without it.
func TestAPostWhoseOutcomeCannotBeStoredIsLookedForOnceItLeavesTheQuarantine(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("1", 1, "one"), state("2", 2, "two"), state("3", 3, "three")))
	first, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil || first.Step.Op != Post {
		t.Fatal(first.Step.Op, err)
	}
	id := first.Work.Instance
	if _, err := s.Poison(t.Context(), id, "a mistake of ours", ""); err != nil {
		t.Fatal(err)
	}
	second, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil || second.Step.Op != Post || second.Work.Message.OriginID != "2" {
		t.Fatal(second.Step.Op, err)
	}
	if _, err := s.Retry(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	// The lane is at work: as far as it knows, nothing is uncertain.
	next, err := s.Advance(t.Context(), there, []*Outcome{{Work: second.Work, Step: second.Step, IDs: []bridge.MessageID{"p2"}}}, 1, simplePlan)
	if err != nil || next.Step.Op != Find || next.Work.Instance != id {
		t.Fatal(next.Step.Op, err)
	}
	next, err = s.Advance(t.Context(), there, []*Outcome{{Work: next.Work, Step: next.Step, IDs: []bridge.MessageID{"p1"}}}, 1, simplePlan)
	if err != nil || next.Step.Op != Post || next.Work.Message.OriginID != "3" {
		t.Fatal(next.Step.Op, err)
	}
	if _, err := s.Poison(t.Context(), next.Work.Instance, "a mistake of ours", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Drop(t.Context(), next.Work.Instance); err != nil {
		t.Fatal(err)
	}
	if next, err = s.Advance(t.Context(), there, nil, 1, simplePlan); err != nil || next.Step.Op != Settled {
		t.Fatal(next.Step.Op, err)
	}
}

// TestWhatIsPutBeforeTheFirstCursorIsNoHistory: where the batch cannot be put as a whole.
func TestWhatIsPutBeforeTheFirstCursorIsNoHistory(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	for _, one := range []bridge.State{state("old", -1, "old"), state("new", 1, "new")} {
		put(t, s, bridge.Batch{Conversation: here, Begin: began, States: []bridge.State{one}})
	}
	put(t, s, bridge.Batch{Conversation: here, Begin: began, Cursor: "begun"})
	if steps := deliver(t, s, there); len(steps) != 1 || steps[0].Draft.Text.PlainText() != "new" {
		t.Error(steps)
	}
}

// TestAStateOnWhichPutPanicsKeepsItsText although the messages cannot be looked up to which it leads. What is of no message is not quarantined.
func TestAStateOnWhichPutPanicsKeepsItsText(t *testing.T) {
	s, _ := fresh(t, Options{})
	r := routes()
	r.Linked = func(string) (Linked, bool) { panic("a mistake of ours") }
	one := state("1", 1, "one")
	one.Text[0].Runs[0].Link = "https://chat.example.org/x"
	_, err := s.Put(t.Context(), batch(one), r)
	if panickedAt(t, err) != 0 {
		t.Error("an instance is blamed")
	}
	for range 2 { // it comes again
		if kept, _, err := s.PoisonState(t.Context(), batch(), &one, r, "a mistake of ours", "was not delivered"); !kept || err != nil {
			t.Error(kept, err)
		}
	}
	held, err := s.Quarantine(t.Context())
	if err != nil || len(held) != 1 || held[0].Reason != "a mistake of ours" || held[0].Author != "ann" {
		t.Fatal(held, err)
	}
	if steps := deliver(t, s, there); len(steps) != 0 {
		t.Errorf("it is not waited for: %v", steps)
	}
	if _, err := s.Retry(t.Context(), held[0].ID); err != nil {
		t.Fatal(err)
	}
	if steps := deliver(t, s, there); len(steps) != 1 || steps[0].Op != Post || steps[0].Draft.Text.PlainText() != "one" {
		t.Error(steps)
	}
	ours, old, copied := state("2", 2, "ours"), state("3", -10, "old"), state(string(query[string](t, s, "SELECT p.id FROM parts p JOIN instances i ON i.id = p.instance WHERE i.origin = 0")), 3, "theirs")
	ours.Key = testKeys(t).postKey(there, "x", here, 0, 0)
	copied.Conversation, copied.Revision = there, 9
	for name, one := range map[string]bridge.State{"our own": ours, "a copy": copied} {
		if kept, _, err := s.PoisonState(t.Context(), bridge.Batch{Conversation: one.Conversation, Begin: began}, &one, routes(), "why", ""); kept || err != nil {
			t.Errorf("%s: %t %v", name, kept, err)
		}
	}
	if kept, _, err := s.PoisonState(t.Context(), batch(), &old, routes(), "why", ""); !kept || err != nil {
		t.Error("what is older than the beginning lacks nothing:", kept, err)
	}
	if held, err := s.Quarantine(t.Context()); err != nil || len(held) != 0 {
		t.Error(held, err)
	}
}
