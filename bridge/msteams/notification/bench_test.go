package notification

import (
	"bytes"
	"fmt"
	"testing"
)

// message is a chatMessage of usual size.
var message = []byte(`{"@odata.context":"https://graph.microsoft.com/$metadata#teams('d29828b8-c04d-4e2a-b2f6-07da6982f0f0')/channels('19%3Af127a8c55ad949d1a238464d22f0f99e%40thread.tacv2')/messages/$entity","id":"1612289992105","replyToId":null,"etag":"1612289992105","messageType":"message","createdDateTime":"2021-02-02T18:19:52Z","lastModifiedDateTime":"2021-02-02T18:19:52.105Z","lastEditedDateTime":null,"deletedDateTime":null,"subject":null,"summary":null,"chatId":null,"importance":"normal","locale":"en-us","webUrl":"https://teams.microsoft.com/l/message/19%3Af127a8c55ad949d1a238464d22f0f99e%40thread.tacv2/1612289992105?groupId=d29828b8-c04d-4e2a-b2f6-07da6982f0f0","from":{"application":null,"device":null,"user":{"id":"8ea0e38b-efb3-4757-924a-5f94061cf8c2","displayName":"Adele Vance","userIdentityType":"aadUser"},"conversation":null},"body":{"contentType":"html","content":"` +
	string(bytes.Repeat([]byte("<p>A line of a message as people write them at work.</p>"), 8)) + `"},"channelIdentity":{"teamId":"d29828b8-c04d-4e2a-b2f6-07da6982f0f0","channelId":"19:f127a8c55ad949d1a238464d22f0f99e@thread.tacv2"},"attachments":[],"mentions":[],"policyViolation":null,"reactions":[],"replies":[],"hostedContents":[]}`)

// delivery makes a body of n items with a token.
func delivery(b *testing.B, keys *Keys, n int) []byte {
	b.Helper()
	var items [][]byte
	for range n {
		items = append(items, seal(b, publicOf(b, keys.Current()), message, true).json(b, keys.Current()))
	}
	return fmt.Appendf(nil, `{"value":[%s],"validationTokens":[%q]}`, bytes.Join(items, []byte(",")), goodToken(b, goodClaims("2.0")))
}

func perItem(b *testing.B, items int) {
	b.ReportMetric(float64(b.N*items)/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkWhole is what a notification costs until its resource can be read, on one core.
func BenchmarkWhole(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("%d per body", n), func(b *testing.B) {
			keys, v := knownKeys(b), newLogin().validator(b, nil)
			states, err := NewClientStates(bytes.Repeat([]byte{1}, 32))
			if err != nil {
				b.Fatal(err)
			}
			body := delivery(b, keys, n)
			b.ReportAllocs()
			for b.Loop() {
				c, err := Parse(body)
				if err != nil {
					b.Fatal(err)
				}
				vouched := v.Verify(b.Context(), c.Tokens)
				for i := range c.Items {
					item := &c.Items[i]
					states.Valid(item.ClientState, "msteams.contoso", item.Subscription)
					if err := vouched.Check(item.Tenant); err != nil {
						b.Fatal(err)
					}
					if _, err := keys.Open(item); err != nil {
						b.Fatal(err)
					}
				}
			}
			perItem(b, n)
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("%d per body", n), func(b *testing.B) {
			body := delivery(b, knownKeys(b), n)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(body); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b, n)
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	keys := knownKeys(b)
	item := seal(b, publicOf(b, keys.Current()), message, true).item(b, keys.Current())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.Open(item); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	tokens := []string{goodToken(b, goodClaims("2.0"))}
	v := newLogin().validator(b, nil)
	b.Run("known token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := v.Verify(b.Context(), tokens).Check(testTenant); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v.verified.Purge()
			if err := v.Verify(b.Context(), tokens).Check(testTenant); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkForged is an item whose client state is wrong: what anybody who knows the address can cost us.
func BenchmarkForged(b *testing.B) {
	states, err := NewClientStates(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		b.Fatal(err)
	}
	body := delivery(b, knownKeys(b), 1)
	b.ReportAllocs()
	for b.Loop() {
		c, err := Parse(body)
		if err != nil || states.Valid(c.Items[0].ClientState, "msteams.contoso", c.Items[0].Subscription) {
			b.Fatal(err)
		}
	}
}

func BenchmarkClientState(b *testing.B) {
	states, err := NewClientStates(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		states.Valid("x", "msteams.contoso", "s")
	}
}
