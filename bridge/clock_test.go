package bridge

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClockTellsHowFarTwoClocksDiffer(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	agree := []Finding{{Fine: true, Text: "the clock of X and that of this machine agree"}}
	differ := func(text string) []Finding {
		return []Finding{{Text: "the clock of this machine is " + text + ": signatures and tokens will be refused, from 5 minutes on at the latest",
			Next: "set the clock by the network: timedatectl set-ntp true"}}
	}
	for date, want := range map[string][]Finding{
		"":                              nil,
		"noon":                          nil,
		"Fri, 01 May 2026 12:00:05 GMT": agree,
		"Fri, 01 May 2026 11:59:36 GMT": agree,
		"Fri, 01 May 2026 12:10:04 GMT": differ("10m0s behind that of X"),
		"Fri, 01 May 2026 11:50:04 GMT": differ("10m0s ahead of that of X"),
	} {
		var c Clock
		c.Note(http.Header{"Date": {date}}, now, now.Add(9*time.Second)) // answered in the middle: 12:00:04.5
		if diff := cmp.Diff(want, c.Findings("X")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", date, diff)
		}
	}
}

func TestClockTellsHowItDiffers(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for date, want := range map[string]struct {
		ahead time.Duration
		how   string
	}{
		"":                              {0, ""},
		"Fri, 01 May 2026 12:01:59 GMT": {2*time.Minute - time.Second/2, ""},
		"Fri, 01 May 2026 15:00:00 GMT": {3*time.Hour + time.Second/2, "3h0m1s behind"},
		"Fri, 01 May 2026 08:59:59 GMT": {-3*time.Hour - time.Second/2, "3h0m1s ahead of"},
	} {
		var c Clock
		c.Note(http.Header{"Date": {date}}, now, now)
		if ahead, how := c.Ahead(), c.Differs(2*time.Minute); ahead != want.ahead || how != want.how {
			t.Errorf("%q: %v %q, want %v %q", date, ahead, how, want.ahead, want.how)
		}
	}
}
