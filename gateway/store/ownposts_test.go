package store

import (
	"testing"
	"time"

	"causeway/bridge"
)

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
