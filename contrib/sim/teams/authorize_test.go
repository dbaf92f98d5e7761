package teams_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams"
)

const (
	redirectURI  = "https://causeway.test/connect/back"
	testVerifier = "a-verifier-that-is-forty-three-characters-long"
)

// browserWorld has an app with a redirect URI.
func browserWorld(t *testing.T, opts teams.Options) *world {
	w := newWorld(t, opts)
	w.app.SetRedirects("https://causeway.test/other", redirectURI)
	return w
}

// authorization is the address of the authorization page; changes replace parameters, an empty value removes one.
func (w *world) authorization(tenant string, changes ...string) string {
	sum := sha256.Sum256([]byte(testVerifier))
	q := url.Values{
		"client_id": {w.app.ClientID}, "response_type": {"code"}, "response_mode": {"query"}, "redirect_uri": {redirectURI},
		"scope": {"ChannelMessage.Send openid offline_access"}, "state": {"st&te"}, "nonce": {"once"}, "prompt": {"select_account"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return "http://login.test/" + tenant + "/oauth2/v2.0/authorize?" + q.Encode()
}

// signIn goes through the page and gives what the browser brings back.
func (w *world) signIn(u *teams.User, changes ...string) url.Values {
	w.t.Helper()
	return w.back(w.sim.Authorize(w.authorization(w.tenant.ID, changes...), u))
}

func (w *world) back(address string, err error) url.Values {
	w.t.Helper()
	ok(w.t, err)
	u, err := url.Parse(address)
	ok(w.t, err)
	if !strings.HasPrefix(address, redirectURI+"?") {
		w.t.Errorf("sent back to %s", address)
	}
	return u.Query()
}

// redeem takes a code to the token endpoint.
func (w *world) redeem(code string, changes ...string) response {
	w.t.Helper()
	form := append([]string{"grant_type", "authorization_code", "client_id", w.app.ClientID, "client_secret", "s3cret", "code", code,
		"redirect_uri", redirectURI, "code_verifier", testVerifier}, changes...)
	return w.login(w.tokenPath(), form...)
}

func claimsOf(t *testing.T, r response) map[string]any {
	t.Helper()
	parts := strings.Split(r.text("id_token"), ".")
	if len(parts) != 3 {
		t.Fatalf("id_token: %s", r.raw)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	ok(t, err)
	var claims map[string]any
	ok(t, json.Unmarshal(text, &claims))
	return claims
}

func TestSigningInByBrowser(t *testing.T) {
	w := browserWorld(t, teams.Options{})
	back := w.signIn(w.bob)
	if back.Get("state") != "st&te" || back.Get("error") != "" {
		t.Errorf("back: %v", back)
	}
	r := w.redeem(back.Get("code")).want(t, 200, "")
	want := map[string]any{"aud": w.app.ClientID, "iss": "https://login.microsoftonline.com/" + w.tenant.ID + "/v2.0", "tid": w.tenant.ID,
		"oid": w.bob.ID, "sub": w.bob.ID, "name": "Bob", "preferred_username": w.bob.UPN, "nonce": "once", "ver": "2.0"}
	claims := claimsOf(t, r)
	for _, moment := range []string{"iat", "nbf", "exp"} {
		delete(claims, moment)
	}
	if d := cmp.Diff(want, claims); d != "" {
		t.Error(d)
	}
	w.post(w.messages(), r.text("access_token"), hello).want(t, 201, "")
	w.login(w.tokenPath(), "grant_type", "refresh_token", "client_id", w.app.ClientID, "refresh_token", r.text("refresh_token")).want(t, 200, "")

	if r := w.redeem(w.signIn(w.bob, "scope", "ChannelMessage.Send openid").Get("code")).want(t, 200, ""); r.text("refresh_token") != "" {
		t.Error("a refresh token without offline_access")
	}
	if back := w.signIn(nil); back.Get("error") != "access_denied" || back.Get("code") != "" || back.Get("state") != "st&te" {
		t.Errorf("declined: %v", back)
	}
}

func TestWhatABrowserTakesBackToTheApp(t *testing.T) {
	w := browserWorld(t, teams.Options{})
	for name, c := range map[string]struct {
		changes []string
		want    string
	}{
		"token":       {[]string{"response_type", "id_token"}, "unsupported_response_type"},
		"fragment":    {[]string{"response_mode", "fragment"}, "invalid_request"},
		"no scope":    {[]string{"scope", ""}, "invalid_request"},
		"bad scope":   {[]string{"scope", "Foo.Bar"}, "invalid_scope"},
		"no consent":  {[]string{"scope", "openid Chat.Read"}, "consent_required"},
		"no PKCE":     {[]string{"code_challenge_method", ""}, "invalid_request"},
		"plain PKCE":  {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"short PKCE":  {[]string{"code_challenge", "abc"}, "invalid_request"},
		"bad prompt":  {[]string{"prompt", "dance"}, "invalid_request"},
		"no question": {[]string{"prompt", "none"}, "interaction_required"},
	} {
		t.Run(name, func(t *testing.T) {
			back := w.signIn(w.bob, c.changes...)
			if back.Get("error") != c.want || back.Get("code") != "" || !strings.HasPrefix(back.Get("error_description"), "AADSTS") {
				t.Errorf("back: %v", back)
			}
		})
	}
}

func TestWhenTheBrowserIsKept(t *testing.T) {
	w := browserWorld(t, teams.Options{})
	other := w.sim.AddTenant("Fabrikam")
	stranger := other.AddUser("Stranger")
	gone := w.tenant.AddUser("Gone")
	gone.Delete()
	w.eve.SetDisabled(true)
	for name, c := range map[string]struct {
		who     *teams.User
		tenant  string
		changes []string
		want    string
	}{
		"another address":   {w.bob, w.tenant.ID, []string{"redirect_uri", redirectURI + "/"}, "AADSTS50011"},
		"no address":        {w.bob, w.tenant.ID, []string{"redirect_uri", ""}, "AADSTS50011"},
		"another app":       {w.bob, w.tenant.ID, []string{"client_id", "x"}, "AADSTS700016"},
		"no tenant":         {w.bob, "nowhere", nil, "AADSTS90002"},
		"one tenant's app":  {w.bob, "common", nil, "AADSTS50194"},
		"disabled":          {w.eve, w.tenant.ID, nil, "AADSTS50057"},
		"another's tenant":  {stranger, w.tenant.ID, nil, "AADSTS50034"},
		"deleted":           {gone, w.tenant.ID, nil, "AADSTS50034"},
		"of another tenant": {w.bob, other.ID, nil, "AADSTS700016"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.sim.Authorize(w.authorization(c.tenant, c.changes...), c.who)
			if !errors.Is(err, teams.ErrNotSentBack) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestThePageListsWhoCanSignIn(t *testing.T) {
	w := browserWorld(t, teams.Options{})
	w.tenant.AddUser(`Eve <script>alert(1)</script>`)
	page := string(w.document(http.MethodGet, w.authorization(w.tenant.ID)).want(t, 200, "").raw)
	for _, want := range []string{`value="` + w.ada.ID + `">Ada Lovelace (` + w.ada.UPN + ")", `value="decline"`, "<li>ChannelMessage.Send</li>", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	if strings.Contains(page, "<script") {
		t.Errorf("the page shows a name as HTML: %s", page)
	}
}

func TestCodesAreRedeemedOnceAndRightly(t *testing.T) {
	w := browserWorld(t, teams.Options{})
	code := w.signIn(w.bob).Get("code")
	w.redeem(code, "client_secret", "").wantOAuth(t, 401, "invalid_client", "7000218")
	w.redeem(code, "client_secret", "wrong").wantOAuth(t, 401, "invalid_client", "7000215")
	w.redeem(code, "code_verifier", "").wantOAuth(t, 400, "invalid_grant", "501481")
	w.redeem(code, "code_verifier", testVerifier+"x").wantOAuth(t, 400, "invalid_grant", "501481")
	w.redeem(code, "redirect_uri", "https://causeway.test/other").wantOAuth(t, 400, "invalid_grant", "500112")
	w.redeem(code, "redirect_uri", "").wantOAuth(t, 400, "invalid_request", "900144")
	w.redeem("made-up").wantOAuth(t, 400, "invalid_grant", "9002313")
	w.redeem(code, "scope", "ChannelMessage.Send ChannelMessage.Read.All").wantOAuth(t, 400, "invalid_grant", "65001")
	w.redeem(code).want(t, 200, "")
	w.redeem(code).wantOAuth(t, 400, "invalid_grant", "54005")

	code = w.signIn(w.bob).Get("code")
	w.bob.SetDisabled(true)
	w.redeem(code).wantOAuth(t, 400, "invalid_grant", "50057")
	w.bob.SetDisabled(false)
	w.clock.Add(10 * time.Minute)
	w.redeem(code).wantOAuth(t, 400, "invalid_grant", "70008")
	other := w.tenant.AddApp(teams.AppConfig{Secret: "x", Redirects: []string{redirectURI}, Scopes: allScopes})
	w.redeem(w.signIn(w.bob).Get("code"), "client_id", other.ClientID, "client_secret", "x").wantOAuth(t, 400, "invalid_grant", "9002313")
}

func TestGuestsAndPeopleOfOtherTenantsSignIn(t *testing.T) {
	w := browserWorld(t, teams.Options{})
	guest := w.tenant.AddGuest("Gina Guest", "live.com")
	if claims := claimsOf(t, w.redeem(w.signIn(guest).Get("code"))); claims["idp"] != "live.com" || claims["tid"] != w.tenant.ID {
		t.Errorf("a guest: %v", claims)
	}
	r := w.get("/users/"+guest.ID+"?$select=userType,assignedPlans,userPrincipalName", w.appToken).want(t, 200, "")
	if r.text("userType") != "Guest" || len(r.list("assignedPlans")) != 0 || !strings.Contains(r.text("userPrincipalName"), "#EXT#") {
		t.Errorf("a guest: %s", r.raw)
	}
	open := w.tenant.AddApp(teams.AppConfig{Secret: "x", Redirects: []string{redirectURI}, Scopes: allScopes, MultiTenant: true})
	stranger := w.sim.AddTenant("Fabrikam").AddUser("Stranger")
	back := w.back(w.sim.Authorize(w.authorization("common", "client_id", open.ClientID), stranger))
	w.redeem(back.Get("code"), "client_id", open.ClientID, "client_secret", "x").wantOAuth(t, 400, "invalid_grant", "50020")
}

func TestConsentIsWithdrawn(t *testing.T) {
	w := browserWorld(t, teams.Options{})
	refresh := w.redeem(w.signIn(w.bob).Get("code")).want(t, 200, "").text("refresh_token")
	use := func() response {
		return w.login(w.tokenPath(), "grant_type", "refresh_token", "client_id", w.app.ClientID, "client_secret", "s3cret", "refresh_token", refresh)
	}
	use().want(t, 200, "")
	w.sim.WithdrawConsent(w.app, w.bob)
	r := use()
	r.wantOAuth(t, 400, "invalid_grant", "65001")
	if r.text("suberror") != "consent_required" {
		t.Errorf("withdrawn: %s", r.raw)
	}
	w.signIn(w.bob)
	use().want(t, 200, "")
}
