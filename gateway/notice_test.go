package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// noticesOf gives what somebody was told on a service.
func noticesOf(s *memory.Service, u bridge.UserID) []string {
	all := []string{}
	for _, n := range s.Notices() {
		if n.User == u {
			all = append(all, memory.Text(n.Text))
		}
	}
	return all
}

const itIsKept = "It is kept, and whoever runs Causeway here can see why and try it again."

func TestAuthorsAreToldOnceAMinuteWhatWasNotDelivered(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		a, _ := w.pair(memory.Options{}, memory.Options{Fault: f.fault})
		f.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
		a.Say("town", "ben", "of somebody else")
		for n := range 14 {
			a.Say("town", "ann", fmt.Sprint("refused ", n))
			w.wait(time.Second)
		}
		first := "Your message “refused 0” was not delivered to memory: it was refused there. " + itIsKept
		w.same(noticesOf(a, "ann"), []string{first})
		w.same(len(noticesOf(a, "ben")), 1)
		w.wait(2 * time.Minute)
		w.same(noticesOf(a, "ann"), []string{first, "Your message “refused 1” was not delivered to memory: it was refused there. " + itIsKept + "\nAnd 12 more."})
		w.wait(time.Hour)
		w.same(len(noticesOf(a, "ann")), 2)
		w.down() // whoever is to be told later is told after a restart, too
		w.start()
		a.Say("town", "ann", "refused again")
		w.wait(time.Second)
		w.same(len(noticesOf(a, "ann")), 3)
	})
}

// TestANoticeThatCannotBeGivenSwallowsNoOther: its conversation is not in the config any more.
func TestANoticeThatCannotBeGivenSwallowsNoOther(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: f.fault})
		for _, s := range []*memory.Service{a, b} {
			s.AddChannel("mall", "team/mall")
		}
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "mall"), inout("b", "mall"))
		w.start()
		f.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
		a.Say("town", "ann", "refused 0")
		w.wait(time.Second)
		a.Say("town", "ann", "refused 1")
		a.Say("mall", "ann", "refused 2")
		w.wait(time.Second)
		w.same(len(noticesOf(a, "ann")), 1) // the others wait
		w.down()
		w.routes = w.routes[1:]
		w.start()
		a.Say("mall", "ann", "refused 3")
		w.wait(3 * time.Minute)
		first := "Your message “refused 0” was not delivered to memory: it was refused there. " + itIsKept
		second := "Your message “refused 2” was not delivered to memory: it was refused there. " + itIsKept + "\nAnd 1 more."
		w.same(noticesOf(a, "ann"), []string{first, second})
	})
}

func TestAuthorsAreToldOnceAMinuteWhereverTheySpeak(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: f.fault})
		for _, s := range []*memory.Service{a, b} {
			s.AddChannel("mall", "team/mall")
		}
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "mall"), inout("b", "mall"))
		w.start()
		f.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
		a.Say("town", "ann", "refused 0")
		w.wait(time.Second)
		a.Say("town", "ann", "refused 1")
		w.wait(time.Second)
		a.Say("mall", "ann", "refused 2")
		for n := 1; n < 4; n++ {
			w.wait(10 * time.Second)
			w.same(len(noticesOf(a, "ann")), n)
			w.wait(65 * time.Second)
		}
		w.wait(time.Hour)
		w.same(len(noticesOf(a, "ann")), 3)
	})
}

// TestWhatHadToWaitIsToldOnceAMinuteThoughCausewayWasDown when it was due.
func TestWhatHadToWaitIsToldOnceAMinuteThoughCausewayWasDown(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		a, _ := w.many(4, memory.Options{Fault: f.fault})
		f.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
		for n := range 4 {
			a.Say(bridge.ChannelID(fmt.Sprint("c", n)), "ann", "refused")
			w.wait(time.Second)
		}
		w.same(len(noticesOf(a, "ann")), 1)
		w.down()
		time.Sleep(time.Hour)
		w.start()
		w.same(len(noticesOf(a, "ann")), 2)
		w.paced(a, "ann", 10*time.Minute)
		w.same(len(noticesOf(a, "ann")), 4)
	})
}

// many runs two services of which so many channels are joined: c0, c1, …
func (w *world) many(n int, o memory.Options) (a, b *memory.Service) {
	a, b = w.service("a", memory.Options{}), w.service("b", o)
	for n := range n {
		name := fmt.Sprint("c", n)
		for _, s := range []*memory.Service{a, b} {
			s.AddChannel(bridge.ChannelID(name), "team/"+name)
		}
		w.route(inout("a", name), inout("b", name))
	}
	w.start()
	return a, b
}

// paced lets time pass and fails where somebody is told more than one thing a minute.
func (w *world) paced(s *memory.Service, u bridge.UserID, d time.Duration) {
	w.t.Helper()
	began, last, known := time.Now(), time.Time{}, len(noticesOf(s, u))
	for time.Since(began) < d {
		w.wait(time.Second)
		now := len(noticesOf(s, u))
		if now > known+1 || now > known && time.Since(last) < time.Minute {
			w.t.Fatalf("%s is told %d things, the last one %v after another", u, now-known, time.Since(last))
		}
		if now > known {
			known, last = now, time.Now()
		}
	}
}

// TestWhoIsLateInManyConversationsIsToldOfAllTogether when it is late, and when it has arrived once a minute at most.
func TestWhoIsLateInManyConversationsIsToldOfAllTogether(t *testing.T) {
	inWorld(t, func(w *world) {
		w.keep = Keep{NoticeAfter: 5 * time.Minute}
		var f switched
		a, _ := w.many(8, memory.Options{Fault: f.fault})
		f.on(before(memory.Post, func() error { return memory.Fails(bridge.Transient) }))
		since := time.Now().UTC().Format("2006-01-02 15:04 MST")
		for n := range 8 {
			a.Say(bridge.ChannelID(fmt.Sprint("c", n)), "ann", "late")
		}
		a.Say("c0", "ben", "late")
		w.paced(a, "ann", 20*time.Minute)
		w.same(noticesOf(a, "ann"), []string{"What you have said here since " + since + " has not arrived in memory yet. It is kept, and is delivered as soon as that is possible; you will be told.\nAnd in 7 more conversations."})
		w.same(len(noticesOf(a, "ben")), 1)
		f.off()
		w.paced(a, "ann", 20*time.Minute)
		const arrived = "What you have said here is not late any more: nothing of it is waiting."
		told, conversations := noticesOf(a, "ann")[1:], 0
		for _, text := range told {
			more := 0
			fmt.Sscanf(strings.TrimPrefix(text, arrived), "\nAnd in %d more conversation", &more)
			w.same(strings.HasPrefix(text, arrived), true)
			conversations += 1 + more
		}
		w.same(conversations, 8)
		w.same(noticesOf(a, "ben")[1:], []string{arrived})
	})
}

func TestWhatMayHaveArrivedIsToldSo(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: f.fault})
		f.on(before(memory.Post, memory.LostAnswer))
		a.Say("town", "ann", "who knows")
		w.wait(3 * time.Hour)
		w.same(texts(b, "town"), []string{})
		w.same(noticesOf(a, "ann"), []string{"Your message “who knows” may not have been delivered to memory: there was no answer, again and again. " + itIsKept})
	})
}

func TestWhatIsLateIsToldOnceAndAgainWhenItHasArrived(t *testing.T) {
	inWorld(t, func(w *world) {
		w.keep = Keep{NoticeAfter: 5 * time.Minute}
		var f switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: f.fault})
		out := before(memory.Post, func() error { return memory.Fails(bridge.Transient) })
		f.on(out)
		a.Say("town", "ann", "a little late")
		w.wait(time.Minute)
		f.off()
		w.wait(3 * time.Minute)
		w.same(texts(b, "town"), []string{"a little late"})
		w.same(len(a.Notices()), 0)

		f.on(out)
		since := time.Now().UTC().Format("2006-01-02 15:04 MST")
		for n := range 5 {
			a.Say("town", "ann", fmt.Sprint("late ", n))
		}
		late := "What you have said here since " + since + " has not arrived in memory yet. It is kept, and is delivered as soon as that is possible; you will be told."
		w.wait(8 * time.Minute)
		w.same(noticesOf(a, "ann"), []string{late})
		w.down()
		w.start()
		w.wait(10 * time.Minute)
		w.same(noticesOf(a, "ann"), []string{late}) // once
		f.off()
		w.wait(10 * time.Minute)
		w.same(noticesOf(a, "ann"), []string{late, "What you have said here is not late any more: nothing of it is waiting."})
		w.wait(time.Hour)
		w.same(len(a.Notices()), 2)
		w.same(len(texts(b, "town")), 6)
	})
}

// TestNobodyIsToldThatNothingWaitsWhileSomethingDoes: where the config does not bring it any more.
func TestNobodyIsToldThatNothingWaitsWhileSomethingDoes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.keep = Keep{NoticeAfter: 5 * time.Minute}
		var f switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: f.fault})
		w.service("c", memory.Options{})
		out := before(memory.Post, func() error { return memory.Fails(bridge.Transient) })
		f.on(out)
		a.Say("town", "ann", "late")
		w.wait(8 * time.Minute)
		w.same(len(noticesOf(a, "ann")), 1)
		w.down()
		both := w.routes
		w.routes = nil
		w.route(inout("a", "town"), inout("c", "town"))
		w.start()
		w.wait(10 * time.Minute)
		w.same(len(noticesOf(a, "ann")), 1)
		w.down()
		w.routes = both
		w.start()
		w.wait(8 * time.Minute)
		w.same(len(noticesOf(a, "ann")), 2) // it is late again
		f.off()
		w.wait(10 * time.Minute)
		w.same(len(texts(b, "town")), 1)
		w.same(len(noticesOf(a, "ann")), 3)
	})
}

func TestWhoKnowsWhatIsLateCostsNothingMore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.keep = Keep{NoticeAfter: 5 * time.Minute}
		var turns atomic.Int64
		w.turn = func(c bridge.ConversationID) {
			if c.Server == "memory:a" {
				turns.Add(1)
			}
		}
		var f switched
		a, _ := w.pair(memory.Options{}, memory.Options{Fault: f.fault})
		f.on(before(memory.Post, func() error { return memory.Fails(bridge.Transient) }))
		a.Say("town", "ann", "late")
		w.wait(8 * time.Minute)
		w.same(len(noticesOf(a, "ann")), 1)
		before := turns.Load()
		w.wait(10 * time.Minute)
		w.same(turns.Load(), before)
	})
}

func TestNobodyIsToldOfWhatIsReadLateAndDeliveredAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.keep = Keep{NoticeAfter: 5 * time.Minute}
		a, b := w.pair(memory.Options{}, memory.Options{PostInterval: time.Second})
		w.down()
		for n := range 30 {
			a.Say("town", "ann", fmt.Sprint("while it was down ", n))
		}
		time.Sleep(3 * time.Hour)
		w.start()
		w.wait(10 * time.Minute)
		w.same(len(texts(b, "town")), 30)
		w.same(len(a.Notices()), 0)
	})
}

func TestAProcessThatEndsEarlyAgainAndAgainWaitsLongerEachTime(t *testing.T) {
	var waits []time.Duration
	for n := range 12 {
		waits = append(waits, loopWait(n)/time.Second)
	}
	if want := []time.Duration{0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60}; !slices.Equal(waits, want) {
		t.Errorf("got %v, want %v", waits, want)
	}
	inWorld(t, func(w *world) {
		var connects atomic.Int64
		a, b := w.service("a", memory.Options{Fault: before(memory.Connect, func() error { connects.Add(1); return nil })}), w.service("b", memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.down()
		for n := range 6 { // each dies just after it has begun
			w.diesAt = 2
			w.died.Store(false)
			w.start()
			a.Say("town", "ann", fmt.Sprint("message ", n))
			w.wait(5 * time.Second)
			w.same(w.died.Load(), true)
			w.down()
		}
		tried := connects.Load()
		w.diesAt = 0
		w.died.Store(false)
		w.start()
		w.wait(time.Second)
		w.same(connects.Load(), tried) // it waits
		w.wait(time.Minute)
		w.same(len(texts(b, "town")), 6)
		w.down()
		w.start() // it has lived, so this one begins at once
		w.same(connects.Load() > tried+1, true)
	})
}

// Where another part of Causeway has failed, the gateway has not ended in order, though it ends as if it were told to.
func TestAProcessInWhichAnotherPartFailsAgainAndAgainWaits(t *testing.T) {
	inWorld(t, func(w *world) {
		var connects atomic.Int64
		w.pair(memory.Options{Fault: before(memory.Connect, func() error { connects.Add(1); return nil })}, memory.Options{})
		for range 5 {
			w.fail(errors.New("the HTTP server has failed"))
			w.down()
			w.start()
		}
		w.down() // told to while it waits
		tried := connects.Load()
		w.start()
		w.same(connects.Load(), tried)
		w.wait(time.Minute)
		w.same(connects.Load(), tried+1)
	})
}
