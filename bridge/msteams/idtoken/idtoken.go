// Package idtoken reads the id tokens of Entra ID: who has signed in. A token comes straight from the token endpoint, so its signature
// says nothing more than the connection (OpenID Connect Core, 3.1.3.7); what it says is checked all the same. Source of the claims:
// Microsoft's page "ID token claims reference".
package idtoken

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What can be wrong. No error holds anything of the token.
var (
	ErrAbsent   = errors.New("the login service does not say who signed in")
	ErrUnread   = errors.New("the id token cannot be read")
	ErrInvalid  = errors.New("the id token is not for this app, not from this login service, or out of date")
	ErrElse     = errors.New("the id token belongs to another sign-in")
	ErrNobody   = errors.New("the id token names no user")
	ErrPersonal = errors.New("a personal account")
	ErrForeign  = errors.New("an account of another tenant")
	ErrGuest    = errors.New("a guest")
)

// Wanted is what a token must say.
type Wanted struct {
	// Client is the app, Issuer the login service as its OpenID configuration has it, Tenant where people must be at home, Nonce what
	// was sent with the sign-in.
	Client, Issuer, Tenant, Nonce string
}

const (
	// clockSkew is by how much the clocks of the login service and of this machine may differ.
	clockSkew = 5 * time.Minute
	// longest bounds what is read; real ones have 1 to 2 KB.
	longest = 64 << 10
	// personalTenant is where Microsoft's accounts for private use are.
	personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

type claims struct {
	jwt.RegisteredClaims
	Tenant   string `json:"tid"`
	Object   string `json:"oid"`
	Nonce    string `json:"nonce"`
	Provider string `json:"idp"`
	Username string `json:"preferred_username"`
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

// Read gives the object id of who signed in, or why they cannot be taken for a member of the tenant.
func Read(text string, want Wanted, now time.Time) (string, error) {
	if text == "" || len(text) > longest {
		return "", ErrAbsent
	}
	var c claims
	if _, _, err := jwt.NewParser().ParseUnverified(text, &c); err != nil {
		return "", ErrUnread
	}
	switch {
	case strings.EqualFold(c.Tenant, personalTenant):
		return "", ErrPersonal
	case !strings.EqualFold(c.Tenant, want.Tenant):
		return "", ErrForeign
	}
	valid := jwt.NewValidator(jwt.WithAudience(want.Client), jwt.WithIssuer(want.Issuer), jwt.WithExpirationRequired(), jwt.WithLeeway(clockSkew),
		jwt.WithTimeFunc(func() time.Time { return now }))
	switch {
	case valid.Validate(c) != nil:
		return "", ErrInvalid
	case want.Nonce == "" || c.Nonce != want.Nonce:
		return "", ErrElse
	case !guid.MatchString(c.Object):
		return "", ErrNobody
	}
	return c.Object, c.member(want)
}

// member makes sure that who signed in was signed in by the tenant itself. Of those that are at home elsewhere, the claim idp says by
// whom they were, and their user principal name that they are external.
func (c claims) member(want Wanted) error {
	provider := strings.ToLower(c.Provider)
	switch {
	case strings.Contains(provider, "live.com"), strings.Contains(provider, personalTenant):
		return ErrPersonal
	case provider != "" && c.Provider != want.Issuer && !strings.Contains(provider, strings.ToLower(want.Tenant)), External(c.Username):
		return ErrGuest
	}
	return nil
}

// External tells by a user principal name that somebody is at home in another organisation.
func External(upn string) bool { return strings.Contains(strings.ToUpper(upn), "#EXT#") }
