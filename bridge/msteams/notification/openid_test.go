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
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOpenID(t *testing.T) {
	from := ConfigurationURL(testLogin+"/", "common")
	if from != "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration" {
		t.Error(from)
	}
	got, err := ParseOpenID([]byte(`{"token_endpoint":"https://login.microsoftonline.com/common/oauth2/v2.0/token","jwks_uri":"https://login.microsoftonline.com/common/discovery/v2.0/keys",
		"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0","cloud_instance_name":"microsoftonline.com","claims_supported":["sub"]}`), from)
	want := OpenID{Issuer: testLogin + "/{tenantid}/v2.0", KeysURL: testLogin + "/common/discovery/v2.0/keys"}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := ParseOpenID([]byte(`{"issuer":"i","jwks_uri":"http://127.0.0.1:80/keys"}`), "http://127.0.0.1:80/x"); err != nil {
		t.Error(err)
	}
}

func TestOpenIDThatIsRefused(t *testing.T) {
	for body, problem := range map[string]string{
		``:                                   "unexpected end",
		`[]`:                                 "cannot unmarshal",
		`{}`:                                 "has no issuer",
		`{"jwks_uri":"https://a/keys"}`:      "has no issuer",
		`{"issuer":"i"}`:                     "is no address",
		`{"issuer":"i","jwks_uri":"keys"}`:   "is no address",
		`{"issuer":"i","jwks_uri":"ht!tp:"}`: "is no address",
		`{"issuer":"i","jwks_uri":"https://user:pw@a/keys"}`:                "is no address",
		`{"issuer":"i","jwks_uri":"http://login.microsoftonline.com/keys"}`: "no https address",
		`{"issuer":"i","jwks_uri":"file://login.microsoftonline.com/keys"}`: "no https address",
		`{"issuer":7,"jwks_uri":"https://a/keys"}`:                          "cannot unmarshal",
		strings.Repeat(" ", maxOpenID+1):                                    "more than 1048576 bytes",
	} {
		if got, err := ParseOpenID([]byte(body), testLogin); err == nil || !strings.Contains(err.Error(), problem) || got != (OpenID{}) {
			t.Errorf("%.60s: %v, not %q", body, err, problem)
		}
	}
	if _, err := ParseOpenID([]byte(`{"issuer":"i","jwks_uri":"http://127.0.0.1:81/keys"}`), "http://127.0.0.1:80/x"); err == nil {
		t.Error("keys from another server without TLS")
	}
}

func b64url(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func certificateOf(t testing.TB, k *rsa.PrivateKey) string {
	t.Helper()
	der, err := selfSigned(k, noon)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestParseSigningKeys(t *testing.T) {
	k := signingKey()
	n, x5c := b64url(k.N), certificateOf(t, k)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &ec.PublicKey, ec)
	if err != nil {
		t.Fatal(err)
	}
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 16383, 1), E: 65537}
	hugeDER, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, huge, k)
	if err != nil {
		t.Fatal(err)
	}
	type m map[string]any
	key := func(changes m) m {
		k := m{"kty": "RSA", "use": "sig", "kid": "k1", "n": n, "e": "AQAB"}
		for name, value := range changes {
			if k[name] = value; value == nil {
				delete(k, name)
			}
		}
		return k
	}
	for what, c := range map[string]struct {
		key  any
		good bool
	}{
		"modulus and exponent":        {key(nil), true},
		"padded base64":               {key(m{"n": n + strings.Repeat("=", (4-len(n)%4)%4)}), true},
		"no use":                      {key(m{"use": nil}), true},
		"with its algorithm":          {key(m{"alg": "RS256"}), true},
		"certificate and modulus":     {key(m{"x5c": []string{x5c}}), true},
		"certificate alone":           {key(m{"x5c": []string{x5c, "more"}, "n": nil, "e": nil}), true},
		"with an issuer":              {key(m{"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0", "x5t": "x", "cloud_instance_name": "y"}), true},
		"for encryption":              {key(m{"use": "enc"}), false},
		"for another algorithm":       {key(m{"alg": "PS256"}), false},
		"without a name":              {key(m{"kid": nil}), false},
		"of another kind":             {m{"kty": "EC", "crv": "P-256", "kid": "k1", "x": "x", "y": "y"}, false},
		"symmetric":                   {m{"kty": "oct", "kid": "k1", "k": "c2VjcmV0"}, false},
		"without numbers":             {key(m{"n": nil, "e": nil}), false},
		"without an exponent":         {key(m{"e": nil}), false},
		"without a modulus":           {key(m{"n": nil}), false},
		"of 1,024 bits":               {key(m{"n": b64url(small.N)}), false},
		"of 1,024 bits, certified":    {key(m{"n": nil, "e": nil, "x5c": []string{certificateOf(t, small)}}), false},
		"of 16,384 bits":              {key(m{"n": base64.RawURLEncoding.EncodeToString(append([]byte{0x80}, make([]byte, 2047)...))}), false},
		"of 16,384 bits, certified":   {key(m{"n": nil, "e": nil, "x5c": []string{base64.StdEncoding.EncodeToString(hugeDER)}}), false},
		"even":                        {key(m{"n": b64url(new(big.Int).Sub(k.N, big.NewInt(1)))}), false},
		"exponent 1":                  {key(m{"e": "AQ"}), false},
		"exponent 2":                  {key(m{"e": "Ag"}), false},
		"exponent 3":                  {key(m{"e": "Aw"}), true},
		"exponent 0":                  {key(m{"e": "AAAA"}), false},
		"a huge exponent":             {key(m{"e": "_____w"}), false},
		"a longer exponent":           {key(m{"e": "AQAAAAE"}), false},
		"numbers that are not base64": {key(m{"n": "!!"}), false},
		"another key's certificate":   {key(m{"x5c": []string{certificateOf(t, other)}}), false},
		"a certificate that is none":  {key(m{"x5c": []string{"AAAA"}}), false},
		"a certificate not in base64": {key(m{"x5c": []string{"!"}}), false},
		"a certificate of EC":         {key(m{"n": nil, "e": nil, "x5c": []string{base64.StdEncoding.EncodeToString(ecDER)}}), false},
		"members of wrong kinds":      {key(m{"kid": 7}), false},
		"no object":                   {7, false},
	} {
		// Whatever stands beside it, a good key is found.
		text, err := json.Marshal(m{"keys": []any{c.key, key(m{"kid": "beside", "n": b64url(other.N)})}})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := ParseSigningKeys(text)
		if err != nil || len(keys) == 0 || keys[len(keys)-1].ID != "beside" || !keys[len(keys)-1].Public.Equal(&other.PublicKey) {
			t.Fatalf("%s: %+v, %v", what, keys, err)
		}
		if good := len(keys) == 2; good != c.good || good && (keys[0].ID != "k1" || keys[0].Public.N.Cmp(k.N) != 0) {
			t.Errorf("%s: %d keys", what, len(keys))
		}
	}
	// The first of two with one name counts.
	text, err := json.Marshal(m{"keys": []any{key(nil), key(m{"n": b64url(other.N)})}})
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := ParseSigningKeys(text); err != nil || len(keys) != 1 || !keys[0].Public.Equal(&k.PublicKey) {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestSigningKeysThatAreRefused(t *testing.T) {
	for body, problem := range map[string]string{
		``:                               "unexpected end",
		`[]`:                             "cannot unmarshal",
		`{}`:                             "none of 0 can verify RS256",
		`{"keys":[{"kty":"EC"},null,3]}`: "none of 3 can verify RS256",
		`{"keys":[` + strings.Repeat("{},", maxSigningKeys) + `{}]}`: "more than 200 keys",
		strings.Repeat(" ", maxOpenID+1):                             "more than 1048576 bytes",
	} {
		if keys, err := ParseSigningKeys([]byte(body)); err == nil || !strings.Contains(err.Error(), problem) || keys != nil {
			t.Errorf("%.60s: %v, not %q", body, err, problem)
		}
	}
}

func TestFetchSigningKeys(t *testing.T) {
	from := ConfigurationURL(testLogin, "common")
	pages := map[string]string{
		from:                `{"issuer":"i","jwks_uri":"https://login.microsoftonline.com/keys"}`,
		testLogin + "/keys": string(read(t, "jwks.json")),
	}
	down := errors.New("down")
	get := func(_ context.Context, address string) ([]byte, error) {
		if body, ok := pages[address]; ok {
			return []byte(body), nil
		}
		return nil, down
	}
	keys, err := FetchSigningKeys(get, from)(t.Context())
	if err != nil || len(keys) != 1 || keys[0].ID != "known-answer" {
		t.Errorf("%v, %v", keys, err)
	}
	delete(pages, testLogin+"/keys")
	if _, err := FetchSigningKeys(get, from)(t.Context()); !errors.Is(err, down) || !strings.HasPrefix(err.Error(), "fetching the signing keys: ") {
		t.Error(err)
	}
	pages[from] = `{}`
	if _, err := FetchSigningKeys(get, from)(t.Context()); err == nil || errors.Is(err, down) {
		t.Error(err)
	}
	delete(pages, from)
	if _, err := FetchSigningKeys(get, from)(t.Context()); !errors.Is(err, down) || !strings.HasPrefix(err.Error(), "fetching the OpenID configuration: ") {
		t.Error(err)
	}
}
