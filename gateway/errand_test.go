package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// whispersTo gives what somebody was told by direct messages, in order, without who said it.
func whispersTo(s *memory.Service, u bridge.UserID) []string {
	all := []string{}
	for _, n := range s.Notices() {
		if n.User == u && n.Conversation == (bridge.ConversationID{}) {
			_, text, _ := strings.Cut(memory.Text(n.Text), "\n")
			all = append(all, text)
		}
	}
	return all
}

// asides runs two services with a group of which Ann and Cyd have connected, and Ben has not: what he says there is shown to them aside.
func (w *world) asides(fault memory.Fault) (a, b *memory.Service, group bridge.ChannelID) {
	restricted := likeRestricted()
	restricted.Fault = fault
	a, b = w.talking(restricted, likeTeams(), "ann", "cyd")
	w.match(a, "ben", b, "Ben", "Ben")
	w.wait(time.Second)
	return a, b, b.Direct("Ann", "Ben", "Cyd")
}

// telling fails what somebody is told by direct message; everybody where nobody is named.
func telling(u bridge.UserID, kind bridge.Kind) memory.Fault {
	return func(_ context.Context, c memory.Call) error {
		if c.Op == memory.Notify && !c.After && (u == "" || c.User == u) {
			return memory.Fails(kind)
		}
		return nil
	}
}

// numbered is what Ben says.
func numbered(from, to int) []string {
	all := []string{}
	for n := from; n < to; n++ {
		all = append(all, fmt.Sprint("number ", n))
	}
	return all
}

const givenUp = "what somebody was to be shown by direct message is given up"

// TestNothingThatIsShownAsideIsLostHoweverLongAnOutageLasts, though much is said meanwhile, and though it takes a while until the account itself is found to be failing.
func TestNothingThatIsShownAsideIsLostHoweverLongAnOutageLasts(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b, group := w.asides(s.fault)
		fails := telling("", bridge.Transient)
		s.on(func(ctx context.Context, c memory.Call) error {
			if c.Op == memory.Connect && !c.After {
				return memory.Fails(bridge.Transient)
			}
			return fails(ctx, c)
		})
		for _, text := range numbered(0, 20) {
			b.Say(group, "Ben", text)
			w.wait(3 * time.Second)
		}
		w.wait(12 * time.Hour)
		for _, text := range numbered(20, 40) {
			b.Say(group, "Ben", text)
			w.wait(3 * time.Second)
		}
		w.same(whispers(a), []string{})
		s.off()
		w.wait(10 * time.Minute)
		for _, u := range []bridge.UserID{"ann", "cyd"} {
			w.same(whispersTo(a, u), numbered(0, 40))
		}
		w.same(strings.Contains(w.log.String(), givenUp), false)
	})
}

// TestWhoCannotBeShownAnythingHoldsUpNobody, and gets all of it, in order, when they can.
func TestWhoCannotBeShownAnythingHoldsUpNobody(t *testing.T) {
	for _, kind := range []bridge.Kind{bridge.Transient, bridge.Unauthorised, bridge.Throttled, bridge.Uncertain} {
		t.Run(kind.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b, group := w.asides(s.fault)
				s.on(telling("ann", kind))
				for n := range 20 {
					b.Say(group, "Ben", numbered(n, n+1)[0])
					w.wait(time.Second)
					w.same(whispersTo(a, "cyd"), numbered(0, n+1))
				}
				w.wait(20 * time.Minute)
				s.off()
				w.wait(10 * time.Minute)
				w.same(whispersTo(a, "ann"), numbered(0, 20))
				w.same(whispersTo(a, "cyd"), numbered(0, 20))
			})
		})
	}
}

// TestWhatIsShownAsideKeepsItsOrderOverARestart: what is new is not shown before what was put off.
func TestWhatIsShownAsideKeepsItsOrderOverARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b, group := w.asides(s.fault)
		s.on(telling("ann", bridge.Transient))
		for _, text := range numbered(0, 5) {
			b.Say(group, "Ben", text)
			w.wait(time.Second)
		}
		w.wait(20 * time.Minute)
		w.down()
		s.off()
		w.start()
		for _, text := range numbered(5, 10) {
			b.Say(group, "Ben", text)
			w.wait(time.Second)
		}
		w.wait(10 * time.Minute)
		w.same(whispersTo(a, "ann"), numbered(0, 10))
	})
}

// TestWhatCanNeverBeShownIsGivenUpWithAWarning: the account may not write to somebody, though it works. That does not wait for each message anew.
func TestWhatCanNeverBeShownIsGivenUpWithAWarning(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b, group := w.asides(s.fault)
		s.on(telling("ann", bridge.Unauthorised))
		for _, text := range numbered(0, 20) {
			b.Say(group, "Ben", text)
			w.wait(time.Second)
		}
		w.wait(29 * time.Minute)
		w.same(strings.Contains(w.log.String(), givenUp), false)
		w.wait(31 * time.Minute)
		w.same(strings.Count(w.log.String(), givenUp), 20)
		w.same(strings.Count(w.log.String(), "to=ann"), 20)
		w.same(whispersTo(a, "cyd"), numbered(0, 20))
		lacking, err := w.store.Lacking(w.t.Context())
		w.same([]any{len(lacking), err}, []any{0, nil})
		s.off()
		b.Say(group, "Ben", "number 20")
		w.wait(time.Minute)
		w.same(whispersTo(a, "ann"), numbered(20, 21))
	})
}

// TestWhatAlwaysFailsIsGivenUpOnlyWhileOthersAreTold: nothing tells it from an outage else.
func TestWhatAlwaysFailsIsGivenUpOnlyWhileOthersAreTold(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		_, b, group := w.asides(s.fault)
		s.on(telling("ann", bridge.Transient))
		b.Say(group, "Ben", "number 0")
		w.wait(12 * time.Hour)
		w.same(strings.Contains(w.log.String(), givenUp), false)
		for n := range 10 {
			b.Say(group, "Ben", numbered(n+1, n+2)[0])
			w.wait(time.Minute)
		}
		w.same(strings.Count(w.log.String(), givenUp), 1)
	})
}

// TestWhereATalkGoesOnIsSaidThoughItWasTriedInAnOutage: by the account itself, or to each member.
func TestWhereATalkGoesOnIsSaidThoughItWasTriedInAnOutage(t *testing.T) {
	for name, o := range map[string]memory.Options{"line": likeMattermost(), "notices": likeRestricted()} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				o.Fault = s.fault
				a, b := w.talking(o, likeTeams(), "ann", "ben", "cyd", "dan")
				chat := b.Direct("Ann", "Ben", "Cyd")
				b.Say(chat, "Ann", "three")
				w.wait(5 * time.Second)
				s.on(func(_ context.Context, c memory.Call) error {
					if !c.After && (c.Op == memory.Notify || c.Op == memory.Post) {
						return memory.Fails(bridge.Transient)
					}
					return nil
				})
				b.Join(chat, "Dan")
				b.Say(chat, "Ann", "four")
				w.wait(20 * time.Minute)
				s.off()
				w.wait(10 * time.Minute)
				said := strings.Join(slices.Concat(talksOf(a), notices(a)), "\n")
				w.same([]int{strings.Count(said, "It goes on in the one with"), strings.Count(said, "This goes on from the conversation")},
					map[string][]int{"line": {1, 1}, "notices": {3, 4}}[name])
			})
		})
	}
}

// TestReadingThatPanicsTwiceEndsAndTheLaneGoesOn without what was to be read: of a post that is to be changed, of what is answered, and of the origin of a text that was
// written at a copy.
func TestReadingThatPanicsTwiceEndsAndTheLaneGoesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, c := w.service("a", memory.Options{}), w.service("b", memory.Options{}), w.service("c", memory.Options{})
		for _, name := range []string{"a", "b"} {
			w.wrap(name, func(inner bridge.Bridge) bridge.Bridge {
				p := &tripping{Bridge: inner, method: "Read"}
				p.left.Store(1 << 30)
				return p
			})
		}
		w.route(inout("a", "town"), inout("b", "town"), out("c", "town"))
		old := a.Say("town", "ben", "before the beginning")
		time.Sleep(time.Minute)
		w.start()
		w.connect(a, "alice", b, "ally")
		w.wait(time.Minute)
		id := a.Say("town", "alice", "first")
		w.wait(time.Minute)
		a.Edit("town", id, "second")
		w.wait(time.Minute)
		w.same([][]string{texts(b, "town"), texts(c, "town")}, [][]string{{"second"}, {"second"}})
		b.Edit("town", b.Messages("town")[0].ID, "third")
		w.wait(time.Minute)
		w.same([][]string{texts(a, "town")[1:], texts(c, "town")}, [][]string{{"third"}, {"third"}})
		a.Reply("town", old, "ben", "an answer")
		a.Say("town", "ben", "the lane goes on")
		w.wait(time.Minute)
		for _, s := range []*memory.Service{b, c} {
			w.same(texts(s, "town")[1:], []string{"(a message that is not here)\nan answer", "the lane goes on"})
		}
		w.same(len(w.held()), 0)
		w.same(strings.Contains(w.log.String(), "quarantined"), false)
		w.same(strings.Count(w.log.String(), "it has panicked twice") > 3, true)
	})
}

// TestAChangeAsAPersonThatAlwaysFailsIsQuarantined though what is to be changed can be looked at, each time.
func TestAChangeAsAPersonThatAlwaysFailsIsQuarantined(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.connectedPair(memory.Options{}, memory.Options{Fault: s.fault})
		id := a.Say("town", "alice", "first")
		w.wait(time.Second)
		s.on(before(memory.Edit, func() error { return memory.Fails(bridge.Transient) }))
		a.Edit("town", id, "second")
		a.Say("town", "alice", "the lane goes on")
		w.wait(2 * time.Hour)
		w.same(texts(b, "town"), []string{"first", "the lane goes on"})
		w.same(len(w.held()), 1)
	})
}
