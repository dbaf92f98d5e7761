package gateway

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// TestAJourneyTellsWhatHasFailedBeforeItArrived, also after a restart.
func TestAJourneyTellsWhatHasFailedBeforeItArrived(t *testing.T) {
	inWorld(t, func(w *world) {
		var broken switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: broken.fault})
		began := time.Now()
		fails := func(kind bridge.Kind, why string) {
			broken.on(before(memory.Post, func() error { return &bridge.Error{Kind: kind, Err: errors.New(why)} }))
			w.wait(10 * time.Second)
		}
		a.Say("town", "ann", "the first")
		fails(bridge.Transient, "503")
		fails(bridge.Unauthorised, "not a member")
		w.down()
		w.start()
		w.wait(time.Minute)
		broken.off()
		w.wait(10 * time.Minute)
		w.crossed(a, "town", b, "town")
		j, ok, err := w.store.Journey(w.t.Context(), 1)
		if !ok || err != nil || len(j.Stops) != 2 {
			w.t.Fatalf("%+v %v", j, err)
		}
		got := j.Stops[1].Failed
		for i, f := range got {
			if f.Instance != j.Stops[1].ID || f.Times < 1 || f.Since.Before(began) || f.Last.Before(f.Since) || f.Times > 1 != f.Last.After(f.Since) {
				w.t.Errorf("%+v", f)
			}
			got[i].Instance, got[i].Times, got[i].Since, got[i].Last = 0, 0, time.Time{}, time.Time{}
		}
		want := []store.Failure{{Kind: "transient", Reason: "post: 503"}, {Kind: "unauthorised", Reason: "post: not a member"}}
		if diff := cmp.Diff(want, got); diff != "" {
			w.t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestFailuresAreWorded(t *testing.T) {
	at := time.Date(2030, 1, 2, 23, 59, 50, 0, time.Local)
	got := FailureLines([]store.Failure{
		{Kind: "transient", Reason: "posting: 503", Since: at, Last: at, Times: 1},
		{Part: 1, Kind: "throttled", Reason: "429", Since: at, Last: at.Add(5 * time.Second), Times: 3},
		{Kind: "transient", Reason: "502", Since: at, Last: at.Add(time.Millisecond), Times: 2},
		{Kind: "uncertain", Reason: "reset", Since: at, Last: at.Add(time.Minute), Times: 2},
	})
	want := []string{
		"2030-01-02 23:59:50: posting: 503 (transient)",
		"2030-01-02 23:59:50 to 23:59:55, 3 times: part 2: 429 (throttled)",
		"2030-01-02 23:59:50, 2 times: 502 (transient)",
		"2030-01-02 23:59:50 to 2030-01-03 00:00:50, 2 times: reset (uncertain)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
