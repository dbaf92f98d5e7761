package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// Meet implements bridge.Inbox.
func (i inbox) Meet(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
	return i.gateway.talks.meet(ctx, i.account, t)
}

// decision is what is decided of a talk between two accounts.
type decision struct {
	link    *link
	verdict direct.Verdict
	members []direct.Member
	// begins: what was said earlier is not carried.
	begins time.Time
	// again gives what is said where a group that was refused is carried again; of one that is carried.
	again func(to bridge.ConversationID) []store.Telling
}

// meet decides what becomes of a talk that a reads, and does what follows.
func (t *talks) meet(ctx context.Context, a *account, talk bridge.Talk) (bridge.Interest, error) {
	unlock := t.meeting.lock(ctx, talk.Conversation)
	if unlock == nil {
		return bridge.Unmet, ctx.Err()
	}
	defer unlock()
	talk.Members = slices.Compact(slices.Sorted(slices.Values(talk.Members)))
	if talk.Shape != bridge.Group || !a.capabilities.Regroup {
		talk.Since = time.Time{}
	}
	talk.Since = talk.Since.Truncate(time.Millisecond)
	var refused *decision
	links := t.links.Load()
	for _, l := range *links {
		if !l.has(a) {
			continue
		}
		d, err := t.decide(ctx, l, a, talk)
		if err == nil && t.isChannel(a, talk, d) {
			d.verdict = direct.Verdict{Reason: direct.Second}
		}
		if err == nil && d.verdict.Carried {
			err = t.carry(ctx, a, talk, d)
		}
		t.failing.report(talk.Conversation.String(), a.log.WithField("conversation", talk.Conversation.String()), "taking up a direct conversation", err)
		if err != nil {
			return bridge.Unmet, err
		}
		if d.verdict.Carried {
			return t.interest(talk.Conversation), nil
		}
		if refused == nil || isOff(refused.verdict.Reason) {
			refused = d
		}
	}
	switch {
	case refused == nil:
		return bridge.Ignored, nil
	case isOff(refused.verdict.Reason):
		t.mutex.Lock()
		defer t.mutex.Unlock()
		if t.links.Load() != links { // it may have been switched on
			return bridge.Unmet, errors.New("the config has changed meanwhile")
		}
		t.off[talk.Conversation] = true
		return bridge.Ignored, nil
	}
	if err := t.refuse(ctx, a, talk, refused); err != nil {
		return bridge.Unmet, err
	}
	return t.interest(talk.Conversation), nil
}

// isChannel reports whether the other end of a talk is named by the config as a channel by now: so it is none of a pair any more.
func (t *talks) isChannel(a *account, talk bridge.Talk, d *decision) bool {
	channels := t.gateway.table.Load().conversations
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for p := range t.pairsOf(talk.Conversation) {
		here, there := p.Here(talk.Conversation), p.Other(talk.Conversation)
		if d.verdict.Carried && there.Conversation.Server == *d.link.other(a).server.Load() && channels[there.Conversation] != nil && slices.Equal(here.Members, talk.Members) {
			return true
		}
	}
	return false
}

// decide finds out who everybody is. Services are asked only for those of whom nothing is known, and because of whom it would not be carried.
func (t *talks) decide(ctx context.Context, l *link, a *account, talk bridge.Talk) (*decision, error) {
	other := l.other(a)
	there := other.server.Load()
	d := &decision{link: l}
	if d.verdict = direct.Decide(talk.Shape, nil, l.settings, 0); d.verdict.Reason != direct.NobodyConnected {
		return d, nil // switched off
	}
	if there == nil {
		return nil, fmt.Errorf("%s has not connected yet", other.Name)
	}
	for looked := false; ; looked = true {
		known, err := t.gateway.store.Standings(ctx, talk.Conversation.Server, *there, talk.Members)
		if err != nil {
			return nil, t.gateway.stored(err)
		}
		t.mutex.Lock()
		d.members, d.begins = nil, l.begins(talk.Shape)
		t.mutex.Unlock()
		for _, one := range known {
			m := t.member(a, other, one)
			if m.Standing == direct.Connected {
				d.begins = later(d.begins, one.Since)
			}
			d.members = append(d.members, m)
		}
		if looked {
			err = t.strangers(ctx, a, d.members)
		}
		d.verdict = direct.Decide(talk.Shape, d.members, l.settings, other.capabilities.GroupLimit)
		if err != nil || looked || d.verdict.Reason != direct.SomebodyMissing {
			return d, err
		}
		for i, one := range known {
			if seek := t.gateway.seek; seek != nil && d.members[i].Standing == direct.Unknown && !one.Looked {
				if err := seek(ctx, talk.Conversation.Server, one.User, *there); err != nil {
					return nil, fmt.Errorf("looking for somebody on the other side: %w", err)
				}
			}
		}
	}
}

// member says what the store knows of somebody.
func (t *talks) member(a, other *account, one store.Standing) direct.Member {
	m := direct.Member{User: one.User, Other: one.Other}
	usable := func(s store.IdentityState) bool { return s == store.Connected || s == store.Lost }
	switch {
	case t.gateway.own(*a.server.Load())(one.User):
		m.Standing, m.Other = direct.Own, ""
	case one.Other == "":
	case one.Matched, !usable(one.Here), !usable(one.There): // who has disconnected can still be addressed
		m.Standing = direct.Matched
	case one.Here == store.Connected && one.There == store.Connected:
		m.Standing, m.Away = direct.Connected, one.Preferred != "" && one.Preferred != a.Name
	default:
		m.Standing = direct.Lost
	}
	return m
}

// strangers asks the service what those are whom nobody knows on the other side.
func (t *talks) strangers(ctx context.Context, a *account, all []direct.Member) error {
	for i := range all {
		m := &all[i]
		if m.Standing != direct.Unknown {
			continue
		}
		var p bridge.Profile
		err := guarded(func() (err error) { p, err = a.Bridge.Profile(ctx, m.User); return err })
		switch {
		case err != nil && passes(err):
			return fmt.Errorf("asking who is in a conversation: %w", err)
		case err != nil: // it does not say
		case p.Standing.Presence == bridge.Erased:
			m.Standing = direct.External
		case p.Standing.Bot:
			m.Standing = direct.Bot
		case p.Standing.Presence != bridge.Present && p.Standing.Presence != bridge.Unlicensed:
			m.Standing = direct.Deactivated
		case p.Standing.Guest:
			m.Standing = direct.Guest
		}
	}
	return nil
}

// meeting gives what the store is to note of a decision.
func (d *decision) meeting(a *account, talk bridge.Talk) store.Meeting {
	m := store.Meeting{Regroups: talk.Shape == bridge.Group && a.capabilities.Regroup, Second: int(direct.Second), Moved: int(direct.Moved)}
	m.Talk = store.Talk{Conversation: talk.Conversation, Shape: talk.Shape, Since: talk.Since, Members: talk.Members, Topic: talk.Topic,
		Reason: int(d.verdict.Reason), Missing: d.verdict.Missing}
	if there := d.link.other(a).server.Load(); there != nil && d.verdict.Carried {
		m.Pair = store.Pair{Shape: talk.Shape, Begins: d.begins}
		m.Pair.Ends[0].Conversation.Server, m.Pair.Ends[1].Conversation.Server = min(talk.Conversation.Server, *there), max(talk.Conversation.Server, *there)
		at := m.Pair.At(talk.Conversation.Server)
		m.Pair.Ends[at] = store.PairEnd{Conversation: talk.Conversation, Members: talk.Members}
		m.Pair.Ends[1-at].Members = d.verdict.Members
	}
	return m
}

// store notes a decision, in the store, here and in the table.
func (t *talks) store(ctx context.Context, a *account, talk bridge.Talk, d *decision) (store.Met, error) {
	lines, err := t.moves(ctx, a, talk, d)
	if err != nil {
		return store.Met{}, err
	}
	t.order.Lock()
	defer t.order.Unlock()
	m := d.meeting(a, talk)
	m.Pair.Topic = t.written(a, talk)
	m.Lines = lines
	met, err := t.gateway.store.Meet(context.WithoutCancel(ctx), m)
	if err = t.gateway.stored(err); err != nil {
		return met, err
	}
	t.take(met.Talk, slices.Concat(met.Changed, met.Beside, []store.Pair{met.Pair})...)
	for _, one := range met.Lines {
		if one.User != "" && one.Conversation == talk.Conversation && !one.Each {
			t.told(one.Conversation, one.User, direct.Reason(one.Reason))
		}
		t.gateway.wake(one.Conversation)
	}
	return met, nil
}

// update changes a pair in the store, and takes up what it is then.
func (t *talks) update(change func() (store.Pair, error)) error {
	t.order.Lock()
	defer t.order.Unlock()
	pair, err := change()
	if err = t.gateway.stored(err); err != nil {
		return err
	}
	t.take(store.Talk{}, pair)
	return nil
}
