package notify

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ChangeTracking is the application id of Microsoft Graph Change Tracking, the caller that validation tokens name.
const ChangeTracking = "0bf30f3b-4a52-48df-9a82-234910c4a086"

// Issuers are the issuers of tokens; {tenantid} in them stands for the tenant.
type Issuers struct{ V1, V2 string }

// Worldwide are the issuers of the worldwide cloud.
var Worldwide = Issuers{V1: "https://sts.windows.net/{tenantid}/", V2: "https://login.microsoftonline.com/{tenantid}/v2.0"}

// signingKey is one key of the login service.
type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// madeKeys are shared by all stand-ins of a process, because making them takes long. Nothing is protected by them.
var madeKeys struct {
	sync.Mutex
	list []signingKey
}

func keyNumber(n int) signingKey {
	madeKeys.Lock()
	defer madeKeys.Unlock()
	for len(madeKeys.list) <= n {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic("teams stand-in: making a signing key: " + err.Error()) // the system has no randomness
		}
		sum := sha256.Sum256(private.N.Bytes())
		madeKeys.list = append(madeKeys.list, signingKey{id: base64.RawURLEncoding.EncodeToString(sum[:20]), private: private})
	}
	return madeKeys.list[n]
}

// strangersKey is in no published set: forgers sign with it.
func strangersKey() signingKey { return keyNumber(0) }

// Keys are the signing keys of the login service. They rotate: the newest signs, older ones stay published until they
// are retired.
type Keys struct {
	mu     sync.Mutex
	oldest int // number of the oldest published key; 0 stands for 1
	newest int // number of the signing key; 0 stands for 1
	cached map[string]cachedToken
}

type cachedToken struct {
	text  string
	until time.Time
}

func (k *Keys) numbers() (oldest, newest int) { return max(1, k.oldest), max(1, k.newest) }

// Rotate makes a new key the signing one. Tokens signed before stay valid, since their key stays published.
func (k *Keys) Rotate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, newest := k.numbers()
	k.newest, k.cached = newest+1, nil
}

// Retire publishes only the signing key from now on.
func (k *Keys) Retire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, k.oldest = k.numbers()
}

// JWK is a published key.
type JWK struct {
	Type     string `json:"kty"`
	Use      string `json:"use"`
	ID       string `json:"kid"`
	X5T      string `json:"x5t"`
	Modulus  string `json:"n"`
	Exponent string `json:"e"`
	Issuer   string `json:"issuer,omitempty"`
}

// Published gives the public keys as the key set of the OpenID configuration lists them.
func (k *Keys) Published(issuer string) []JWK {
	k.mu.Lock()
	oldest, newest := k.numbers()
	k.mu.Unlock()
	list := []JWK{}
	for n := oldest; n <= newest; n++ {
		key := keyNumber(n)
		list = append(list, JWK{
			Type: "RSA", Use: "sig", ID: key.id, X5T: key.id, Issuer: issuer,
			Modulus:  base64.RawURLEncoding.EncodeToString(key.private.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.private.E)).Bytes()),
		})
	}
	return list
}

// tokenLife is how long validation tokens live: the documented sample of version 2.0 has a day and five minutes.
const tokenLife = 24*time.Hour + 5*time.Minute

// TokenForm says what a validation token is to look like.
type TokenForm struct {
	App, Tenant string
	Version1    bool // ver 1.0: appid and the issuer of v1.0; else ver 2.0: azp and the issuer of v2.0
	Issuers     Issuers
}

// Token makes a validation token for the notifications of an app in a tenant, or gives one made within the last hour.
func (k *Keys) Token(form TokenForm, now time.Time) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := fmt.Sprint(form)
	if t, ok := k.cached[name]; ok && now.Before(t.until) && now.After(t.until.Add(-2*time.Hour)) {
		return t.text
	}
	_, newest := k.numbers()
	text := sign(form.claims(now), keyNumber(newest))
	if k.cached == nil {
		k.cached = map[string]cachedToken{}
	}
	k.cached[name] = cachedToken{text: text, until: now.Add(time.Hour)}
	return text
}

func sign(claims jwt.MapClaims, key signingKey) string {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"], t.Header["x5t"] = key.id, key.id
	text, err := t.SignedString(key.private)
	if err != nil {
		panic("teams stand-in: signing a token: " + err.Error()) // a constant method with its own kind of key
	}
	return text
}

// claims are those of the documented samples, for both versions.
func (f TokenForm) claims(now time.Time) jwt.MapClaims {
	id := make([]byte, 16)
	rand.Read(id)
	c := jwt.MapClaims{
		"aud": f.App, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(tokenLife).Unix(),
		"tid": f.Tenant, "uti": hex.EncodeToString(id), "aio": "E2ZgYGjnuFglnX7mtjJzwR5lYaWvAA==",
	}
	if f.Version1 {
		c["ver"], c["iss"], c["idp"] = "1.0", TenantIssuer(f.Issuers.V1, f.Tenant), TenantIssuer(f.Issuers.V1, f.Tenant)
		c["appid"], c["appidacr"] = ChangeTracking, "2"
		return c
	}
	c["ver"], c["iss"] = "2.0", TenantIssuer(f.Issuers.V2, f.Tenant)
	c["azp"], c["azpacr"] = ChangeTracking, "2"
	c["oid"], c["sub"] = "1e7d79fa-7893-4d50-bdde-164260d9c5ba", "1e7d79fa-7893-4d50-bdde-164260d9c5ba"
	return c
}
