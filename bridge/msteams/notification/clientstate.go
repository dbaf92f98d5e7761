package notification

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"

	"causeway/bridge/secret"
)

// smallestStateKey is how many bytes a key for client states has at least.
const smallestStateKey = 32

// ClientStates derives the secret that each subscription is given and that Graph repeats in each of its notifications.
// It shows nothing of its key wherever it is printed.
type ClientStates struct {
	// mac is a function, so that printing finds nothing in it.
	mac func(about []string) [sha256.Size]byte
}

// NewClientStates takes a key of at least 32 secret bytes, used for nothing else.
func NewClientStates(key []byte) (*ClientStates, error) {
	if len(key) < smallestStateKey {
		return nil, fmt.Errorf("deriving client states: the key has %d bytes, and needs %d", len(key), smallestStateKey)
	}
	key = append([]byte(nil), key...)
	return &ClientStates{mac: func(about []string) (sum [sha256.Size]byte) {
		h := hmac.New(sha256.New, key)
		_, _ = io.WriteString(h, "client state of a subscription")
		var length [8]byte
		for _, text := range about {
			binary.BigEndian.PutUint64(length[:], uint64(len(text)))
			h.Write(length[:])
			_, _ = io.WriteString(h, text)
		}
		h.Sum(sum[:0])
		return sum
	}}, nil
}

// For gives the client state of a subscription: 43 characters, of 128 that Graph takes. about is what is known of it before
// it is made, such as account, resource, and a random name if it is to be different each time.
func (s *ClientStates) For(about ...string) string {
	sum := s.mac(about)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Valid tells in constant time whether a notification came with the client state of a subscription.
func (s *ClientStates) Valid(got string, about ...string) bool {
	return hmac.Equal([]byte(got), []byte(s.For(about...)))
}

// Format writes [secret.Mask] whatever the verb.
func (ClientStates) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Mask) }
