package notification

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
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
	if got := fmt.Sprintf("%s %s %s %s %s", i.data, i.dataKey, i.signature, i.certificate, i.thumbprint); got != "a b c d e" || !i.Rich() {
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
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","encryptedContent":{"data":"` + strings.Repeat("A", 8) + `","dataSignature":"` + strings.Repeat("A", maxText+1) + `"}}`, "dataSignature has more than 2048 bytes"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","encryptedContent":"text"}`, "encryptedContent is no object"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","resourceData":[{}]}`, "resourceData is no object"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","resourceData":{"@odata.type":{"a":1}}}`, "@odata.type is no text"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')","resourceData":{"@odata.id":"` + strings.Repeat("x", maxText+1) + `"}}`, "@odata.id has more than 2048 bytes"},
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
		{``, "the body is not JSON: unexpected end of JSON input"},
		{`[]`, "the body is no collection of notifications"},
		{`"text"`, "the body is no collection of notifications"},
		{`{}`, "the body is no collection of notifications"},
		{`{"value":{}}`, "the body is no collection of notifications"},
		{`{"value":null}`, "the body is no collection of notifications"},
		{`{"subscriptionId":"s","changeType":"created","resource":"chats('c')"}`, "the body is no collection of notifications"},
		{`{"value":[]} x`, "the body is not JSON: invalid character 'x' after top-level value"},
		{`{"value":[{]}`, "the body is not JSON: invalid character ']' looking for beginning of object key string"},
		{`{"value":[{"a":1,}]}`, "the body is not JSON: invalid character '}' looking for beginning of object key string"},
		{`{"value":[1,]}`, "the body is not JSON: invalid character ']' looking for beginning of value"},
		{`{"value":[{"subscriptionId":"s`, "the body is not JSON: unexpected end of JSON input"},
		{`{"value":["\x"]}`, "the body is not JSON: invalid character 'x' in string escape code"},
		{`{"value":[{"a":1]]}`, "the body is not JSON: invalid character ']' after object key:value pair"},
		{`null`, "the body is no collection of notifications"},
		{`{"value":[],"value":null}`, "the body is no collection of notifications"},
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

// computed is for how long this process has had a processor; what else the machine does leaves it alone.
func computed(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestNestingCostsNoMoreThanLength: bodies as large and as deep as they may be, and deeper.
func TestNestingCostsNoMoreThanLength(t *testing.T) {
	const good = `{"subscriptionId":"s","changeType":"created","resource":"chats('c')"}`
	fill := func(unit string, head, tail string) string {
		return head + strings.Repeat(unit, (MaxBody-len(head)-len(tail))/len(unit)) + tail
	}
	nested := strings.Repeat("[", 9_900) + strings.Repeat("]", 9_900)
	objects := strings.Repeat(`{"resourceData":`, 9_900) + `{}` + strings.Repeat("}", 9_900)
	for what, c := range map[string]struct {
		body  string
		items int // without an error
	}{
		"lists that never end":        {fill("[", `{"value":`, ``), -1},
		"lists too deep":              {`{"value":` + strings.Repeat("[", MaxBody/2-10) + strings.Repeat("]", MaxBody/2-10) + `}`, -1},
		"objects too deep":            {fill(`{"value":`, ``, ``), -1},
		"too deep in what is unknown": {fill("[", `{"value":[`+good+`],"x":`, `}`), -1},
		"lists as items":              {fill(nested+",", `{"value":[`, good+`]}`), 1},
		"lists in unknown members":    {fill(`"x":`+nested+`,`, `{`, `"value":[`+good+`]}`), 1},
		"objects as items":            {fill(objects+",", `{"value":[`, good+`]}`), 1},
		"the list again and again":    {fill(`"value":[`+good+`],`, `{`, `"value":[`+good+`]}`), 1},
		"a member again and again":    {fill(`"clientState":"x",`, `{"value":[{`, good[1:]+`]}`), 1},
	} {
		begin := computed(t)
		got, err := Parse([]byte(c.body))
		// A reader that goes over it once per level takes minutes.
		if took := computed(t) - begin; took > 20*time.Second {
			t.Errorf("%s: took %v", what, took)
		}
		ok := 0
		for _, i := range got.Items {
			if i.Err == nil {
				ok++
			}
		}
		if len(c.body) > MaxBody || (err != nil) != (c.items < 0) || err == nil && ok != c.items {
			t.Errorf("%s: %d good of %d items in %d bytes, %v", what, ok, len(got.Items), len(c.body), err)
		}
	}
}

// TestALongListIsNotHeld: elements beyond the limit are not even counted.
func TestALongListIsNotHeld(t *testing.T) {
	for _, head := range []string{`{"value":[`, `{"value":[],"validationTokens":[`} {
		body := []byte(head + strings.Repeat("1,", MaxBody/2-20) + `1]}`)
		n := testing.AllocsPerRun(1, func() {
			var limit *LimitError
			if _, err := Parse(body); !errors.As(err, &limit) {
				t.Error(err)
			}
		})
		if n > 10*MaxItems {
			t.Errorf("%s: %v allocations", head, n)
		}
	}
}

func TestEveryTextHasItsLimit(t *testing.T) {
	const item = `{"value":[{"subscriptionId":"s","changeType":"created","resource":"chats('c')",%s}]}`
	for _, c := range []struct {
		name, around string
		limit        int
	}{
		{"subscriptionId", "%s", maxText}, {"clientState", "%s", maxText}, {"tenantId", "%s", maxText}, {"changeType", "%s", maxText},
		{"lifecycleEvent", "%s", maxText}, {"subscriptionExpirationDateTime", "%s", maxText}, {"resource", "%s", maxText},
		{"@odata.type", `"resourceData":{%s}`, maxText}, {"@odata.id", `"resourceData":{%s}`, maxText},
		{"data", `"encryptedContent":{%s}`, MaxContent}, {"dataKey", `"encryptedContent":{%s}`, maxText}, {"dataSignature", `"encryptedContent":{%s}`, maxText},
		{"encryptionCertificateId", `"encryptedContent":{%s}`, maxText}, {"encryptionCertificateThumbprint", `"encryptedContent":{%s}`, maxText},
	} {
		read := func(n int) error {
			member := fmt.Sprintf("%q:%q", c.name, strings.Repeat("x", n))
			return parse(t, fmt.Sprintf(item, fmt.Sprintf(c.around, member))).Items[0].Err
		}
		var limit *LimitError
		if err := read(c.limit); errors.As(err, &limit) {
			t.Errorf("%s: %v", c.name, err)
		}
		want := fmt.Sprintf("reading a notification: %s has more than %d bytes", c.name, c.limit)
		if err := read(c.limit + 1); !errors.As(err, &limit) || limit.Limit != c.limit || err.Error() != want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestOfTwoMembersTheLastCounts(t *testing.T) {
	c := parse(t, `{"value":[{"subscriptionId":"a","SUBSCRIPTIONID":"b","changeType":"created","clientState":"one","clientState":"two","resource":"chats('c')","resource":"chats('d')"}]}`)
	want := Item{Subscription: "b", Change: Created, ClientState: "two", Resource: Resource{Kind: Chat, Chat: "d"}}
	if d := cmp.Diff(want, c.Items[0], sameItems); d != "" {
		t.Error(d)
	}
}

func TestEscapesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		`a\u0062\ud83d\udc4b\/\n\"\\`: "ab\U0001f44b/\n\"\\", `\ud83d x`: "\ufffd x", "ä\xffb": "ä\ufffdb", "plain": "plain",
	} {
		c := parse(t, `{"value":[{"subscriptionId":"s","lifecycleEvent":"missed","client\u0053tate":"`+text+`"}],"validationTokens":["`+text+`"]}`)
		if c.Items[0].ClientState != want || c.Tokens[0] != want || c.Items[0].Err != nil {
			t.Errorf("%s is %q and %q, not %q", text, c.Items[0].ClientState, c.Tokens[0], want)
		}
	}
}
