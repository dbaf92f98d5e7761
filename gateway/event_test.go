package gateway

import (
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestEventsAreToldWhereTheConfigAsksForThem: once, in their order, by the relay, and whoever is nobody's word is nobody's.
func TestEventsAreToldWhereTheConfigAsksForThem(t *testing.T) {
	inWorld(t, func(w *world) {
		var met []bridge.UserID
		w.spoke = func(_ bridge.ServerID, u bridge.UserID) { met = append(met, u) }
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Feed: memory.Feed{Seed: 3, Repeat: 0.5, Stale: 0.5}})
		b.AddUser(bridge.Profile{Author: bridge.Author{ID: "ally", Name: "ally", Username: "ally"}})
		w.route(inout("a", "town"), inout("b", "town"))
		w.routes[0].Events = []bridge.Event{bridge.EventRenamed, bridge.EventMembers}
		w.start()
		w.connect(a, "alice", b, "ally")
		a.Say("town", "alice", "before")
		a.Happen("town", bridge.EventRenamed, "alice", "renamed the channel")
		a.Happen("town", bridge.EventCalls, "alice", "started a call")
		a.Happen("town", bridge.EventMembers, "bot", "joined")
		a.Happen("town", bridge.EventMembers, "zoe", "added @alice")
		a.Say("town", "zoe", "after")
		w.wait(10 * time.Second)
		w.down()
		a.Happen("town", bridge.EventRenamed, "zoe", "renamed it again")
		w.start()
		w.wait(10 * time.Second)
		type line struct {
			by   bridge.UserID
			text string
		}
		var got []line
		for _, m := range b.Messages("town") {
			got = append(got, line{m.Author.ID, m.Text})
			if who := m.Doc.Mentions(); len(who) > 0 {
				t.Errorf("%q calls %v", m.Text, who)
			}
		}
		w.same(got, []line{{"ally", "before"}, {"bot", "renamed the channel"}, {"bot", "added @alice"}, {"bot", "after"}, {"bot", "renamed it again"}})
		w.same(len(a.Messages("town")), 7)
		w.same(met, []bridge.UserID{"alice", "zoe"})
	})
}

// TestNobodyIsToldOfAnEventThatCannotBeTold: nobody has said anything.
func TestNobodyIsToldOfAnEventThatCannotBeTold(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: before(memory.Post, func() error { return memory.Fails(bridge.Rejected) })})
		w.route(inout("a", "town"), inout("b", "town"))
		w.routes[0].Events = bridge.Events()
		w.start()
		a.Happen("town", bridge.EventRenamed, "alice", "renamed the channel")
		w.wait(10 * time.Second)
		w.same(len(w.held()), 1)
		w.same(len(a.Notices()), 0)
	})
}

// TestEventsThatNobodyAsksForAreNotKept: they are no messages.
func TestEventsThatNobodyAsksForAreNotKept(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		id := a.Happen("town", bridge.EventRenamed, "alice", "renamed the channel")
		w.wait(10 * time.Second)
		w.same(len(b.Messages("town")), 0)
		all, err := w.store.Living(w.t.Context(), bridge.ConversationID{Server: "memory:a", Channel: "town"}, time.Time{})
		if err != nil || len(all) != 0 {
			t.Errorf("%s is kept: %v (%v)", id, all, err)
		}
	})
}
