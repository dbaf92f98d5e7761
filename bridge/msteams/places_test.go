package msteams

import (
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge/msteams/notification"
	"causeway/contrib/sim/teams"
)

// TestADeliveryWithoutAPlaceIsNotOvertaken when there is one for the next.
func TestADeliveryWithoutAPlaceIsNotOvertaken(t *testing.T) {
	for name, fill := range map[string]func(w *richWorld) (empty func()){
		"to be taken": func(w *richWorld) func() {
			places := w.account.hook.taking
			for range cap(places) {
				places <- struct{}{}
			}
			return func() {
				for range cap(places) {
					<-places
				}
			}
		},
		"to be read": func(w *richWorld) func() {
			places := w.account.hook.reading
			w.do(places.Acquire(w.Context(), readAtOnce))
			return func() { places.Release(readAtOnce) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				empty := fill(w)
				w.speak("no place")
				time.Sleep(takeTime + time.Second)
				w.slowly()
				empty()
				w.speak("a place")
				time.Sleep(time.Minute)
				w.converged(2)
				w.inbox.inOrder(w.TB)
			})
		})
	}
}

// TestManySlowDeliveriesLeaveAPlace for the next one, as they are small.
func TestManySlowDeliveriesLeaveAPlace(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		h, done := w.account.Handler(), make(chan struct{})
		var slow sync.WaitGroup
		for range 500 {
			slow.Go(func() {
				r := httptest.NewRequest("POST", "/messages?state="+w.subscriber().mark(), stalled{done})
				r.ContentLength = 28 << 10 // of a message
				h.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		synctest.Wait()
		reads := w.reads()
		w.speak("heard")
		time.Sleep(takeTime + time.Second)
		w.converged(1)
		if n := w.reads() - reads; n != 0 {
			t.Errorf("%d reads", n)
		}
		close(done)
		slow.Wait()
	})
}

// TestTheSizeOfABodyIsBounded: who does not tell how much comes may send the most.
func TestTheSizeOfABodyIsBounded(t *testing.T) {
	for length, want := range map[int64]int64{-1: notification.MaxBody, 0: smallestBody, 28 << 10: 28 << 10, 1 << 40: notification.MaxBody} {
		r := httptest.NewRequest("POST", "/messages", nil)
		if r.ContentLength = length; bodySize(r) != want {
			t.Errorf("%d counts for %d, want %d", length, bodySize(r), want)
		}
	}
}

// TestDeliveriesWithoutAPlaceShutNoChannelForEver, however many there are: while they go on, others get in, if not at once.
func TestDeliveriesWithoutAPlaceShutNoChannelForEver(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		w.slowly()
		s, opened := w.subscriber(), 0
		for range 200 {
			s.refused(notification.Collection{})
			time.Sleep(300 * time.Millisecond)
			if s.reader.channel(w.town).gate.isOpen() {
				opened++
			}
		}
		if opened == 0 {
			t.Error("in a minute nothing got in")
		}
		time.Sleep(time.Minute)
		if !s.reader.channel(w.town).gate.isOpen() {
			t.Error("the channel is shut a minute later")
		}
	})
}

// TestTheGateIsPatientEachTime: how often a delivery could not wait for a reading counts for one opening only.
func TestTheGateIsPatientEachTime(t *testing.T) {
	g := newGate()
	for range 2 * mostMisses {
		g.begin()
		g.refuse() // while it is being read
		if g.end() {
			t.Fatal("it is open although something may be missing")
		}
		g.begin()
		if !g.end() {
			t.Fatal("it is shut although nothing is missing")
		}
		g.interrupt()
	}
}
