package store

import (
	"errors"
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
