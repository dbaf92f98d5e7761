package store

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestATokenProvesThatTheKeyFileMayBeReadForAMinute(t *testing.T) {
	keys := testKeys(t)
	other, err := NewKeys(bytes.Repeat([]byte{8}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	token := keys.Token(now)
	for _, at := range []time.Duration{-tokenLife, 0, tokenLife} {
		if !keys.ValidToken(token, now.Add(at)) {
			t.Errorf("refused after %v", at)
		}
	}
	for _, at := range []time.Duration{-tokenLife - time.Second, tokenLife + time.Second, 24 * time.Hour} {
		if keys.ValidToken(token, now.Add(at)) {
			t.Errorf("accepted after %v", at)
		}
	}
	if other.ValidToken(token, now) {
		t.Error("accepted with another key file")
	}
	if keys.Token(now.Add(time.Second)) == token {
		t.Error("it is the same at another time")
	}
}

func TestATokenThatWasChangedIsRefused(t *testing.T) {
	keys := testKeys(t)
	now := time.Unix(1_800_000_000, 0)
	token := keys.Token(now)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for n := range raw {
		changed := bytes.Clone(raw)
		changed[n] ^= 1
		if keys.ValidToken(base64.RawURLEncoding.EncodeToString(changed), now) {
			t.Errorf("accepted with byte %d changed", n)
		}
	}
	for _, wrong := range []string{"", "?", token[:len(token)-1], token + "A", strings.Repeat("A", len(token)), strings.Repeat("A", 60_000)} {
		if keys.ValidToken(wrong, now) {
			t.Errorf("accepted %.60q", wrong)
		}
	}
}

func TestATokenShowsNothingOfTheOtherKeys(t *testing.T) {
	keys := testKeys(t)
	if bytes.Equal(keys.reader, keys.post) || len(keys.reader) != 32 {
		t.Error("one key serves two ends")
	}
}
