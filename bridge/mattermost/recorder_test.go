package mattermost_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/secret"
	sim "causeway/contrib/sim/mattermost"
)

// recorder is an inbox in memory.
type recorder struct {
	bridge.NoTalks
	mu       sync.Mutex
	watched  []bridge.ConversationID
	changed  chan struct{}
	cursors  map[bridge.ConversationID]string
	states   map[bridge.MessageID]bridge.State
	order    []bridge.MessageID
	puts     []bridge.Batch
	troubles map[bridge.ConversationID]error
	news     chan struct{}
	// refuse, when not nil, decides what Put answers.
	refuse func(bridge.Batch) error
}

func newRecorder(watched ...bridge.ConversationID) *recorder {
	return &recorder{
		watched: watched, changed: make(chan struct{}), cursors: map[bridge.ConversationID]string{},
		states: map[bridge.MessageID]bridge.State{}, troubles: map[bridge.ConversationID]error{}, news: make(chan struct{}, 1),
	}
}

func (r *recorder) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watched, r.changed
}

func (r *recorder) Cursor(_ context.Context, c bridge.ConversationID) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cursors[c], nil
}

func (r *recorder) Living(_ context.Context, _ bridge.ConversationID, since time.Time) ([]bridge.MessageID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []bridge.MessageID
	for id, s := range r.states {
		if !s.Deleted && !s.Created.Before(since) {
			all = append(all, id)
		}
	}
	return all, nil
}

func (r *recorder) Put(_ context.Context, b bridge.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if err := r.refuse(b); err != nil {
			return err
		}
	}
	r.puts = append(r.puts, b)
	for _, s := range b.States {
		old, known := r.states[s.ID]
		if !known {
			r.order = append(r.order, s.ID)
		}
		if !known || s.Revision > old.Revision || s.Revision == old.Revision && s.Deleted {
			r.states[s.ID] = s
		}
	}
	if b.Cursor != "" {
		r.cursors[b.Conversation] = b.Cursor
	}
	r.tell()
	return nil
}

func (r *recorder) tell() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *recorder) Trouble(c bridge.ConversationID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.troubles[c] = err
	r.tell()
}

func (r *recorder) state(id string) bridge.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[bridge.MessageID(id)]
}

func (r *recorder) cursor(c bridge.ConversationID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cursors[c]
}

// bench is a stand-in, a bridge to it and an inbox.
type bench struct {
	testing.TB
	sim     *sim.Server
	world   mmtest.World
	channel string
	conv    bridge.ConversationID
	inbox   *recorder
	account bridge.Bridge
	log     *logrus.Logger
	run     *run
	open    func(bridge.Env, *mattermost.Settings) (bridge.Bridge, error)
}

type run struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func newBench(t testing.TB, options sim.Options) *bench {
	s, w := standIn(t, options)
	channel := w.Channel(t, "town")
	conv := bridge.ConversationID{Server: w.Server, Channel: bridge.ChannelID(channel)}
	b := &bench{TB: t, sim: s, world: w, channel: channel, conv: conv, inbox: newRecorder(conv), log: logrus.New(), open: mattermost.NewQuick}
	b.log.SetOutput(io.Discard)
	b.connect(s.URL())
	t.Cleanup(b.stop)
	return b
}

// connect makes a fresh bridge to the stand-in under an address.
func (b *bench) connect(url string) {
	b.Helper()
	account, err := b.open(bridge.Env{Log: logrus.NewEntry(b.log)}, &mattermost.Settings{Server: url, Token: secret.Secret(b.world.Bot.Token)})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := account.Connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.account = account
}

// start runs the bridge until stop and waits until it is caught up.
func (b *bench) start() {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.run = &run{cancel: cancel, done: make(chan struct{})}
	go func(r *run, account bridge.Bridge) {
		defer close(r.done)
		r.err = account.Run(ctx, b.inbox)
	}(b.run, b.account)
	b.wait("it begins", func() bool { return b.inbox.cursor(b.conv) != "" && b.sim.Sockets("causeway") > 0 })
}

func (b *bench) stop() {
	if b.run == nil {
		return
	}
	b.run.cancel()
	<-b.run.done
	b.run = nil
	b.account.Close()
}

// ended waits for Run to end by itself and gives its error.
func (b *bench) ended() error {
	b.Helper()
	select {
	case <-b.run.done:
		return b.run.err
	case <-time.After(10 * time.Second):
		b.Fatal("Run does not end")
		return nil
	}
}

// wait waits for something to come true; what nothing announces is looked for every few milliseconds.
func (b *bench) wait(what string, ok func() bool) {
	b.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-b.inbox.news:
		case <-tick.C:
		case <-deadline:
			b.Fatalf("waited in vain: %s", what)
		}
	}
}

// arrives waits until a post is reported with this text.
func (b *bench) arrives(id, text string) bridge.State {
	b.Helper()
	b.wait(fmt.Sprintf("%q arrives", text), func() bool { s := b.inbox.state(id); return s.ID != "" && said(s) == text })
	return b.inbox.state(id)
}

func said(s bridge.State) string { return markdown.Render(s.Text) }

// say posts as somebody.
func (b *bench) say(who, text string) string {
	b.Helper()
	id, err := b.sim.Post(who, b.channel, text)
	b.must(err)
	return id
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// post posts a draft by the bridge.
func (b *bench) draft(text string) bridge.Draft {
	return bridge.Draft{Conversation: b.conv, Author: bridge.Author{Name: "Carla"}, Text: markdown.Parse(text), Key: bridge.Key(model.NewId())}
}
