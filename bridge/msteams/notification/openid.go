package notification

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"
)

const (
	// maxOpenID is how many bytes an OpenID configuration or a list of keys may have; real ones have 2 and 15 KB.
	maxOpenID = 1 << 20
	// maxSigningKeys is how many keys a list may have; real ones have about ten.
	maxSigningKeys = 200
	// largestSigningKey in bits bounds what verifying a signature costs.
	largestSigningKey = 8192
)

// OpenID is what is needed of the login service's OpenID configuration.
type OpenID struct {
	// Issuer of its tokens; may contain {tenantid}.
	Issuer string
	// KeysURL is where its keys are.
	KeysURL string
}

// ConfigurationURL is where the OpenID configuration of a tenant is, or, for "common", of all; login is the login
// service's address, as https://login.microsoftonline.com.
func ConfigurationURL(login, tenant string) string {
	return strings.TrimSuffix(login, "/") + "/" + url.PathEscape(tenant) + "/v2.0/.well-known/openid-configuration"
}

// ParseOpenID reads the OpenID configuration that came from an address. The keys must be at an https address, or on the
// same server.
func ParseOpenID(body []byte, from string) (OpenID, error) {
	if len(body) > maxOpenID {
		return OpenID{}, fmt.Errorf("reading the OpenID configuration: it %w", &LimitError{What: "bytes", Limit: maxOpenID})
	}
	var c struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return OpenID{}, fmt.Errorf("reading the OpenID configuration: %w", err)
	}
	if c.Issuer == "" {
		return OpenID{}, errors.New("reading the OpenID configuration: it has no issuer")
	}
	at, err := url.Parse(c.KeysURL)
	if err != nil || at.Host == "" || at.User != nil {
		return OpenID{}, errors.New("reading the OpenID configuration: its jwks_uri is no address")
	}
	origin, err := url.Parse(from)
	if err != nil {
		return OpenID{}, fmt.Errorf("reading the OpenID configuration: %w", err)
	}
	if at.Scheme != "https" && (at.Scheme != origin.Scheme || at.Host != origin.Host) {
		return OpenID{}, errors.New("reading the OpenID configuration: its jwks_uri is no https address")
	}
	return OpenID{Issuer: c.Issuer, KeysURL: c.KeysURL}, nil
}

// SigningKey is a public key of the login service.
type SigningKey struct {
	// ID is what tokens call it.
	ID     string
	Public *rsa.PublicKey
	// Issuer is for whom it signs, as https://login.microsoftonline.com/{tenantid}/v2.0; a key for one tenant only has
	// that tenant's id in it. Empty when that was not said.
	Issuer string
}

// ParseSigningKeys reads a list of keys (RFC 7517). Given are those that can verify RS256: RSA, for signatures, of 2,048 bits
// or more. A key is written as modulus and exponent, as a certificate, or as both, which must then agree. A list
// without any such key is an error.
func ParseSigningKeys(body []byte) ([]SigningKey, error) {
	if len(body) > maxOpenID {
		return nil, fmt.Errorf("reading the signing keys: the list %w", &LimitError{What: "bytes", Limit: maxOpenID})
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	if len(list.Keys) > maxSigningKeys {
		return nil, fmt.Errorf("reading the signing keys: the list %w", &LimitError{What: "keys", Limit: maxSigningKeys})
	}
	var keys []SigningKey
	seen := map[string]bool{}
	for _, text := range list.Keys {
		var k jwk
		if json.Unmarshal(text, &k) != nil {
			continue // some other kind of key
		}
		if key, ok := k.signing(); ok && !seen[key.ID] {
			seen[key.ID] = true
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("reading the signing keys: none of %d can verify RS256", len(list.Keys))
	}
	return keys, nil
}

// jwk is a key as it is written.
type jwk struct {
	Type         string   `json:"kty"`
	Use          string   `json:"use"`
	Algorithm    string   `json:"alg"`
	ID           string   `json:"kid"`
	Modulus      string   `json:"n"`
	Exponent     string   `json:"e"`
	Certificates []string `json:"x5c"`
	Issuer       string   `json:"issuer"`
}

func (k jwk) signing() (SigningKey, bool) {
	if k.Type != "RSA" || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != "RS256" || k.ID == "" {
		return SigningKey{}, false
	}
	var public *rsa.PublicKey
	if k.Modulus != "" || k.Exponent != "" {
		if public = numbers(k.Modulus, k.Exponent); public == nil {
			return SigningKey{}, false
		}
	}
	if len(k.Certificates) > 0 {
		certified := certifiedKey(k.Certificates[0])
		if certified == nil || public != nil && !public.Equal(certified) {
			return SigningKey{}, false
		}
		public = certified
	}
	if public == nil || !fit(public) {
		return SigningKey{}, false
	}
	return SigningKey{ID: k.ID, Public: public, Issuer: k.Issuer}, true
}

func fit(k *rsa.PublicKey) bool {
	bits := k.N.BitLen()
	return bits >= smallestKey && bits <= largestSigningKey && k.N.Bit(0) == 1 && k.E >= 3 && k.E%2 == 1
}

// numbers makes a key of modulus and exponent; nil when they are none.
func numbers(modulus, exponent string) *rsa.PublicKey {
	n, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(modulus, "="))
	if err != nil || len(n) > largestSigningKey/8+1 {
		return nil
	}
	e, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(exponent, "="))
	if e = bytes.TrimLeft(e, "\x00"); err != nil || len(e) == 0 || len(e) > 4 || len(e) == 4 && e[0] > 0x7f {
		return nil
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
}

// certifiedKey gives the key in a certificate, which need be neither signed nor in its time: it comes from the login
// service itself. Nil when there is none of RSA.
func certifiedKey(text string) *rsa.PublicKey {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	public, _ := certificate.PublicKey.(*rsa.PublicKey)
	return public
}

// FetchSigningKeys makes a [Fetch] that reads the OpenID configuration at an address, see [ConfigurationURL], and then the
// keys that it names. get gives the body of an address answered by 200, and should read no more than 1 MB of it.
func FetchSigningKeys(get func(ctx context.Context, address string) ([]byte, error), configuration string) Fetch {
	return func(ctx context.Context) ([]SigningKey, error) {
		body, err := get(ctx, configuration)
		if err != nil {
			return nil, fmt.Errorf("fetching the OpenID configuration: %w", err)
		}
		c, err := ParseOpenID(body, configuration)
		if err != nil {
			return nil, err
		}
		if body, err = get(ctx, c.KeysURL); err != nil {
			return nil, fmt.Errorf("fetching the signing keys: %w", err)
		}
		return ParseSigningKeys(body)
	}
}
