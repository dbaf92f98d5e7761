package msteams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestChannelsArePolledInBatches of twenty at most, the more seldom the longer they are quiet.
func TestChannelsArePolledInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		ids := []bridge.ConversationID{w.id(w.general), w.id(w.random)}
		for n := range 43 {
			ids = append(ids, w.id(w.team.AddChannel(fmt.Sprintf("Channel %d", n))))
		}
		inbox := newTestInbox(ids...)
		a := w.connected()
		w.sim.SetThrottle(teams.Documented)
		stop := w.running(a, inbox)
		defer stop()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got := len(inbox.begins); got != 45 {
			t.Errorf("%d channels have begun, want 45", got)
		}
		perMinute := func() int {
			w.sim.ResetRequests()
			time.Sleep(time.Minute)
			return w.sim.Count("POST", "/$batch")
		}
		active := perMinute()
		time.Sleep(2 * time.Hour)
		idle := perMinute()
		t.Logf("45 channels: %d batches a minute at first, %d after two quiet hours", active, idle)
		if active < 3*8 || active > 3*13 {
			t.Errorf("%d batches in the first minute, want three about every five seconds", active)
		}
		if idle < 3*2 || idle > 3*3 {
			t.Errorf("%d batches a minute after two quiet hours, want three every 30 seconds", idle)
		}
		w.say(1, "hello")
		time.Sleep(31 * time.Second)
		w.sim.ResetRequests()
		time.Sleep(time.Minute)
		reads := 0
		for _, r := range w.sim.Requests() {
			if strings.Contains(r.Path, w.general.ID) {
				reads++
			}
		}
		if reads < 10 || reads > 13 {
			t.Errorf("the channel in which somebody wrote was read %d times in the minute after", reads)
		}
		synctest.Wait()
		for c, errs := range inbox.troubles {
			t.Errorf("trouble of %s: %v", c, errs)
		}
	})
}

// TestThrottlingHoldsForWhatItThrottles: one channel, or with Graph's word for it the whole account.
func TestThrottlingHoldsForWhatItThrottles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		inbox := newTestInbox(w.id(w.general), w.id(w.random))
		stop := w.running(w.connected(), inbox)
		defer stop()
		time.Sleep(time.Second)
		w.sim.Inject(teams.Fault{
			Where: func(r *http.Request) bool { return isItem(r) && strings.Contains(r.URL.Path, w.general.ID) }, Status: 429, RetryAfter: 2 * time.Minute,
		})
		time.Sleep(10 * time.Second)
		w.sim.ResetRequests()
		time.Sleep(90 * time.Second)
		count := func() (general, random int) {
			for _, r := range w.sim.Requests() {
				if strings.Contains(r.Path, w.general.ID) {
					general++
				}
				if strings.Contains(r.Path, w.random.ID) {
					random++
				}
			}
			return general, random
		}
		if general, random := count(); general != 0 || random < 12 {
			t.Errorf("while one channel is throttled it is read %d times, the other %d times", general, random)
		}
		time.Sleep(30 * time.Second)
		if general, _ := count(); general == 0 {
			t.Error("the channel is not read although its time is over")
		}
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper { return throttleAll{next, new(sync.Once)} })
		time.Sleep(10 * time.Second)
		w.sim.ResetRequests()
		time.Sleep(45 * time.Second)
		if n := len(w.sim.Requests()); n != 0 {
			t.Errorf("while the account is throttled there were %d requests", n)
		}
		time.Sleep(time.Minute)
		if n := len(w.sim.Requests()); n == 0 {
			t.Error("nothing is read although the time is over")
		}
		if all := append(inbox.trouble(w.id(w.general)), inbox.trouble(w.id(w.random))...); len(all) != 0 {
			t.Errorf("being throttled was reported as trouble: %v", all)
		}
	})
}

// throttleAll throttles one batch for the whole application.
type throttleAll struct {
	next http.RoundTripper
	once *sync.Once
}

func (e throttleAll) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	e.once.Do(func() {
		answer = &http.Response{StatusCode: 429, Body: http.NoBody, Request: r, Header: http.Header{
			"Retry-After": {"60"}, "X-Ms-Throttle-Scope": {"Tenant_Application/ReadWrite/a/b"},
		}}
	})
	if answer != nil {
		return answer, nil
	}
	return e.next.RoundTrip(r)
}

func TestBatchAnswersAreSortedByTheirIds(t *testing.T) {
	c := &client{tokens: newTokens("", nil), called: bridge.Env{}.Called}
	header := map[string]json.RawMessage{"Retry-After": json.RawMessage(`"4"`), "Odd": json.RawMessage(`7`)}
	items := c.items(t.Context(), opThreads, make([]string, 4), []batchResponse{
		{ID: "3", Status: 429, Headers: header, Body: json.RawMessage(`{"error":{"code":"TooManyRequests"}}`)},
		{ID: "1", Status: 200, Body: json.RawMessage(`{"value":[]}`)}, {ID: "99", Status: 200}, {ID: "x", Status: 200}, {ID: "4", Status: 424},
	})
	if items[0].err != nil || string(items[0].body) != `{"value":[]}` {
		t.Errorf("item 1: %s, %v", items[0].body, items[0].err)
	}
	for n, want := range map[int]bridge.Kind{1: bridge.Transient, 2: bridge.Throttled, 3: bridge.Transient} {
		if items[n].err == nil || bridge.KindOf(items[n].err) != want {
			t.Errorf("item %s: %v (%v)", strconv.Itoa(n+1), items[n].err, bridge.KindOf(items[n].err))
		}
	}
	if got := bridge.AfterOf(items[2].err); got != 4*time.Second {
		t.Errorf("the throttled item says %v", got)
	}
}

// TestAThrottledAccountAsksForNothing, also not for the channels whose turn would have come next.
func TestAThrottledAccountAsksForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		var ids []bridge.ConversationID
		for n := range 50 {
			ids = append(ids, w.id(w.team.AddChannel(fmt.Sprintf("Channel %d", n))))
		}
		a, inbox := w.connected(), newTestInbox(ids...)
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper { return throttleAll{next, new(sync.Once)} })
		w.sim.ResetRequests()
		stop := w.running(a, inbox)
		defer stop()
		time.Sleep(59 * time.Second)
		if n := len(w.sim.Requests()); n != 0 {
			t.Errorf("there were %d requests", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(inbox.begins); n != 50 {
			t.Errorf("when the time was over %d channels began, want 50", n)
		}
	})
}
