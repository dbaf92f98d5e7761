package notification

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// What one delivery may contain. Microsoft documents no limits; a message of Teams is about 28 KB, and Graph sends a
// handful of them at once.
const (
	// MaxBody is how many bytes a body may have. Whoever reads it should stop there and answer 413.
	MaxBody = 8 << 20
	// MaxItems is how many items a body may have.
	MaxItems = 1000
	// MaxTokens is how many validation tokens a body may have. There is one per app and tenant.
	MaxTokens = 64
	// MaxToken is how many bytes a validation token may have; real ones have about 1,500.
	MaxToken = 8 << 10
	// MaxContent is how many bytes the encrypted content of one item may have, as base64.
	MaxContent = 2 << 20
	// maxText is how many bytes any other text of an item may have.
	maxText = 2 << 10
)

// LimitError says what there was too much of.
type LimitError struct {
	// What is counted: "items", "bytes", …
	What  string
	Limit int
}

// Error names the limit.
func (e *LimitError) Error() string { return fmt.Sprintf("has more than %d %s", e.Limit, e.What) }

// Change is what happened to a resource, in small letters. It is a hint only: a deletion may arrive as an update, so the
// content decides. Values that are not listed here may come.
type Change string

// What Microsoft's schema lists.
const (
	Created Change = "created"
	Updated Change = "updated"
	Deleted Change = "deleted"
)

// Lifecycle is what happened to a subscription. Values that are not listed here may come, as they were written.
type Lifecycle string

// What Microsoft's schema lists.
const (
	// ReauthorizationRequired: renew the subscription soon, or it ends.
	ReauthorizationRequired Lifecycle = "reauthorizationRequired"
	// SubscriptionRemoved: make it again and read what was missed.
	SubscriptionRemoved Lifecycle = "subscriptionRemoved"
	// Missed: some notifications were lost. It is sent for Outlook only, never for Teams.
	Missed Lifecycle = "missed"
)

// Collection is one delivery.
type Collection struct {
	Items []Item
	// Tokens are the validation tokens; nil when there were none, or null in their place. One that is no text or too
	// long stands as "".
	Tokens []string
}

// Item is one notification.
type Item struct {
	// Err says why this item cannot be used; the other fields then hold what could be read of it.
	Err error
	// Subscription is the id of the subscription, in small letters.
	Subscription string
	// ClientState is what came as the subscription's secret. Compare it by [ClientStates.Valid] before all else.
	ClientState string
	// Tenant is the id of the tenant, in small letters.
	Tenant string
	// Lifecycle is empty for a change.
	Lifecycle Lifecycle
	// Change is empty for an event of the subscription's life.
	Change Change
	// Type is the type of the changed resource in small letters without #, as "microsoft.graph.chatmessage".
	Type string
	// Resource is what has changed.
	Resource Resource
	// Expires is when the subscription ends; zero when that was not said.
	Expires time.Time

	rich bool
	// certificate and thumbprint tell which key opens the content.
	certificate, thumbprint string
	// data, dataKey and signature are base64.
	data, dataKey, signature string
}

// Rich tells whether the item brings its resource along, for [Keys.Open].
func (i *Item) Rich() bool { return i.rich }

// Certificate is the id of the certificate that the content was encrypted for, as it was named in the subscription.
func (i *Item) Certificate() string { return i.certificate }

// Parse reads the body of a delivery, of changes or of events in the life of subscriptions: both have the same form. It
// fails when the body is not a collection of notifications, and with a [LimitError] when there is too much of it; what
// is wrong with a single item stands in that. Members that are not known are passed over, letters may be large or small
// as they like, and of two members with one name the last one counts.
func Parse(body []byte) (Collection, error) {
	if len(body) > MaxBody {
		return Collection{}, tooMany("bytes", MaxBody)
	}
	var d struct {
		Value            json.RawMessage `json:"value"`
		ValidationTokens json.RawMessage `json:"validationTokens"`
	}
	var mistyped *json.UnmarshalTypeError
	if err := json.Unmarshal(body, &d); errors.As(err, &mistyped) {
		return Collection{}, errNoCollection
	} else if err != nil {
		return Collection{}, fmt.Errorf("reading notifications: the body is not JSON: %w", err)
	}
	items, err := elements(d.Value, "items", MaxItems)
	if err != nil {
		return Collection{}, err
	}
	if items == nil {
		return Collection{}, errNoCollection
	}
	tokens, err := elements(d.ValidationTokens, "validation tokens", MaxTokens)
	if err != nil {
		return Collection{}, err
	}
	c := Collection{Items: make([]Item, len(items))}
	for n, text := range items {
		c.Items[n].read(text)
	}
	for _, text := range tokens {
		if token, ok := readToken(text); ok {
			c.Tokens = append(c.Tokens, token)
		}
	}
	return c, nil
}

var errNoCollection = errors.New("reading notifications: the body is no collection of notifications")

func tooMany(what string, limit int) error {
	return fmt.Errorf("reading notifications: the body %w", &LimitError{What: what, Limit: limit})
}

// elements takes a list apart; nil when it is none. It stops at the limit: a list of millions of small elements would
// take hundreds of megabytes.
func elements(list json.RawMessage, what string, limit int) ([]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(list))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, nil
	}
	all := []json.RawMessage{}
	for d.More() {
		if len(all) == limit {
			return nil, tooMany(what, limit)
		}
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return nil, fmt.Errorf("reading notifications: the body is not JSON: %w", err)
		}
		all = append(all, one)
	}
	return all, nil
}

// readToken tells that null is none. What is no text or too long is "", which fails when it is verified.
func readToken(text json.RawMessage) (token string, ok bool) {
	var t *string
	if err := json.Unmarshal(text, &t); err != nil {
		return "", true
	}
	if t == nil {
		return "", false
	}
	if len(*t) > MaxToken {
		return "", true
	}
	return *t, true
}

// written is an item as Graph writes it: changeNotification in Microsoft's schema.
type written struct {
	SubscriptionID                 string `json:"subscriptionId"`
	ClientState                    string `json:"clientState"`
	TenantID                       string `json:"tenantId"`
	ChangeType                     string `json:"changeType"`
	LifecycleEvent                 string `json:"lifecycleEvent"`
	SubscriptionExpirationDateTime string `json:"subscriptionExpirationDateTime"`
	Resource                       string `json:"resource"`
	ResourceData                   struct {
		Type string `json:"@odata.type"`
		ID   string `json:"@odata.id"`
	} `json:"resourceData"`
	EncryptedContent *struct {
		Data                            string `json:"data"`
		DataKey                         string `json:"dataKey"`
		DataSignature                   string `json:"dataSignature"`
		EncryptionCertificateID         string `json:"encryptionCertificateId"`
		EncryptionCertificateThumbprint string `json:"encryptionCertificateThumbprint"`
	} `json:"encryptedContent"`
}

// wrong notes the first thing that is wrong with an item.
func (i *Item) wrong(format string, args ...any) {
	if i.Err == nil {
		i.Err = fmt.Errorf("reading a notification: "+format, args...)
	}
}

// read fills in one item. A member of the wrong type leaves the others to be read.
func (i *Item) read(text json.RawMessage) {
	var w *written
	if err := json.Unmarshal(text, &w); err != nil {
		i.misread(err)
	}
	if w == nil { // null
		i.wrong("it is no object")
		return
	}
	i.Subscription = strings.ToLower(i.limited("subscriptionId", w.SubscriptionID, maxText))
	i.ClientState = i.limited("clientState", w.ClientState, maxText)
	i.Tenant = strings.ToLower(i.limited("tenantId", w.TenantID, maxText))
	i.Change = Change(strings.ToLower(i.limited("changeType", w.ChangeType, maxText)))
	i.Lifecycle = lifecycle(i.limited("lifecycleEvent", w.LifecycleEvent, maxText))
	i.Expires = moment(i.limited("subscriptionExpirationDateTime", w.SubscriptionExpirationDateTime, maxText))
	i.Type = strings.ToLower(strings.TrimPrefix(i.limited("@odata.type", w.ResourceData.Type, maxText), "#"))
	// Whether the pieces are complete and good is for [Keys.Open] to say.
	if e := w.EncryptedContent; e != nil {
		i.rich = true
		i.data = i.limited("data", e.Data, MaxContent)
		i.dataKey = i.limited("dataKey", e.DataKey, maxText)
		i.signature = i.limited("dataSignature", e.DataSignature, maxText)
		i.certificate = i.limited("encryptionCertificateId", e.EncryptionCertificateID, maxText)
		i.thumbprint = i.limited("encryptionCertificateThumbprint", e.EncryptionCertificateThumbprint, maxText)
	}
	i.complete(i.limited("resource", w.Resource, maxText), i.limited("@odata.id", w.ResourceData.ID, maxText))
}

// misread notes what kind of value stands in the wrong place.
func (i *Item) misread(err error) {
	var mistyped *json.UnmarshalTypeError
	if !errors.As(err, &mistyped) {
		i.wrong("%w", err)
		return
	}
	name := mistyped.Field // the path to it
	if _, inner, ok := strings.Cut(name, "."); ok {
		name = inner
	}
	switch {
	case name == "":
		i.wrong("it is no object")
	case mistyped.Type.Kind() == reflect.String:
		i.wrong("%s is no text", name)
	default:
		i.wrong("%s is no object", name)
	}
}

// limited gives a text, or none when it is too long.
func (i *Item) limited(name, text string, limit int) string {
	if len(text) > limit {
		i.wrong("%s %w", name, &LimitError{What: "bytes", Limit: limit})
		return ""
	}
	return text
}

// complete checks that nothing is missing, and reads the name of the resource. What the item itself names goes before
// the address beside its type: in Microsoft's own examples the two differ.
func (i *Item) complete(resource, odataID string) {
	switch {
	case i.Subscription == "":
		i.wrong("subscriptionId is missing")
	case i.Lifecycle != "":
		return
	case i.Change == "":
		i.wrong("changeType is missing")
	}
	if resource == "" {
		resource = odataID
	}
	if resource == "" {
		i.wrong("resource is missing")
		return
	}
	var err error
	if i.Resource, err = ParseResource(resource); err != nil {
		i.wrong("%w", err)
	}
}

// lifecycle gives known events in Microsoft's spelling.
func lifecycle(text string) Lifecycle {
	for _, known := range [...]Lifecycle{ReauthorizationRequired, SubscriptionRemoved, Missed} {
		if strings.EqualFold(text, string(known)) {
			return known
		}
	}
	return Lifecycle(text)
}

// moment reads a time; one that cannot be read counts as none, for nothing hangs on it.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
