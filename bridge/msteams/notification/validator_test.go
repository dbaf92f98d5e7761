package notification

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// login is the login service in the tests, with its clock.
type login struct {
	now  time.Time
	keys map[string]SigningKey
	err  error
	asks int
}

func newLogin() *login {
	return &login{now: noon, keys: map[string]SigningKey{"k1": {ID: "k1", Public: &signingKey().PublicKey}}}
}

func (l *login) key(_ context.Context, kid string) (SigningKey, error) {
	l.asks++
	if l.err != nil {
		return SigningKey{}, l.err
	}
	if k, ok := l.keys[kid]; ok {
		return k, nil
	}
	return SigningKey{}, ErrNoSuchKey
}

func (l *login) validator(t testing.TB, change func(*ValidatorOptions)) *Validator {
	t.Helper()
	o := ValidatorOptions{ClientID: testApp, LoginURL: testLogin, Keys: l.key, Now: func() time.Time { return l.now }}
	if change != nil {
		change(&o)
	}
	v, err := NewValidator(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// reason gives why an item of the tests' tenant is refused; 0 when it is not.
func reason(t testing.TB, v *Validator, tokens ...string) Reason {
	t.Helper()
	err := v.Verify(t.Context(), tokens).Check(testTenant)
	if err == nil {
		return 0
	}
	var e *TokenError
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	return e.Reason
}

func TestTokensOfBothVersionsPass(t *testing.T) {
	for _, version := range []string{"1.0", "2.0"} {
		l := newLogin()
		v := l.validator(t, nil)
		o := v.Verify(t.Context(), []string{goodToken(t, goodClaims(version))})
		if err := o.Check(testTenant); err != nil {
			t.Errorf("%s: %v", version, err)
		}
		if err := o.Check(strings.ToUpper(testTenant)); err != nil {
			t.Errorf("%s: %v", version, err)
		}
		if err := o.Check("84bd8158-6d4d-4958-8b9f-9d6445542f95"); err == nil {
			t.Errorf("%s vouches for others too", version)
		}
	}
}

// TestEveryMistakeOfATokenIsRefused for its own reason.
func TestEveryMistakeOfATokenIsRefused(t *testing.T) {
	const other = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	set := func(name string, value any) map[string]any { return map[string]any{name: value} }
	for _, version := range []string{"1.0", "2.0"} {
		good := goodClaims(version)
		caller := map[string]string{"1.0": "appid", "2.0": "azp"}[version]
		for _, c := range []struct {
			what    string
			changes map[string]any
			want    Reason
		}{
			{"nothing", nil, 0},
			{"no expiry", set("exp", nil), Expired},
			{"expired", set("exp", noon.Add(-leeway).Unix()), Expired},
			{"expired within the leeway", set("exp", noon.Add(-leeway+time.Second).Unix()), 0},
			{"an expiry of 0", set("exp", 0), Expired},
			{"an expiry that is text", set("exp", "tomorrow"), Malformed},
			{"not yet valid", set("nbf", noon.Add(leeway+time.Second).Unix()), NotYetValid},
			{"not yet valid within the leeway", set("nbf", noon.Add(leeway).Unix()), 0},
			{"no nbf", set("nbf", nil), 0},
			{"no audience", set("aud", nil), WrongAudience},
			{"another audience", set("aud", other), WrongAudience},
			{"an app id URI as audience", set("aud", "api://"+testApp), WrongAudience},
			{"an audience in capitals", set("aud", strings.ToUpper(testApp)), 0},
			{"an audience in a list", set("aud", []string{testApp}), 0},
			{"two audiences", set("aud", []string{testApp, other}), WrongAudience},
			{"an empty list of audiences", set("aud", []string{}), WrongAudience},
			{"no issuer", set("iss", nil), WrongIssuer},
			{"the issuer of another tenant", set("iss", strings.Replace(good["iss"].(string), testTenant, other, 1)), WrongIssuer},
			{"another issuer", set("iss", "https://evil.example/"+testTenant+"/v2.0"), WrongIssuer},
			{"an issuer with something behind", set("iss", good["iss"].(string)+"/"), WrongIssuer},
			{"an issuer with something before", set("iss", "x"+good["iss"].(string)), WrongIssuer},
			{"an issuer without TLS", set("iss", strings.Replace(good["iss"].(string), "https", "http", 1)), WrongIssuer},
			{"no tenant", set("tid", nil), WrongIssuer},
			{"a tenant that is no id", map[string]any{"tid": "x/../" + testTenant, "iss": strings.Replace(good["iss"].(string), testTenant, "x/../"+testTenant, 1)}, WrongIssuer},
			{"another tenant", set("tid", other), WrongIssuer},
			{"no version", set("ver", nil), WrongVersion},
			{"version 3.0", set("ver", "3.0"), WrongVersion},
			{"no caller", set(caller, nil), WrongCaller},
			{"another caller", set(caller, other), WrongCaller},
			{"the app itself as caller", set(caller, testApp), WrongCaller},
			{"a caller in capitals", set(caller, strings.ToUpper(ChangeTracking)), 0},
			{"the other version's caller", map[string]any{"azp": good["appid"], "appid": good["azp"]}, WrongCaller},
			{"the other version", set("ver", map[string]string{"1.0": "2.0", "2.0": "1.0"}[version]), WrongIssuer},
			{"claims of other kinds", set("tid", 7), Malformed},
		} {
			l := newLogin()
			got := reason(t, l.validator(t, nil), goodToken(t, with(good, c.changes)))
			if got != c.want {
				t.Errorf("%s, %s: %v, want %v", version, c.what, name(got), name(c.want))
			}
			if got != 0 && l.asks != 0 {
				t.Errorf("%s, %s: a key was asked for", version, c.what)
			}
		}
	}
}

func name(r Reason) string {
	if r == 0 {
		return "passed"
	}
	return r.String()
}

// TestEveryMistakeOfASignatureIsRefused, and no other algorithm than RS256 is.
func TestEveryMistakeOfASignatureIsRefused(t *testing.T) {
	claims := goodClaims("2.0")
	kid := map[string]any{"kid": "k1"}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&signingKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := goodToken(t, claims)
	parts := strings.Split(good, ".")
	mine, err := json.Marshal(map[string]any{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(other.N.Bytes()), "kid": "k1"})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(method jwt.SigningMethod, key any, header map[string]any) string {
		return signed(t, method, key, header, claims)
	}
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for what, c := range map[string]struct {
		token string
		want  Reason
	}{
		"the good one":                          {good, 0},
		"signed by another key":                 {sign(jwt.SigningMethodRS256, other, kid), BadSignature},
		"a key of its own in the header":        {sign(jwt.SigningMethodRS256, other, map[string]any{"kid": "k1", "jwk": json.RawMessage(mine), "jku": "https://evil.example", "x5u": "https://evil.example"}), BadSignature},
		"HS256 with the public key, DER":        {sign(jwt.SigningMethodHS256, der, kid), WrongAlgorithm},
		"HS256 with the public key, PEM":        {sign(jwt.SigningMethodHS256, publicPEM, kid), WrongAlgorithm},
		"none":                                  {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid), WrongAlgorithm},
		"None":                                  {encode(`{"alg":"None","kid":"k1"}`) + "." + parts[1] + ".", WrongAlgorithm},
		"no algorithm":                          {encode(`{"kid":"k1"}`) + "." + parts[1] + "." + parts[2], WrongAlgorithm},
		"an algorithm in small letters":         {encode(`{"alg":"rs256","kid":"k1"}`) + "." + parts[1] + "." + parts[2], WrongAlgorithm},
		"RS384":                                 {sign(jwt.SigningMethodRS384, signingKey(), kid), WrongAlgorithm},
		"PS256":                                 {sign(jwt.SigningMethodPS256, signingKey(), kid), WrongAlgorithm},
		"ES256":                                 {sign(jwt.SigningMethodES256, ec, kid), WrongAlgorithm},
		"no key id":                             {sign(jwt.SigningMethodRS256, signingKey(), nil), UnknownKey},
		"a key id that is no text":              {sign(jwt.SigningMethodRS256, signingKey(), map[string]any{"kid": 1}), UnknownKey},
		"a key id without end":                  {sign(jwt.SigningMethodRS256, signingKey(), map[string]any{"kid": strings.Repeat("k", maxKeyID+1)}), UnknownKey},
		"an unknown key id":                     {sign(jwt.SigningMethodRS256, signingKey(), map[string]any{"kid": "k2"}), UnknownKey},
		"something critical that is unknown":    {sign(jwt.SigningMethodRS256, signingKey(), map[string]any{"kid": "k1", "crit": []string{"exp"}}), Malformed},
		"no signature":                          {parts[0] + "." + parts[1] + ".", BadSignature},
		"two parts":                             {parts[0] + "." + parts[1], Malformed},
		"four parts":                            {good + ".x", Malformed},
		"five parts, as when encrypted":         {"a.b.c.d.e", Malformed},
		"empty":                                 {"", Malformed},
		"three dots":                            {"...", Malformed},
		"a header that is no JSON":              {encode("x") + "." + parts[1] + "." + parts[2], Malformed},
		"claims that are no JSON":               {parts[0] + "." + encode("x") + "." + parts[2], Malformed},
		"claims that are null":                  {parts[0] + "." + encode("null") + "." + parts[2], WrongVersion},
		"a signature that is not base64":        {parts[0] + "." + parts[1] + ".!!!", Malformed},
		"padded base64":                         {parts[0] + "." + parts[1] + "." + parts[2] + "==", Malformed},
		"Microsoft's placeholder":               {"<<--ValidationTokens-->>", Malformed},
		"too long":                              {strings.Repeat("a", MaxToken+1), Malformed},
		"the scheme before it":                  {"Bearer " + good, Malformed},
		"the claims of another, same signature": {parts[0] + "." + strings.Split(goodToken(t, goodClaims("1.0")), ".")[1] + "." + parts[2], BadSignature},
	} {
		l := newLogin()
		if got := reason(t, l.validator(t, nil), c.token); got != c.want {
			t.Errorf("%s: %v, want %v", what, name(got), name(c.want))
		}
		if asked := l.asks > 0; asked != (c.want == 0 || c.want == BadSignature || what == "an unknown key id") {
			t.Errorf("%s: a key was asked for: %t", what, asked)
		}
	}
	for i := range parts[2] { // each letter of the signature
		b := []byte(good)
		at := len(good) - len(parts[2]) + i
		if b[at]++; b[at] == 'Z'+1 || b[at] == 'z'+1 || b[at] == '9'+1 || b[at] == '-'+1 || b[at] == '_'+1 {
			b[at] = 'A'
		}
		if string(b) == good {
			t.Fatal("nothing was changed")
		}
		if got := reason(t, newLogin().validator(t, nil), string(b)); got != BadSignature && !(i == len(parts[2])-1 && got == Malformed) {
			t.Errorf("letter %d of the signature: %v", i, name(got))
		}
	}
}

func TestKeysThatMayNotSign(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	token := goodToken(t, goodClaims("2.0"))
	for what, c := range map[string]struct {
		key  SigningKey
		want Reason
	}{
		"one of 1,024 bits":             {SigningKey{Public: &small.PublicKey}, UnknownKey},
		"none":                          {SigningKey{}, UnknownKey},
		"one for all tenants":           {SigningKey{Public: &signingKey().PublicKey, Issuer: testLogin + "/{tenantid}/v2.0"}, 0},
		"one for all, of version 1.0":   {SigningKey{Public: &signingKey().PublicKey, Issuer: "https://sts.windows.net/{tenantid}/"}, 0},
		"one for this tenant":           {SigningKey{Public: &signingKey().PublicKey, Issuer: testLogin + "/" + testTenant + "/v2.0"}, 0},
		"the one for personal accounts": {SigningKey{Public: &signingKey().PublicKey, Issuer: testLogin + "/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"}, WrongIssuer},
		"one for nobody known":          {SigningKey{Public: &signingKey().PublicKey, Issuer: "://"}, WrongIssuer},
	} {
		l := newLogin()
		l.keys["k1"] = c.key
		if got := reason(t, l.validator(t, nil), token); got != c.want {
			t.Errorf("%s: %v, want %v", what, name(got), name(c.want))
		}
	}
}

func TestMissingTokensNameTheFix(t *testing.T) {
	v := newLogin().validator(t, nil)
	c := parse(t, `{"value":[{"subscriptionId":"s","changeType":"created","resource":"chats('c')","tenantId":"`+testTenant+`","encryptedContent":{}}],"validationTokens":null}`)
	err := v.Verify(t.Context(), c.Tokens).Check(c.Items[0].Tenant)
	var e *TokenError
	if !errors.As(err, &e) || e.Reason != NoTokens || e.Transient() || !strings.Contains(e.Hint, "Assignment required") || !strings.Contains(err.Error(), e.Hint) || !strings.Contains(e.Hint, ChangeTracking) {
		t.Errorf("%v", err)
	}
	if err := v.Verify(t.Context(), nil).Check(""); !errors.As(err, &e) || e.Reason != NoTenant {
		t.Errorf("%v", err)
	}
}

// TestATokenVouchesForItsTenantOnly: several tenants and apps share a delivery.
func TestATokenVouchesForItsTenantOnly(t *testing.T) {
	const second, third = "84bd8158-6d4d-4958-8b9f-9d6445542f95", "46d9e3bd-6309-4177-a016-b256a411e30f"
	of := func(tenant, app string, changes map[string]any) string {
		c := with(goodClaims("2.0"), map[string]any{"tid": tenant, "iss": testLogin + "/" + tenant + "/v2.0", "aud": app})
		return goodToken(t, with(c, changes))
	}
	foreign := of(testTenant, second, nil)
	expired := of(second, testApp, map[string]any{"exp": noon.Add(-time.Hour).Unix()})
	for _, c := range []struct {
		what   string
		tokens []string
		tenant string
		want   Reason
	}{
		{"its own, among those of others", []string{foreign, expired, "x", of(testTenant, testApp, nil)}, testTenant, 0},
		{"one that expired, among good ones", []string{"x", foreign, of(testTenant, testApp, nil), expired}, second, Expired},
		{"one that expired, behind another app's", []string{foreign, of(testTenant, testApp, map[string]any{"exp": noon.Add(-time.Hour).Unix()})}, testTenant, Expired},
		{"only for others", []string{of(testTenant, testApp, nil)}, third, OtherTenant},
		{"only another app's", []string{foreign}, testTenant, WrongAudience},
		{"only an unreadable one", []string{"x"}, third, Malformed},
	} {
		err := newLogin().validator(t, nil).Verify(t.Context(), c.tokens).Check(c.tenant)
		var e *TokenError
		if got := errors.As(err, &e); got != (c.want != 0) || got && e.Reason != c.want {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestUnavailableKeysAreNoVerdict(t *testing.T) {
	l := newLogin()
	v := l.validator(t, nil)
	token := goodToken(t, goodClaims("2.0"))
	cause := errors.New("connection refused")
	l.err = fmt.Errorf("%w: %w", ErrKeysUnavailable, cause)
	err := v.Verify(t.Context(), []string{"x", token}).Check(testTenant)
	var e *TokenError
	if !errors.As(err, &e) || e.Reason != KeysUnavailable || !e.Transient() || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	// Whose token it is may not be readable from it: then it is no verdict on others either.
	if err := v.Verify(t.Context(), []string{"x", token}).Check("46d9e3bd-6309-4177-a016-b256a411e30f"); !errors.As(err, &e) || !e.Transient() {
		t.Errorf("%v", err)
	}
	l.err = nil
	if got := reason(t, v, token); got != 0 {
		t.Errorf("afterwards: %v", got)
	}
}

// TestAVerifiedTokenCostsNothingMore until it expires.
func TestAVerifiedTokenCostsNothingMore(t *testing.T) {
	l := newLogin()
	v := l.validator(t, nil)
	token := goodToken(t, goodClaims("2.0"))
	for range 3 {
		if got := reason(t, v, token); got != 0 {
			t.Fatal(got)
		}
	}
	if l.asks != 1 {
		t.Errorf("the key was asked for %d times", l.asks)
	}
	l.now = noon.Add(8*time.Hour + time.Second)
	if got := reason(t, v, token); got != 0 || l.asks != 2 { // within the leeway, but looked at again
		t.Errorf("%v, asked %d times", name(got), l.asks)
	}
	l.now = noon.Add(8*time.Hour + leeway)
	if got := reason(t, v, token); got != Expired {
		t.Errorf("after its end: %v", name(got))
	}
	l.now = noon
	bad := token[:len(token)-4] + "AAAA"
	for range 2 {
		if got := reason(t, v, bad); got != BadSignature {
			t.Errorf("a bad token: %v", name(got))
		}
	}
	for i := range verifiedKept + 50 {
		if got := reason(t, v, goodToken(t, with(goodClaims("2.0"), map[string]any{"uti": fmt.Sprint(i)}))); got != 0 {
			t.Fatal(got)
		}
	}
	if n := v.verified.Len(); n != verifiedKept {
		t.Errorf("%d tokens are remembered", n)
	}
}

func TestNationalClouds(t *testing.T) {
	for _, c := range []struct{ login, issuerV1, iss, ver string }{
		{"https://login.microsoftonline.us", "", "https://login.microsoftonline.us/" + testTenant + "/v2.0", "2.0"},
		{"https://login.microsoftonline.us/", "", "https://sts.windows.net/" + testTenant + "/", "1.0"},
		{"https://login.chinacloudapi.cn", "", "https://login.partner.microsoftonline.cn/" + testTenant + "/v2.0", "2.0"},
		{"https://login.chinacloudapi.cn", "", "https://sts.chinacloudapi.cn/" + testTenant + "/", "1.0"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/" + testTenant + "/", "1.0"},
		{"http://127.0.0.1:8080/login/", "", "http://127.0.0.1:8080/login/" + testTenant + "/v2.0", "2.0"},
	} {
		v := newLogin().validator(t, func(o *ValidatorOptions) { o.LoginURL, o.IssuerV1 = c.login, c.issuerV1 })
		if got := reason(t, v, goodToken(t, with(goodClaims(c.ver), map[string]any{"iss": c.iss}))); got != 0 {
			t.Errorf("%s: %v", c.iss, name(got))
		}
		if got := reason(t, v, goodToken(t, goodClaims("2.0"))); got != WrongIssuer {
			t.Errorf("%s takes tokens of the worldwide cloud: %v", c.login, name(got))
		}
	}
}

func TestAValidatorThatCouldPassNothingIsRefused(t *testing.T) {
	good := ValidatorOptions{ClientID: testApp, LoginURL: testLogin, Keys: newLogin().key, Now: time.Now}
	for _, change := range []func(*ValidatorOptions){
		func(o *ValidatorOptions) { o.ClientID = "" },
		func(o *ValidatorOptions) { o.ClientID = "causeway" },
		func(o *ValidatorOptions) { o.LoginURL = "" },
		func(o *ValidatorOptions) { o.LoginURL = "login.microsoftonline.com" },
		func(o *ValidatorOptions) { o.LoginURL = "http://[" },
		func(o *ValidatorOptions) { o.Keys = nil },
		func(o *ValidatorOptions) { o.Now = nil },
	} {
		o := good
		change(&o)
		if _, err := NewValidator(o); err == nil {
			t.Errorf("%+v passes", o)
		}
	}
}

// TestTokensNeverStandInErrors, nor do parts of them.
func TestTokensNeverStandInErrors(t *testing.T) {
	good := goodToken(t, goodClaims("2.0"))
	parts := strings.Split(good, ".")
	for _, token := range []string{good + ".x", parts[0] + "." + parts[1] + "." + parts[2][:40], parts[0] + "." + parts[1], "Bearer " + good, goodToken(t, with(goodClaims("2.0"), map[string]any{"aud": "secret-aud"}))} {
		err := newLogin().validator(t, nil).Verify(t.Context(), []string{token}).Check(testTenant)
		if err == nil {
			t.Fatal("it passed")
		}
		for _, part := range append(parts, "secret-aud") {
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), part[:min(len(part), 10)]) {
				t.Errorf("%v", err)
			}
		}
	}
}

func TestEveryReasonHasAName(t *testing.T) {
	seen := map[string]bool{}
	for r := NoTokens; r <= KeysUnavailable; r++ {
		if s := r.String(); s == "" || seen[s] {
			t.Errorf("%d: %q", r, s)
		} else {
			seen[s] = true
		}
	}
}
