package msteams

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
	"causeway/contrib/sim/teams"
)

// TestEveryCodeOfTheLoginServiceHasItsRemedy walks through the whole table.
func TestEveryCodeOfTheLoginServiceHasItsRemedy(t *testing.T) {
	want := map[remedy]string{
		signInAgain: `AADSTS70000 AADSTS70008 AADSTS700082 AADSTS700084 AADSTS50173 AADSTS50132 AADSTS50133 AADSTS50089 AADSTS70018 AADSTS70019
			AADSTS65004 AADSTS50058 AADSTS50074 AADSTS50076 AADSTS50078 AADSTS70043 AADSTS50072 AADSTS50079 AADSTS50125 AADSTS50135 AADSTS50055
			AADSTS50144 AADSTS50158 AADSTS54005 AADSTS501481 invalid_grant interaction_required login_required authorization_declined expired_token bad_verification_code`,
		askAdministrator: `AADSTS50057 AADSTS50053 AADSTS50034 AADSTS50020 AADSTS51004 AADSTS50105 AADSTS500021 AADSTS500022 AADSTS50097 AADSTS50129
			AADSTS50131 AADSTS53000 AADSTS53001 AADSTS53002 AADSTS53003 AADSTS53004 AADSTS53011 AADSTS530035 AADSTS65001 AADSTS65005 AADSTS650052
			AADSTS650056 AADSTS650057 AADSTS50011 AADSTS500112 AADSTS9002327 AADSTS7000112 AADSTS90072 AADSTS90094 AADSTS90008 AADSTS70011 AADSTS28002 AADSTS500011 AADSTS7000215 AADSTS70002 AADSTS7000222 AADSTS700027
			AADSTS50012 AADSTS700024 AADSTS500133 AADSTS700016 AADSTS70001 AADSTS90002 AADSTS7000218 consent_required invalid_scope invalid_resource
			invalid_client unauthorized_client invalid_request access_denied unsupported_grant_type`,
		tryLater: `AADSTS90033 AADSTS90024 AADSTS90006 AADSTS90012 AADSTS50033 AADSTS50087 AADSTS50088 AADSTS50196 AADSTS50166 AADSTS40010
			AADSTS80002 AADSTS80005 AADSTS80014 temporarily_unavailable server_error`,
	}
	a := newSimWorld(t, teams.Options{}).account()
	seen := 0
	for remedy, codes := range want {
		for _, code := range strings.Fields(codes) {
			seen++
			body := fmt.Sprintf(`{"error":%q,"error_description":"no","error_codes":[0]}`, code)
			if strings.HasPrefix(code, "AADSTS") {
				// The error beside it says nothing that is known.
				body = fmt.Sprintf(`{"error":"some_error","error_description":"%s: no"}`, code)
			}
			err := a.loginFailed("signing in", entra.ReadRefusal(400, http.Header{}, []byte(body)), "ask whoever administers")
			var e *bridge.Error
			if !errors.As(err, &e) {
				t.Fatalf("%s is %T", code, err)
			}
			good := false
			switch remedy {
			case signInAgain:
				good = e.Kind == bridge.Unauthorised && e.Hint == "run: causeway login msteams.contoso"
			case askAdministrator:
				good = e.Kind == bridge.Unauthorised && e.Hint != "" && !strings.Contains(e.Hint, "causeway login")
			case tryLater:
				good = e.Kind == bridge.Transient && e.Hint == ""
			}
			if !good || e.Scope != bridge.ScopeAccount || !strings.Contains(e.Error(), code) {
				t.Errorf("%s: %v (%v, scope %d), want remedy %d", code, err, e.Kind, e.Scope, remedy)
			}
			if v := loginVerdicts[code]; v.remedy != remedy {
				t.Errorf("%s has remedy %d in the table, want %d", code, v.remedy, remedy)
			}
		}
	}
	if seen != len(loginVerdicts) {
		t.Errorf("the table has %d codes, %d were walked through", len(loginVerdicts), seen)
	}
	for _, n := range teams.LoginErrors() {
		if _, known := loginVerdicts[fmt.Sprintf("AADSTS%d", n)]; !known {
			t.Errorf("the stand-in knows AADSTS%d, the table does not", n)
		}
	}
}

// TestTheStatusOfTheLoginServiceCountsBeforeItsCode, and codes may stand in numbers alone.
func TestTheStatusOfTheLoginServiceCountsBeforeItsCode(t *testing.T) {
	a := newSimWorld(t, teams.Options{}).account()
	header := http.Header{"Retry-After": {"30"}}
	for _, c := range []struct {
		status int
		header http.Header
		body   string
		kind   bridge.Kind
		hint   string
	}{
		{503, nil, `{"error":"invalid_grant"}`, bridge.Transient, ""},
		{429, nil, `{"error":"invalid_grant"}`, bridge.Throttled, ""},
		{400, header, `{"error":"invalid_grant","error_codes":[50196]}`, bridge.Throttled, ""},
		{400, nil, `{"error":"invalid_grant","error_codes":[50057]}`, bridge.Unauthorised, "the account is disabled"},
		{400, nil, `{"error":"invalid_grant","error_codes":[50057],"error_description":"AADSTS700082: x"}`, bridge.Unauthorised, "causeway login"},
		{400, nil, `{"error":"invalid_grant","error_codes":["x"]}`, bridge.Unauthorised, "causeway login"},
		{400, nil, `{"error":"unheard_of"}`, bridge.Unauthorised, "look at the config"},
		{401, nil, `<html>`, bridge.Unauthorised, "look at the config"},
	} {
		err := a.loginFailed("signing in", entra.ReadRefusal(c.status, c.header, []byte(c.body)), "look at the config")
		if bridge.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.hint) || c.hint == "" && strings.Contains(err.Error(), "(") {
			t.Errorf("%d %s: %v (%v)", c.status, c.body, err, bridge.KindOf(err))
		}
	}
}

// TestNoRaceForTokens: many callers, tokens that are refused and run out meanwhile, and each refresh token is the newest.
func TestNoRaceForTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{TokenLifetime: time.Hour})
		newest := &newestRefresh{t: t, next: w.wire.next, vault: w.vault}
		w.wire.next = newest
		a := w.connected()
		var all sync.WaitGroup
		for n := range 16 {
			all.Go(func() {
				for range 50 {
					if _, err := a.me(t.Context()); err != nil && bridge.KindOf(err) != bridge.Unauthorised {
						t.Errorf("me: %v", err)
					}
					time.Sleep(time.Duration(n+1) * time.Minute)
				}
			})
		}
		all.Go(func() {
			for range 10 {
				time.Sleep(37 * time.Minute)
				w.sim.ExpireAccessTokens()
			}
		})
		all.Wait()
		if newest.renewals < 10 || newest.renewals > 40 || newest.atOnce > 1 {
			t.Errorf("%d renewals, %d at once", newest.renewals, newest.atOnce)
		}
	})
}

// newestRefresh sees that each renewal uses what the vault has, and that no two go on at once.
type newestRefresh struct {
	t     *testing.T
	next  http.RoundTripper
	vault *memoryVault

	mu            sync.Mutex
	under, atOnce int
	renewals      int
}

func (n *newestRefresh) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := drain(r)
	if err != nil || !strings.Contains(string(body), "grant_type=refresh_token") {
		return n.next.RoundTrip(r)
	}
	if saved := n.vault.login(n.t).RefreshToken; !strings.Contains(string(body), saved) {
		n.t.Error("a renewal does not use the newest refresh token")
	}
	n.mu.Lock()
	n.renewals++
	n.under++
	n.atOnce = max(n.atOnce, n.under)
	n.mu.Unlock()
	time.Sleep(time.Second) // the login service takes its time
	defer func() {
		n.mu.Lock()
		n.under--
		n.mu.Unlock()
	}()
	return n.next.RoundTrip(r)
}
