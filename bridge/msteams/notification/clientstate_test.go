package notification

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"
)

func TestClientStates(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	s, err := NewClientStates(key)
	if err != nil {
		t.Fatal(err)
	}
	state := s.For("msteams.contoso", "teams/getAllMessages")
	if len(state) != 43 {
		t.Errorf("%d characters, and Graph takes 128", len(state))
	}
	// Its form is a promise: subscriptions outlive the process.
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("client state of a subscription\x00\x00\x00\x00\x00\x00\x00\x0fmsteams.contoso\x00\x00\x00\x00\x00\x00\x00\x14teams/getAllMessages"))
	if want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); state != want {
		t.Errorf("%s, want %s", state, want)
	}
	if !s.Valid(state, "msteams.contoso", "teams/getAllMessages") {
		t.Error("its own is not valid")
	}
	for _, about := range [][]string{{"msteams.contoso", "teams/getAllMessage"}, {"msteams.contosoteams/getAllMessages"}, {"msteams.contoso", "teams/getAllMessages", ""}, {"msteams.contos", "oteams/getAllMessages"}, {}} {
		if s.For(about...) == state || s.Valid(state, about...) {
			t.Errorf("%q has the same", about)
		}
	}
	for _, got := range []string{"", state[:42], state + "A", "A" + state[1:], state[:42] + "."} {
		if s.Valid(got, "msteams.contoso", "teams/getAllMessages") {
			t.Errorf("%q is valid", got)
		}
	}
	key[0] = 2 // the caller's bytes are its own
	if s.For("msteams.contoso", "teams/getAllMessages") != state {
		t.Error("the key changed with the caller's bytes")
	}
	other, err := NewClientStates(key)
	if err != nil || other.Valid(state, "msteams.contoso", "teams/getAllMessages") {
		t.Errorf("another key gives the same: %v", err)
	}
	if _, err := NewClientStates(key[:31]); err == nil {
		t.Error("a short key passes")
	}
}
