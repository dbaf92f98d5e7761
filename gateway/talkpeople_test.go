package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

func TestWhoHasNotConnectedIsShownByTheBotOrTold(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		w.match(b, "Ben", a, "ben", "Ben")
		if p, _, err := w.store.PersonOf(w.t.Context(), a.Server(), "ann"); err != nil || w.store.Prefer(w.t.Context(), p.ID, "memory.b", true) != nil {
			w.t.Fatal(err)
		}
		w.gateway.PeopleChanged()
		w.wait(time.Second)
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "from ann")
		w.wait(5 * time.Second)
		chat := b.Direct("Ann", "Ben")
		b.Say(chat, "Ben", "from ben there")
		a.Say(dm, "ben", "from ben here")
		a.Say(dm, "ben", "once more")
		w.wait(5 * time.Second)
		w.same(talksOf(a)[0], "ann ben > ann: from ann | ben: from ben here | ben: once more | bot as Ben: from ben there")
		w.same(talksOf(b)[0], "Ann Ben > Ann: from ann | Ben: from ben there")
		waits := "Ann: Something waits for you in memory: somebody who has not connected has written to you there."
		w.same(notices(a), []string{"ben: What you write here does not appear in memory: you have not connected your accounts, so nothing can be written in your name there."})
		w.same(notices(b), []string{waits})
		w.wait(time.Hour)
		a.Say(dm, "ben", "an hour later")
		w.wait(5 * time.Second)
		w.same(notices(b), []string{waits, waits})
		w.same(len(notices(a)), 1)
		w.same(len(w.held()), 0)
	})
}

func TestTheMessagesOfTheLostWaitAndThoseOfOthersGoOn(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "one")
		w.wait(5 * time.Second)
		b.Revoke("Ann")
		a.Say(dm, "ann", "waits")
		a.Say(dm, "ben", "goes on")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: one | Ben: goes on")
		w.down()
		w.start()
		w.wait(time.Minute)
		w.talksAre(b, "Ann Ben > Ann: one | Ben: goes on")
		b.Grant("Ann")
		w.connect(a, "ann", b, "Ann")
		w.wait(5 * time.Second)
		w.same(strings.HasSuffix(talksOf(b)[0], "waits"), true)
		w.same(len(w.held()), 0)
	})
}

func TestWhoDisconnectsEndsItAndConnectingAgainBeginsItAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "one")
		w.wait(5 * time.Second)
		for s, u := range map[bridge.ServerID]bridge.UserID{a.Server(): "ben", b.Server(): "Ben"} {
			if err := w.store.Forget(w.t.Context(), s, u, false); err != nil {
				w.t.Fatal(err)
			}
		}
		w.gateway.PeopleChanged()
		w.wait(time.Second)
		a.Say(dm, "ann", "alone")
		w.wait(5 * time.Second)
		w.same(len(notices(a)), 1)
		w.connect(a, "ben", b, "Ben")
		w.wait(time.Second)
		a.Say(dm, "ben", "back")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: one | Ben: back")
	})
}

// TestWhoIsMatchedWithSomebodyElseByNowGetsNothingMore, nor do those who wrote to them: the account may be another person's.
func TestWhoIsMatchedWithSomebodyElseByNowGetsNothingMore(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		w.match(b, "Ben", a, "ben", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "to ben")
		w.wait(5 * time.Second)
		chat := b.Direct("Ann", "Ben")
		b.Say(chat, "Ann", "from there")
		w.wait(5 * time.Second)
		w.same(talksOf(a)[0], "ann ben > ann: to ben | ann: from there")
		w.match(b, "Ben", a, "benedict", "benedict")
		w.gateway.PeopleChanged()
		w.wait(5 * time.Second)
		b.Say(chat, "Ann", "for the one whom ben was")
		w.wait(5 * time.Second)
		w.same(talksOf(a)[0], "ann ben > ann: to ben | ann: from there")
	})
}

// TestWhoIsMatchedAndDeactivatedLaterEndsTheTalk: Causeway was down for longer than a match counts, and they say nothing any more by which they would be
// looked for again.
func TestWhoIsMatchedAndDeactivatedLaterEndsTheTalk(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "to ben")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: to ben")
		a.Alter("ben", func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
		if _, err := w.store.ExpireMatches(w.t.Context(), time.Now()); err != nil {
			w.t.Fatal(err)
		}
		w.gateway.PeopleChanged()
		w.wait(5 * time.Second)
		a.Say(dm, "ann", "to nobody")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: to ben")
		w.same(notices(a), []string{"ann: What you write here does not appear in memory: ben: the account is deactivated."})
	})
}

// TestWhoHasNotAllowedItIsToldSoAndTheirMessageWaits: they have connected before direct messages were carried, and the service asks for more now.
func TestWhoHasNotAllowedItIsToldSoAndTheirMessageWaits(t *testing.T) {
	lacks := func(op memory.Op) memory.Fault {
		return func(_ context.Context, c memory.Call) error {
			if c.Op == op && c.As == "Ann" && !c.After {
				return &bridge.Error{Kind: bridge.Unsupported, Scope: bridge.ScopePerson, Err: errors.New("lacks a permission")}
			}
			return nil
		}
	}
	told := "ann: What you write here does not appear in memory yet: Causeway may not write there in your name. Connect your accounts again, and allow what Causeway asks for; what you have written appears then."
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ben", "one")
		w.wait(5 * time.Second)
		f.on(lacks(memory.Post))
		a.Say(dm, "ann", "waits")
		a.Say(dm, "ann", "waits, too")
		a.Say(dm, "ben", "goes on")
		w.wait(time.Minute)
		w.talksAre(b, "Ann Ben > Ben: one | Ben: goes on")
		w.same(notices(a), []string{told})
		f.off()
		w.connect(a, "ann", b, "Ann")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ben: one | Ben: goes on | Ann: waits | Ann: waits, too")
		w.same(notices(a), []string{told})
		w.same(len(w.held()), 0)
	})
	inWorld(t, func(w *world) {
		o := likeTeams()
		o.Fault = lacks(memory.OpenConversation)
		a, b := w.talking(likeMattermost(), o, "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		a.Say(a.Direct("ann", "ben"), "ann", "one")
		w.wait(time.Minute)
		w.talksAre(b)
		w.same(notices(a), []string{"ann: What you write here does not appear in memory: Causeway may not write there in your name; connect your accounts again, and allow what it asks for."})
	})
}

// TestWhichTalksReachPeopleIsKnown: of each it is known whether everybody in it is connected, and that changes with them.
func TestWhichTalksReachPeopleIsKnown(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		a.Say(a.Direct("ann", "ben"), "ann", "hello")
		a.Say(a.Direct("ann", "ben", "cyd"), "cyd", "all")
		routes := func() (all []string) {
			found, _ := w.gateway.Routes()
			for _, r := range found {
				if r.From.Server == a.Server() {
					all = append(all, fmt.Sprint(r.From.Channel, " ", r.Shape, " ", r.Members, " ", r.Everybody))
				}
			}
			return all
		}
		w.same(len(routes()), 0)
		w.wait(5 * time.Second)
		pair := "@ann@ben pair [ann ben] true"
		w.same(routes(), []string{pair, "@ann@ben@cyd group [ann ben cyd] true"})
		if err := w.gateway.Lose(w.t.Context(), b.Server(), "Cyd", time.Now(), errors.New("refused")); err != nil {
			w.t.Fatal(err)
		}
		w.wait(time.Minute)
		w.same(routes(), []string{pair, "@ann@ben@cyd group [ann ben cyd] false"})
	})
}
