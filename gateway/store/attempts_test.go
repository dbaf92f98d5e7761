package store

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestWhatHasFailedIsKeptWithTheInstance: the same in a row as one, the latest of it, until the message is forgotten.
func TestWhatHasFailedIsKeptWithTheInstance(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "one")))
	j, _, err := s.Journey(t.Context(), 1)
	if err != nil || len(j.Stops) != 2 {
		t.Fatalf("%+v %v", j, err)
	}
	copied := j.Stops[1].ID
	at := func(second int) time.Time { return time.UnixMilli(int64(second) * 1000) }
	failed := func(second int, reason string) Failure {
		return Failure{Instance: copied, Kind: "transient", Reason: reason, Since: at(second), Last: at(second), Times: 1}
	}
	note := func(all ...Failure) {
		t.Helper()
		if _, err := s.Note(t.Context(), there, []*Outcome{{Work: &Work{}, Failed: all}}); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() []Failure {
		t.Helper()
		j, _, err := s.Journey(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return j.Stops[1].Failed
	}
	note(failed(1, "503"))
	note(failed(2, "503"), failed(3, "reset"))
	note(failed(4, "503"))
	long := failed(5, strings.Repeat("ä", reasonKept))
	note(long)
	long.Reason = strings.Repeat("ä", reasonKept/2) + "…"
	twice := failed(1, "503")
	twice.Last, twice.Times = at(2), 2
	must(t, []Failure{twice, failed(3, "reset"), failed(4, "503"), long}, kept(), nil)

	var latest []Failure
	for n := range failuresKept {
		f := failed(10+n, fmt.Sprint("reason ", n))
		note(f)
		latest = append(latest, f)
	}
	must(t, latest, kept(), nil)

	gone := failed(30, "503")
	gone.Instance = 99 // it was forgotten meanwhile
	note(gone)
	if n := query[int](t, s, "SELECT COUNT(*) FROM attempts"); n != failuresKept {
		t.Errorf("%d are kept", n)
	}

	if steps := deliver(t, s, there); len(steps) != 1 {
		t.Fatalf("%+v", steps)
	}
	must(t, latest, kept(), nil) // it has arrived, and one can still see what came before
	if n := pruned(t, s, 1000); n != 1 {
		t.Errorf("%d messages are forgotten", n)
	}
	if n := query[int](t, s, "SELECT COUNT(*) FROM attempts"); n != 0 {
		t.Errorf("of a message that is forgotten %d are kept", n)
	}
}
