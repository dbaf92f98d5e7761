package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Forgery is a way in which a notification is not genuine.
type Forgery string

// Forged items go among genuine ones. What they hold is otherwise well formed, and encrypted for the right certificate:
// its public part is no secret.
const (
	WrongClientState   Forgery = "wrong client state"
	WrongSignature     Forgery = "wrong signature"     // dataSignature of something else
	WrongData          Forgery = "wrong data"          // no ciphertext at all
	ForeignTenant      Forgery = "foreign tenant"      // tenantId that no validation token is for
	UnknownCertificate Forgery = "unknown certificate" // an encryptionCertificateId that was never registered
	UnknownSubscriber  Forgery = "unknown subscription"
)

// Whole posts that are forged.
const (
	Garbage         Forgery = "garbage"         // not even JSON
	NoToken         Forgery = "no token"        // an empty list of validation tokens
	StrangersToken  Forgery = "stranger's key"  // signed by a key that is not published
	UnsignedToken   Forgery = "unsigned token"  // alg none
	WrongAudience   Forgery = "wrong audience"  // for another app
	WrongCaller     Forgery = "wrong caller"    // not from change tracking
	WrongIssuer     Forgery = "wrong issuer"    // of another tenant
	ExpiredToken    Forgery = "expired token"   // ran out an hour ago
	UnreadableToken Forgery = "unreadable text" // no token at all
)

// Forgeries lists all of them.
func Forgeries() []Forgery {
	return []Forgery{
		WrongClientState, WrongSignature, WrongData, ForeignTenant, UnknownCertificate, UnknownSubscriber,
		Garbage, NoToken, StrangersToken, UnsignedToken, WrongAudience, WrongCaller, WrongIssuer, ExpiredToken, UnreadableToken,
	}
}

// whole tells whether a whole post is forged, not an item of it.
func (f Forgery) whole() bool {
	return f != "" && !slices.Contains([]Forgery{
		WrongClientState, WrongSignature, WrongData, ForeignTenant, UnknownCertificate, UnknownSubscriber,
	}, f)
}

// ForgedText is what forged messages say, followed by the kind of forgery: it must never be seen elsewhere.
const ForgedText = "This message was forged."

// forge sends a forged companion of an item. The caller holds the lock.
func (e *Engine) forge(it *Item, f Forgery) {
	e.stats.Forged++
	e.enqueue(e.begins(&delivery{Item: forged(it, f), forgery: f}))
}

// Forge posts one forged notification at once, in one attempt, and gives the status of the answer.
func (e *Engine) Forge(ctx context.Context, it *Item, f Forgery) (status int, err error) {
	e.mu.Lock()
	e.stats.Forged++
	e.mu.Unlock()
	text, err := e.compose(&post{items: []*delivery{{Item: forged(it, f), forgery: f}}})
	if err != nil {
		return 0, fmt.Errorf("forging a notification: %w", err)
	}
	if e.conf.Observe != nil {
		e.conf.Observe(Post{URL: it.URL, Forged: true, Body: text})
	}
	status, _, _, err = e.request(ctx, it.URL, "application/json; charset=utf-8", text, e.conf.Acknowledge)
	return status, err
}

// forged makes another message of an item.
func forged(it *Item, f Forgery) *Item {
	out := *it
	id, err := strconv.ParseInt(it.ID, 10, 64)
	if err != nil {
		id = 1
	}
	out.ID = strconv.FormatInt(id+1, 10)
	if i := strings.LastIndex(out.Resource, "('"); i >= 0 {
		out.Resource = out.Resource[:i] + "('" + out.ID + "')"
	}
	var object map[string]any
	if json.Unmarshal(it.Plain, &object) == nil && object != nil {
		object["id"] = out.ID
		object["body"] = map[string]any{"contentType": "text", "content": ForgedText + " " + string(f)}
		if text, err := json.Marshal(object); err == nil {
			out.Plain = text
		}
	}
	return &out
}

// disguise changes what is posted as faults and forgeries have it.
func (d *delivery) disguise(out *itemJSON) {
	if d.capitals && out.ResourceData != nil {
		out.ChangeType = strings.ToUpper(out.ChangeType[:1]) + out.ChangeType[1:]
		out.ResourceData.Type = "#Microsoft.Graph." + strings.ToUpper(d.Type[:1]) + d.Type[1:]
	}
	switch d.forgery {
	case WrongClientState:
		out.ClientState = "guessed"
	case ForeignTenant:
		out.Tenant = "99999999-8888-4777-8666-555555555555"
	case UnknownSubscriber:
		out.Subscription = "11111111-2222-4333-8444-555555555555"
	case UnknownCertificate:
		if out.Encrypted != nil {
			out.Encrypted.CertificateID = "certificate of nobody"
		}
	case WrongSignature:
		if out.Encrypted != nil {
			out.Encrypted.DataSignature = base64.StdEncoding.EncodeToString(make([]byte, 32))
		}
	case WrongData:
		if out.Encrypted != nil {
			out.Encrypted.Data = "not base64 at all!"
		}
	}
}

// Forge makes the validation token of a forged post.
func (k *Keys) Forge(form TokenForm, f Forgery, now time.Time) string {
	k.mu.Lock()
	_, newest := k.numbers()
	k.mu.Unlock()
	key, claims := keyNumber(newest), maps.Clone(form.claims(now))
	switch f {
	case UnreadableToken:
		return "eyJ0eXAiOiJKV1QiLCJhbGciOiJSU..."
	case UnsignedToken:
		text, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
		if err != nil {
			panic(errors.Join(errors.New("teams stand-in: a token without signature"), err)) // cannot fail
		}
		return text
	case StrangersToken:
		key = strangersKey()
	case WrongAudience:
		claims["aud"] = "99999999-8888-4777-8666-555555555555"
	case WrongCaller:
		for _, name := range []string{"azp", "appid"} {
			if _, there := claims[name]; there {
				claims[name] = "99999999-8888-4777-8666-555555555555"
			}
		}
	case WrongIssuer:
		other := form
		other.Tenant = "99999999-8888-4777-8666-555555555555"
		claims["iss"], claims["tid"] = other.claims(now)["iss"], other.Tenant
	case ExpiredToken:
		old := now.Add(-tokenLife - time.Hour)
		claims["iat"], claims["nbf"], claims["exp"] = old.Unix(), old.Unix(), now.Add(-time.Hour).Unix()
	}
	return sign(claims, key)
}
