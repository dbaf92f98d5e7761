package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"causeway/bridge"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// put stores what a talk has said.
func (t *talks) put(ctx context.Context, i inbox, b bridge.Batch) error {
	t.order.RLock()
	p := t.gateway.table.Load().at(b.Conversation)
	err := t.ready(p, b)
	if err == nil {
		err = i.put(ctx, p, b)
	}
	t.order.RUnlock()
	if err != nil {
		return errors.Join(err, t.meetEarlier(ctx, p, b))
	}
	if p != nil {
		err = t.refuseNew(ctx, p, b)
	}
	return err
}

// meetEarlier meets a talk as it was when something was said of which it is not known yet where it goes: a bridge may have gone past that, when it was
// broken off.
func (t *talks) meetEarlier(ctx context.Context, p *place, b bridge.Batch) error {
	for _, s := range b.States {
		if p == nil || p.talk == nil || !p.in || s.Key != "" || !p.talk.unready(s.Created) {
			continue
		}
		was := p.talk.period(s.Created)
		_, err := t.meet(ctx, p.account, bridge.Talk{Conversation: b.Conversation, Shape: was.Shape, Members: was.Members, Since: was.Since, Topic: was.Topic})
		return err
	}
	return nil
}

// ready gives an error where it is not known yet what becomes of what is put: the bridge reads it again then, later.
func (t *talks) ready(p *place, b bridge.Batch) error {
	switch {
	case p == nil || p.talk == nil:
		return nil
	case !p.in: // it may be read again before the bridge has noticed, and must be from here on
		return fmt.Errorf("storing what %s said: it is not carried at present", b.Conversation)
	case slices.ContainsFunc(b.States, func(s bridge.State) bool { return s.Key == "" && p.talk.unready(s.Created) }):
		return fmt.Errorf("storing what %s said: it is to be met first", b.Conversation)
	}
	return nil
}

// refuseNew tells those who speak in a group that is read on because of what was carried, though with the people that it has now it is not.
func (t *talks) refuseNew(ctx context.Context, p *place, b bridge.Batch) error {
	if p.talk == nil || p.talk.latest().Reason == 0 || !p.talk.regroups || !direct.Tells(p.talk.shape, direct.Reason(p.talk.latest().Reason)) {
		return nil
	}
	latest := p.talk.latest()
	reason := direct.Reason(latest.Reason)
	for _, s := range b.States {
		if u := s.Author.ID; s.Key != "" || s.Deleted || s.Created.Before(latest.Since) || !t.connected(b.Conversation.Server, u) || t.knows(b.Conversation, u, reason) {
			continue
		}
		l, _ := t.linkOf(b.Conversation.Server, p.talk.first.Other(b.Conversation).Conversation.Server)
		if l == nil {
			return nil
		}
		one := store.Telling{Conversation: b.Conversation, User: s.Author.ID, Reason: int(reason), Text: refusalText(l.other(p.account), reason, p.account.names(ctx, latest.Missing))}
		if err := t.gateway.stored(t.gateway.store.Say(ctx, one)); err != nil {
			return err
		}
		t.told(b.Conversation, s.Author.ID, reason)
		t.gateway.wake(b.Conversation)
	}
	return nil
}

// unchanged reports whether just these people are in a group. Where it has others than those with whom it was met last, it is met anew.
func (t *talks) unchanged(ctx context.Context, p *place, c bridge.ConversationID, want []bridge.UserID) (bool, error) {
	var members []bridge.UserID
	err := guarded(func() (err error) { members, err = p.account.Bridge.Members(ctx, c); return err })
	members = slices.Compact(slices.Sorted(slices.Values(members)))
	same := slices.Equal(members, want)
	if err == nil && !slices.Equal(members, p.talk.latest().Members) {
		var talk bridge.Talk
		if err = guarded(func() (err error) { talk, err = p.account.Bridge.Talk(ctx, c); return err }); err == nil {
			_, err = t.meet(ctx, p.account, talk)
		}
	}
	if err != nil && !passes(err) {
		err = &bridge.Error{Err: err}
	}
	if err != nil {
		err = fmt.Errorf("looking who is in the conversation: %w", err)
	}
	return same && err == nil, err
}
