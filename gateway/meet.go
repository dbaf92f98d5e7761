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
	for _, l := range *t.links.Load() {
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
		if refused == nil {
			refused = d
		}
	}
	if refused == nil {
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
		t.gateway.wake(one.Conversation)
	}
	return met, nil
}

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

// carry makes a talk part of a pair whose other end exists.
func (t *talks) carry(ctx context.Context, a *account, talk bridge.Talk, d *decision) error {
	if err := t.retitle(ctx, a, talk, d); err != nil {
		return err
	}
	met, err := t.store(ctx, a, talk, d)
	if err != nil {
		return err
	}
	if met.Reason != 0 {
		return t.tellSpeaker(ctx, a, d.link.other(a), talk, direct.Reason(met.Reason), nil)
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
	if !d.verdict.Carried {
		return nil, nil
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
		if met.Reason == 0 && met.Pair.State == store.PairOpen && len(met.Beside) > 0 && met.Fresh {
			all = atOnce
		}
		to := met.Pair.Other(talk.Conversation)
		for _, before := range met.Changed {
			if met.Reason != 0 || before.State != store.PairMoved || !to.Known() {
				continue
			}
			for _, one := range lines[before.ID] {
				if one.Conversation.Channel == "" {
					one.Conversation = to.Conversation
				}
				all = append(all, one)
			}
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
	for _, as := range d.openers(pair.Opener, talk.Speaker) {
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
	for _, as := range d.openers("", talk.Speaker) {
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

// refuse notes why a talk is not carried, and tells who spoke there.
func (t *talks) refuse(ctx context.Context, a *account, talk bridge.Talk, d *decision) error {
	if _, err := t.store(ctx, a, talk, d); err != nil {
		return err
	}
	return t.tellSpeaker(ctx, a, d.link.other(a), talk, d.verdict.Reason, d.verdict.Missing)
}

// tellSpeaker tells a connected person who spoke in a refused talk why it is not carried, once.
func (t *talks) tellSpeaker(ctx context.Context, a, other *account, talk bridge.Talk, r direct.Reason, missing []bridge.UserID) error {
	if !direct.Tells(talk.Shape, r) || talk.Speaker == "" || !t.connected(talk.Conversation.Server, talk.Speaker) || t.knows(talk.Conversation, talk.Speaker, r) {
		return nil
	}
	notice := bridge.Notice{Conversation: talk.Conversation, User: talk.Speaker, Text: refusalText(other, r, a.names(ctx, missing))}
	if r == direct.NotAllowed && t.gateway.invite != nil {
		notice.Choices = t.gateway.invite(a.Name, talk.Speaker)
	}
	if err := guarded(func() error { return a.Bridge.Notify(ctx, notice) }); err != nil && passes(err) {
		return fmt.Errorf("telling somebody why their conversation is not carried: %w", err)
	}
	told := store.Told{Conversation: talk.Conversation, User: talk.Speaker, Reason: int(r)}
	if err := t.gateway.stored(t.gateway.store.Know(context.WithoutCancel(ctx), told)); err != nil {
		return err
	}
	t.told(talk.Conversation, talk.Speaker, r)
	return nil
}

// told notes that somebody knows why a talk is not carried.
func (t *talks) told(c bridge.ConversationID, u bridge.UserID, r direct.Reason) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.talkOf(c).told[store.Told{User: u, Reason: int(r)}] = true
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
