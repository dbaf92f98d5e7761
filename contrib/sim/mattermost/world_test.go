package mattermost

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"
)

// clock is a time that tests move themselves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_790_000_000_000)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) millis() int64 { return c.Now().UnixMilli() }

// town is a server with a team "acme", alice, bob and carol, a plain bot and a
// bot that is an administrator, and the channels town (alice, bob, both bots),
// square (public, alice only) and cellar (private, alice only).
type town struct {
	*Server
	clock       *clock
	t           *testing.T
	channel     string // id of acme/town
	alice, bob  *model.User
	aliceToken  string
	bot         *model.User
	botToken    string
	admin       *model.User
	adminToken  string
	asBot       *model.Client4
	asAdmin     *model.Client4
	asAlice     *model.Client4
	ctx         context.Context
	firstMillis int64
}

func newTown(t *testing.T, opts Options) *town {
	t.Helper()
	c := newClock()
	if opts.Now == nil {
		opts.Now = c.Now
	}
	s := New(opts)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w := &town{Server: s, clock: c, t: t, ctx: t.Context()}
	s.AddTeam("acme")
	w.alice, w.bob = s.AddUser("alice"), s.AddUser("bob")
	s.AddUser("carol")
	s.AddToTeam("acme", "alice", "bob", "carol")
	w.bot, w.botToken = s.AddBot("bridge")
	w.admin, w.adminToken = s.AddBot("root", "system_admin")
	w.channel = s.AddChannel("acme", "town", model.ChannelTypeOpen).Id
	s.AddChannel("acme", "square", model.ChannelTypeOpen)
	s.AddChannel("acme", "cellar", model.ChannelTypePrivate)
	s.Join("acme/town", "alice", "bob", "bridge", "root")
	s.Join("acme/square", "alice")
	s.Join("acme/cellar", "alice")
	w.aliceToken = s.Token("alice")
	w.asBot, w.asAdmin, w.asAlice = s.Client(w.botToken), s.Client(w.adminToken), s.Client(w.aliceToken)
	w.add(time.Second)
	w.firstMillis = w.millis()
	return w
}

func (w *town) add(d time.Duration) { w.clock.add(d) }

func (w *town) millis() int64 { return w.clock.millis() }

func (w *town) post(text string) string {
	w.t.Helper()
	id, err := w.Post("alice", w.channel, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *town) reply(root, text string) string {
	w.t.Helper()
	id, err := w.Reply("alice", root, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// since reads the channel as the bridge does.
func (w *town) since(at int64) *model.PostList {
	w.t.Helper()
	list, _, err := w.asBot.GetPostsSince(w.ctx, w.channel, at, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError asks for an AppError with this status and id.
func wantError(t *testing.T, err error, status int, id string) {
	t.Helper()
	var app *model.AppError
	if !errors.As(err, &app) {
		t.Fatalf("got error %v, want %d %s", err, status, id)
	}
	if app.StatusCode != status || app.Id != id {
		t.Fatalf("got error %d %s, want %d %s", app.StatusCode, app.Id, status, id)
	}
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

const permissionID = "api.context.permissions.app_error"

func TestRequestsWithoutATokenAreRefused(t *testing.T) {
	w := newTown(t, Options{})
	stranger := w.Client("nonsense")
	_, resp, err := stranger.GetMe(w.ctx, "")
	wantError(t, err, http.StatusUnauthorized, "api.context.session_expired.app_error")
	if v := resp.Header.Get("X-Version-Id"); !strings.HasPrefix(v, "11.1.0.") || resp.Header.Get("X-Request-Id") == "" {
		t.Fatalf("headers of an error: X-Version-Id %q, X-Request-Id %q", v, resp.Header.Get("X-Request-Id"))
	}
	_, _, err = w.asBot.GetBot(w.ctx, w.bot.Id, "")
	wantError(t, err, http.StatusNotFound, "api.context.404.app_error")
	if _, _, err = stranger.GetPing(w.ctx); err != nil {
		t.Fatalf("a ping needs no token: %v", err)
	}
}

func TestConfigAndLicenceAreReadable(t *testing.T) {
	w := newTown(t, Options{NoIconOverride: true, DiagnosticID: strings.Repeat("d", 26), PostEditTimeLimit: time.Minute,
		ClientConfig: map[string]string{"EnableCommands": "false"}})
	config, _, err := w.asBot.GetOldClientConfig(w.ctx, "")
	check(t, err)
	want := map[string]string{
		"Version": "11.1.0", "DiagnosticId": strings.Repeat("d", 26), "TelemetryId": strings.Repeat("d", 26), "SiteURL": w.URL(),
		"EnablePostUsernameOverride": "true", "EnablePostIconOverride": "false", "EnableCommands": "false", "MaxPostSize": "16383",
		"MaxFileSize": "104857600", "PostEditTimeLimit": "60", "EnableUserStatuses": "true", "EnableUserAccessTokens": "true",
		"EnableBotAccountCreation": "true", "EnableOAuthServiceProvider": "true", "RestrictDirectMessage": "any",
		"EnablePublicLink": "false", "EnableFileAttachments": "true",
	}
	for k, v := range want {
		if config[k] != v {
			t.Errorf("%s = %q, want %q", k, config[k], v)
		}
	}
	license, _, err := w.asBot.GetOldClientLicense(w.ctx, "")
	check(t, err)
	same(t, "licence", license, map[string]string{"IsLicensed": "false"})
}

func TestWhatAPlainBotAndAnAdministratorMay(t *testing.T) {
	w := newTown(t, Options{})
	dm := w.Direct("alice", "bob").Id
	square, cellar := w.mustChannel("acme/square").Id, w.mustChannel("acme/cellar").Id
	said, err := w.Post("alice", dm, "hush")
	check(t, err)
	own := w.post("mine")
	calls := map[string]struct {
		do    func(*model.Client4) error
		plain int // status for the plain bot; 0 is success
		admin int
	}{
		"post in its channel": {func(c *model.Client4) error {
			_, _, err := c.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "x"})
			return err
		}, 0, 0},
		"post in a public channel not joined": {func(c *model.Client4) error {
			_, _, err := c.CreatePost(w.ctx, &model.Post{ChannelId: square, Message: "x"})
			return err
		}, 403, 0},
		"read a public channel not joined": {func(c *model.Client4) error {
			_, _, err := c.GetPostsForChannel(w.ctx, square, 0, 10, "", false, false)
			return err
		}, 0, 0},
		"read a private channel": {func(c *model.Client4) error {
			_, _, err := c.GetPostsForChannel(w.ctx, cellar, 0, 10, "", false, false)
			return err
		}, 403, 0},
		"read a foreign direct message": {func(c *model.Client4) error {
			_, _, err := c.GetPost(w.ctx, said, "")
			return err
		}, 403, 0},
		"members of a foreign direct channel": {func(c *model.Client4) error {
			_, _, err := c.GetChannelMembers(w.ctx, dm, 0, 10, "")
			return err
		}, 403, 0},
		"post in a foreign direct channel": {func(c *model.Client4) error {
			_, _, err := c.CreatePost(w.ctx, &model.Post{ChannelId: dm, Message: "x"})
			return err
		}, 403, 0},
		"list another's channels": {func(c *model.Client4) error {
			_, _, err := c.GetChannelsForUserWithLastDeleteAt(w.ctx, w.alice.Id, 0)
			return err
		}, 403, 0},
		"edit another's post": {func(c *model.Client4) error {
			_, _, err := c.PatchPost(w.ctx, own, &model.PostPatch{Message: model.NewPointer("changed")})
			return err
		}, 403, 0},
		"react for another": {func(c *model.Client4) error {
			_, _, err := c.SaveReaction(w.ctx, &model.Reaction{UserId: w.alice.Id, PostId: own, EmojiName: "heart"})
			return err
		}, 403, 403},
		"direct channel of two others": {func(c *model.Client4) error {
			_, _, err := c.CreateDirectChannel(w.ctx, w.alice.Id, w.mustUser("carol").Id)
			return err
		}, 403, 0},
		"direct channel with oneself": {func(c *model.Client4) error {
			me, _, err := c.GetMe(w.ctx, "")
			check(t, err)
			_, _, err = c.CreateDirectChannel(w.ctx, me.Id, w.alice.Id)
			return err
		}, 0, 0},
		"ephemeral post": {func(c *model.Client4) error {
			_, _, err := c.CreatePostEphemeral(w.ctx, &model.PostEphemeral{UserID: w.alice.Id, Post: &model.Post{ChannelId: w.channel, Message: "psst"}})
			return err
		}, 403, 0},
		"see deleted posts in pages": {func(c *model.Client4) error {
			_, _, err := c.GetPostsForChannel(w.ctx, w.channel, 0, 10, "", false, true)
			return err
		}, 403, 0},
		"post to an unknown channel": {func(c *model.Client4) error {
			_, _, err := c.CreatePost(w.ctx, &model.Post{ChannelId: model.NewId(), Message: "x"})
			return err
		}, 403, 403},
		"typing for another": {func(c *model.Client4) error {
			_, err := c.PublishUserTyping(w.ctx, w.alice.Id, model.TypingRequest{ChannelId: w.channel})
			return err
		}, 403, 0},
		"delete another's post": {func(c *model.Client4) error { _, err := c.DeletePost(w.ctx, w.post("victim")); return err }, 403, 0},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			for who, want := range map[*model.Client4]int{w.asBot: call.plain, w.asAdmin: call.admin} {
				err := call.do(who)
				var app *model.AppError
				got := 0
				if errors.As(err, &app) {
					got = app.StatusCode
				} else if err != nil {
					t.Fatal(err)
				}
				if got != want {
					t.Errorf("as %v: status %d (%v), want %d", map[bool]string{true: "plain bot", false: "administrator"}[who == w.asBot], got, err, want)
				}
			}
		})
	}
}

func TestRolePermissionsGrantSinglePermissions(t *testing.T) {
	w := newTown(t, Options{RolePermissions: map[string][]string{"system_custom_group_admin": {"create_post_ephemeral"}}})
	_, tok := w.AddBot("restricted", "system_custom_group_admin")
	p, _, err := w.Client(tok).CreatePostEphemeral(w.ctx, &model.PostEphemeral{UserID: w.alice.Id, Post: &model.Post{ChannelId: w.channel, Message: "psst"}})
	check(t, err)
	if got := w.Ephemerals(); len(got) != 1 || got[0].To != w.alice.Id || got[0].Post.Message != "psst" || p.Type != model.PostTypeEphemeral {
		t.Fatalf("ephemeral posts recorded: %+v", got)
	}
	if len(w.Posts(w.channel)) != 0 {
		t.Fatal("an ephemeral post was stored")
	}
	_, err = w.Client(tok).DeletePost(w.ctx, w.post("x"))
	wantError(t, err, 403, permissionID)
}
