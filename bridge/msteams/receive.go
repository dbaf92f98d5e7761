package msteams

import (
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
)

// How messages are received.
const (
	byNotifications = "change notifications"
	byPolling       = "polling"
)

// pollingRule is what Microsoft thinks of polling (Teams API overview).
const pollingRule = "Microsoft allows apps to poll a channel or chat once a day and asks them to subscribe to its changes instead; polling is meant for trying out"

// receiving tells how messages are to be received, and why not in the better way.
func (a *account) receiving() (how, why string) {
	switch {
	case a.settings.Receive == "poll":
		return byPolling, `Receive = "poll" in the config; ` + pollingRule
	case a.lacks(changeNotifications):
		return byPolling, "this cloud has no change notifications for Teams"
	case a.env.Hook == "":
		return byPolling, "Graph cannot reach Causeway without PublicURL in [http]; " + pollingRule
	}
	return byNotifications, ""
}

// Run receives until ctx ends: by subscriptions where that is possible, and by reading where and while it is not.
func (a *account) Run(ctx context.Context, inbox bridge.Inbox) error {
	a.inbox.Store(&inbox)
	a.tellAboutReceiving()
	r := newReader(a, inbox)
	t, err := a.newTalks(ctx, inbox, r)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	r.talks = t
	tasks, ctx := errgroup.WithContext(ctx)
	if how, _ := a.receiving(); how == byNotifications {
		s, err := a.newSubscriber(ctx, inbox, r, t)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		r.live, r.silent, t.covered = s.live, s.foundSilent, s.coversPerson
		a.attach(s)
		defer s.taking.Wait() // they listen to ctx, too
		defer a.attach(nil)
		tasks.Go(func() error { return s.run(ctx) })
	}
	if how, _ := a.receiving(); how == byPolling {
		tasks.Go(func() error { a.endSubscriptions(ctx); return nil })
	}
	tasks.Go(func() error { return r.run(ctx) })
	tasks.Go(func() error { return t.run(ctx) })
	tasks.Go(func() error { a.watchEnds(ctx); return nil })
	tasks.Go(func() error { a.rosters.run(ctx); return nil })
	err = tasks.Wait()
	r.work.Wait() // it listens to the same context
	t.work.Wait()
	return err
}

// attach makes a run the one that takes deliveries, or none with nil.
func (a *account) attach(s *subscriber) {
	a.hook.set(s)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.subscriber = s
}

// Expect notes that a post of our own must show up by a subscription: one that is silent about it is found out so.
func (a *account) Expect(c bridge.ConversationID, id bridge.MessageID) {
	a.mu.Lock()
	s := a.subscriber
	a.mu.Unlock()
	if s != nil {
		s.reader.expect(c, id)
	}
}

// tellAboutReceiving says once what the operator should know.
func (a *account) tellAboutReceiving() {
	a.mu.Lock()
	told := a.receivingTold
	a.receivingTold = true
	a.mu.Unlock()
	if told {
		return
	}
	how, why := a.receiving()
	if how == byPolling {
		a.log.Warnf("This account receives by polling: %s.", why)
		return
	}
	a.log.Info("This account receives by change notifications.")
}

// Status tells how messages are received, and which credentials end.
func (a *account) Status() bridge.Status {
	s := bridge.Status{Ends: a.ends()}
	s.Receiving, s.Why = a.receiving()
	a.mu.Lock()
	running := a.subscriber
	a.mu.Unlock()
	if running != nil {
		var trouble string
		if s.Facts, trouble = running.facts(); trouble != "" {
			s.Receiving, s.Why = byPolling, trouble
		}
		s.Subscribed = running.lives()
	}
	return s
}

// When a channel that is covered by a living subscription is read all the same: what was lost on the way, and a deletion
// that told nobody, are found then. Spread out, so that channels do not come all at once.
const (
	reconcileEvery  = 20 * time.Hour
	reconcileSpread = 4 * time.Hour
)

func nextReconcile(now time.Time) time.Time {
	return now.Add(reconcileEvery + rand.N(reconcileSpread))
}

// The secrets of receiving, in the vault.
const (
	notificationKeysVaultName = "notification-keys"
	clientStateVaultName      = "notification-state"
)

// loadNotificationKeys gives Causeway's own keys, made at first and rotated when they are due. They are stored before use.
func (a *account) loadNotificationKeys(ctx context.Context, now time.Time) (*notification.Keys, error) {
	text, err := a.env.Vault.Load(ctx, notificationKeysVaultName)
	if err != nil {
		return nil, fmt.Errorf("loading the keys for notifications: %w", err)
	}
	var keys *notification.Keys
	switch {
	case text == nil:
		keys, err = notification.NewKeys(now)
	default:
		if keys, err = notification.UnmarshalKeys(text); err != nil || !keys.Due(now) {
			return keys, err
		}
		keys, err = keys.Rotate(now)
	}
	if err != nil {
		return nil, err
	}
	return keys, a.saveNotificationKeys(ctx, keys)
}

func (a *account) saveNotificationKeys(ctx context.Context, keys *notification.Keys) error {
	text, err := keys.Marshal()
	if err != nil {
		return err
	}
	if err := a.env.Vault.Save(ctx, notificationKeysVaultName, text); err != nil {
		return fmt.Errorf("storing the keys for notifications: %w", err)
	}
	return nil
}

// loadClientStates gives what makes the client states of this installation's subscriptions.
func (a *account) loadClientStates(ctx context.Context) (*notification.ClientStates, error) {
	key, err := a.env.Vault.Load(ctx, clientStateVaultName)
	if err != nil {
		return nil, fmt.Errorf("loading the key for client states: %w", err)
	}
	if key == nil {
		key = make([]byte, 32)
		cryptorand.Read(key)
		if err := a.env.Vault.Save(ctx, clientStateVaultName, key); err != nil {
			return nil, fmt.Errorf("storing the key for client states: %w", err)
		}
	}
	return notification.NewClientStates(key)
}
