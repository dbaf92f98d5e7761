package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
)

// SignatureSize is how many bytes a signature has: 128 bits, against guessing only.
const SignatureSize = 16

// Signature proves that these parts, in this order, were put together by whoever has the key file: for links and buttons that
// go to people and come back. The first part says what for, so that nothing signed for one purpose holds for another.
func (k Keys) Signature(parts ...string) []byte {
	h := hmac.New(sha256.New, k.sign)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p) // the length keeps "a","bc" and "ab","c" apart
	}
	return h.Sum(nil)[:SignatureSize]
}

// Signed reports whether signature is that of the parts.
func (k Keys) Signed(signature []byte, parts ...string) bool {
	return hmac.Equal(signature, k.Signature(parts...))
}
