package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// refuse notes why a talk is not carried, and tells those who spoke there.
func (t *talks) refuse(ctx context.Context, a *account, talk bridge.Talk, d *decision) error {
	if _, err := t.store(ctx, a, talk, d); err != nil {
		return err
	}
	return t.tellSpeakers(ctx, a, d.link.other(a), talk, d.verdict.Reason, d.verdict.Missing)
}

// tellSpeakers tells each connected person who spoke in a refused talk why it is not carried, once. Who cannot be told now does not keep the others waiting.
func (t *talks) tellSpeakers(ctx context.Context, a, other *account, talk bridge.Talk, r direct.Reason, missing []bridge.UserID) error {
	var failed error
	for _, u := range talk.Speakers {
		if direct.Tells(talk.Shape, r) && t.connected(talk.Conversation.Server, u) && !t.knows(talk.Conversation, u, r) {
			failed = errors.Join(failed, t.tellRefused(ctx, a, other, talk, u, r, missing))
		}
	}
	return failed
}

// tellRefused tells somebody why a talk is not carried, and notes that they know; not where nobody may be told.
func (t *talks) tellRefused(ctx context.Context, a, other *account, talk bridge.Talk, u bridge.UserID, r direct.Reason, missing []bridge.UserID) error {
	told := store.Told{Conversation: talk.Conversation, User: u, Reason: int(r)}
	notice := bridge.Notice{Conversation: talk.Conversation, User: u, Text: refusalText(other, r, a.names(ctx, missing)), Key: t.refusalKey(told)}
	if r == direct.NotAllowed && t.gateway.invite != nil {
		notice.Choices = t.gateway.invite(a.Name, u)
	}
	err := guarded(func() error { return t.gateway.notify(ctx, a, talk.Conversation.Server, notice) })
	switch kind := bridge.KindOf(err); {
	case err == nil:
	case kind == bridge.Uncertain: // with its key it makes no double
		err = &bridge.Error{Err: err}
		fallthrough
	case passes(err):
		return fmt.Errorf("telling somebody why their conversation is not carried: %w", err)
	case kind == bridge.Unsupported:
		return nil
	}
	if err := t.gateway.stored(t.gateway.store.Know(context.WithoutCancel(ctx), told)); err != nil {
		return err
	}
	t.told(talk.Conversation, u, r)
	return nil
}

// refusalKey gives the key of what somebody is told: the same until what is carried of the talk has changed, so that neither a lost answer makes a double nor an end
// of Causeway before it could note that they know.
func (t *talks) refusalKey(told store.Told) bridge.Key {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var since, begins time.Time
	if k := t.known[told.Conversation]; k != nil && len(k.periods) > 0 {
		since = k.latest().Since
	}
	var last int64
	for p := range t.pairsOf(told.Conversation) {
		last, begins = p.ID, later(begins, p.Begins)
	}
	return t.gateway.store.RefusalKey(told, since.UnixMilli(), last, begins.UnixMilli())
}

// told notes that somebody knows why a talk is not carried.
func (t *talks) told(c bridge.ConversationID, u bridge.UserID, r direct.Reason) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	k := t.talkOf(c)
	k.told[store.Told{User: u, Reason: int(r)}] = true
}

func (t *talks) knows(c bridge.ConversationID, u bridge.UserID, r direct.Reason) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	k := t.known[c]
	return k != nil && k.told[store.Told{User: u, Reason: int(r)}]
}

// connected reports whether Causeway can act as a user.
func (t *talks) connected(server bridge.ServerID, u bridge.UserID) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	who, ok := t.users[store.User{Server: server, User: u}]
	return ok && who.state == store.Connected && who.anywhere
}
