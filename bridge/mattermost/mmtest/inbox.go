package mmtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"causeway/bridge"
)

// Inbox is a [bridge.Inbox] in memory that carries the talks that Decide says.
type Inbox struct {
	// Decide says what becomes of a talk; nil: each is carried. It may take its time.
	Decide func(t bridge.Talk) (bridge.Interest, error)

	mu       sync.Mutex
	observed []bridge.Observed
	people   chan struct{}
	watched  []bridge.ConversationID
	changed  chan struct{}
	interest map[bridge.ConversationID]bridge.Interest
	begins   map[bridge.ConversationID]time.Time
	readers  map[bridge.ConversationID][]bridge.UserID
	cursors  map[bridge.ConversationID]string
	states   map[bridge.MessageID]bridge.State
	order    []bridge.MessageID
	puts     map[bridge.MessageID]int
	met      []bridge.Talk
	lost     []bridge.UserID
	troubles map[bridge.ConversationID]error
	begin    time.Time
}

var _ bridge.Inbox = (*Inbox)(nil)

// NewInbox gives one that observes nobody and watches nothing.
func NewInbox() *Inbox {
	return &Inbox{
		people: make(chan struct{}), changed: make(chan struct{}), interest: map[bridge.ConversationID]bridge.Interest{},
		begins: map[bridge.ConversationID]time.Time{}, readers: map[bridge.ConversationID][]bridge.UserID{}, cursors: map[bridge.ConversationID]string{},
		states: map[bridge.MessageID]bridge.State{}, puts: map[bridge.MessageID]int{}, troubles: map[bridge.ConversationID]error{},
	}
}

// Observe sets who is observed. Talks that are met later begin a little before now.
func (i *Inbox) Observe(all ...bridge.Observed) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.observed = all
	if i.begin.IsZero() {
		i.begin = time.Now().Add(-time.Second)
	}
	close(i.people)
	i.people = make(chan struct{})
}

// Watch carries a conversation without meeting it.
func (i *Inbox) Watch(c bridge.ConversationID, begin time.Time, readers ...bridge.UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.carry(c, begin, readers)
}

// carry. The caller holds i.mu.
func (i *Inbox) carry(c bridge.ConversationID, begin time.Time, readers []bridge.UserID) {
	i.interest[c], i.begins[c], i.readers[c] = bridge.Carried, begin, readers
	if !slices.Contains(i.watched, c) {
		i.watched = append(i.watched, c)
	}
	close(i.changed)
	i.changed = make(chan struct{})
}

// Watched implements bridge.Inbox.
func (i *Inbox) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.watched), i.changed
}

// Cursor implements bridge.Inbox.
func (i *Inbox) Cursor(_ context.Context, c bridge.ConversationID) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursors[c], nil
}

// Living implements bridge.Inbox.
func (i *Inbox) Living(context.Context, bridge.ConversationID, time.Time) ([]bridge.MessageID, error) {
	return nil, nil
}

// Events implements bridge.Inbox: none are wanted.
func (i *Inbox) Events(bridge.ConversationID) []bridge.Event { return nil }

// Begin implements bridge.Inbox.
func (i *Inbox) Begin(c bridge.ConversationID) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.begins[c]
}

// Readers implements bridge.Inbox.
func (i *Inbox) Readers(c bridge.ConversationID) []bridge.UserID {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.readers[c]
}

// Observed implements bridge.Inbox.
func (i *Inbox) Observed() ([]bridge.Observed, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.observed), i.people
}

// Interest implements bridge.Inbox.
func (i *Inbox) Interest(c bridge.ConversationID) bridge.Interest {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.interest[c]
}

// Meet implements bridge.Inbox.
func (i *Inbox) Meet(_ context.Context, t bridge.Talk) (bridge.Interest, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.met = append(i.met, t)
	interest := bridge.Carried
	if i.Decide != nil {
		decide := i.Decide
		i.mu.Unlock()
		decided, err := decide(t)
		i.mu.Lock()
		if err != nil {
			return bridge.Unmet, err
		}
		interest = decided
	}
	i.interest[t.Conversation] = interest
	if interest == bridge.Carried {
		var readers []bridge.UserID
		for _, o := range i.observed {
			if slices.Contains(t.Members, o.User) {
				readers = append(readers, o.User)
			}
		}
		i.carry(t.Conversation, i.begin, readers)
	}
	return interest, nil
}

// Lost implements bridge.Inbox.
func (i *Inbox) Lost(_ context.Context, u bridge.UserID, _ time.Time, _ error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lost = append(i.lost, u)
}

// Put implements bridge.Inbox.
func (i *Inbox) Put(_ context.Context, b bridge.Batch) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, s := range b.States {
		old, known := i.states[s.ID]
		if !known {
			i.order = append(i.order, s.ID)
		}
		if !known || s.Revision > old.Revision || s.Revision == old.Revision && s.Deleted {
			i.states[s.ID] = s
		}
		i.puts[s.ID]++
	}
	if b.Cursor != "" {
		i.cursors[b.Conversation] = b.Cursor
	}
	return nil
}

// Trouble implements bridge.Inbox.
func (i *Inbox) Trouble(c bridge.ConversationID, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.troubles[c] = err; err == nil {
		delete(i.troubles, c)
	}
}

// State gives what is known of a message, and how often that was put.
func (i *Inbox) State(id string) (s bridge.State, puts int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.states[bridge.MessageID(id)], i.puts[bridge.MessageID(id)]
}

// Met gives all talks that were met so far, LostPeople who was told lost, Troubles what cannot be read.
func (i *Inbox) Met() []bridge.Talk {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.met)
}

// LostPeople gives who was told lost.
func (i *Inbox) LostPeople() []bridge.UserID {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.lost)
}

// Troubles tells how many conversations cannot be read.
func (i *Inbox) Troubles() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.troubles)
}
