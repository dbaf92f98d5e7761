package teams

import (
	"cmp"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// ErrNoSubscription says that there is no such subscription, or nothing that it is for.
var ErrNoSubscription = errors.New("no such subscription, or no message in what it is for")

// SubscriptionLimits are the rules of subscriptions that a test may want smaller. The zero value has the documented
// ones.
type SubscriptionLimits struct {
	// PerConversation is how many an app may have for one channel or chat; 0 means 1.
	PerConversation int
	// PerUser is how many there may be for the chats of one user; 0 means 10.
	PerUser int
	// PerTenant is how many of Teams resources a tenant may have, of all apps together; 0 means 10,000.
	PerTenant int
	// PerPage is how many GET /subscriptions lists at once; 0 means 5 (choice).
	PerPage int
	// ReauthorizeBefore is how long before the access token or the subscription runs out reauthorizationRequired is sent;
	// 0 means 15 minutes (choice).
	ReauthorizeBefore time.Duration
}

func (l SubscriptionLimits) withDefaults() SubscriptionLimits {
	l.PerConversation = cmp.Or(l.PerConversation, 1)
	l.PerUser = cmp.Or(l.PerUser, 10)
	l.PerTenant = cmp.Or(l.PerTenant, 10_000)
	l.PerPage = cmp.Or(l.PerPage, 5)
	l.ReauthorizeBefore = cmp.Or(l.ReauthorizeBefore, 15*time.Minute)
	return l
}

// subscription is one subscription to changes of messages.
type subscription struct {
	id       string
	app      *App
	tenant   *Tenant
	user     *User // nil: made without a user
	resource resource

	changeTypes   []string
	changeType    string // as it was sent
	url           string
	lifecycleURL  string
	clientState   string
	tls           string
	rich          bool
	certificate   *x509.Certificate
	certificateID string
	knowsUnknown  bool // Prefer: include-unknown-enum-members was sent
	expires       time.Time

	token *token // what it delivers under
	asked bool   // reauthorizationRequired was sent under this token
	// When it was last renewed by PATCH and by reauthorize; the two should not be mixed.
	patched, reauthorized time.Time
}

// subscriptionJSON is a subscription as Graph shows it. The certificate is never shown.
type subscriptionJSON struct {
	Context       string  `json:"@odata.context,omitempty"`
	ID            string  `json:"id"`
	Resource      string  `json:"resource"`
	ApplicationID string  `json:"applicationId"`
	ChangeType    string  `json:"changeType"`
	ClientState   *string `json:"clientState"`
	URL           string  `json:"notificationUrl"`
	LifecycleURL  *string `json:"lifecycleNotificationUrl"`
	Expires       string  `json:"expirationDateTime"`
	CreatorID     string  `json:"creatorId"`
	TLS           string  `json:"latestSupportedTlsVersion"`
	Certificate   *string `json:"encryptionCertificate"`
	CertificateID *string `json:"encryptionCertificateId"`
	Rich          bool    `json:"includeResourceData"`
	QueryOptions  *string `json:"notificationQueryOptions"`
	URLAppID      *string `json:"notificationUrlAppId"`
}

// wire shows a subscription; a list leaves out the client state, as the documented sample does.
func (sub *subscription) wire(inList bool) subscriptionJSON {
	optional := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	out := subscriptionJSON{
		ID: sub.id, Resource: sub.resource.text, ApplicationID: sub.app.ClientID, ChangeType: sub.changeType,
		ClientState: &sub.clientState, URL: sub.url, LifecycleURL: optional(sub.lifecycleURL),
		Expires:   sub.expires.UTC().Format("2006-01-02T15:04:05.0000000Z"),
		CreatorID: sub.app.PrincipalID, TLS: sub.tls, CertificateID: optional(sub.certificateID), Rich: sub.rich,
	}
	if sub.user != nil {
		out.CreatorID = sub.user.ID
	}
	if inList {
		out.ClientState = nil
	}
	return out
}

// Subscription is a subscription as tests see it.
type Subscription struct {
	ID              string
	App             *App
	User            *User // nil: made without a user
	Resource        string
	ChangeType      string
	NotificationURL string
	LifecycleURL    string
	ClientState     string
	CertificateID   string
	Rich            bool
	Expires         time.Time
	// Paused says that the access token has run out, so that nothing is delivered.
	Paused bool
}

// Subscriptions lists what is subscribed now, in the order of creation.
func (s *Sim) Subscriptions() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	list := []Subscription{}
	for _, sub := range s.subs {
		list = append(list, Subscription{
			ID: sub.id, App: sub.app, User: sub.user, Resource: sub.resource.text, ChangeType: sub.changeType,
			NotificationURL: sub.url, LifecycleURL: sub.lifecycleURL, ClientState: sub.clientState,
			CertificateID: sub.certificateID, Rich: sub.rich, Expires: sub.expires, Paused: !s.authorized(sub),
		})
	}
	return list
}

// subscription finds one that has not expired; nil when there is none.
func (s *Sim) subscription(id string) *subscription {
	s.tick()
	i := slices.IndexFunc(s.subs, func(sub *subscription) bool { return sub.id == id })
	if i < 0 {
		return nil
	}
	return s.subs[i]
}

func (s *Sim) dropSubscription(sub *subscription) {
	s.subs = slices.DeleteFunc(s.subs, func(x *subscription) bool { return x == sub })
}
