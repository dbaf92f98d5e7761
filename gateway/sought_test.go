package gateway

import (
	"testing"
	"time"
)

// TestAPostIsSoughtFromWhenItsMessageWasSaid where our clock was ahead when it was made; but not from years ago.
func TestAPostIsSoughtFromWhenItsMessageWasSaid(t *testing.T) {
	made := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ said, want time.Time }{
		"just now":                  {made.Add(-time.Second), made.Add(-time.Second)},
		"our clock an hour ahead":   {made.Add(-time.Hour), made.Add(-time.Hour)},
		"our clock an hour behind":  {made.Add(time.Hour), made},
		"posted long after it":      {made.Add(-48 * time.Hour), made},
		"a line, which nobody said": {time.Time{}, made},
	} {
		if got := sought(made, c.said); !got.Equal(c.want.Add(-findMargin)) {
			t.Errorf("%s: from %v on, want %v", name, got, c.want.Add(-findMargin))
		}
	}
}

// TestAClockThatWasSetBackHoldsUpNobody: what was written an hour from now has had its time to settle after that time, not after an hour more.
func TestAClockThatWasSetBackHoldsUpNobody(t *testing.T) {
	const settle = 5 * time.Second
	for after, want := range map[time.Duration]time.Duration{0: settle, time.Second: 4 * time.Second, time.Hour: settle - time.Hour, -time.Hour: settle} {
		if got := settling(settle, after); got != want {
			t.Errorf("%v after the write it waits %v, want %v", after, got, want)
		}
	}
}
