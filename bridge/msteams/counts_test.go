package msteams

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// tally is a bridge.Counts.
type tally struct {
	mu  sync.Mutex
	all map[string]int
}

func (c *tally) Called(operation, status string) { c.add(operation+" "+status, 1) }

func (c *tally) Notified(outcome string, n int) { c.add(outcome, n) }

func (c *tally) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]int{}
	}
	c.all[what] += n
}

func (c *tally) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func TestCallsAreCountedByOperationAndStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		counts := &tally{}
		w.counts = counts
		a := w.connected()
		if diff := cmp.Diff(map[string]int{"GET /me ok": 1}, counts.take()); diff != "" {
			t.Error(diff)
		}
		_, err := a.Post(t.Context(), w.draft("one"))
		w.do(err)
		w.sim.Inject(teams.Fault{Where: isWrite, Status: 429, RetryAfter: time.Second})
		_, err = a.Post(t.Context(), w.draft("two"))
		if bridge.KindOf(err) != bridge.Throttled {
			t.Errorf("%v", err)
		}
		time.Sleep(time.Minute)
		w.sim.Inject(teams.Fault{Where: isWrite, Drop: true})
		_, _ = a.Post(t.Context(), w.draft("three"))
		_, err = a.Find(t.Context(), w.draft("three"), time.Now())
		w.do(err)
		want := map[string]int{
			"GET " + channelPath + "/members ok":    1,
			"GET " + channelPath + "/messages ok":   1,
			"POST " + channelPath + "/messages ok":  1,
			"POST " + channelPath + "/messages 429": 1, "POST " + channelPath + "/messages none": 1,
		}
		if diff := cmp.Diff(want, counts.take()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNotificationsAndSubscriptionsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		w.richly()
		counts := &tally{}
		w.counts = counts
		a := w.connected()
		stop := w.running(a, newTestInbox(w.id(w.general)))
		time.Sleep(time.Minute)
		w.say(3, "said")
		time.Sleep(time.Minute)
		if got := counts.take()[bridge.Taken]; got != 3 {
			t.Errorf("%d notifications, want 3", got)
		}
		lives := a.Status().Subscribed
		if len(lives) != 1 || time.Since(lives[0]) > 3*time.Minute {
			t.Errorf("subscriptions live since %v", lives)
		}
		stop()
		if lives := a.Status().Subscribed; lives != nil {
			t.Errorf("subscriptions live since %v", lives)
		}
	})
}
