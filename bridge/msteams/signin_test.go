package msteams

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
	"causeway/bridge/secret"
	"causeway/contrib/sim/teams"
)

func TestSignInAddress(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.account()
	text, err := a.SignIn(t.Context(), bridge.SignIn{Redirect: backURI, State: "a&b", Verifier: verifier})
	w.do(err)
	u, err := url.Parse(text)
	w.do(err)
	challenge := sha256.Sum256([]byte(verifier))
	graph := simURL + "/"
	want := url.Values{
		"client_id": {w.app.ClientID}, "response_type": {"code"}, "response_mode": {"query"}, "redirect_uri": {backURI}, "state": {"a&b"},
		"scope":  {graph + "User.Read " + graph + "ChannelMessage.Send " + graph + "ChannelMessage.ReadWrite " + graph + "Files.ReadWrite.All openid profile offline_access"},
		"prompt": {"select_account"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"nonce": {nonceOf(verifier)},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Path != "/"+w.tenant.ID+"/oauth2/v2.0/authorize" {
		t.Errorf("%s %s", u.Path, diff)
	}
	if strings.Contains(text, verifier) || strings.Contains(text, clientSecret) {
		t.Error("the address holds a secret")
	}
	w.settings.Cloud = "dod"
	if text, err := w.account().SignIn(t.Context(), signInOf("s")); err != nil || strings.Contains(text, changeMessages) {
		t.Errorf("where nothing can be changed: %s (%v)", text, err)
	}
	for _, bad := range []bridge.SignIn{{Redirect: backURI, Verifier: "short"}, {Redirect: backURI, Verifier: strings.Repeat("x", 129)}, {Verifier: verifier}} {
		if _, err := a.SignIn(t.Context(), bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestProve(t *testing.T) {
	for _, cloud := range []teams.Cloud{teams.Worldwide, teams.GCCHigh, teams.China} {
		w := peopleWorld(t, teams.Options{Cloud: cloud})
		w.settings.Cloud = string(cloud)
		a := w.connected()
		proof, err := a.Prove(t.Context(), signInOf("s"), w.signsIn(a, w.alice))
		w.do(err)
		want := bridge.Profile{
			Author: bridge.Author{ID: bridge.UserID(w.alice.ID), Name: "Alice Adams", Username: w.alice.UPN}, Email: w.alice.Mail, EmailProven: true,
		}
		if diff := cmp.Diff(want, proof.Profile); diff != "" {
			t.Error(diff)
		}
		if g, err := readGrant(proof.ID, proof.Grant); err != nil || !slices.Contains(g.Scopes, sendMessages) {
			t.Errorf("the grant is for %v (%v)", g.Scopes, err)
		}
	}
}

func TestProveWithACertificate(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	file, cert := certificate(t)
	w.app = w.tenant.AddApp(teams.AppConfig{Name: "Causeway", Certificate: cert, Roles: permissions(false), Scopes: permissions(true), Redirects: []string{backURI}})
	w.settings.ClientID, w.settings.ClientSecret, w.settings.ClientCertificateFile = w.app.ClientID, secret.Secret(""), file
	a := w.account()
	if _, err := a.Prove(t.Context(), signInOf("s"), w.signsIn(a, w.alice)); err != nil {
		t.Error(err)
	}
}

// TestWhoCannotBeConnected reads why.
func TestWhoCannotBeConnected(t *testing.T) {
	code := func(w *simWorld, a *account) string { return w.signsIn(a, w.alice) }
	for name, c := range map[string]struct {
		code  func(w *simWorld, a *account) string
		sign  func(*bridge.SignIn)
		kind  bridge.Kind
		scope bridge.Scope
		hint  string
	}{
		"a guest": {code: func(w *simWorld, a *account) string {
			return w.signsIn(a, w.tenant.AddGuest("Gina", "https://sts.windows.net/11111111-2222-3333-4444-555555555555/"))
		}, kind: bridge.Rejected, scope: bridge.ScopePerson, hint: guestHint},
		"a guest of whom the token does not say so": {code: func(w *simWorld, a *account) string { return w.signsIn(a, w.tenant.AddGuest("Gina", "")) },
			kind: bridge.Rejected, scope: bridge.ScopePerson, hint: guestHint},
		"a private account": {code: func(w *simWorld, a *account) string { return w.signsIn(a, w.tenant.AddGuest("Gina", "live.com")) },
			kind: bridge.Rejected, scope: bridge.ScopePerson, hint: "that is a private Microsoft account: " + personElsewhere},
		"without a licence": {code: func(w *simWorld, a *account) string { w.alice.SetLicensed(false); return w.signsIn(a, w.alice) },
			kind: bridge.Rejected, scope: bridge.ScopePerson, hint: "your account may not use Microsoft Teams: ask whoever administers Microsoft 365 in your organisation for a licence"},
		"the relay account": {code: func(w *simWorld, a *account) string { return w.signsIn(a, w.relay) },
			kind: bridge.Rejected, scope: bridge.ScopePerson, hint: "that is the account with which Causeway itself writes: sign in with your own"},
		"disabled meanwhile": {code: func(w *simWorld, a *account) string { c := w.signsIn(a, w.alice); w.alice.SetDisabled(true); return c },
			kind: bridge.Rejected, scope: bridge.ScopePerson, hint: personSwitchedOff},
		"a made up code": {code: func(*simWorld, *account) string { return "made-up" }, kind: bridge.Rejected, scope: bridge.ScopePerson, hint: "this sign-in cannot be used any more: begin again"},
		"a used code": {code: func(w *simWorld, a *account) string {
			c := w.signsIn(a, w.alice)
			_, err := a.Prove(w.Context(), signInOf("s"), c)
			w.do(err)
			return c
		}, kind: bridge.Rejected, scope: bridge.ScopePerson, hint: "this sign-in cannot be used any more: begin again"},
		"another verifier": {code: code, sign: func(s *bridge.SignIn) { s.Verifier += "x" }, kind: bridge.Rejected, scope: bridge.ScopePerson, hint: "this sign-in cannot be used any more: begin again"},
		"another address":  {code: code, sign: func(s *bridge.SignIn) { s.Redirect += "/" }, kind: bridge.Transient, scope: bridge.ScopeAccount, hint: hintBack},
		"a policy": {code: func(w *simWorld, a *account) string { w.sim.FailLogin(53003, 1); return "x" },
			kind: bridge.Rejected, scope: bridge.ScopePerson, hint: personPolicy},
		"the secret has ended": {code: func(w *simWorld, a *account) string { c := w.signsIn(a, w.alice); w.app.ExpireSecret(); return c },
			kind: bridge.Transient, scope: bridge.ScopeAccount, hint: loginVerdicts["AADSTS7000222"].hint},
		"the login service is out of order": {code: func(w *simWorld, a *account) string { w.sim.FailLogin(90033, 1); return "x" }, kind: bridge.Transient, scope: bridge.ScopePerson},
		"Graph is out of order": {code: func(w *simWorld, a *account) string {
			w.sim.Inject(teams.Fault{Template: "/me", Status: 503})
			return w.signsIn(a, w.alice)
		}, kind: bridge.Transient},
		"the configuration cannot be read": {code: func(w *simWorld, a *account) string {
			w.sim.Inject(teams.Fault{Template: "/{tenant}/v2.0/.well-known/openid-configuration", Status: 503})
			return w.signsIn(a, w.alice)
		}, kind: bridge.Transient, scope: bridge.ScopeAccount},
	} {
		t.Run(name, func(t *testing.T) {
			w := peopleWorld(t, teams.Options{})
			a := w.connected()
			s := signInOf("s")
			came := c.code(w, a)
			if c.sign != nil {
				c.sign(&s)
			}
			proof, err := a.Prove(t.Context(), s, came)
			isOf(t, "Prove", err, c.kind, c.scope)
			var e *bridge.Error
			if errors.As(err, &e) && e.Hint != c.hint {
				t.Errorf("the hint is %q, want %q", e.Hint, c.hint)
			}
			if proof.Grant != nil {
				t.Error("a grant was given all the same")
			}
		})
	}
}

// TestADisabledAccountSaysSo where Graph still answers.
func TestADisabledAccountSaysSo(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	code := w.signsIn(a, w.alice)
	w.replaceAnswer("/me", func(body map[string]any) { body["accountEnabled"] = false })
	_, err := a.Prove(t.Context(), signInOf("s"), code)
	isOf(t, "Prove", err, bridge.Rejected, bridge.ScopePerson)
	if !strings.Contains(err.Error(), personSwitchedOff) {
		t.Error(err)
	}
}

// replaceAnswer changes what comes back from addresses that end so.
func (w *simWorld) replaceAnswer(end string, change func(body map[string]any)) {
	w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err != nil || !strings.HasSuffix(r.URL.Path, end) || answer.StatusCode != 200 {
				return answer, err
			}
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				return nil, err
			}
			var body map[string]any
			if err := json.Unmarshal(text, &body); err != nil {
				return nil, err
			}
			change(body)
			if text, err = json.Marshal(body); err != nil {
				return nil, err
			}
			answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(string(text))), int64(len(text))
			return answer, nil
		})
	})
}

// forged is an id token with these claims changed; nil removes one.
func forged(token string, changes map[string]any) string {
	parts := strings.Split(token, ".")
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	claims := map[string]any{}
	_ = json.Unmarshal(text, &claims)
	for k, v := range changes {
		claims[k] = v
		if v == nil {
			delete(claims, k)
		}
	}
	text, _ = json.Marshal(claims)
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(text) + "." + parts[2]
}

// TestWhatTheLoginServiceGivesIsChecked, although it came straight from there.
func TestWhatTheLoginServiceGivesIsChecked(t *testing.T) {
	another := "11111111-2222-3333-4444-555555555555"
	claim := func(name string, v any) func(map[string]any) {
		return func(body map[string]any) {
			body["id_token"] = forged(body["id_token"].(string), map[string]any{name: v})
		}
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"no id token":          {func(b map[string]any) { delete(b, "id_token") }, "does not say who"},
		"no JWT":               {func(b map[string]any) { b["id_token"] = "x.y.z" }, "cannot be read"},
		"too long":             {func(b map[string]any) { b["id_token"] = strings.Repeat("x", 1<<17) }, "does not say who"},
		"another app's":        {claim("aud", another), "not for this app"},
		"another issuer":       {claim("iss", "https://login.example/"+another+"/v2.0"), "not from this login service"},
		"no issuer":            {claim("iss", nil), "not from this login service"},
		"another tenant":       {claim("tid", another), "another tenant"},
		"no tenant":            {claim("tid", nil), "another tenant"},
		"the private tenant":   {claim("tid", "9188040d-6c67-4c5b-b112-36a304b66dad"), "personal account"},
		"out of date":          {claim("exp", time.Now().Add(-time.Hour).Unix()), "out of date"},
		"without an end":       {claim("exp", nil), "out of date"},
		"not yet":              {claim("nbf", time.Now().Add(time.Hour).Unix()), "out of date"},
		"another sign-in's":    {claim("nonce", "x"), "another sign-in"},
		"no nonce":             {claim("nonce", nil), "another sign-in"},
		"no user":              {claim("oid", nil), "names no user"},
		"no user's id":         {claim("oid", "../me"), "names no user"},
		"another user":         {claim("oid", another), "different users"},
		"signed in elsewhere":  {claim("idp", "https://sts.windows.net/"+another+"/"), "guest"},
		"privately signed in":  {claim("idp", "live.com"), "personal account"},
		"a guest's name":       {claim("preferred_username", "a_b.example#EXT#@contoso.example"), "guest"},
		"no refresh token":     {func(b map[string]any) { delete(b, "refresh_token") }, "no refresh token"},
		"too little was given": {func(b map[string]any) { b["scope"] = "https://graph.microsoft.com/User.Read openid" }, "ChannelMessage.Send was not granted"},
	} {
		t.Run(name, func(t *testing.T) {
			w := peopleWorld(t, teams.Options{})
			a := w.connected()
			code := w.signsIn(a, w.alice)
			w.replaceAnswer("/token", c.change)
			proof, err := a.Prove(t.Context(), signInOf("s"), code)
			isOf(t, "Prove", err, bridge.Rejected, bridge.ScopePerson)
			var e *bridge.Error
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &e) || e.Hint == "" || proof.Grant != nil {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	// What is in order in other ways is taken.
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	for name, change := range map[string]func(map[string]any){
		"the tenant's own provider": claim("idp", "https://sts.windows.net/"+w.tenant.ID+"/"),
		"clocks that differ":        claim("exp", time.Now().Add(-time.Minute).Unix()),
		"no scopes named":           func(b map[string]any) { delete(b, "scope") },
		"a bigger permission": func(b map[string]any) {
			b["scope"] = "User.ReadWrite Group.ReadWrite.All ChannelMessage.ReadWrite Sites.ReadWrite.All"
		},
	} {
		t.Run(name, func(t *testing.T) {
			code := w.signsIn(a, w.alice)
			once := true
			w.replaceAnswer("/token", func(body map[string]any) {
				if once {
					change(body)
				}
				once = false
			})
			if _, err := a.Prove(t.Context(), signInOf("s"), code); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEveryRefusalIsOfThePersonOrTheApp walks through the whole table.
func TestEveryRefusalIsOfThePersonOrTheApp(t *testing.T) {
	ofTheApp := strings.Fields(`AADSTS65005 AADSTS650052 AADSTS650056 AADSTS650057 AADSTS70011 AADSTS28002 AADSTS500011 AADSTS7000215 AADSTS70002 AADSTS7000222
		AADSTS700027 AADSTS50012 AADSTS700024 AADSTS500133 AADSTS700016 AADSTS70001 AADSTS90002 AADSTS7000218 AADSTS50011 AADSTS500112 AADSTS9002327 AADSTS7000112
		invalid_scope invalid_resource invalid_client unauthorized_client invalid_request unsupported_grant_type`)
	for _, code := range slices.Sorted(maps.Keys(loginVerdicts)) {
		body := `{"error":"` + code + `"}`
		if strings.HasPrefix(code, "AADSTS") {
			body = `{"error":"some_error","error_description":"` + code + `: no"}`
		}
		refused := entra.ReadRefusal(400, http.Header{}, []byte(body))
		kept, proven := personRefused("renewing", refused), unproven(refused)
		switch {
		case loginVerdicts[code].remedy == tryLater:
			isOf(t, code, kept, bridge.Transient, bridge.ScopePerson)
			isOf(t, code, proven, bridge.Transient, bridge.ScopePerson)
		case slices.Contains(ofTheApp, code):
			isOf(t, code, kept, bridge.Transient, bridge.ScopeAccount)
			isOf(t, code, proven, bridge.Transient, bridge.ScopeAccount)
		default:
			isOf(t, code, kept, bridge.Unauthorised, bridge.ScopePerson)
			isOf(t, code, proven, bridge.Rejected, bridge.ScopePerson)
			var e *bridge.Error
			if errors.As(kept, &e) && (e.Hint == "" || strings.Contains(e.Hint, "causeway login")) {
				t.Errorf("%s: the hint is %q", code, e.Hint)
			}
		}
	}
	for code := range personHints {
		if _, known := loginVerdicts[code]; !known {
			t.Errorf("%s is in no table", code)
		}
	}
	err := personRefused("renewing", entra.ReadRefusal(400, http.Header{}, []byte(`{"error":"invalid_grant","error_description":"AADSTS999999: new"}`)))
	isOf(t, "a grant refused for a new reason", err, bridge.Unauthorised, bridge.ScopePerson)
	isOf(t, "no JSON", personRefused("renewing", entra.ReadRefusal(400, http.Header{}, []byte(`<html>`))), bridge.Transient, bridge.ScopeAccount)
	isOf(t, "no JSON, 503", personRefused("renewing", entra.ReadRefusal(503, http.Header{}, []byte(`<html>`))), bridge.Transient, bridge.ScopePerson)
}

// TestNoSecretOfPeopleIsShown in any error or at the most talkative level of the log.
func TestNoSecretOfPeopleIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{})
		a := w.connected()
		secrets := []string{clientSecret, verifier}
		var said []string
		try := func(err error) {
			if err != nil {
				said = append(said, err.Error())
			}
		}
		for range 3 {
			code := w.signsIn(a, w.alice)
			secrets = append(secrets, code)
			for range 2 {
				_, err := a.Prove(t.Context(), signInOf("s"), code)
				try(err)
			}
			alice := w.connects(a, w.alice)
			secrets = append(secrets, w.grant(alice).RefreshToken)
			for _, breaks := range []func(){
				func() {}, func() { w.sim.FailLogin(50173, 1) }, func() { w.sim.FailLogin(7000222, 1) }, func() { w.sim.Inject(teams.Fault{Template: "/me", Status: 401}) },
				func() { w.sim.Inject(teams.Fault{Template: tokenEndpoint, Drop: true}) }, func() { w.sim.Inject(teams.Fault{Template: "/me", Drop: true}) },
				func() { w.sim.WithdrawConsent(w.app, w.alice) },
			} {
				breaks()
				try(a.Verify(t.Context(), alice))
				_, err := a.Post(t.Context(), w.draftAs(alice, "x"))
				try(err)
				secrets = append(secrets, w.grant(alice).RefreshToken)
			}
			_, err := a.Empower(t.Context(), alice, []byte(`{"refresh_token":"`+w.grant(alice).RefreshToken+`"`))
			try(err)
			w.vault.put(t, bridge.PersonGrant(alice), "broken "+w.grant(alice).RefreshToken)
			try(a.Verify(t.Context(), alice))
			try(a.Release(t.Context(), alice))
		}
		secrets = append(secrets, w.wire.bearers()...)
		if len(said) < 20 || len(secrets) < 20 {
			t.Fatalf("%d errors and %d secrets", len(said), len(secrets))
		}
		said = append(said, w.log.String())
		for _, s := range secrets {
			if i := slices.IndexFunc(said, func(text string) bool { return strings.Contains(text, s) }); i >= 0 {
				t.Errorf("%.20s… is in %s", s, said[i])
			}
		}
	})
}

// TestWhateverTheLoginServiceAnswers is read without harm: answers in which bytes are changed, missing or repeated. It is no fuzz test since
// those compile the whole SDK anew.
func TestWhateverTheLoginServiceAnswers(t *testing.T) {
	a := newSimWorld(t, teams.Options{}).account()
	var body string
	a.login.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
	seeds := []string{
		`{"access_token":"x","expires_in":3599,"scope":"User.Read ChannelMessage.Send","refresh_token":"y","id_token":"a.b.c"}`,
		`{"error":"invalid_grant","error_description":"AADSTS50173: x","error_codes":[50173],"trace_id":"11111111-2222-3333-4444-555555555555"}`,
		`{"error":["x"],"error_codes":["a",{}],"expires_in":"1e9"}`, `<html>`, ``,
	}
	random := rand.New(rand.NewPCG(1, 2))
	taken, kinds := 0, map[bridge.Kind]int{}
	for n := range 20_000 {
		text := []byte(seeds[n%len(seeds)])
		for range random.IntN(4) {
			if at := random.IntN(len(text) + 1); at < len(text) {
				switch random.IntN(3) {
				case 0:
					text[at] = byte(random.IntN(256))
				case 1:
					text = slices.Delete(text, at, at+1+random.IntN(min(8, len(text)-at)))
				default:
					text = slices.Insert(text, at, text[at:at+1+random.IntN(min(8, len(text)-at))]...)
				}
			}
		}
		body = string(text)
		answer, err := a.login.token(t.Context(), map[string]string{"grant_type": "refresh_token"}, false)
		if g := answer.granted(); err == nil && (g.token == "" || g.life <= 0 || g.life > entra.Longest*time.Second) {
			t.Fatalf("%q gives a token for %v", body, g.life)
		} else if err == nil {
			taken++
		}
		kinds[bridge.KindOf(personRefused("renewing", entra.ReadRefusal(400, http.Header{}, text)))]++
	}
	if taken == 0 || len(kinds) != 2 || kinds[bridge.Transient] == 0 || kinds[bridge.Unauthorised] == 0 {
		t.Errorf("%d were taken; refusals were %v", taken, kinds)
	}
}
