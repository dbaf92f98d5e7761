package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// post stores a message and takes the step that posts it.
func post(t *testing.T, s *Store) []*Outcome {
	t.Helper()
	put(t, s, batch(state("m", 1, "hello")))
	next, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil || next.Step.Op != Post {
		t.Fatalf("%+v, %v", next.Step, err)
	}
	return []*Outcome{{Work: next.Work, Step: next.Step, IDs: []bridge.MessageID{"p1"}}}
}

// TestWhatWasJustPostedIsKnownWithoutReadingIt: what the plan is shown at first is what it is shown when all is read again.
func TestWhatWasJustPostedIsKnownWithoutReadingIt(t *testing.T) {
	s, _ := fresh(t, Options{})
	var shown []Work
	_, err := s.Advance(t.Context(), there, post(t, s), 1, func(w *Work) Step {
		shown = append(shown, *w)
		if len(shown) == 1 {
			return Step{Op: React}
		}
		return Step{}
	})
	if err != nil || len(shown) != 2 {
		t.Fatalf("planned %d times, want 2: %v", len(shown), err)
	}
	if diff := cmp.Diff(shown[1], shown[0], cmp.AllowUnexported(Work{}, Message{}, Part{})); diff != "" {
		t.Errorf("(-read +known without):\n%s", diff)
	}
}

// TestWhatChangesWhileItIsPostedIsNotSettled lets the message change before the outcome of its post is stored.
func TestWhatChangesWhileItIsPostedIsNotSettled(t *testing.T) {
	edited := state("m", 1, "hello again")
	edited.Revision = 2
	deleted := bridge.State{Conversation: here, ID: "m", Created: edited.Created, Revision: 2, Deleted: true}
	liked := state("m", 1, "hello")
	liked.Revision, liked.Reactions = 2, []bridge.Reaction{{User: "ben", Emoji: "👍"}}
	plan := func(w *Work) Step {
		if len(w.Wanted) > len(w.Set) {
			return Step{Op: React, ID: w.Parts[0].ID, Emoji: w.Wanted[0].Emoji}
		}
		return simplePlan(w)
	}
	for name, c := range map[string]struct {
		change bridge.Batch
		want   Op
	}{
		"nothing": {batch(), Settled}, "edited": {batch(edited), Edit}, "deleted": {batch(deleted), Delete}, "reacted": {batch(liked), React},
	} {
		s, _ := fresh(t, Options{})
		o := post(t, s)
		put(t, s, c.change)
		next, err := s.Advance(t.Context(), there, o, 1, plan)
		if err != nil || next.Step.Op != c.want {
			t.Errorf("%s: step %d, want %d: %v", name, next.Step.Op, c.want, err)
		}
		lacking, err := s.Lacking(t.Context())
		if want := c.want != Settled; err != nil || (len(lacking) > 0) != want {
			t.Errorf("%s: %v lack something, want that: %v; %v", name, lacking, want, err)
		}
	}
}
