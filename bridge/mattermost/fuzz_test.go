package mattermost

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
)

// FuzzFrame: whatever comes on a websocket is told apart without a panic, and what is found in it can be used.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`{"event": "posted", "data": {"channel_display_name":"Town Square","channel_name":"town-square","channel_type":"O","mentions":"[\"aaaaaaaaaaaaaaaaaaaaaaaaaa\"]","post":"{\"id\":\"pppppppppppppppppppppppppp\",\"create_at\":1700000000000,\"update_at\":1700000000000,\"user_id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"channel_id\":\"cccccccccccccccccccccccccc\",\"message\":\"hi\"}","sender_name":"@ann","set_online":true,"team_id":"tttttttttttttttttttttttttt"}, "broadcast": {"omit_users":null,"user_id":"","channel_id":"cccccccccccccccccccccccccc","team_id":"","connection_id":"","omit_connection_id":""}, "seq": 5}`,
		`{"event": "hello", "data": {"connection_id":"yyyyyyyyyyyyyyyyyyyyyyyyyy","server_version":"11.1.0"}, "broadcast": {"user_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa"}, "seq": 0}`,
		`{"event": "reaction_added", "data": {"reaction":"{\"user_id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"post_id\":\"pppppppppppppppppppppppppp\",\"emoji_name\":\"smile\",\"create_at\":1}"}, "broadcast": {"channel_id":"cccccccccccccccccccccccccc"}, "seq": 7}`,
		`{"event":"user_updated","data":{"user":{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","username":"ann"}},"broadcast":{},"seq":1}`, `{"event":"user_updated","data":{"user":null},"seq":1}`,
		`{"status":"OK","data":{"server":"x","server_time":1700000000000,"text":"pong"},"seq_reply":1}`, `{"status":"FAIL","seq_reply":2,"error":{"id":"api.web_socket_router.not_authenticated.app_error"}}`,
		`{"event": "typing", "data": null, "broadcast": null, "seq": 9223372036854775807}`, `{"event": "posted", "seq": 18446744073709551616}`, `{"event": ""`, `{`, ``, hostile, `{"event":"posted","data":[],"broadcast":[],"seq":-5}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		one := frame(text)
		for _, id := range []string{one.channel(), one.connection()} {
			if id != "" && !model.IsValidId(id) {
				t.Fatalf("%q is taken for an id", id)
			}
		}
		if one.seq() < -1 {
			t.Fatalf("the number is %d", one.seq())
		}
		one.direct()
		if ok, is := one.answer(); ok && !strings.HasPrefix(string(text), `{"status"`) || is && one.event() != nil {
			t.Fatal("it is an event, and an answer")
		}
		c, err := one.decode()
		if err == nil {
			decode([]event{c.event()})
		}
		(&said{}).read(c.Data.Post)
		// The bot's own socket reads with the model, and then goes by the same pieces.
		if e, err := model.WebSocketEventFromJSON(strings.NewReader(string(text))); err == nil && e.IsValid() {
			a := quiet(t, nil)
			told := 0
			s := &stream{account: a, session: &session{id: "x", next: 3}, greeted: func() { told++ }, missed: func() { told++ }}
			feed := &feed{account: a, me: "mmmmmmmmmmmmmmmmmmmmmmmmmm", channels: map[string]*channel{}}
			s.event = func(e *model.WebSocketEvent) { feed.dispatch(t.Context(), e) }
			s.take(e)
			if e.EventType() != model.WebsocketEventHello && e.GetSequence() > 3 && told == 0 {
				t.Fatal("a gap is not seen")
			}
		}
	})
}

// FuzzPost: whatever a post holds, it becomes a state that can be stored and written anywhere.
func FuzzPost(f *testing.F) {
	for _, s := range []string{
		`{"id":"pppppppppppppppppppppppppp","channel_id":"c1","root_id":"r1","user_id":"u1","create_at":1000,"update_at":3000,"edit_at":2000,"message":"**hi** :smile: @ann ~town","file_ids":["f1","f2"],"metadata":{"files":[{"id":"f1","name":"a.pdf","size":7,"mime_type":"application/pdf"}],"reactions":[{"user_id":"u2","emoji_name":"thumbsup"},{"user_id":"u3","emoji_name":"our_logo"}],"priority":{"priority":"urgent"}},"props":{"causeway":{"key":"k1"},"from_webhook":"true","override_username":"Jenkins","channel_mentions":{"town":{"display_name":"Town Square","team_name":"acme"}}}}`,
		`{"id":"pppppppppppppppppppppppppp","update_at":3,"delete_at":3,"props":{"deleteBy":"u9"}}`,
		`{"id":"pppppppppppppppppppppppppp","type":"system_add_to_channel","message":"@ben added","props":{"addedUserId":"bbbbbbbbbbbbbbbbbbbbbbbbbb","addedUsername":"ben"}}`,
		`{"id":"pppppppppppppppppppppppppp","type":"system_header_change","props":{"old_header":"a","new_header":"see\nhttps://x.example"}}`, `{"id":"pppppppppppppppppppppppppp","type":"custom_calls","props":{"end_at":2}}`,
		`{"id":"pppppppppppppppppppppppppp","type":"me","message":"*waves*","message_source":"> a\n\n| a | b |\n|---|---|\n| 1 | 2 |"}`,
		`{"id":"pppppppppppppppppppppppppp","message":"","props":{"attachments":[{"fallback":"F","pretext":"Pre","author_name":"Ann","author_link":"javascript:x","title":"Build *7*","title_link":"https://ci/7","text":"**red**","fields":[{"title":"Branch","value":"main","short":true},{"title":"Tries","value":3},7],"image_url":"https://ci/7.png","footer":"CI","actions":[{"name":"Yes","type":"button"},{"name":"@all"},7]}]}}`,
		`{"id":"pppppppppppppppppppppppppp","create_at":9223372036854775807,"update_at":-9223372036854775808,"edit_at":-1,"message":"\u0000\u202e<b>&lt;","props":{"attachments":{"a":[null]},"channel_mentions":[1]},"metadata":{"reactions":[null],"files":[null]}}`,
		`{"id":"pppppppppppppppppppppppppp","metadata":{"files":[{"name":"\u0000/../x\n"}],"reactions":[{}]},"file_ids":["",""]}`, `{}`, `null`, `[]`,
	} {
		f.Add(s)
	}
	people := map[string]person{"u1": {name: "Ann <b>A.</b>", username: "ann"}}
	f.Fuzz(func(t *testing.T, text string) {
		posts, _, _ := decode([]event{{kind: model.WebsocketEventPosted, body: text}, {kind: model.WebsocketEventPostDeleted, body: text}})
		for _, p := range posts {
			tell := tellsOf(p)
			var states []bridge.State
			if carried(p) {
				states = append(states, stateOf(p, people[p.UserId], handles{"ann": "u1"}, testConfig))
			}
			if tell != "" {
				states = append(states, happened(p, tell, people, testConfig))
			}
			for _, s := range states {
				if err := sound(s, len(text)); err != nil {
					t.Fatal(err)
				}
			}
			namesIn(p)
			undescribed(p)
		}
	})
}

// sound tells what is wrong with a state that was made of so many bytes.
func sound(s bridge.State, size int) error {
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
	if long > 10*size+10_000 {
		return fmt.Errorf("%d bytes became %d", size, long)
	}
	if !reflect.DeepEqual(richtext.Normalize(s.Text), s.Text) {
		return fmt.Errorf("the text is not canonical: %+v", s.Text)
	}
	if err := richhtml.Allowed(richhtml.Render(s.Text)); err != nil {
		return err
	}
	if size < 10_000 && markdown.Parse(markdown.Render(s.Text)).Hash() != s.Text.Hash() {
		return fmt.Errorf("%q is another text when it is written and read", s.Text.PlainText())
	}
	raw, err := json.Marshal(s.Text)
	var again richtext.Doc
	if err == nil {
		err = json.Unmarshal(raw, &again)
	}
	if err != nil || again.Hash() != s.Text.Hash() {
		return fmt.Errorf("%q does not come back from the store: %v", s.Text.PlainText(), err)
	}
	return nil
}

// FuzzLink: what is taken for an address of this server is one.
func FuzzLink(f *testing.F) {
	for _, s := range []string{"https://chat.example.org/acme/pl/pppppppppppppppppppppppppp", "https://chat.example.org/_redirect/pl/pppppppppppppppppppppppppp", "https://chat.example.org/acme/channels/town", "http://CHAT.example.org/acme/channels/town?x#y",
		"https://chat.example.org.evil.example/acme/pl/pppppppppppppppppppppppppp", "https://chat.example.org@evil.example/acme/pl/pppppppppppppppppppppppppp", "https://chat.example.org/a%2fb/channels/..%2f", "//chat.example.org/x", ":", "%", ""} {
		f.Add(s)
	}
	a := quiet(f, nil)
	a.me, a.config = &model.User{}, testConfig
	room := bridge.Conversation{ID: bridge.ConversationID{Server: testConfig.server, Channel: "cccccccccccccccccccccccccc"}, Link: testConfig.site + "/acme/channels/town"}
	a.rooms.note(room, testConfig)
	f.Fuzz(func(t *testing.T, address string) {
		c, id, ok := a.ReadAddress(address)
		switch {
		case !ok:
		case c.Server != testConfig.server || !strings.HasPrefix(address, testConfig.site+"/"):
			t.Fatalf("%q is here", address)
		case id == "" && c != room.ID:
			t.Fatalf("%q is %v", address, c)
		case id != "":
			again, same, ok := a.ReadAddress(a.Address(c, id))
			if !ok || again != c || same != id {
				t.Fatalf("%q is %v %s, and then %v %s", address, c, id, again, same)
			}
		}
		if path, ok := below(address, testConfig.site); ok && strings.HasPrefix(path, "/") && !strings.Contains(address, "//") {
			t.Fatalf("%q is %q below", address, path)
		}
		if millis, err := parseCursor(address); err == nil {
			if again, err := parseCursor(formatCursor(millis)); again != millis || err != nil || millis <= 0 {
				t.Fatalf("cursor %q is %d, then %d", address, millis, again)
			}
		}
	})
}

// FuzzRecord: whatever stands in the bot's preference, only what setup does is believed of it, and it can be gone on with.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{`{"made":true,"roles":["system_admin","x"],"granted":["read_audits","manage_system"],"settings":{"ServiceSettings.EnableCommands":{"before":false,"after":true},"ServiceSettings.SiteURL":{"before":"","after":"https://x"},"ServiceSettings.AllowedUntrustedInternalConnections":{"before":"a b","after":"a b 127.0.0.1"}},"teams":["tttttttttttttttttttttttttt","x"],"channels":[""],"tokens":["aaaaaaaaaaaaaaaaaaaaaaaaaa"],"app":"aaaaaaaaaaaaaaaaaaaaaaaaaa"}`,
		`{"settings":{"ServiceSettings.EnableCommands":{"before":{},"after":[]},"ServiceSettings.AllowedUntrustedInternalConnections":{"before":7,"after":null},"SqlSettings.DataSource":{"before":"x","after":"y"}}}`, `{"app":"x","roles":[null]}`, `null`, `[]`, `{`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r record
		if json.Unmarshal([]byte(text), &r) != nil {
			return
		}
		b := r.believed()
		if again := b.believed(); !reflect.DeepEqual(again, b) {
			t.Fatalf("of %+v is believed %+v", b, again)
		}
		for name, c := range b.Settings {
			b.set(name, c.After, c.Before)
			b.set(name, false, true)
			c.withoutHosts(text)
		}
		for _, role := range b.Roles {
			if role != restrictedRole && role != model.SystemAdminRoleId {
				t.Fatalf("the role %q is believed", role)
			}
		}
		for _, id := range append(append(b.Teams, b.Channels...), b.Tokens...) {
			if !model.IsValidId(id) {
				t.Fatalf("the id %q is believed", id)
			}
		}
	})
}
