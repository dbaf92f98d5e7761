package notify

import "time"

// endpointState is how the service treats an endpoint, by the page change-notifications-delivery-webhooks.
type endpointState int

const (
	healthy endpointState = iota
	// slow: over 10 % of the answers came after more than 3 s; deliveries are made 10 minutes late.
	slow
	// dropping: over 15 % of the answers did not come within 10 s; notifications are thrown away for 10 minutes.
	dropping
)

const (
	slowShare = 0.10
	dropShare = 0.15
)

// endpoint watches how fast a URL answers.
type endpoint struct {
	answers  []timing
	slowTill time.Duration
	dropTill time.Duration
}

type timing struct {
	at         time.Duration
	slow, dead bool
}

func (p *endpoint) state(now time.Duration) endpointState {
	switch {
	case now < p.dropTill:
		return dropping
	case now < p.slowTill:
		return slow
	}
	return healthy
}

// note counts an answer. A repeated post that ran into its limit of 10 s is a dead one; every answer after more than 3 s
// is a slow one.
func (p *endpoint) note(now time.Duration, o outcome, repeated bool, conf Config) {
	p.answers = append(p.answers, timing{
		at: now, slow: o.took >= conf.Acknowledge, dead: repeated && o.took >= conf.AcknowledgeRetry,
	})
	for len(p.answers) > 0 && now-p.answers[0].at >= conf.Window {
		p.answers = p.answers[1:]
	}
	var late, dead int
	for _, a := range p.answers {
		if a.slow {
			late++
		}
		if a.dead {
			dead++
		}
	}
	n := len(p.answers)
	if n < conf.Sample {
		return
	}
	if float64(dead) > dropShare*float64(n) {
		p.dropTill, p.answers = now+conf.Window, nil
	} else if float64(late) > slowShare*float64(n) {
		p.slowTill, p.answers = now+conf.Window, nil
	}
}
