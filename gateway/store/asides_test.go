package store

import (
	"fmt"
	"testing"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// aside shows each message that is not deleted to two people.
func aside(w *Work) Step {
	if w.Message.Deleted || w.Phase == Removed {
		return Step{}
	}
	d := Denial{Reason: 5}
	for _, u := range []bridge.UserID{"ally", "bert"} {
		d.Tell = append(d.Tell, Telling{Conversation: there, User: u, Way: Aside, Each: true, Shows: true, Text: w.Message.Body.Text})
	}
	return Step{Op: Deny, Denial: d}
}

// doing does errands up to the nth step, whose outcome is not known, and gives them: what, to whom.
func doing(t *testing.T, s *Store, n int) (did []string) {
	t.Helper()
	var last []*Outcome
	for {
		next, err := s.Advance(t.Context(), there, last, 1, aside)
		if err != nil {
			t.Fatal(err)
		}
		if next.Step.Op == Settled {
			return did
		}
		did = append(did, fmt.Sprint(map[Op]string{Tell: "tell ", Withdraw: "withdraw "}[next.Step.Op], next.Step.Notice.User, " ", next.Step.Notice.Text.PlainText()))
		if last = []*Outcome{{Work: next.Work, Step: next.Step}}; len(did) == n {
			return did
		}
	}
}

// TestWhatWasShownAsideIsWithdrawnWithItsMessage, and what was not told yet is not told.
func TestWhatWasShownAsideIsWithdrawnWithItsMessage(t *testing.T) {
	s, _ := fresh(t, Options{})
	one := state("1", 1, "one")
	put(t, s, batch(one))
	same(t, doing(t, s, 1), []string{"tell ally one"}) // that may have been told
	one.Deleted, one.Revision = true, 2
	put(t, s, batch(one))
	lacking, err := s.Lacking(t.Context())
	same(t, fmt.Sprint(lacking, err), fmt.Sprint([]bridge.ConversationID{there}, nil))
	same(t, doing(t, s, 1), []string{"withdraw ally "})
	lacking, err = s.Lacking(t.Context())
	same(t, fmt.Sprint(lacking, err), fmt.Sprint([]bridge.ConversationID{there}, nil))
	one.Deleted, one.Revision = false, 3
	put(t, s, batch(one))
	same(t, doing(t, s, 0), []string{"withdraw ally ", "tell ally one", "tell bert one"})
	same(t, query[int](t, s, "SELECT count(*) FROM asides WHERE state = 0 AND tried > 0"), 2)
}

// TestWhatWasShownAsideIsForgottenWithItsMessage, but for what is still to be withdrawn.
func TestWhatWasShownAsideIsForgottenWithItsMessage(t *testing.T) {
	s, path := fresh(t, Options{})
	one, two := state("1", 1, "one"), state("2", 2, "two")
	put(t, s, batch(one, two))
	same(t, len(doing(t, s, 0)), 4)
	two.Deleted, two.Revision = true, 2
	put(t, s, batch(two))
	same(t, doing(t, s, 1), []string{"withdraw ally "})
	if n := pruned(t, s, 10); n != 2 {
		t.Errorf("%d messages were forgotten", n)
	}
	same(t, query[int](t, s, "SELECT count(*) FROM asides"), 2)
	same(t, doing(t, s, 0), []string{"withdraw ally ", "withdraw bert "})
	same(t, query[int](t, s, "SELECT count(*) FROM asides"), 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	i, err := Inspect(t.Context(), place(path, &Options{}))
	same(t, fmt.Sprint(i.Problems, err), "[] <nil>")
}

// TestWhoWasToldSomethingIsToldItAnewOnceTheConversationWasCarried, unless that lasts.
func TestWhoWasToldSomethingIsToldItAnewOnceTheConversationWasCarried(t *testing.T) {
	s, _ := fresh(t, Options{})
	tell := func() int {
		t.Helper()
		for reason, lasting := range []bool{false, true} {
			if err := s.Say(t.Context(), Telling{Conversation: gm, User: "a", Reason: reason + 1, Lasting: lasting, Text: richtext.Plain("hello")}); err != nil {
				t.Fatal(err)
			}
		}
		return query[int](t, s, "SELECT count(*) FROM notices")
	}
	same(t, tell(), 2)
	same(t, tell(), 2)
	if err := s.do(t.Context(), func(t *tx) error { return t.untold(gm) }); err != nil {
		t.Fatal(err)
	}
	same(t, tell(), 3)
}

// TestWhatSomebodyIsToBeToldGoesWithTheConversationThatTakesThePlace of the empty one that Causeway has opened.
func TestWhatSomebodyIsToBeToldGoesWithTheConversationThatTakesThePlace(t *testing.T) {
	s, _ := fresh(t, Options{})
	made := talkAt("b", "made")
	first := meet(t, s, meeting(gm, 0, small, capital))
	if _, err := s.Try(t.Context(), first.Pair.ID, "A"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Opened(t.Context(), first.Pair.ID, made); err != nil {
		t.Fatal(err)
	}
	if err := s.Say(t.Context(), Telling{Conversation: made, User: "A", Way: Aside, Each: true, Text: richtext.Plain("hello")}); err != nil {
		t.Fatal(err)
	}
	same(t, meet(t, s, meeting(chat, 700, capital, small)).Pair.ID, first.Pair.ID)
	same(t, query[string](t, s, "SELECT c.channel FROM notices n JOIN conversations c ON c.id = n.conversation"), "chat")
}
