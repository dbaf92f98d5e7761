package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// written gives the topic of a talk as people have written it, of which its service may show less.
func (t *talks) written(a *account, talk bridge.Talk) string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	topic := talk.Topic
	for p := range t.pairsOf(talk.Conversation) {
		if a.Bridge.Topic(p.Topic) == talk.Topic {
			topic = p.Topic
		}
	}
	return topic
}

// retitle gives the other end of a pair the topic that a talk has been given. That is noted before: the other end may be met at once, and
// tell of it.
func (t *talks) retitle(ctx context.Context, a *account, talk bridge.Talk, d *decision) error {
	other := d.link.other(a)
	pair, changed := t.retitled(a, talk, *other.server.Load())
	if !changed {
		return nil
	}
	note := func(topic string) error {
		return t.update(func() (store.Pair, error) {
			return t.gateway.store.Retitled(context.WithoutCancel(ctx), pair.ID, topic)
		})
	}
	if err := note(talk.Topic); err != nil {
		return err
	}
	for _, as := range d.openers("", talk.Speaker()) {
		began := time.Now()
		err := guarded(func() error {
			return other.Bridge.Rename(ctx, pair.Other(talk.Conversation).Conversation, as, talk.Topic)
		})
		switch {
		case err != nil && bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopePerson:
			t.gateway.lose(ctx, *other.server.Load(), as, began, err)
			continue
		case err != nil && passes(err):
			return errors.Join(fmt.Errorf("renaming the conversation in %s: %w", other.Name, err), note(pair.Topic))
		}
		break // where it cannot be renamed, it stays as it is
	}
	return nil
}

// retitled gives the pair of a talk whose topic has become another one than both ends had, as its service shows it.
func (t *talks) retitled(a *account, talk bridge.Talk, there bridge.ServerID) (store.Pair, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	k := t.known[talk.Conversation]
	if talk.Shape != bridge.Group || k == nil || len(k.periods) == 0 || k.latest().Topic == talk.Topic || talk.Since.Before(k.latest().Since) {
		return store.Pair{}, false
	}
	for p := range t.pairsOf(talk.Conversation) {
		if p.State == store.PairOpen && p.Other(talk.Conversation).Known() &&
			p.Other(talk.Conversation).Conversation.Server == there && p.Topic != talk.Topic && a.Bridge.Topic(p.Topic) != talk.Topic {
			return p, true
		}
	}
	return store.Pair{}, false
}
