package gateway

import (
	"context"
	"fmt"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestWhatHappenedWhileDownArrivesInOrder makes on each side, while the gateway does not run, 1,300 new messages, 300
// edits, 100 deletions, 100 reactions and 200 replies in threads that were there before.
func TestWhatHappenedWhileDownArrivesInOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		sides := []*memory.Service{a, b}
		var old [2][]bridge.MessageID
		for n, s := range sides {
			for i := range 500 {
				old[n] = append(old[n], s.Say("town", "ann", fmt.Sprint("old ", n, " ", i)))
			}
		}
		w.wait(time.Minute)
		w.crossed(a, "town", b, "town")
		w.down()
		for n, s := range sides {
			for i := range 1300 {
				time.Sleep(time.Millisecond)
				s.Say("town", "ben", fmt.Sprint("new ", n, " ", i))
				switch id := old[n][i%500]; {
				case i < 300:
					s.Edit("town", id, fmt.Sprint("edited ", n, " ", i))
				case i < 400:
					s.Delete("town", id)
				case i < 500:
					s.React("town", id, "cyd", "👍")
				case i < 700:
					s.Reply("town", id, "cyd", fmt.Sprint("answer ", n, " ", i))
				}
			}
		}
		w.start()
		w.wait(time.Minute)
		w.crossed(a, "town", b, "town")
		w.crossed(b, "town", a, "town")
		w.same(len(live(b, "town", true)), 500+1300+200-100)
	})
}

func TestAConversationThatLeavesTheConfigIsCaughtUpWhenItReturns(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		a.Say("town", "ann", "before")
		w.wait(time.Second)
		w.down()
		a.Say("town", "ann", "while away")
		routes := w.routes
		w.routes = nil
		w.start()
		w.wait(time.Hour)
		w.down()
		w.routes = routes
		w.start()
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"before", "while away"})
	})
}

// holder holds one message back and delivers it when it is told to.
type holder struct {
	bridge.Bridge
	text  string
	inbox bridge.Inbox
	held  []bridge.Batch
}

func (h *holder) Run(ctx context.Context, inbox bridge.Inbox) error {
	h.inbox = inbox
	return h.Bridge.Run(ctx, holding{inbox, h})
}

// release puts what was held back.
func (h *holder) release(ctx context.Context) {
	for _, b := range h.held {
		_ = h.inbox.Put(ctx, b)
	}
}

type holding struct {
	bridge.Inbox
	holder *holder
}

func (i holding) Put(ctx context.Context, b bridge.Batch) error {
	if len(b.States) == 1 && memory.Text(b.States[0].Text) == i.holder.text {
		i.holder.held = append(i.holder.held, bridge.Batch{Conversation: b.Conversation, States: b.States})
		b.States = nil
	}
	return i.Inbox.Put(ctx, b)
}

func TestALateMessageGoesOutAtOnceWithItsTime(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		d := &holder{text: "older"}
		w.wrap("a", func(inner bridge.Bridge) bridge.Bridge { d.Bridge = inner; return d })
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		said := time.Now().UTC().Format("2006-01-02 15:04 MST")
		a.Say("town", "ann", "older")
		w.wait(time.Minute)
		a.Say("town", "ann", "younger")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"younger"})
		d.release(w.t.Context())
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"younger", "(sent " + said + ") older"})
	})
}
