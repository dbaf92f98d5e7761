package people

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

const (
	homeAccount  bridge.AccountName = "mattermost.hq"
	awayAccount  bridge.AccountName = "msteams.contoso"
	homeServer   bridge.ServerID    = "mattermost:1"
	awayServer   bridge.ServerID    = "msteams:1"
	thirdAccount bridge.AccountName = "msteams.fabrikam"
	thirdServer  bridge.ServerID    = "msteams:2"
)

// society is two services with people on both, a store, and what duties need. Time is fake.
type society struct {
	*testing.T
	home, away *memory.Service
	road       *road
	store      *store.Store
	people     *People
	options    Options
	log        safeText

	mutex  sync.Mutex
	decide memory.Fault
}

// safeText is a log that may be read while it is written.
type safeText struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *safeText) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *safeText) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// road is the gateway: what it carries, and whether it does.
type road struct {
	mutex   sync.Mutex
	servers map[bridge.AccountName]bridge.ServerID
	routes  []Route
	changed chan struct{}
	broken  map[bridge.ChannelID]bool
	waiting int
	lose    func(bridge.ServerID, bridge.UserID, time.Time, error) error
}

// loses gives what a gateway does when acting as somebody was refused.
func loses(s *store.Store, changed func()) func(bridge.ServerID, bridge.UserID, time.Time, error) error {
	return func(server bridge.ServerID, u bridge.UserID, began time.Time, why error) error {
		lost, err := s.Lose(context.Background(), server, u, began, bridge.Cause(why))
		if lost {
			changed()
		}
		return err
	}
}

func (r *road) Lose(_ context.Context, server bridge.ServerID, u bridge.UserID, began time.Time, why error) error {
	return r.lose(server, u, began, why)
}

// connects sets which accounts have connected, and gives those that had.
func (r *road) connects(servers map[bridge.AccountName]bridge.ServerID) (before map[bridge.AccountName]bridge.ServerID) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	before, r.servers = r.servers, servers
	return before
}

func (r *road) Identity(a bridge.AccountName) (bridge.Identity, bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s, ok := r.servers[a]
	return bridge.Identity{Server: s, User: "bot"}, ok
}

func (r *road) Routes() ([]Route, <-chan struct{}) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.Clone(r.routes), r.changed
}

func (r *road) Delivers(from, _ bridge.ConversationID) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return !r.broken[from.Channel]
}

func (r *road) Waiting(context.Context, bridge.ServerID, bridge.UserID) (int, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.waiting, nil
}

// hold stops and resumes what is carried from a channel.
func (r *road) hold(c bridge.ChannelID, on bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.broken[c] = on
}

// set replaces what is carried.
func (r *road) set(routes ...Route) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.routes = routes
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *road) add(routes ...Route) {
	old, _ := r.Routes()
	r.set(append(old, routes...)...)
}

// carried are both directions between channels of one name.
func carried(c bridge.ChannelID) []Route {
	home, away := bridge.ConversationID{Server: homeServer, Channel: c}, bridge.ConversationID{Server: awayServer, Channel: c}
	return []Route{
		{From: home, To: away, Reader: homeAccount, Writer: awayAccount, Name: "team/" + string(c)},
		{From: away, To: home, Reader: awayAccount, Writer: homeAccount, Name: "team/" + string(c)},
	}
}

var societies atomic.Int64

// inSociety runs a test. At home Causeway may change how people are notified by its own right, where own says so.
func inSociety(t *testing.T, settings config.People, own bool, test func(s *society)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &society{T: t, road: &road{
			servers: map[bridge.AccountName]bridge.ServerID{homeAccount: homeServer, awayAccount: awayServer},
			changed: make(chan struct{}), broken: map[bridge.ChannelID]bool{},
		}}
		s.home = memory.NewService(homeServer, memory.Options{OwnRight: own, Fault: s.fault})
		s.away = memory.NewService(awayServer, memory.Options{NoCommands: true, NoMute: true, BatchSize: 2, Fault: s.fault})
		keys, err := store.NewKeys(make([]byte, 32))
		if err == nil {
			s.store, err = store.Open(t.Context(), fmt.Sprintf("/society-%d", societies.Add(1)), keys, store.Options{VFS: "memdb"})
		}
		if err != nil {
			t.Fatal(err)
		}
		defer s.store.Close()
		log := logrus.New()
		log.SetOutput(&s.log)
		log.SetLevel(logrus.DebugLevel)
		s.options = Options{
			Accounts: []Account{
				{Name: homeAccount, Title: "Mattermost", With: []bridge.AccountName{awayAccount}, Bridge: s.home.Account(homeAccount, "bot")},
				{Name: awayAccount, Title: "Microsoft Teams", With: []bridge.AccountName{homeAccount}, Bridge: s.away.Account(awayAccount, "bot")},
			},
			Settings: settings, Store: s.store, Gateway: s.road, PublicURL: "https://causeway.example", Log: logrus.NewEntry(log),
		}
		s.road.lose = loses(s.store, func() { s.people.Noticed() })
		s.people = New(s.options)
		test(s)
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
}

func (s *society) fault(ctx context.Context, c memory.Call) error {
	s.mutex.Lock()
	decide := s.decide
	s.mutex.Unlock()
	if decide == nil {
		return nil
	}
	return decide(ctx, c)
}

// faults sets what goes wrong from now on.
func (s *society) faults(decide memory.Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.decide = decide
}

// during runs something until the test ends it.
func (s *society) during(run func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// pass lets time go by, until all is quiet.
func (s *society) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *society) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// profile is of somebody with nothing special.
func profile(u bridge.UserID) bridge.Profile {
	return bridge.Profile{Author: bridge.Author{ID: u, Name: string(u), Username: string(u)}, Email: string(u) + "@example.com", EmailProven: true}
}

// connect makes a person of two users of the same name, who prefers an account.
func (s *society) connect(u bridge.UserID, preferred bridge.AccountName) store.Person {
	s.Helper()
	var ends [2]store.End
	for i, one := range []struct {
		account bridge.AccountName
		service *memory.Service
	}{{homeAccount, s.home}, {awayAccount, s.away}} {
		if one.service.User(u).Standing.Presence == bridge.Erased {
			one.service.AddUser(profile(u))
		}
		ends[i] = store.End{Identity: store.Identity{
			Account: one.account, Server: one.service.Server(), User: u, Name: string(u), Username: string(u), Email: string(u) + "@example.com",
		}, Grant: []byte("grant")}
	}
	p, err := s.store.Connect(s.Context(), "", ends, 0)
	s.must(err)
	s.must(s.store.Prefer(s.Context(), p.ID, preferred, false))
	p.Preferred = preferred
	return p
}

// turn changes the state of an identity.
func (s *society) turn(server bridge.ServerID, u bridge.UserID, from, to store.IdentityState) {
	s.Helper()
	done, err := s.store.Turn(s.Context(), server, u, from, to, "")
	if !done || err != nil {
		s.Fatal(u, done, err)
	}
	s.people.changed()
}
