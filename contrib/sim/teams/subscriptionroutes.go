package teams

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	subscriptionsPath = "/subscriptions"
	subscriptionPath  = subscriptionsPath + "/{id}"
)

// dontMix is how far apart PATCH and reauthorize of one subscription are to be (subscription-reauthorize).
const dontMix = 10 * time.Minute

func subscriptionRoutes() []*route {
	return []*route{
		{method: http.MethodPost, template: subscriptionsPath, ownPermission: true, body: true, limit: "writeSubscription", handle: createSubscription},
		{method: http.MethodGet, template: subscriptionsPath, ownPermission: true, paged: true, limit: "listSubscriptions", handle: listSubscriptions},
		{method: http.MethodGet, template: subscriptionPath, ownPermission: true, limit: "getSubscription", handle: getSubscription},
		{method: http.MethodPatch, template: subscriptionPath, ownPermission: true, body: true, limit: "writeSubscription", handle: renewSubscription},
		{method: http.MethodDelete, template: subscriptionPath, ownPermission: true, limit: "writeSubscription", handle: deleteSubscription},
		{method: http.MethodPost, template: subscriptionPath + "/reauthorize", ownPermission: true, limit: "reauthorizeSubscription", handle: reauthorizeSubscription},
	}
}

// pause is what a handler gives in place of an error when something slow comes before its end: first is done without the
// lock, then with it again.
type pause struct {
	first func(context.Context) error
	then  func() (status int, body any, err error)
}

func (*pause) Error() string { return "teams stand-in: a handler that pauses" }

// validate asks the endpoints of a subscription, the same URL once for each of its uses.
func (s *Sim) validate(urls ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, address := range urls {
			if address == "" {
				continue
			}
			if err := s.engine.Handshake(ctx, address); err != nil {
				return refuse(http.StatusBadRequest, "ValidationError", "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request: %v.", err)
			}
		}
		return nil
	}
}

func createSubscription(c *call) (int, any, error) {
	if err := c.sim.opts.Cloud.notifies(); err != nil {
		return 0, nil, err
	}
	sub, err := c.newSubscription()
	if err == nil {
		err = c.sim.admissible(sub)
	}
	if err != nil {
		return 0, nil, err
	}
	return 0, nil, &pause{
		first: c.sim.validate(sub.url, sub.lifecycleURL),
		then: func() (int, any, error) {
			if err := c.sim.admissible(sub); err != nil { // another one came in between
				return 0, nil, err
			}
			c.sim.subs = append(c.sim.subs, sub)
			c.sim.schedule()
			return http.StatusCreated, c.shown(sub), nil
		},
	}
}

// admissible checks a new subscription against those that are there.
func (s *Sim) admissible(sub *subscription) error {
	s.tick()
	for _, other := range s.subs {
		if other.app == sub.app && other.tenant == sub.tenant && other.resource.key() == sub.resource.key() && slices.Equal(other.changeTypes, sub.changeTypes) {
			return refuse(http.StatusConflict, "Conflict", "Subscription Id %s already exists for the requested combination", other.id)
		}
	}
	return s.withinQuota(sub)
}

func (c *call) shown(sub *subscription) subscriptionJSON {
	out := sub.wire(false)
	out.Context = c.context("subscriptions/$entity")
	return out
}

// sees tells whether a caller may know of a subscription: an app sees its own, of all users when there is no user, else
// those of the signed-in user, or all with Subscription.Read.All (subscription-list).
func (t *token) mayRead(sub *subscription) bool {
	if sub.app != t.app || sub.tenant != t.tenant {
		return false
	}
	return t.user == nil || sub.user == t.user || slices.Contains(t.permissions, "Subscription.Read.All")
}

func listSubscriptions(c *call) (int, any, error) {
	c.sim.tick()
	cur, err := c.start(c.sim.opts.Subscriptions.PerPage, c.sim.opts.Subscriptions.PerPage)
	if err != nil {
		return 0, nil, err
	}
	var mine []*subscription
	for _, sub := range c.sim.subs {
		if c.token.mayRead(sub) {
			mine = append(mine, sub)
		}
	}
	from := min(int(cur.After), len(mine))
	page := mine[from:min(from+cur.Top, len(mine))]
	out := listJSON{Context: c.context("subscriptions")}
	if from+len(page) < len(mine) {
		next := cur
		next.First, next.Blank = false, c.sim.blankPage(cur)
		if next.Blank {
			page = nil
		}
		next.After = int64(from + len(page))
		out.Next = c.link(next)
	}
	values := []subscriptionJSON{}
	for _, sub := range page {
		values = append(values, sub.wire(true))
	}
	out.Count, out.Value = len(values), values
	return http.StatusOK, out, nil
}

// own gives the subscription of the path. To change it one must be who made it (choice: an app without a user may not
// change those of users), and everything needs the permission that making it needs.
func (c *call) own(change bool) (*subscription, error) {
	sub := c.sim.subscription(c.params[0])
	if sub == nil || !c.token.mayRead(sub) {
		return nil, refuse(http.StatusNotFound, "ResourceNotFound", "The object was not found.")
	}
	if change && sub.user != c.token.user {
		return nil, forbidden("The subscription belongs to another user.")
	}
	if !change && slices.Contains(c.token.permissions, "Subscription.Read.All") {
		return sub, nil
	}
	_, err := c.parseResource(sub.resource.text)
	return sub, err
}

func getSubscription(c *call) (int, any, error) {
	sub, err := c.own(false)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.shown(sub), nil
}

func deleteSubscription(c *call) (int, any, error) {
	sub, err := c.own(true)
	if err != nil {
		return 0, nil, err
	}
	c.sim.dropSubscription(sub)
	return http.StatusNoContent, nil, nil
}

// renewSubscription prolongs a subscription, moves it to another URL and changes its certificate. It renews the
// authorization, too.
func renewSubscription(c *call) (int, any, error) {
	sub, err := c.own(true)
	if err != nil {
		return 0, nil, err
	}
	in, err := c.readSubscription(renewShape)
	if err != nil {
		return 0, nil, err
	}
	if in.Expires == nil && in.URL == nil {
		return 0, nil, invalid("expirationDateTime or notificationUrl is required to update a subscription.")
	}
	now := c.sim.opts.Now()
	if err := sub.unmixed(sub.reauthorized, now); err != nil {
		return 0, nil, err
	}
	next := *sub
	if in.Expires != nil {
		if err := next.live(*in.Expires, now); err != nil {
			return 0, nil, err
		}
	}
	if in.Certificate != nil || in.CertificateID != nil {
		if err := next.certify(in, now); err != nil {
			return 0, nil, err
		}
	}
	finish := func() (int, any, error) {
		*sub = next
		sub.token, sub.patched, sub.asked = c.token, now, false
		c.sim.schedule()
		c.sim.engine.Resume(sub.id)
		return http.StatusOK, c.shown(sub), nil
	}
	if in.URL == nil || *in.URL == sub.url {
		return finish()
	}
	if next.url, err = c.sim.endpointURL("notificationUrl", *in.URL); err != nil {
		return 0, nil, err
	}
	return 0, nil, &pause{first: c.sim.validate(next.url), then: func() (int, any, error) {
		if c.sim.subscription(sub.id) != sub {
			return 0, nil, refuse(http.StatusNotFound, "ResourceNotFound", "The object was not found.")
		}
		return finish()
	}}
}

// unmixed refuses the one way of renewing shortly after the other (choice: the page only says not to).
func (sub *subscription) unmixed(other, now time.Time) error {
	if !other.IsZero() && now.Sub(other) < dontMix {
		return invalid("Do not mix PATCH and reauthorize on subscription %s within %v.", sub.id, dontMix)
	}
	return nil
}

func reauthorizeSubscription(c *call) (int, any, error) {
	sub, err := c.own(true)
	if err != nil {
		return 0, nil, err
	}
	now := c.sim.opts.Now()
	if err := sub.unmixed(sub.patched, now); err != nil {
		return 0, nil, err
	}
	sub.token, sub.reauthorized, sub.asked = c.token, now, false
	c.sim.schedule()
	c.sim.engine.Resume(sub.id)
	return http.StatusNoContent, nil, nil
}

// RemoveSubscription ends a subscription as the service does at times; with tell a subscriptionRemoved notification
// follows.
func (s *Sim) RemoveSubscription(id string, tell bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subscription(id)
	if sub == nil {
		return fmt.Errorf("removing subscription %s: %w", id, ErrNoSubscription)
	}
	s.removeSubscription(sub, tell)
	return nil
}

// RequireReauthorization sends reauthorizationRequired for a subscription now.
func (s *Sim) RequireReauthorization(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subscription(id)
	if sub == nil {
		return fmt.Errorf("asking to reauthorize subscription %s: %w", id, ErrNoSubscription)
	}
	s.lifecycle(sub, "reauthorizationRequired")
	return nil
}
