package msteams

import (
	"context"
	"slices"
	"sync"
	"time"

	"causeway/bridge"
)

// testInbox keeps what a run puts, and checks the order of a batch.
type testInbox struct {
	bridge.NoTalks
	mu       sync.Mutex
	watched  []bridge.ConversationID
	changed  chan struct{}
	cursors  map[bridge.ConversationID]string
	begins   map[bridge.ConversationID]time.Time
	newest   map[bridge.ConversationID]map[bridge.MessageID]bridge.State
	arrived  []bridge.State
	puts     []bridge.Batch
	troubles map[bridge.ConversationID][]error
	refuse   func(bridge.Batch) error
}

func newTestInbox(watched ...bridge.ConversationID) *testInbox {
	return &testInbox{
		watched: watched, changed: make(chan struct{}), cursors: map[bridge.ConversationID]string{}, begins: map[bridge.ConversationID]time.Time{},
		newest: map[bridge.ConversationID]map[bridge.MessageID]bridge.State{}, troubles: map[bridge.ConversationID][]error{},
	}
}

func (i *testInbox) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.watched), i.changed
}

func (i *testInbox) watch(list ...bridge.ConversationID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.watched = list
	close(i.changed)
	i.changed = make(chan struct{})
}

func (i *testInbox) Cursor(_ context.Context, c bridge.ConversationID) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursors[c], nil
}

func (i *testInbox) Living(context.Context, bridge.ConversationID, time.Time) ([]bridge.MessageID, error) {
	return nil, nil
}

func (i *testInbox) Put(_ context.Context, b bridge.Batch) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refuse != nil {
		if err := i.refuse(b); err != nil {
			return err
		}
	}
	i.puts = append(i.puts, b)
	if b.Cursor != "" {
		i.cursors[b.Conversation] = b.Cursor
	}
	if !b.Begin.IsZero() {
		i.begins[b.Conversation] = b.Begin
	}
	for _, s := range b.States {
		i.arrived = append(i.arrived, s)
		if i.newest[b.Conversation] == nil {
			i.newest[b.Conversation] = map[bridge.MessageID]bridge.State{}
		}
		old, known := i.newest[b.Conversation][s.ID]
		if !known || s.Revision > old.Revision || s.Revision == old.Revision && (s.Deleted || !old.Deleted) {
			i.newest[b.Conversation][s.ID] = s
		}
	}
	return nil
}

func (i *testInbox) Trouble(c bridge.ConversationID, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.troubles[c] = append(i.troubles[c], err)
}

func (i *testInbox) state(c bridge.ConversationID, id string) bridge.State {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.newest[c][bridge.MessageID(id)]
}

// trouble gives what was told of a channel.
func (i *testInbox) trouble(c bridge.ConversationID) []error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.troubles[c])
}

func (i *testInbox) cursor(c bridge.ConversationID) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursors[c]
}

// forget empties the record of what was put, not the cursors.
func (i *testInbox) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.puts, i.arrived = nil, nil
}

func (i *testInbox) counts() (puts, states int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.puts), len(i.arrived)
}
