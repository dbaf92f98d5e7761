package notify

import (
	"crypto/x509"
	"encoding/json"
	"strings"
	"time"
)

// TenantIssuer puts a tenant into the form of an issuer.
func TenantIssuer(form, tenant string) string { return strings.ReplaceAll(form, "{tenantid}", tenant) }

// Item is one notification of one subscription.
type Item struct {
	URL          string // where it is posted
	Subscription string
	App, Tenant  string
	ClientState  string
	Expires      time.Time // of the subscription

	// Lifecycle is the event of a lifecycle notification; the fields below are then empty.
	Lifecycle string

	ChangeType string // created, updated or deleted
	Resource   string // in the form of keys in parentheses
	ID         string // of the resource
	Type       string // such as chatMessage
	Reaction   bool   // the change is one of reactions
	// Plain is the resource as JSON; nil for a subscription without resource data.
	Plain         []byte
	Certificate   *x509.Certificate // what Plain is encrypted for
	CertificateID string
}

type resourceDataJSON struct {
	Type    string `json:"@odata.type"`
	ODataID string `json:"@odata.id"`
	ID      string `json:"id"`
}

type itemJSON struct {
	Subscription string            `json:"subscriptionId"`
	ChangeType   string            `json:"changeType,omitempty"`
	ClientState  string            `json:"clientState"`
	Expires      string            `json:"subscriptionExpirationDateTime"`
	Resource     string            `json:"resource,omitempty"`
	ResourceData *resourceDataJSON `json:"resourceData,omitempty"`
	Encrypted    *Encrypted        `json:"encryptedContent,omitempty"`
	Tenant       string            `json:"tenantId"`
	Lifecycle    string            `json:"lifecycleEvent,omitempty"`
}

type collectionJSON struct {
	Value  []itemJSON `json:"value"`
	Tokens *[]string  `json:"validationTokens,omitempty"`
}

// wire is the item as it is posted. The expiry has the offset form of the documented samples: "+00:00", seven digits.
func (it *Item) wire() (itemJSON, error) {
	out := itemJSON{
		Subscription: it.Subscription, ClientState: it.ClientState, Tenant: it.Tenant, Lifecycle: it.Lifecycle,
		Expires: it.Expires.UTC().Format("2006-01-02T15:04:05.0000000-07:00"),
	}
	if it.Lifecycle != "" {
		return out, nil
	}
	out.ChangeType, out.Resource = it.ChangeType, it.Resource
	out.ResourceData = &resourceDataJSON{Type: "#Microsoft.Graph." + it.Type, ODataID: it.Resource, ID: it.ID}
	if it.Plain != nil {
		sealed, err := Encrypt(it.Certificate, it.CertificateID, it.Plain)
		if err != nil {
			return out, err
		}
		out.Encrypted = sealed
	}
	return out, nil
}

// rich tells whether the item carries resource data, so that its post carries validation tokens.
func (it *Item) rich() bool { return it.Plain != nil }

// body is a whole post.
func body(items []itemJSON, tokens *[]string, nullTokens bool) []byte {
	var document any = collectionJSON{Value: items, Tokens: tokens}
	if nullTokens && tokens != nil {
		document = map[string]any{"value": items, "validationTokens": nil}
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic("teams stand-in: a notification cannot be encoded: " + err.Error()) // structs of texts
	}
	return text
}
