package msteams

import (
	"context"
	"errors"
	"strings"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
)

// renewed gets tokens from a refresh token. Who signed in before direct conversations were carried may not have consented to what these need, and
// nobody else either: then it does without, since all else must go on.
func (a *account) renewed(ctx context.Context, claims, refresh string, public bool, scopes func(direct bool) string) (tokenAnswer, error) {
	ask := func(scope string) (tokenAnswer, error) {
		return a.login.token(ctx, withClaims(claims, map[string]string{"grant_type": "refresh_token", "refresh_token": refresh, "scope": scope}), public)
	}
	answer, err := ask(scopes(a.env.Direct))
	var r *entra.Refusal
	if a.env.Direct && errors.As(err, &r) && (personHints[r.AADSTS] == personConsent || personHints[r.Code] == personConsent) {
		if less, err := ask(scopes(false)); err == nil {
			return less, nil
		}
	}
	return answer, err
}

// scopes are the permissions that some calls need, in the form of the login service, and what else is asked for.
func (a *account) scopes(which func(*Operation) bool, direct bool, more ...string) string {
	var all []string
	for _, p := range permissionsOf(func(op *Operation) bool { return which(op) && a.uses(op) && (direct || !op.Direct) }) {
		all = append(all, a.graphScope(p))
	}
	return strings.Join(append(all, more...), " ")
}

func (a *account) personScopesFor(direct bool) string {
	return a.scopes(func(op *Operation) bool { return op.Person }, direct, "openid", "profile", "offline_access")
}

func (a *account) relayScopesFor(direct bool) string {
	return a.scopes(func(op *Operation) bool { return op.Relay && !op.Optional }, direct, "offline_access")
}

// personScopes are what people are asked to allow.
func (a *account) personScopes() string { return a.personScopesFor(a.env.Direct) }

// relayScopes are what the relay account is asked to consent to, and a refresh token.
func (a *account) relayScopes() string { return a.relayScopesFor(a.env.Direct) }

// withoutConsent is for calls that only direct conversations need: that they were not allowed ends nothing else.
func withoutConsent(e *bridge.Error, op *Operation, missing string) bool {
	if !op.Direct || missing == "" {
		return false
	}
	e.Kind, e.Scope = bridge.Unsupported, bridge.ScopePerson
	e.Hint = "connect again, and allow Causeway what direct messages need (it lacks " + missing + "), or have an administrator grant it for all"
	return true
}
