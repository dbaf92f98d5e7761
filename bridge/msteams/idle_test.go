package msteams

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestIdleCalls counts what channels cost in which nobody writes, over a day of fake time in which the daily reconciling
// read falls. The attributes are for the benchmark, which shows them.
func TestIdleCalls(t *testing.T) {
	for _, c := range []struct {
		rich     bool
		channels int
		// most calls, and reads in batches counted one by one, per hour and channel.
		calls, counted float64
	}{
		// A subscription's token lives for an hour, so it is renewed at least that often.
		{rich: true, channels: 1, calls: 3, counted: 3},
		{rich: true, channels: 20, calls: 2, counted: 2},
		// A quiet channel is read every idleInterval, 20 at a time.
		{channels: 1, calls: 121, counted: 121},
		{channels: 20, calls: 7, counted: 121},
	} {
		how := map[bool]string{true: "rich", false: "poll"}[c.rich]
		t.Run(fmt.Sprintf("%s %d", how, c.channels), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, counted := idleCalls(t, c.rich, c.channels)
				t.Attr("calls", fmt.Sprintf("%.3f", calls))
				t.Attr("counted", fmt.Sprintf("%.3f", counted))
				t.Logf("%s, %d channels: %.2f calls of Graph per hour and channel; %.2f when those in a batch count each", how, c.channels, calls, counted)
				if calls == 0 || calls > c.calls || counted > c.counted {
					t.Errorf("more than %v calls, or %v counted one by one, or none", c.calls, c.counted)
				}
			})
		})
	}
}

// idleCalls gives the calls of Graph per hour and channel: as requests, and as Graph counts them, which is each item of a
// batch and not the batch.
func idleCalls(t *testing.T, rich bool, channels int) (calls, counted float64) {
	t.Helper()
	w := newSimWorld(t, teams.Options{})
	if rich {
		w.richly()
	}
	list := []bridge.ConversationID{w.id(w.general)}
	for n := 1; n < channels; n++ {
		list = append(list, w.id(w.team.AddChannel(fmt.Sprint("room ", n))))
	}
	a := w.connected()
	stop := w.running(a, newTestInbox(list...))
	defer stop()
	time.Sleep(2 * time.Hour) // until polling is at its slowest
	if s := a.Status(); rich && (s.Receiving != byNotifications || len(w.sim.Subscriptions()) != channels) {
		t.Fatalf("there are %d subscriptions, and the status is %+v", len(w.sim.Subscriptions()), s)
	}
	w.sim.ResetRequests()
	const hours = 24
	time.Sleep(hours * time.Hour)
	for _, r := range w.sim.Requests() {
		if !strings.HasPrefix(r.Path, "/v1.0/") { // the login service
			continue
		}
		if !r.Batch {
			calls++
		}
		if r.Template != "/$batch" {
			counted++
		}
	}
	return calls / hours / float64(channels), counted / hours / float64(channels)
}
