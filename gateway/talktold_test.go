package gateway

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestWhoWritesWhereATalkHasMovedOnIsToldEachTimeThatItHas: somebody joins, leaves and joins again.
func TestWhoWritesWhereATalkHasMovedOnIsToldEachTimeThatItHas(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "three")
		w.wait(5 * time.Second)
		for range 2 {
			b.Join(chat, "Dan")
			w.wait(5 * time.Second)
			a.Say("@ann@ben@cyd", "ben", "left behind")
			a.Say("@ann@ben@cyd", "ben", "told once")
			w.wait(5 * time.Second)
			b.Leave(chat, "Dan")
			w.wait(5 * time.Second)
			a.Say("@ann@ben@cyd", "ben", "carried")
			w.wait(5 * time.Second)
		}
		told := "ben: What you write here does not appear in memory any more: the people in the conversation there have changed. It goes on in another one here, with exactly them."
		w.same(notices(a), []string{told, told})
		w.same(texts(b, chat), []string{"three", "carried", "carried"})
	})
}

// TestEachMemberIsToldEachTimeWhereATalkGoesOn, where the bot may not say it to all at once; and who has not heard where it goes on is told when they write.
func TestEachMemberIsToldEachTimeWhereATalkGoesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeRestricted(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "three")
		w.wait(5 * time.Second)
		for range 2 {
			b.Join(chat, "Dan")
			w.wait(5 * time.Second)
			b.Leave(chat, "Dan")
			w.wait(5 * time.Second)
		}
		for line, want := range map[string]int{
			"ann: The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd, dan.": 2,
			"ann: The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd.":      2,
			"dan: The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd.":      2,
			"dan: This goes on from the conversation with ann, ben, cyd, since people have changed in memory.":            2,
			"ann: This goes on from the conversation with ann, ben, cyd, dan, since people have changed in memory.":       2,
			"ann: This goes on from the conversation with ann, ben, cyd, since people have changed in memory.":            2,
		} {
			if n := len(slices.DeleteFunc(notices(a), func(text string) bool { return text != line })); n != want {
				w.t.Errorf("told %d times, want %d: %s", n, want, line)
			}
		}
		w.same(len(notices(a)), 2*(3+4+4+3))
	})
}

// TestWhoSpeaksWhereNothingIsCarriedIsToldAgainAfterItWas.
func TestWhoSpeaksWhereNothingIsCarriedIsToldAgainAfterItWas(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		dm := a.Direct("ann", "ben")
		for range 2 {
			a.Say(dm, "ann", "not carried")
			a.Say(dm, "ann", "told once")
			w.wait(time.Minute)
			w.connect(a, "ben", b, "Ben")
			w.wait(time.Second)
			a.Say(dm, "ben", "carried")
			w.wait(5 * time.Second)
			w.disconnect(a, "ben", b, "Ben")
			w.wait(2 * time.Hour) // so that it is met again
		}
		told := "ann: What you write here does not appear in memory: ben: people of another organisation have no account there."
		w.same(notices(a), []string{told, told})
		w.talksAre(b, "Ann Ben > Ben: carried | Ben: carried")
	})
}

// TestWhoHasNotConnectedIsToldSoOnceHoweverOftenATalkIsCarried.
func TestWhoHasNotConnectedIsToldSoOnceHoweverOftenATalkIsCarried(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		w.wait(time.Second)
		dm := a.Direct("ann", "ben")
		for range 2 {
			a.Say(dm, "ben", "for ann")
			w.wait(time.Minute)
			w.disconnect(a, "ann", b, "Ann")
			w.wait(2 * time.Hour)
			w.connect(a, "ann", b, "Ann")
			w.match(a, "ben", b, "Ben", "Ben")
			w.wait(time.Second)
		}
		told := slices.DeleteFunc(notices(a), func(text string) bool { return !strings.HasPrefix(text, "ben: ") })
		w.same(told, []string{"ben: What you write here does not appear in memory: you have not connected your accounts, so nothing can be written in your name there."})
	})
}

// disconnect forgets who somebody is on both sides.
func (w *world) disconnect(a *memory.Service, u bridge.UserID, b *memory.Service, v bridge.UserID) {
	w.t.Helper()
	for s, u := range map[bridge.ServerID]bridge.UserID{a.Server(): u, b.Server(): v} {
		if err := w.store.Forget(w.t.Context(), s, u, false); err != nil {
			w.t.Fatal(err)
		}
	}
	w.gateway.PeopleChanged()
}

// TestEachWhoSpeaksWhereNothingIsCarriedIsTold, also where several have spoken before anybody looked.
func TestEachWhoSpeaksWhereNothingIsCarriedIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		group := a.Direct("ann", "ben", "cyd", "eve")
		w.down()
		for _, u := range []bridge.UserID{"ann", "eve", "ben", "ann"} {
			a.Say(group, u, "to all")
		}
		w.start()
		w.wait(time.Minute)
		why := ": What you write here does not appear in memory: eve: people of another organisation have no account there."
		w.same(notices(a), []string{"ann" + why, "ben" + why})
		a.Say(group, "cyd", "I am here, too")
		a.Say(group, "ben", "knows")
		w.wait(time.Minute)
		w.same(notices(a), []string{"ann" + why, "ben" + why, "cyd" + why})
		w.talksAre(b)
	})
}

// TestWhoSpeaksWhereNothingIsCarriedIsToldElsewhere, where the service where they speak tells nobody.
func TestWhoSpeaksWhereNothingIsCarriedIsToldElsewhere(t *testing.T) {
	inWorld(t, func(w *world) {
		teams := likeTeams()
		teams.Fault = before(memory.Notify, func() error { return memory.Fails(bridge.Unsupported) })
		a, b := w.talking(likeMattermost(), teams, "ann")
		chat := b.Direct("Ann", "Eve")
		b.Say(chat, "Ann", "not carried")
		w.wait(time.Minute)
		b.Say(chat, "Ann", "told once")
		w.wait(time.Minute)
		w.same(notices(a), []string{"ann: About a conversation in memory:\nWhat you write here does not appear in memory: Eve: people of another organisation have no account there."})
		w.same(notices(b), []string{})
	})
}

// TestARefusalOfWhichItIsUncertainWhetherItWasToldIsToldAgain, and one of which nobody may be told is no more than that.
func TestARefusalOfWhichItIsUncertainWhetherItWasToldIsToldAgain(t *testing.T) {
	for _, c := range []struct {
		kind bridge.Kind
		want []string
	}{
		{bridge.Uncertain, []string{"ann: What you write here does not appear in memory: eve: people of another organisation have no account there."}},
		{bridge.Rejected, []string{}},
	} {
		inWorld(t, func(w *world) {
			var tried int
			mattermost := likeMattermost()
			mattermost.Fault = before(memory.Notify, func() error {
				if tried++; tried == 1 {
					return memory.Fails(c.kind)
				}
				return nil
			})
			a, _ := w.talking(mattermost, likeTeams(), "ann")
			dm := a.Direct("ann", "eve")
			a.Say(dm, "ann", "not carried")
			w.wait(time.Hour)
			a.Say(dm, "ann", "told once")
			w.wait(time.Hour)
			w.same(notices(a), c.want)
		})
	}
}

// TestARefusalHasTheSameKeyAfterACrash before it could be noted that it was told, and another one when the talk was carried meanwhile.
func TestARefusalHasTheSameKeyAfterACrash(t *testing.T) {
	inWorld(t, func(w *world) {
		var keys []bridge.Key
		teams := likeTeams()
		teams.Fault = func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Notify && c.After {
				keys = append(keys, c.Key)
				w.full.Store(len(keys) == 1) // that it was told cannot be noted
			}
			return nil
		}
		a, b := w.talking(likeMattermost(), teams, "ann", "ben")
		group := b.Direct("Ann", "Ben", "Eve")
		b.Say(group, "Ann", "not carried")
		w.wait(time.Second)
		w.down()
		w.full.Store(false)
		w.start()
		w.wait(time.Minute)
		if len(keys) != 2 || keys[0] != keys[1] || keys[0] == "" {
			t.Fatalf("one refusal is told by the keys %q", keys)
		}
		w.match(a, "eve", b, "Eve", "Eve")
		w.gateway.PeopleChanged()
		w.wait(time.Hour)
		b.Say(group, "Ben", "carried")
		w.wait(time.Minute)
		w.talksAre(a, "ann ben eve > ben: carried")
		b.Join(group, "Zoe")
		w.wait(time.Minute)
		b.Leave(group, "Zoe")
		w.wait(time.Minute)
		b.Join(group, "Zoe")
		w.wait(time.Minute)
		b.Say(group, "Ann", "knows")
		w.wait(time.Minute)
		slices.Sort(keys)
		if len(keys) < 3 || len(slices.Compact(slices.Clone(keys))) != len(keys)-1 {
			t.Errorf("nothing is told later, or by the same key: %q", keys)
		}
	})
}
