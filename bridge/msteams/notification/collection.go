package notification

import (
	"errors"
	"fmt"
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

// Item is one notification. It keeps pieces of the body that it was read from.
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
	certificate, thumbprint  string
	data, dataKey, signature literal
}

// Rich tells whether the item brings its resource along, for [Keys.Open].
func (i *Item) Rich() bool { return i.rich }

// Certificate is the id of the certificate that the content was encrypted for, as it was named in the subscription.
func (i *Item) Certificate() string { return i.certificate }

// Parse reads the body of a delivery, of changes or of events in the life of subscriptions: both have the same form. It
// fails when the body is not a collection of notifications, and with a [LimitError] when there is too much of it; what
// is wrong with a single item stands in that. Members that are not known are passed over, and letters may be large or
// small as they like. The items keep pieces of the body, so it must not be changed afterwards.
func Parse(body []byte) (Collection, error) {
	if len(body) > MaxBody {
		return Collection{}, fmt.Errorf("reading notifications: the body %w", &LimitError{What: "bytes", Limit: MaxBody})
	}
	r := &reader{text: body}
	if r.peek() != '{' {
		if r.skip(); r.bad == nil {
			r.bad = errNoCollection
		}
		return Collection{}, r.bad
	}
	c, complete := Collection{}, false
	r.members(func(name []byte) {
		switch {
		case named(name, "value") && r.peek() == '[':
			complete = true
			c.Items = r.items(c.Items[:0])
		case named(name, "validationtokens") && r.peek() == '[':
			c.Tokens = r.tokens()
		default:
			r.skip()
		}
	})
	r.end()
	if r.bad == nil && !complete {
		r.bad = errNoCollection
	}
	if r.bad != nil {
		return Collection{}, r.bad
	}
	return c, nil
}

var errNoCollection = errors.New("reading notifications: the body is no collection of notifications")

func (r *reader) items(items []Item) []Item {
	r.elements(func() {
		if len(items) == MaxItems {
			r.bad = fmt.Errorf("reading notifications: the body %w", &LimitError{What: "items", Limit: MaxItems})
			return
		}
		items = append(items, Item{})
		r.item(&items[len(items)-1])
	})
	return items
}

func (r *reader) tokens() (tokens []string) {
	r.elements(func() {
		if len(tokens) == MaxTokens {
			r.bad = fmt.Errorf("reading notifications: the body %w", &LimitError{What: "validation tokens", Limit: MaxTokens})
			return
		}
		if r.null() {
			return
		}
		l, _ := r.string(MaxToken) // no text at all fails when it is verified
		tokens = append(tokens, l.text())
	})
	return tokens
}

// wrong notes the first thing that is wrong with an item.
func (i *Item) wrong(format string, args ...any) {
	if i.Err == nil {
		i.Err = fmt.Errorf("reading a notification: "+format, args...)
	}
}

// item reads one item.
func (r *reader) item(i *Item) {
	if r.peek() != '{' {
		r.skip()
		i.wrong("it is no object")
		return
	}
	var resource, odataID string
	r.members(func(name []byte) {
		switch {
		case named(name, "subscriptionid"):
			i.Subscription = strings.ToLower(r.member(i, "subscriptionId"))
		case named(name, "clientstate"):
			i.ClientState = r.member(i, "clientState")
		case named(name, "tenantid"):
			i.Tenant = strings.ToLower(r.member(i, "tenantId"))
		case named(name, "changetype"):
			i.Change = Change(strings.ToLower(r.member(i, "changeType")))
		case named(name, "lifecycleevent"):
			i.Lifecycle = lifecycle(r.member(i, "lifecycleEvent"))
		case named(name, "subscriptionexpirationdatetime"):
			i.Expires = moment(r.member(i, "subscriptionExpirationDateTime"))
		case named(name, "resource"):
			resource = r.member(i, "resource")
		case named(name, "resourcedata") && r.peek() == '{':
			odataID = r.resourceData(i)
		case named(name, "encryptedcontent") && r.peek() == '{':
			r.encryptedContent(i)
		default:
			r.skip()
		}
	})
	if r.bad == nil {
		i.complete(resource, odataID)
	}
}

// member reads a text of an item.
func (r *reader) member(i *Item, name string) string {
	l, err := r.string(maxText)
	if err != nil {
		i.wrong("%s %w", name, err)
		return ""
	}
	return l.text()
}

// resourceData reads the type of what has changed, and gives its address.
func (r *reader) resourceData(i *Item) (address string) {
	r.members(func(name []byte) {
		switch {
		case named(name, "@odata.type"):
			i.Type = strings.ToLower(strings.TrimPrefix(r.member(i, "@odata.type"), "#"))
		case named(name, "@odata.id"):
			address = r.member(i, "@odata.id")
		default:
			r.skip()
		}
	})
	return address
}

// encryptedContent finds the pieces. Whether they are complete and good is for [Keys.Open] to say.
func (r *reader) encryptedContent(i *Item) {
	i.rich = true
	r.members(func(name []byte) {
		switch {
		case named(name, "data"):
			i.data = r.piece(i, "data", MaxContent)
		case named(name, "datakey"):
			i.dataKey = r.piece(i, "dataKey", maxText)
		case named(name, "datasignature"):
			i.signature = r.piece(i, "dataSignature", maxText)
		case named(name, "encryptioncertificateid"):
			i.certificate = r.member(i, "encryptionCertificateId")
		case named(name, "encryptioncertificatethumbprint"):
			i.thumbprint = r.member(i, "encryptionCertificateThumbprint")
		default:
			r.skip()
		}
	})
}

func (r *reader) piece(i *Item, name string, limit int) literal {
	l, err := r.string(limit)
	if err != nil {
		i.wrong("%s %w", name, err)
	}
	return l
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
