package notification

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameItems compares what is exported, errors by their text.
var sameItems = cmp.Options{
	cmpopts.IgnoreUnexported(Item{}),
	cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }),
}

func TestLettersMayBeLargeOrSmall(t *testing.T) {
	c := parse(t, `{"VALUE":[{"SubscriptionID":"AB-1","ClientState":"Secret","TenantId":"9F4E","ChangeType":"Updated",
		"SubscriptionExpirationDateTime":"2021-02-02T10:30:34.9097561-08:00","Resource":"Chats('19:Xy@unq.gbl.spaces')/Messages('7')",
		"ResourceData":{"@odata.type":"#Microsoft.Graph.ChatMessage"},"EncryptedContent":{"Data":"a","DATAKEY":"b","datasignature":"c","EncryptionCertificateId":"d","encryptioncertificatethumbprint":"e"}}],
		"ValidationTokens":["x"]}`)
	want := Collection{Tokens: []string{"x"}, Items: []Item{{
		Subscription: "ab-1", ClientState: "Secret", Tenant: "9f4e", Change: Updated, Type: "microsoft.graph.chatmessage",
		Resource: Resource{Kind: ChatMessage, Chat: "19:Xy@unq.gbl.spaces", Message: "7"},
		Expires:  time.Date(2021, 2, 2, 18, 30, 34, 909756100, time.UTC),
	}}}
	if d := cmp.Diff(want, c, sameItems); d != "" {
		t.Error(d)
	}
	i := c.Items[0]
	if got := fmt.Sprintf("%s %s %s %s %s", i.data.raw, i.dataKey.raw, i.signature.raw, i.certificate, i.thumbprint); got != "a b c d e" || !i.Rich() {
		t.Error(got)
	}
}

func TestOneBadItemSpoilsNoOther(t *testing.T) {
	const good = `{"subscriptionId":"s","changeType":"created","resource":"chats('c')/messages('1')"}`
	for _, bad := range []struct{ item, problem string }{
		{`7`, "it is no object"},
		{`null`, "it is no object"},
		{`[{}]`, "it is no object"},
		{`{}`, "subscriptionId is missing"},
		{`{"subscriptionId":"s"}`, "changeType is missing"},
		{`{"subscriptionId":"s","changeType":"created"}`, "resource is missing"},
		{`{"subscriptionId":"s","changeType":null,"lifecycleEvent":null,"resource":"chats('c')"}`, "changeType is missing"},
		{`{"subscriptionId":{"a":[1,2,{"b":"}"}]},"changeType":"created","resource":"chats('c')"}`, "subscriptionId is no text"},
		{`{"subscriptionId":"s","tenantId":12e3,"changeType":"created","resource":"chats('c')"}`, "tenantId is no text"},
		{`{"subscriptionId":"s","changeType":true,"resource":"chats('c')"}`, "changeType is no text"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c"}`, `resource "chats('c": a key does not end`},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","clientState":"` + strings.Repeat("x", maxText+1) + `"}`, "clientState has more than 2048 bytes"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","encryptedContent":{"data":"` + strings.Repeat("A", MaxContent+1) + `"}}`, "data has more than 2097152 bytes"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","encryptedContent":{"dataKey":[]}}`, "dataKey is no text"},
	} {
		c := parse(t, `{"value":[`+good+`,`+bad.item+`,`+good+`]}`)
		if len(c.Items) != 3 || c.Items[0].Err != nil || c.Items[2].Err != nil {
			t.Fatalf("%.80s: %+v", bad.item, c.Items)
		}
		if err := c.Items[1].Err; err == nil || err.Error() != "reading a notification: "+bad.problem {
			t.Errorf("%.80s: %v", bad.item, err)
		}
		if d := cmp.Diff(c.Items[0], c.Items[2], sameItems); d != "" {
			t.Error(d)
		}
	}
}

func TestItemsOfSeveralSubscriptionsAndTenants(t *testing.T) {
	var items []string
	for i := range 40 {
		items = append(items, fmt.Sprintf(`{"subscriptionId":"s%d","tenantId":"t%d","changeType":"deleted","resource":"teams('g%d')/channels('c')/messages('%d')"}`, i%3, i%2, i, i))
	}
	c := parse(t, ` {"validationTokens" : [ "a" , null , "b" , 3 ] , "@odata.context":{"x":[]}, "value":[`+strings.Join(items, " ,\n")+`]}`)
	if d := cmp.Diff([]string{"a", "b", ""}, c.Tokens); d != "" {
		t.Error(d)
	}
	for i, item := range c.Items {
		want := Item{Subscription: fmt.Sprint("s", i%3), Tenant: fmt.Sprint("t", i%2), Change: Deleted,
			Resource: Resource{Kind: ChannelMessage, Team: fmt.Sprint("g", i), Channel: "c", Message: fmt.Sprint(i)}}
		if d := cmp.Diff(want, item, sameItems); d != "" {
			t.Error(d)
		}
	}
	if len(c.Items) != 40 {
		t.Errorf("%d items", len(c.Items))
	}
}

func TestLifecycleEvents(t *testing.T) {
	c := parse(t, `{"value":[
		{"lifecycleEvent":"reauthorizationRequired","subscriptionId":"e3898f08-5cd0-4a6a-80fc-6addbfb73b7b","subscriptionExpirationDateTime":"2019-09-18T00:52:45.9696658+00:00","clientState":"cs","tenantId":"84bd8158-6d4d-4958-8b9f-9d6445542f95"},
		{"LifecycleEvent":"SUBSCRIPTIONREMOVED","subscriptionId":"s"},{"lifecycleEvent":"missed","subscriptionId":"s"},
		{"lifecycleEvent":"somethingNew","subscriptionId":"s","resource":"(("},{"lifecycleEvent":"missed"}]}`)
	want := []Item{
		{Lifecycle: ReauthorizationRequired, Subscription: "e3898f08-5cd0-4a6a-80fc-6addbfb73b7b", Expires: time.Date(2019, 9, 18, 0, 52, 45, 969665800, time.UTC), ClientState: "cs", Tenant: "84bd8158-6d4d-4958-8b9f-9d6445542f95"},
		{Lifecycle: SubscriptionRemoved, Subscription: "s"}, {Lifecycle: Missed, Subscription: "s"}, {Lifecycle: "somethingNew", Subscription: "s"},
		{Lifecycle: Missed, Err: errors.New("reading a notification: subscriptionId is missing")},
	}
	if d := cmp.Diff(want, c.Items, sameItems); d != "" {
		t.Error(d)
	}
}

func TestTokensMayBeMissing(t *testing.T) {
	for _, body := range []string{`{"value":[]}`, `{"value":[],"validationTokens":null}`, `{"value":[],"validationTokens":[]}`, `{"value":[],"validationTokens":[null]}`, `{"value":[],"validationTokens":"x"}`} {
		if c := parse(t, body); c.Tokens != nil || len(c.Items) != 0 {
			t.Errorf("%s: %+v", body, c)
		}
	}
}

func TestOfTwoListsTheSecondCounts(t *testing.T) {
	c := parse(t, `{"value":[{"subscriptionId":"a","changeType":"c","resource":"chats('c')"},{}],"validationTokens":["a","b"],"value":[{"subscriptionId":"b","changeType":"c","resource":"chats('d')"}],"validationTokens":["c"]}`)
	if len(c.Items) != 1 || c.Items[0].Subscription != "b" || c.Items[0].Resource.Chat != "d" || c.Items[0].Err != nil || len(c.Tokens) != 1 || c.Tokens[0] != "c" {
		t.Errorf("%+v", c)
	}
}

func TestTheAddressOfTheResourceStandsInForItsName(t *testing.T) {
	c := parse(t, `{"value":[{"subscriptionId":"s","changeType":"created","resourceData":{"@odata.id":"chats('c')/messages('1')"}},
		{"subscriptionId":"s","changeType":"created","resource":"chats('c')/messages('2')","resourceData":{"@odata.id":"chats('d')/messages('1')"}}]}`)
	if r := c.Items[0].Resource; r.Message != "1" || c.Items[0].Err != nil {
		t.Errorf("%+v", c.Items[0])
	}
	if r := c.Items[1].Resource; r.Chat != "c" || r.Message != "2" {
		t.Errorf("%+v", r)
	}
}

func TestWhatIsNoCollectionIsRefused(t *testing.T) {
	for _, bad := range []struct{ body, problem string }{
		{``, "the body is not JSON at byte 0: a value is missing"},
		{`[]`, "the body is no collection of notifications"},
		{`"text"`, "the body is no collection of notifications"},
		{`{}`, "the body is no collection of notifications"},
		{`{"value":{}}`, "the body is no collection of notifications"},
		{`{"value":null}`, "the body is no collection of notifications"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')"}`, "the body is no collection of notifications"},
		{`{"value":[]} x`, "the body is not JSON at byte 13: something follows the end"},
		{`{"value":[{]}`, "the body is not JSON at byte 11: a member's name is missing"},
		{`{"value":[{"a":1,}]}`, "the body is not JSON at byte 17: a member's name is missing"},
		{`{"value":[1,]}`, "the body is not JSON at byte 12: a value is missing"},
		{`{"value":[{"subscriptionId":"s`, "the body is not JSON at byte 30: a string does not end"},
		{`{"value":["\x"]}`, "the body is not JSON at byte 11: a backslash stands before something that cannot be escaped"},
		{`{"value":` + strings.Repeat("[", 1000), "the body is not JSON at byte 75: it is nested too deeply"},
		{`{"value":[],"validationTokens":[` + strings.Repeat(`"a",`, MaxTokens) + `"a"]}`, "the body has more than 64 validation tokens"},
		{`{"value":[` + strings.Repeat(`1,`, MaxItems) + `1]}`, "the body has more than 1000 items"},
		{strings.Repeat(" ", MaxBody+1), "the body has more than 8388608 bytes"},
	} {
		c, err := Parse([]byte(bad.body))
		if err == nil || err.Error() != "reading notifications: "+bad.problem || c.Items != nil || c.Tokens != nil {
			t.Errorf("%.60s: %v", bad.body, err)
		}
		var limit *LimitError
		if errors.As(err, &limit) != strings.Contains(bad.problem, "more than") {
			t.Errorf("%.60s: %T", bad.body, err)
		}
	}
}

func TestLimitsAreWhatStillPasses(t *testing.T) {
	body := `{"value":[` + strings.Repeat(`1,`, MaxItems-1) + `1],"validationTokens":[` + strings.Repeat(`"a",`, MaxTokens-1) + `"a"]}`
	body += strings.Repeat(" ", MaxBody-len(body))
	if c := parse(t, body); len(c.Items) != MaxItems || len(c.Tokens) != MaxTokens {
		t.Errorf("%d items, %d tokens", len(c.Items), len(c.Tokens))
	}
	c := parse(t, `{"value":[{"subscriptionId":"s","changeType":"c","resource":"chats/c","clientState":"`+strings.Repeat("x", maxText)+
		`","encryptedContent":{"data":"`+strings.Repeat("A", MaxContent)+`"}}],"validationTokens":["`+strings.Repeat("t", MaxToken)+`","`+strings.Repeat("t", MaxToken+1)+`"]}`)
	if c.Items[0].Err != nil || len(c.Tokens[0]) != MaxToken || c.Tokens[1] != "" {
		t.Errorf("%v, %d, %d", c.Items[0].Err, len(c.Tokens[0]), len(c.Tokens[1]))
	}
}

// TestTheReaderAcceptsWhatJSONIs no more and no less.
func TestTheReaderAcceptsWhatJSONIs(t *testing.T) {
	for _, v := range []string{
		`0`, `-0`, `01`, `1.`, `1.5`, `.5`, `-`, `+1`, `1e5`, `1E+05`, `1e`, `1e+`, `0x1`, `true`, `True`, `tru`, `nul`, `null1`, `falsex`, `NaN`,
		`"\u00e4"`, `"\ud83d\udc4b"`, `"\ud83d"`, `"\u12g4"`, `"\u12"`, `"\b\f\n\r\t\/\\\""`, `"\a"`, `"` + "\n" + `"`, `"` + "\x7f" + `"`, `"` + "\xff" + `"`, `'a'`,
		`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{a:1}`, `{"a"}`, `{"a":}`, `{,}`, `{"a":1 "b":2}`, `[]`, `[1,2]`, `[1 2]`, `[,]`, `[1}`, `{"a":1]`, "[1,\t\r\n 2]", "\ufeff1", `1 2`, `[`, `{`, `"`,
	} {
		r := &reader{text: []byte(v)}
		r.skip()
		r.end()
		if (r.bad == nil) != json.Valid([]byte(v)) {
			t.Errorf("%s: %v, but JSON: %v", v, r.bad, json.Valid([]byte(v)))
		}
	}
	for _, v := range []string{`"a\u0062\ud83d\udc4b\/\n\"\\"`, `"\ud83d x"`, `"` + "ä\xffb" + `"`, `"plain"`} {
		var want string
		if err := json.Unmarshal([]byte(v), &want); err != nil {
			t.Fatal(err)
		}
		r := &reader{text: []byte(v)}
		if got := r.literal().text(); got != want {
			t.Errorf("%s is %q, not %q", v, got, want)
		}
	}
}
