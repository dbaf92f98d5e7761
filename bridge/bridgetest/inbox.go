package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"causeway/bridge"
)

// message identifies a message within a law.
type message struct {
	conversation bridge.ConversationID
	id           bridge.MessageID
}

// look is what a message looked like at one revision.
type look struct {
	message
	revision int64
	deleted  bool
}

// inbox is an [bridge.Inbox] that keeps what it is given as the gateway would, and notes what the contract forbids.
type inbox struct {
	meetings
	mu      sync.Mutex
	watched []bridge.ConversationID
	changed chan struct{}
	cursors map[bridge.ConversationID]string
	begins  map[bridge.ConversationID]time.Time
	newest  map[message]bridge.State
	// arrived are the messages in the order in which they first came.
	arrived  []message
	looks    map[look]string
	troubles map[bridge.ConversationID][]error
	puts     int
	broken   []string
	// refuse may fail a Put before anything is stored; stored is told of each that succeeded, outside the lock.
	refuse func(context.Context, bridge.Batch) error
	stored func()
	// news is signalled after every call of Put and Trouble.
	news chan struct{}
}

func newInbox() *inbox {
	return &inbox{
		changed:  make(chan struct{}),
		cursors:  map[bridge.ConversationID]string{},
		begins:   map[bridge.ConversationID]time.Time{},
		newest:   map[message]bridge.State{},
		looks:    map[look]string{},
		troubles: map[bridge.ConversationID][]error{},
		news:     make(chan struct{}, 1),
	}
}

func (i *inbox) watch(places ...Place) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.watched = nil
	for _, p := range places {
		i.watched = append(i.watched, p.ID)
	}
	close(i.changed)
	i.changed = make(chan struct{})
}

func (i *inbox) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.watched), i.changed
}

func (i *inbox) Cursor(ctx context.Context, c bridge.ConversationID) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursors[c], ctx.Err()
}

func (i *inbox) Living(ctx context.Context, c bridge.ConversationID, since time.Time) ([]bridge.MessageID, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []bridge.MessageID
	for m, s := range i.newest {
		if m.conversation == c && !s.Deleted && !s.Created.Before(since) {
			all = append(all, m.id)
		}
	}
	return all, ctx.Err()
}

func (i *inbox) Trouble(c bridge.ConversationID, err error) {
	i.mu.Lock()
	i.troubles[c] = append(i.troubles[c], err)
	i.mu.Unlock()
	i.signal()
}

func (i *inbox) signal() {
	select {
	case i.news <- struct{}{}:
	default:
	}
}

func (i *inbox) Put(ctx context.Context, b bridge.Batch) error {
	defer i.signal()
	i.mu.Lock()
	refuse := i.refuse
	i.mu.Unlock()
	if refuse != nil {
		if err := refuse(ctx, b); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	i.mu.Lock()
	i.keep(b)
	stored := i.stored
	i.mu.Unlock()
	if stored != nil {
		stored()
	}
	return nil
}

func (i *inbox) violation(format string, args ...any) {
	i.broken = append(i.broken, fmt.Sprintf(format, args...))
}

func (i *inbox) keep(b bridge.Batch) {
	i.puts++
	first := i.cursors[b.Conversation] == ""
	switch {
	case first && b.Cursor == "":
		i.violation("states of %s were put before its beginning", b.Conversation)
	case first && b.Begin.IsZero():
		i.violation("the first cursor of %s came without Begin", b.Conversation)
	case !first && !b.Begin.IsZero():
		i.violation("Begin of %s was put again although there was a cursor", b.Conversation)
	}
	if !slices.Contains(i.watched, b.Conversation) && first {
		i.violation("%s was put and is not watched", b.Conversation)
	}
	if !b.Begin.IsZero() {
		i.begins[b.Conversation] = b.Begin
	}
	if b.Cursor != "" {
		i.cursors[b.Conversation] = b.Cursor
	}
	for _, s := range b.States {
		i.keepState(b.Conversation, s)
		if !s.Created.Before(i.begins[b.Conversation]) { // what is older does not count
			i.happened = append(i.happened, happening{conversation: b.Conversation, text: squash(plain(s.Text))})
		}
	}
}

func (i *inbox) keepState(c bridge.ConversationID, s bridge.State) {
	if s.Conversation != c {
		i.violation("the batch of %s has a state of %s", c, s.Conversation)
	}
	for _, problem := range problems(s) {
		i.violation("message %s in %s: %s", s.ID, c, problem)
	}
	m := message{c, s.ID}
	at := look{m, s.Revision, s.Deleted}
	if now, before := appearance(s), i.looks[at]; before != "" && now != before {
		i.violation("message %s in %s changed without a new revision: %s, then %s", s.ID, c, before, now)
	} else {
		i.looks[at] = now
	}
	old, known := i.newest[m]
	if !known {
		i.arrived = append(i.arrived, m)
	}
	if !known || s.Revision > old.Revision || s.Revision == old.Revision && (s.Deleted || !old.Deleted) {
		i.newest[m] = s
	}
}

// problems are what a state may never look like.
func problems(s bridge.State) []string {
	var all []string
	add := func(wrong bool, what string) {
		if wrong {
			all = append(all, what)
		}
	}
	add(s.ID == "", "it has no id")
	add(s.Root == s.ID, "it answers itself")
	add(s.Created.IsZero(), "it has no time")
	add(s.Deleted && plain(s.Text) != "", "it is deleted and has a text")
	add(!s.Deleted && s.Author.ID == "", "it has no author")
	add(len(s.Key) > 64, "its key is too long")
	for _, r := range s.Reactions {
		add(r.User == "" || r.Emoji == "" || r.Emoji != bridge.NormalizeEmoji(r.Emoji), fmt.Sprintf("its reaction %+q is not in neutral form", r))
	}
	return all
}

// appearance is what a revision stands for.
func appearance(s bridge.State) string {
	return fmt.Sprintf("%q %v", squash(plain(s.Text)), reactions(s.Reactions))
}

// reactions gives a set in a comparable form.
func reactions(all []bridge.Reaction) []string {
	var list []string
	for _, r := range all {
		list = append(list, string(r.User)+" "+r.Emoji)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// state gives the newest state of a message.
func (i *inbox) state(c bridge.ConversationID, id bridge.MessageID) (bridge.State, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	s, ok := i.newest[message{c, id}]
	return s, ok
}

// states gives the newest state of each message of a conversation, in the order of first arrival.
func (i *inbox) states(c bridge.ConversationID) []bridge.State {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []bridge.State
	for _, m := range i.arrived {
		if m.conversation == c {
			all = append(all, i.newest[m])
		}
	}
	return all
}

// begin gives when a conversation began.
func (i *inbox) begin(c bridge.ConversationID) (time.Time, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	t, ok := i.begins[c]
	return t, ok
}

// trouble gives what was last reported of a conversation, and whether anything was.
func (i *inbox) trouble(c bridge.ConversationID) (last error, any bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.troubles[c]
	if len(all) == 0 {
		return nil, false
	}
	return all[len(all)-1], true
}

// hooks sets what Put asks and tells.
func (i *inbox) hooks(refuse func(context.Context, bridge.Batch) error, stored func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refuse, i.stored = refuse, stored
}

var errDisk = errors.New("disk full")
