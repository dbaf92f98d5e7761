package teams_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a tenant with a few people, a team and an app that may do everything.
type world struct {
	t                  *testing.T
	sim                *teams.Sim
	clock              *clock
	tenant             *teams.Tenant
	ada, bob, cyd, eve *teams.User // eve is not in the team, ada owns it
	team               *teams.Team
	general, secret    *teams.Channel // secret is private to ada and cyd
	app                *teams.App
	appToken           string
	now                func() time.Time
}

var allScopes = []string{
	"User.ReadBasic.All", "Team.ReadBasic.All", "Channel.ReadBasic.All", "TeamMember.Read.All", "ChannelMember.Read.All",
	"ChannelMessage.Read.All", "ChannelMessage.Send", "ChannelMessage.ReadWrite",
}

var allRoles = []string{
	"User.Read.All", "Team.ReadBasic.All", "Channel.ReadBasic.All", "TeamMember.Read.All", "ChannelMember.Read.All",
	"ChannelMessage.Read.All",
}

func newWorld(t *testing.T, opts teams.Options) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 120e6, time.UTC)}}
	if opts.Now == nil {
		opts.Now = w.clock.Now
	}
	if observer != nil {
		opts.Observe = observer
	}
	if notified != nil {
		opts.Webhooks.Observe = notified
	}
	w.now = opts.Now
	w.sim = teams.New(opts)
	w.tenant = w.sim.AddTenant("Contoso")
	w.ada, w.bob = w.tenant.AddUser("Ada Lovelace"), w.tenant.AddUser("Bob")
	w.cyd, w.eve = w.tenant.AddUser("Cyd Charisse"), w.tenant.AddUser("Eve")
	w.team = w.tenant.AddTeam("Engineering", w.ada, w.bob, w.cyd)
	w.general = w.team.General
	w.secret = w.team.AddPrivateChannel("Secret", w.ada, w.cyd)
	w.app = w.tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: "s3cret", PublicClient: true, Roles: allRoles, Scopes: allScopes})
	w.appToken = w.sim.AppToken(w.app)
	return w
}

// notified is set by the test of the reference, to see every notification of every test.
var notified func(notify.Post)

// observer is set by the test of the reference, to see every answer of every test.
var observer func(teams.Answer)

func (w *world) as(u *teams.User, scopes ...string) string {
	access, _ := w.sim.SignIn(w.app, u, scopes...)
	return access
}

// response is what came back.
type response struct {
	status int
	header http.Header
	raw    []byte
	err    error
}

// json gives a value of the body by its path; list items by number.
func (r response) json(path ...any) any {
	var v any
	if json.Unmarshal(r.raw, &v) != nil {
		return nil
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (r response) text(path ...any) string { s, _ := r.json(path...).(string); return s }

func (r response) list(path ...any) []any { l, _ := r.json(path...).([]any); return l }

func (r response) code() string { return r.text("error", "code") }

// ids gives the ids of the objects in value.
func (r response) ids() []string {
	ids := []string{}
	for i := range r.list("value") {
		ids = append(ids, r.text("value", i, "id"))
	}
	return ids
}

// send makes a request to Graph; path is relative to /v1.0 or whole.
func (w *world) send(method, path, token, body string, headers ...string) response {
	w.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = "http://graph.test/v1.0" + strings.ReplaceAll(path, " ", "%20")
	}
	req, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return w.roundTrip(req)
}

func (w *world) roundTrip(req *http.Request) response {
	w.t.Helper()
	resp, err := (&http.Client{Transport: w.sim.Transport()}).Do(req)
	if err != nil {
		return response{err: err}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response{status: resp.StatusCode, header: resp.Header, raw: raw}
}

func (w *world) get(path, token string, headers ...string) response {
	w.t.Helper()
	return w.send("GET", path, token, "", headers...)
}

func (w *world) post(path, token, body string) response {
	w.t.Helper()
	return w.send("POST", path, token, body)
}

// login posts a form to Entra.
func (w *world) login(path string, form ...string) response {
	w.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	req, err := http.NewRequest("POST", "http://login.test"+path, strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.roundTrip(req)
}

func (w *world) tokenPath() string { return "/" + w.tenant.ID + "/oauth2/v2.0/token" }

func channelPath(c *teams.Channel, team *teams.Team) string {
	return "/teams/" + team.ID + "/channels/" + url.PathEscape(c.ID)
}

func (w *world) messages(parts ...string) string {
	return channelPath(w.general, w.team) + "/messages" + strings.Join(append([]string{""}, parts...), "/")
}

// want fails the test when an answer is not as expected.
func (r response) want(t *testing.T, status int, code string) response {
	t.Helper()
	if r.err != nil {
		t.Fatalf("request failed: %v", r.err)
	}
	if r.status != status || code != "" && r.code() != code {
		t.Fatalf("got %d %s, want %d %s", r.status, r.raw, status, code)
	}
	return r
}

func must(t *testing.T, id string, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) say(u *teams.User, html string, opts ...teams.SayOption) string {
	w.t.Helper()
	id, err := w.sim.Say(u, w.general, html, opts...)
	return must(w.t, id, err)
}

func (w *world) reply(u *teams.User, root, html string) string {
	w.t.Helper()
	id, err := w.sim.Reply(u, w.general, root, html)
	return must(w.t, id, err)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
