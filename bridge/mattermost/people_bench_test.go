package mattermost_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	"causeway/bridge/secret"
	sim "causeway/contrib/sim/mattermost"
)

// crowd is a bench whose bridge acts for people: it has a vault, a front, and an address at which the server reaches it.
type crowd struct {
	*bench
	vault *mmtest.Vault
	front *mmtest.Front
	hook  *httptest.Server
	// handler is what the hook serves at present.
	mu      sync.Mutex
	handler http.Handler
	said    syncBuffer
	more    func(*mattermost.Settings)
	// keeps: accounts of who has left are not deactivated.
	keeps bool
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

const (
	restricted = mmtest.Restricted
	redirect   = "https://causeway.example.com/connect/back"
)

// restrictedRole is what docs/mattermost-bot.md gives to a bot that is no administrator.
var restrictedRole = map[string][]string{restricted: mmtest.RestrictedPermissions}

// newCrowd makes one with a bot of that role. When the test ends, nothing that was logged may hold a secret.
func newCrowd(t testing.TB, options sim.Options, role string, more func(*mattermost.Settings)) *crowd {
	if options.RolePermissions == nil {
		options.RolePermissions = restrictedRole
	}
	s, w := standIn(t, options)
	if role != "" {
		s.ChangeUser("causeway", func(u *model.User) { u.Roles += " " + role })
	}
	channel := w.Channel(t, "town")
	conv := bridge.ConversationID{Server: w.Server, Channel: bridge.ChannelID(channel)}
	c := &crowd{bench: &bench{TB: t, sim: s, world: w, channel: channel, conv: conv, inbox: newRecorder(conv), log: logrus.New(), open: mattermost.NewEager},
		vault: &mmtest.Vault{}, front: &mmtest.Front{}, more: more}
	c.log.SetOutput(&c.said)
	c.log.SetLevel(logrus.TraceLevel)
	c.hook = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		h := c.handler
		c.mu.Unlock()
		http.StripPrefix("/hooks/mattermost.hq", h).ServeHTTP(w, r)
	}))
	t.Cleanup(c.hook.Close)
	c.connectAgain()
	t.Cleanup(func() {
		c.stop()
		c.noSecretIn(c.said.String())
	})
	return c
}

// connectAgain is what a restart does.
func (c *crowd) connectAgain() { c.withVault(c.vault) }

func (c *crowd) withVault(vault bridge.Vault) {
	c.Helper()
	settings := &mattermost.Settings{Server: c.sim.URL(), Token: secret.Secret(c.world.Bot.Token)}
	if c.more != nil {
		c.more(settings)
	}
	account, err := c.open(bridge.Env{
		Account: "mattermost.hq", Log: logrus.NewEntry(c.log), Vault: vault, Front: c.front, Hook: c.hook.URL + "/hooks/mattermost.hq", Deactivates: !c.keeps, Direct: true,
	}, settings)
	c.must(err)
	_, err = account.Connect(c.Context())
	c.must(err)
	c.mu.Lock()
	c.account, c.handler = account, account.Handler()
	c.mu.Unlock()
	c.Cleanup(func() { account.Close() })
}

// endIn makes the stored token of alice end so soon, as far as Causeway knows.
func (c *crowd) endIn(d string) {
	c.Helper()
	name := bridge.PersonGrant(c.alice())
	data, err := c.vault.Load(c.Context(), name)
	c.must(err)
	var grant map[string]any
	c.must(json.Unmarshal(data, &grant))
	left, err := time.ParseDuration(d)
	c.must(err)
	grant["expires"] = time.Now().Add(left).UTC().Format(time.RFC3339)
	data, err = json.Marshal(grant)
	c.must(err)
	c.must(c.vault.Save(c.Context(), name, data))
}

func (c *crowd) noSecretIn(text string) {
	c.Helper()
	for _, one := range c.sim.Secrets() {
		if strings.Contains(text, one) {
			c.Errorf("a secret stands in:\n%s", text)
			return
		}
	}
}

func (c *crowd) alice() bridge.UserID { return bridge.UserID(c.world.Alice.ID) }

// prove lets somebody sign in in a browser.
func (c *crowd) prove(who string) (bridge.Proof, error) {
	c.Helper()
	s := bridge.SignIn{Redirect: redirect, State: "state-1", Verifier: strings.Repeat("v", 43)}
	address, err := c.account.SignIn(c.Context(), s)
	c.must(err)
	location, err := c.sim.Authorize(who, address)
	c.must(err)
	u, err := url.Parse(location)
	c.must(err)
	if !strings.HasPrefix(location, redirect+"?") || u.Query().Get("state") != s.State {
		c.Fatalf("the browser is sent to %s", location)
	}
	return c.account.Prove(c.Context(), s, u.Query().Get("code"))
}

// join connects alice as the gateway does: both proofs, the grant, and its keeping.
func (c *crowd) join() {
	c.Helper()
	proof, err := c.prove("alice")
	c.must(err)
	grant, err := c.account.Empower(c.Context(), proof.ID, proof.Grant)
	c.must(err)
	c.must(c.vault.Save(c.Context(), bridge.PersonGrant(proof.ID), grant))
}

// as makes a draft that alice writes.
func (c *crowd) as(text string) bridge.Draft {
	d := c.draft(text)
	d.As = c.alice()
	return d
}

// wants asks for an error of a kind and scope.
func (c *crowd) wants(err error, kind bridge.Kind, scope bridge.Scope) {
	c.Helper()
	if err == nil || bridge.KindOf(err) != kind || bridge.ScopeOf(err) != scope {
		c.Errorf("%v is %v of scope %d, want %v of scope %d", err, bridge.KindOf(err), bridge.ScopeOf(err), kind, scope)
	}
	if err != nil {
		c.noSecretIn(err.Error())
	}
}
