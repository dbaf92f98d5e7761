package teams_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"github.com/golang-jwt/jwt/v5"
)

const (
	graphDefault = "https://graph.microsoft.com/.default"
	deviceGrant  = "urn:ietf:params:oauth:grant-type:device_code"
)

// wantOAuth fails the test when a refusal of Entra is not the expected one.
func (r response) wantOAuth(t *testing.T, status int, code, aadsts string) {
	t.Helper()
	if r.status != status || r.text("error") != code || !strings.HasPrefix(r.text("error_description"), "AADSTS"+aadsts+":") {
		t.Fatalf("got %d %s, want %d %s %s", r.status, r.raw, status, code, aadsts)
	}
}

func TestClientCredentials(t *testing.T) {
	w := newWorld(t, teams.Options{})
	r := w.login(w.tokenPath(), "grant_type", "client_credentials", "client_id", w.app.ClientID, "client_secret", "s3cret", "scope", graphDefault).want(t, 200, "")
	if r.text("refresh_token") != "" || r.text("token_type") != "Bearer" || r.json("expires_in") != 3599.0 {
		t.Errorf("token: %s", r.raw)
	}
	w.get("/users", r.text("access_token")).want(t, 200, "")
	w.get("/me", r.text("access_token")).want(t, 400, "BadRequest")
	w.login("/"+w.tenant.Domain+"/oauth2/v2.0/token", "grant_type", "client_credentials", "client_id", w.app.ClientID, "client_secret", "s3cret", "scope", graphDefault).want(t, 200, "")

	good := map[string]string{"grant_type": "client_credentials", "client_id": w.app.ClientID, "client_secret": "s3cret", "scope": graphDefault}
	for _, c := range []struct {
		name, path, key, value string
		status                 int
		code, aadsts           string
	}{
		{"wrong secret", w.tokenPath(), "client_secret", "wrong", 401, "invalid_client", "7000215"},
		{"no secret", w.tokenPath(), "client_secret", "", 401, "invalid_client", "7000218"},
		{"unknown app", w.tokenPath(), "client_id", "nobody", 400, "unauthorized_client", "700016"},
		{"no app", w.tokenPath(), "client_id", "", 400, "invalid_request", "900144"},
		{"single scope", w.tokenPath(), "scope", "https://graph.microsoft.com/User.Read.All", 400, "invalid_scope", "1002012"},
		{"no scope", w.tokenPath(), "scope", "", 400, "invalid_request", "900144"},
		{"no grant", w.tokenPath(), "grant_type", "", 400, "invalid_request", "900144"},
		{"unknown grant", w.tokenPath(), "grant_type", "password", 400, "unsupported_grant_type", "70003"},
		{"unknown tenant", "/nowhere/oauth2/v2.0/token", "", "", 400, "invalid_request", "90002"},
		{"no tenant", "/common/oauth2/v2.0/token", "", "", 400, "invalid_request", "50059"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var form []string
			for k, v := range good {
				if k == c.key {
					v = c.value
				}
				form = append(form, k, v)
			}
			w.login(c.path, form...).wantOAuth(t, c.status, c.code, c.aadsts)
		})
	}
	w.app.ExpireSecret()
	w.login(w.tokenPath(), "grant_type", "client_credentials", "client_id", w.app.ClientID, "client_secret", "s3cret", "scope", graphDefault).wantOAuth(t, 401, "invalid_client", "7000222")
	w.app.SetSecret("new")
	w.login(w.tokenPath(), "grant_type", "client_credentials", "client_id", w.app.ClientID, "client_secret", "s3cret", "scope", graphDefault).wantOAuth(t, 401, "invalid_client", "7000215")
}

func TestAppOfAnotherTenantIsNotKnown(t *testing.T) {
	w := newWorld(t, teams.Options{})
	other := w.sim.AddTenant("Fabrikam")
	foreign := other.AddApp(teams.AppConfig{Secret: "x", Roles: allRoles})
	w.login(w.tokenPath(), "grant_type", "client_credentials", "client_id", foreign.ClientID, "client_secret", "x", "scope", graphDefault).wantOAuth(t, 400, "unauthorized_client", "700016")
	w.get("/teams/"+w.team.ID, w.sim.AppToken(foreign)).want(t, 404, "NotFound")
}

func TestSignedAssertion(t *testing.T) {
	w := newWorld(t, teams.Options{})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "causeway"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ok(t, err)
	cert, err := x509.ParseCertificate(der)
	ok(t, err)
	app := w.tenant.AddApp(teams.AppConfig{Certificate: cert, Roles: allRoles})
	thumbprint := sha1.Sum(der)
	audience := "http://login.test" + w.tokenPath()
	sign := func(change func(jwt.MapClaims, map[string]any)) string {
		claims := jwt.MapClaims{"aud": audience, "iss": app.ClientID, "sub": app.ClientID, "jti": "1",
			"nbf": w.clock.Now().Unix(), "exp": w.clock.Now().Add(time.Minute).Unix()}
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["x5t"] = base64.RawURLEncoding.EncodeToString(thumbprint[:])
		if change != nil {
			change(claims, token.Header)
		}
		text, err := token.SignedString(key)
		ok(t, err)
		return text
	}
	try := func(assertion string) response {
		return w.login(w.tokenPath(), "grant_type", "client_credentials", "client_id", app.ClientID, "scope", graphDefault,
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", assertion)
	}
	w.get("/users", try(sign(nil)).want(t, 200, "").text("access_token")).want(t, 200, "")
	for name, change := range map[string]func(jwt.MapClaims, map[string]any){
		"audience": func(c jwt.MapClaims, _ map[string]any) { c["aud"] = "http://elsewhere.test" },
		"issuer":   func(c jwt.MapClaims, _ map[string]any) { c["iss"] = "somebody" },
		"subject":  func(c jwt.MapClaims, _ map[string]any) { c["sub"] = "somebody" },
		"expired":  func(c jwt.MapClaims, _ map[string]any) { c["exp"] = w.clock.Now().Add(-time.Minute).Unix() },
		"no id":    func(c jwt.MapClaims, _ map[string]any) { delete(c, "jti") },
		"thumb":    func(_ jwt.MapClaims, h map[string]any) { h["x5t"] = "x" },
	} {
		t.Run(name, func(t *testing.T) { try(sign(change)).wantOAuth(t, 401, "invalid_client", "700027") })
	}
	text := sign(nil)
	try(text[:len(text)-8]+"AAAAAAAA").wantOAuth(t, 401, "invalid_client", "700027")
}

func TestDeviceCode(t *testing.T) {
	w := newWorld(t, teams.Options{})
	begin := func(scope string) (code, user string) {
		r := w.login("/"+w.tenant.ID+"/oauth2/v2.0/devicecode", "client_id", w.app.ClientID, "scope", scope).want(t, 200, "")
		if r.json("expires_in") != 900.0 || r.json("interval") != 5.0 || !strings.Contains(r.text("message"), r.text("user_code")) {
			t.Errorf("device code: %s", r.raw)
		}
		return r.text("device_code"), r.text("user_code")
	}
	poll := func(code string) response {
		return w.login(w.tokenPath(), "grant_type", deviceGrant, "client_id", w.app.ClientID, "device_code", code)
	}
	code, user := begin("offline_access ChannelMessage.Send https://graph.microsoft.com/ChannelMessage.Read.All")
	poll(code).wantOAuth(t, 400, "authorization_pending", "70016")
	if codes := w.sim.UserCodes(); len(codes) != 1 || codes[0] != user {
		t.Errorf("waiting codes: %v", codes)
	}
	ok(t, w.sim.ApproveDevice(user, w.bob))
	r := poll(code).want(t, 200, "")
	w.get(w.messages(), r.text("access_token")).want(t, 200, "")
	w.get("/users", r.text("access_token")).want(t, 403, "Forbidden")
	if r.text("refresh_token") == "" || strings.Count(r.text("id_token"), ".") != 2 {
		t.Errorf("tokens: %s", r.raw)
	}
	poll(code).wantOAuth(t, 400, "bad_verification_code", "70019")
	poll("made-up").wantOAuth(t, 400, "bad_verification_code", "70019")

	code, user = begin("ChannelMessage.Send")
	ok(t, w.sim.ApproveDevice(strings.ToLower(user), w.bob))
	if r := poll(code).want(t, 200, ""); r.text("refresh_token") != "" {
		t.Error("a refresh token without offline_access")
	}
	code, user = begin("ChannelMessage.Send")
	ok(t, w.sim.DeclineDevice(user))
	poll(code).wantOAuth(t, 400, "authorization_declined", "70018")
	code, user = begin("ChannelMessage.Send")
	w.clock.Add(15 * time.Minute)
	poll(code).wantOAuth(t, 400, "expired_token", "70020")
	if w.sim.ApproveDevice(user, w.bob) == nil {
		t.Error("an expired code could be approved")
	}
	path := "/" + w.tenant.ID + "/oauth2/v2.0/devicecode"
	w.login(path, "client_id", w.app.ClientID, "scope", "Foo.Bar").wantOAuth(t, 400, "invalid_scope", "70011")
	w.login(path, "client_id", w.app.ClientID, "scope", "Chat.Read").wantOAuth(t, 400, "invalid_grant", "65001")
	closed := w.tenant.AddApp(teams.AppConfig{Secret: "x", Scopes: allScopes})
	w.login(w.tokenPath(), "grant_type", deviceGrant, "client_id", closed.ClientID, "device_code", code).wantOAuth(t, 401, "invalid_client", "7000218")
}

func TestDevicePage(t *testing.T) {
	w := newWorld(t, teams.Options{})
	r := w.login("/"+w.tenant.ID+"/oauth2/v2.0/devicecode", "client_id", w.app.ClientID, "scope", "ChannelMessage.Send").want(t, 200, "")
	page := w.login("/devicelogin", "code", r.text("user_code"), "user", w.bob.UPN, "do", "approve").want(t, 200, "")
	if !strings.Contains(string(page.raw), "signed in as Bob") {
		t.Errorf("page: %s", page.raw)
	}
	w.login(w.tokenPath(), "grant_type", deviceGrant, "client_id", w.app.ClientID, "device_code", r.text("device_code")).want(t, 200, "")
	page = w.login("/devicelogin", "code", "XXXX", "user", w.bob.UPN, "do", "approve").want(t, 200, "")
	if !strings.Contains(string(page.raw), "did not work") {
		t.Errorf("page: %s", page.raw)
	}
}

func TestRefreshTokens(t *testing.T) {
	w := newWorld(t, teams.Options{})
	_, first := w.sim.SignIn(w.app, w.bob)
	use := func(refresh string, more ...string) response {
		return w.login(w.tokenPath(), append([]string{"grant_type", "refresh_token", "client_id", w.app.ClientID, "refresh_token", refresh}, more...)...)
	}
	r := use(first).want(t, 200, "")
	second := r.text("refresh_token")
	if second == "" || second == first {
		t.Fatalf("no new refresh token: %s", r.raw)
	}
	use(first).want(t, 200, "")
	use(second).want(t, 200, "")
	narrow := use(second, "scope", "ChannelMessage.Send").want(t, 200, "")
	w.get(w.messages(), narrow.text("access_token")).want(t, 403, "Forbidden")
	w.post(w.messages(), narrow.text("access_token"), hello).want(t, 201, "")
	use("made-up").wantOAuth(t, 400, "invalid_grant", "9002313")

	w.bob.SetDisabled(true)
	use(second).wantOAuth(t, 400, "invalid_grant", "50057")
	w.get(w.messages(), r.text("access_token")).want(t, 401, "InvalidAuthenticationToken")
	w.bob.SetDisabled(false)
	w.sim.RevokeUser(w.bob)
	use(second).wantOAuth(t, 400, "invalid_grant", "50173")
	w.get(w.messages(), r.text("access_token")).want(t, 401, "InvalidAuthenticationToken")

	_, old := w.sim.SignIn(w.app, w.bob)
	w.clock.Add(90 * 24 * time.Hour)
	use(old).wantOAuth(t, 400, "invalid_grant", "700082")
}

func TestAccessTokensEnd(t *testing.T) {
	w := newWorld(t, teams.Options{TokenLifetime: time.Minute})
	w.get("/users", "").want(t, 401, "InvalidAuthenticationToken")
	w.get("/users", "made-up").want(t, 401, "InvalidAuthenticationToken")
	w.clock.Add(59 * time.Second)
	w.get("/users", w.appToken).want(t, 200, "")
	w.clock.Add(time.Second)
	w.get("/users", w.appToken).want(t, 401, "InvalidAuthenticationToken")
	fresh := w.sim.AppToken(w.app)
	w.sim.RevokeApp(w.app)
	w.get("/users", fresh).want(t, 401, "InvalidAuthenticationToken")
	fresh = w.sim.AppToken(w.app)
	w.sim.ExpireAccessTokens()
	w.get("/users", fresh).want(t, 401, "InvalidAuthenticationToken")
	w.app.SetRoles("Team.ReadBasic.All")
	w.get("/users", w.sim.AppToken(w.app)).want(t, 403, "Forbidden")
	w.app.SetScopes("Team.ReadBasic.All")
	w.get("/users", w.as(w.bob)).want(t, 403, "Forbidden")
}
