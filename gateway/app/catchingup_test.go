package app

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

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
