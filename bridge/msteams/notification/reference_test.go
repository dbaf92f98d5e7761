package notification

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"causeway/contrib/sim/teams/reference"
)

// wrongInExamples is what Microsoft's examples leave out.
var wrongInExamples = map[string]string{
	"concept-webhooks-with-resource-data-2.notification.json": "reading a notification: resource is missing", // shortened, to show the tokens
}

// TestMicrosoftsExamplesAreRead, each item of them; those that are shown alone in a collection of their own.
func TestMicrosoftsExamplesAreRead(t *testing.T) {
	f := reference.Open(t)
	kinds, changes, events, rich := map[Kind]int{}, 0, 0, 0
	for _, suffix := range []string{".notification.json", ".lifecycle.json"} {
		names, err := f.Examples("", suffix)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			document, err := f.Example(name)
			if err != nil {
				t.Fatal(err)
			}
			var whole struct {
				Value  []json.RawMessage `json:"value"`
				Tokens []string          `json:"validationTokens"`
			}
			if err := json.Unmarshal(document, &whole); err != nil {
				t.Fatal(err)
			}
			if whole.Value == nil {
				document = []byte(`{"value":[` + string(document) + `]}`)
				whole.Value = append(whole.Value, document)
			}
			c, err := Parse(document)
			if err != nil || len(c.Items) != len(whole.Value) || len(c.Tokens) != len(whole.Tokens) {
				t.Errorf("%s: %d items, %d tokens, %v", name, len(c.Items), len(c.Tokens), err)
			}
			for _, i := range c.Items {
				if want := wrongInExamples[name]; want != "" {
					if i.Err == nil || i.Err.Error() != want {
						t.Errorf("%s: %v, not %s", name, i.Err, want)
					}
					continue
				}
				if i.Err != nil {
					t.Errorf("%s: %v", name, i.Err)
				}
				if (i.Lifecycle != "") != (suffix == ".lifecycle.json") || i.Lifecycle == "" && i.Change != Created {
					t.Errorf("%s: %+v", name, i)
				}
				if i.Lifecycle != "" {
					events++
					continue
				}
				changes++
				kinds[i.Resource.Kind]++
				if i.Rich() {
					rich++
				}
				if i.Rich() != strings.Contains(strings.ToLower(string(document)), "encryptedcontent") || i.Type == "" || !strings.HasPrefix(i.Type, "microsoft.graph.") {
					t.Errorf("%s: %+v", name, i)
				}
				if i.Resource.Kind == Other && !strings.HasPrefix(name, "concept-webhooks-4.") { // a mail
					t.Errorf("%s: %+v", name, i)
				}
			}
		}
	}
	t.Logf("%d changes (%d with resource data), kinds %v, %d events", changes, rich, kinds, events)
	if kinds[ChannelMessage] == 0 || kinds[ChatMessage] == 0 || kinds[Member] == 0 || kinds[Team] == 0 || kinds[Channel] == 0 || kinds[Chat] == 0 || events < 4 || rich < 5 {
		t.Error("too few examples were found")
	}
}

// TestMicrosoftsExamplesOfTokensPass when they are signed, at their time and for their app.
func TestMicrosoftsExamplesOfTokensPass(t *testing.T) {
	f := reference.Open(t)
	names, err := f.Examples("validationtoken-", ".claims.json")
	if err != nil || len(names) < 2 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		document, err := f.Example(name)
		if err != nil {
			t.Fatal(err)
		}
		var claims jwt.MapClaims
		if err := json.Unmarshal(document, &claims); err != nil {
			t.Fatal(err)
		}
		l := newLogin()
		l.now = time.Unix(int64(claims["nbf"].(float64)), 0).Add(time.Hour)
		v := l.validator(t, func(o *ValidatorOptions) { o.ClientID = claims["aud"].(string) })
		if err := v.Verify(t.Context(), []string{goodToken(t, claims)}).Check(claims["tid"].(string)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatIsReadIsWhatTheSchemaHas: names and kinds of all members, none of them made up.
func TestWhatIsReadIsWhatTheSchemaHas(t *testing.T) {
	f := reference.Open(t)
	document := `{"changeType":"created","clientState":"c","id":"i","lifecycleEvent":null,"resource":"chats('c')","subscriptionExpirationDateTime":"2026-03-20T11:00:00Z",
		"subscriptionId":"9f9d1ed0-c9cc-42e7-8d80-a7fc4b0cda3c","tenantId":"9f9d1ed0-c9cc-42e7-8d80-a7fc4b0cda3c","resourceData":{},
		"encryptedContent":{"data":"d","dataKey":"k","dataSignature":"s","encryptionCertificateId":"c","encryptionCertificateThumbprint":"t"}}`
	if err := f.Check("changeNotification", []byte(document), reference.Answer); err != nil {
		t.Errorf("what is read is not what the schema has: %v", err)
	}
	collection := `{"value":[` + document + `],"validationTokens":["a"]}`
	if err := f.Check("changeNotificationCollection", []byte(collection), reference.Answer); err != nil {
		t.Error(err)
	}
	if c := parse(t, collection); c.Items[0].Err != nil || !c.Items[0].Rich() {
		t.Errorf("%+v", c.Items[0])
	}
}
