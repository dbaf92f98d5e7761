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

// TestWhatWasShownAsideGoesWithItsMessage, in all its versions, also from who has left or disconnected since; and comes back with it, once.
func TestWhatWasShownAsideGoesWithItsMessage(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeRestricted(), likeTeams(), "ann", "cyd", "dan")
		w.match(a, "ben", b, "Ben", "Ben")
		w.wait(time.Second)
		chat := b.Direct("Ann", "Ben", "Cyd", "Dan")
		one, two := b.Say(chat, "Ben", "one"), b.Say(chat, "Ben", "two")
		w.wait(5 * time.Second)
		b.Edit(chat, one, "one, edited")
		w.wait(5 * time.Second)
		w.same(len(whispers(a)), 3*3)
		b.Leave(chat, "Dan")
		w.disconnect(a, "cyd", b, "Cyd")
		w.match(a, "cyd", b, "Cyd", "Cyd")
		w.wait(5 * time.Second)
		b.Delete(chat, one)
		w.wait(5 * time.Second)
		const to = " to you and 2 others in memory: | "
		w.same(whispers(a), []string{"ann: Ben" + to + "two", "cyd: Ben" + to + "two", "dan: Ben" + to + "two"})
		b.Delete(chat, two)
		w.wait(5 * time.Second)
		w.same(whispers(a), []string{})
		w.same(len(w.held()), 0)
	})
}

// TestWhatWasShownAsideAndIsBroughtBackIsShownAnewOnce, also when it was edited before, and though nobody has seen that it was gone.
func TestWhatWasShownAsideAndIsBroughtBackIsShownAnewOnce(t *testing.T) {
	for _, seen := range []bool{true, false} {
		inWorld(t, func(w *world) {
			a, b, chat := w.aloneWith(func(*memory.Options) {})
			one := b.Say(chat, "Ben", "one")
			w.wait(5 * time.Second)
			b.Edit(chat, one, "one, edited")
			w.wait(5 * time.Second)
			if !seen { // nothing can be done there meanwhile
				a.Revoke("bot")
				b.Say(chat, "Ben", "two")
				w.wait(5 * time.Second)
			}
			b.Delete(chat, one)
			w.wait(5 * time.Second)
			if seen {
				w.same(whispers(a), []string{})
			}
			b.Undelete(chat, one)
			w.wait(5 * time.Second)
			a.Grant("bot")
			w.wait(10 * time.Minute)
			want := []string{"ann: Ben to you in memory: | one, edited"}
			if !seen {
				want = []string{"ann: Ben to you in memory, edited: | one, edited", "ann: Ben to you in memory: | one", "ann: Ben to you in memory: | two"}
			}
			w.same(whispers(a), want)
			b.Delete(chat, one)
			w.wait(5 * time.Second)
			w.same(whispers(a), want[len(want)-1:][:len(want)/2])
		})
	}
}

// TestATextThatSomebodyGoesBackToIsShownAsideAgain: otherwise the reader would take the one between for the last.
func TestATextThatSomebodyGoesBackToIsShownAsideAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, chat := w.aloneWith(func(*memory.Options) {})
		one := b.Say(chat, "Ben", "yes")
		w.wait(5 * time.Second)
		for _, text := range []string{"no", "yes"} {
			b.Edit(chat, one, text)
			w.wait(5 * time.Second)
		}
		w.same(whispers(a), []string{"ann: Ben to you in memory, edited: | no", "ann: Ben to you in memory, edited: | yes", "ann: Ben to you in memory: | yes"})
	})
}

// TestWhatIsDeletedBeforeItCouldBeShownAsideIsNotShown, and what has been shown without our knowing it is found: whatever has become of the attempt.
func TestWhatIsDeletedBeforeItCouldBeShownAsideIsNotShown(t *testing.T) {
	for what, fault := range map[string]memory.Fault{
		"failed": before(memory.Notify, func() error { return memory.Fails(bridge.Transient) }),
		"the answer was lost": func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Notify && c.After {
				return memory.LostAnswer()
			}
			return nil
		},
	} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b, chat := w.aloneWith(func(o *memory.Options) { o.Fault, o.Settle = s.fault, 20*time.Second })
				s.on(fault)
				one := b.Say(chat, "Ben", "one")
				two := b.Say(chat, "Ben", "two")
				w.wait(5 * time.Second)
				b.Delete(chat, two) // it was never tried
				b.Delete(chat, one)
				w.wait(time.Second)
				s.off()
				w.wait(10 * time.Minute)
				w.same(whispers(a), []string{})
				b.Say(chat, "Ben", "three")
				w.wait(10 * time.Minute)
				w.same(whispers(a), []string{"ann: Ben to you in memory: | three"})
			})
		})
	}
}

// TestWhatWasJustShownAsideWithoutOurKnowingItIsFoundByTheNextProcess, though it was to be shown long before, and the service shows what was written some time after.
func TestWhatWasJustShownAsideWithoutOurKnowingItIsFoundByTheNextProcess(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b, chat := w.aloneWith(func(o *memory.Options) { o.Fault, o.Settle = s.fault, 20*time.Second })
		s.on(before(memory.Notify, func() error { return memory.Fails(bridge.Transient) }))
		one := b.Say(chat, "Ben", "one")
		w.wait(5 * time.Minute)
		var posted atomic.Bool
		s.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Notify && c.After {
				posted.Store(true)
				return memory.LostAnswer()
			}
			return nil
		})
		for !posted.Load() {
			w.wait(time.Second)
		}
		w.same(len(whispers(a)), 1)
		w.down()
		a.Revoke("bot") // so that it is not told again before it is known to be deleted
		s.off()
		w.start()
		b.Delete(chat, one)
		w.wait(time.Second)
		a.Grant("bot")
		w.wait(10 * time.Minute)
		w.same(whispers(a), []string{})
	})
}

// TestWhatWasShownAsideAndAnsweredInItsThreadIsBlanked.
func TestWhatWasShownAsideAndAnsweredInItsThreadIsBlanked(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, chat := w.aloneWith(func(o *memory.Options) { o.DeleteTakesReplies = true })
		one := b.Say(chat, "Ben", "one")
		w.wait(5 * time.Second)
		letters := a.Direct("ann", "bot")
		a.Reply(letters, a.Messages(letters)[0].ID, "ann", "thanks")
		b.Delete(chat, one)
		w.wait(5 * time.Second)
		w.same(texts(a, letters), []string{"(message deleted)", "thanks"})
		w.same(len(w.held()), 0)
	})
}

// TestWhatCannotBeTakenBackAtOnceIsLater.
func TestWhatCannotBeTakenBackAtOnceIsLater(t *testing.T) {
	for _, op := range []memory.Op{memory.OpenConversation, memory.Find, memory.Delete} {
		t.Run(string(op), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b, chat := w.aloneWith(func(o *memory.Options) { o.Fault = s.fault })
				one := b.Say(chat, "Ben", "one")
				w.wait(5 * time.Second)
				var asked atomic.Int64
				s.on(before(op, func() error { asked.Add(1); return memory.Fails(bridge.Transient) }))
				b.Delete(chat, one)
				w.wait(10 * time.Minute)
				w.same(whispers(a), []string{"ann: Ben to you in memory: | one"})
				s.off()
				w.wait(10 * time.Minute)
				w.same(whispers(a), []string{})
				if n := asked.Load(); n < 3 || n > 18 { // in the end each minute
					t.Errorf("tried %d times", n)
				}
			})
		})
	}
}

// TestWhatCannotBeTakenBackFromSomebodyHoldsUpNobody, and is taken back later, over a restart, too.
func TestWhatCannotBeTakenBackFromSomebodyHoldsUpNobody(t *testing.T) {
	for _, restart := range []bool{false, true} {
		inWorld(t, func(w *world) {
			var s switched
			a, b, group := w.asides(s.fault)
			one := b.Say(group, "Ben", "one")
			w.wait(5 * time.Second)
			s.on(func(_ context.Context, c memory.Call) error {
				if c.Op == memory.Delete && !c.After && c.Conversation.Channel == "@ann@bot" {
					return memory.Fails(bridge.Transient)
				}
				return nil
			})
			b.Delete(group, one)
			b.Say(group, "Ben", "two")
			w.wait(2 * time.Second)
			w.same([][]string{whispersTo(a, "ann"), whispersTo(a, "cyd")}, [][]string{{"one", "two"}, {"two"}})
			w.wait(20 * time.Minute)
			if s.off(); restart {
				w.down()
				w.start()
			}
			w.wait(10 * time.Minute)
			w.same([][]string{whispersTo(a, "ann"), whispersTo(a, "cyd")}, [][]string{{"two"}, {"two"}})
		})
	}
}

// TestACrashAtEachStepOfShowingAndTakingBack leaves nothing of what was deleted, and shows the rest once.
func TestACrashAtEachStepOfShowingAndTakingBack(t *testing.T) {
	steps := 0
	for at, died := 1, true; died && !t.Failed(); at++ {
		died = false
		for _, after := range []bool{false, true} {
			inWorld(t, func(w *world) {
				a, b, chat := w.aloneWith(func(*memory.Options) {})
				kept := b.Say(chat, "Ben", "kept")
				w.wait(5 * time.Second)
				w.down()
				w.diesAt, w.diesAfter = at, after
				w.start()
				gone := b.Say(chat, "Ben", "gone")
				w.wait(time.Second)
				b.Edit(chat, gone, "gone, edited")
				w.wait(time.Second)
				b.Delete(chat, gone)
				b.Edit(chat, kept, "kept, edited")
				w.wait(time.Second)
				b.Undelete(chat, gone)
				w.wait(time.Second)
				b.Delete(chat, gone)
				w.wait(10 * time.Second)
				died = died || w.died.Load()
				w.down()
				w.died.Store(false)
				w.diesAt = 0
				w.start()
				w.wait(time.Minute)
				w.same(whispers(a), []string{"ann: Ben to you in memory, edited: | kept, edited", "ann: Ben to you in memory: | kept"})
			})
		}
		steps = at
	}
	if steps < 10 {
		t.Errorf("only %d steps", steps)
	}
}

// TestAnEditThatIsFoundBeforeTheAccountHasConnectedIsShownAside, when it has.
func TestAnEditThatIsFoundBeforeTheAccountHasConnectedIsShownAside(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, chat := w.aloneWith(func(*memory.Options) {})
		one := b.Say(chat, "Ben", "one")
		w.wait(5 * time.Second)
		w.down()
		a.Revoke("bot")
		w.start()
		b.Edit(chat, one, "one, edited")
		w.wait(5 * time.Second)
		a.Grant("bot")
		w.wait(10 * time.Minute)
		w.same(whispers(a), []string{"ann: Ben to you in memory, edited: | one, edited", "ann: Ben to you in memory: | one"})
	})
}

// TestWhatIsShownAsideStaysWhenAnotherMessageIsDeleted, though it says the same.
func TestWhatIsShownAsideStaysWhenAnotherMessageIsDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, chat := w.aloneWith(func(*memory.Options) {})
		b.Say(chat, "Ben", "ok")
		one := b.Say(chat, "Ben", "ok")
		b.SayDoc(chat, "", "Ben", nil, textFile("a.txt", "x"))
		w.wait(5 * time.Second)
		b.Delete(chat, one)
		w.wait(5 * time.Second)
		w.same(len(slices.DeleteFunc(whispers(a), func(text string) bool { return !strings.HasSuffix(text, "| ok") })), 1)
		w.same(len(whispers(a)), 2)
	})
}
