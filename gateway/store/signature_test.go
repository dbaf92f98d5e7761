package store

import (
	"bytes"
	"testing"
)

func TestSignatureHoldsForItsPartsAndKeyFileOnly(t *testing.T) {
	keys := testKeys(t)
	other, err := NewKeys(bytes.Repeat([]byte{8}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	proof := keys.Signature("link", "a", "bc")
	if len(proof) != SignatureSize || !keys.Signed(proof, "link", "a", "bc") {
		t.Errorf("%d bytes, not its own", len(proof))
	}
	for _, parts := range [][]string{{"link", "ab", "c"}, {"button", "a", "bc"}, {"link", "a"}, {"link", "a", "bc", ""}, {}} {
		if keys.Signed(proof, parts...) {
			t.Errorf("holds for %q", parts)
		}
	}
	for _, wrong := range [][]byte{nil, proof[:8], append(bytes.Clone(proof), 0), other.Signature("link", "a", "bc")} {
		if keys.Signed(wrong, "link", "a", "bc") {
			t.Errorf("%x is taken", wrong)
		}
	}
}
