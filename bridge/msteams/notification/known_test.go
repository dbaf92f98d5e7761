package notification

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestWhatOpenSSLMadeIsRead proves the whole way against known answers that none of this code had a hand in.
func TestWhatOpenSSLMadeIsRead(t *testing.T) {
	c := parse(t, string(read(t, "delivery.json")))
	if len(c.Items) != 1 || len(c.Tokens) != 1 {
		t.Fatalf("%d items, %d tokens", len(c.Items), len(c.Tokens))
	}
	want := Item{
		Subscription: "76222963-cc7b-42d2-882d-8aaa69cb2ba3", ClientState: "known", Tenant: testTenant, Change: Created,
		Type: "microsoft.graph.chatmessage", Expires: time.Date(2026, 3, 20, 11, 0, 0, 0, time.UTC),
		Resource: Resource{Kind: ChannelMessage, Team: "d29828b8-c04d-4e2a-b2f6-07da6982f0f0", Channel: "19:f127a8c55ad949d1a238464d22f0f99e@thread.skype", Message: "1565045424600"},
	}
	if d := cmp.Diff(want, c.Items[0], cmpopts.IgnoreUnexported(Item{})); d != "" {
		t.Error(d)
	}
	keys := knownKeys(t)
	if c.Items[0].Certificate() != keys.Current().ID {
		t.Errorf("OpenSSL names the key %s, we %s", c.Items[0].Certificate(), keys.Current().ID)
	}
	if c.Items[0].thumbprint != keys.Current().Thumbprint {
		t.Errorf("OpenSSL gives the thumbprint %s, we %s", c.Items[0].thumbprint, keys.Current().Thumbprint)
	}
	plain, err := keys.Open(&c.Items[0])
	if err != nil || string(plain) != string(read(t, "resource.json")) {
		t.Errorf("%q, %v", plain, err)
	}
	signing, err := ParseSigningKeys(read(t, "jwks.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache := NewKeyCache(func(context.Context) ([]SigningKey, error) { return signing, nil }, func() time.Time { return noon })
	v, err := NewValidator(ValidatorOptions{ClientID: testApp, LoginURL: testLogin, Keys: cache.Key, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(t.Context(), c.Tokens).Check(c.Items[0].Tenant); err != nil {
		t.Error(err)
	}
}
