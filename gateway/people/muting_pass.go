package people

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"causeway/bridge"
	"causeway/gateway/store"
)

// muteView is what one pass sees.
type muteView struct {
	// channels are the mirrors of channels, talks those of direct and group conversations, by who is in them.
	channels map[between][]mirror
	talks    map[talker][]mirror
	arrives  map[mirror]truth
	// young: Causeway has just started, so that not all mirrors may be known.
	young bool
}

// between names home and another server.
type between struct{ home, away bridge.ServerID }

// talker is somebody at home who is in a conversation that is carried to another server.
type talker struct {
	between
	user bridge.UserID
}

func (m *muting) view(mirrors []mirror, talkers map[bridge.ConversationID][]bridge.UserID, arrives map[mirror]truth) muteView {
	v := muteView{channels: map[between][]mirror{}, talks: map[talker][]mirror{}, arrives: arrives, young: time.Since(m.began) < muteStart}
	for _, l := range mirrors {
		b := between{l.home.Server, l.away.Server}
		if l.kind == inChannel {
			v.channels[b] = append(v.channels[b], l)
		}
		for _, u := range talkers[l.home] {
			who := talker{b, u}
			v.talks[who] = append(v.talks[who], l)
		}
	}
	return v
}

// homes gives where a person may be muted: who they are on each account where people connect.
func (p *People) homes(person store.Person) []store.Identity {
	var all []store.Identity
	for _, i := range person.Identities {
		if a, ok := p.account(i.Account); ok && a.home() {
			all = append(all, i)
		}
	}
	return all
}

// elsewhere gives where a person prefers to be notified, when that is not at home, and they are connected on both. Lost: they are until they connect again.
func elsewhere(person store.Person, home store.Identity) (there store.Identity, lost, ok bool) {
	there, ok = person.On(person.Preferred)
	for _, i := range []store.Identity{there, home} {
		lost = lost || i.State == store.Lost
		ok = ok && (i.State == store.Connected || i.State == store.Lost)
	}
	return there, lost, ok && there.Server != home.Server
}

// wishes are what should be for somebody at home.
type wishes struct {
	of map[bridge.ChannelID]wish
	// rest is what should be of all other conversations.
	rest wish
}

func (w wishes) wish(c bridge.ChannelID) wish {
	if one, ok := w.of[c]; ok {
		return one
	}
	return w.rest
}

func (m *muting) wishes(v muteView, person store.Person, home store.Identity) wishes {
	there, lost, away := elsewhere(person, home)
	if !away {
		return wishes{}
	}
	all := wishes{of: map[bridge.ChannelID]wish{}}
	if v.young {
		all.rest = wishAsIs
	}
	note := func(l mirror, member truth) {
		arrives := v.arrives[l]
		if lost { // what they have changed by hand is still theirs when they are back
			arrives = no
		}
		w := circumstances{elsewhere: true, bridged: yes, member: member, everybody: l.everybody, arrives: arrives}.wish()
		all.of[l.home.Channel] = max(all.of[l.home.Channel], w)
	}
	b := between{home.Server, there.Server}
	for _, l := range v.channels[b] {
		note(l, min(m.members.has(l.home, home.User), m.members.has(l.away, there.User)))
	}
	for _, l := range v.talks[talker{b, home.User}] {
		note(l, yes)
	}
	return all
}

// pass does once what is to be done. early: it has left something, since fresh said so.
func (m *muting) pass(ctx context.Context, v muteView, fresh func() bool) (early bool, err error) {
	people, err := m.p.o.Store.People(ctx)
	if err != nil {
		return false, err
	}
	mutes, err := m.p.o.Store.Mutes(ctx)
	if err != nil {
		return false, err
	}
	m.learn(ctx, v, people)
	loud, silent := m.plan(v, people, mutes)
	// What must be heard again goes first.
	for _, users := range []map[bridge.AccountName][]store.User{loud, silent} {
		var left bool
		left, failed := m.each(ctx, users, fresh, func(ctx context.Context, u store.User) error {
			_, err := m.settle(ctx, v, u)
			return err
		})
		early, err = early || left, errors.Join(err, failed)
	}
	return early, err
}

// plan finds for whom there is something to do, by the account at home: first those for whom something may be unmuted.
func (m *muting) plan(v muteView, people []store.Person, mutes []store.Mute) (loud, silent map[bridge.AccountName][]store.User) {
	was := map[store.User][]store.Mute{}
	for _, one := range mutes {
		u := store.User{Server: one.Server, User: one.User}
		was[u] = append(was[u], one)
	}
	loud, silent = map[bridge.AccountName][]store.User{}, map[bridge.AccountName][]store.User{}
	for _, person := range people {
		for _, home := range m.p.homes(person) {
			u := store.User{Server: home.Server, User: home.User}
			unmutes, mutes := outstanding(m.wishes(v, person, home), was[u])
			delete(was, u)
			switch {
			case unmutes:
				loud[home.Account] = append(loud[home.Account], u)
			case mutes:
				silent[home.Account] = append(silent[home.Account], u)
			}
		}
	}
	for u := range was { // who has been forgotten
		loud[""] = append(loud[""], u)
	}
	return loud, silent
}

// outstanding reports whether something is to be undone or otherwise changed.
func outstanding(w wishes, was []store.Mute) (unmutes, mutes bool) {
	known := map[bridge.ChannelID]bool{}
	for i, one := range was {
		known[one.Channel] = true
		if nextMove(&was[i], w.wish(one.Channel), "", nil) != toStay {
			unmutes = unmutes || w.wish(one.Channel) != wishMuted
			mutes = true
		}
	}
	for c, one := range w.of {
		mutes = mutes || one == wishMuted && !known[c]
	}
	return unmutes, mutes
}

// muteCandidate is somebody who prefers another account, and since when that is known.
type muteCandidate struct {
	home, there bridge.UserID
	since       time.Time
}

// candidates gives those who prefer another account.
func (m *muting) candidates(people []store.Person) map[between][]muteCandidate {
	now, since, all := time.Now(), map[store.User]time.Time{}, map[between][]muteCandidate{}
	for _, person := range people {
		for _, home := range m.p.homes(person) {
			there, _, ok := elsewhere(person, home)
			if !ok {
				continue
			}
			u := store.User{Server: home.Server, User: home.User}
			since[u] = now
			if before, known := m.since[u]; known {
				since[u] = before
			}
			b := between{home.Server, there.Server}
			all[b] = append(all[b], muteCandidate{home.User, there.User, since[u]})
		}
	}
	m.since = since
	return all
}

// learn asks who is in the conversations that may reach somebody who prefers another account.
func (m *muting) learn(ctx context.Context, v muteView, people []store.Person) {
	users := m.candidates(people)
	near, far := map[bridge.AccountName][]bridge.ConversationID{}, map[bridge.AccountName][]bridge.ConversationID{}
	for b, candidates := range users {
		for _, l := range v.channels[b] {
			near[l.near] = append(near[l.near], l.home)
			for _, c := range candidates {
				m.members.doubt(l.home, c.home, c.since)
			}
		}
	}
	m.ask(ctx, near)
	for b, candidates := range users {
		for _, l := range v.channels[b] {
			reaches := false
			for _, c := range candidates {
				if m.members.has(l.home, c.home) == yes {
					reaches = true
					m.members.doubt(l.away, c.there, c.since)
				}
			}
			if reaches {
				far[l.far] = append(far[l.far], l.away)
			}
		}
	}
	m.ask(ctx, far)
	m.members.forget()
}

func (m *muting) ask(ctx context.Context, all map[bridge.AccountName][]bridge.ConversationID) {
	var tasks sync.WaitGroup
	for name, conversations := range all {
		a, ok := m.p.account(name)
		if _, connected := m.p.server(name); !ok || !connected { // just after the start; there is news when it has connected, as messages arrive then
			continue
		}
		tasks.Go(func() {
			var group errgroup.Group
			group.SetLimit(muteLimit)
			for _, c := range conversations {
				group.Go(func() error {
					asked := true
					err := guarded(func() (err error) { asked, err = m.members.learn(ctx, a.Bridge, c); return err })
					if asked && ctx.Err() == nil {
						m.failing.report("members "+c.String(), m.log.WithFields(map[string]any{"account": string(name), "channel": c.String()}), "asking who is in a conversation", err)
					}
					return nil
				})
			}
			_ = group.Wait()
		})
	}
	tasks.Wait()
}

// each does something for users, a few at once for each account, until an account fails. It ends early when fresh says so, after a few.
func (m *muting) each(ctx context.Context, all map[bridge.AccountName][]store.User, fresh func() bool, do func(context.Context, store.User) error) (early bool, err error) {
	var mutex sync.Mutex
	var tasks sync.WaitGroup
	for _, users := range all {
		tasks.Go(func() {
			group, going := errgroup.WithContext(ctx)
			group.SetLimit(muteLimit)
			left := false
			for n, u := range users {
				if left = n >= 2*muteLimit && fresh(); left || going.Err() != nil {
					break
				}
				// What has begun is not broken off when another one fails.
				group.Go(func() error { return guarded(func() error { return do(ctx, u) }) })
			}
			failed := group.Wait()
			mutex.Lock()
			defer mutex.Unlock()
			early, err = early || left, errors.Join(err, failed)
		})
	}
	tasks.Wait()
	return early, err
}
