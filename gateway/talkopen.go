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

// carry makes a talk part of a pair whose other end exists.
func (t *talks) carry(ctx context.Context, a *account, talk bridge.Talk, d *decision) error {
	if err := t.retitle(ctx, a, talk, d); err != nil {
		return err
	}
	var err error
	other := d.link.other(a)
	if d.again, err = t.again(ctx, a, other, talk, t.haltedAs(talk, *other.server.Load()), d.verdict.Members); err != nil {
		return err
	}
	met, err := t.store(ctx, a, talk, d)
	if err != nil {
		return err
	}
	if met.Reason != 0 {
		return t.tellSpeakers(ctx, a, other, talk, direct.Reason(met.Reason), nil)
	}
	if met.Pair.Other(talk.Conversation).Known() {
		t.gateway.wake(talk.Conversation) // where it has taken the place of another one, something may be waiting
		return nil
	}
	return t.open(ctx, a, talk, d, met.Pair)
}

// moves gives what is said where a talk goes on in a conversation that is there already, once it is known which that is. Whoever that is about is
// looked up before. How it is said is known only once the other account has connected.
func (t *talks) moves(ctx context.Context, a *account, talk bridge.Talk, d *decision) (func(store.Met) []store.Telling, error) {
	stops, err := t.stops(ctx, a, talk, d)
	if err != nil || !d.verdict.Carried {
		return stops, err
	}
	other, lines := d.link.other(a), map[int64][]store.Telling{}
	for _, p := range t.leaving(talk) {
		if other.identity.Load() == nil {
			return nil, fmt.Errorf("%s has not connected yet", other.Name)
		}
		lines[p.ID] = t.moveLines(ctx, other, a, p.Other(talk.Conversation), store.PairEnd{Conversation: bridge.ConversationID{Server: *other.server.Load()}, Members: d.verdict.Members})
	}
	atOnce := t.atOnceLines(a, other, talk)
	return func(met store.Met) (all []store.Telling) {
		if met.Reason != 0 {
			return stops(met)
		}
		if met.Pair.State == store.PairOpen && len(met.Beside) > 0 && met.Fresh {
			all = atOnce
		}
		to := met.Pair.Other(talk.Conversation)
		for _, before := range met.Changed {
			if before.State != store.PairMoved || !to.Known() {
				continue
			}
			all = append(all, located(lines[before.ID], to.Conversation)...)
		}
		if to.Known() {
			all = append(all, d.again(to.Conversation)...)
		}
		return all
	}, nil
}

// leaving gives the open pairs of a talk that have other people.
func (t *talks) leaving(talk bridge.Talk) (all []store.Pair) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for p := range t.pairsOf(talk.Conversation) {
		if p.State == store.PairOpen && p.Other(talk.Conversation).Known() && !slices.Equal(p.Here(talk.Conversation).Members, talk.Members) {
			all = append(all, p)
		}
	}
	return all
}

// open finds or makes the other end of a pair, as a connected member: whoever tried before, else who spoke, else anybody.
func (t *talks) open(ctx context.Context, a *account, talk bridge.Talk, d *decision, pair store.Pair) error {
	other := d.link.other(a)
	err := errors.New("none of its members can open it")
	for _, as := range d.openers(pair.Opener, talk.Speaker()) {
		if !slices.Contains(pair.Other(talk.Conversation).Members, as) {
			continue
		}
		var since time.Time
		if pair.Opener == as {
			since = pair.Tried
		}
		var failed error
		if pair, failed = t.gateway.store.Try(ctx, pair.ID, as); failed != nil {
			return t.gateway.stored(failed)
		}
		began := time.Now()
		var c bridge.ConversationID
		if c, err = t.opened(ctx, other, bridge.Opening{As: as, People: pair.Other(talk.Conversation).Members, Topic: pair.Topic, Since: since}); err == nil {
			return t.complete(ctx, a, talk, d, pair, c)
		}
		if bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopePerson {
			t.gateway.lose(ctx, *other.server.Load(), as, began, err)
		} else if !notAllowed(err) {
			break
		}
	}
	switch {
	case notAllowed(err):
		d.verdict = direct.Verdict{Reason: direct.NotAllowed}
		return t.refuse(ctx, a, talk, d)
	case talk.Shape == bridge.Self && bridge.KindOf(err) == bridge.Unsupported:
		d.verdict = direct.Verdict{Reason: direct.Alone}
		return t.refuse(ctx, a, talk, d)
	}
	return fmt.Errorf("opening the conversation in %s: %w", other.Name, err)
}

// notAllowed: not as this person, who has not allowed it.
func notAllowed(err error) bool {
	return err != nil && bridge.KindOf(err) == bridge.Unsupported && bridge.ScopeOf(err) == bridge.ScopePerson
}

func (t *talks) opened(ctx context.Context, other *account, o bridge.Opening) (c bridge.ConversationID, err error) {
	if _, ok := other.ready(ctx, o.As); !ok {
		return c, ctx.Err()
	}
	write, done := detached(ctx)
	defer done()
	err = guarded(func() (err error) { c, err = other.Bridge.OpenConversation(write, o); return err })
	return c, err
}

// openers gives the connected members as they are called on the other side, those whom it shall be first.
func (d *decision) openers(tried, speaker bridge.UserID) []bridge.UserID {
	var all []bridge.UserID
	for _, m := range d.members {
		switch {
		case m.Standing != direct.Connected:
		case m.Other == tried, m.User == speaker && (len(all) == 0 || all[0] != tried):
			all = slices.Insert(all, 0, m.Other)
		default:
			all = append(all, m.Other)
		}
	}
	return all
}

// complete notes the other end of a pair, and says where a talk goes on whose people have changed.
func (t *talks) complete(ctx context.Context, a *account, talk bridge.Talk, d *decision, pair store.Pair, c bridge.ConversationID) error {
	other := d.link.other(a)
	var lines []store.Telling
	if from, ok := t.before(talk, *other.server.Load()); ok && from.Conversation != c {
		lines = t.moveLines(ctx, other, a, from, store.PairEnd{Conversation: c, Members: pair.Other(talk.Conversation).Members})
	}
	lines = append(lines, d.again(c)...)
	if err := t.update(func() (store.Pair, error) {
		return t.gateway.store.Opened(context.WithoutCancel(ctx), pair.ID, c, lines...)
	}); err != nil {
		return err
	}
	for _, one := range lines {
		t.gateway.wake(one.Conversation)
	}
	return nil
}

// before gives the other end of the pair that a talk was part of with the people before these.
func (t *talks) before(talk bridge.Talk, there bridge.ServerID) (store.PairEnd, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	k := t.known[talk.Conversation]
	i := slices.IndexFunc(k.periods, func(p store.Talk) bool { return p.Since.Equal(talk.Since) })
	if i < 0 || i+1 < len(k.periods) {
		return store.PairEnd{}, false
	}
	var last store.Pair
	for p := range t.pairsOf(talk.Conversation) {
		here, other := p.Here(talk.Conversation), p.Other(talk.Conversation)
		if p.State != store.PairMoved || other.Conversation.Server != there || !other.Known() {
			continue
		}
		if i > 0 && slices.Equal(here.Members, k.periods[i-1].Members) || i == 0 && p.ID > last.ID {
			last = p
		}
	}
	return last.Other(talk.Conversation), last.ID != 0
}
