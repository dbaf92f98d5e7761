package gateway

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

func TestAnEditThatNeverSucceedsHoldsUpNobody(t *testing.T) {
	for _, kind := range []bridge.Kind{bridge.Transient, bridge.Uncertain} {
		inWorld(t, func(w *world) {
			var f switched
			a, b := w.pair(memory.Options{}, memory.Options{Fault: f.fault})
			id := a.Say("town", "ann", "one")
			w.wait(time.Minute)
			stuck := w.find(b, "town", "one").ID
			f.on(func(_ context.Context, c memory.Call) error {
				if c.Op == memory.Edit && c.ID == stuck && !c.After {
					return memory.Fails(kind)
				}
				return nil
			})
			a.Edit("town", id, "one, edited")
			w.wait(time.Second)
			a.Say("town", "ann", "two") // nothing else is asked of the other side meanwhile
			w.wait(3 * time.Hour)
			w.same(texts(b, "town"), []string{"one", "two"})
			w.same(len(w.held()), 1)
		})
	}
}

func TestASecondCopyThatCannotBeDeletedHoldsUpNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: f.fault})
		lost := true
		f.on(func(_ context.Context, c memory.Call) error {
			switch {
			case c.Op == memory.Post && c.After && lost:
				lost = false
				return memory.LostAnswer()
			case c.Op == memory.Find && !c.After:
				return nil
			case c.Op == memory.Delete && !c.After:
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		a.Say("town", "ann", "one")
		w.wait(time.Minute)
		first := w.find(b, "town", "one")
		// Somebody with the bot's token repeats the post, key and all.
		again := b.Account("other", "bot")
		if _, err := again.Post(w.t.Context(), bridge.Draft{Conversation: bridge.ConversationID{Server: b.Server(), Channel: "town"}, Author: first.Author, Text: first.Doc, Key: first.Key}); err != nil {
			w.t.Fatal(err)
		}
		w.wait(time.Hour)
		a.Say("town", "ann", "two")
		w.wait(time.Minute)
		w.same(slices.Contains(texts(b, "town"), "two"), true)
		f.off()
		w.wait(time.Hour)
		w.same(texts(b, "town"), []string{"one", "two"})
	})
}

func TestWhatTheConfigNoLongerJoinsIsNotShownThere(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.service("a", memory.Options{}), w.service("b", memory.Options{}), w.service("c", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "town"), inout("c", "town"))
		w.route(inout("b", "town"), inout("c", "town"))
		w.start()
		id := a.Say("town", "ann", "harmless")
		w.wait(time.Minute)
		w.down()
		w.routes = w.routes[1:]
		w.start()
		a.Edit("town", id, "only for a and c from now on")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"harmless"})
		w.same(texts(c, "town"), []string{"only for a and c from now on"})
		a.Delete("town", id)
		w.wait(time.Minute)
		w.same(len(texts(b, "town")), 0)
	})
}

func TestARootThatCannotBeReadDoesNotHoldUpOthers(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		a, b, c := w.service("a", memory.Options{Fault: f.fault}), w.service("b", memory.Options{}), w.service("c", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"), inout("c", "town"))
		old := a.Say("town", "ann", "before the beginning")
		time.Sleep(time.Minute)
		w.start()
		f.on(before(memory.Read, func() error { return memory.Fails(bridge.Transient) }))
		a.Reply("town", old, "ann", "an answer")
		w.wait(time.Second)
		c.Say("town", "cyd", "from c")
		w.wait(3 * time.Minute)
		w.same(texts(b, "town"), []string{"(a message that is not here)\nan answer", "from c"})
	})
}

func TestAnotherServerUnderTheSameNameGetsNothingMeantForTheFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		a.Say("town", "ann", "one")
		w.wait(time.Minute)
		w.down()
		var f switched
		f.on(before(memory.Connect, func() error { return memory.Fails(bridge.Transient) }))
		moved := memory.NewService("memory:moved", memory.Options{Fault: f.fault})
		moved.AddChannel("town", "team/town")
		w.accounts[1].Bridge, w.accounts[1].Place = moved.Account("memory.b", "bot"), "the new server"
		w.start()
		a.Say("town", "ann", "while the new server is away")
		w.wait(time.Minute)
		f.off()
		w.wait(time.Hour)
		a.Say("town", "ann", "later")
		w.wait(time.Minute)
		w.same(texts(moved, "town"), []string{"later"})
		w.same(texts(b, "town"), []string{"one"})
		lacking, err := w.store.Lacking(w.t.Context())
		w.same(fmt.Sprint(len(lacking), err), "0 <nil>")
	})
}
