package gateway

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// askedAgain is how long a refusal holds that is about people, of whom nobody tells when that changes. Then the talk is met again, when somebody speaks.
const askedAgain = time.Hour

// Of a group whose people can change, of which nobody tells either while nothing of it is read, a refusal holds for a shorter time: where that is because there
// are too many or too few, to ask costs one request.
const (
	changedAgain = 10 * time.Minute
	countedAgain = 5 * time.Minute
)

// lasts tells how long a refusal holds; false: as long as the conversation and the config are the same. It is called with the mutex held.
func (t *talks) lasts(talk *store.Talk) (time.Duration, bool) {
	reason := direct.Reason(talk.Reason)
	misfit := reason == direct.TooMany || reason == direct.TooFew
	switch {
	case talk.Shape == bridge.Group && t.regroups(talk.Conversation.Server) && (misfit || !settled(reason)):
		if misfit {
			return countedAgain, true
		}
		return changedAgain, true
	case settled(reason):
		return 0, false
	}
	return askedAgain, true
}

// regroups reports whether the people in groups of a server can change.
func (t *talks) regroups(server bridge.ServerID) bool {
	return slices.ContainsFunc(*t.links.Load(), func(l *link) bool {
		return slices.ContainsFunc(l.ends[:], func(a *account) bool {
			s := a.server.Load()
			return s != nil && *s == server && a.capabilities.Regroup
		})
	})
}

// Observed implements bridge.Inbox.
func (i inbox) Observed() ([]bridge.Observed, <-chan struct{}) {
	t := i.gateway.talks
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.observed[i.account.Name]), t.changed
}

// Interest implements bridge.Inbox.
func (i inbox) Interest(c bridge.ConversationID) bridge.Interest {
	if p := i.gateway.table.Load().at(c); p != nil && p.talk == nil {
		return bridge.Ignored // a channel of the config
	}
	return i.gateway.talks.interest(c)
}

// Lost implements bridge.Inbox.
func (i inbox) Lost(ctx context.Context, u bridge.UserID, began time.Time, err error) {
	if id := i.account.identity.Load(); id != nil {
		i.gateway.lose(ctx, id.Server, u, began, err)
	}
}

// Begin implements bridge.Inbox.
func (i inbox) Begin(c bridge.ConversationID) time.Time {
	if p := i.gateway.table.Load().at(c); p != nil && p.talk != nil {
		return p.talk.begin
	}
	return time.Time{}
}

// Readers implements bridge.Inbox.
func (i inbox) Readers(c bridge.ConversationID) []bridge.UserID {
	if p := i.gateway.table.Load().at(c); p != nil && p.talk != nil {
		return slices.Clone(p.talk.readers)
	}
	return nil
}

func (t *talks) interest(c bridge.ConversationID) bridge.Interest {
	place := t.gateway.table.Load().at(c)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	k := t.known[c]
	carried := place != nil && place.talk != nil && place.in && !place.talk.opening()
	if t.off[c] && !carried {
		return bridge.Ignored
	}
	if k == nil || len(k.periods) == 0 {
		if carried {
			return bridge.Carried
		}
		return bridge.Unmet
	}
	latest := k.latest()
	reason := direct.Reason(latest.Reason)
	lasts, ends := t.lasts(latest)
	stale := k.lifted || ends && time.Since(latest.Decided) > lasts
	switch {
	case carried && (reason == direct.None || reason == direct.Moved || !stale): // with other people it was carried, and is read on
		return bridge.Carried
	case reason == direct.None || stale:
		return bridge.Unmet
	case !direct.Tells(latest.Shape, reason):
		return bridge.Ignored
	}
	for _, u := range latest.Members {
		who, ok := t.users[store.User{Server: c.Server, User: u}]
		if ok && who.state == store.Connected && who.anywhere && !k.told[store.Told{User: u, Reason: latest.Reason}] {
			return bridge.Refused
		}
	}
	return bridge.Ignored
}

// PeopleChanged tells that the store says something new about people. It returns at once.
func (g *Gateway) PeopleChanged() { g.talks.wanted() }

// watch goes by who is connected, until ctx ends.
func (t *talks) watch(ctx context.Context) {
	for failures := 0; ; {
		var err error
		if len(*t.links.Load()) > 0 {
			err = t.people(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		t.failing.report("people", t.gateway.log, "looking who is connected", err)
		if err != nil {
			failures++
			if !pause(ctx, t.gateway.backoff(failures)) {
				return
			}
			continue
		}
		failures = 0
		select {
		case <-t.regard:
		case <-ctx.Done():
			return
		}
	}
}

// people takes up who is connected, and what follows for talks: who cannot be carried any more rests, what was refused because of them is open
// again, and what waits for them goes on.
func (t *talks) people(ctx context.Context) error {
	if err := t.learn(ctx); err != nil {
		return err
	}
	t.mutex.Lock()
	doubtful := slices.Sorted(maps.Keys(t.doubtful))
	t.mutex.Unlock()
	var failed error
	for _, id := range doubtful {
		failed = errors.Join(failed, t.reconsider(ctx, id))
	}
	released, err := t.gateway.store.Release(ctx)
	if err = t.gateway.stored(err); err != nil {
		return err
	}
	t.gateway.wake(released...)
	return failed
}

// learn reads who is connected and matched, and marks the talks for which that may matter.
func (t *talks) learn(ctx context.Context) error {
	all, err := t.gateway.store.People(ctx)
	if err != nil {
		t.gateway.storeFailed(err)
		return err
	}
	matches, err := t.gateway.store.Matches(ctx)
	if err != nil {
		t.gateway.storeFailed(err)
		return err
	}
	users := map[store.User]user{}
	for _, p := range all {
		for _, i := range p.Identities {
			anywhere := slices.ContainsFunc(p.Identities, func(o store.Identity) bool { return o.Server != i.Server && o.State == store.Connected })
			users[store.User{Server: i.Server, User: i.User}] = user{p.ID, i.State, i.Account, p.Preferred, p.Observe, anywhere, i.Since.UnixMilli()}
		}
	}
	if t.regarded(users, newMatched(matches)) {
		t.gateway.retable()
	}
	return nil
}

// regarded takes up who people are, and reports whether that makes places of others.
func (t *talks) regarded(users map[store.User]user, matched matched) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	before := t.users
	t.users, t.matched = users, matched
	changed := map[store.User]bool{}
	for _, all := range []map[store.User]user{before, users} {
		for at := range all {
			if before[at] != users[at] {
				changed[at] = true
			}
		}
	}
	differs := func(server bridge.ServerID, members []bridge.UserID) bool {
		return len(changed) > 0 && slices.ContainsFunc(members, func(u bridge.UserID) bool { return changed[store.User{Server: server, User: u}] })
	}
	for c, k := range t.known {
		if len(k.periods) > 0 && !settled(direct.Reason(k.latest().Reason)) && differs(c.Server, k.latest().Members) {
			k.lifted = true
		}
	}
	for _, p := range t.pairs {
		if p.State.Live() && (differs(p.Ends[0].Conversation.Server, p.Ends[0].Members) || differs(p.Ends[1].Conversation.Server, p.Ends[1].Members) ||
			t.matchedOtherwise(p, 0) || t.matchedOtherwise(p, 1)) {
			t.doubtful[p.ID] = true
		}
	}
	t.observe()
	return len(changed) > 0
}

// matched is who is known by their e-mail address, by who they are and on which server.
type matched map[store.User]map[bridge.ServerID]bridge.UserID

// newMatched counts each match in both directions, the one that was looked for more.
func newMatched(all []store.Match) matched {
	m := matched{}
	note := func(u store.User, server bridge.ServerID, other bridge.UserID) {
		if m[u] == nil {
			m[u] = map[bridge.ServerID]bridge.UserID{}
		}
		m[u][server] = other
	}
	for _, one := range all {
		if one.Other != "" {
			note(store.User{Server: one.OtherServer, User: one.Other}, one.Server, one.User.User)
		}
	}
	for _, one := range all {
		note(one.User, one.OtherServer, one.Other)
	}
	return m
}

// matchedOtherwise reports whether a member of an end of a pair, who has not connected, is known to be nobody of the other end, or not known any
// more. It is called with the mutex held.
func (t *talks) matchedOtherwise(p store.Pair, n int) bool {
	end, other := p.Ends[n], p.Ends[1-n]
	return slices.ContainsFunc(end.Members, func(u bridge.UserID) bool {
		at := store.User{Server: end.Conversation.Server, User: u}
		if _, connected := t.users[at]; connected {
			return false
		}
		return !slices.Contains(other.Members, t.matched[at][other.Conversation.Server])
	})
}

// observe finds whose talks are to be noticed; it is called with the mutex held.
func (t *talks) observe() {
	observed := map[bridge.AccountName][]bridge.Observed{}
	for at, u := range t.users {
		if u.state != store.Connected || !u.anywhere {
			continue
		}
		a := t.gateway.setup.Load().accounts[u.account]
		if a != nil && a.capabilities.Direct && slices.ContainsFunc(*t.links.Load(), func(l *link) bool { return l.has(a) && (l.on(bridge.Pair) || l.on(bridge.Group)) }) {
			observed[u.account] = append(observed[u.account], bridge.Observed{User: at.User, Since: time.UnixMilli(u.since), Online: u.observe && u.prefers != "" && u.prefers != u.account})
		}
	}
	changed := len(observed) != len(t.observed)
	for name, all := range observed {
		slices.SortFunc(all, func(a, b bridge.Observed) int { return cmp.Compare(a.User, b.User) })
		changed = changed || !slices.Equal(all, t.observed[name])
	}
	t.observed = observed
	if changed {
		close(t.changed)
		t.changed = make(chan struct{})
	}
}

// reconsider lets a pair rest that may not be carried any more.
func (t *talks) reconsider(ctx context.Context, id int64) error {
	t.mutex.Lock()
	p := t.pairs[id]
	t.mutex.Unlock()
	err := t.weigh(ctx, p)
	if err == nil {
		t.mutex.Lock()
		defer t.mutex.Unlock()
		delete(t.doubtful, id)
	}
	return err
}

func (t *talks) weigh(ctx context.Context, p store.Pair) error {
	weighed := false
	for n, end := range p.Ends {
		if !end.Known() {
			continue
		}
		if weighed { // by who they are from here the others may be known on one side only
			t.mutex.Lock()
			otherwise := t.matchedOtherwise(p, n)
			t.mutex.Unlock()
			if !otherwise {
				return nil
			}
		}
		weighed = true
		if rests, err := t.weighEnd(ctx, p, end, p.Ends[1-n]); rests || err != nil {
			return err
		}
	}
	return nil
}

// weighEnd weighs a pair by who the members of one end are elsewhere, and tells whether it rests now.
func (t *talks) weighEnd(ctx context.Context, p store.Pair, end, other store.PairEnd) (bool, error) {
	l, a := t.linkOf(end.Conversation.Server, other.Conversation.Server)
	if l == nil || !l.on(p.Shape) || !p.State.Live() {
		return false, nil
	}
	unlock := t.meeting.lock(ctx, end.Conversation)
	if unlock == nil {
		return false, ctx.Err()
	}
	defer unlock()
	d, err := t.decide(ctx, l, a, bridge.Talk{Conversation: end.Conversation, Shape: p.Shape, Members: end.Members})
	if err != nil {
		return false, err
	}
	if d.verdict.Carried && slices.Equal(d.verdict.Members, other.Members) {
		return false, nil
	}
	reason := cmp.Or(d.verdict.Reason, direct.SomebodyMissing)
	var missing [2][]bridge.UserID
	missing[p.At(end.Conversation.Server)] = d.verdict.Missing
	t.order.Lock()
	defer t.order.Unlock()
	if err := t.gateway.stored(t.gateway.store.Rest(context.WithoutCancel(ctx), p.ID, int(reason), missing)); err != nil {
		return false, err
	}
	t.replaced(t.rested(p.ID, int(reason), missing, d.verdict.Carried))
	return true, nil
}

// rested notes that a pair rests, and gives its conversations. elsewhere: they are carried, with somebody else on the other side.
func (t *talks) rested(id int64, reason int, missing [2][]bridge.UserID, elsewhere bool) map[bridge.ConversationID]bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	p, ends := t.pairs[id], map[bridge.ConversationID]bool{}
	if p.State.Live() {
		p.State = store.PairResting
		t.pairs[id] = p
	}
	for _, e := range p.Ends {
		ends[e.Conversation] = true
		k := t.known[e.Conversation]
		for i := 0; k != nil && i < len(k.periods); i++ {
			if one := &k.periods[i]; one.Reason == 0 && slices.Equal(one.Members, e.Members) {
				one.Reason, one.Missing, one.Decided = reason, missing[p.At(e.Conversation.Server)], time.Now()
			}
		}
		if k != nil {
			k.lifted = elsewhere
		}
	}
	return ends
}
