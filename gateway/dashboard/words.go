package dashboard

import (
	"fmt"
	"time"
)

// moment is a time as pages show it, by this machine's clock.
type moment struct{ time.Time }

// String is empty for no time.
func (m moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Local().Format("2006-01-02 15:04:05")
}

// ISO is the time for machines.
func (m moment) ISO() string { return m.UTC().Format(time.RFC3339) }

// span rounds down to the largest unit of which there are two.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", max(0, d)/time.Second) // the clocks of services differ
}

// ago is how long something has been so; empty for no time.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return span(now.Sub(t))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// zone names this machine's time.
func zone(now time.Time) string {
	name, offset := now.Local().Zone()
	return fmt.Sprintf("%s (UTC%+03d:%02d)", name, offset/3600, offset%3600/60)
}
