package msteams

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

// examples gives Microsoft's own examples whose names match, where they are at hand: they are no part of this project.
func examples(f *testing.F, pattern string) (all [][]byte) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("GRAPH_REFERENCE"), "examples", pattern))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}

const (
	fuzzTenant = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	fuzzTeam   = "fbe2bf47-16c8-47cf-b4a5-4b9b187c508b"
	fuzzThread = "19:4a95f7d8db4c4e7fae857bcebe0623e6@thread.tacv2"
	// wholeMessage has something of everything.
	wholeMessage = `{"id":"1616990032035","etag":"1616990032035","replyToId":null,"messageType":"message","createdDateTime":"2021-03-29T03:53:52.035Z","lastModifiedDateTime":"2021-03-29T03:54:52.035Z","lastEditedDateTime":"2021-03-29T03:54:00Z","subject":"News","importance":"urgent","webUrl":"https://teams.microsoft.com/l/message/x","channelIdentity":{"teamId":"` + fuzzTeam + `","channelId":"` + fuzzThread + `"},` +
		`"from":{"user":{"id":"8ea0e38b-efb3-4757-924a-5f94061cf8c2","displayName":"Robin Kline","userIdentityType":"aadUser"}},"body":{"contentType":"html","content":"<p>hi <at id=\"0\">Zoë</at></p><attachment id=\"a\"></attachment><img src=\"https://graph.microsoft.com/v1.0/teams/x/channels/y/messages/1/hostedContents/aWQ9/$value\" alt=\"image\"><abbr title=\"k1\"></abbr>"},` +
		`"attachments":[{"id":"a","contentType":"reference","contentUrl":"https://contoso.sharepoint.com/x/plan%20b.docx","name":"plan b.docx"},{"id":"q","contentType":"messageReference","content":"{\"messageId\":\"1\",\"messagePreview\":\"lunch?\",\"messageSender\":{\"user\":{\"displayName\":\"Bob\"}}}"},{"id":"c","contentType":"application/vnd.microsoft.card.adaptive","content":"{\"type\":\"AdaptiveCard\",\"body\":[{\"type\":\"TextBlock\",\"text\":\"Build **failed**\"}]}"}],` +
		`"mentions":[{"id":0,"mentionText":"Zoë","mentioned":{"user":{"id":"u2","displayName":"Zoë"}}}],"reactions":[{"reactionType":"👍","createdDateTime":"2021-03-29T03:53:52Z","user":{"user":{"id":"u2"}}},{"reactionType":"custom","displayName":"Party_Parrot","user":{"user":{"id":"u2"}}}],"replies":[{"id":"1616990032036","replyToId":"1616990032035","body":{"contentType":"text","content":"yes"}}]}`
)

// FuzzPage: whatever a page of messages holds, each of them becomes a state that can be stored and written anywhere, or none; none keeps the others from being read.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`{"@odata.context":"x","@odata.nextLink":"https://graph.microsoft.com/v1.0/next","value":[` + wholeMessage + `]}`, `{"value":[` + wholeMessage + `,{"id":7},null,[],{"id":"1","body":7},{"id":"2","replies":[null,7,{"id":"3","createdDateTime":"never"}]}]}`,
		`{"value":[{"id":"1616990032035","messageType":"unknownFutureValue","createdDateTime":"2021-03-29T03:53:52Z","eventDetail":{"@odata.type":"#microsoft.graph.membersAddedEventMessageDetail","initiator":{"user":{"id":"u1"}},"members":[{"id":"u2"}]}}]}`,
		`{"value":[{"id":"1616990032035","deletedDateTime":"2021-03-29T03:53:52Z","from":null,"body":{"contentType":"html","content":""}}]}`, `{"value":null}`, `{"value":{}}`, `{"@odata.nextLink":7,"value":[]}`, `null`, `[]`, `{`, ``,
		`{"value":[{"id":"0001-01-01","createdDateTime":"0001-01-01T00:00:00Z","lastModifiedDateTime":"9999-12-31T23:59:59Z","etag":"99999999999999999999","chatId":"19:x@unq.gbl.spaces","body":{"contentType":"html","content":"\u0000<table><tr><td colspan=999999>"}}]}`,
	} {
		f.Add([]byte(s))
	}
	for _, text := range examples(f, "*-list-messages-*.response.json") {
		f.Add(text)
	}
	for _, text := range append(examples(f, "chatmessage-*.resource.json"), examples(f, "*get-*message*.response.json")...) {
		f.Add([]byte(`{"value":[` + string(text) + `]}`))
	}
	c := bridge.ConversationID{Server: "msteams:" + fuzzTenant, Channel: fuzzTeam + "/" + fuzzThread}
	f.Fuzz(func(t *testing.T, body []byte) {
		inFakeTime(t, func(t *testing.T) {
			a := quiet(t, nil)
			var inbox bridge.Inbox = asking{newTestInbox(c)}
			a.inbox.Store(&inbox)
			page, err := a.readPage(body)
			if err != nil {
				judged(t, err)
				return
			}
			lookOf(body)
			for _, m := range page.messages {
				for _, m := range append([]models.ChatMessageable{m}, m.GetReplies()...) {
					if m == nil {
						t.Fatal("there is no message")
					}
					if s, ok := a.state(t.Context(), c, m); ok {
						if err := storable(s, body); err != nil {
							t.Fatal(err)
						}
					}
				}
				threadChange(m)
				moreReplies(m)
			}
		})
	})
}

// FuzzAttachment: whatever a body and one attachment hold, which is JSON in a text, and what a mention, a reaction and a sender are called.
func FuzzAttachment(f *testing.F) {
	for _, s := range [][3]string{
		{"messageReference", `{"messageId":"1","messagePreview":"lunch?","messageSender":{"user":{"displayName":"Bob"}}}`, `<attachment id="a"></attachment><p>yes</p><p>&nbsp;</p>`},
		{"forwardedMessageReference", `{"originalMessageId":"1","originalMessageContent":"<p>lunch, <at id=\"0\">Zoë</at>?</p><abbr title=\"k1\"></abbr>","originalMessageSender":{"user":{"displayName":"Bob"}}}`, `<p>hi</p>`},
		{codeSnippet, `{"language":"Go","name":"main.go","codeSnippetUrl":"https://graph.microsoft.com/v1.0/teams/t/channels/c/messages/1/hostedContents/x/$value"}`, `<p>see <attachment id="a"></attachment></p>`},
		{"application/vnd.microsoft.card.adaptive", `{"type":"AdaptiveCard","body":[{"type":"Container","items":[{"type":"TextBlock","text":"Build **failed** [log](javascript:x)"},{"type":"FactSet","facts":[{"title":"a","value":"b"}]}]}],"actions":[{"type":"Action.OpenUrl","title":"Go","url":"https://x"}]}`, ``},
		{"application/vnd.microsoft.card.hero", `{"title":"T","subtitle":"<b>x</b>","text":"<script>x</script>","buttons":[{"title":"B"}]}`, `<div><attachment id="a"></attachment></div>`},
		{"application/vnd.microsoft.teams.card.o365connector", `{"sections":[{"activityTitle":"x","facts":[{"name":"n","value":"v"}]}]}`, ``},
		{"meetingReference", `{"subject":"Weekly","meetingType":"recurring"}`, `<attachment id="a"></attachment>`}, {"reference", ``, `<img src="x" alt="@all"><blockquote>`}, {"tabReference", `no JSON`, `<systemEventMessage/>`}, {"", "\x00\xff", "\xff<at id=\"0\">"},
	} {
		f.Add(s[0], s[1], s[2], "plan b.docx", "Zoë <b>")
	}
	c := bridge.ConversationID{Server: "msteams:" + fuzzTenant, Channel: fuzzTeam + "/" + fuzzThread}
	f.Fuzz(func(t *testing.T, kind, content, body, name, person string) {
		identity := map[string]any{"user": map[string]any{"id": "u1", "displayName": person}}
		text, err := json.Marshal(map[string]any{
			"id": "1700000000001", "etag": "1", "createdDateTime": "2023-11-14T22:13:20.001Z", "messageType": "message", "from": identity, "body": map[string]any{"contentType": "html", "content": body}, "subject": name, "chatId": fuzzThread,
			"attachments": []any{map[string]any{"id": "a", "contentType": kind, "content": content, "name": name, "contentUrl": "https://x.example/" + name}},
			"mentions":    []any{map[string]any{"id": 0, "mentionText": person, "mentioned": identity}}, "reactions": []any{map[string]any{"reactionType": "custom", "displayName": name, "user": identity}},
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := parse[models.ChatMessageable](text, models.CreateChatMessageFromDiscriminatorValue)
		if err != nil {
			return
		}
		inFakeTime(t, func(t *testing.T) {
			s, ok := quiet(t, nil).state(t.Context(), c, m)
			if !ok {
				t.Fatal("it is left out")
			}
			if err := storable(s, text); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// storable tells what is wrong with a state that was made of a text.
func storable(s bridge.State, source []byte) error {
	if err := fair(s, source); err != nil && len(source) < 10_000 {
		return err
	}
	texts := []string{string(s.ID), string(s.Root), string(s.Key), string(s.Author.ID), s.Author.Name, s.Author.Username, s.Author.Avatar, s.Text.PlainText()}
	for _, f := range s.Files {
		texts = append(texts, f.ID, f.Name, f.Type, f.URL)
	}
	for _, r := range s.Reactions {
		texts = append(texts, string(r.User), r.Emoji)
	}
	long := 0
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%q is not UTF-8", text)
		}
		long += len(text)
	}
	if long > 10*len(source)+10_000 {
		return fmt.Errorf("%d bytes became %d", len(source), long)
	}
	return nil
}

// FuzzLink: what an operator writes for a channel, and what is taken for a link to a message, is what it says.
func FuzzLink(f *testing.F) {
	for _, s := range []string{
		"https://teams.microsoft.com/l/channel/19%3A4a95f7d8db4c4e7fae857bcebe0623e6%40thread.tacv2/General?groupId=" + fuzzTeam + "&tenantId=" + fuzzTenant,
		"https://teams.microsoft.com/l/message/19%3A4a95f7d8db4c4e7fae857bcebe0623e6%40thread.tacv2/1616990032035?groupId=" + fuzzTeam + "&tenantId=" + fuzzTenant + "&parentMessageId=1616990032035&teamName=x",
		"https://teams.microsoft.com/l/message/19:a_b@unq.gbl.spaces/1616990032035?context=%7B%22contextType%22%3A%22chat%22%7D", "https://teams.cloud.microsoft/l/message/19:x@thread.v2/1", "https://teams.microsoft.com.evil.example/l/message/19:x@thread.v2/1",
		"http://teams.microsoft.com/l/channel/x", fuzzThread, fuzzTeam + "/" + fuzzThread, "Sales/General", "", "https://%zz", "https://teams.microsoft.com/l/channel/19:%2f@thread.tacv2/x?groupId=1", "19:@thread.\n", "claims=\"eyJ9\"", "a.eyJyb2xlcyI6WyJ4Il19.c",
	} {
		f.Add(s)
	}
	a := quiet(f, nil)
	f.Fuzz(func(t *testing.T, text string) {
		want, err := readName(text, fuzzTenant)
		switch {
		case err != nil && want != (wanted{}), err == nil && want == (wanted{}):
			t.Fatalf("%q is %+v, %v", text, want, err)
		case want.channel != "" && !isChannelID(want.channel), want.team != "" && !guid.MatchString(want.team), want.channel != "" && want.name != "":
			t.Fatalf("%q is %+v", text, want)
		}
		if c, id, ok := a.ReadAddress(text); ok {
			if c.Server != a.server || c.Channel == "" {
				t.Fatalf("%q is %v", text, c)
			}
			again, same, ok := a.ReadAddress(a.Address(c, id))
			if !ok || again != c || same != id {
				t.Fatalf("%q is %v %s, and then %v %s (%q)", text, c, id, again, same, a.Address(c, id))
			}
		}
		if a.app.trust(text) == nil && !strings.HasPrefix(text, "https://graph.microsoft.com") && !strings.HasPrefix(strings.ToLower(text), "https://graph.microsoft.com") {
			t.Fatalf("the token is carried to %q", text)
		}
		rolesOf(text)
		hostedContent(text)
		baseName(text)
		m := moment{Time: time.Unix(1, 0)}
		if err := json.Unmarshal([]byte(text), &m); err == nil && !m.IsZero() && m.Year() < 2 {
			t.Fatalf("%q is %v", text, m)
		}
	})
}

// FuzzHook: whatever is sent to the hook by whoever has not been given an address, nothing is shown, nobody is asked, and it says so.
func FuzzHook(f *testing.F) {
	a := quiet(f, nil)
	good := strings.TrimPrefix(a.photos.address(f.Context(), "u1"), hookURL)
	for _, s := range []string{good + "x", photosPath + "u1/x", photosPath + "u2/" + good[strings.LastIndex(good, "/")+1:], photosPath + "%2F/%00", "/messages?state=x", "/messages?validationToken=x", "/lifecycle", "/", "/photos/../photos/u1/x"} {
		f.Add("GET", s, "")
		f.Add("POST", s, `{"value":[]}`)
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		asked := 0
		a := quiet(t, func(*http.Request) (*http.Response, error) { asked++; return nil, errors.New("there is no Graph") })
		a.settings.Receive = "auto"
		good := strings.TrimPrefix(a.photos.address(t.Context(), "u1"), hookURL)
		r, err := http.NewRequest(method, "https://causeway.example", strings.NewReader(body))
		u, wrong := url.ParseRequestURI(path)
		if err != nil || wrong != nil || u.Host != "" || !strings.HasPrefix(path, "/") || u.Path == good {
			return
		}
		r.URL, r.RequestURI = u, path
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if asked > 0 || w.Code < 300 || w.Code >= 500 && w.Code != http.StatusServiceUnavailable || w.Body.Len() > 10*len(path)+200 {
			t.Fatalf("%s %s is answered with %d after %d questions:\n%s", method, path, w.Code, asked, w.Body)
		}
	})
}
