package msteams

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// messageOf names a message everywhere.
type messageOf struct {
	conversation bridge.ConversationID
	id           bridge.MessageID
}

// talkInbox is an inbox that has to do with talks: by default it carries pairs and groups, and ignores meetings.
type talkInbox struct {
	*testInbox

	mu       sync.Mutex
	observed []bridge.Observed
	turned   chan struct{}
	interest map[bridge.ConversationID]bridge.Interest
	members  map[bridge.ConversationID][]bridge.UserID
	// begin is from when on talks count.
	begin time.Time
	begun map[bridge.ConversationID]time.Time
	// decide, when set, says what becomes of a talk that is met.
	decide func(bridge.Talk) (bridge.Interest, error)
	met    []bridge.Talk
	// events are meetings and messages in the order in which they came.
	events []string
	names  map[bridge.UserID]string
	// present is who was in a talk when a message was said, by the first letters, and written when a text was; wrong is what came under others.
	present map[messageOf]string
	written map[string]string
	wrong   []string
	// puts are all texts with their reactions, and under whom they came.
	puts []string
}

func newTalkInbox(w *chatWorld, observed ...bridge.UserID) *talkInbox {
	i := &talkInbox{
		testInbox: newTestInbox(), turned: make(chan struct{}), interest: map[bridge.ConversationID]bridge.Interest{},
		members: map[bridge.ConversationID][]bridge.UserID{}, begun: map[bridge.ConversationID]time.Time{}, begin: time.Now(), names: map[bridge.UserID]string{},
		present: map[messageOf]string{}, written: map[string]string{},
	}
	for _, u := range []*teams.User{w.alice, w.bob, w.carla, w.owner, w.relay} {
		i.names[bridge.UserID(u.ID)] = strings.ToLower(u.Name[:1])
	}
	i.observe(observed...)
	return i
}

func (i *talkInbox) observe(people ...bridge.UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.observed = nil
	for _, u := range people {
		i.observed = append(i.observed, bridge.Observed{User: u})
	}
	close(i.turned)
	i.turned = make(chan struct{})
}

func (i *talkInbox) Observed() ([]bridge.Observed, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.observed), i.turned
}

func (i *talkInbox) Begin(c bridge.ConversationID) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.begun[c]
}

func (i *talkInbox) Readers(c bridge.ConversationID) (readers []bridge.UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, u := range i.members[c] {
		if slices.ContainsFunc(i.observed, func(o bridge.Observed) bool { return o.User == u }) {
			readers = append(readers, u)
		}
	}
	return readers
}

func (i *talkInbox) Interest(c bridge.ConversationID) bridge.Interest {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.interest[c]
}

// decides says what becomes of talks from now on; nil: as by default.
func (i *talkInbox) decides(decide func(bridge.Talk) (bridge.Interest, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.decide = decide
}

func (i *talkInbox) Meet(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
	i.mu.Lock()
	decide := i.decide
	i.mu.Unlock()
	become := bridge.Carried
	if t.Shape == bridge.Meeting {
		become = bridge.Ignored
	}
	if decide != nil {
		var err error
		if become, err = decide(t); err != nil {
			return 0, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.met = append(i.met, t)
	i.events = append(i.events, "meet "+i.who(t.Members))
	i.members[t.Conversation] = t.Members
	first := i.interest[t.Conversation] != bridge.Carried
	i.interest[t.Conversation] = become
	if first && become == bridge.Carried {
		i.begun[t.Conversation] = i.begin
		if t.Since.After(i.begin) {
			i.begun[t.Conversation] = t.Since
		}
		watched, _ := i.testInbox.Watched()
		i.testInbox.watch(append(watched, t.Conversation)...)
	} else if !first && become != bridge.Carried {
		watched, _ := i.testInbox.Watched()
		i.testInbox.watch(slices.DeleteFunc(watched, func(c bridge.ConversationID) bool { return c == t.Conversation })...)
	}
	return become, nil
}

// who gives the first letters of people's names, in order.
func (i *talkInbox) who(users []bridge.UserID) string {
	var letters []string
	for _, u := range users {
		letters = append(letters, i.names[u])
	}
	slices.Sort(letters)
	return strings.Join(letters, "")
}

func (i *talkInbox) Put(ctx context.Context, b bridge.Batch) error {
	i.mu.Lock()
	begun := i.begun[b.Conversation]
	for _, s := range b.States {
		now, was := i.who(i.members[b.Conversation]), i.present[messageOf{b.Conversation, s.ID}]
		fresh := i.testInbox.state(b.Conversation, string(s.ID)).ID == ""
		before, text := i.testInbox.state(b.Conversation, string(s.ID)), plain(s.Text)
		i.puts = append(i.puts, fmt.Sprintf("%s%s under %s", text, strings.Repeat("+", len(s.Reactions)), now))
		if fresh && was != "" && was != now && i.written[text] == "" && !s.Created.Before(begun) {
			i.wrong = append(i.wrong, fmt.Sprintf("%s, said to %s, came under %s", s.ID, was, now))
		}
		if saw := i.written[text]; saw != "" && text != plain(before.Text) && !s.Deleted && strings.Trim(now, saw) != "" {
			i.wrong = append(i.wrong, fmt.Sprintf("%s, made %q before %s, came under %s", s.ID, text, saw, now))
		}
		if fresh && !s.Created.Before(begun) {
			i.events = append(i.events, plain(s.Text))
		}
	}
	i.mu.Unlock()
	return i.testInbox.Put(ctx, b)
}

// happened gives what has come, meetings of the same people in a row once.
func (i *talkInbox) happened() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return strings.Join(slices.Compact(slices.Clone(i.events)), ", ")
}

func (i *talkInbox) meetings() []bridge.Talk {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.met)
}

// talkWorld is an account that receives chats.
type talkWorld struct {
	*chatWorld
	inbox *talkInbox
	stop  func()
}

// modes are the ways of receiving.
var modes = map[string]bool{"rich": true, "poll": false}

// inTalkWorld runs a test in fake time, with Alice and Bob observed.
func inTalkWorld(t *testing.T, rich bool, opts teams.Options, test func(w *talkWorld)) {
	t.Helper()
	inFakeTime(t, func(t *testing.T) {
		w := &talkWorld{chatWorld: newChatWorld(t, opts)}
		if rich {
			w.richly()
		}
		w.inbox = newTalkInbox(w.chatWorld, w.aliceID, w.bobID)
		w.start()
		defer func() { w.stop() }()
		test(w)
	})
}

// inBothModes is inTalkWorld for each way of receiving.
func inBothModes(t *testing.T, opts teams.Options, test func(w *talkWorld)) {
	for name, rich := range modes {
		t.Run(name, func(t *testing.T) { inTalkWorld(t, rich, opts, test) })
	}
}

func (w *talkWorld) start() {
	w.Helper()
	w.account = w.connected()
	w.stop = w.running(w.account, w.inbox)
	time.Sleep(11 * time.Second) // between two looks at what people have, of which there is one every 5 s where messages are polled
}

func (w *talkWorld) says(u *teams.User, c *teams.Channel, text string, opts ...teams.SayOption) string {
	w.Helper()
	id, err := w.sim.Say(u, c, "<p>"+text+"</p>", opts...)
	w.do(err)
	return id
}

func (w *talkWorld) reads() int {
	return w.sim.Count("GET", "/chats/{id}/messages") + w.sim.Count("GET", "/chats/{id}/messages/{id}")
}

// converged fails unless the newest state of each message is what people see.
func (w *talkWorld) converged(c *teams.Channel) {
	w.Helper()
	for _, m := range w.sim.Messages(c) {
		if m.Author == nil {
			continue
		}
		s := w.inbox.state(w.idOf(c), m.ID)
		if s.Deleted != m.Deleted || s.ID == "" || !m.Deleted && (plain(s.Text) != m.Text || len(s.Reactions) != len(m.Reactions)) {
			w.Errorf("%s of %s is %+v in the inbox, %+v in Teams", m.ID, c.ID, s, m)
		}
	}
}
