package teams

import (
	"slices"
	"time"

	"causeway/contrib/sim/teams/notify"
)

// Tick does what is due by the clock: subscriptions that have expired end, and reauthorizationRequired is sent for those
// whose access token or time is about to run out. It happens by itself while time goes on; after moving a clock by
// hand call Tick.
func (s *Sim) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	s.schedule()
}

// tick is Tick with the lock held.
func (s *Sim) tick() {
	now := s.opts.Now()
	s.subs = slices.DeleteFunc(s.subs, func(sub *subscription) bool { return !now.Before(sub.expires) })
	for _, sub := range s.subs {
		if !sub.asked && !now.Before(s.asksAt(sub)) {
			sub.asked = true
			s.lifecycle(sub, "reauthorizationRequired")
		}
	}
}

// asksAt is when reauthorizationRequired is sent: before the token or the subscription runs out, or once the token has
// been revoked.
func (s *Sim) asksAt(sub *subscription) time.Time {
	if sub.token.revoked {
		return time.Unix(0, 0)
	}
	at := sub.token.expires
	if sub.expires.Before(at) {
		at = sub.expires
	}
	return at.Add(-s.opts.Subscriptions.ReauthorizeBefore)
}

// soonest keeps the timer from running all the time where the clock of the options is not the one of timers.
const soonest = 20 * time.Millisecond

// schedule wakes the stand-in when the next thing is due.
func (s *Sim) schedule() {
	var next time.Time
	for _, sub := range s.subs {
		at := sub.expires
		if asks := s.asksAt(sub); !sub.asked && asks.Before(at) {
			at = asks
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if next.IsZero() || !s.wakesAt.IsZero() && !next.Before(s.wakesAt) {
		return
	}
	s.wakesAt = next
	s.engine.After(max(soonest, s.engine.Real(next.Sub(s.opts.Now()))), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.wakesAt.Equal(next) {
			s.wakesAt = time.Time{}
			s.tick()
			s.schedule()
		}
	})
}

// authorized tells whether a subscription's access token still lets notifications be delivered.
func (s *Sim) authorized(sub *subscription) bool {
	t := sub.token
	return !t.revoked && s.opts.Now().Before(t.expires) && (t.user == nil || !t.user.disabled && !t.user.gone())
}

// gate is what the deliveries ask before each post.
func (s *Sim) gate(id string) notify.Gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch sub := s.subscription(id); {
	case sub == nil:
		return notify.Gone
	case !s.authorized(sub):
		return notify.Paused
	}
	return notify.Open
}

// lifecycle sends a lifecycle notification, where the subscription has a URL for them.
func (s *Sim) lifecycle(sub *subscription, event string) {
	if sub.lifecycleURL == "" {
		return
	}
	s.engine.Send(&notify.Item{
		URL: sub.lifecycleURL, Subscription: sub.id, App: sub.app.ClientID, Tenant: sub.tenant.ID,
		ClientState: sub.clientState, Expires: sub.expires, Lifecycle: event,
	})
}

func (s *Sim) removeSubscription(sub *subscription, tell bool) {
	s.dropSubscription(sub)
	if tell {
		s.lifecycle(sub, "subscriptionRemoved")
	}
}
