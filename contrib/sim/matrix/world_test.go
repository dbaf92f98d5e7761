package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	bridgemm "causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	"causeway/bridge/msteams"
	"causeway/bridge/secret"
	"causeway/contrib/sim/mattermost"
	"causeway/contrib/sim/teams"
	"causeway/gateway"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

const (
	here      = bridge.AccountName("mattermost.hq")
	there     = bridge.AccountName("msteams.contoso")
	appSecret = "s3cr3t-of-the-app"
)

// world is both stand-ins with the gateway and both bridges between them.
type world struct {
	testing.TB
	mm     *mattermost.Server
	teams  *teams.Server
	tenant *teams.Tenant
	// elsewhere is another organisation.
	elsewhere *teams.Tenant
	app       *teams.App
	relay     *teams.User
	bot       string // its token
	overseer  string // the token of somebody who sees everything in Mattermost
	store     *store.Store
	hook      atomic.Pointer[http.Handler]
	log       lines
	servers   map[bridge.AccountName]bridge.ServerID
	gateway   *gateway.Gateway
	making
	// switches are what the config says of direct and group messages.
	switches direct.Settings
}

// making is how a world is made.
type making struct {
	// profile is that of the bot, observe how it notices people's conversations, receive how those in Teams are noticed; both may be empty.
	profile, observe, receive string
	// file is where the store is; empty: in memory.
	file string
	// posted and answered are called for what the stand-ins tell and answer; may be nil.
	posted   func(*model.WebSocketEvent)
	answered func(teams.Answer)
}

// worlds counts them: each has a store of its own.
var worlds atomic.Int64

// lines is a log that may be written from anywhere.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (w *world) do(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// newWorld starts the stand-ins, with nobody but Causeway in them, and the store.
func newWorld(t testing.TB, m making) *world {
	t.Helper()
	w := &world{TB: t, making: m, switches: direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}}
	role := "system_admin"
	if m.profile == bridgemm.ProfileRestricted {
		role = mmtest.Restricted
	}
	w.mm = mattermost.New(mattermost.Options{RolePermissions: map[string][]string{mmtest.Restricted: mmtest.RestrictedPermissions}, OnEvent: m.posted})
	w.do(w.mm.Start())
	t.Cleanup(w.mm.Close)
	w.mm.AddTeam("acme")
	_, w.bot = w.mm.AddBot("causeway", role)
	w.mm.AddToTeam("acme", "causeway")
	_, w.overseer = w.mm.AddBot("overseer", "system_admin")

	transport, wait := teams.HandlerTransport(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if h := w.hook.Load(); h != nil {
			http.StripPrefix("/hooks/"+string(there), *h).ServeHTTP(answer, r)
		}
	}))
	var err error
	w.teams, err = teams.Start(teams.Options{Webhooks: teams.Webhooks{Transport: transport}, Observe: m.answered})
	w.do(err)
	t.Cleanup(func() {
		w.do(w.teams.Close())
		wait()
	})
	w.tenant, w.elsewhere = w.teams.AddTenant("Contoso"), w.teams.AddTenant("Fabrikam")
	w.relay = w.tenant.AddUser("Causeway")
	var roles, scopes []string
	for _, op := range msteams.Operations() {
		if op.Delegated() {
			scopes = append(scopes, op.Permission)
		} else {
			roles = append(roles, op.Permission)
		}
	}
	w.app = w.tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: appSecret, Roles: roles, Scopes: scopes})

	keys, err := store.NewKeys(make([]byte, 32))
	w.do(err)
	if m.file == "" {
		w.store, err = store.Open(t.Context(), fmt.Sprint("/matrix-", worlds.Add(1)), keys, store.Options{VFS: "memdb"})
	} else {
		w.store, err = store.Open(t.Context(), m.file, keys, store.Options{})
	}
	w.do(err)
	t.Cleanup(func() { w.do(w.store.Close()) })
	_, refresh := w.teams.SignIn(w.app, w.relay)
	w.do(w.store.Vault(there).Save(t.Context(), "relay", fmt.Appendf(nil, `{"refresh_token":%q}`, refresh)))
	return w
}

// account makes one of the two accounts.
func (w *world) account(name bridge.AccountName, settings any) bridge.Bridge {
	w.Helper()
	protocol, _, _ := strings.Cut(string(name), ".")
	logger := logrus.New()
	logger.SetOutput(&w.log)
	all := bridge.Protocols()
	b, err := all[slices.IndexFunc(all, func(p bridge.Protocol) bool { return p.Name == protocol })].New(bridge.Env{
		Account: name, Log: logrus.NewEntry(logger), Vault: w.store.Vault(name), Hook: "https://causeway.example/hooks/" + string(name), Direct: true}, settings)
	w.do(err)
	id, err := b.Connect(w.Context())
	w.do(err)
	if w.servers == nil {
		w.servers = map[bridge.AccountName]bridge.ServerID{}
	}
	w.servers[name] = id.Server
	return b
}

// run makes the accounts, has people come, and runs the gateway until the test ends.
func (w *world) run(come func()) {
	w.Helper()
	mm := w.account(here, &bridgemm.Settings{Server: w.mm.URL(), Token: secret.Secret(w.bot), Profile: w.profile, Observe: w.observe})
	graph := w.account(there, &msteams.Settings{TenantID: w.tenant.ID, ClientID: w.app.ClientID, ClientSecret: secret.Secret(appSecret), PostInterval: "1ms", Receive: w.receive,
		GraphURL: w.teams.GraphURL(), LoginURL: w.teams.LoginURL()})
	if h := graph.Handler(); h != nil {
		w.hook.Store(&h)
	}
	come()
	logger := logrus.New()
	logger.SetOutput(&w.log)
	g := gateway.New(gateway.Options{Plan: gateway.Plan{
		Accounts: []gateway.Account{
			{Name: here, Protocol: "mattermost", Title: "Mattermost", NickFormat: "{NICK}", Bridge: mm},
			{Name: there, Protocol: "msteams", Title: "Teams", NickFormat: "{NICK}", Bridge: graph},
		},
		Directs: []gateway.Direct{{Accounts: [2]bridge.AccountName{here, there}, Settings: w.switches}}},
		Store: w.store, Log: logrus.NewEntry(logger),
	})
	w.gateway = g
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		w.do(<-done)
		w.do(mm.Close())
		w.do(graph.Close())
		if w.Failed() {
			w.log.mu.Lock()
			defer w.log.mu.Unlock()
			text := w.log.text.String()
			w.Log(text[max(0, len(text)-8000):])
		}
	})
}

// person is somebody on both sides.
type person struct {
	name  string // in Mattermost
	id    string
	there *teams.User
	app   teams.Bot // a bot of Teams is that instead
}

func (w *world) person(name, title string) *person {
	u := w.mm.AddUser(name)
	w.mm.AddToTeam("acme", name)
	return &person{name: name, id: u.Id, there: w.tenant.AddUser(title)}
}

// outsider is somebody whom only one side knows: a guest, a bot, or of another organisation.
func (w *world) outsider(name, title, standing, side string) *person {
	w.Helper()
	p := &person{name: name}
	switch {
	case side == "there" && standing == guest:
		p.there = w.tenant.AddGuest(title, "live.com")
	case side == "there":
		p.there = w.elsewhere.AddUser(title)
	case standing == bot:
		u, _ := w.mm.AddBot(name)
		p.id = u.Id
		w.mm.AddToTeam("acme", name)
	default:
		u := w.mm.AddUser(name, model.SystemGuestRoleId)
		p.id = u.Id
		w.mm.AddToTeam("acme", name)
	}
	return p
}

// loses has the token of somebody refused on one side.
func (w *world) loses(p *person, side string) {
	w.Helper()
	server, user := w.servers[here], bridge.UserID(p.id)
	if side == "there" {
		server, user = w.servers[there], bridge.UserID(p.there.ID)
	}
	lost, err := w.store.Lose(w.Context(), server, user, time.Now().Add(time.Minute), "refused")
	w.do(err)
	if !lost {
		w.Fatalf("%s had nothing to lose", p.name)
	}
}

// connects makes somebody known as one person, whom Causeway can act as on both sides and who prefers one of them.
func (w *world) connects(p *person, prefers bridge.AccountName) {
	w.Helper()
	_, refresh := w.teams.SignIn(w.app, p.there)
	grant, err := json.Marshal(map[string]any{"refresh_token": refresh, "user": p.there.ID})
	w.do(err)
	end := func(a bridge.AccountName, user, name string, grant []byte) store.End {
		return store.End{Grant: grant, Identity: store.Identity{Account: a, Server: w.servers[a], User: bridge.UserID(user), Name: name, Username: name}}
	}
	one, err := w.store.Connect(w.Context(), "", [2]store.End{
		end(here, p.id, p.name, fmt.Appendf(nil, `{"access":%q}`, w.mm.Token(p.name))), end(there, p.there.ID, p.there.Name, grant)}, 0)
	w.do(err)
	w.do(w.store.Prefer(w.Context(), one.ID, prefers, prefers == there))
}

// matches has both services vouch for the same address of somebody.
func (w *world) matches(p *person) {
	w.Helper()
	w.do(w.store.NoteMatch(w.Context(), store.Match{User: store.User{Server: w.servers[here], User: bridge.UserID(p.id)}, OtherServer: w.servers[there],
		Other: bridge.UserID(p.there.ID), Name: p.there.Name, Seen: time.Now()}))
}
