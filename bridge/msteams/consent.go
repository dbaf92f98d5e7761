package msteams

import (
	"context"
	"errors"
	"strings"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
)

// extent is which of the permissions are asked for that came in later than the others.
type extent struct{ direct, files bool }

// extents are what is asked for, one after the other, until all of it has been consented to.
var extents = []extent{{true, true}, {false, true}, {true, false}, {false, false}}

// covers reports whether a call is among those that somebody is asked to allow.
func (e extent) covers(op *Operation) bool {
	return (e.direct || !op.Direct) && (e.files || op.Permission != writeFiles)
}

// renewed gets tokens from a refresh token. Who signed in before direct conversations or files were carried may not have consented to what these
// need, and nobody else either: then it does without, since all else must go on.
func (a *account) renewed(ctx context.Context, claims, refresh string, public bool, scopes func(extent) string) (answer tokenAnswer, err error) {
	asked := map[string]bool{}
	var refused error
	for _, e := range extents {
		scope := scopes(e)
		if asked[scope] {
			continue
		}
		asked[scope] = true
		answer, err = a.login.token(ctx, withClaims(claims, map[string]string{"grant_type": "refresh_token", "refresh_token": refresh, "scope": scope}), public)
		var r *entra.Refusal
		if !errors.As(err, &r) || personHints[r.AADSTS] != personConsent && personHints[r.Code] != personConsent {
			return answer, err
		}
		if refused == nil {
			refused = err
		}
	}
	return tokenAnswer{}, refused
}

// scopes are the permissions that some calls need, in the form of the login service, and what else is asked for.
func (a *account) scopes(which func(*Operation) bool, e extent, more ...string) string {
	var all []string
	for _, p := range permissionsOf(func(op *Operation) bool { return which(op) && a.uses(op) && e.covers(op) }) {
		all = append(all, a.graphScope(p))
	}
	return strings.Join(append(all, more...), " ")
}

func (a *account) personScopesFor(e extent) string {
	return a.scopes(func(op *Operation) bool { return op.Person }, e, "openid", "profile", "offline_access")
}

func (a *account) relayScopesFor(e extent) string {
	return a.scopes(func(op *Operation) bool { return op.Relay && !op.Optional }, e, "offline_access")
}

// personScopes are what people are asked to allow.
func (a *account) personScopes() string { return a.personScopesFor(extents[0]) }

// relayScopes are what the relay account is asked to consent to, and a refresh token.
func (a *account) relayScopes() string { return a.relayScopesFor(extents[0]) }

// withoutConsent is for calls that only direct conversations or files need: that they were not allowed ends nothing else.
func withoutConsent(e *bridge.Error, op *Operation, missing string) bool {
	if extents[len(extents)-1].covers(op) || missing == "" {
		return false
	}
	what := "files"
	if op.Direct {
		what = "direct messages"
	}
	e.Kind, e.Scope = bridge.Unsupported, bridge.ScopePerson
	e.Hint = "connect again, and allow Causeway what " + what + " need (it lacks " + missing + "), or have an administrator grant it for all"
	return true
}
