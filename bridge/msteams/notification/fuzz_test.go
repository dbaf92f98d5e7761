package notification

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bodies are seeds: of what Graph sends, and of what it never would.
var bodies = []string{
	`{"value":[{"subscriptionId":"10493aa0-4d29-4df5-bc0c-ef742cc6cd7f","changeType":"Created","clientState":"s","subscriptionExpirationDateTime":"2021-02-02T10:30:34.9097561-08:00","resource":"chats('19:a_b@unq.gbl.spaces')/messages('1612289765949')","resourceData":{"id":"1612289765949","@odata.type":"#Microsoft.Graph.chatMessage","@odata.id":"chats('19:a_b@unq.gbl.spaces')/messages('1612289765949')"},"EncryptedContent":{"data":"AA==","dataKey":"AA==","dataSignature":"AA==","encryptionCertificateId":"i","encryptionCertificateThumbprint":"t"},"tenantId":"9f4ebab6-520d-49c0-85cc-7b25c78d4a93"}],"validationTokens":["a.b.c"]}`,
	`{"value":[{"lifecycleEvent":"reauthorizationRequired","subscriptionId":"e3898f08-5cd0-4a6a-80fc-6addbfb73b7b","subscriptionExpirationDateTime":"2019-09-18T00:52:45.9696658+00:00","clientState":"{secret client state}","tenantId":"84bd8158-6d4d-4958-8b9f-9d6445542f95"}]}`,
	`{"value":[{"subscriptionId":"s","subscriptionExpirationDateTime":"2019-03-20T11:00:00.0000000Z","tenantId":"t","clientState":"c","lifecycleEvent":"subscriptionRemoved"},{"lifecycleEvent":"missed"},7,null,{}],"validationTokens":null}`,
	`{"validationTokens":[null,1,"\u0061"],"value":[{"subscriptionId":1,"changeType":["x"],"resource":"teams('t')/channels('c')/messages('1')/replies('2')"}],"x":{"y":[1.5e-3,true,false,null,"\"\\\/\b\f\n\r\t\ud83d\udc4b"]}}`,
	`{"Value":[{"SubscriptionId":"S","ChangeType":"DELETED","Resource":"/chats/c/messages/1?x","encryptedContent":null,"resourceData":[]}],"value":[]}`,
	`{}`, `[]`, `{"value":{}}`, `{"value":[[[[[[]]]]]]}`, `{"value":[{"a":1,}]}`, "\ufeff{}", `{"value":[]}{}`, `{"value":[{"subscriptionId":"` + "\xff\xfe" + `","changeType":"c","resource":"chats('` + "\xc3" + `')"}]}`,
}

// FuzzParse: nothing panics. What is not JSON is refused, and what is JSON only beyond a limit or when it is no
// collection; of a collection, each element of its list is an item.
func FuzzParse(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b))
	}
	f.Add(read(f, "delivery.json"))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		c, err := Parse(body)
		if !bytes.Equal(body, before) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if len(c.Items)+len(c.Tokens) > 0 {
				t.Fatal("an error with items")
			}
			if limit := (*LimitError)(nil); json.Valid(body) && !errors.Is(err, errNoCollection) && !errors.As(err, &limit) {
				t.Fatal("this is JSON:", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("this is not JSON")
		}
		if len(c.Items) > MaxItems || len(c.Tokens) > MaxTokens {
			t.Fatalf("%d items, %d tokens", len(c.Items), len(c.Tokens))
		}
		var whole struct{ Value []json.RawMessage }
		// An error would be about an earlier member of the same name, which does not count.
		if err := json.Unmarshal(body, &whole); len(whole.Value) != len(c.Items) {
			t.Fatalf("%d items of %d, %v", len(c.Items), len(whole.Value), err)
		}
		for n := range c.Items {
			checkItem(t, &c.Items[n])
		}
	})
}

// FuzzLifecycle: a body of one event gives what encoding/json reads in it.
func FuzzLifecycle(f *testing.F) {
	f.Add("reauthorizationRequired", "e3898f08-5cd0-4a6a-80fc-6addbfb73b7b", "secret", "84bd8158-6d4d-4958-8b9f-9d6445542f95", "2019-09-18T00:52:45.9696658+00:00", true)
	f.Add("SUBSCRIPTIONREMOVED", "S", "\"\\\n\u2028<>&", "", "tomorrow", false)
	f.Add("missed", "", "ä\U0001f44b\xff", "t", "", true)
	f.Add("", "s", "", "", "2019", true)
	f.Fuzz(func(t *testing.T, event, subscription, state, tenant, expires string, html bool) {
		var b bytes.Buffer
		e := json.NewEncoder(&b) // with and without escapes
		e.SetEscapeHTML(html)
		if err := e.Encode(map[string]any{"value": []any{map[string]any{"lifecycleEvent": event, "subscriptionId": subscription, "clientState": state, "tenantId": tenant, "subscriptionExpirationDateTime": expires}}}); err != nil {
			t.Fatal(err)
		}
		c, err := Parse(b.Bytes())
		if b.Len() > MaxBody {
			return
		}
		if err != nil || len(c.Items) != 1 {
			t.Fatal(err, len(c.Items))
		}
		i := &c.Items[0]
		checkItem(t, i)
		if i.Err != nil {
			if event != "" && subscription != "" && b.Len() < maxText {
				t.Fatal(i.Err)
			}
			return
		}
		valid := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
		// encoding/json writes a replacement for each byte that is not UTF-8, ToValidUTF8 one for all.
		if state == valid(state) && i.ClientState != state || subscription == valid(subscription) && i.Subscription != strings.ToLower(subscription) ||
			tenant == valid(tenant) && i.Tenant != strings.ToLower(tenant) || event == valid(event) && !strings.EqualFold(string(i.Lifecycle), event) {
			t.Fatalf("%+v", i)
		}
	})
}

func checkItem(t *testing.T, i *Item) {
	t.Helper()
	if i.Err == nil && (i.Subscription == "" || i.Lifecycle == "" && i.Change == "") {
		t.Fatalf("incomplete without an error: %+v", i)
	}
	if i.Err != nil && len(i.Err.Error()) > 1500 {
		t.Fatalf("an error of %d bytes", len(i.Err.Error()))
	}
	if i.Err == nil {
		checkResource(t, i.Resource)
	}
}

func checkResource(t *testing.T, r Resource) {
	t.Helper()
	has := fmt.Sprintf("%t%t%t%t%t", r.Team != "", r.Channel != "", r.Chat != "", r.Message != "", r.Reply != "")
	want := map[Kind][]string{
		Other: {"falsefalsefalsefalsefalse"}, User: {"falsefalsefalsefalsefalse"},
		Team: {"truefalsefalsefalsefalse"}, Channel: {"truetruefalsefalsefalse"},
		ChannelMessage: {"truetruefalsetruefalse", "truetruefalsetruetrue"},
		Chat:           {"falsefalsetruefalsefalse"}, ChatMessage: {"falsefalsetruetruefalse"},
		Member: {"truefalsefalsefalsefalse", "truetruefalsefalsefalse", "falsefalsetruefalsefalse"},
	}[r.Kind]
	ok := false
	for _, w := range want {
		ok = ok || has == w
	}
	if !ok || (r.Kind == Member) != (r.Member != "") || r.Kind == User && r.User == "" {
		t.Fatalf("%+v", r)
	}
	for _, id := range []string{r.User, r.Team, r.Channel, r.Chat, r.Message, r.Reply} {
		if strings.ContainsAny(id, "/\x00\n\r") || id == "." || id == ".." || len(id) > 2*maxID { // small letters may be longer
			t.Fatalf("%q is an id", id)
		}
	}
}

// FuzzResource: what is read can be written in both forms, and means the same then.
func FuzzResource(f *testing.F) {
	for _, s := range []string{
		"teams('fbe2bf47')/channels('19:4a@thread.tacv2')/messages('1')/replies('2')", "/teams/fbe2bf47/channels/19%3A4a%40thread.tacv2/messages/1/replies/2",
		"https://graph.microsoft.com/v1.0/chats('19:a_b@unq.gbl.spaces')/messages('1')?$expand=x", "users('u')/chats/c/messages(7)", "chats('it''s')", "chats('%27%27')",
		"chats/getAllMessages", "teams('t')/members('a/b==')", "chats('a)b(')", "chats('')", "chats('a%2Fb')", "v1.0/beta/chats/c", "teams('t')/channels('c')/messages('1')/replies('2')/x", "(((", "'''", "a?b", "https://",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseResource(text)
		if err != nil {
			if r != (Resource{}) || len(err.Error()) > 1200 {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		checkResource(t, r)
		if r.Kind == Other {
			return
		}
		for _, key := range []func(string) string{
			func(id string) string {
				return "('" + strings.ReplaceAll(strings.ReplaceAll(id, "%", "%25"), "'", "''") + "')"
			},
			func(id string) string { return "('" + url.PathEscape(strings.ReplaceAll(id, "'", "''")) + "')" },
			func(id string) string { return "/" + url.PathEscape(id) },
		} {
			written := write(r, key)
			again, err := ParseResource(written)
			if strings.HasPrefix(strings.ToLower(r.Team+" "+r.Chat), "getall") || strings.Contains(strings.ToLower(written), "/getall") {
				continue // a function's name in path form
			}
			if d := cmp.Diff(r, again); d != "" || err != nil {
				t.Fatalf("%s, %v: %s", written, err, d)
			}
		}
	})
}

func write(r Resource, key func(string) string) string {
	var b strings.Builder
	for _, s := range [][2]string{{"users", r.User}, {"teams", r.Team}, {"chats", r.Chat}, {"channels", r.Channel}, {"messages", r.Message}, {"replies", r.Reply}, {"members", r.Member}} {
		if s[1] != "" {
			b.WriteString("/" + s[0] + key(s[1]))
		}
	}
	return b.String()
}

// FuzzOpen: only what was sealed for the key opens. The pieces are those of a good item unless the input differs.
func FuzzOpen(f *testing.F) {
	keys := knownKeys(f)
	item := parse(f, string(read(f, "delivery.json"))).Items[0]
	want := read(f, "resource.json")
	piece := func(text string) []byte {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	data, dataKey, signature := piece(item.data), piece(item.dataKey), piece(item.signature)
	f.Add(data, dataKey, signature, false)
	f.Add(data[:16], dataKey, signature, true)
	f.Add([]byte{}, []byte{}, []byte{}, false)
	f.Add(data, dataKey[1:], signature, false)
	f.Add(append([]byte{0}, data...), dataKey, signature, true)
	f.Fuzz(func(t *testing.T, d, k, s []byte, raw bool) {
		i := item
		text := func(b []byte) string {
			if raw { // as it came, which is hardly ever base64
				return string(b)
			}
			return base64.StdEncoding.EncodeToString(b)
		}
		i.data, i.dataKey, i.signature = text(d), text(k), text(s)
		plain, err := keys.Open(&i)
		if same := !raw && bytes.Equal(d, data) && bytes.Equal(k, dataKey) && bytes.Equal(s, signature); same {
			if err != nil || !bytes.Equal(plain, want) {
				t.Fatal(err)
			}
		} else if err != ErrUndecipherable || plain != nil {
			t.Fatalf("%q, %v", plain, err)
		}
		// The padding, apart from the signature before it.
		if len(d) > 0 && len(d)%16 == 0 {
			n := int(d[len(d)-1])
			good := n >= 1 && n <= 16 && bytes.Equal(d[len(d)-min(n, 16):], bytes.Repeat([]byte{byte(n)}, min(n, 16)))
			if plain, ok := unpad(bytes.Clone(d)); ok != good || ok && !bytes.Equal(plain, d[:len(d)-n]) {
				t.Fatalf("padding of %x: %v", d, ok)
			}
		}
	})
}

// FuzzOpenID reads whatever the login service may answer.
func FuzzOpenID(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0","jwks_uri":"https://login.microsoftonline.com/common/discovery/v2.0/keys"}`))
	f.Add([]byte(`{"issuer":"i","jwks_uri":"http://a"}`))
	f.Add(read(f, "jwks.json"))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"},{"kty":"RSA","kid":"b","x5c":["AAAA"]},null,7]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if c, err := ParseOpenID(body, testLogin); err == nil {
			if u, err := url.Parse(c.KeysURL); err != nil || u.Scheme != "https" || u.Host == "" || c.Issuer == "" {
				t.Fatalf("%+v", c)
			}
		}
		keys, err := ParseSigningKeys(body)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if k.ID == "" || !fit(k.Public) {
				t.Fatalf("%+v", k)
			}
		}
	})
}

// FuzzToken: no text is a good token, and none is shown in the error.
func FuzzToken(f *testing.F) {
	good := goodToken(f, goodClaims("2.0"))
	parts := strings.Split(good, ".")
	f.Add(parts[0], parts[1], "AAAA")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)), parts[1], "")
	f.Add("a", "b", "c")
	f.Add("", ".", "..")
	v := newLogin().validator(f, nil)
	f.Fuzz(func(t *testing.T, header, claims, signature string) {
		token := header + "." + claims + "." + signature
		if err := v.Verify(t.Context(), []string{token}).Check(testTenant); err == nil {
			t.Fatal("it passes")
		} else if len(err.Error()) > 1200 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
	})
}
