package teams_test

import (
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

func (w *world) document(method, address string) response {
	w.t.Helper()
	req, err := http.NewRequest(method, address, nil)
	ok(w.t, err)
	return w.roundTrip(req)
}

// keySet gives the published keys that the OpenID configuration of a tenant leads to.
func (w *world) keySet(configuration string) (issuer string, keys map[string]*rsa.PublicKey) {
	w.t.Helper()
	conf := w.document("GET", "http://login.test/"+configuration).want(w.t, 200, "")
	set := w.document("GET", conf.text("jwks_uri")).want(w.t, 200, "")
	keys = map[string]*rsa.PublicKey{}
	for i := range set.list("keys") {
		n, err := base64.RawURLEncoding.DecodeString(set.text("keys", i, "n"))
		ok(w.t, err)
		keys[set.text("keys", i, "kid")] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	return conf.text("issuer"), keys
}

func TestValidationTokensCanBeVerifiedByWhatIsPublished(t *testing.T) {
	for name, c := range map[string]struct {
		version1              bool
		cloud                 teams.Cloud
		configuration, caller string
		issuer                string
	}{
		"version 2":     {false, teams.Worldwide, "/v2.0/.well-known/openid-configuration", "azp", "https://login.microsoftonline.com/{}/v2.0"},
		"version 1":     {true, teams.GCC, "/.well-known/openid-configuration", "appid", "https://sts.windows.net/{}/"},
		"US government": {false, teams.GCCHigh, "/v2.0/.well-known/openid-configuration", "azp", "https://login.microsoftonline.us/{}/v2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := hooked(t, teams.Options{Cloud: c.cloud, Webhooks: teams.Webhooks{Version1Tokens: c.version1}})
			w.subscribe(nil)
			for range 2 {
				w.say(w.bob, "x")
				w.delivered()
				w.sim.RotateSigningKeys()
			}
			issuer, keys := w.keySet(w.tenant.ID + c.configuration)
			if want := strings.ReplaceAll(c.issuer, "{}", w.tenant.ID); issuer != want || len(keys) != 3 {
				t.Errorf("issuer %s, want %s; %d keys", issuer, want, len(keys))
			}
			used := map[any]bool{}
			for _, p := range r.all() {
				claims := jwt.MapClaims{}
				token, err := jwt.ParseWithClaims(p.body.Tokens[0], claims, func(t *jwt.Token) (any, error) {
					id, _ := t.Header["kid"].(string)
					return keys[id], nil
				}, jwt.WithIssuer(issuer), jwt.WithAudience(w.app.ClientID), jwt.WithTimeFunc(w.now))
				ok(t, err)
				used[token.Header["kid"]] = true
				if claims[c.caller] != notify.ChangeTracking || claims["tid"] != w.tenant.ID {
					t.Errorf("%v", claims)
				}
			}
			if len(used) != 2 {
				t.Errorf("%d keys signed", len(used))
			}
			w.sim.RetireSigningKeys()
			if _, keys := w.keySet(w.tenant.ID + c.configuration); len(keys) != 1 {
				t.Errorf("%d keys after retiring", len(keys))
			}
		})
	}
}

func TestOpenIDOfEveryTenant(t *testing.T) {
	w := newWorld(t, teams.Options{})
	issuer, _ := w.keySet("common/v2.0/.well-known/openid-configuration")
	if issuer != "https://login.microsoftonline.com/{tenantid}/v2.0" {
		t.Error(issuer)
	}
	conf := w.document("GET", "http://login.test/"+w.tenant.Domain+"/v2.0/.well-known/openid-configuration").want(t, 200, "")
	if conf.text("token_endpoint") != "http://login.test/"+w.tenant.Domain+"/oauth2/v2.0/token" || !strings.Contains(conf.text("issuer"), w.tenant.ID) {
		t.Error(string(conf.raw))
	}
	if r := w.document("GET", "http://login.test/nobody/v2.0/.well-known/openid-configuration"); r.status != 400 || !strings.Contains(r.text("error_description"), "AADSTS90002") {
		t.Errorf("%d %s", r.status, r.raw)
	}
	if r := w.document("POST", "http://login.test/common/discovery/v2.0/keys"); r.status != 405 {
		t.Errorf("%d", r.status)
	}
	if d := cmp.Diff([]teams.Request{{Template: "/{tenant}/discovery/v2.0/keys"}}, w.sim.Requests()[1:2], cmp.Comparer(func(a, b teams.Request) bool { return a.Template == b.Template })); d != "" {
		t.Error(d)
	}
}

func TestNullTokens(t *testing.T) {
	w, r := hooked(t, teams.Options{Webhooks: teams.Webhooks{NullTokens: true}})
	w.subscribe(nil)
	w.say(w.bob, "x")
	w.delivered()
	if p := r.all()[0]; !strings.Contains(string(p.raw), `"validationTokens":null`) {
		t.Errorf("%s", p.raw)
	}
}
