package people

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

const (
	publicURL = "https://causeway.example/bridge"
	mmAccount = bridge.AccountName("mattermost.hq")
	tmAccount = bridge.AccountName("msteams.contoso")
	faAccount = bridge.AccountName("msteams.fabrikam")
)

// stage is two services in memory, or three, with the people on them, and Causeway's pages, without a network.
type stage struct {
	*testing.T
	mm, teams, fabrikam *memory.Service
	store               *store.Store
	people              *People
	doors               *Doors
	carrier             *carrier
	pages               http.Handler
	log                 *logText

	mutex sync.Mutex
	fault memory.Fault
	// secrets are all that must not be seen anywhere, by what they are; shown is every page and header that was answered.
	secrets map[string]string
	shown   []string
	// hidden are what pages have to hold, but no log may: states, and PKCE's verifiers.
	hidden []string
	name   string
}

type logText struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// carrier is the gateway as far as these tests need it.
type carrier struct {
	servers map[bridge.AccountName]bridge.ServerID
	mutex   sync.Mutex
	waiting int
	lose    func(bridge.ServerID, bridge.UserID, time.Time, error) error
}

func (c *carrier) Lose(_ context.Context, server bridge.ServerID, u bridge.UserID, began time.Time, why error) error {
	return c.lose(server, u, began, why)
}

func (c *carrier) Identity(a bridge.AccountName) (bridge.Identity, bool) {
	s, ok := c.servers[a]
	return bridge.Identity{Server: s, User: "bot", Name: "bot"}, ok
}

func (c *carrier) Routes() ([]Route, <-chan struct{}) {
	return []Route{{From: bridge.ConversationID{Server: c.servers[mmAccount], Channel: "town"}, To: bridge.ConversationID{Server: c.servers[tmAccount], Channel: "town"},
		Reader: mmAccount, Writer: tmAccount, Name: "main/town"}}, nil
}

func (c *carrier) Delivers(bridge.ConversationID, bridge.ConversationID) bool { return false }

func (c *carrier) Waiting(context.Context, bridge.ServerID, bridge.UserID) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.waiting, nil
}

func (c *carrier) hold(n int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiting = n
}

// setting changes how a stage is made.
type setting struct {
	people  config.People
	home    memory.Options
	tenants int
	noURL   bool
}

var stages atomic.Int64

// newStage makes a stage. alice is alice on both services, mallory is on Mattermost only, and eve on Teams only.
func newStage(t *testing.T, change ...func(*setting)) *stage {
	t.Helper()
	o := setting{people: config.People{Enable: true, RequireSameEmail: true}, home: memory.Options{OwnRight: true}, tenants: 1}
	for _, c := range change {
		c(&o)
	}
	s := &stage{T: t, log: &logText{}, secrets: map[string]string{}}
	o.home.Fault = s.faults
	s.mm = memory.NewService("mattermost:1", o.home)
	s.teams = memory.NewService("msteams:1", memory.Options{NoCommands: true, Fault: s.faults})
	s.fabrikam = memory.NewService("msteams:2", memory.Options{NoCommands: true, Fault: s.faults})
	keys, err := store.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err == nil {
		s.name = fmt.Sprintf("/stage%d", stages.Add(1))
		s.store, err = store.Open(context.Background(), s.name, keys, store.Options{VFS: "memdb"})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.carrier = &carrier{servers: map[bridge.AccountName]bridge.ServerID{mmAccount: s.mm.Server(), tmAccount: s.teams.Server(), faAccount: s.fabrikam.Server()}}
	log := logrus.New()
	log.SetOutput(s.log)
	log.SetLevel(logrus.TraceLevel)
	doors := &Doors{}
	with := []bridge.AccountName{tmAccount, faAccount}[:o.tenants]
	open := func(service *memory.Service, name bridge.AccountName) bridge.Bridge {
		return service.Open(bridge.Env{Account: name, Vault: s.store.Vault(name), Front: doors.Door(name)}, "bot")
	}
	accounts := []Account{
		{Name: mmAccount, Title: "Mattermost", With: with, Address: "https://mattermost.example", Bridge: open(s.mm, mmAccount)},
		{Name: tmAccount, Title: "Microsoft Teams", Label: "Teams", With: []bridge.AccountName{mmAccount}, Bridge: open(s.teams, tmAccount)},
		{Name: faAccount, Title: "Microsoft Teams", Label: "Fabrikam", With: []bridge.AccountName{mmAccount}, Bridge: open(s.fabrikam, faAccount)},
	}[:1+o.tenants]
	address := publicURL
	if o.noURL {
		address = ""
	}
	s.carrier.lose = loses(s.store, func() { s.people.Noticed() })
	s.doors = doors
	s.restart(Options{Accounts: accounts, Settings: o.people, Store: s.store, Gateway: s.carrier, PublicURL: address, Log: logrus.NewEntry(log)})
	for _, service := range []*memory.Service{s.mm, s.teams, s.fabrikam} {
		s.add(service, "alice", "Alice Chen", "alice@example.com")
	}
	s.add(s.mm, "mallory", "Mallory", "mallory@example.com")
	s.add(s.teams, "eve", "Eve", "eve@example.com")
	return s
}

// restart makes People anew.
func (s *stage) restart(o Options) {
	s.people = New(o)
	s.doors.Open(s.people)
	s.pages = http.StripPrefix("/bridge", s.people.Handler())
}

func (s *stage) add(service *memory.Service, id, name, email string) {
	service.AddUser(bridge.Profile{Author: bridge.Author{ID: bridge.UserID(id), Name: name, Username: id}, Email: email, EmailProven: true})
}

// close ends the stage, and makes sure that no secret was seen. It is deferred, so that it is done inside of fake time.
func (s *stage) close() {
	s.Helper()
	_ = s.store.Close()
	log := s.log.String()
	for _, secret := range s.hidden {
		if strings.Contains(log, secret) {
			s.Errorf("a state or a verifier stands in the log:\n%s", log)
		}
	}
	for secret, what := range s.secrets {
		if strings.Contains(log, secret) {
			s.Errorf("%s stands in the log:\n%s", what, log)
		}
		for _, page := range s.shown {
			if strings.Contains(page, secret) {
				s.Errorf("%s stands in a page:\n%s", what, page)
			}
		}
	}
}

func (s *stage) faults(ctx context.Context, c memory.Call) error {
	s.mutex.Lock()
	fault := s.fault
	s.mutex.Unlock()
	if fault == nil {
		return nil
	}
	return fault(ctx, c)
}

// fails makes one kind of call fail.
func (s *stage) fails(op memory.Op, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.fault = func(_ context.Context, c memory.Call) error {
		if c.Op == op && !c.After {
			return err
		}
		return nil
	}
}

// secret notes something that must not be seen.
func (s *stage) secret(what, value string) string {
	if len(value) > 5 {
		s.secrets[value] = what
	}
	return value
}

// types makes somebody type a command in Mattermost and gives the answer.
func (s *stage) types(u bridge.UserID, line string) bridge.Reply {
	s.Helper()
	r, ok := s.mm.Command(s.Context(), "town", u, line)
	if !ok {
		s.Fatalf("nobody takes %q", line)
	}
	return r
}

// tells has everybody told what they are to be told.
func (s *stage) tells() {
	s.Helper()
	if err := s.people.letters.tellAll(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// text gives what a document says, with the addresses of links.
func text(doc richtext.Doc) string {
	var b strings.Builder
	for _, block := range doc {
		for _, r := range block.Runs {
			b.WriteString(r.Text)
		}
		for _, item := range block.Items {
			b.WriteString("\n- " + text(item))
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String())
}

// linkIn gives the only link of a document.
func (s *stage) linkIn(doc richtext.Doc) string {
	s.Helper()
	var all []string
	for _, block := range doc {
		for _, r := range block.Runs {
			if r.Link != "" {
				all = append(all, r.Link)
			}
		}
	}
	if len(all) != 1 {
		s.Fatalf("%d links in %q", len(all), text(doc))
	}
	token := all[0][strings.LastIndexByte(all[0], '/')+1:]
	s.secret("the token of a link", token)
	return all[0]
}

// link makes somebody ask for a link.
func (s *stage) link(u bridge.UserID) string {
	s.Helper()
	return s.linkIn(s.types(u, "/msteams connect").Text)
}

// stored tells all that is known of people, "" when nothing is.
func (s *stage) stored() string {
	s.Helper()
	all, err := s.store.People(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	var lines []string
	for _, p := range all {
		line := ""
		for _, i := range p.Identities {
			line += fmt.Sprintf("%s=%s:%s ", i.Account, i.User, i.State)
			grant, err := s.store.Vault(i.Account).Load(context.Background(), bridge.PersonGrant(i.User))
			if err != nil {
				s.Fatal(err)
			}
			s.secret("a grant", string(grant))
		}
		if p.Preferred != "" {
			line += fmt.Sprintf("prefers %s %v", p.Preferred, p.Observe)
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}
