package notification

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	testApp    = "925bff9f-f6e2-4a69-b858-f71ea2b9b6d0"
	testTenant = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93"
	testLogin  = "https://login.microsoftonline.com"
)

// noon is the tests' time.
var noon = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/openssl/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// knownKeys are those of the known answers: making some takes long.
func knownKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := UnmarshalKeys(read(t, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func parse(t testing.TB, body string) Collection {
	t.Helper()
	c, err := Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sealed is the encrypted content of an item before it is written.
type sealed struct {
	key, data, dataKey, signature []byte
}

// seal encrypts as Graph does, padding included in plain when pad is false.
func seal(t testing.TB, public *rsa.PublicKey, plain []byte, pad bool) sealed {
	t.Helper()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	if pad {
		n := aes.BlockSize - len(plain)%aes.BlockSize
		plain = append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	}
	return sealKey(t, public, key, plain)
}

// sealKey encrypts whole blocks with a key of one's choice.
func sealKey(t testing.TB, public *rsa.PublicKey, key, blocks []byte) sealed {
	t.Helper()
	s := sealed{key: key, data: bytes.Clone(blocks)}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCEncrypter(block, s.key[:16]).CryptBlocks(s.data, s.data)
	s.sign()
	s.wrap(t, public)
	return s
}

func (s *sealed) sign() {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(s.data)
	s.signature = mac.Sum(nil)
}

func (s *sealed) wrap(t testing.TB, public *rsa.PublicKey) {
	t.Helper()
	var err error
	if s.dataKey, err = rsa.EncryptOAEP(sha1.New(), rand.Reader, public, s.key, nil); err != nil {
		t.Fatal(err)
	}
}

// item writes the content for a certificate into an item, and reads that.
func (s sealed) item(t testing.TB, certificate Certificate) *Item {
	t.Helper()
	c := parse(t, `{"value":[`+string(s.json(t, certificate))+`]}`)
	if c.Items[0].Err != nil {
		t.Fatal(c.Items[0].Err)
	}
	return &c.Items[0]
}

func (s sealed) json(t testing.TB, certificate Certificate) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"subscriptionId": "76222963-cc7b-42d2-882d-8aaa69cb2ba3", "changeType": "created", "tenantId": testTenant, "clientState": "state",
		"subscriptionExpirationDateTime": "2026-03-20T11:00:00.0000000Z",
		"resource":                       "teams('d29828b8-c04d-4e2a-b2f6-07da6982f0f0')/channels('19:f127a8c55ad949d1a238464d22f0f99e@thread.skype')/messages('1565045424600')",
		"resourceData": map[string]any{
			"id": "1565045424600", "@odata.type": "#Microsoft.Graph.ChatMessage",
			"@odata.id": "teams('d29828b8-c04d-4e2a-b2f6-07da6982f0f0')/channels('19:f127a8c55ad949d1a238464d22f0f99e@thread.skype')/messages('1565045424600')",
		},
		"encryptedContent": map[string]any{
			"data": base64.StdEncoding.EncodeToString(s.data), "dataKey": base64.StdEncoding.EncodeToString(s.dataKey),
			"dataSignature":           base64.StdEncoding.EncodeToString(s.signature),
			"encryptionCertificateId": certificate.ID, "encryptionCertificateThumbprint": certificate.Thumbprint,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func publicOf(t testing.TB, c Certificate) *rsa.PublicKey {
	t.Helper()
	x, err := x509.ParseCertificate(c.DER)
	if err != nil {
		t.Fatal(err)
	}
	return x.PublicKey.(*rsa.PublicKey)
}

// signingKey is the login service's in the tests.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// goodClaims are those of Microsoft's examples, at the tests' time.
func goodClaims(version string) jwt.MapClaims {
	c := jwt.MapClaims{
		"aud": testApp, "tid": testTenant, "ver": version,
		"iat": noon.Unix() - 60, "nbf": noon.Unix() - 60, "exp": noon.Add(8 * time.Hour).Unix(), "aio": "E2ZgYGjnuFglnX7mtjJzwR5lYaWvAA==",
	}
	if version == "1.0" {
		c["iss"], c["appid"], c["appidacr"] = "https://sts.windows.net/"+testTenant+"/", ChangeTracking, "2"
	} else {
		c["iss"], c["azp"], c["azpacr"] = testLogin+"/"+testTenant+"/v2.0", ChangeTracking, "2"
	}
	return c
}

// with gives claims with some of them changed; nil takes one away.
func with(c jwt.MapClaims, changes map[string]any) jwt.MapClaims {
	c = maps.Clone(c)
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// signed makes a token.
func signed(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, c jwt.Claims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	maps.Copy(token.Header, header)
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func goodToken(t testing.TB, c jwt.Claims) string {
	t.Helper()
	return signed(t, jwt.SigningMethodRS256, signingKey(), map[string]any{"kid": "k1"}, c)
}
