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
)

func TestWherePeopleJoinAndLeaveAnotherGroupTakesOver(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "three")
		w.wait(5 * time.Second)
		b.Join(chat, "Dan")
		w.wait(5 * time.Second)
		b.Say(chat, "Dan", "four")
		a.Say("@ann@ben@cyd", "ben", "left behind")
		a.Say("@ann@ben@cyd", "ben", "told once")
		w.wait(5 * time.Second)
		a.Say("@ann@ben@cyd@dan", "cyd", "from four")
		w.wait(5 * time.Second)
		b.Leave(chat, "Ben")
		w.wait(5 * time.Second)
		b.Say(chat, "Ann", "three others")
		w.wait(5 * time.Second)
		w.talksAre(a,
			"ann ben cyd > ann: three | bot: The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd, dan. | ben: left behind | ben: told once",
			"ann ben cyd dan > bot: This goes on from the conversation with ann, ben, cyd, since people have changed in memory. | dan: four | cyd: from four"+
				" | bot: The people in this conversation have changed in memory. It goes on in the one with ann, cyd, dan.",
			"ann cyd dan > bot: This goes on from the conversation with ann, ben, cyd, dan, since people have changed in memory. | ann: three others")
		w.same(notices(a), []string{
			"ben: What you write here does not appear in memory any more: the people in the conversation there have changed. It goes on in another one here, with exactly them."})
		// Who has left does not get to see what is written now, also where it was an old message that was changed. A deletion does follow.
		first := b.Messages(chat)[0].ID
		b.Edit(chat, first, "three, and what ben must not read")
		w.wait(5 * time.Second)
		w.same(strings.HasPrefix(talksOf(a)[0], "ann ben cyd > ann: three |"), true)
		b.Delete(chat, first)
		w.wait(5 * time.Second)
		w.same(strings.HasPrefix(talksOf(a)[0], "ann ben cyd > bot: The people"), true)
	})
}

func TestAMessageOnItsWayIsNotWrittenWhereSomebodyHasJoined(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		// Nothing is read in b any more, and somebody joins.
		f.on(before(memory.Feeding, func() error { return memory.Fails(bridge.Transient) }))
		b.Join(chat, "Dan")
		w.wait(time.Second)
		a.Say("@ann@ben@cyd", "ben", "not for dan")
		w.wait(time.Minute)
		w.same(texts(b, chat), []string{"hello"})
		w.same(len(notices(a)), 1)
		w.same(len(w.held()), 0)
	})
}

func TestAnEditOnItsWayIsNotWrittenWhereSomebodyHasJoined(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		early := a.Say("@ann@ben@cyd", "ben", "for three")
		w.wait(5 * time.Second)
		f.on(func(ctx context.Context, c memory.Call) error {
			if c.Op == memory.Feeding && !c.After { // nothing is read in b any more
				pause(ctx, time.Hour)
			}
			return nil
		})
		b.Say(chat, "Cyd", "the feed is slow")
		w.wait(time.Second)
		b.Join(chat, "Dan")
		w.wait(time.Second)
		a.Edit("@ann@ben@cyd", early, "not for dan")
		w.wait(time.Minute)
		w.same(texts(b, chat), []string{"hello", "for three", "the feed is slow"})
	})
}

// wrong is a bridge that says of a group that somebody is in it who is not.
type wrong struct {
	bridge.Bridge
	asked int
}

func (b *wrong) Members(ctx context.Context, c bridge.ConversationID) ([]bridge.UserID, error) {
	b.asked++
	all, err := b.Bridge.Members(ctx, c)
	return append(all, "Zoe"), err
}

func TestAGroupThatDoesNotFitTogetherIsAskedSlowerAndSlower(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		w.down()
		var b wrong
		w.wrap("b", func(inner bridge.Bridge) bridge.Bridge { b.Bridge = inner; return &b })
		w.start()
		a.Say(a.Direct("ann", "ben", "cyd"), "ann", "hello")
		w.wait(10 * time.Minute)
		if b.asked < 2 || b.asked > 20 {
			w.t.Errorf("asked %d times in 10 minutes", b.asked)
		}
		w.same(strings.Contains(w.log.String(), "others than those to whom the message was said"), true)
	})
}

// TestWhatWasSaidBeforeOrAfterAGroupCouldBeCarriedIsNotMixedUp: each time among those who were there, also where it was met only later.
func TestWhatWasSaidBeforeOrAfterAGroupCouldBeCarriedIsNotMixedUp(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		w.down()
		grows, shrinks := b.Direct("Ann", "Ben", "Cyd"), b.Direct("Ann", "Ben", "Dan", "Eve")
		b.Say(grows, "Ann", "said to three")
		b.Say(shrinks, "Ann", "not without eve")
		w.wait(time.Second)
		b.Join(grows, "Eve")
		b.Leave(shrinks, "Eve")
		w.wait(time.Second)
		b.Say(grows, "Ann", "not with eve")
		b.Say(shrinks, "Ann", "without eve")
		w.start()
		w.wait(time.Minute)
		all := talksOf(a)
		slices.Sort(all)
		stopped := "bot: The people in this conversation have changed in memory, and with those who are in it now it is not carried: Eve: people of another organisation have no account there. What is written here does not appear there any more."
		w.same(all, []string{"ann ben cyd > ann: said to three | " + stopped, "ann ben dan > ann: without eve"})
		told, why := notices(b), ": What you write here does not appear in memory: Eve: people of another organisation have no account there."
		slices.Sort(told)
		w.same(told, []string{"Ann" + why, "Ann" + why, "Ben" + why, "Cyd" + why})
	})
}

func TestWhereEverybodyHasLeftItIsSaid(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		for _, u := range []bridge.UserID{"Ann", "Ben", "Cyd"} {
			b.Leave(chat, u)
		}
		w.wait(5 * time.Second)
		a.Say("@ann@ben@cyd", "ben", "anybody there?")
		w.wait(time.Hour)
		w.same(texts(b, chat), []string{"hello"})
		w.same(notices(a), []string{"ben: What you write here does not appear in memory any more: everybody has left the conversation there."})
		w.same(len(w.held()), 0)
	})
}

func TestWhoChangesAMessageAfterPeopleHaveComeOrGoneIsToldThatItStays(t *testing.T) {
	const told = "You have changed an earlier message. That does not appear on the other side: the people in the conversation have changed since it was written."
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		one := b.Say(chat, "Ann", "one")
		w.wait(5 * time.Second)
		two := a.Say("@ann@ben@cyd", "ben", "two")
		w.wait(5 * time.Second)
		b.Join(chat, "Dan")
		w.wait(5 * time.Second)
		b.Edit(chat, one, "one, for dan")
		a.Edit("@ann@ben@cyd", two, "two, not for dan")
		w.wait(5 * time.Second)
		copied := a.Messages("@ann@ben@cyd")
		w.same([]string{copied[0].Text, copied[1].Text}, []string{"one", "two, not for dan"})
		w.same(texts(b, chat), []string{"one, for dan", "two"})
		w.same([][]string{notices(a), notices(b)}, [][]string{{"ben: " + told}, {"Ann: " + told}})
	})
	// Nor does it go back to where the message was said, when its author has changed the copy.
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "one")
		w.wait(5 * time.Second)
		a.Say("@ann@ben@cyd", "ben", "two")
		w.wait(5 * time.Second)
		b.Join(chat, "Dan")
		w.wait(5 * time.Second)
		a.Edit("@ann@ben@cyd", a.Messages("@ann@ben@cyd")[0].ID, "one, not for dan")
		b.Edit(chat, b.Messages(chat)[1].ID, "two, for dan")
		w.wait(5 * time.Second)
		w.same(texts(b, chat), []string{"one", "two, for dan"})
		w.same(texts(a, "@ann@ben@cyd")[:2], []string{"one, not for dan", "two"})
		w.same([][]string{notices(a), notices(b)}, [][]string{{"ben: " + told}, {"Ann: " + told}})
	})
}

// TestACrashWhileATalkMovesLosesNoLine: people come and go, so that the talk goes on in a conversation that is there already.
func TestACrashWhileATalkMovesLosesNoLine(t *testing.T) {
	for at, died := 1, true; died && !t.Failed(); at++ {
		died = false
		for _, after := range []bool{false, true} {
			inWorld(t, func(w *world) {
				a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
				chat := b.Direct("Ann", "Ben", "Cyd")
				b.Say(chat, "Ann", "three")
				w.wait(5 * time.Second)
				b.Join(chat, "Dan")
				w.wait(5 * time.Second)
				w.down()
				w.diesAt, w.diesAfter = at, after
				w.start()
				b.Leave(chat, "Dan")
				b.Say(chat, "Ann", "three again")
				w.wait(10 * time.Second)
				died = died || w.died.Load()
				w.down()
				w.died.Store(false)
				w.diesAt = 0
				w.start()
				w.wait(time.Minute)
				w.same(strings.Count(strings.Join(talksOf(a), "\n"), "It goes on in the one with ann, ben, cyd."), 1)
				w.same(strings.Count(strings.Join(talksOf(a), "\n"), "This goes on from the conversation with ann, ben, cyd, dan,"), 1)
			})
		}
	}
}

// TestPeopleWhoWereThereOnlyForAMomentHoldUpNothing though the conversation for them could not be opened, and a message was made at the moment at which others
// came.
func TestPeopleWhoWereThereOnlyForAMomentHoldUpNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeMattermost()
		o.Fault = f.fault
		a, b := w.talking(o, likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd", "Dan")
		b.Say(chat, "Ann", "four")
		w.wait(5 * time.Second)
		f.on(before(memory.OpenConversation, func() error { return memory.Fails(bridge.Transient) }))
		b.Leave(chat, "Dan")
		w.wait(5 * time.Second)
		w.down()
		f.off()
		b.Join(chat, "Dan")
		b.Say(chat, "Ann", "at that moment")
		w.wait(time.Second)
		b.Say(chat, "Dan", "four again")
		w.start()
		w.wait(time.Minute)
		all := strings.Join(talksOf(a), "\n")
		w.same([]bool{strings.Contains(all, "ann: at that moment"), strings.Contains(all, "dan: four again")}, []bool{true, true})
	})
}

// TestAPostOfWhichItIsNotKnownWhatItSaysIsLeftWherePeopleHaveChanged: an edit would make sure, and is not for those who are there now.
func TestAPostOfWhichItIsNotKnownWhatItSaysIsLeftWherePeopleHaveChanged(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		var turns atomic.Int64
		w.turn = func(bridge.ConversationID) {
			if turns.Add(1) > 10_000 {
				panic("a lane goes round and round")
			}
		}
		teams := likeTeams()
		teams.Fault = s.fault
		a, b := w.talking(likeMattermost(), teams, "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		s.on(before(memory.Post, func() error { return memory.Fails(bridge.Transient) }))
		one := a.Say("@ann@ben@cyd", "ben", "one")
		w.wait(time.Second)
		s.on(func(_ context.Context, c memory.Call) error {
			switch {
			case c.Op == memory.Post && c.After:
				return memory.LostAnswer()
			case (c.Op == memory.Find || c.Op == memory.Feeding) && !c.After:
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		b.Say(chat, "Ann", "so that the feed fails")
		a.Edit("@ann@ben@cyd", one, "one, edited")
		w.wait(time.Minute)
		b.Join(chat, "Dan")
		w.wait(time.Second)
		s.off()
		w.wait(time.Hour)
		w.same(texts(b, chat), []string{"hello", "so that the feed fails", "one, edited"})
		b.Say(chat, "Ann", "four")
		w.wait(time.Minute)
		w.find(a, "@ann@ben@cyd@dan", "four")
		w.same(len(w.held()), 0)
	})
}

// TestWhatWasSaidInAMomentIsReadThoughTheTalkIsRefusedByNow: the conversation for those who were there then could not be opened, and is later.
func TestWhatWasSaidInAMomentIsReadThoughTheTalkIsRefusedByNow(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeMattermost()
		o.Fault = f.fault
		a, b := w.talking(o, likeTeams(), "ann", "cyd", "dan")
		w.match(a, "ben", b, "Ben", "Ben")
		w.wait(time.Second)
		chat := b.Direct("Ann", "Ben", "Cyd", "Dan")
		b.Say(chat, "Ann", "four")
		w.wait(5 * time.Second)
		f.on(before(memory.OpenConversation, func() error { return memory.Fails(bridge.Transient) }))
		b.Leave(chat, "Ben")
		b.Say(chat, "Cyd", "three")
		w.wait(5 * time.Second)
		b.Join(chat, "Ben")
		w.wait(5 * time.Second)
		a.Alter("ben", func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
		if _, err := w.store.ExpireMatches(w.t.Context(), time.Now()); err != nil {
			w.t.Fatal(err)
		}
		w.gateway.PeopleChanged()
		w.wait(5 * time.Second)
		w.down()
		f.off()
		w.start()
		w.wait(time.Hour)
		b.Say(chat, "Ann", "refused")
		w.wait(time.Hour)
		w.talksAre(a, "ann ben cyd dan > ann: four", "ann cyd dan > cyd: three")
	})
}
