package gateway

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// TestWhoseAccountIsReplacedIsKnownMeanwhile: what is read of a post of its own while its successor has not connected yet is not taken for somebody's.
func TestWhoseAccountIsReplacedIsKnownMeanwhile(t *testing.T) {
	var s switched
	inChanging(t, memory.Options{Fault: s.fault}, func(w *changing) {
		server := w.gateway.setup.Load().order[1].identity.Load().Server
		w.same(w.gateway.own(server)("bot"), true)
		s.on(before(memory.Connect, func() error { return memory.Fails(bridge.Transient) }))
		done := w.anew("b")
		w.change()
		done()
		w.wait(time.Second)
		w.same(w.gateway.own(server)("bot"), true)
		w.same(w.gateway.own(server)("ben"), false)
	})
}

// mistaken is a bridge that reports each post of its own as somebody else's before it is known that it was made.
type mistaken struct {
	bridge.Bridge
	inbox atomic.Pointer[bridge.Inbox]
	posts atomic.Int32
}

func (m *mistaken) Run(ctx context.Context, i bridge.Inbox) error {
	m.inbox.Store(&i)
	return m.Bridge.Run(ctx, i)
}

func (m *mistaken) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	m.posts.Add(1)
	id, err := m.Bridge.Post(ctx, d)
	if err == nil {
		state := bridge.State{Conversation: d.Conversation, ID: id, Revision: 1, Created: time.Now(), Author: bridge.Author{ID: "zoe", Name: "Zoe"}, Text: richtext.Plain("hello")}
		err = (*m.inbox.Load()).Put(ctx, bridge.Batch{Conversation: d.Conversation, States: []bridge.State{state}})
	}
	return id, err
}

// TestAPostThatWasTakenForSomebodysGoesBackToWhoMadeIt, and what was made of it is deleted; it is not posted again and again.
func TestAPostThatWasTakenForSomebodysGoesBackToWhoMadeIt(t *testing.T) {
	inWorld(t, func(w *world) {
		var m *mistaken
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.wrap("b", func(inner bridge.Bridge) bridge.Bridge {
			m = &mistaken{Bridge: inner}
			return m
		})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		id := a.Say("town", "ann", "hello")
		w.wait(time.Minute)
		w.same(m.posts.Load(), int32(1))
		w.same(texts(b, "town"), []string{"hello"})
		w.same(texts(a, "town"), []string{"hello"}) // ann's own, and nothing of Zoe's
		a.Edit("town", id, "hello again")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"hello again"})
		a.Delete("town", id)
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{})
		w.same(len(w.held()), 0)
	})
}
