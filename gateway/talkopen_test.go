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
	"causeway/gateway/store"
)

func TestTheFirstMessageMakesTheOtherSide(t *testing.T) {
	for _, from := range []string{"a", "b"} {
		t.Run(from, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
				if from == "a" {
					a.Say(a.Direct("ann", "ben"), "ann", "hello")
					a.Say(a.Direct("ann", "ben", "cyd"), "cyd", "all")
					a.Say(a.Direct("ann"), "ann", "note")
				} else {
					b.Say(b.Direct("Ann", "Ben"), "Ann", "hello")
					b.Say(b.Direct("Ann", "Ben", "Cyd"), "Cyd", "all")
					b.Say(b.Direct("Ann"), "Ann", "note")
				}
				w.wait(5 * time.Second)
				sorted := append(talksOf(a), talksOf(b)...)
				slices.Sort(sorted)
				w.same(sorted, []string{"Ann > Ann: note", "Ann Ben > Ann: hello", "Ann Ben Cyd > Cyd: all", "ann > ann: note", "ann ben > ann: hello", "ann ben cyd > cyd: all"})
				// Both go on, from both sides, after a restart too.
				pair := b.Direct("Ann", "Ben")
				b.Say(pair, "Ben", "from there")
				w.wait(5 * time.Second)
				w.down()
				a.Say("@ann@ben", "ann", "while down")
				w.start()
				w.wait(5 * time.Second)
				b.Say(pair, "Ben", "at last")
				w.wait(5 * time.Second)
				w.same(slices.Contains(talksOf(a), "ann ben > ann: hello | ben: from there | ann: while down | ben: at last"), true)
				w.same(len(b.Talks()), 3)
				w.same(notices(a), []string{})
			})
		})
	}
}

func TestBothSidesBeginAtOnceAndAreOnePair(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		dm, gm := a.Direct("ann", "ben"), a.Direct("ann", "ben", "cyd")
		chat, group := b.Direct("Ann", "Ben"), b.Direct("Ann", "Ben", "Cyd")
		a.Say(dm, "ann", "from a")
		b.Say(chat, "Ben", "from b")
		a.Say(gm, "ann", "all from a")
		b.Say(group, "Cyd", "all from b")
		w.wait(time.Minute)
		for _, one := range [][]string{talksOf(a)[:1], talksOf(b)[:1]} {
			w.same(strings.Contains(one[0], "from a") && strings.Contains(one[0], "from b"), true)
		}
		pairs, err := w.store.Pairs(w.t.Context())
		pairs = slices.DeleteFunc(pairs, func(p store.Pair) bool { return p.State != store.PairOpen })
		w.same(fmt.Sprint(len(pairs), err), "2 <nil>")
		all := strings.Join(append(talksOf(a), talksOf(b)...), "\n")
		if strings.Count(all, "all from a") != 2 || strings.Count(all, "all from b") != 2 {
			w.t.Errorf("%q %q", all, notices(b))
		}
	})
}

// TestBothSidesBeginAGroupAtOnceAndNothingIsLost though something has been written already into the group that Causeway has opened, when that which people
// have begun is met.
func TestBothSidesBeginAGroupAtOnceAndNothingIsLost(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd")
		f.on(before(memory.Talk, func() error { return memory.Fails(bridge.Transient) }))
		group := b.Direct("Ann", "Ben", "Cyd")
		one := a.Say(a.Direct("ann", "ben", "cyd"), "ann", "from a")
		b.Say(group, "Cyd", "from b")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben Cyd > Cyd: from b", "Ann Ben Cyd > Ann: from a")
		f.off()
		w.wait(time.Minute)
		a.Say("@ann@ben@cyd", "ben", "more from a")
		w.wait(time.Second)
		b.Say(group, "Ben", "more from b")
		w.wait(time.Second)
		b.Say(b.Talks()[1].Conversation.Channel, "Cyd", "in the other one")
		a.Edit("@ann@ben@cyd", one, "from a, edited")
		w.wait(time.Minute)
		w.talksAre(a, "ann ben cyd > ann: from a, edited | cyd: from b | ben: more from a | ben: more from b | cyd: in the other one")
		w.talksAre(b, "Ann Ben Cyd > Cyd: from b | Ben: more from a | Ben: more from b", "Ann Ben Cyd > Ann: from a, edited | Cyd: in the other one")
		told := "Somebody has begun a conversation with the same people in memory at the same time, so there are two of them here. It goes on in this one: what is said in memory appears here from now on. What was said in the other one stays there."
		all := notices(b)
		slices.Sort(all)
		w.same(all, []string{"Ann: " + told, "Ben: " + told, "Cyd: " + told})
		w.same(notices(a), []string{})
		pairs, err := w.store.Pairs(w.t.Context())
		if err != nil || len(pairs) != 2 || pairs[0].State != store.PairBeside || pairs[1].State != store.PairOpen {
			w.t.Errorf("%+v, %v", pairs, err)
		}
		// Who comes into the other one gets nothing that is said or changed elsewhere.
		b.Join(b.Talks()[1].Conversation.Channel, "Dan")
		w.wait(5 * time.Second)
		a.Edit("@ann@ben@cyd", one, "from a, edited again, not for dan")
		w.wait(time.Minute)
		w.talksAre(b, "Ann Ben Cyd > Cyd: from b | Ben: more from a | Ben: more from b", "Ann Ben Cyd Dan > Ann: from a, edited | Cyd: in the other one")
		w.same(notices(a), []string{"ann: You have changed an earlier message. That does not appear on the other side: the people in the conversation have changed since it was written."})
	})
}

func TestACrashAtEachStepOfOpeningLeavesOnePair(t *testing.T) {
	for _, group := range []bool{false, true} {
		for at := 1; ; at++ {
			died := false
			t.Run(fmt.Sprintf("group %t, write %d", group, at), func(t *testing.T) {
				inWorld(t, func(w *world) {
					for _, after := range []bool{false, true} {
						died = w.diesOpening(group, at, after) || died
					}
				})
			})
			if !died || t.Failed() {
				break
			}
		}
	}
}

// diesOpening has the process die at one of the writes that follow a first message, and reports whether there were so many.
func (w *world) diesOpening(group bool, at int, after bool) (died bool) {
	w.accounts, w.routes = nil, nil
	w.path = fmt.Sprintf("/world-%d", worlds.Add(1))
	keep := w.open(store.Options{VFS: "memdb"})
	defer keep.Close()
	a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
	w.down()
	w.diesAt, w.diesAfter = at, after
	w.start()
	gm := a.Direct("ann", "ben")
	want := "Ann Ben > Ann: hello"
	if group {
		gm, want = a.Direct("ann", "ben", "cyd"), "Ann Ben Cyd > Ann: hello"
	}
	a.Say(gm, "ann", "hello")
	w.wait(10 * time.Second)
	died = w.died.Load()
	w.down()
	w.died.Store(false)
	w.diesAt = 0
	w.start()
	w.wait(time.Minute)
	w.talksAre(b, want)
	w.down()
	return died
}

func TestALostAnswerToAnOpeningLeavesOnePair(t *testing.T) {
	inWorld(t, func(w *world) {
		o := likeTeams()
		n := 0
		o.Fault = func(_ context.Context, c memory.Call) error {
			if c.Op == memory.OpenConversation && c.After {
				if n++; n == 1 {
					return memory.LostAnswer()
				}
			}
			return nil
		}
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd")
		a.Say(a.Direct("ann", "ben", "cyd"), "ann", "hello")
		w.wait(time.Minute)
		w.same(n, 2)
		w.talksAre(b, "Ann Ben Cyd > Ann: hello")
	})
}

// TestAPairIsFoundForEver: the other end is asked for once, and never by its members again, after a restart, another config, and people who connect anew.
func TestAPairIsFoundForEver(t *testing.T) {
	inWorld(t, func(w *world) {
		opened := 0
		count := func(_ context.Context, c memory.Call) error {
			if c.Op == memory.OpenConversation && !c.After {
				opened++
			}
			return nil
		}
		mattermost, teams := likeMattermost(), likeTeams()
		mattermost.Fault, teams.Fault = count, count
		a, b := w.talking(mattermost, teams, "ann", "ben", "cyd")
		b.Direct("Ann", "Ben") // which was there before
		a.Say(a.Direct("ann", "ben"), "ann", "two 1")
		a.Say(a.Direct("ann", "ben", "cyd"), "ann", "three 1")
		w.wait(5 * time.Second)
		w.same(opened, 2)
		group := b.Talks()[1].Conversation.Channel
		goes := func(n string) {
			w.wait(5 * time.Second)
			a.Say("@ann@ben", "ben", "two "+n)
			b.Say(group, "Cyd", "three "+n)
			w.wait(5 * time.Second)
		}
		goes("2")
		w.down()
		w.start()
		goes("3")
		w.directs[0].Enable = false
		w.takes()
		w.directs[0].Enable = true
		w.takes()
		goes("4")
		w.disconnect(a, "ben", b, "Ben")
		w.wait(time.Hour)
		w.connect(a, "ben", b, "Ben")
		goes("5")
		w.talksAre(a, "ann ben > ann: two 1 | ben: two 2 | ben: two 3 | ben: two 4 | ben: two 5",
			"ann ben cyd > ann: three 1 | cyd: three 2 | cyd: three 3 | cyd: three 4 | cyd: three 5")
		w.talksAre(b, "Ann Ben > Ann: two 1 | Ben: two 2 | Ben: two 3 | Ben: two 4 | Ben: two 5",
			"Ann Ben Cyd > Ann: three 1 | Cyd: three 2 | Cyd: three 3 | Cyd: three 4 | Cyd: three 5")
		w.same(opened, 2)
	})
}
