package msteams

import (
	"errors"
	"fmt"
	"net/http"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
)

// remedy is what helps after the login service has said no.
type remedy uint8

const (
	// signInAgain: the person whose token it is.
	signInAgain remedy = iota + 1
	// askAdministrator: whoever administers the directory, or Causeway's config.
	askAdministrator
	// tryLater: it passes by itself.
	tryLater
)

// loginVerdict is what a code of the login service means.
type loginVerdict struct {
	remedy remedy
	// hint is the next step, where there is a better one than the remedy's own.
	hint string
}

const (
	hintSecret  = "ClientSecret is wrong: take the secret's value, not its id"
	hintConsent = "an administrator must grant the app's permissions: Entra, app registration, API permissions, grant admin consent"
	hintMember  = "the account is not in this tenant: compare TenantID, and sign in as a member of it"
	hintPolicy  = "a conditional access policy of the tenant forbids it: Entra's sign-in logs name the policy; except the relay account and this app from it"
	hintBack    = "the address to which people are sent back must be registered: Entra, app registration, Authentication, Web, Redirect URIs, PublicURL with /connect/back"
	hintScope   = "a permission is not known to this cloud: compare Cloud, GraphURL and LoginURL"
	hintClock   = "the login service does not take the time of this machine: set its clock right"
)

// loginVerdicts is the one table of what the login service says no with: by AADSTS code, and where that is not here by
// OAuth error. Sources: Microsoft's pages "Microsoft Entra authentication and authorization error codes" and "OAuth 2.0
// authorization code flow".
var loginVerdicts = map[string]loginVerdict{
	// The grant is used up or revoked.
	"AADSTS70000": {signInAgain, ""}, "AADSTS70008": {signInAgain, ""}, "AADSTS700082": {signInAgain, ""}, "AADSTS700084": {signInAgain, ""},
	"AADSTS50173": {signInAgain, ""}, "AADSTS50132": {signInAgain, ""}, "AADSTS50133": {signInAgain, ""}, "AADSTS50089": {signInAgain, ""},
	"AADSTS54005": {signInAgain, ""}, "AADSTS501481": {signInAgain, ""},
	"AADSTS70018": {signInAgain, ""}, "AADSTS70019": {signInAgain, ""}, "AADSTS65004": {signInAgain, ""}, "AADSTS50058": {signInAgain, ""},
	// The person must show more than they did, or do something first.
	"AADSTS50074": {signInAgain, ""}, "AADSTS50076": {signInAgain, ""}, "AADSTS50078": {signInAgain, ""}, "AADSTS70043": {signInAgain, ""},
	"AADSTS50072": {signInAgain, ""}, "AADSTS50079": {signInAgain, ""}, "AADSTS50125": {signInAgain, ""}, "AADSTS50135": {signInAgain, ""},
	"AADSTS50055": {signInAgain, ""}, "AADSTS50144": {signInAgain, ""}, "AADSTS50158": {signInAgain, ""},

	// The account, or the policies for it.
	"AADSTS50057": {askAdministrator, "the account is disabled: enable it in Entra, or sign in as another one"},
	"AADSTS50053": {askAdministrator, "the account is locked, or this machine's address is blocked: Entra's sign-in logs say which"},
	"AADSTS50034": {askAdministrator, hintMember}, "AADSTS50020": {askAdministrator, hintMember}, "AADSTS51004": {askAdministrator, hintMember}, "AADSTS90072": {askAdministrator, hintMember},
	"AADSTS50105":  {askAdministrator, "the account is not assigned to the app: assign it in Entra, enterprise application, users and groups"},
	"AADSTS500021": {askAdministrator, "tenant restrictions on this network forbid this tenant"}, "AADSTS500022": {askAdministrator, "tenant restrictions on this network forbid this tenant"},
	"AADSTS50097": {askAdministrator, hintPolicy}, "AADSTS50129": {askAdministrator, hintPolicy}, "AADSTS50131": {askAdministrator, hintPolicy},
	"AADSTS53000": {askAdministrator, hintPolicy}, "AADSTS53001": {askAdministrator, hintPolicy}, "AADSTS53002": {askAdministrator, hintPolicy},
	"AADSTS53003": {askAdministrator, hintPolicy}, "AADSTS53004": {askAdministrator, hintPolicy}, "AADSTS53011": {askAdministrator, hintPolicy},
	"AADSTS530035": {askAdministrator, hintPolicy},
	// The app's permissions.
	"AADSTS65001": {askAdministrator, hintConsent}, "AADSTS65005": {askAdministrator, hintConsent}, "AADSTS650052": {askAdministrator, hintConsent},
	"AADSTS650056": {askAdministrator, hintConsent}, "AADSTS650057": {askAdministrator, hintConsent}, "AADSTS90008": {askAdministrator, hintConsent}, "AADSTS90094": {askAdministrator, hintConsent},
	"AADSTS70011": {askAdministrator, hintScope}, "AADSTS28002": {askAdministrator, hintScope}, "AADSTS500011": {askAdministrator, hintScope},
	// The app itself.
	"AADSTS7000215": {askAdministrator, hintSecret}, "AADSTS70002": {askAdministrator, hintSecret},
	"AADSTS7000222": {askAdministrator, "the client secret has expired: make a new one in Entra and put it into the config"},
	"AADSTS700027":  {askAdministrator, "Entra does not know the certificate: upload the one of ClientCertificateFile to the app registration"},
	"AADSTS50012":   {askAdministrator, "Entra does not take the certificate: upload the one of ClientCertificateFile to the app registration"},
	"AADSTS700024":  {askAdministrator, hintClock}, "AADSTS500133": {askAdministrator, hintClock},
	"AADSTS700016": {askAdministrator, "ClientID is not an app of this tenant: compare it and TenantID with the app's overview page in Entra"},
	"AADSTS70001":  {askAdministrator, "the app is disabled, or no app of this tenant: see the enterprise application in Entra"},
	"AADSTS90002":  {askAdministrator, "there is no such tenant: compare TenantID with the app's overview page in Entra, and Cloud"},
	"AADSTS50011":  {askAdministrator, hintBack}, "AADSTS500112": {askAdministrator, hintBack},
	"AADSTS9002327": {askAdministrator, hintBack}, // registered, but as a single-page application
	"AADSTS7000112": {askAdministrator, "the app is disabled: see the enterprise application in Entra"},
	"AADSTS7000218": {askAdministrator, `switch on "Allow public client flows" in the app registration, under Authentication`},

	// The service itself.
	"AADSTS90033": {tryLater, ""}, "AADSTS90024": {tryLater, ""}, "AADSTS90006": {tryLater, ""}, "AADSTS90012": {tryLater, ""},
	"AADSTS50033": {tryLater, ""}, "AADSTS50087": {tryLater, ""}, "AADSTS50088": {tryLater, ""}, "AADSTS50196": {tryLater, ""},
	"AADSTS50166": {tryLater, ""}, "AADSTS40010": {tryLater, ""}, "AADSTS80002": {tryLater, ""}, "AADSTS80005": {tryLater, ""}, "AADSTS80014": {tryLater, ""},

	"invalid_grant": {signInAgain, ""}, "interaction_required": {signInAgain, ""}, "login_required": {signInAgain, ""},
	"authorization_declined": {signInAgain, ""}, "expired_token": {signInAgain, ""}, "bad_verification_code": {signInAgain, ""},
	"consent_required": {askAdministrator, hintConsent}, "invalid_scope": {askAdministrator, hintScope}, "invalid_resource": {askAdministrator, hintScope},
	"invalid_client": {askAdministrator, ""}, "unauthorized_client": {askAdministrator, ""}, "invalid_request": {askAdministrator, ""},
	"access_denied": {askAdministrator, ""}, "unsupported_grant_type": {askAdministrator, ""},
	"temporarily_unavailable": {tryLater, ""}, "server_error": {tryLater, ""},
}

// judgeLogin finds what a refusal means.
func judgeLogin(r *entra.Refusal) loginVerdict {
	v, known := loginVerdicts[r.AADSTS]
	if !known {
		v, known = loginVerdicts[r.Code]
	}
	switch {
	case r.Status == http.StatusTooManyRequests || r.HasAfter || r.Status >= 500:
		return loginVerdict{remedy: tryLater}
	case !known:
		return loginVerdict{remedy: askAdministrator}
	}
	return v
}

// loginFailed gives what the login service said its kind and a next step; hint is that for whoever administers.
func (a *account) loginFailed(doing string, err error, hint string) error {
	e := &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("%s: %w", doing, err)}
	var r *entra.Refusal
	if !errors.As(err, &r) {
		return e // the network
	}
	if r.Trace != "" {
		e.Trace = "trace_id " + r.Trace
	}
	v := judgeLogin(r)
	switch v.remedy {
	case tryLater:
		if r.Status == http.StatusTooManyRequests || r.HasAfter {
			e.Kind, e.After = bridge.Throttled, max(r.After, waitWhenUntold)
		}
	case signInAgain:
		e.Kind, e.Hint = bridge.Unauthorised, a.loginHint()
	default:
		if e.Kind, e.Hint = bridge.Unauthorised, v.hint; e.Hint == "" {
			e.Hint = hint
		}
	}
	return e
}

// credentialsRefused tells whether the login service said no to the app's secret or certificate.
func credentialsRefused(err error) bool {
	var r *entra.Refusal
	return errors.As(err, &r) && r.Code == "invalid_client"
}
