package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/metrics"
	"causeway/gateway/store"
)

// world is some services with a gateway between them, which the test starts and stops. Time is fake.
type world struct {
	t        *testing.T
	path     string
	keys     store.Keys
	accounts []Account
	routes   []Route
	directs  []Direct
	keep     Keep
	// trip is called with each message that the store works on.
	trip func(id bridge.MessageID, put bool)
	// turn, when not nil, is called before a lane is advanced.
	turn func(bridge.ConversationID)
	// talkFiles is what becomes of files in talks.
	talkFiles FilePolicy
	// talkEvents are told in talks.
	talkEvents []bridge.Event
	log        lines

	full    atomic.Bool // the store cannot write
	lost    func(bridge.ServerID, bridge.UserID, error)
	noticed atomic.Int64 // how often another process has changed the store
	spoke   func(bridge.ServerID, bridge.UserID)
	// diesAt is the write at which the store dies, before it is on disk or after; 0: never.
	diesAt    int
	diesAfter bool
	died      atomic.Bool

	gone    bool // the store has been closed: the gateway must end with that error
	store   *store.Store
	metrics *metrics.Metrics
	gateway *Gateway
	stop    context.CancelFunc
	fail    context.CancelCauseFunc // ends the gateway as the failing of another part of Causeway does
	stopped chan struct{}
}

// lines is a log that may be read while it is written.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

var worlds atomic.Int64

// inWorld runs a test with fake time. The database outlives each start of the gateway.
func inWorld(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		keys, err := store.NewKeys(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, path: fmt.Sprintf("/world-%d", worlds.Add(1)), keys: keys}
		keep := w.open(store.Options{VFS: "memdb"})
		defer keep.Close()
		defer func() {
			w.down()
			if t.Failed() {
				t.Log(w.log.String())
			}
		}()
		test(w)
	})
}

func (w *world) open(o store.Options) *store.Store {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), placed(w.path, &o), w.keys, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// service makes a chat service called name with the account "memory.<name>", logged in as "bot", and the channel
// "town". Its people need not be made known.
func (w *world) service(name string, o memory.Options) *memory.Service {
	s := memory.NewService(bridge.ServerID("memory:"+name), o)
	s.AddChannel("town", "team/town")
	w.account(name, s.Account(bridge.AccountName("memory."+name), "bot"))
	return s
}

func (w *world) account(name string, b bridge.Bridge) {
	w.accounts = append(w.accounts, Account{
		Name: bridge.AccountName("memory." + name), Protocol: "memory", NickFormat: "{NICK}", Bridge: b,
	})
}

// wrap puts something between the gateway and an account.
func (w *world) wrap(name string, around func(bridge.Bridge) bridge.Bridge) {
	for i := range w.accounts {
		if w.accounts[i].Name == bridge.AccountName("memory."+name) {
			w.accounts[i].Bridge = around(w.accounts[i].Bridge)
		}
	}
}

// route joins endpoints.
func (w *world) route(all ...Endpoint) {
	w.routes = append(w.routes, Route{Name: fmt.Sprint("g", len(w.routes)), Endpoints: all})
}

// inout is an endpoint in both directions; in and out in one.
func inout(account, channel string) Endpoint {
	return Endpoint{Account: bridge.AccountName("memory." + account), Channel: "team/" + channel, In: true, Out: true}
}

func in(account, channel string) Endpoint {
	e := inout(account, channel)
	e.Out = false
	return e
}

func out(account, channel string) Endpoint {
	e := inout(account, channel)
	e.In = false
	return e
}

// pair gives two services whose towns are joined, running.
func (w *world) pair(a, b memory.Options) (*memory.Service, *memory.Service) {
	left, right := w.service("a", a), w.service("b", b)
	w.route(inout("a", "town"), inout("b", "town"))
	w.start()
	return left, right
}

// start runs the gateway until everything configured has begun.
func (w *world) start() {
	w.t.Helper()
	logger := logrus.New()
	logger.SetOutput(&w.log)
	writes := 0
	dies := func(after bool) func() error {
		return func() error {
			if after != w.diesAfter || w.diesAt == 0 {
				return nil
			}
			if writes++; writes == w.diesAt {
				w.died.Store(true)
				return errors.New("killed")
			}
			return nil
		}
	}
	turn := func(_ context.Context, c bridge.ConversationID) {
		if w.turn != nil {
			w.turn(c)
		}
	}
	w.store = w.open(store.Options{Holder: "a gateway", VFS: "memdb", Turn: turn, Trip: w.trip, BeforeCommit: dies(false), AfterCommit: dies(true), Full: func() error {
		if w.full.Load() {
			return errors.New("database or disk is full")
		}
		return nil
	}})
	var ctx context.Context
	ctx, w.fail = context.WithCancelCause(w.t.Context())
	w.stop = func() { w.fail(nil) }
	w.stopped = make(chan struct{})
	w.gateway = New(Options{Plan: Plan{Accounts: w.accounts, Routes: w.routes, Directs: w.directs, Keep: w.keep}, Store: w.store, Log: logrus.NewEntry(logger), Version: "v1", Metrics: w.metrics, Lost: w.lost, Noticed: func() { w.noticed.Add(1) }, Spoke: w.spoke})
	g := w.gateway
	go func() {
		defer close(w.stopped)
		if err := g.Run(ctx); err != nil && !w.gone && !w.died.Load() || w.gone && !errors.Is(err, store.ErrClosed) {
			w.t.Errorf("the gateway ended with: %v", err)
		}
	}()
	w.wait(time.Second)
}

// down stops the gateway and waits for it.
func (w *world) down() {
	if w.stop == nil {
		return
	}
	w.stop()
	<-w.stopped
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
	w.stop = nil
}

// wait lets time pass and then everything come to rest.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// shown is a message as a person would describe it.
type shown struct {
	By, Text string
	Answers  string   // the text that starts its thread
	Emoji    []string // sorted, each once
}

// live gives what can be seen in a channel, by whom keep says; reactions by the other kind of author are left out.
func live(s *memory.Service, in bridge.ChannelID, own bool) []shown {
	var all []shown
	texts := map[bridge.MessageID]string{}
	for _, m := range s.Messages(in) {
		texts[m.ID] = m.Text
		if m.Deleted || (m.Author.ID == "bot") != own {
			continue
		}
		all = append(all, shown{By: m.Author.Name, Text: m.Text, Answers: texts[m.Root], Emoji: emojiOf(m, own)})
	}
	return all
}

// crossed fails unless what people of one channel say is what can be seen in the other, in order.
func (w *world) crossed(from *memory.Service, fromChannel bridge.ChannelID, to *memory.Service, toChannel bridge.ChannelID) {
	w.t.Helper()
	w.same(live(to, toChannel, true), live(from, fromChannel, false))
}

// texts gives what can be seen in a channel, whoever said it.
func texts(s *memory.Service, in bridge.ChannelID) []string {
	all := []string{}
	for _, m := range s.Messages(in) {
		if !m.Deleted {
			all = append(all, m.Text)
		}
	}
	return all
}

// same compares whole values.
func (w *world) same(got, want any) {
	w.t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	g, v := reflect.ValueOf(got), reflect.ValueOf(want)
	if g.Kind() == reflect.Slice && v.Kind() == reflect.Slice && max(g.Len(), v.Len()) > 20 {
		for i := range max(g.Len(), v.Len()) {
			if i >= g.Len() || i >= v.Len() || !reflect.DeepEqual(g.Index(i).Interface(), v.Index(i).Interface()) {
				w.t.Fatalf("got %d, want %d; they differ from number %d on", g.Len(), v.Len(), i)
			}
		}
		return
	}
	w.t.Fatalf("got\n%q\nwant\n%q", got, want)
}

// find gives the message of a channel that says text and is there.
func (w *world) find(s *memory.Service, in bridge.ChannelID, text string) memory.Seen {
	w.t.Helper()
	all := s.Messages(in)
	at := slices.IndexFunc(all, func(m memory.Seen) bool { return !m.Deleted && m.Text == text })
	if at < 0 {
		w.t.Fatalf("nobody says %q in %s: %q", text, in, texts(s, in))
	}
	return all[at]
}

// held is what is in quarantine.
func (w *world) held() []store.Quarantined {
	w.t.Helper()
	all, err := w.store.Quarantine(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// switched is a fault that a test turns on and off.
type switched struct{ does atomic.Pointer[memory.Fault] }

func (s *switched) on(f memory.Fault) { s.does.Store(&f) }
func (s *switched) off()              { s.does.Store(nil) }

func (s *switched) fault(ctx context.Context, c memory.Call) error {
	if f := s.does.Load(); f != nil {
		return (*f)(ctx, c)
	}
	return nil
}

// before fails the calls of one kind before they take effect.
func before(op memory.Op, err func() error) memory.Fault {
	return func(_ context.Context, c memory.Call) error {
		if c.Op == op && !c.After {
			return err()
		}
		return nil
	}
}
