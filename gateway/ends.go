package gateway

import (
	"context"
	"fmt"
	"time"

	"causeway/bridge"
)

// EndNear is how long before the end of a secret or certificate people are warned.
const EndNear = 30 * day

const day = 24 * time.Hour

// endSteps are the times before an end at which the log says so, and at the end itself.
var endSteps = []time.Duration{EndNear, 7 * day, day, 0}

// endInterval is how often ends are looked at; a bridge says what it knows without asking.
const endInterval = time.Minute

// EndText words when something ends or has ended.
func EndText(what string, at, now time.Time) string {
	left := at.Sub(now)
	if left <= 0 {
		return fmt.Sprintf("%s ended on %s", what, at.UTC().Format(time.DateOnly))
	}
	in := "less than a day"
	switch days := int(left / day); {
	case days == 1:
		in = "1 day"
	case days > 1:
		in = fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%s ends in %s, on %s", what, in, at.UTC().Format(time.DateOnly))
}

// watchEnds logs each end once at each of its steps.
func (g *Gateway) watchEnds(ctx context.Context) {
	type end struct {
		account bridge.AccountName
		what    string
		at      int64
	}
	said := map[end]int{} // how many steps have been reached
	for pause(ctx, endInterval) {
		for _, a := range g.setup.Load().order {
			for _, e := range a.told().Ends {
				key := end{a.Name, e.What, e.At.Unix()}
				steps := reached(e.At)
				if steps > said[key] {
					said[key] = steps
					log := a.log.WithField("ends", e.At.UTC().Format(time.RFC3339))
					log.Warn(withStep(EndText(e.What, e.At, time.Now()), e.Hint))
				}
			}
		}
	}
}

// reached counts the steps whose time has come.
func reached(at time.Time) int {
	n := 0
	for _, before := range endSteps {
		if time.Until(at) <= before {
			n++
		}
	}
	return n
}

func withStep(text, next string) string {
	if next == "" {
		return text
	}
	return text + ": " + next
}
