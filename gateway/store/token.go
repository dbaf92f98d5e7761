package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// tokenLife is how long a token is good. A program that has taken Causeway's port while it was down sees one, but
// cannot use it later.
const tokenLife = time.Minute

const stamp = 8 // bytes of the time at which a token was made

// Keys gives the keys of the store.
func (s *Store) Keys() Keys { return s.keys }

// Token proves, for a minute, that whoever shows it may read the key file.
func (k Keys) Token(now time.Time) string { return k.token(now, nil) }

// ValidToken reports whether a token was made with the same key file, and just now.
func (k Keys) ValidToken(token string, now time.Time) bool { return k.valid(token, now, nil) }

// OrderToken is a token that is good for one order only, whose bytes it covers: whoever sees it cannot order anything else.
func (k Keys) OrderToken(now time.Time, order []byte) string {
	return k.token(now, covered(order))
}

// ValidOrderToken reports whether a token was made with the same key file, just now, for this order.
func (k Keys) ValidOrderToken(token string, now time.Time, order []byte) bool {
	return k.valid(token, now, covered(order))
}

// Prove gives a proof, to others who can read the key file, that a nonce has reached this installation.
func (k Keys) Prove(nonce string) string {
	return base64.RawURLEncoding.EncodeToString(k.Signature("public address", nonce))
}

// covered is never empty, so that no token for reading is one for an order.
func covered(order []byte) []byte { return append([]byte("order\x00"), order...) }

func (k Keys) token(now time.Time, order []byte) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, k.readerProof(raw, order)...))
}

func (k Keys) valid(token string, now time.Time, order []byte) bool {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != stamp+sha256.Size || !hmac.Equal(raw[stamp:], k.readerProof(raw[:stamp], order)) {
		return false
	}
	return now.Sub(time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)).Abs() <= tokenLife
}

func (k Keys) readerProof(stamp, order []byte) []byte {
	h := hmac.New(sha256.New, k.reader)
	_, _ = h.Write(stamp) // never fails
	_, _ = h.Write(order)
	return h.Sum(nil)
}
