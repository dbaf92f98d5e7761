package msteams

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

// fromJSON makes a message of Graph's JSON, with the members that all have.
func fromJSON(t *testing.T, members string) models.ChatMessageable {
	t.Helper()
	text := `{"id":"1700000000001","etag":"1700000000009","messageType":"message","createdDateTime":"2023-11-14T22:13:20.001Z",
		"lastModifiedDateTime":"2023-11-14T22:13:20.009Z","from":{"user":{"id":"u1","displayName":"Alice"}},"body":{"contentType":"html","content":"<p>hi</p>"},` + members + `}`
	// The last of two members with one name counts.
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	merged, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse[models.ChatMessageable](merged, models.CreateChatMessageFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func paragraph(runs ...richtext.Run) richtext.Block {
	return richtext.Block{Kind: richtext.Paragraph, Runs: runs}
}

func words(text string) richtext.Run { return richtext.Run{Text: text} }

// TestMessagesBecomeStates member by member.
func TestMessagesBecomeStates(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	c := w.id(w.general)
	base := bridge.State{
		Conversation: c, ID: "1700000000001", Author: bridge.Author{ID: "u1", Name: "Alice"},
		Created: time.UnixMilli(1700000000001).UTC(), Revision: 1700000000009, Text: richtext.Doc{paragraph(words("hi"))},
	}
	for _, test := range []struct {
		name, members string
		want          func(*bridge.State)
	}{
		{"plain", `"subject":null`, func(*bridge.State) {}},
		{"reply", `"replyToId":"1600000000000"`, func(s *bridge.State) { s.ID, s.Root = "1600000000000/1700000000001", "1600000000000" }},
		{"edited", `"lastEditedDateTime":"2023-11-14T22:13:20.0081234Z"`, func(s *bridge.State) { s.Edited = time.Unix(1700000000, 8123400).UTC() }},
		{"etag that is no number", `"etag":"W/\"x\""`, func(s *bridge.State) { s.Revision = 1700000000009 }},
		{"deleted", `"deletedDateTime":"2023-11-14T22:14:00Z","from":null,"body":{"contentType":"text","content":null}`,
			func(s *bridge.State) { s.Deleted, s.Author, s.Text = true, bridge.Author{}, nil }},
		{"deleted with rests", `"deletedDateTime":"2023-11-14T22:14:00Z","reactions":[{"reactionType":"like","user":{"user":{"id":"u2"}}}]`,
			func(s *bridge.State) { s.Deleted, s.Text = true, nil }},
		{"plain text is no markup", `"body":{"contentType":"text","content":"a <b>\nc"}`,
			func(s *bridge.State) { s.Text = richtext.Doc{paragraph(words("a <b>")), paragraph(words("c"))} }},
		{"subject", `"subject":"News"`, func(s *bridge.State) {
			s.Text = richtext.Doc{{Kind: richtext.Heading, Level: 3, Runs: []richtext.Run{words("News")}}, paragraph(words("hi"))}
		}},
		{"important", `"importance":"high","subject":"News"`, func(s *bridge.State) {
			s.Text = richtext.Doc{paragraph(richtext.Run{Text: "❗ Important", Style: richtext.Bold}),
				{Kind: richtext.Heading, Level: 3, Runs: []richtext.Run{words("News")}}, paragraph(words("hi"))}
		}},
		{"urgent", `"importance":"urgent"`, func(s *bridge.State) {
			s.Text = richtext.Doc{paragraph(richtext.Run{Text: "‼️ Urgent", Style: richtext.Bold}), paragraph(words("hi"))}
		}},
		{"mention", `"body":{"contentType":"html","content":"<p><at id=\"0\">Bob</at> hi</p>"},"mentions":[]`,
			func(s *bridge.State) { s.Text = richtext.Doc{paragraph(words("@Bob hi"))} }},
		{"bot", `"from":{"user":null,"application":{"id":"b1","displayName":"Build bot","applicationIdentityType":"bot"}}`,
			func(s *bridge.State) { s.Author = bridge.Author{ID: "b1", Name: "Build bot"} }},
		{"person without a name", `"from":{"user":{"id":"` + w.bob.ID + `","displayName":null}}`,
			func(s *bridge.State) { s.Author = bridge.Author{ID: bridge.UserID(w.bob.ID), Name: "Bob Brown"} }},
		{"unknown person without a name", `"from":{"user":{"id":"elsewhere","displayName":null}}`,
			func(s *bridge.State) { s.Author = bridge.Author{ID: "elsewhere", Name: "Somebody"} }},
		{"reactions", `"reactions":[{"reactionType":"like","user":{"user":{"id":"u2"}}},{"reactionType":"❤️","user":{"user":{"id":"u2"}}},
			{"reactionType":"👍","user":{"user":{"id":"u2"}}},{"reactionType":"custom","user":{"user":{"id":"u3"}}},
			{"reactionType":"custom","displayName":"Party_Parrot","user":{"user":{"id":"u3"}}},{"reactionType":"custom","displayName":"two words","user":{"user":{"id":"u3"}}},{"reactionType":"sad","user":{"user":{"id":"u3"}}},
			{"reactionType":"🎉","user":null}]`, func(s *bridge.State) {
			s.Reactions = []bridge.Reaction{{User: "u2", Emoji: "👍"}, {User: "u2", Emoji: "❤"}, {User: "u3", Emoji: ":party_parrot:"}, {User: "u3", Emoji: "🙁"}}
		}},
		{"files", `"attachments":[{"id":"a1","contentType":"reference","contentUrl":"https://contoso.sharepoint.com/x/plan%20b.docx","name":"plan b.docx"},
			{"id":"a2","contentType":"reference","contentUrl":"https://contoso.sharepoint.com/x/raw.csv","name":null}]`, func(s *bridge.State) {
			s.Files = []bridge.File{
				{ID: "file:1700000000001:a1", Name: "plan b.docx", Size: -1, URL: "https://contoso.sharepoint.com/x/plan%20b.docx"},
				{ID: "file:1700000000001:a2", Name: "raw.csv", Size: -1, URL: "https://contoso.sharepoint.com/x/raw.csv"},
			}
		}},
		{"pictures", `"replyToId":"16","webUrl":"https://teams.microsoft.com/l/message/x","body":{"contentType":"html",
			"content":"<p>look <img src=\"https://graph.microsoft.com/v1.0/teams/t/channels/c/messages/16/replies/17/hostedContents/aWQ9/$value\" alt=\"image\"> <img src=\"https://example.com/cat.png\" alt=\"cat\"></p>"}`,
			func(s *bridge.State) {
				s.ID, s.Root = "16/1700000000001", "16"
				s.Text = richtext.Doc{paragraph(words("look "), richtext.Run{Text: "[cat]", Link: "https://example.com/cat.png"})}
				s.Files = []bridge.File{{ID: "picture:16/1700000000001:aWQ9", Name: "picture-1", Size: -1, URL: "https://teams.microsoft.com/l/message/x"}}
			}},
		{"quote of somebody whose name turns what follows around", `"attachments":[{"id":"q","contentType":"messageReference","content":"{\"messageId\":\"1\",\"messagePreview\":\"lunch?\",\"messageSender\":{\"user\":{\"displayName\":\"\u202eBob\u200f\"}}}"}]`,
			func(s *bridge.State) {
				s.Text = richtext.Normalize(richtext.Doc{richtext.Quoting("Bob", richtext.Plain("lunch?")), paragraph(words("hi"))})
			}},
		{"quote", `"attachments":[{"id":"q","contentType":"messageReference","content":"{\"messageId\":\"1\",\"messagePreview\":\"lunch?\",\"messageSender\":{\"user\":{\"displayName\":\"Bob\"}}}"}]`,
			func(s *bridge.State) {
				s.Text = richtext.Doc{{Kind: richtext.Quote, Blocks: richtext.Doc{paragraph(richtext.Run{Text: "Bob", Style: richtext.Bold}, words(": lunch?"))}}, paragraph(words("hi"))}
			}},
		{"forwarded", `"attachments":[{"id":"q","contentType":"forwardedMessageReference","content":"{\"originalMessageId\":\"1\",\"originalMessageContent\":\"<p>lunch, <at id=\\\"0\\\">Zoë</at>?</p><abbr title=\\\"k1\\\"></abbr>\",\"originalMessageSender\":{\"user\":{\"displayName\":\"Bob\"}}}"}]`,
			func(s *bridge.State) {
				s.Text = richtext.Doc{{Kind: richtext.Quote, Blocks: richtext.Doc{
					paragraph(richtext.Run{Text: "Forwarded from", Style: richtext.Italic}, words(" "), richtext.Run{Text: "Bob", Style: richtext.Bold}, words(":")), paragraph(words("lunch, @Zoë?")),
				}}, paragraph(words("hi"))}
			}},
		{"forwarded, and cannot be read", `"attachments":[{"id":"q","contentType":"forwardedMessageReference","content":"no JSON"}]`,
			func(s *bridge.State) {
				s.Text = richtext.Doc{{Kind: richtext.Quote, Blocks: richtext.Doc{
					paragraph(richtext.Run{Text: "Forwarded from", Style: richtext.Italic}, words(" "), richtext.Run{Text: "Somebody", Style: richtext.Bold}, words(":")), paragraph(words("(a message that cannot be shown here)")),
				}}, paragraph(words("hi"))}
			}},
		{"cards", `"attachments":[{"id":"1","contentType":"application/vnd.microsoft.card.adaptive","content":"{\"type\":\"AdaptiveCard\",\"body\":[{\"type\":\"Image\"},{\"type\":\"TextBlock\",\"text\":\"Build  failed\"}]}"},
			{"id":"2","contentType":"application/vnd.microsoft.card.codesnippet","name":"main.go","content":"{}"},{"id":"3","contentType":"tabReference","content":"no JSON"}]`,
			func(s *bridge.State) {
				s.Text = append(s.Text, paragraph(words("Build failed")), paragraph(words("[code snippet: main.go]")), paragraph(words("[card: see Teams]")))
			}},
		{"a key of somebody else", `"body":{"contentType":"html","content":"<p>hi</p><abbr title=\"k1\"></abbr>"}`, func(s *bridge.State) { s.Key = "k1" }},
		{"our own key", `"from":{"user":{"id":"` + w.relay.ID + `","displayName":"Causeway"}},"body":{"contentType":"html","content":"<p>hi</p><abbr title=\"k1\"></abbr>"}`,
			func(s *bridge.State) {
				s.Author, s.Key = bridge.Author{ID: bridge.UserID(w.relay.ID), Name: "Causeway"}, "k1"
			}},
	} {
		want := base
		want.Text = append(richtext.Doc(nil), base.Text...)
		test.want(&want)
		got, ok := a.state(t.Context(), c, fromJSON(t, test.members))
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s (is a message: %t) (-want +got):\n%s", test.name, ok, diff)
		}
	}
	for name, members := range map[string]string{
		"system message":          `"messageType":"systemEventMessage","from":null`,
		"system message, unasked": `"messageType":"unknownFutureValue","from":null`,
		"kind made up since":      `"messageType":"typing"`,
		"event":                   `"eventDetail":{"@odata.type":"#microsoft.graph.membersAddedEventMessageDetail"}`,
	} {
		if s, ok := a.state(t.Context(), c, fromJSON(t, members)); ok {
			t.Errorf("%s is taken for %+v", name, s)
		}
	}
}

func TestNamesAreAskedForOnce(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	m := fromJSON(t, `"from":{"user":{"id":"`+w.bob.ID+`","displayName":null}}`)
	w.sim.Inject(teams.Fault{Template: "/users/{id}", Status: 503})
	for n, want := range []string{"Somebody", "Bob Brown", "Bob Brown"} {
		if s, _ := a.state(t.Context(), w.id(w.general), m); s.Author.Name != want {
			t.Errorf("time %d: %q, want %q", n, s.Author.Name, want)
		}
	}
	if n := w.sim.Count("GET", "/users/{id}"); n != 2 {
		t.Errorf("asked %d times, want 2: the first failed", n)
	}
}

func TestEmojiGetTheSelectorsThatMakeThemPictures(t *testing.T) {
	for _, emoji := range []string{"👍", "❤️", "❤️‍🔥", "☺️", "🕵️‍♂️", "🕵🏽‍♂️", "1️⃣", "#️⃣", "🏳️‍🌈", "👩‍👩‍👧", "⚠️", "🇩🇪", "✅", "☝🏿", "🌶️", "©️"} {
		neutral := neutralEmoji(emoji, "")
		if strings.ContainsRune(neutral, variation) {
			t.Errorf("%s: the neutral form %+q has a selector", emoji, neutral)
		}
		if got := qualified(neutral); got != emoji {
			t.Errorf("%s: got %+q, want %+q", emoji, got, emoji)
		}
		if again := qualified(emoji); again != emoji {
			t.Errorf("%s: with selectors already it becomes %+q", emoji, again)
		}
	}
}

// TestAModelThatPanicsIsAnError: a message that the SDK was not made for must not end the process.
func TestAModelThatPanicsIsAnError(t *testing.T) {
	m, err := parse[models.ChatMessageable]([]byte(`{"id":"1"}`), func(serialization.ParseNode) (serialization.Parsable, error) { panic("not made for this") })
	if m != nil || err == nil || !strings.Contains(err.Error(), "not made for this") {
		t.Errorf("the answer is %v, %v", m, err)
	}
}

// TestWhatCannotBeReadIsLeftOutAndSaidOnce, its neighbours and replies are read.
func TestWhatCannotBeReadIsLeftOutAndSaidOnce(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.account()
	good := func(id string) string {
		return `{"id":"` + id + `","createdDateTime":"2023-11-14T22:13:20Z","body":{"content":"x"}`
	}
	bad := `{"id":"9","webUrl":"https://teams.example/9","createdDateTime":"2021-03-1706:47:05.123Z"}`
	body := `{"@odata.nextLink":"http://graph.example/next","value":[` + good("1") + `,"replies":[` + bad + `,` + good("2") + `}],"replies@odata.nextLink":"http://graph.example/more"},` + bad + `,7,` + good("3") + `}]}`
	for range 2 {
		page, err := a.readPage([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, m := range page.messages {
			ids = append(ids, value(m.GetId()))
			for _, r := range m.GetReplies() {
				ids = append(ids, value(r.GetId()))
			}
		}
		if diff := cmp.Diff([]string{"1", "2", "3"}, ids); diff != "" || page.next != "http://graph.example/next" || moreReplies(page.messages[0]) != "http://graph.example/more" {
			t.Errorf("the page has next %q, more replies %q, (-want +got):\n%s", page.next, moreReplies(page.messages[0]), diff)
		}
	}
	if n := strings.Count(w.log.String(), "cannot be read and is left out"); n != 1 || !strings.Contains(w.log.String(), "https://teams.example/9") {
		t.Errorf("it was logged %d times:\n%s", n, w.log)
	}
	for _, where := range []string{`"chatId":"19:a@thread.v2"`, `"chatId":"19:b@thread.v2"`, `"channelIdentity":{"teamId":"t","channelId":"19:c@thread.tacv2"}`} {
		for _, id := range []string{"9", "10", "9"} {
			_, err := a.readPage([]byte(`{"value":[{"id":"` + id + `","webUrl":null,` + where + `,"createdDateTime":"2021-03-1706:47:05.123Z"}]}`))
			w.do(err)
		}
	}
	if n := strings.Count(w.log.String(), "cannot be read and is left out"); n != 1+6 || !strings.Contains(w.log.String(), "19:a@thread.v2") || !strings.Contains(w.log.String(), "t/19:c@thread.tacv2") {
		t.Errorf("with those that have no link it was logged %d times:\n%s", n, w.log)
	}
	if _, err := a.readPage([]byte("<html>")); err == nil {
		t.Error("a page that is no JSON is read")
	}
}

// TestPicturesCanBeOpened as the app, in messages and replies.
func TestPicturesCanBeOpened(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.settings.PollInterval, w.settings.PostInterval = "1ms", "1ms" // in real time
	a := w.connected()
	access, _ := w.sim.SignIn(w.app, w.alice)
	picture := "not really a picture"
	post := func(path string) string {
		t.Helper()
		body := `{"body":{"contentType":"html","content":"<p>see <img src=\"../hostedContents/1/$value\"></p>"},"hostedContents":[{"@microsoft.graph.temporaryId":"1","contentBytes":"` +
			base64.StdEncoding.EncodeToString([]byte(picture)) + `","contentType":"image/png"}]}`
		r, err := http.NewRequestWithContext(t.Context(), "POST", simURL+"/v1.0/teams/"+w.team.ID+"/channels/"+w.general.ID+"/messages"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+access)
		r.Header.Set("Content-Type", "application/json")
		answer, err := w.sim.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var posted struct{ ID string }
		if err := json.NewDecoder(answer.Body).Decode(&posted); err != nil || answer.StatusCode != 201 {
			t.Fatalf("posting a picture: %d %v", answer.StatusCode, err)
		}
		return posted.ID
	}
	root := post("")
	reply := post("/" + root + "/replies")
	for _, id := range []bridge.MessageID{bridge.MessageID(root), messageID(root, reply)} {
		s, err := a.Read(t.Context(), w.id(w.general), id)
		if err != nil || len(s.Files) != 1 {
			t.Fatalf("%s has files %+v (%v)", id, s.Files, err)
		}
		file, _, err := a.Open(t.Context(), w.id(w.general), s.Files[0], 0)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		got, err := io.ReadAll(file)
		if err != nil || string(got) != picture {
			t.Errorf("the picture is %q (%v)", got, err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	for id, want := range map[string]bridge.Kind{
		"file:" + root + ":x": bridge.Gone, "picture:" + root + ":none": bridge.Gone, "nonsense": bridge.Gone, "picture::x": bridge.Gone,
	} {
		if _, _, err := a.Open(t.Context(), w.id(w.general), bridge.File{ID: id}, 0); err == nil || bridge.KindOf(err) != want {
			t.Errorf("Open of %s: %v (%v), want %v", id, err, bridge.KindOf(err), want)
		}
	}
}

func TestNoticesOfTeamsAreNoMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a, inbox := w.connected(), newTestInbox(w.id(w.general))
		stop := w.running(a, inbox)
		time.Sleep(time.Second)
		id := w.sim.SystemMessage(w.general, "membersAddedEventMessageDetail", nil)
		after := w.say(1, "hello")[0]
		time.Sleep(10 * time.Second)
		stop()
		if s := inbox.state(w.id(w.general), id); s.ID != "" || inbox.state(w.id(w.general), after).ID == "" {
			t.Errorf("arrived: %+v", inbox.arrived)
		}
		if _, err := a.Read(t.Context(), w.id(w.general), bridge.MessageID(id)); bridge.KindOf(err) != bridge.Gone {
			t.Errorf("Read: %v", err)
		}
	})
}
