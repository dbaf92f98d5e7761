package gateway

import (
	"fmt"
	"time"

	"causeway/gateway/store"
)

// FailureLines says of each thing that has failed when it did, by this machine's clock, how often, and why.
func FailureLines(all []store.Failure) (lines []string) {
	for _, f := range all {
		since, last := f.Since.Local(), f.Last.Local()
		text := since.Format(time.DateTime)
		switch {
		case last.Sub(since) < time.Second:
		case last.Format(time.DateOnly) == since.Format(time.DateOnly):
			text += " to " + last.Format(time.TimeOnly)
		default:
			text += " to " + last.Format(time.DateTime)
		}
		if f.Times > 1 {
			text += ", " + Count(f.Times, "time")
		}
		if f.Part > 0 {
			text += fmt.Sprintf(": part %d", f.Part+1)
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", text, f.Reason, f.Kind))
	}
	return lines
}

// SightingState says in a few words what has become of a message.
func SightingState(s store.Sighting) string {
	switch {
	case s.Quarantined > 0:
		return "in quarantine"
	case s.Waiting > 0:
		return "waiting"
	case s.Copies == 0:
		return "not carried anywhere"
	case s.Deleted:
		return "deleted"
	}
	return "delivered"
}

// StopState says in a few words how an instance stands.
func StopState(s store.Stop) string {
	switch {
	case s.Reason != "":
		return "in quarantine"
	case s.IsOrigin && s.Phase == store.Live:
		return "said here"
	case s.Phase == store.Gone:
		return "deleted, as the message was"
	case s.Phase == store.Removed:
		return "deleted by somebody here, and stays so"
	case s.Held && s.Phase == store.Live && !s.Waiting:
		return "delivered; a reaction or a change waits until somebody has connected again"
	case s.Held && !s.Waiting:
		return "waits until its author has connected again"
	case s.Waiting && s.Phase == store.Waiting:
		return "waiting to be posted"
	case s.Waiting:
		return "posted; a change is on its way"
	case s.Phase == store.Live:
		return "delivered"
	}
	return "not posted, and nothing is left to do"
}
