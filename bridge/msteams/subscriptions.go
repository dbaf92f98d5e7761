package msteams

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
)

const (
	// allMessages is the resource of every channel of the tenant.
	allMessages = "/teams/getAllMessages"
	// subscriptionLife is what is asked for: the longest that Graph allows, less what clocks may differ by.
	subscriptionLife = notification.LongestLife - 10*time.Minute
)

// clientState is one for all subscriptions of the account: a notification may arrive before the answer that names its
// subscription.
func (s *subscriber) clientState() string { return s.states.For("messages") }

// address is where a subscription delivers. It ends in a mark of the client state: Graph does not show that, and a
// subscription of which it is not known any more is of no use.
func (s *subscriber) address(path string) string {
	return s.hook + path + "?state=" + s.mark()
}

// mark tells addresses apart that we have given to Graph: whoever does not know it has nothing to say here.
func (s *subscriber) mark() string {
	sum := sha256.Sum256([]byte(s.clientState()))
	return hex.EncodeToString(sum[:16])
}

// rotate makes a new key when the present one has been used for a year, and forgets those that nobody uses any more.
func (s *subscriber) rotate(ctx context.Context) error {
	now := time.Now()
	if s.keys.Due(now) {
		keys, err := s.keys.Rotate(now)
		if err == nil {
			err = s.a.saveNotificationKeys(ctx, keys)
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.keys = keys
		for _, f := range s.feeds {
			f.next = now
		}
		s.mu.Unlock()
		s.a.log.Info("A new key for notifications has been made.")
	}
	inUse := map[string]bool{}
	s.mu.Lock()
	for _, f := range s.feeds {
		inUse[f.certificate] = true
	}
	s.mu.Unlock()
	keys, pruned := s.keys.Prune(now, func(id string) bool { return inUse[id] })
	if pruned == 0 {
		return nil
	}
	if err := s.a.saveNotificationKeys(ctx, keys); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
	return nil
}

// adopt takes over the subscriptions of earlier runs that deliver here. What is not needed any more, or cannot be used, as
// after a change of the address, is deleted; what delivers elsewhere and was not made here is somebody else's.
func (s *subscriber) adopt(ctx context.Context) error {
	all, err := s.list(ctx)
	if err != nil {
		return err
	}
	made, err := s.a.madeSubscriptions(ctx)
	if err != nil {
		return err
	}
	var kept []string
	var failed error
	for _, sub := range all {
		id := value(sub.GetId())
		if !strings.HasPrefix(value(sub.GetNotificationUrl()), s.hook+"/") && !slices.Contains(made, id) {
			continue
		}
		if !s.use(sub) {
			if err := s.remove(ctx, id); err == nil {
				continue
			} else if failed = err; bridge.ScopeOf(err) == bridge.ScopeAccount {
				return err
			}
		}
		kept = append(kept, id)
	}
	if failed != nil {
		s.a.log.WithError(failed).Warn("A subscription of an earlier run could not be ended; trying again.")
	}
	s.mu.Lock()
	s.adopted, s.lookAgain = true, time.Time{}
	if failed != nil {
		s.lookAgain = time.Now().Add(retryLeftover)
	}
	s.turn()
	s.mu.Unlock()
	return s.a.saveMadeSubscriptions(ctx, kept)
}

// retryLeftover is how long after a failure it is tried again to end a subscription of an earlier run.
const retryLeftover = 10 * time.Minute

// use takes over a subscription that delivers as it would if it were made now; false: it is of no use.
func (s *subscriber) use(sub models.Subscriptionable) bool {
	id := value(sub.GetId())
	s.mu.Lock()
	f := s.feeds["/"+strings.TrimPrefix(value(sub.GetResource()), "/")]
	present := ""
	if f != nil {
		present = f.id
	}
	s.mu.Unlock()
	if f == nil || present != "" && present != id || !value(sub.GetIncludeResourceData()) ||
		value(sub.GetNotificationUrl()) != s.address("/messages") || value(sub.GetLifecycleNotificationUrl()) != s.address("/lifecycle") {
		return false
	}
	if present != "" {
		return true
	}
	s.reader.interrupt(f.covers) // as in create
	s.mu.Lock()
	defer s.mu.Unlock()
	f.id, f.expires, f.certificate = id, s.a.expiry(sub, time.Now()), value(sub.GetEncryptionCertificateId())
	f.next = time.Time{} // renewing shows that it lives
	return true
}

func (s *subscriber) mustAdopt(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.adopted || !s.lookAgain.IsZero() && !now.Before(s.lookAgain)
}

// madeVaultName is where the ids of the subscriptions are that this installation has made: they are its own wherever they
// deliver.
const madeVaultName = "subscriptions"

func (a *account) madeSubscriptions(ctx context.Context) ([]string, error) {
	text, err := a.env.Vault.Load(ctx, madeVaultName)
	if err != nil || text == nil {
		return nil, err
	}
	var ids []string
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("loading which subscriptions were made here: %w", err)
	}
	return ids, nil
}

func (a *account) saveMadeSubscriptions(ctx context.Context, ids []string) error {
	text, err := json.Marshal(ids)
	if err == nil {
		err = a.env.Vault.Save(ctx, madeVaultName, text)
	}
	if err != nil {
		return fmt.Errorf("storing which subscriptions were made here: %w", err)
	}
	return nil
}

// endSubscriptions ends what an earlier run has subscribed to, when messages are polled now. What cannot be ended ends by
// itself within three days.
func (a *account) endSubscriptions(ctx context.Context) {
	ids, err := a.madeSubscriptions(ctx)
	if err != nil || len(ids) == 0 {
		return
	}
	for _, id := range ids {
		if err := a.app.perform(ctx, opUnsubscribe, place{subscription: id}, nil); err != nil && bridge.KindOf(err) != bridge.Gone {
			a.log.WithError(err).Debug("A subscription of an earlier run could not be ended; it ends by itself.")
		}
	}
	if err := a.saveMadeSubscriptions(ctx, nil); err != nil {
		a.log.WithError(err).Debug("That the subscriptions of an earlier run have ended could not be stored.")
	}
}

// knows tells whether a subscription is one of this installation. While one is being made, or is made to go on, it waits when it may be that.
func (s *subscriber) knows(ctx context.Context, id string) (bool, error) {
	for {
		s.mu.Lock()
		_, known := s.retired[strings.ToLower(id)]
		sure, changed := s.adopted && !s.making, s.changed
		for _, f := range s.feeds {
			if f.id != "" && strings.EqualFold(f.id, id) {
				known, sure = !f.reviving, !f.reviving
			}
		}
		s.mu.Unlock()
		if known || sure {
			return known, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false, errUnknownSubscription
		}
	}
}

// turn tells those who wait that something is known now; it is called with s.mu held.
func (s *subscriber) turn() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// list gives the app's subscriptions.
func (s *subscriber) list(ctx context.Context) ([]models.Subscriptionable, error) {
	var all []models.Subscriptionable
	address := s.a.app.base + opSubscriptions.Path
	for range 10_000 {
		page, err := follow[models.SubscriptionCollectionResponseable](ctx, s.a.app, opSubscriptions, address, nil, models.CreateSubscriptionCollectionResponseFromDiscriminatorValue)
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetValue()...)
		if address = value(page.GetOdataNextLink()); address == "" {
			break
		}
	}
	return all, nil
}

// remove deletes a subscription; one that is gone is no error.
func (s *subscriber) remove(ctx context.Context, id string) error {
	err := s.a.app.perform(ctx, opUnsubscribe, place{subscription: id}, nil)
	if bridge.KindOf(err) == bridge.Gone {
		return nil
	}
	return err
}

// create makes a subscription. When there is one already, it is looked whose it is.
func (s *subscriber) create(ctx context.Context, f *feed) error {
	s.a.app.tokens.dropOlder(freshToken)
	now, certificate := time.Now(), s.keys.Current()
	m := models.NewSubscription()
	m.SetChangeType(pointer("created,updated,deleted"))
	m.SetResource(pointer(f.resource))
	m.SetNotificationUrl(pointer(s.address("/messages")))
	m.SetLifecycleNotificationUrl(pointer(s.address("/lifecycle")))
	m.SetExpirationDateTime(pointer(s.a.longestLife(now)))
	m.SetClientState(pointer(s.clientState()))
	m.SetIncludeResourceData(pointer(true))
	m.SetEncryptionCertificate(pointer(certificate.Base64()))
	m.SetEncryptionCertificateId(pointer(certificate.ID))
	s.setMaking(true)
	defer s.setMaking(false)
	op := opSubscribe
	if f.person != "" {
		op = opSubscribeChats
	}
	made, err := call[models.Subscriptionable](ctx, s.a.app, op, place{}, m, models.CreateSubscriptionFromDiscriminatorValue)
	var answer *answerError
	if errors.As(err, &answer) && answer.status == 409 {
		return s.conflict(ctx, f, err)
	}
	if err != nil {
		return err
	}
	if value(made.GetId()) == "" {
		return errors.New(opSubscribe.Doing + ": the answer holds no id")
	}
	if err := s.remember(ctx, value(made.GetId())); err != nil {
		return err // it is found when it is tried again
	}
	s.reader.interrupt(f.covers) // as long as its id is not known, what it delivers waits
	s.mu.Lock()
	defer s.mu.Unlock()
	f.id, f.certificate, f.renewed, f.since = value(made.GetId()), certificate.ID, now, time.Time{}
	f.expires, f.authorised, f.muted = s.a.expiry(made, now), s.a.app.tokens.now().expires, false
	return nil
}

// remember stores that a subscription was made here.
func (s *subscriber) remember(ctx context.Context, id string) error {
	ids, err := s.a.madeSubscriptions(ctx)
	if err != nil {
		return err
	}
	return s.a.saveMadeSubscriptions(ctx, append(ids, id))
}

func (s *subscriber) setMaking(making bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.making = making
	s.turn()
}

func (s *subscriber) setReviving(f *feed, reviving bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.reviving = reviving
	s.turn()
}

// longestLife is until when a subscription is asked for, by Graph's clock.
func (a *account) longestLife(now time.Time) time.Time {
	return now.Add(a.clock.Ahead()).Add(subscriptionLife).UTC()
}

// expiry is what Graph answered, which may differ from what was asked for, by this machine's clock.
func (a *account) expiry(m models.Subscriptionable, now time.Time) time.Time {
	if t := m.GetExpirationDateTime(); t != nil {
		return t.Add(-a.clock.Ahead())
	}
	return now.Add(45 * time.Minute) // the least that there is
}

// conflict takes over the subscription that is in the way when it delivers here, as after a lost answer.
func (s *subscriber) conflict(ctx context.Context, f *feed, refused error) error {
	if err := s.adopt(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	id := f.id
	s.mu.Unlock()
	if id != "" {
		return s.renew(ctx, f, id)
	}
	return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("another installation has subscribed with this app registration: %w", bare(refused)),
		Hint: "give each installation of Causeway an app registration of its own"}
}

// renew lengthens the life of a subscription, renews its authorisation, and tells it of a new certificate.
func (s *subscriber) renew(ctx context.Context, f *feed, id string) error {
	s.a.app.tokens.dropOlder(freshToken)
	now, certificate := time.Now(), s.keys.Current()
	m := models.NewSubscription()
	m.SetExpirationDateTime(pointer(s.a.longestLife(now)))
	s.mu.Lock()
	changed := f.certificate != certificate.ID
	s.mu.Unlock()
	if changed {
		m.SetEncryptionCertificate(pointer(certificate.Base64()))
		m.SetEncryptionCertificateId(pointer(certificate.ID))
	}
	renewed, err := call[models.Subscriptionable](ctx, s.a.app, opRenew, place{subscription: id}, m, models.CreateSubscriptionFromDiscriminatorValue)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.renewed, f.certificate = now, certificate.ID
	f.expires, f.authorised = s.a.expiry(renewed, now), s.a.app.tokens.now().expires
	return nil
}
