package msteams

import (
	"errors"
	"fmt"
	"net/http"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
)

// What people are told.
const (
	hintConnectAgain  = "connect again"
	personSwitchedOff = "your account at Microsoft is disabled: ask whoever administers Microsoft 365 in your organisation"
	personLocked      = "your account at Microsoft is locked: unlock it, or ask whoever administers Microsoft 365 in your organisation"
	personConsent     = "Causeway has not been allowed to act for you: connect again and accept, or ask whoever administers Microsoft 365 in your organisation to allow the app"
	personDeclined    = "you have not allowed Causeway to act for you: connect again and accept what Microsoft asks"
	personElsewhere   = "sign in with the account of your own organisation, the one that you use for Teams"
	personUnknown     = "Microsoft does not know your account in this organisation: connect again with the one that you use for Teams"
	personUnassigned  = "you may not use the app in Microsoft 365: ask whoever administers it to assign you to the app"
	personPolicy      = "a rule of your organisation forbids the sign-in: ask whoever administers Microsoft 365 there"
)

// personHints are the refusals of loginVerdicts that are about one person although an administrator must help, with what that
// person can do. What is neither here nor ends by signing in again is about the app and so about everybody.
var personHints = map[string]string{
	"AADSTS50057": personSwitchedOff, "AADSTS50053": personLocked,
	"AADSTS50034": personUnknown, "AADSTS50020": personElsewhere, "AADSTS51004": personElsewhere, "AADSTS90072": personElsewhere,
	"AADSTS500021": personElsewhere, "AADSTS500022": personElsewhere,
	"AADSTS50105": personUnassigned,
	"AADSTS50097": personPolicy, "AADSTS50129": personPolicy, "AADSTS50131": personPolicy, "AADSTS53000": personPolicy, "AADSTS53001": personPolicy,
	"AADSTS53002": personPolicy, "AADSTS53003": personPolicy, "AADSTS53004": personPolicy, "AADSTS53011": personPolicy, "AADSTS530035": personPolicy,
	"AADSTS65001": personConsent, "AADSTS90008": personConsent, "AADSTS90094": personConsent, "consent_required": personConsent,
	"AADSTS65004": personDeclined, "access_denied": personDeclined,
}

// personRefused gives what the login service said of one person's grant its kind. What is about the app, such as a client secret that
// has ended, says nothing of the person: they stay connected, and it is tried again.
func personRefused(doing string, err error) error {
	e := &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("%s: %w", doing, err)}
	var r *entra.Refusal
	if !errors.As(err, &r) {
		return e // the network
	}
	if r.Trace != "" {
		e.Trace = "trace_id " + r.Trace
	}
	v, key := judgeLogin(r), r.AADSTS
	if _, known := loginVerdicts[key]; !known {
		key = r.Code
	}
	hint, personal := personHints[key]
	switch {
	case v.remedy == tryLater:
		e.Scope = bridge.ScopePerson
		if r.Status == http.StatusTooManyRequests || r.HasAfter {
			e.Kind, e.After = bridge.Throttled, max(r.After, waitWhenUntold)
		}
	case personal:
		e.Kind, e.Scope, e.Hint = bridge.Unauthorised, bridge.ScopePerson, hint
	case v.remedy == signInAgain:
		e.Kind, e.Scope, e.Hint = bridge.Unauthorised, bridge.ScopePerson, hintConnectAgain
	default:
		e.Hint = v.hint
	}
	return e
}

// unproven gives what the login service said of a code its kind: nothing is kept yet that could be tried again, so what is about
// the person ends here.
func unproven(err error) error {
	var e *bridge.Error
	if err = personRefused("signing a person in", err); errors.As(err, &e) && e.Kind == bridge.Unauthorised {
		e.Kind = bridge.Rejected
		if e.Hint == hintConnectAgain {
			e.Hint = "this sign-in cannot be used any more: begin again"
		}
	}
	return err
}
