package teams

import (
	"context"
	"net/http"
	"slices"
	"time"

	"causeway/contrib/sim/teams/notify"
)

// Webhooks says how change notifications are delivered: over what, how fast, in what form. See [notify.Config].
type Webhooks = notify.Config

// WebhookFaults make deliveries go wrong at random. See [notify.Faults].
type WebhookFaults = notify.Faults

// WebhookStats count deliveries. See [notify.Stats].
type WebhookStats = notify.Stats

// Forgery is a way in which a notification is not genuine. See [notify.Forgeries].
type Forgery = notify.Forgery

// HandlerTransport serves notifications with a handler in the same process, for Webhooks.Transport; wait returns when
// no handler is running any more.
func HandlerTransport(h http.Handler) (transport http.RoundTripper, wait func()) {
	return notify.Handler(h)
}

// startWebhooks makes the engine; nothing runs before there is a subscription.
func (s *Sim) startWebhooks() {
	s.engine = notify.New(s.opts.Webhooks, notify.Host{
		Gate: s.gate,
		Token: func(app, tenant string) string {
			return s.keys.Token(s.tokenForm(app, tenant), s.opts.Now())
		},
		Forge: func(app, tenant string, f notify.Forgery) string {
			return s.keys.Forge(s.tokenForm(app, tenant), f, s.opts.Now())
		},
	})
}

func (s *Sim) tokenForm(app, tenant string) notify.TokenForm {
	return notify.TokenForm{App: app, Tenant: tenant, Version1: s.opts.Webhooks.Version1Tokens, Issuers: s.opts.Cloud.issuers()}
}

// Close ends all deliveries and timers and waits for them. Requests are still answered; nothing is delivered any more.
func (s *Sim) Close() error {
	s.engine.Close()
	return nil
}

// AwaitDeliveries waits until every notification that changes so far gave rise to has been acknowledged, lost or thrown
// away, duplicates, delays and repetitions included. Those of a subscription that is paused for want of a token do not
// count. It gives the context's error when that ends first, and notify.ErrClosed after Close.
func (s *Sim) AwaitDeliveries(ctx context.Context) error { return s.engine.Await(ctx) }

// HoldDeliveries lets notifications gather until release is called; with WebhookFaults.Batch they then leave together.
func (s *Sim) HoldDeliveries() (release func()) { return s.engine.Hold() }

// SetWebhookFaults makes deliveries go wrong from now on; the zero value ends it.
func (s *Sim) SetWebhookFaults(f WebhookFaults) { s.engine.SetFaults(f) }

// WebhookOutage makes all webhooks unreachable until EndWebhookOutage: posts and handshakes fail as if a proxy answered
// the status, or with 0 as if nothing listened.
func (s *Sim) WebhookOutage(status int) { s.engine.Outage(status) }

// EndWebhookOutage ends a WebhookOutage. What failed is repeated when its interval is over.
func (s *Sim) EndWebhookOutage() { s.engine.EndOutage() }

// WebhookTime gives how long a duration of deliveries takes in this stand-in, by Webhooks.Speed: a test waits
// WebhookTime(time.Hour) for an hour of outage.
func (s *Sim) WebhookTime(d time.Duration) time.Duration { return s.engine.Real(d) }

// WebhookStats gives the counters of deliveries.
func (s *Sim) WebhookStats() WebhookStats { return s.engine.Stats() }

// ResetWebhookStats sets the counters of deliveries to zero.
func (s *Sim) ResetWebhookStats() { s.engine.ResetStats() }

// RotateSigningKeys makes the login service sign with a new key from now on. The older keys stay published.
func (s *Sim) RotateSigningKeys() { s.keys.Rotate() }

// RetireSigningKeys publishes only the newest key from now on.
func (s *Sim) RetireSigningKeys() { s.keys.Retire() }

// Forge posts one forged notification to a subscription, as an attacker who knows its id, URL and certificate would, and
// gives the status of the answer. It is modelled on the latest message of what the subscription is for.
func (s *Sim) Forge(ctx context.Context, subscriptionID string, f Forgery) (status int, err error) {
	s.mu.Lock()
	sub := s.subscription(subscriptionID)
	var item *notify.Item
	if sub != nil {
		if m := s.latest(sub); m != nil {
			item = s.item(sub, m, "created", false)
		}
	}
	s.mu.Unlock()
	if item == nil {
		return 0, ErrNoSubscription
	}
	return s.engine.Forge(ctx, item, f)
}

// latest gives the newest message that a subscription is for.
func (s *Sim) latest(sub *subscription) (newest *message) {
	for _, c := range sub.tenant.conversations() {
		if !sub.covers(c) {
			continue
		}
		for _, m := range c.messages {
			if newest == nil || m.id > newest.id {
				newest = m
			}
		}
	}
	return newest
}

// conversations are all channels of a tenant, and its chats.
func (t *Tenant) conversations() (list []*Channel) {
	for _, team := range t.teams {
		list = append(list, team.channels...)
	}
	return slices.Concat(list, t.chats)
}
