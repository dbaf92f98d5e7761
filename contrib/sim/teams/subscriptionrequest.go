package teams

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"causeway/contrib/sim/teams/notify"
)

// The lifetimes of subscriptions to messages, by the page subscription.
const (
	shortestLife = 45 * time.Minute // what is shorter is moved there without a word
	longestLife  = 4320 * time.Minute
	// lifeWithoutURL is how long one may live that has no lifecycleNotificationUrl.
	lifeWithoutURL = time.Hour
	// maxText is the length of clientState and encryptionCertificateId.
	maxText = 128
)

var (
	createShape = shape{
		"changeType": nil, "notificationUrl": nil, "resource": nil, "expirationDateTime": nil, "clientState": nil, "includeResourceData": nil,
		"encryptionCertificate": nil, "encryptionCertificateId": nil, "lifecycleNotificationUrl": nil, "latestSupportedTlsVersion": nil,
		"notificationQueryOptions": nil, "notificationUrlAppId": nil,
	}
	renewShape = shape{"expirationDateTime": nil, "notificationUrl": nil, "encryptionCertificate": nil, "encryptionCertificateId": nil}
)

// subscriptionRequest is the body of POST and PATCH.
type subscriptionRequest struct {
	ChangeType    *string `json:"changeType"`
	URL           *string `json:"notificationUrl"`
	Resource      *string `json:"resource"`
	Expires       *string `json:"expirationDateTime"`
	ClientState   *string `json:"clientState"`
	Rich          *bool   `json:"includeResourceData"`
	Certificate   *string `json:"encryptionCertificate"`
	CertificateID *string `json:"encryptionCertificateId"`
	LifecycleURL  *string `json:"lifecycleNotificationUrl"`
	TLS           *string `json:"latestSupportedTlsVersion"`
	QueryOptions  *string `json:"notificationQueryOptions"`
	URLAppID      *string `json:"notificationUrlAppId"`
}

func invalid(format string, args ...any) *graphError {
	return refuse(http.StatusBadRequest, "InvalidRequest", format, args...)
}

func (c *call) readSubscription(allowed shape) (in subscriptionRequest, err error) {
	if err := allowed.check("", c.body); err != nil {
		return in, err
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return in, invalid("Could not process subscription creation payload. Are all property names spelled and camelCased properly?")
	}
	return in, nil
}

// newSubscription checks the body of a POST as far as no other subscription matters.
func (c *call) newSubscription() (*subscription, error) {
	in, err := c.readSubscription(createShape)
	if err != nil {
		return nil, err
	}
	for _, p := range []struct {
		name  string
		value *string
	}{
		{"changeType", in.ChangeType}, {"notificationUrl", in.URL}, {"resource", in.Resource},
		{"expirationDateTime", in.Expires},
		{"clientState", in.ClientState}, // choice: the reference has it optional, the delivery page takes it for given
	} {
		if p.value == nil || *p.value == "" {
			return nil, invalid("%s is a required property for subscription creation.", p.name)
		}
	}
	sub := &subscription{
		id: newGUID(), app: c.token.app, tenant: c.token.tenant, user: c.token.user, token: c.token,
		changeType: *in.ChangeType, clientState: *in.ClientState, tls: "v1_2", knowsUnknown: c.knowsUnknown(),
		rich: in.Rich != nil && *in.Rich,
	}
	if sub.resource, err = c.parseResource(*in.Resource); err != nil {
		return nil, err
	}
	if sub.changeTypes, err = changeTypes(*in.ChangeType); err != nil {
		return nil, err
	}
	if len(sub.clientState) > maxText {
		return nil, invalid("clientState must not be longer than %d characters.", maxText)
	}
	if in.TLS != nil {
		if sub.tls = *in.TLS; !slices.Contains([]string{"v1_0", "v1_1", "v1_2", "v1_3"}, sub.tls) {
			return nil, invalid("latestSupportedTlsVersion '%s' is not known.", sub.tls)
		}
	}
	if in.QueryOptions != nil || in.URLAppID != nil {
		return nil, invalid("notificationQueryOptions and notificationUrlAppId are not supported for this resource.")
	}
	if sub.url, err = c.sim.endpointURL("notificationUrl", *in.URL); err != nil {
		return nil, err
	}
	if in.LifecycleURL != nil {
		if sub.lifecycleURL, err = c.sim.endpointURL("lifecycleNotificationUrl", *in.LifecycleURL); err != nil {
			return nil, err
		}
	}
	if err := sub.certify(in, c.sim.opts.Now()); err != nil {
		return nil, err
	}
	return sub, sub.live(*in.Expires, c.sim.opts.Now())
}

func changeTypes(text string) (list []string, err error) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !slices.Contains([]string{"created", "updated", "deleted"}, part) || slices.Contains(list, part) {
			return nil, invalid("The changeType '%s' is not valid.", text)
		}
		list = append(list, part)
	}
	slices.Sort(list)
	return list, nil
}

// endpointURL checks a URL that is to be posted to: https, whole, and without a fragment or a login. Only where the
// stand-in's options say so may a loopback address have http.
func (s *Sim) endpointURL(name, text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return "", invalid("The %s '%s' is not a valid URL.", name, text)
	case u.Query().Has("validationToken"):
		return "", invalid("The %s must not have a validationToken of its own.", name)
	case u.Scheme == "https":
		return text, nil
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && s.opts.Webhooks.AllowHTTP && ip.IsLoopback() {
		return text, nil
	}
	return "", invalid("The %s must use the https scheme.", name)
}

// certify takes over the certificate for resource data.
func (sub *subscription) certify(in subscriptionRequest, now time.Time) error {
	switch {
	case in.Certificate == nil && in.CertificateID == nil && !sub.rich:
		return nil
	case in.Certificate == nil || *in.Certificate == "":
		return invalid("encryptionCertificate is a required property when includeResourceData is true.")
	case in.CertificateID == nil || *in.CertificateID == "":
		return invalid("encryptionCertificateId is a required property when includeResourceData is true.")
	case len(*in.CertificateID) > maxText:
		return invalid("encryptionCertificateId must not be longer than %d characters.", maxText)
	}
	cert, err := notify.ParseCertificate(*in.Certificate)
	switch {
	case err != nil:
		return invalid("The encryptionCertificate is not valid: %v.", err)
	case now.After(cert.NotAfter): // choice: nothing is said about expired ones
		return invalid("The encryptionCertificate is not valid: it has expired.")
	}
	sub.certificate, sub.certificateID = cert, *in.CertificateID
	return nil
}

// live sets when the subscription ends.
func (sub *subscription) live(text string, now time.Time) error {
	expires, err := time.Parse(time.RFC3339Nano, text)
	life := expires.Sub(now)
	switch {
	case err != nil:
		return invalid("The expirationDateTime '%s' is not valid.", text)
	case life <= 0:
		return refuse(http.StatusBadRequest, "ExtensionError", "Subscription expiration must be in the future.")
	case life > longestLife:
		return refuse(http.StatusBadRequest, "ExtensionError", "Subscription expiration can only be 4320 minutes in the future.")
	case life > lifeWithoutURL && sub.lifecycleURL == "":
		return invalid("lifecycleNotificationUrl is a required property for subscription creation on this resource when the expirationDateTime value is set to greater than 1 hour.")
	case life < shortestLife:
		expires = now.Add(shortestLife)
	}
	sub.expires = expires
	return nil
}
