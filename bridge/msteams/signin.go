package msteams

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/idtoken"
	"causeway/bridge/msteams/notification"
)

// SignIn gives the address of Entra's sign-in: authorization code with PKCE, for members of the account's tenant. People choose
// the account, so that nobody connects the one that somebody else left signed in.
func (a *account) SignIn(_ context.Context, s bridge.SignIn) (string, error) {
	if n := len(s.Verifier); n < 43 || n > 128 || s.Redirect == "" {
		return "", &bridge.Error{Kind: bridge.Rejected, Err: errors.New("signing a person in: there is no address to come back to, or no verifier")}
	}
	challenge := sha256.Sum256([]byte(s.Verifier))
	q := url.Values{
		"client_id": {a.login.clientID}, "response_type": {"code"}, "response_mode": {"query"}, "redirect_uri": {s.Redirect},
		"scope": {a.personScopes()}, "state": {s.State}, "nonce": {nonceOf(s.Verifier)}, "prompt": {"select_account"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	return a.login.base + "/oauth2/v2.0/authorize?" + q.Encode(), nil
}

// nonceOf ties the id token to the sign-in. It is seen by the browser, which the verifier is not: so it is made of it, the other way
// than the challenge.
func nonceOf(verifier string) string {
	sum := sha256.Sum256([]byte("nonce of " + verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// rejected is for those who cannot be connected; hint is for them.
func rejected(problem, hint string) error {
	return &bridge.Error{Kind: bridge.Rejected, Scope: bridge.ScopePerson, Hint: hint, Err: errors.New("signing a person in: " + problem)}
}

// Prove redeems the code, reads who signed in, and asks Graph for them with the token that was given.
func (a *account) Prove(ctx context.Context, s bridge.SignIn, code string) (bridge.Proof, error) {
	answer, err := a.login.token(ctx, map[string]string{
		"grant_type": "authorization_code", "code": code, "redirect_uri": s.Redirect, "code_verifier": s.Verifier, "scope": a.personScopes(),
	}, false)
	if err != nil {
		return bridge.Proof{}, unproven(err)
	}
	issuer, err := a.issuer(ctx)
	if err != nil {
		return bridge.Proof{}, err
	}
	who, err := a.whoSignedIn(answer.IDToken, issuer, nonceOf(s.Verifier))
	if err != nil {
		return bridge.Proof{}, err
	}
	if err := a.enough(answer); err != nil {
		return bridge.Proof{}, err
	}
	profile, err := a.signedIn(ctx, who, answer)
	if err != nil {
		return bridge.Proof{}, err
	}
	grant, err := json.Marshal(personGrant{RefreshToken: answer.RefreshToken, User: profile.ID, Scopes: answer.Scopes()})
	if err != nil {
		return bridge.Proof{}, fmt.Errorf("writing down a person's grant: %w", err)
	}
	return bridge.Proof{Profile: profile, Grant: grant}, nil
}

// issuer asks the login service how it signs its tokens: it does not follow from its address in every cloud.
func (a *account) issuer(ctx context.Context) (string, error) {
	login, tenant := strings.TrimSuffix(a.login.base, "/"+strings.ToLower(a.settings.TenantID)), strings.ToLower(a.settings.TenantID)
	address := notification.ConfigurationURL(login, tenant)
	body, err := a.login.get(ctx, address)
	if err != nil {
		return "", &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("signing a person in: fetching the OpenID configuration: %w", err)}
	}
	c, err := notification.ParseOpenID(body, address)
	if err != nil {
		return "", &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("signing a person in: %w", err)}
	}
	return strings.ReplaceAll(c.Issuer, "{tenantid}", tenant), nil
}

// whoSignedIn reads the id token, and says to those who cannot be connected why.
func (a *account) whoSignedIn(text, issuer, nonce string) (string, error) {
	id, err := idtoken.Read(text, idtoken.Wanted{Client: a.login.clientID, Issuer: issuer, Tenant: a.settings.TenantID, Nonce: nonce}, time.Now())
	if err == nil {
		return id, nil
	}
	hint := "something went wrong between Microsoft and Causeway: begin again"
	switch {
	case errors.Is(err, idtoken.ErrPersonal):
		hint = "that is a private Microsoft account: " + personElsewhere
	case errors.Is(err, idtoken.ErrForeign):
		hint = "that account belongs to another organisation: " + personElsewhere
	case errors.Is(err, idtoken.ErrGuest):
		hint = guestHint
	}
	return "", rejected(err.Error(), hint)
}

const guestHint = "you are a guest in this organisation, and guests cannot be connected: people there see you through the relay"

// enough makes sure that what was granted is all that is needed, and lasts.
func (a *account) enough(answer tokenAnswer) error {
	if answer.RefreshToken == "" {
		return rejected("the login service gave no refresh token", "Microsoft lets Causeway act for you for an hour only: ask whoever administers Microsoft 365 to allow the app offline_access")
	}
	if answer.Scope == "" {
		return nil
	}
	have := answer.Scopes()
	for _, p := range permissionsOf(func(op *Operation) bool { return op.Person && a.uses(op) }) {
		if !has(have, p) && !slices.ContainsFunc(more[p], func(m string) bool { return has(have, m) }) {
			return rejected("the permission "+p+" was not granted", personConsent)
		}
	}
	return nil
}

// signedIn asks Graph who signed in, with the token that came of it.
func (a *account) signedIn(ctx context.Context, id string, answer tokenAnswer) (bridge.Profile, error) {
	t := newTokens(hintConnectAgain, func(context.Context, string) (granted, error) {
		return granted{}, notConnected("signing a person in")
	})
	t.set(answer.granted())
	c, err := newClient(a.app.base, caller{user: id, person: true}, t, a.app.pacer, a.env.Called, a.network)
	if err != nil {
		return bridge.Profile{}, err
	}
	var me user
	if err := c.read(ctx, opPerson, c.base+opPerson.address(place{}), &me); err != nil {
		return bridge.Profile{}, err
	}
	p := me.profile()
	switch {
	case !strings.EqualFold(me.ID, id):
		return p, rejected("the tokens are of different users", "something went wrong between Microsoft and Causeway: begin again")
	case p.Standing.Guest:
		return p, rejected("a guest", guestHint)
	case p.Standing.Presence == bridge.Disabled:
		return p, rejected("a disabled account", personSwitchedOff)
	case p.Standing.Presence == bridge.Unlicensed:
		return p, rejected("an account without a licence for Teams", "your account may not use Microsoft Teams: ask whoever administers Microsoft 365 in your organisation for a licence")
	case a.relays.has(p.ID):
		return p, rejected("the relay account", "that is the account with which Causeway itself writes: sign in with your own")
	}
	return p, nil
}
