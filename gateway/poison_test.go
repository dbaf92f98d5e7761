package gateway

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

func TestWhatPanicsTwiceOnTheSameStateIsQuarantinedWithItsStack(t *testing.T) {
	for method, want := range map[string]string{"Parts": "poison.go", "Post": "poison.go", "Edit": "poison.go"} {
		t.Run(method, func(t *testing.T) {
			for times, held := range []int{0, 0, 1} {
				inWorld(t, func(w *world) {
					var trips *tripping
					a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
					w.wrap("b", func(inner bridge.Bridge) bridge.Bridge {
						trips = &tripping{Bridge: inner, method: method}
						return trips
					})
					w.route(inout("a", "town"), inout("b", "town"))
					w.start()
					id := a.Say("town", "ann", "first")
					if method == "Edit" {
						w.wait(time.Minute)
					}
					trips.left.Store(int32(times))
					if method == "Edit" {
						a.Edit("town", id, "first, edited")
					} else {
						a.Say("town", "ann", "second")
					}
					w.wait(time.Minute)
					a.Say("town", "ann", "the lane goes on")
					w.wait(10 * time.Minute)
					w.same(len(w.held()), held)
					w.same(slices.Contains(texts(b, "town"), "the lane goes on"), true)
					w.same(strings.Contains(w.log.String(), "stack=") && strings.Contains(w.log.String(), want), held == 1)
					w.same(len(noticesOf(a, "ann")), held)
					w.same(int(trips.left.Load()), min(0, int(trips.left.Load())))
				})
			}
		})
	}
}

func TestWhatTheStorePanicsOnIsQuarantinedAndTheOthersGoOn(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{BatchSize: 10}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		for range 20 { // so that no copy has the id of a message
			b.Delete("town", b.Say("town", "ben", "long ago"))
		}
		w.start()
		w.down()
		a.Say("town", "ann", "before")
		poison, other := a.Say("town", "ann", "poison"), a.Say("town", "ben", "poison, too")
		a.Say("town", "ann", "after")
		panics := func(during bool) {
			w.trip = func(id bridge.MessageID, put bool) {
				if (id == poison || id == other) && put == during {
					panic("a mistake of ours")
				}
			}
		}
		panics(true)
		w.start()
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"before", "after"})
		held := w.held()
		w.same(len(held), 2)
		w.same(strings.Contains(w.log.String(), "left out"), false)
		w.same([]string{held[0].Author, held[0].Reason}, []string{"ann", "internal error in the store: a mistake of ours"})
		w.same(strings.Contains(w.log.String(), "put.go") && strings.Contains(w.log.String(), "stack="), true)
		const why = "was not delivered to memory: a mistake in Causeway keeps it from that. " + itIsKept
		w.same(noticesOf(a, "ann"), []string{"Your message “poison” " + why})

		// What is in quarantine is seen again, and panics again. It is tried again by hand, or when its author has changed it.
		w.down()
		w.start()
		_, err := w.gateway.Retry(w.t.Context(), held[0].ID)
		w.same(err, nil)
		w.wait(time.Minute)
		w.same(len(w.held()), 1)
		late := texts(b, "town")[2]
		w.same(strings.HasSuffix(late, "poison"), true)
		w.down()
		w.trip = nil
		w.start()
		a.Edit("town", other, "mended")
		w.wait(time.Minute)
		w.same(len(w.held()), 0)
		w.same(strings.HasSuffix(texts(b, "town")[3], "mended"), true)

		// So are changes of it, in the store and in the lane.
		w.down()
		panics(true)
		w.start()
		a.Edit("town", poison, "poison, edited")
		w.wait(time.Minute)
		w.same(texts(b, "town")[2], late)
		w.same(len(w.held()), 1)
		_, err = w.gateway.Retry(w.t.Context(), w.held()[0].ID)
		w.same(err, nil)
		w.wait(time.Minute)
		late = texts(b, "town")[2]
		w.same(strings.HasSuffix(late, "poison, edited"), true)
		w.down()
		panics(false)
		w.start()
		a.Edit("town", poison, "poison again")
		a.Say("town", "ann", "later")
		w.wait(10 * time.Minute)
		w.same(slices.Contains(texts(b, "town"), "later"), true)
		w.same(texts(b, "town")[2], late)
		w.same(w.held()[0].Reason, "internal error in the store: a mistake of ours")
		w.same(noticesOf(a, "ann")[1:], []string{"The change of your message “poison, edited” " + why, "The change of your message “poison again” " + why})

		// A deletion is one, too.
		w.down()
		panics(true)
		w.start()
		a.Delete("town", poison)
		w.wait(time.Minute)
		w.same([]int{len(texts(b, "town")), len(w.held())}, []int{5, 1})
		w.trip = nil
		_, err = w.gateway.Retry(w.t.Context(), w.held()[0].ID)
		w.same(err, nil)
		w.wait(time.Minute)
		w.same([]int{len(texts(b, "town")), len(w.held())}, []int{4, 0})
	})
}

// TestAChangeAtACopyOnWhichTheStorePanicsIsLeftOut, as it is of no message: the status tells of it.
func TestAChangeAtACopyOnWhichTheStorePanicsIsLeftOut(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		a.Say("town", "ann", "hello")
		w.wait(time.Minute)
		a.Say("town", "ann", "hello again")
		w.wait(time.Minute)
		copied := b.Messages("town")[1].ID
		w.down()
		w.trip = func(id bridge.MessageID, put bool) {
			if id == copied && put {
				panic("a mistake of ours")
			}
		}
		w.start()
		b.Delete("town", copied)
		b.Say("town", "ben", "after")
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{"hello", "hello again", "after"})
		w.same(strings.Contains(w.log.String(), "this state of a message cannot be stored, and is left out"), true)
		problems := w.gateway.Status(w.t.Context()).Problems
		w.same(len(problems) > 0, true)
		w.same([]string{problems[0].Where, problems[0].Text, problems[0].Next}, []string{"memory.b team/town", errLeftOut.Error(), leftOutStep})
	})
}

// tripping panics in chosen methods.
type tripping struct {
	bridge.Bridge
	method string
	left   atomic.Int32
}

func (p *tripping) trip(method string) {
	if p.method == method && p.left.Add(-1) >= 0 {
		panic("tripped in " + method)
	}
}

func (p *tripping) Connect(ctx context.Context) (bridge.Identity, error) {
	p.trip("Connect")
	return p.Bridge.Connect(ctx)
}

func (p *tripping) Resolve(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error) {
	p.trip("Resolve")
	return p.Bridge.Resolve(ctx, name, need)
}

func (p *tripping) Run(ctx context.Context, inbox bridge.Inbox) error {
	p.trip("Run")
	return p.Bridge.Run(ctx, inbox)
}

func (p *tripping) Parts(d bridge.Draft) []richtext.Doc {
	p.trip("Parts")
	return p.Bridge.Parts(d)
}

func (p *tripping) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	p.trip("Post")
	return p.Bridge.Post(ctx, d)
}

func (p *tripping) Edit(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
	p.trip("Edit")
	return p.Bridge.Edit(ctx, id, d)
}

func (p *tripping) Delete(ctx context.Context, t bridge.Target) error {
	p.trip("Delete")
	return p.Bridge.Delete(ctx, t)
}

func (p *tripping) React(ctx context.Context, t bridge.Target, emoji string, on bool) error {
	p.trip("React")
	return p.Bridge.React(ctx, t, emoji, on)
}

func (p *tripping) Read(ctx context.Context, c bridge.ConversationID, id bridge.MessageID) (bridge.State, error) {
	p.trip("Read")
	return p.Bridge.Read(ctx, c, id)
}

func TestAPanicOfABridgeHarmsNothingElse(t *testing.T) {
	for _, method := range []string{"Connect", "Resolve", "Run", "Parts", "Post", "Edit", "Delete", "React", "Read"} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
				var all []*tripping
				for _, name := range []string{"a", "b"} {
					w.wrap(name, func(inner bridge.Bridge) bridge.Bridge {
						p := &tripping{Bridge: inner, method: method}
						p.left.Store(1)
						all = append(all, p)
						return p
					})
				}
				w.route(inout("a", "town"), inout("b", "town"))
				old := a.Say("town", "ann", "before the beginning")
				time.Sleep(time.Minute)
				w.start()
				w.wait(5 * time.Minute)
				id := a.Say("town", "ann", "first")
				w.wait(time.Minute)
				a.Edit("town", id, "edited")
				a.React("town", id, "ann", "👍")
				a.Reply("town", old, "ann", "answers the past")
				w.wait(time.Minute)
				a.Delete("town", id)
				a.Say("town", "ann", "last")
				w.wait(time.Hour)
				all2 := texts(b, "town")
				w.same(all2[len(all2)-1], "last")
				tripped := slices.ContainsFunc(all, func(p *tripping) bool { return p.left.Load() < 1 })
				w.same(tripped, true)
				for _, held := range w.held() {
					w.same(strings.Contains(held.Reason, "tripped in "+method), true)
				}
				w.same(len(w.held()) <= 1, true)
			})
		})
	}
}

func TestAMessageThatABridgeCannotSplitIsQuarantined(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.wrap("b", func(inner bridge.Bridge) bridge.Bridge { return cannotSplit{inner} })
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		a.Say("town", "ann", "poison")
		a.Say("town", "ann", "fine")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"fine"})
		w.same(len(w.held()), 1)
		w.same(len(a.Notices()), 1)
	})
}

type cannotSplit struct{ bridge.Bridge }

func (c cannotSplit) Parts(d bridge.Draft) []richtext.Doc {
	if memory.Text(d.Text) == "poison" {
		panic("index out of range")
	}
	return c.Bridge.Parts(d)
}
