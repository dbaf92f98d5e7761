package crossing

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/msteams"
	"causeway/bridge/secret"
	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
	"causeway/gateway"
	"causeway/gateway/store"
)

const (
	accountName = "msteams.contoso"
	appSecret   = "s3cr3t-of-the-app"
	town        = bridge.ChannelID("town")
)

// world is a channel of Teams and one of a service in memory, and the gateway between them. Time is fake.
type world struct {
	*testing.T
	teams        *teams.Server
	app          *teams.App
	tenant       *teams.Tenant
	relay        *teams.User
	people       []*teams.User
	general      *teams.Channel
	other        *memory.Service
	path         string
	keys         store.Keys
	log          lockedBuffer
	hook         atomic.Pointer[http.Handler]
	stop         func()
	said         []*utterance
	mu           sync.Mutex
	brought      map[string]time.Time // when Graph brought a message first, by id
	left         []time.Time          // when each post of the gateway was made on the other side
	notForgotten *store.Store         // keeps the database in memory
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

var worlds atomic.Int64

// inWorld runs a test with both channels begun and a subscription that lives.
func inWorld(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, path: fmt.Sprintf("/crossing-%d", worlds.Add(1)), brought: map[string]time.Time{}}
		var err error
		w.keys, err = store.NewKeys(make([]byte, 32))
		w.do(err)
		w.notForgotten = w.open()
		defer func() { w.do(w.notForgotten.Close()) }()
		defer w.contoso()()
		w.other = memory.NewService("memory:other", memory.Options{Fault: w.noteLeft})
		w.other.AddChannel(town, "team/town")
		w.start()
		defer func() {
			w.stop()
			if t.Failed() {
				t.Log(w.log.String())
			}
		}()
		if n := len(w.teams.Subscriptions()); n != 1 {
			t.Fatalf("there are %d subscriptions, want 1", n)
		}
		test(w)
	})
}

func (w *world) do(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// contoso makes the stand-in with its people.
func (w *world) contoso() (end func()) {
	transport, wait := teams.HandlerTransport(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if h := w.hook.Load(); h != nil {
			http.StripPrefix("/hooks/"+accountName, *h).ServeHTTP(answer, r)
		}
	}))
	sim := teams.New(teams.Options{
		Throttle: teams.Documented,
		Webhooks: teams.Webhooks{Transport: transport, Observe: w.noteNotified},
		Observe: func(a teams.Answer) {
			if a.Method == http.MethodGet && strings.Contains(a.Template, "/messages") {
				w.noteBrought(read, a.Body)
			}
		},
	})
	w.teams = teams.Serve(newPipes(w.T), sim)
	w.tenant = sim.AddTenant("Contoso")
	w.relay = w.tenant.AddUser("Causeway")
	w.people = []*teams.User{w.tenant.AddUser("Alice Adams"), w.tenant.AddUser("Bob Brown")}
	w.general = w.tenant.AddTeam("Sales", w.people[0], w.people[1], w.relay).General
	var roles, scopes []string
	for _, op := range msteams.Operations() {
		if op.Relay {
			scopes = append(scopes, op.Permission)
		} else if !op.Optional {
			roles = append(roles, op.Permission)
		}
	}
	w.app = w.tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: appSecret, Roles: roles, Scopes: scopes})
	return func() {
		w.do(w.teams.Close())
		wait()
	}
}

func (w *world) open() *store.Store {
	w.Helper()
	s, err := store.Open(w.Context(), w.path, w.keys, store.Options{VFS: "memdb"})
	w.do(err)
	return s
}

// start runs the gateway, with the relay account signed in, until everything has begun.
func (w *world) start() {
	w.Helper()
	logger := logrus.New()
	logger.SetOutput(&w.log)
	s := w.open()
	account := w.account(s, logrus.NewEntry(logger))
	g := gateway.New(gateway.Options{Plan: gateway.Plan{
		Accounts: []gateway.Account{
			{Name: "memory.other", Protocol: "memory", NickFormat: "{NICK}", Bridge: w.other.Account("memory.other", "bot")},
			{Name: accountName, Protocol: "msteams", NickFormat: "{NICK}", Bridge: account},
		},
		Routes: []gateway.Route{{Name: "town", Endpoints: []gateway.Endpoint{
			{Account: "memory.other", Channel: "team/town", In: true, Out: true}, {Account: accountName, Channel: "Sales/General", In: true, Out: true},
		}}}},
		Store: s, Log: logrus.NewEntry(logger),
	})
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	w.stop = func() {
		cancel()
		w.do(<-done)
		w.do(account.Close())
		w.do(s.Close())
	}
	time.Sleep(time.Minute)
}

// account makes the account of Teams, and signs its relay account in where nobody has.
func (w *world) account(s *store.Store, log *logrus.Entry) bridge.Bridge {
	w.Helper()
	all := bridge.Protocols()
	n := slices.IndexFunc(all, func(p bridge.Protocol) bool { return p.Name == "msteams" })
	account, err := all[n].New(
		bridge.Env{Account: accountName, Log: log, Vault: s.Vault(accountName), Hook: "https://causeway.example/hooks/" + accountName},
		&msteams.Settings{TenantID: w.tenant.ID, ClientID: w.app.ClientID, ClientSecret: secret.Secret(appSecret), GraphURL: w.teams.GraphURL(), LoginURL: w.teams.LoginURL()})
	w.do(err)
	h := account.Handler()
	w.hook.Store(&h)
	if _, err := account.Connect(w.Context()); err == nil {
		return account
	}
	signedIn := make(chan error, 1)
	go func() { signedIn <- account.Login(w.Context(), func(string) {}) }()
	time.Sleep(time.Second)
	w.do(w.teams.ApproveDevice(w.teams.UserCodes()[0], w.relay))
	w.do(<-signedIn)
	return account
}

// Where messages stand in what Graph sends: notifications are encrypted, but name what they are about. That of a reply names its
// root before it.
var (
	notified = regexp.MustCompile(`(?:messages|replies)\('([0-9]+)'\)"`)
	read     = regexp.MustCompile(`"id":"([0-9]{12,13})"`)
)

// noteNotified leaves out posts with something forged in them: it names messages that may be on their way yet.
func (w *world) noteNotified(p notify.Post) {
	if !p.Forged {
		w.noteBrought(notified, p.Body)
	}
}

func (w *world) noteBrought(where *regexp.Regexp, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, found := range where.FindAllSubmatch(body, -1) {
		if id := string(found[1]); w.brought[id].IsZero() {
			w.brought[id] = time.Now()
		}
	}
}

// noteLeft fails nothing.
func (w *world) noteLeft(_ context.Context, c memory.Call) error {
	if c.Op == memory.Post && c.After {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.left = append(w.left, time.Now())
	}
	return nil
}
