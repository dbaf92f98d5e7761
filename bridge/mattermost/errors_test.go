package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/secret"
)

const testToken = "the-token-of-the-bot"

func testClient(t *testing.T, h http.HandlerFunc) *client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := newClient(&Settings{Server: s.URL, Token: secret.Secret(testToken)}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.HTTPClient.CloseIdleConnections)
	return c
}

// answer is what a server may say to a request.
type answer struct {
	status int
	id     string
	header http.Header
	body   string // in the place of an AppError
}

func (a answer) serve(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	if a.body != "" || a.id == "" {
		fmt.Fprint(w, a.body)
		return
	}
	_ = json.NewEncoder(w).Encode(&model.AppError{Id: a.id, Message: "the reason, " + testToken, StatusCode: a.status})
}

var operations = map[operation]string{opRead: http.MethodGet, opPost: http.MethodPost, opChange: http.MethodPut}

// Every rule of the table is met by an answer over HTTP, for each operation that it holds for, and nothing of the token gets out.
func TestEveryRuleOfTheTable(t *testing.T) {
	for _, r := range rules {
		say := answer{status: r.status, id: strings.ReplaceAll(r.id, "*", "x.y.app_error"), body: "<html>" + testToken + "</html>"}
		if say.status == 0 {
			say.status = http.StatusInternalServerError // the id alone decides
		}
		if r.id != "" {
			say.body = ""
		}
		if r.kind == bridge.Throttled {
			say.header = http.Header{"Retry-After": {"7"}}
		}
		c := testClient(t, func(w http.ResponseWriter, _ *http.Request) { say.serve(w) })
		for op, method := range operations {
			if r.ops&op == 0 {
				continue
			}
			_, err := c.call(context.Background(), op, method, "/posts", nil, nil)
			var e *bridge.Error
			if !errors.As(err, &e) {
				t.Fatalf("%+v: %v is no *bridge.Error", r, err)
			}
			if e.Kind != r.kind || e.Scope != r.scope || (e.Hint == "") != (r.hint == "") {
				t.Errorf("%d %q for %s: %v, scope %d, hint %q; want %v, %d, %q", say.status, say.id, method, e.Kind, e.Scope, e.Hint, r.kind, r.scope, r.hint)
			}
			if r.kind == bridge.Throttled && e.After != 7*time.Second {
				t.Errorf("throttled for %v, want 7s", e.After)
			}
			if strings.Contains(err.Error(), testToken) || strings.Contains(err.Error(), "<html>") {
				t.Errorf("the error shows what it must not: %v", err)
			}
		}
	}
}

// What the same answers mean to a person's token: nothing of it holds for the account, and nothing nudges the feed.
func TestEveryRuleForAPerson(t *testing.T) {
	for _, r := range rules {
		say := answer{status: r.status, id: strings.ReplaceAll(r.id, "*", "x.y.app_error")}
		if say.status == 0 {
			say.status = http.StatusInternalServerError // the id alone decides
		}
		want := r
		switch {
		case r.kind == bridge.Unauthorised && r.scope == bridge.ScopeAccount:
			want.scope = bridge.ScopePerson
		case r.id == "*" && r.status == http.StatusForbidden:
			want.kind, want.scope = bridge.Unsupported, bridge.ScopePerson
		}
		bot := testClient(t, func(w http.ResponseWriter, _ *http.Request) { say.serve(w) })
		c := bot.as("the-token-of-a-person")
		for op, method := range operations {
			if r.ops&op == 0 {
				continue
			}
			_, err := c.call(context.Background(), op, method, "/posts", nil, nil)
			if bridge.KindOf(err) != want.kind || bridge.ScopeOf(err) != want.scope {
				t.Errorf("%d %q for %s: %v, scope %d; want %v, %d", say.status, say.id, method, bridge.KindOf(err), bridge.ScopeOf(err), want.kind, want.scope)
			}
		}
		if bot.refusals.Load()+c.refusals.Load() != 0 || len(bot.nudge)+len(c.nudge) != 0 {
			t.Errorf("%d %q: the bot's own connection is doubted", say.status, say.id)
		}
	}
}

// What is in no rule, and rules that stand before others.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		op     operation
		status int
		id     string
		want   bridge.Kind
	}{
		{opPost, 500, "app.post.save.app_error", bridge.Uncertain},
		{opChange, 500, "app.post.update.app_error", bridge.Transient},
		{opRead, 500, "app.post.get.app_error", bridge.Transient},
		{opPost, 502, "", bridge.Uncertain},
		{opPost, 503, "", bridge.Uncertain},
		{opPost, 504, "", bridge.Uncertain},
		{opChange, 502, "", bridge.Transient},
		{opEdit, 500, "app.post.update.app_error", bridge.Uncertain},
		{opEdit, 408, "", bridge.Uncertain},
		{opEdit, 502, "", bridge.Uncertain},
		{opPost, 500, "api.post.deduplicate_create_post.pending", bridge.Uncertain},
		{opPost, 500, "api.post.deduplicate_create_post.failed_to_get", bridge.Uncertain},
		{opPost, 400, "api.post.create_post.root_id.app_error", bridge.Gone},
		{opPost, 500, "api.post.create_post.channel_root_id.app_error", bridge.Gone},
		{opPost, 400, "model.post.is_valid.message_length.app_error", bridge.Rejected},
		{opPost, 400, "model.post.is_valid.props.app_error", bridge.Rejected},
		{opPost, 413, "api.context.request_body_too_large.app_error", bridge.Rejected},
		{opPost, 413, "", bridge.Rejected},
		{opChange, 400, "api.post.update_post.permissions_time_limit.app_error", bridge.Unsupported},
		{opChange, 404, "app.emoji.get_by_name.no_result", bridge.Unsupported},
		{opChange, 403, "api.emoji.disabled.app_error", bridge.Unsupported}, // or the channel would wait for an emoji
		{opChange, 403, "api.emoji.storage.app_error", bridge.Unsupported},
		{opChange, 404, "app.post.get.app_error", bridge.Gone},
		{opRead, 404, "app.channel.get.existing.app_error", bridge.Gone},
		{opRead, 404, "", bridge.Transient}, // a proxy's own page says nothing about the post
		{opChange, 403, "", bridge.Transient},
		{opRead, 404, "api.context.404.app_error", bridge.Transient},
		{opChange, 403, "api.context.permissions.app_error", bridge.Unauthorised},
		{opRead, 401, "api.context.session_expired.app_error", bridge.Unauthorised},
		{opPost, 429, "", bridge.Throttled},
		{opPost, 301, "", bridge.Transient},
		{opPost, 408, "", bridge.Uncertain},
		{opPost, 418, "", bridge.Transient},
		{opPost, 501, "app.user_access_token.disabled", bridge.Unauthorised},
		{opPost, 404, "api.oauth.get_access_token.refresh_token.app_error", bridge.Unauthorised},
		{opPost, 404, "api.oauth.get_access_token.credentials.app_error", bridge.Unauthorised},
		{opPost, 403, "api.oauth.get_access_token.credentials.app_error", bridge.Transient},
		{opPost, 403, "api.oauth.get_access_token.expired_code.app_error", bridge.Rejected},
		{opPost, 400, "api.oauth.get_access_token.expired_code.app_error", bridge.Rejected},
		{opPost, 501, "api.oauth.get_access_token.disabled.app_error", bridge.Unauthorised},
		{opRead, 501, "api.oauth.allow_oauth.turn_off.app_error", bridge.Unsupported},
		{opPost, 400, "api.command.duplicate_trigger.app_error", bridge.Rejected},
		{opPost, 501, "api.command.disabled.app_error", bridge.Unsupported},
		{opChange, 401, "api.user.update_active.not_enable.app_error", bridge.Rejected},
		{opChange, 403, "api.user.update_active.cannot_modify_status_when_user_is_managed_by_ldap.app_error", bridge.Rejected},
	} {
		if got := verdict(c.op, c.status, c.id).kind; got != c.want {
			t.Errorf("%d %q for operation %d is %v, want %v", c.status, c.id, c.op, got, c.want)
		}
	}
}

func TestHowLongToWait(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{"Retry-After": {"3"}}, 3 * time.Second},
		{http.Header{"Retry-After": {"Fri, 02 Jan 2026 03:04:35 GMT"}}, 30 * time.Second},
		{http.Header{"X-Ratelimit-Reset": {"2"}}, 2 * time.Second},
		{http.Header{"Retry-After": {"9"}, "X-Ratelimit-Reset": {"2"}}, 9 * time.Second},
		{http.Header{"Retry-After": {"0"}}, time.Second},
		{http.Header{"Retry-After": {"soon"}}, time.Second},
		{http.Header{"Retry-After": {"99999"}}, time.Hour},
		{http.Header{"Retry-After": {"99999999999999999999"}}, time.Hour},
		{http.Header{"Retry-After": {"-99999999999999999999"}}, time.Second},
		{nil, time.Second},
	} {
		if got := retryAfter(c.header, now); got != c.want {
			t.Errorf("%v: %v, want %v", c.header, got, c.want)
		}
	}
}

// Before anything was sent nothing can have taken effect; afterwards only reading is sure to have had none.
func TestNoAnswer(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	nobody, err := newClient(&Settings{Server: "http://" + dead.Addr().String(), Token: testToken}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	hangsUp := testClient(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	nonsense := testClient(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	for _, c := range []struct {
		name   string
		client *client
		op     operation
		want   bridge.Kind
	}{
		{"nobody there", nobody, opPost, bridge.Transient},
		{"nobody there", nobody, opChange, bridge.Transient},
		{"hangs up", hangsUp, opPost, bridge.Uncertain},
		{"hangs up", hangsUp, opChange, bridge.Uncertain},
		{"hangs up", hangsUp, opRead, bridge.Transient},
		{"nonsense", nonsense, opPost, bridge.Uncertain},
		{"nonsense", nonsense, opRead, bridge.Transient},
	} {
		var out model.Post
		_, err := c.client.call(context.Background(), c.op, operations[c.op], "/posts", map[string]string{}, &out)
		if bridge.KindOf(err) != c.want || err == nil {
			t.Errorf("%s, operation %d: %v is %v, want %v", c.name, c.op, err, bridge.KindOf(err), c.want)
		}
	}
}

// A redirect that is followed would turn a POST into a GET.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var methods []string
	c := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		methods = append(methods, r.Method+" "+r.URL.Path)
		if r.URL.Path == "/elsewhere" {
			fmt.Fprint(w, "{}")
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
	})
	_, err := c.call(context.Background(), opPost, http.MethodPost, "/posts", map[string]string{}, nil)
	if err == nil || len(methods) != 1 {
		t.Errorf("%v after %v", err, methods)
	}
}

func TestCertificates(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer s.Close()
	file := t.TempDir() + "/ca.pem"
	writePEM(t, file, s.Certificate().Raw)
	for _, c := range []struct {
		name     string
		settings Settings
		fails    bool
	}{
		{"unknown", Settings{}, true},
		{"CAFile", Settings{CAFile: file}, false},
		{"SkipTLSVerify", Settings{SkipTLSVerify: true}, false},
	} {
		c.settings.Server, c.settings.Token = s.URL, testToken
		client, err := newClient(&c.settings, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		err = client.get(context.Background(), "/x", nil)
		client.HTTPClient.CloseIdleConnections()
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
		var e *bridge.Error
		if c.fails && (!errors.As(err, &e) || !strings.Contains(e.Hint, "CAFile") || e.Kind != bridge.Transient) {
			t.Errorf("%s: %v does not name CAFile", c.name, err)
		}
	}
	if _, err := newClient(&Settings{Server: s.URL, CAFile: t.TempDir() + "/none"}, time.Second); err == nil {
		t.Error("a missing CAFile is accepted")
	}
}
