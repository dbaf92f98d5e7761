package msteams

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
	"causeway/bridge/secret"
	"causeway/contrib/sim/teams"
)

// simURL is where the stand-in is for accounts that reach it in process.
const simURL = "http://graph.example"

const clientSecret = "s3cr3t-of-the-app"

// simWorld is a small organisation on the stand-in, and what an account of it needs.
type simWorld struct {
	testing.TB
	sim    *teams.Sim
	tenant *teams.Tenant
	app    *teams.App
	// owner of the team is a moderator; relay is whom Causeway writes as.
	owner, relay, alice, bob *teams.User
	team                     *teams.Team
	general, random          *teams.Channel

	// direct: direct and group conversations are carried.
	direct bool
	// counts takes numbers, when not nil.
	counts bridge.Counts
	// hook is the address under which Graph reaches the account that was made last; empty: not at all.
	hook string
	// hooked is that account's handler.
	hooked atomic.Pointer[http.Handler]

	settings Settings
	vault    *memoryVault
	log      *lockedBuffer
	wire     *wire
	rewrites int
}

// newSimWorld makes one whose relay account has signed in.
func newSimWorld(t testing.TB, opts teams.Options) *simWorld {
	t.Helper()
	w := &simWorld{TB: t, vault: &memoryVault{}, log: &lockedBuffer{}}
	transport, wait := teams.HandlerTransport(http.HandlerFunc(w.serveHook))
	opts.Webhooks.Transport = transport
	w.sim = teams.New(opts)
	t.Cleanup(func() {
		_ = w.sim.Close()
		wait()
	})
	w.tenant = w.sim.AddTenant("Contoso")
	w.owner, w.relay = w.tenant.AddUser("Olivia Owner"), w.tenant.AddUser("Causeway")
	w.alice, w.bob = w.tenant.AddUser("Alice Adams"), w.tenant.AddUser("Bob Brown")
	w.team = w.tenant.AddTeam("Sales", w.owner, w.relay, w.alice, w.bob)
	w.general, w.random = w.team.General, w.team.AddChannel("Random")
	w.app = w.tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: clientSecret, Roles: permissions(false), Scopes: append(permissions(true), changeChats)})
	w.settings = Settings{
		TenantID: w.tenant.ID, ClientID: w.app.ClientID, ClientSecret: secret.Secret(clientSecret),
		GraphURL: simURL + "/v1.0", LoginURL: simURL,
	}
	w.wire = &wire{next: w.sim.Transport()}
	_, refresh := w.sim.SignIn(w.app, w.relay, permissions(true)...)
	w.vault.put(t, relayVaultName, relayLogin{RefreshToken: refresh})
	return w
}

// account makes an account that has not connected yet.
func (w *simWorld) account() *account {
	w.Helper()
	logger := logrus.New()
	logger.SetOutput(w.log)
	logger.SetLevel(logrus.TraceLevel)
	env := bridge.Env{Account: "msteams.contoso", Log: logrus.NewEntry(logger), Vault: w.vault, Hook: w.hook, Direct: w.direct, Counts: w.counts}
	a, err := newAccount(env, w.settings, w.wire)
	if err != nil {
		w.Fatalf("newAccount: %v", err)
	}
	if h := a.Handler(); h != nil {
		w.hooked.Store(&h)
	}
	return a
}

// hookURL is where Graph reaches accounts of tests.
const hookURL = "https://causeway.example/hooks/msteams.contoso"

// serveHook is the way from Graph to the account, as the web server lays it.
func (w *simWorld) serveHook(answer http.ResponseWriter, r *http.Request) {
	h := w.hooked.Load()
	if h == nil {
		http.NotFound(answer, r)
		return
	}
	http.StripPrefix("/hooks/msteams.contoso", *h).ServeHTTP(answer, r)
}

// richly has accounts receive by change notifications. Making a key takes long, so they share one.
func (w *simWorld) richly() {
	w.Helper()
	w.hook = hookURL
	text, err := testKeys()
	if err == nil {
		err = w.vault.Save(context.Background(), notificationKeysVaultName, text)
	}
	if err != nil {
		w.Fatal(err)
	}
}

var testKeys = sync.OnceValues(func() ([]byte, error) {
	keys, err := notification.NewKeys(time.Now())
	if err != nil {
		return nil, err
	}
	return keys.Marshal()
})

func (w *simWorld) connected() *account {
	w.Helper()
	a := w.account()
	if _, err := a.Connect(w.Context()); err != nil {
		w.Fatalf("Connect: %v", err)
	}
	return a
}

// id of a channel.
func (w *simWorld) id(c *teams.Channel) bridge.ConversationID {
	return bridge.ConversationID{Server: bridge.ServerID("msteams:" + w.tenant.ID), Channel: bridge.ChannelID(w.team.ID + "/" + c.ID)}
}

func (w *simWorld) channel(c bridge.ConversationID) *teams.Channel {
	w.Helper()
	for _, ch := range []*teams.Channel{w.general, w.random} {
		if w.id(ch) == c {
			return ch
		}
	}
	for _, chat := range w.tenant.Chats() {
		if chat.ID == string(c.Channel) {
			return chat
		}
	}
	w.Fatalf("no channel %s", c)
	return nil
}

// memoryVault keeps tokens.
type memoryVault struct {
	mu     sync.Mutex
	values map[string][]byte
	// refuse fails Save.
	refuse error
}

func (v *memoryVault) Load(ctx context.Context, name string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.values[name], ctx.Err()
}

func (v *memoryVault) Save(ctx context.Context, name string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.refuse != nil {
		return v.refuse
	}
	if v.values == nil {
		v.values = map[string][]byte{}
	}
	v.values[name] = value
	return ctx.Err()
}

func (v *memoryVault) Renew(ctx context.Context, name string, value []byte) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.values[name] == nil:
		return false, ctx.Err()
	case v.refuse != nil:
		return false, v.refuse
	}
	v.values[name] = value
	return true, ctx.Err()
}

func (v *memoryVault) Delete(ctx context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.values, name)
	return ctx.Err()
}

func (v *memoryVault) put(t testing.TB, name string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Save(context.Background(), name, text); err != nil {
		t.Fatal(err)
	}
}

func (v *memoryVault) login(t testing.TB) relayLogin {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	var saved relayLogin
	if text := v.values[relayVaultName]; text != nil {
		if err := json.Unmarshal(text, &saved); err != nil {
			t.Fatal(err)
		}
	}
	return saved
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// sent is one request body that the bridge has sent to Graph.
type sent struct {
	method, path string
	body         []byte
}

// allSent are the request bodies of all tests, for the comparison with Microsoft's schema.
var allSent struct {
	mu   sync.Mutex
	list []sent
}

// wire is the network between an account and the stand-in. It notes what passes, and can leave requests without an
// answer.
type wire struct {
	mu     sync.Mutex
	next   http.RoundTripper
	tokens map[string]bool
	writes int
	// hang holds requests that it says yes to until release is closed.
	hang    func(*http.Request) bool
	release chan struct{}
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := drain(r)
	if err != nil {
		return nil, err
	}
	w.note(r, body)
	w.mu.Lock()
	hang, release, next := w.hang, w.release, w.next
	w.mu.Unlock()
	if hang != nil && hang(r) {
		select {
		case <-release:
			return &http.Response{
				Status: "503 Service Unavailable", StatusCode: 503, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{}, Body: http.NoBody, Request: r,
			}, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return next.RoundTrip(r)
}

// replace changes what is at the other end.
func (w *wire) replace(with func(next http.RoundTripper) http.RoundTripper) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = with(w.next)
}

func drain(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

func (w *wire) note(r *http.Request, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tokens == nil {
		w.tokens = map[string]bool{}
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		w.tokens[token] = true
	}
	if isWrite(r) {
		w.writes++
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/v1.0"); ok && len(body) > 0 {
		allSent.mu.Lock()
		allSent.list = append(allSent.list, sent{r.Method, path, body})
		allSent.mu.Unlock()
	}
}

// bearers are the tokens seen so far.
func (w *wire) bearers() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.tokens))
}

func (w *wire) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}

// hold leaves matching requests without an answer until release is called.
func (w *wire) hold(match func(*http.Request) bool) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	held := make(chan struct{})
	w.hang, w.release = match, held
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hang = nil
		close(held)
	})
}

// isWrite: a request that changes what people see.
func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/messages")
}

// isRead: a request for messages, also as an item of a batch.
func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/messages") || strings.HasSuffix(r.URL.Path, "/$batch")
}

// isItem: a request for messages, but not a batch of them.
func isItem(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/messages")
}
