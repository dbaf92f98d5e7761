package app

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/gateway"
)

// TestWhatWaitedIsShownUntilItHasArrived: the bar grows with what is read meanwhile, leaves the log alone, and goes when nothing waits any more.
func TestWhatWaitedIsShownUntilItHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		term := &terminal{out: &out}
		waiting := []int{0, 0, 0, 3, 10, 4, 1, 0}
		looks := 0
		term.catchingUp(t.Context(), func(context.Context) gateway.Status {
			var s gateway.Status
			if looks < len(waiting) {
				s.Totals.Waiting = waiting[looks]
			}
			s.Accounts = []gateway.AccountStatus{{Connected: looks > 2}}
			if looks++; looks == 6 {
				if _, err := term.Write([]byte("a line of the log\n")); err != nil {
					t.Error(err)
				}
			}
			return s
		})
		said := out.String()
		for _, want := range []string{"delivering what waited", "(0/3)", "(0/10)", "(6/10)", "(9/10)", "\ra line of the log\n"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not in %q", want, said)
			}
		}
		if looks != len(waiting)-1+quietLooks || !strings.HasSuffix(said, "\r") {
			t.Errorf("%d looks; it ends with %q", looks, said[max(0, len(said)-20):])
		}
	})
}

// TestTheBarGoesWhenTheRestCannotMove: a minute after something has last arrived, though ever more waits; but not while some arrives, an account connects, or more
// is read than delivered.
func TestTheBarGoesWhenTheRestCannotMove(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		status func(since time.Duration) gateway.Status
		looks  int
		ends   time.Duration
	}{
		"nothing moves": {func(since time.Duration) gateway.Status {
			return gateway.Status{Totals: gateway.Totals{Waiting: 3 + int(since/(10*time.Second)), Oldest: begin}}
		}, 121, time.Minute + longerPause}, // the look after a minute is the last but one
		"some arrives for two minutes": {func(since time.Duration) gateway.Status {
			return gateway.Status{Totals: gateway.Totals{Waiting: 20 - int(min(since, 2*time.Minute)/(10*time.Second)), Oldest: begin}}
		}, 180, 3 * time.Minute},
		"an account connects for two minutes": {func(since time.Duration) gateway.Status {
			return gateway.Status{Totals: gateway.Totals{Waiting: 3, Oldest: begin}, Accounts: []gateway.AccountStatus{{Connected: since > 2*time.Minute}}}
		}, 180, 3 * time.Minute},
		"more is read than delivered for two minutes": {func(since time.Duration) gateway.Status {
			since = min(since, 2*time.Minute)
			return gateway.Status{Totals: gateway.Totals{Waiting: 20 + int(since/time.Second), Oldest: begin.Add(since)}}
		}, 180, 3 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				looks, began := 0, time.Now()
				(&terminal{out: &out}).catchingUp(t.Context(), func(context.Context) gateway.Status {
					looks++
					return test.status(time.Since(began))
				})
				if took := time.Since(began); looks != test.looks || took != test.ends || !strings.HasSuffix(out.String(), "\r") {
					t.Errorf("%d looks in %v, want %d in %v", looks, took, test.looks, test.ends)
				}
			})
		})
	}
}

// TestWhatIsDeliveredAtOnceShowsNoBar.
func TestWhatIsDeliveredAtOnceShowsNoBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		looks := 0
		(&terminal{out: &out}).catchingUp(t.Context(), func(context.Context) gateway.Status {
			looks++
			return gateway.Status{Totals: gateway.Totals{Waiting: map[bool]int{true: 5}[looks == 1]}}
		})
		if out.Len() > 0 {
			t.Errorf("%q", out.String())
		}
	})
}
