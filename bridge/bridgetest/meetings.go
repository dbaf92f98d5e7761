package bridgetest

import (
	"context"
	"slices"
	"time"

	"causeway/bridge"
)

// meetings is what an inbox does with direct and group conversations. It is guarded by the mutex of the inbox.
type meetings struct {
	observed []bridge.Observed
	others   chan struct{} // closed when that has changed
	// decide tells what becomes of a talk; nil: all are carried. met is what has become of those that were met.
	decide func(bridge.Talk) bridge.Interest
	met    map[bridge.ConversationID]bridge.Interest
	from   map[bridge.ConversationID]time.Time
	// happened is what was met and put, in order.
	happened []happening
	readers  []bridge.UserID
}

// happening is a talk that was met, or a text that was put.
type happening struct {
	conversation bridge.ConversationID
	talk         *bridge.Talk
	text         string
}

// observe names the people whose talks are noticed from now on.
func (i *inbox) observe(since time.Time, users ...bridge.UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, u := range users {
		i.observed = append(i.observed, bridge.Observed{User: u, Since: since})
		i.readers = append(i.readers, u)
	}
	if i.others != nil {
		close(i.others)
	}
	i.others = make(chan struct{})
	i.from = map[bridge.ConversationID]time.Time{{}: since}
}

func (i *inbox) Observed() ([]bridge.Observed, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.observed), i.others
}

func (i *inbox) Interest(c bridge.ConversationID) bridge.Interest {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.observed) == 0 {
		return bridge.Ignored
	}
	return i.met[c]
}

func (i *inbox) Events(bridge.ConversationID) []bridge.Event { return nil }

func (i *inbox) Begin(c bridge.ConversationID) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.met[c] != bridge.Carried {
		return time.Time{}
	}
	return i.from[bridge.ConversationID{}]
}

func (i *inbox) Readers(c bridge.ConversationID) []bridge.UserID {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.met[c] != bridge.Carried {
		return nil
	}
	return slices.Clone(i.readers)
}

func (i *inbox) Lost(context.Context, bridge.UserID, time.Time, error) {}

// Meet carries a talk, unless decide says otherwise.
func (i *inbox) Meet(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
	defer i.signal()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.happened = append(i.happened, happening{conversation: t.Conversation, talk: &t})
	interest := bridge.Carried
	if i.decide != nil {
		interest = i.decide(t)
	}
	if i.met == nil {
		i.met = map[bridge.ConversationID]bridge.Interest{}
	}
	i.met[t.Conversation] = interest
	if interest == bridge.Carried && !slices.Contains(i.watched, t.Conversation) {
		i.watched = append(i.watched, t.Conversation)
		close(i.changed)
		i.changed = make(chan struct{})
	}
	return interest, ctx.Err()
}

// history gives what was met and put of a conversation, in order.
func (i *inbox) history(c bridge.ConversationID) []happening {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []happening
	for _, h := range i.happened {
		if h.conversation == c {
			all = append(all, h)
		}
	}
	return all
}
