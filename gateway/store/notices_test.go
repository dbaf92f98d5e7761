package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// TestNobodyIsLateWithAnEvent: nobody has said it. What looks like one in a text is none.
func TestNobodyIsLateWithAnEvent(t *testing.T) {
	s, _ := fresh(t, Options{})
	r := routes()
	r.Tells = func(bridge.ConversationID, bridge.Event) bool { return true }
	event, said := state("1", 1, "renamed the channel"), state("2", 2, `{"Event":"renamed"}`)
	event.Event = bridge.EventRenamed
	said.Author.ID = "ben"
	if _, err := s.Put(t.Context(), batch(event, said), r); err != nil {
		t.Fatal(err)
	}
	all, err := s.Delays(t.Context(), began.Add(time.Hour))
	if err != nil || len(all) != 1 || all[0].User != "ben" || !all[0].Oldest.Equal(said.Created) {
		t.Error(all, err)
	}
}

func TestWhatIsHeldIsKnownToWait(t *testing.T) {
	s, _ := fresh(t, Options{})
	who := Speaker{Conversation: here, User: "ann"}
	waits := func(want []bridge.ConversationID, held bool) {
		t.Helper()
		got, holds, err := s.Waits(context.Background(), who)
		if diff := cmp.Diff(want, got); diff != "" || holds != held || err != nil {
			t.Error(diff, holds, err)
		}
	}
	waits(nil, false)
	put(t, s, batch(state("1", 1, "one"), state("2", 2, "two")))
	waits([]bridge.ConversationID{there}, false)
	if next, err := s.Advance(t.Context(), there, nil, 1, func(*Work) Step { return Step{Op: Hold} }); err != nil || next.Step.Op != Settled {
		t.Fatal(next.Step.Op, err)
	}
	waits(nil, true)
	if err := s.Delay(t.Context(), []Speaker{who}, "late"); err != nil {
		t.Fatal(err)
	}
	if next, err := s.Advance(t.Context(), here, nil, 1, simplePlan); err != nil || next.Step.Op != Tell {
		t.Fatal(next.Step.Op, err)
	} else if next, err = s.Advance(t.Context(), here, []*Outcome{{Work: next.Work, Step: next.Step}}, 1, simplePlan); err != nil || next.Step.Op != Settled {
		t.Fatal(next.Step.Op, err)
	}
	if err := s.CaughtUp(t.Context(), []Speaker{who}, ""); err != nil {
		t.Fatal(err)
	}
	if next, err := s.Advance(t.Context(), here, nil, 1, simplePlan); err != nil || next.Step.Op != Settled {
		t.Fatal("something is said:", next.Step.Op, err)
	}
	if known, err := s.Delayed(t.Context()); len(known) != 0 || err != nil {
		t.Error(known, err)
	}
}
