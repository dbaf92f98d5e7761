package mattermost

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/mattermost/server/public/model"
)

// wire is a plain websocket client that reads when the test asks.
type wire struct {
	t  *testing.T
	ws *websocket.Conn
	id string // connection id of the hello
}

// frame is an event or a response.
type frame struct {
	Event     string         `json:"event"`
	Data      map[string]any `json:"data"`
	Broadcast struct {
		ChannelID string `json:"channel_id"`
	} `json:"broadcast"`
	Seq      int64           `json:"seq"`
	Status   string          `json:"status"`
	SeqReply int64           `json:"seq_reply"`
	Error    *model.AppError `json:"error"`
}

func (w *town) dial(tok, query string) *wire {
	w.t.Helper()
	header := http.Header{}
	if tok != "" {
		header.Set("Authorization", "Bearer "+tok)
	}
	ws, resp, err := websocket.DefaultDialer.DialContext(w.ctx, w.WebsocketURL()+"/api/v4/websocket"+query, header)
	check(w.t, err)
	resp.Body.Close()
	w.t.Cleanup(func() { ws.Close() })
	return &wire{t: w.t, ws: ws}
}

// connect dials with the header and takes the hello and the status_change.
func (w *town) connect(tok string) *wire {
	w.t.Helper()
	k := w.dial(tok, "")
	hello := k.read()
	if hello.Event != "hello" || hello.Seq != 0 {
		w.t.Fatalf("first frame: %+v", hello)
	}
	k.id, _ = hello.Data["connection_id"].(string)
	if !strings.HasPrefix(hello.Data["server_version"].(string), "11.1.0.") || !model.IsValidId(k.id) {
		w.t.Fatalf("hello: %+v", hello)
	}
	if f := k.read(); f.Event != "status_change" || f.Data["status"] != "online" || f.Seq != 1 {
		w.t.Fatalf("second frame: %+v", f)
	}
	return k
}

func (k *wire) read() frame {
	k.t.Helper()
	f, err := k.try()
	check(k.t, err)
	return f
}

func (k *wire) try() (f frame, err error) {
	if err := k.ws.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return f, err
	}
	_, data, err := k.ws.ReadMessage()
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(data, &f)
}

// until reads up to the first event of a kind.
func (k *wire) until(event string) frame {
	k.t.Helper()
	for {
		if f := k.read(); f.Event == event {
			return f
		}
	}
}

func (k *wire) action(seq int64, action string, data map[string]any) {
	k.t.Helper()
	check(k.t, k.ws.WriteJSON(model.WebSocketRequest{Seq: seq, Action: action, Data: data}))
}

// kinds sends a ping and lists the events that came before its answer.
func (k *wire) kinds() []string {
	k.t.Helper()
	k.action(99, "ping", nil)
	out := []string{}
	for {
		f := k.read()
		if f.SeqReply == 99 {
			return out
		}
		out = append(out, f.Event)
	}
}

func postOf(t *testing.T, f frame) *model.Post {
	t.Helper()
	var p model.Post
	text, ok := f.Data["post"].(string)
	if !ok {
		t.Fatalf("post is no string: %+v", f)
	}
	check(t, json.Unmarshal([]byte(text), &p))
	return &p
}

func TestPostedReachesMembersOnly(t *testing.T) {
	w := newTown(t, Options{})
	member, admin, outsider := w.connect(w.botToken), w.connect(w.adminToken), w.connect(w.Token("carol"))
	dm := w.Direct("alice", "bob").Id
	_, err := w.Post("alice", dm, "hush")
	check(t, err)
	_, err = w.Post("alice", "acme/square", "not here")
	check(t, err)
	made, _, err := w.asAlice.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "hi @bridge", PendingPostId: "k"})
	check(t, err)
	f := member.read()
	p := postOf(t, f)
	if f.Event != "posted" || f.Broadcast.ChannelID != w.channel || p.Id != made.Id || p.PendingPostId != "k" || p.Message != "hi @bridge" {
		t.Fatalf("%+v, post %+v", f, p)
	}
	want := map[string]any{"channel_type": "O", "channel_name": "town", "channel_display_name": "town", "sender_name": "@alice",
		"team_id": w.mustChannel("acme/town").TeamId, "set_online": true, "post": f.Data["post"], "mentions": `["` + w.bot.Id + `"]`}
	same(t, "data", f.Data, want)
	if f := admin.read(); f.Event != "posted" || f.Data["mentions"] != nil {
		t.Fatalf("the administrator's copy: %+v", f)
	}
	same(t, "events of somebody else", outsider.kinds(), []string{})
	same(t, "further events of an administrator", admin.kinds(), []string{})
}

func TestMentionsAreOnTheOwnCopyOnly(t *testing.T) {
	w := newTown(t, Options{})
	kept := map[string]*wire{w.bot.Id: w.connect(w.botToken), w.admin.Id: w.connect(w.adminToken)}
	w.CutWebsockets(true) // so that both copies wait in their queues
	w.post("all of you: @channel")
	for id, tok := range map[string]string{w.bot.Id: w.botToken, w.admin.Id: w.adminToken} {
		k := w.dial(tok, fmt.Sprintf("?connection_id=%s&sequence_number=2", kept[id].id))
		same(t, "mentions", k.until("posted").Data["mentions"], any(`["`+id+`"]`))
	}
}

func TestSenderNameHonoursOverrides(t *testing.T) {
	for _, c := range []struct {
		off     bool
		webhook any
		direct  bool
		want    string
	}{
		{false, "true", false, "Zoe"},
		{false, nil, false, "@bridge"},
		{false, true, false, "@bridge"},
		{true, "true", false, "@bridge"},
		{false, "true", true, "@bridge"},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			w := newTown(t, Options{NoUsernameOverride: c.off})
			k := w.connect(w.aliceToken)
			p := &model.Post{ChannelId: w.channel, Message: "x", Props: model.StringInterface{"override_username": "Zoe", "from_webhook": c.webhook}}
			if c.direct {
				p.ChannelId = w.Direct("bridge", "alice").Id
			}
			_, _, err := w.asBot.CreatePost(w.ctx, p)
			check(t, err)
			if got := k.until("posted").Data["sender_name"]; got != c.want {
				t.Fatalf("sender_name %v, want %v", got, c.want)
			}
			if seen := w.Posts(p.ChannelId)[0].Shown; "@"+seen != c.want && seen != c.want {
				t.Fatalf("people see %q, want %q", seen, c.want)
			}
		})
	}
}

func TestEditsDeletionsAndReactionsAreTold(t *testing.T) {
	w := newTown(t, Options{})
	root := w.post("root")
	w.reply(root, "reply")
	k, admin := w.connect(w.botToken), w.connect(w.adminToken)
	check(t, w.Edit("alice", root, "changed"))
	if p := postOf(t, k.until("post_edited")); p.Message != "changed" || p.EditAt == 0 {
		t.Fatalf("edited: %+v", p)
	}
	check(t, w.Pin("alice", root, true))
	if p := postOf(t, k.until("post_edited")); !p.IsPinned || p.Message != "changed" {
		t.Fatalf("pinned: %+v", p)
	}
	check(t, w.React("bob", root, "heart"))
	var x model.Reaction
	f := k.until("reaction_added")
	check(t, json.Unmarshal([]byte(f.Data["reaction"].(string)), &x))
	if x.ChannelId != w.channel || x.CreateAt == 0 || x.EmojiName != "heart" || x.UserId != w.bob.Id || x.PostId != root {
		t.Fatalf("added: %+v", x)
	}
	check(t, w.Unreact("bob", root, "heart"))
	f = k.until("reaction_removed")
	x = model.Reaction{}
	check(t, json.Unmarshal([]byte(f.Data["reaction"].(string)), &x))
	if x.ChannelId != "" || x.CreateAt != 0 || f.Broadcast.ChannelID != w.channel || x.EmojiName != "heart" {
		t.Fatalf("removed: %+v in %+v", x, f)
	}
	check(t, w.Delete("alice", root))
	f = k.until("post_deleted")
	if p := postOf(t, f); p.DeleteAt != 0 || p.Message != "changed" || f.Data["delete_by"] != nil {
		t.Fatalf("deleted: %+v in %+v", p, f)
	}
	if f := admin.until("post_deleted"); f.Data["delete_by"] != w.alice.Id {
		t.Fatalf("an administrator's post_deleted: %+v", f)
	}
	same(t, "replies go without an event", k.kinds(), []string{})
}

func TestMembershipIsTold(t *testing.T) {
	w := newTown(t, Options{})
	bot, alice := w.connect(w.botToken), w.connect(w.aliceToken)
	square := w.mustChannel("acme/square")
	w.AddToTeam("acme", "bridge")
	_, _, err := w.asAlice.AddChannelMember(w.ctx, square.Id, w.bot.Id)
	check(t, err)
	for _, k := range []*wire{bot, alice} {
		f := k.until("user_added")
		if f.Data["user_id"] != w.bot.Id || f.Data["team_id"] != square.TeamId || f.Broadcast.ChannelID != square.Id {
			t.Fatalf("user_added: %+v", f)
		}
		if p := postOf(t, k.until("posted")); p.Type != "system_add_to_channel" {
			t.Fatalf("system message: %+v", p)
		}
	}
	w.Rename("acme/square", "Market")
	f := bot.until("channel_updated")
	var ch model.Channel
	check(t, json.Unmarshal([]byte(f.Data["channel"].(string)), &ch))
	if ch.DisplayName != "Market" || ch.Name != "square" {
		t.Fatalf("channel_updated: %+v", ch)
	}
	w.Remove("alice", "acme/square", "bridge")
	if f := bot.until("user_removed"); f.Data["channel_id"] != square.Id || f.Data["user_id"] != nil {
		t.Fatalf("the removed user's event: %+v", f)
	}
	if f := alice.until("user_removed"); f.Data["user_id"] != w.bot.Id || f.Broadcast.ChannelID != square.Id {
		t.Fatalf("the members' event: %+v", f)
	}
	w.Typing("alice", "acme/town")
	if f := bot.until("typing"); f.Data["user_id"] != w.alice.Id || f.Broadcast.ChannelID != w.channel {
		t.Fatalf("typing: %+v", f)
	}
	same(t, "nobody sees oneself type", alice.kinds(), []string{})
}

func TestActions(t *testing.T) {
	w := newTown(t, Options{})
	k := w.connect(w.botToken)
	k.action(1, "ping", nil)
	f := k.read()
	if f.Status != "OK" || f.SeqReply != 1 || f.Data["text"] != "pong" || int64(f.Data["server_time"].(float64)) != w.millis() || f.Data["version"] == "" {
		t.Fatalf("pong: %+v", f)
	}
	k.action(2, "dance", nil)
	if f = k.read(); f.Status != "FAIL" || f.Error.Id != "api.web_socket_router.bad_action.app_error" {
		t.Fatalf("unknown action: %+v", f)
	}
	k.action(0, "ping", nil)
	if f = k.read(); f.Status != "FAIL" || f.Error.Id != "api.web_socket_router.bad_seq.app_error" {
		t.Fatalf("bad seq: %+v", f)
	}
	k.action(3, "get_statuses_by_ids", map[string]any{"user_ids": []string{w.bot.Id, w.bob.Id}})
	same(t, "statuses", k.read().Data, map[string]any{w.bot.Id: "online", w.bob.Id: "offline"})
}

func TestAuthenticationChallenge(t *testing.T) {
	w := newTown(t, Options{})
	k := w.dial("", "")
	k.action(1, "authentication_challenge", map[string]any{"token": w.botToken})
	if f := k.read(); f.Event != "hello" || f.Seq != 0 {
		t.Fatalf("first frame: %+v", f)
	}
	if f := k.read(); f.Status != "OK" || f.SeqReply != 1 {
		t.Fatalf("answer: %+v", f)
	}
	w.post("x")
	k.until("posted")

	k = w.connect(w.adminToken)
	k.action(1, "authentication_challenge", map[string]any{"token": w.adminToken})
	same(t, "a challenge after the header has no answer", k.kinds(), []string{})
}

func TestSocketsThatDoNotAuthenticateAreDropped(t *testing.T) {
	w := newTown(t, Options{AuthTimeout: 20 * time.Millisecond})
	for name, k := range map[string]*wire{"none": w.dial("", ""), "bad header": w.dial("nonsense", "")} {
		if f, err := k.try(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
			t.Errorf("%s: got %+v, %v", name, f, err)
		}
	}
	k := w.dial("", "")
	k.action(1, "authentication_challenge", map[string]any{"token": "nonsense"})
	if f, err := k.try(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
		t.Errorf("bad challenge: got %+v, %v", f, err)
	}
}

func TestFramesOver8192BytesCloseTheSocket(t *testing.T) {
	w := newTown(t, Options{})
	k := w.connect(w.botToken)
	k.action(1, "ping", map[string]any{"x": strings.Repeat("x", maxClientFrame)})
	if _, err := k.try(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Fatalf("got %v", err)
	}
}

func TestTheServerPings(t *testing.T) {
	w := newTown(t, Options{PingInterval: 5 * time.Millisecond})
	k := w.connect(w.botToken)
	pings := 0
	k.ws.SetPingHandler(func(string) error {
		if pings++; pings == 3 {
			w.post("enough")
		}
		return nil
	})
	k.until("posted")
}

func TestRevokedTokensMakeZombies(t *testing.T) {
	for name, end := range map[string][2]func(*town){
		"revoked":     {func(w *town) { w.RevokeToken(w.botToken) }, func(w *town) { w.RestoreToken(w.botToken) }},
		"deactivated": {func(w *town) { w.SetActive("bridge", false) }, func(w *town) { w.SetActive("bridge", true) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, Options{})
			k := w.connect(w.botToken)
			end[0](w)
			w.post("unseen")
			k.action(1, "ping", nil)
			if f := k.read(); f.Status != "FAIL" || f.Error == nil || f.Error.Id != "api.web_socket_router.not_authenticated.app_error" {
				t.Fatalf("ping of a zombie: %+v", f)
			}
			_, _, err := w.asBot.GetMe(w.ctx, "")
			wantError(t, err, 401, "api.context.session_expired.app_error")
			end[1](w)
			if _, _, err = w.asBot.GetMe(w.ctx, ""); err != nil {
				t.Fatalf("the token does not work again: %v", err)
			}
			w.post("still unseen")
			k.action(2, "ping", nil)
			if f := k.read(); f.Status != "FAIL" {
				t.Fatalf("a zombie came alive: %+v", f)
			}
		})
	}
}

func TestUserUpdatedShowsDeactivation(t *testing.T) {
	w := newTown(t, Options{HideEmail: true})
	bot, admin := w.connect(w.botToken), w.connect(w.adminToken)
	w.SetActive("bob", false)
	user := bot.until("user_updated").Data["user"].(map[string]any)
	if user["id"] != w.bob.Id || user["delete_at"].(float64) == 0 || user["email"] != "" {
		t.Fatalf("a plain bot sees %v", user)
	}
	user = admin.until("user_updated").Data["user"].(map[string]any)
	if user["email"] != "bob@example.com" {
		t.Fatalf("an administrator sees %v", user)
	}
	same(t, "one event each", append(bot.kinds(), admin.kinds()...), []string{})
}

func TestSocketsMakeOnline(t *testing.T) {
	w := newTown(t, Options{})
	status := func() string {
		t.Helper()
		got, _, err := w.asAdmin.GetUsersStatusesByIds(w.ctx, []string{w.bot.Id})
		check(t, err)
		return got[0].Status
	}
	quiet := "/posts?set_online=false"
	resp, err := w.asBot.DoAPIPost(w.ctx, quiet, `{"channel_id": "`+w.channel+`", "message": "x"}`)
	check(t, err)
	resp.Body.Close()
	same(t, "set_online=false", status(), "offline")
	k := w.connect(w.botToken)
	same(t, "a socket", status(), "online")
	k.ws.Close()
	eventually(t, func() bool { return w.Sockets("bridge") == 0 })
	same(t, "no socket", status(), "offline")
	_, _, err = w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "x"})
	check(t, err)
	same(t, "a post", status(), "online")
	w.SetStatus("bridge", "dnd")
	w.connectManual()
	same(t, "set by hand", status(), "dnd")
}

// connectManual opens a socket of the bot that changes no status.
func (w *town) connectManual() {
	w.t.Helper()
	k := w.dial(w.botToken, "")
	if f := k.read(); f.Event != "hello" {
		w.t.Fatalf("first frame: %+v", f)
	}
	same(w.t, "no status_change", k.kinds(), []string{})
}
