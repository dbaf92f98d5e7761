package msteams

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

// skewed is the clock of a Microsoft that is ahead of this machine's.
type skewed struct {
	next http.RoundTripper
	by   atomic.Int64
}

func (s *skewed) now() time.Time { return time.Now().Add(time.Duration(s.by.Load())) }

func (s *skewed) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err == nil {
		answer.Header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
	return answer, err
}

// inSkewedWorld is inRichWorld with a Microsoft whose clock is ahead.
func inSkewedWorld(t *testing.T, by time.Duration, test func(w *richWorld, clock *skewed)) {
	t.Helper()
	inFakeTime(t, func(t *testing.T) {
		clock := &skewed{}
		clock.by.Store(int64(by))
		w := &richWorld{simWorld: newSimWorld(t, teams.Options{Now: clock.now, TokenLifetime: 100 * time.Hour})} // which no leap of its clock ends
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
			clock.next = next
			return clock
		})
		w.richly()
		w.town = w.id(w.general)
		w.inbox = newTestInbox(w.town)
		w.start()
		defer func() { w.stop() }()
		test(w, clock)
	})
}

// TestAWrongClockIsToldOnce with the next step, as no notification can be taken for genuine by it; messages are polled, and when it has been set
// right, all is well by itself.
func TestAWrongClockIsToldOnce(t *testing.T) {
	for how, by := range map[string]time.Duration{"30h0m0s ahead of": -30 * time.Hour, "3h0m1s behind": 3 * time.Hour} {
		t.Run(how, func(t *testing.T) {
			inSkewedWorld(t, by, func(w *richWorld, clock *skewed) {
				w.subscription() // Graph takes its time of life, by its own clock
				time.Sleep(10 * time.Minute)
				for n := range 10 {
					w.speak(fmt.Sprint("dated ", n))
					time.Sleep(time.Minute)
				}
				w.converged(10)
				w.inbox.inOrder(w.TB)
				w.logged("level=error", 1)
				w.logged("this machine's clock is "+how+" Graph's (set the clock by the network: timedatectl set-ntp true)", 1)
				if s := w.account.Status(); s.Receiving != byPolling || !strings.Contains(s.Why, how) || !strings.Contains(s.Why, "set the clock") {
					t.Errorf("the status is %+v", s)
				}
				if by > 0 { // the stand-in's clock cannot be put back
					return
				}
				clock.by.Store(0)
				time.Sleep(2 * time.Hour)
				w.speak("of today")
				time.Sleep(time.Minute)
				w.logged("are genuine again", 1)
				if s := w.account.Status(); s.Receiving != byNotifications || s.Why != "" {
					t.Errorf("the status is %+v", s)
				}
				time.Sleep(10 * time.Minute)
				reads := w.reads()
				w.speak("told")
				time.Sleep(time.Second)
				w.converged(12)
				w.inbox.inOrder(w.TB)
				if n := w.reads() - reads; n != 0 {
					t.Errorf("%d reads", n)
				}
			})
		})
	}
}

// TestALateTokenIsNoWrongClock: not where the clocks agree, nor where others are genuine.
func TestALateTokenIsNoWrongClock(t *testing.T) {
	for name, by := range map[string]time.Duration{"the clocks agree": 0, "others are genuine": -150 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inSkewedWorld(t, by, func(w *richWorld, _ *skewed) {
				w.speak("what they are modelled on")
				time.Sleep(time.Minute)
				if by == 0 {
					time.Sleep(time.Hour)
				}
				for range 5 {
					_, err := w.sim.Forge(w.Context(), w.subscription().ID, notify.ExpiredToken)
					w.do(err)
				}
				w.logged("level=error", 0)
				if s := w.account.Status(); s.Receiving != byNotifications {
					t.Errorf("the status is %+v", s)
				}
			})
		})
	}
}
