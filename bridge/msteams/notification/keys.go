package notification

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"time"

	"causeway/bridge/secret"
)

const (
	// keyBits is the size of new keys. Graph takes 2,048 to 4,096. Opening one notification costs 1.0 ms of one core
	// with 2,048 bits, 2.8 ms with 3,072 and 5.8 ms with 4,096, and is the dearest step of all; a key is used for a
	// year, inside TLS, and for one fresh symmetric key at a time.
	keyBits = 2048
	// smallestKey and largestKey are what Graph takes.
	smallestKey, largestKey = 2048, 4096

	// RotateAfter is how long a key is used for new subscriptions.
	RotateAfter = 365 * 24 * time.Hour
	// certificateLife is how long a certificate says that it is good: a rotation may come late.
	certificateLife = 2 * RotateAfter
	// LongestLife is how long a subscription of Teams may live without being renewed.
	LongestLife = 4320 * time.Minute
	// keepAfter is how long a replaced key still opens: for a subscription made at the last moment, for the 4 hours
	// over which Graph repeats a delivery, and to spare.
	keepAfter = LongestLife + 24*time.Hour
)

// Keys are Causeway's own keys for notifications with resource data: the one that new subscriptions are made with, and
// older ones that still open what was encrypted for them. A Keys is never changed, so any number of goroutines may use
// it; [Keys.Rotate] and [Keys.Prune] give a new one, to be stored before it is used. It shows nothing of itself wherever
// it is printed, logged or encoded; only [Keys.Marshal] gives the secrets.
type Keys struct {
	// pairs has the newest first, and at least one. They are pointers, since fmt prints what is in an unexported
	// field without asking it, but not what a pointer in it leads to.
	pairs []*pair
}

// pair is a private key with its certificate.
type pair struct {
	private     *rsa.PrivateKey
	certificate Certificate
	made        time.Time
	// replaced is when a newer pair took its place; zero for the current one.
	replaced time.Time
}

// Certificate is the public half of a key, as a subscription needs it.
type Certificate struct {
	// ID is for encryptionCertificateId. It follows from the key.
	ID string
	// DER is the certificate.
	DER []byte
	// Thumbprint is the SHA-1 of the certificate in capital hexadecimal digits, as Graph shows it.
	Thumbprint string
}

// Base64 gives the certificate for encryptionCertificate.
func (c Certificate) Base64() string { return base64.StdEncoding.EncodeToString(c.DER) }

// NewKeys makes the first key.
func NewKeys(now time.Time) (*Keys, error) {
	p, err := newPair(now)
	if err != nil {
		return nil, err
	}
	return &Keys{pairs: []*pair{p}}, nil
}

// Current is the certificate for new and renewed subscriptions.
func (k *Keys) Current() Certificate { return k.pairs[0].certificate }

// Has tells whether there is a key for a certificate id.
func (k *Keys) Has(id string) bool { return k.find(id, "") != nil }

// Due tells whether the current key has been used for a year.
func (k *Keys) Due(now time.Time) bool { return !now.Before(k.pairs[0].made.Add(RotateAfter)) }

// Rotate gives keys with a new current one; all the others still open. Store them first, then renew every subscription
// with the new certificate.
func (k *Keys) Rotate(now time.Time) (*Keys, error) {
	p, err := newPair(now)
	if err != nil {
		return nil, err
	}
	before := *k.pairs[0]
	before.replaced = now
	return &Keys{pairs: append([]*pair{p, &before}, k.pairs[1:]...)}, nil
}

// Prune gives keys without those that were replaced so long ago that no subscription can still use them, and how many
// that were. inUse tells of certificates that a living subscription still names: a renewal that failed to change it
// has kept it; nil when none does.
func (k *Keys) Prune(now time.Time, inUse func(id string) bool) (*Keys, int) {
	kept := []*pair{k.pairs[0]}
	for _, p := range k.pairs[1:] {
		if now.Before(p.replaced.Add(keepAfter)) || inUse != nil && inUse(p.certificate.ID) {
			kept = append(kept, p)
		}
	}
	return &Keys{pairs: kept}, len(k.pairs) - len(kept)
}

// find gives the key for a certificate's id, or, when none is named, for its thumbprint; nil when there is none.
func (k *Keys) find(id, thumbprint string) *pair {
	for _, p := range k.pairs {
		if id == p.certificate.ID || id == "" && strings.EqualFold(thumbprint, p.certificate.Thumbprint) {
			return p
		}
	}
	return nil
}

func newPair(now time.Time) (*pair, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("making a key for notifications: %w", err)
	}
	der, err := selfSigned(private, now)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for notifications: %w", err)
	}
	certificate, err := describe(&private.PublicKey, der)
	if err != nil {
		return nil, err
	}
	return &pair{private: private, certificate: certificate, made: now.UTC()}, nil
}

func selfSigned(private *rsa.PrivateKey, now time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Causeway notifications"},
		NotBefore:             now.Add(-24 * time.Hour), // for clocks that are not set
		NotAfter:              now.Add(certificateLife),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment,
		BasicConstraintsValid: true,
	}
	return x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
}

func describe(public *rsa.PublicKey, der []byte) (Certificate, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Certificate{}, fmt.Errorf("naming a key for notifications: %w", err)
	}
	id, thumbprint := sha256.Sum256(spki), sha1.Sum(der)
	return Certificate{
		ID:         "causeway-" + hex.EncodeToString(id[:16]),
		DER:        der,
		Thumbprint: strings.ToUpper(hex.EncodeToString(thumbprint[:])),
	}, nil
}

// stored is how keys are kept. Its form is a promise.
type stored struct {
	Version int          `json:"version"`
	Keys    []storedPair `json:"keys"`
}

type storedPair struct {
	// Private is PKCS #8, Certificate is X.509, both DER.
	Private     []byte     `json:"private"`
	Certificate []byte     `json:"certificate"`
	Made        time.Time  `json:"made"`
	Replaced    *time.Time `json:"replaced,omitempty"`
}

// Marshal gives the keys with their secrets, to be sealed at once.
func (k *Keys) Marshal() ([]byte, error) {
	s := stored{Version: 1}
	for _, p := range k.pairs {
		private, err := x509.MarshalPKCS8PrivateKey(p.private)
		if err != nil {
			return nil, errors.New("writing the keys for notifications: a private key cannot be encoded")
		}
		sp := storedPair{Private: private, Certificate: p.certificate.DER, Made: p.made}
		if !p.replaced.IsZero() {
			sp.Replaced = &p.replaced
		}
		s.Keys = append(s.Keys, sp)
	}
	return json.Marshal(s)
}

// UnmarshalKeys reads what [Keys.Marshal] gave. Its errors say where, and nothing of what stands there.
func UnmarshalKeys(text []byte) (*Keys, error) {
	var s stored
	if json.Unmarshal(text, &s) != nil {
		return nil, errors.New("reading the keys for notifications: they are damaged")
	}
	if s.Version != 1 {
		return nil, fmt.Errorf("reading the keys for notifications: they are of version %d, this program knows version 1", s.Version)
	}
	if len(s.Keys) == 0 {
		return nil, errors.New("reading the keys for notifications: there are none")
	}
	k := &Keys{}
	for i, sp := range s.Keys {
		p, err := sp.read()
		if err != nil {
			return nil, fmt.Errorf("reading key %d for notifications: %w", i+1, err)
		}
		k.pairs = append(k.pairs, p)
	}
	return k, nil
}

func (s storedPair) read() (*pair, error) {
	key, err := x509.ParsePKCS8PrivateKey(s.Private)
	if err != nil {
		return nil, errors.New("the private key is damaged")
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < smallestKey || private.N.BitLen() > largestKey {
		return nil, fmt.Errorf("the private key is not one of RSA with %d to %d bits", smallestKey, largestKey)
	}
	x, err := x509.ParseCertificate(s.Certificate)
	if err != nil {
		return nil, errors.New("the certificate is damaged")
	}
	if !private.PublicKey.Equal(x.PublicKey) {
		return nil, errors.New("the certificate belongs to another key")
	}
	certificate, err := describe(&private.PublicKey, s.Certificate)
	if err != nil {
		return nil, err
	}
	p := &pair{private: private, certificate: certificate, made: s.Made}
	if s.Replaced != nil {
		p.replaced = *s.Replaced
	}
	return p, nil
}

// String gives [secret.Mask].
func (Keys) String() string { return secret.Mask }

// GoString gives [secret.Mask].
func (Keys) GoString() string { return secret.Mask }

// Format writes [secret.Mask] whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Mask) }

// MarshalText gives [secret.Mask].
func (Keys) MarshalText() ([]byte, error) { return []byte(secret.Mask), nil }

// MarshalJSON gives [secret.Mask] as a JSON string.
func (Keys) MarshalJSON() ([]byte, error) { return []byte(`"` + secret.Mask + `"`), nil }

// LogValue gives [secret.Mask] to structured loggers.
func (Keys) LogValue() slog.Value { return slog.StringValue(secret.Mask) }
