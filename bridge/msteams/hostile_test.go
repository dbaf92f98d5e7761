package msteams

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/contrib/sim/teams"
)

// wild makes members of messages as no program of Microsoft's writes them.
type wild struct{ *rand.Rand }

func (r wild) of(all ...string) string { return all[r.IntN(len(all))] }

// text gives pieces of bodies, cards and names, put together by chance.
func (r wild) text() string {
	var b strings.Builder
	for range r.IntN(8) {
		b.WriteString(r.of("hello ", `<at id="0">Zoë</at>`, `<at id="1">`, `<attachment id="a"></attachment>`, `<attachment id="q">`, "<systemEventMessage/>", "<p>", "</div>", "<table><tr><td colspan=9>",
			`<img src="https://graph.microsoft.com/v1.0/x/hostedContents/aWQ9/$value">`, `<img src="x" alt="@all">`, `<abbr title="k1"></abbr>`, "<codeblock><code>x</code></codeblock>", `<a href="javascript:x">y</a>`,
			`<emoji alt="🙂">`, "&#0;", "\u0000", "@all ", "~town ", "**", "`", "\u202e", "&lt;at id=\"0\">", `{"a":`, "[]", strings.Repeat("<blockquote>", 40)))
	}
	return b.String()
}

// value gives JSON of any kind.
func (r wild) value(depth int) any {
	switch n := r.IntN(9); {
	case n == 0:
		return nil
	case n == 1:
		return r.IntN(3) == 0
	case n == 2:
		return r.Int64() - 1<<62
	case n == 3 && depth > 0:
		return []any{r.value(depth - 1), r.value(depth - 1)}
	case n == 4 && depth > 0:
		return map[string]any{r.of("id", "user", "displayName", "type", "text", "body", "items", "title", "facts", "url"): r.value(depth - 1)}
	}
	return r.text()
}

// sometimes gives one value, or now and then another.
func (r wild) sometimes(usual any) any {
	if r.IntN(20) == 0 {
		return r.value(2)
	}
	return usual
}

func (r wild) message() []byte {
	identity := map[string]any{"user": r.sometimes(map[string]any{"id": r.sometimes("u1"), "displayName": r.sometimes("Alice")})}
	card, _ := json.Marshal(map[string]any{r.of("body", "messageId", "codeSnippetUrl", "originalMessageContent", "sections"): r.value(3), "type": r.sometimes("AdaptiveCard"), "messageSender": r.value(2)})
	var attachments, mentions, reactions []any
	for range r.IntN(4) {
		attachments = append(attachments, r.sometimes(map[string]any{"id": r.of("a", "q", "1", ""), "name": r.sometimes(r.text()), "contentUrl": r.sometimes("https://x.example/ü%2f..%00"),
			"content": r.sometimes(string(card)), "contentType": r.sometimes("application/vnd.microsoft.card." + r.of("adaptive", "hero", "codesnippet", "list", "o365connector")), "x": nil}))
		attachments = append(attachments, map[string]any{"id": "q", "contentType": r.of("messageReference", "forwardedMessageReference", "reference"), "content": r.sometimes(string(card))})
		mentions = append(mentions, r.sometimes(map[string]any{"id": r.sometimes(r.IntN(2)), "mentionText": r.sometimes("Zoë"), "mentioned": r.sometimes(identity)}))
		reactions = append(reactions, r.sometimes(map[string]any{"reactionType": r.sometimes(r.of("like", "👍", "custom", "")), "user": r.sometimes(map[string]any{"user": identity["user"]})}))
	}
	all := map[string]any{
		"id": r.sometimes("1700000000001"), "etag": r.sometimes("1700000000009"), "replyToId": r.sometimes(nil), "createdDateTime": r.sometimes("2023-11-14T22:13:20.001Z"), "subject": r.sometimes(nil),
		"from": r.sometimes(identity), "body": r.sometimes(map[string]any{"contentType": r.of("html", "text"), "content": r.sometimes(r.text())}), "importance": r.sometimes("normal"), "chatId": r.sometimes(nil),
		"attachments": r.sometimes(attachments), "mentions": r.sometimes(mentions), "reactions": r.sometimes(reactions), "messageType": r.sometimes("message"),
	}
	if r.IntN(3) == 0 {
		all["eventDetail"] = map[string]any{"@odata.type": "#microsoft.graph." + r.of("membersAdded", "membersLeft", "callEnded", "callRecording", "channelRenamed", "teamDescriptionUpdated", "x") + "EventMessageDetail",
			"initiator": r.sometimes(identity), "members": r.sometimes([]any{r.value(2)}), "channelDisplayName": r.value(1), "callRecordingUrl": r.text(), "callRecordingStatus": r.sometimes("success"), "callDuration": r.value(0)}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // it is plain data
	}
	return text
}

// TestHostileMessages: whatever a message holds, it becomes a state whose text is on the white list of both markups, or none.
func TestHostileMessages(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	var inbox bridge.Inbox = asking{newTestInbox(w.id(w.general))}
	a.inbox.Store(&inbox)
	states, events := 0, 0
	for seed := range uint64(4000) {
		r := wild{rand.New(rand.NewPCG(seed, 1))}
		text := r.message()
		if m, err := parse[models.ChatMessageable](text, models.CreateChatMessageFromDiscriminatorValue); err == nil {
			s, ok := a.state(t.Context(), w.id(w.general), m)
			if !ok {
				continue
			}
			if states++; s.Event != "" {
				events++
			}
			if err := fair(s, text); err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, text)
			}
		}
	}
	if states < 500 || events < 50 {
		t.Errorf("only %d of the messages were read, %d events among them", states, events)
	}
}

// fair tells what is wrong with a state.
func fair(s bridge.State, source []byte) error {
	if !reflect.DeepEqual(richtext.Normalize(s.Text), s.Text) {
		return fmt.Errorf("the text is not canonical: %+v", s.Text)
	}
	if err := richhtml.Allowed(richhtml.Render(s.Text)); err != nil {
		return err
	}
	if back := markdown.Parse(markdown.Render(s.Text)); back.Hash() != s.Text.Hash() {
		return fmt.Errorf("%q does not come back from Mattermost", s.Text.PlainText())
	}
	who := s.Text.Mentions()
	if s.Event != "" && len(who) > 0 || slices.ContainsFunc(who, func(id string) bool {
		return id != richtext.Everybody && !strings.Contains(string(source), `"mentions"`)
	}) {
		return fmt.Errorf("%q calls %v", s.Text.PlainText(), who)
	}
	return nil
}
