package mattermost

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
)

func writePEM(t *testing.T, file string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func postOf(t *testing.T, text string) *model.Post {
	t.Helper()
	var p model.Post
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

var testConfig = serverConfig{server: "mattermost:x", site: "https://chat.example.org", showNames: true, maxRunes: 16383}

func TestAPostIsAState(t *testing.T) {
	p := postOf(t, `{"id":"p1","channel_id":"c1","root_id":"r1","user_id":"u1","create_at":1000,"update_at":3000,"edit_at":2000,
		"message":"**hi** :smile:","file_ids":["f1","f2"],
		"metadata":{"files":[{"id":"f1","name":"a.pdf","size":7,"mime_type":"application/pdf"}],
		"reactions":[{"user_id":"u2","emoji_name":"thumbsup"},{"user_id":"u2","emoji_name":"+1"},{"user_id":"u3","emoji_name":"heart"},{"user_id":"u3","emoji_name":"our_logo"}]}}`)
	want := bridge.State{
		Conversation: bridge.ConversationID{Server: "mattermost:x", Channel: "c1"}, ID: "p1", Root: "r1",
		Author:  bridge.Author{ID: "u1", Name: "Alice A.", Username: "alice"},
		Created: time.UnixMilli(1000).UTC(), Edited: time.UnixMilli(2000).UTC(), Revision: 3000*16 + 1 + 8,
		Text: richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: "hi", Style: richtext.Bold}, {Text: " 😄"}}}},
		Files: []bridge.File{
			{ID: "f1", Name: "a.pdf", Size: 7, Type: "application/pdf", URL: "https://chat.example.org/api/v4/files/f1"},
			{ID: "f2", Name: "file", Size: -1, URL: "https://chat.example.org/api/v4/files/f2"},
		},
		Reactions: []bridge.Reaction{{User: "u3", Emoji: ":our_logo:"}, {User: "u3", Emoji: "❤"}, {User: "u2", Emoji: "👍"}},
	}
	if d := cmp.Diff(want, stateOf(p, person{name: "Alice A.", username: "alice"}, nil, testConfig)); d != "" {
		t.Error(d)
	}
}

func TestADeletedPostHasNoText(t *testing.T) {
	p := postOf(t, `{"id":"p1","channel_id":"c1","user_id":"bot","create_at":1000,"update_at":3000,"delete_at":3000,"message":"","props":{"causeway":{"key":"k1"},"deleteBy":"u9"}}`)
	want := bridge.State{
		Conversation: bridge.ConversationID{Server: "mattermost:x", Channel: "c1"}, ID: "p1", Author: bridge.Author{ID: "bot"},
		Created: time.UnixMilli(1000).UTC(), Revision: 3000 * 16, Deleted: true, Key: "k1",
	}
	if d := cmp.Diff(want, stateOf(p, person{}, nil, testConfig)); d != "" {
		t.Error(d)
	}
}

func TestKeysAreRead(t *testing.T) {
	for props, want := range map[string]bridge.Key{
		`{"causeway":{"key":"k1"}}`:                              "k1",
		`{"causeway":{"key":"k1"},"from_oauth_app":"true"}`:      "k1",
		`{"causeway":{"key":7}}`:                                 "",
		`{"causeway":"k1"}`:                                      "",
		`{"causeway":{"key":"` + strings.Repeat("x", 65) + `"}}`: "",
	} {
		p := postOf(t, `{"id":"p1","user_id":"alice","props":`+props+`}`)
		if got := stateOf(p, person{}, nil, testConfig).Key; got != want {
			t.Errorf("%s: key %q, want %q", props, got, want)
		}
	}
}

func TestWhoseNameIsShown(t *testing.T) {
	hook := `{"user_id":"u1","props":{"from_webhook":"true","override_username":"Jenkins"}}`
	bare := `{"user_id":"u1","props":{"override_username":"Jenkins"}}`
	truth := `{"user_id":"u1","props":{"from_webhook":true,"override_username":"Jenkins"}}`
	hidden := testConfig
	hidden.showNames = false
	for _, c := range []struct {
		post   string
		config serverConfig
		want   bridge.Author
	}{
		{hook, testConfig, bridge.Author{ID: "u1", Name: "Jenkins"}},
		{hook, hidden, bridge.Author{ID: "u1", Name: "Bot B.", Username: "bot"}},
		{bare, testConfig, bridge.Author{ID: "u1", Name: "Bot B.", Username: "bot"}},
		{truth, testConfig, bridge.Author{ID: "u1", Name: "Bot B.", Username: "bot"}},
	} {
		if got := authorOf(postOf(t, c.post), person{name: "Bot B.", username: "bot"}, c.config); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.post, got, c.want)
		}
	}
}

func TestWhatIsCarried(t *testing.T) {
	for post, want := range map[string]bool{
		`{}`:                                    true,
		`{"type":"me"}`:                         true,
		`{"type":"slack_attachment"}`:           true,
		`{"type":"custom_poll"}`:                true,
		`{"type":"system_join_channel"}`:        false,
		`{"type":"system_ephemeral"}`:           false,
		`{"type":"add_bot_teams_channels"}`:     false,
		`{"type":"burn_on_read"}`:               false,
		`{"original_id":"p0","delete_at":1000}`: false,
	} {
		if got := carried(postOf(t, post)); got != want {
			t.Errorf("%s: %t, want %t", post, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct{ name, post, want string }{
		{"me as the command makes it", `{"type":"me","message":"*waves*"}`, "*waves*"},
		{"me as a program makes it", `{"type":"me","message":"waves"}`, "*waves*"},
		{"before the image proxy", `{"message":"![](https://proxy/x)","message_source":"see https://example.com/x"}`, "see https://example.com/x"},
		{"emoji outside of code", "{\"message\":\":+1: `:+1:` 10:30:45 :nope:100: a:smile:b\"}", "👍 `:+1:` 10:30:45 :nope💯 a😄b"},
		{"guarded emoji", `{"message":":` + unjoiner + `smile: and :smile:"}`, ":smile: and 😄"},
		{"attachment", `{"message":"","props":{"attachments":[{"fallback":"F","pretext":"Pre","author_name":"Ann","title":"Build *7*","title_link":"https://ci/7","text":"**red**","fields":[{"title":"Branch","value":"main","short":true},{"title":"Tries","value":3}],"image_url":"https://ci/7.png","footer":"CI"}]}}`,
			"Pre\nAnn\n**[Build \\*7\\*](https://ci/7)**\n**red**\n**Branch**\nmain\n**Tries**\n3\nhttps://ci/7.png\n*CI*"},
		{"attachment with a fallback only", `{"message":"see","props":{"attachments":[{"fallback":"all *is* well"}]}}`, "see\nall \\*is\\* well"},
		{"attachment with buttons", `{"message":"","props":{"attachments":[{"text":"merge?","actions":[{"name":"Yes","type":"button"},{"name":"@all","type":"select"},{"id":"x"},7]}]}}`, "merge?\n[Yes] · [@\u200ball]"},
		{"broken attachments", `{"message":"see","props":{"attachments":"what"}}`, "see"},
	} {
		got := strings.ReplaceAll(markdown.Render(textOf(postOf(t, c.post), nil)), "\n\n", "\n")
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Every emoji has a name that the server knows, and comes back as itself.
// TestEmojiOfTheServersOwnAreTheirNames, and none of the system's, which have characters.
func TestEmojiOfTheServersOwnAreTheirNames(t *testing.T) {
	for neutral, want := range map[string]string{"👍": "+1", ":our_logo:": "our_logo", ":+1:": "", ":two words:": "", "our_logo": "", "::": "", "": ""} {
		if name, ok := emojiName(neutral); ok != (want != "") || ok && name != want {
			t.Errorf("%q is set as %q (%v), want %q", neutral, name, ok, want)
		}
	}
	if got := neutralEmoji("thumbsup") + neutralEmoji("our_logo"); got != "👍:our_logo:" {
		t.Errorf("they are read as %q", got)
	}
}

func TestEveryEmojiComesBack(t *testing.T) {
	if len(emojiNames) < 3000 {
		t.Errorf("only %d emoji have a name", len(emojiNames))
	}
	unknown := 0
	for name := range model.SystemEmojis {
		emoji, ok := systemEmoji(name)
		if !ok {
			unknown++
			continue
		}
		chosen := emojiNames[bridge.NormalizeEmoji(emoji)]
		again, _ := systemEmoji(chosen)
		if bridge.NormalizeEmoji(again) != bridge.NormalizeEmoji(emoji) {
			t.Errorf("%s is %q, and the bot would react with %s, %q", name, emoji, chosen, again)
		}
	}
	if unknown > 1 { // Mattermost's own logo has no code point
		t.Errorf("%d names have no code points", unknown)
	}
	for emoji, want := range map[string]string{"👍": "+1", "❤️": "heart", "❤": "heart", "🎉": "tada", "😄": "smile", "👍🏽": "+1_medium_skin_tone"} {
		if got := emojiNames[bridge.NormalizeEmoji(emoji)]; got != want {
			t.Errorf("%s is %q, want %q", emoji, got, want)
		}
	}
}

func TestWhatIsWritten(t *testing.T) {
	d := bridge.Draft{Author: bridge.Author{Name: "Ann *B.*", Avatar: "https://p/1.png"}, Text: richtext.Plain("hi :smile: @channel\x00"), Key: "k1"}
	if got, want := message(d, true, nil), "hi :"+unjoiner+"smile: @\u200bchannel"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := strings.ReplaceAll(message(d, false, nil), "\u200b", ""); !strings.HasPrefix(got, "**Ann \\*B.\\***:\nhi ") {
		t.Errorf("the name is not shown: %q", got)
	}
	want := model.StringInterface{"causeway": map[string]any{"key": "k1"}, "from_webhook": "true", "override_username": "Ann *B.*", "override_icon_url": "https://p/1.png"}
	config := testConfig
	config.showIcons = true
	if diff := cmp.Diff(want, props(d, config)); diff != "" {
		t.Error(diff)
	}
	delete(want, "override_icon_url")
	want["use_user_icon"] = "true"
	if diff := cmp.Diff(want, props(d, testConfig)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(richtext.Plain("hi :smile: @channel\x00"), d.Text); diff != "" {
		t.Errorf("the draft was changed: %s", diff)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		settings Settings
		want     string
	}{
		{Settings{Server: "chat.example.org", Token: "t"}, ""},
		{Settings{Server: "http://localhost:8065/", Token: "t", Team: "acme"}, ""},
		{Settings{}, "Server Token"},
		{Settings{Server: "ftp://x", Token: " t"}, "Server Token"},
		{Settings{Server: "https://user:pw@x", Token: "t", Team: "a/b", CAFile: "/does/not/exist"}, "Server Team CAFile"},
		{Settings{Server: "https://", Token: "t"}, "Server"},
		{Settings{Server: "x", Token: "t", Profile: "simple", CallbackURL: "http://127.0.0.1:9080"}, ""},
		{Settings{Server: "x", Token: "t", Profile: "Simple", CallbackURL: "ftp://x"}, "Profile CallbackURL"},
		{Settings{Server: "x", Token: "t", OAuthClientID: "short", OAuthClientSecret: "s"}, "OAuthClientID"},
		{Settings{Server: "x", Token: "t", OAuthClientSecret: "s"}, "OAuthClientID"},
		{Settings{Server: "https://x/?a=b", Token: "t"}, "Server"},
	} {
		var keys []string
		c.settings.Validate(func(key, problem string) {
			if problem == "" || strings.Contains(problem, "pw") {
				t.Errorf("%s: problem %q", key, problem)
			}
			keys = append(keys, key)
		})
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("%+v: mistakes in %q, want %q", c.settings.Server, got, c.want)
		}
	}
	for in, want := range map[string]string{
		"chat.example.org": "https://chat.example.org", "http://x:8065/": "http://x:8065", "https://x/sub/": "https://x/sub", "https://x/api/v4": "https://x",
	} {
		if got, err := serverURL(in); err != nil || got.String() != want {
			t.Errorf("%s is %v (%v), want %s", in, got, err, want)
		}
	}
}

func TestWhereTheServerReachesCauseway(t *testing.T) {
	env := bridge.Env{Account: "mattermost.hq/1", Hook: "https://causeway.example.com/hooks/mattermost.hq%2F1"}
	for callback, want := range map[string]string{
		"": env.Hook, "http://127.0.0.1:9080": "http://127.0.0.1:9080/hooks/mattermost.hq%2F1", "http://gateway/x/": "http://gateway/x/hooks/mattermost.hq%2F1",
	} {
		if got := (&Settings{CallbackURL: callback}).callback(env); got != want {
			t.Errorf("%q: %s, want %s", callback, got, want)
		}
	}
	for _, c := range []struct {
		setting, host string
		private, ok   bool
	}{
		{"", "127.0.0.1", true, false},
		{"127.0.0.1", "127.0.0.1", true, true},
		{"127.0.0.1", "localhost", true, false},
		{"example.org, 10.0.0.0/8 localhost", "10.1.2.3", true, true},
		{"10.0.0.0/8", "100.64.1.1", true, false},
		{"fd00::/8", "fd00::1", true, true},
		{"", "::1", true, false},
		{"", "169.254.1.1", true, false},
		{"", "93.184.216.34", false, false},
		{"", "causeway.example.com", false, false},
	} {
		if private(c.host) != c.private || allows(c.setting, c.host) != c.ok {
			t.Errorf("%q for %s: private %t, allowed %t", c.setting, c.host, private(c.host), allows(c.setting, c.host))
		}
	}
}
