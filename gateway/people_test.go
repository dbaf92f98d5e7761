package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/gateway/people"
	"causeway/gateway/store"
)

// connect makes a user of each of two services one person.
func (w *world) connect(a *memory.Service, u bridge.UserID, b *memory.Service, v bridge.UserID) {
	w.t.Helper()
	if err := w.tryConnect(a, u, b, v); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tryConnect(a *memory.Service, u bridge.UserID, b *memory.Service, v bridge.UserID) error {
	end := func(s *memory.Service, u bridge.UserID) store.End {
		return store.End{Identity: store.Identity{
			Account: bridge.AccountName(strings.Replace(string(s.Server()), ":", ".", 1)), Server: s.Server(), User: u, Name: string(u), Username: string(u),
		}, Grant: []byte("grant")}
	}
	_, err := w.store.Connect(w.t.Context(), "", [2]store.End{end(a, u), end(b, v)}, 0)
	w.gateway.PeopleChanged()
	return err
}

// connectedPair is a pair of services on which alice and ally are one person.
func (w *world) connectedPair(a, b memory.Options) (*memory.Service, *memory.Service) {
	left, right := w.pair(a, b)
	w.connect(left, "alice", right, "ally")
	return left, right
}

// said is a post as people see it, with whose it is and who has reacted.
type said struct {
	By, Text string
	Marks    []bridge.Reaction
}

func all(s *memory.Service) []said {
	var all []said
	for _, m := range s.Messages("town") {
		if m.Deleted {
			continue
		}
		one := said{By: string(m.Author.ID), Text: m.Text}
		if m.Author.Name != one.By {
			one.By += " as " + m.Author.Name
		}
		one.Marks = append(one.Marks, m.Reactions...)
		all = append(all, one)
	}
	return all
}

func TestConnectedPeopleWriteAsThemselvesAndOthersByTheRelay(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{MaxText: 100})
		a.Say("town", "alice", "mine")
		a.Say("town", "ben", "not connected")
		w.wait(time.Second)
		b.Say("town", "ally", "mine, too")
		w.wait(time.Second)
		a.Say("town", "alice", strings.Repeat("x", 150))
		w.wait(time.Second)
		w.same(all(b), []said{
			{By: "ally", Text: "mine"}, {By: "bot as ben", Text: "not connected"}, {By: "ally", Text: "mine, too"},
			{By: "ally", Text: strings.Repeat("x", 100)}, {By: "ally", Text: strings.Repeat("x", 50)},
		})
		w.same(all(a)[2], said{By: "alice", Text: "mine, too"})
		w.same(len(a.Messages("town")), 4)
	})
}

func TestWhatTheRelayWroteBeforeStaysTheRelays(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.pair(memory.Options{}, memory.Options{})
		id := a.Say("town", "alice", "before")
		w.wait(time.Second)
		w.connect(a, "alice", b, "ally")
		a.Edit("town", id, "after")
		w.wait(time.Second)
		w.same(all(b), []said{{By: "bot as alice", Text: "after"}})
	})
}

func TestAnEditOfEitherInstanceReachesTheOther(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Normalize: memory.CollapseSpaces, NoFiles: true})
		c := w.service("c", memory.Options{NoFiles: true})
		w.route(inout("a", "town"), inout("b", "town"), inout("c", "town"))
		w.start()
		w.connect(a, "alice", b, "ally")
		id := a.SayDoc("town", "", "alice", richtext.Plain("one  version"), memory.Upload{Name: "plan.pdf", Data: make([]byte, 12000)})
		w.wait(time.Second)
		copied := b.Messages("town")[0].ID
		const file = "\n📎 plan.pdf (12.0 kB)"
		is := func(text string) {
			w.t.Helper()
			w.wait(10 * time.Second)
			w.same(texts(a, "town"), []string{text})
			w.same(strings.Fields(texts(b, "town")[0])[0], strings.Fields(text)[0])
			w.same(texts(c, "town"), []string{text + file})
		}
		is("one  version")
		b.Edit("town", copied, "two"+file)
		is("two")
		w.same(a.Messages("town")[0].Author.ID, bridge.UserID("alice"))
		a.Edit("town", id, "three")
		is("three")
		b.Edit("town", copied, "two"+file)
		is("two")
		a.Edit("town", id, "two  again")
		is("two  again")
		w.down()
		b.Edit("town", copied, "while down")
		w.start()
		is("while down")
		w.same(len(b.Messages("town")), 1)
		w.same(len(w.held()), 0)
	})
}

func TestWhereTheOriginsAuthorIsNotConnectedAnymoreTheOriginStays(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{})
		id := a.Say("town", "alice", "one")
		w.wait(time.Second)
		if _, err := w.store.Turn(w.t.Context(), a.Server(), "alice", store.Connected, store.Lost, "gone"); err != nil {
			t.Fatal(err)
		}
		b.Edit("town", b.Messages("town")[0].ID, "two")
		w.wait(time.Minute)
		a.React("town", id, "ben", "👍")
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{"one"})
		w.same(texts(b, "town"), []string{"two"})
		a.Edit("town", id, "three")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"three"})
		b.Delete("town", b.Messages("town")[0].ID)
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{"three"})
		a.React("town", id, "ben", "🎉")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{})
		w.same(len(a.Notices()), 1)
		w.same(a.Notices()[0].User, bridge.UserID("alice"))
	})
}

func TestADeletionByItsWriterOfEitherInstanceReachesTheOther(t *testing.T) {
	for _, side := range []string{"origin", "copy"} {
		t.Run(side, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.connectedPair(memory.Options{}, memory.Options{})
				id := a.Say("town", "alice", "mine")
				a.Say("town", "ben", "the relay's")
				w.wait(time.Second)
				if side == "origin" {
					a.Delete("town", id)
				} else {
					b.Delete("town", b.Messages("town")[0].ID)
				}
				b.Delete("town", b.Messages("town")[1].ID)
				w.wait(time.Minute)
				w.same(texts(a, "town"), []string{"the relay's"})
				w.same(texts(b, "town"), []string{})
				a.Undelete("town", id)
				w.wait(time.Minute)
				w.same(texts(a, "town"), []string{"mine", "the relay's"})
				w.same(all(b), []said{{By: "ally", Text: "mine"}})
				w.same(len(a.Notices())+len(b.Notices()), 0)
			})
		})
	}
}

func TestALostTokenIsToldOnceAndTheRelayTakesOver(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		var lost []string
		w.lost = func(server bridge.ServerID, u bridge.UserID, why error) {
			lost = append(lost, string(server)+" "+string(u)+": "+why.Error())
		}
		w.start()
		w.connect(a, "alice", b, "ally")
		one, two := a.Say("town", "alice", "one"), a.Say("town", "alice", "two")
		w.wait(time.Second)
		b.Revoke("ally")
		a.Edit("town", one, "one, edited")
		a.Edit("town", one, "one, edited again")
		a.Delete("town", two)
		a.Say("town", "alice", "three")
		a.Say("town", "ben", "four")
		w.wait(time.Minute)
		w.same(all(b), []said{
			{By: "ally", Text: "one"}, {By: "ally", Text: "two"}, {By: "bot as alice", Text: "edited:\none, edited again"},
			{By: "bot", Text: "(message deleted)"}, {By: "bot as alice", Text: "three"}, {By: "bot as ben", Text: "four"},
		})
		w.same(lost, []string{"memory:b ally: edit: the token of ally is not valid (that person has to connect again)"})
		if p, _, err := w.store.PersonOf(w.t.Context(), a.Server(), "alice"); err != nil || p.Identities[0].State != store.Connected || p.Identities[1].State != store.Lost || p.Identities[1].Reason == "" {
			w.t.Error(p, err)
		}
		b.Grant("ally")
		w.connect(a, "alice", b, "ally")
		a.Edit("town", one, "one, as herself")
		a.Say("town", "alice", "five")
		w.wait(time.Minute)
		w.same(all(b), []said{
			{By: "ally", Text: "one, as herself"}, {By: "ally", Text: "two"}, {By: "bot", Text: "(message deleted)"},
			{By: "bot as alice", Text: "three"}, {By: "bot as ben", Text: "four"}, {By: "ally", Text: "five"},
		})
		w.same(len(w.held()), 0)
	})
}

func TestAThrottledPersonHoldsUpOnlyTheirConversation(t *testing.T) {
	inWorld(t, func(w *world) {
		var throttled switched
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: throttled.fault})
		for _, s := range []*memory.Service{a, b} {
			s.AddChannel("hall", "team/hall")
		}
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.start()
		w.connect(a, "alice", b, "ally")
		throttled.on(func(_ context.Context, c memory.Call) error {
			if c.As == "ally" && !c.After {
				throttled.off()
				return memory.Throttles(bridge.ScopePerson, 30*time.Second)
			}
			return nil
		})
		a.Say("town", "alice", "waits")
		a.Say("town", "ben", "after her")
		w.wait(time.Second)
		a.Say("hall", "ben", "goes on")
		a.Say("hall", "alice", "waits, too")
		w.wait(10 * time.Second)
		w.same(texts(b, "town"), []string{})
		w.same(texts(b, "hall"), []string{"goes on"})
		w.wait(20 * time.Second)
		w.same(texts(b, "town"), []string{"waits", "after her"})
		w.same(texts(b, "hall"), []string{"goes on", "waits, too"})
		w.same(b.Violations(), 0)
	})
}

func TestWhoMayNotWriteThereIsSpokenForByTheRelay(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			if c.As != "" && c.Op == memory.Post {
				return &bridge.Error{Kind: bridge.Unauthorised, Err: errors.New("not in the channel")}
			}
			return nil
		}})
		a.Say("town", "alice", "hello")
		w.wait(time.Minute)
		w.same(all(b), []said{{By: "bot as alice", Text: "hello"}})
	})
}

func TestReactionsArePeoplesOwnOnBothSides(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ben", "hello")
		w.wait(time.Second)
		copied := b.Messages("town")[0].ID
		marks := func(s *memory.Service, want ...bridge.Reaction) {
			w.t.Helper()
			w.wait(10 * time.Second)
			if got := all(s)[0].Marks; !cmp.Equal(got, want) {
				w.t.Fatalf("%s: %v, want %v", s.Server(), got, want)
			}
		}
		mark := func(u bridge.UserID) bridge.Reaction { return bridge.Reaction{User: u, Emoji: "👍"} }
		a.React("town", id, "alice", "👍")
		marks(b, mark("ally"))
		a.React("town", id, "ben", "👍")
		marks(b, mark("ally"), mark("bot"))
		b.Unreact("town", copied, "ally", "👍") // what Causeway has set as her
		marks(b, mark("bot"))
		marks(a, mark("ben"))
		b.React("town", copied, "ally", "👍")
		marks(a, mark("ben"), mark("alice"))
		a.Unreact("town", id, "alice", "👍")
		marks(b, mark("bot"))
		a.React("town", id, "alice", "👍") // set again where it was removed as her
		marks(b, mark("bot"), mark("ally"))
		a.Unreact("town", id, "alice", "👍")
		a.React("town", id, "alice", "🎉")
		b.React("town", copied, "ally", "🎉")
		marks(b, mark("bot"), bridge.Reaction{User: "ally", Emoji: "🎉"})
		b.Unreact("town", copied, "ally", "🎉")
		marks(a, mark("ben"))
		marks(b, mark("bot"))
	})
}

func TestALostPersonsReactionsStaySilently(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ben", "hello")
		a.React("town", id, "alice", "👍")
		w.wait(time.Second)
		b.Revoke("ally")
		a.Unreact("town", id, "alice", "👍")
		a.React("town", id, "alice", "🎉")
		w.wait(time.Minute)
		w.same(all(b)[0].Marks, []bridge.Reaction{{User: "ally", Emoji: "👍"}, {User: "bot", Emoji: "🎉"}})
		a.React("town", id, "cyd", "🎉")
		w.wait(time.Minute)
		w.same(all(a)[0].Marks, []bridge.Reaction{{User: "alice", Emoji: "🎉"}, {User: "cyd", Emoji: "🎉"}})
		w.same(len(w.held()), 0)
	})
}

func TestAnEditOfOneOfSeveralPartsIsNotCarried(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{MaxText: 100})
		id := a.Say("town", "alice", strings.Repeat("x", 150))
		w.wait(time.Second)
		b.Edit("town", b.Messages("town")[1].ID, "tail")
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{strings.Repeat("x", 150)})
		if !strings.Contains(w.log.String(), "one of several posts") {
			w.t.Error("the log does not say so")
		}
		a.Edit("town", id, "short")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{"short"})
	})
}

func TestWhatAServiceMakesOfATextIsNotWrittenBack(t *testing.T) {
	shout := func(d richtext.Doc) richtext.Doc { return d.MapText(strings.ToUpper) }
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{Normalize: shout})
		id := a.Say("town", "alice", "one")
		w.wait(time.Second)
		for _, text := range []string{"two", "three"} {
			a.Edit("town", id, text)
			w.wait(time.Minute)
			w.same(texts(a, "town"), []string{text})
			w.same(texts(b, "town"), []string{strings.ToUpper(text)})
		}
		b.Edit("town", b.Messages("town")[0].ID, "mine")
		w.wait(time.Minute)
		w.same(texts(a, "town"), []string{"MINE"})
	})
}

func TestACopyOfAPostWithItsKeyIsCarriedUnlessItsWriterIsOurs(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{})
		a.Say("town", "alice", "hers")
		a.Say("town", "ben", "the relay's")
		w.wait(time.Second)
		for _, m := range b.Messages("town") {
			b.Copy("town", m.ID, "mallory")
		}
		b.Copy("town", b.Messages("town")[1].ID, "ally")
		w.wait(time.Minute)
		w.same(all(a), []said{{By: "alice", Text: "hers"}, {By: "ben", Text: "the relay's"},
			{By: "bot as mallory", Text: "hers"}, {By: "bot as mallory", Text: "the relay's"}, {By: "alice", Text: "the relay's"}})
		b.Copy("town", b.Messages("town")[0].ID, "ally") // a second one with the same key, as the same person
		w.wait(time.Minute)
		w.same(len(a.Messages("town")), 5)
		w.same(len(all(b)), 5)
		w.wait(10 * time.Minute)
		b.Copy("town", b.Messages("town")[0].ID, "ally") // by herself: Causeway would have written it at once
		w.wait(time.Minute)
		w.same(all(a)[5:], []said{{By: "alice", Text: "hers"}})
		w.same(len(all(b)), 6)
	})
}

func TestWhatPeopleNeedToKnowOfTheGateway(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.route(in("a", "town"), out("b", "town"))
		w.start()
		here, there := bridge.ConversationID{Server: a.Server(), Channel: "town"}, bridge.ConversationID{Server: b.Server(), Channel: "town"}
		routes, _ := w.gateway.Routes()
		if diff := cmp.Diff([]people.Route{{From: here, To: there, Reader: "memory.a", Writer: "memory.b", Name: "team/town"}}, routes); diff != "" {
			w.t.Error(diff)
		}
		id, ok := w.gateway.Identity("memory.b")
		w.same([]any{id.Server, id.User, ok}, []any{b.Server(), bridge.UserID("bot"), true})
		w.same([]bool{w.gateway.Delivers(here, there), w.gateway.Delivers(there, here)}, []bool{true, false})
		b.Shut("town")
		a.Say("town", "alice", "waits")
		w.wait(time.Minute)
		w.same(w.gateway.Delivers(here, there), false)
		n, err := w.gateway.Waiting(w.t.Context(), a.Server(), "alice")
		w.same([]any{n, err}, []any{1, nil})
		b.Reopen("town")
		w.wait(10 * time.Minute)
		w.same(w.gateway.Delivers(here, there), true)
		n, err = w.gateway.Waiting(w.t.Context(), a.Server(), "alice")
		w.same([]any{n, err}, []any{0, nil})
	})
}

func TestAPersonIsActedAsByTheAccountThatTheyHaveConnectedWith(t *testing.T) {
	inWorld(t, func(w *world) {
		var by []string
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Post && c.After {
				by = append(by, string(c.Account)+" as "+string(c.As))
			}
			return nil
		}})
		w.account("other", b.Account("memory.other", "bot2"))
		b.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("other", "town"))
		w.route(inout("b", "hall"))
		w.start()
		w.connect(a, "alice", b, "ally")
		a.Say("town", "alice", "hello")
		a.Say("town", "ben", "hello")
		w.wait(time.Second)
		w.same(by, []string{"memory.b as ally", "memory.other as "})
	})
}

func TestAnOwnPostThatAnEmptiedStoreDoesNotKnowIsTheirWritersStill(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.connectedPair(memory.Options{}, memory.Options{})
		a.Say("town", "alice", "hello")
		w.wait(time.Second)
		key := b.Messages("town")[0].Key
		w.down()
		w.path += "-emptied"
		keep := w.open(store.Options{VFS: "memdb"})
		defer keep.Close()
		w.start()
		w.connect(a, "alice", b, "ally")
		b.Copy("town", b.Messages("town")[0].ID, "mallory") // with a key that nobody knows
		b.Copy("town", b.Messages("town")[0].ID, "ally")
		w.wait(time.Minute)
		w.same(b.Messages("town")[2].Key, key)
		w.same(all(a), []said{{By: "alice", Text: "hello"}, {By: "bot as mallory", Text: "hello"}})
	})
}

func TestTheNewerOfTwoEditsWinsAlthoughTheFeedHasNotToldOfItYet(t *testing.T) {
	for _, newer := range []string{"origin", "copy"} {
		t.Run(newer, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
				late := &hiding{}
				w.wrap("b", func(b bridge.Bridge) bridge.Bridge { late.Bridge = b; return late })
				w.route(inout("a", "town"), inout("b", "town"))
				w.start()
				w.connect(a, "alice", b, "ally")
				id := a.Say("town", "alice", "first")
				w.wait(time.Second)
				copied := b.Messages("town")[0].ID
				w.down()
				late.hidden = copied
				edits := []func(){func() { a.Edit("town", id, "of the origin") }, func() { b.Edit("town", copied, "of the copy") }}
				if newer == "origin" {
					edits[0], edits[1] = edits[1], edits[0]
				}
				for _, edit := range edits {
					edit()
					w.wait(10 * time.Second)
				}
				w.start()
				w.wait(time.Minute)
				w.same(texts(a, "town"), []string{"of the " + newer})
				w.same(texts(b, "town"), []string{"of the " + newer})
			})
		})
	}
}
