package people

import (
	"context"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

const (
	// matchLife is how long it counts that somebody was found on another server, or nobody was. Who was found is looked at again so much earlier.
	matchLife = 24 * time.Hour
	matchLead = 4 * time.Hour
	// matchPace is the least time between two looks, matchRetry how long after a failure somebody is looked at again, if they say something.
	matchPace  = time.Second
	matchRetry = time.Minute
	// matchUpkeep is how often the store is asked whose time has come.
	matchUpkeep = 10 * time.Minute
	// matchKnown is of how many authors is remembered that they need no look; matchMost how many may wait for theirs. Others wait until they
	// say something again.
	matchKnown = 10_000
	matchMost  = 1_000
)

// matching finds out who people that are not connected are on the servers that their messages go to, by e-mail addresses for which
// both services vouch. It is never a reason to write as somebody.
//
// It hears of everybody who says something, and looks at one after the other. Only what was found is kept, a day long; a look that was broken off
// is made again when they say something.
type matching struct {
	p       *People
	log     *logrus.Entry
	failing troubles
	// known tells when somebody may need a look again.
	known *lru.Cache[store.User, time.Time]
	asked chan store.User
	// turn is held by whoever asks.
	turn sync.Mutex
	// resting are accounts that said that they must not be asked before.
	resting map[bridge.AccountName]time.Time
}

func newMatching(p *People) *matching {
	known, err := lru.New[store.User, time.Time](matchKnown)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &matching{p: p, log: p.o.Log, known: known, asked: make(chan store.User, matchMost), resting: map[bridge.AccountName]time.Time{}}
}

// Spoke takes who has said something. It returns at once.
func (p *People) Spoke(server bridge.ServerID, u bridge.UserID) {
	p.matching.wanted(store.User{Server: server, User: u})
}

// wanted puts somebody in the queue who may need a look.
func (m *matching) wanted(u store.User) {
	if !m.p.o.Settings.MatchByEmail {
		return
	}
	now := time.Now()
	if again, ok := m.known.Get(u); ok && now.Before(again) {
		return
	}
	select {
	case m.asked <- u:
		m.known.Add(u, now.Add(matchLife)) // or earlier, as the look will say
	default:
	}
}

func (m *matching) run(ctx context.Context) {
	if !m.p.o.Settings.MatchByEmail {
		m.forget(ctx)
		return
	}
	again := time.NewTicker(matchUpkeep)
	defer again.Stop()
	for m.upkeep(ctx); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-again.C:
			m.upkeep(ctx)
		case u := <-m.asked:
			m.look(ctx, u)
		}
	}
}

// forget deletes what was found before it was switched off.
func (m *matching) forget(ctx context.Context) {
	for {
		found, err := m.p.o.Store.ExpireMatches(ctx, time.Now())
		if ctx.Err() != nil {
			return
		}
		if found {
			m.p.changed()
		}
		m.failing.report("store", m.log, "forgetting people who were known by their e-mail addresses", err)
		if err == nil || !pause(ctx, matchRetry) {
			return
		}
	}
}

// upkeep forgets what does not count any more, and looks again at those who were found, before that time comes.
func (m *matching) upkeep(ctx context.Context) {
	now := time.Now()
	found, err := m.p.o.Store.ExpireMatches(ctx, now.Add(-matchLife))
	if found { // nobody vouches any more that they are who they were: a conversation may go to them
		m.p.changed()
	}
	var due []store.User
	if err == nil {
		due, err = m.p.o.Store.Matched(ctx, now.Add(matchLead-matchLife))
	}
	if ctx.Err() != nil {
		return
	}
	m.failing.report("store", m.log, "reading who is known by their e-mail address", err)
	for _, u := range due {
		m.wanted(u)
	}
}

// look makes all looks that somebody needs, and notes when they may need one again.
func (m *matching) look(ctx context.Context, u store.User) {
	again := time.Now().Add(matchLife)
	for _, w := range m.ways(u.Server) {
		next, asked, err := m.follow(ctx, w, u)
		if ctx.Err() != nil {
			return
		}
		if asked || err != nil {
			m.failing.report(string(w.from.Name)+" "+string(w.to.Name), m.log.WithField("account", string(w.from.Name)), "finding who has the same e-mail address", err)
		}
		if next.Before(again) {
			again = next
		}
		if asked && !pause(ctx, matchPace) {
			return
		}
	}
	m.known.Add(u, again)
}

// way leads from an account whose people are looked for to one that messages of theirs go to.
type way struct {
	from, to Account
	server   bridge.ServerID // of to
}

// ways gives one for each server to which messages of a server's people go, or may come from.
func (m *matching) ways(server bridge.ServerID) []way {
	var all []way
	seen := map[bridge.ServerID]bool{server: true}
	for _, from := range m.p.o.Accounts {
		if s, ok := m.p.server(from.Name); !ok || s != server {
			continue
		}
		for _, name := range from.With {
			to, known := m.p.account(name)
			s, ok := m.p.server(name)
			if known && ok && !seen[s] {
				seen[s] = true
				all = append(all, way{from, to, s})
			}
		}
	}
	return all
}

// follow looks for somebody on another server, if that is needed. It gives when it may be needed again, and whether a service was asked.
func (m *matching) follow(ctx context.Context, w way, u store.User) (again time.Time, asked bool, err error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	now := time.Now()
	if again, err = m.settled(ctx, w, u); err != nil {
		return now.Add(matchRetry), false, err
	}
	if again.After(now) {
		return again, false, nil
	}
	for _, a := range []Account{w.from, w.to} {
		if at := m.resting[a.Name]; at.After(now) {
			return at, false, nil
		}
	}
	who, err := m.other(ctx, w, u)
	switch kind := bridge.KindOf(err); {
	case err == nil:
	case kind == bridge.Gone, kind == bridge.Unsupported: // as when there is nobody
		err = nil
	case kind == bridge.Rejected, kind == bridge.Unauthorised && bridge.ScopeOf(err) != bridge.ScopeAccount: // nor is it another time
	default:
		return now.Add(max(matchRetry, bridge.AfterOf(err))), true, err
	}
	found := store.Match{User: u, OtherServer: w.server, Other: who.ID, Name: who.Name, Seen: now}
	before, _, failed := m.p.o.Store.Match(ctx, u, w.server)
	if failed == nil {
		failed = m.p.o.Store.NoteMatch(ctx, found)
	}
	if failed != nil {
		return now.Add(matchRetry), true, failed
	}
	if before.Other != "" && before.Other != found.Other { // a conversation may have gone to them
		m.p.changed()
	}
	return life(found), true, err
}

// life tells until when a match needs no look.
func life(m store.Match) time.Time {
	if m.Other != "" {
		return m.Seen.Add(matchLife - matchLead)
	}
	return m.Seen.Add(matchLife)
}

// settled gives until when nothing has to be asked: somebody is connected, is an account of Causeway, or was looked at; else a time that is past.
func (m *matching) settled(ctx context.Context, w way, u store.User) (time.Time, error) {
	tomorrow := time.Now().Add(matchLife)
	if m.own(u) {
		return tomorrow, nil
	}
	person, known, err := m.p.o.Store.PersonOf(ctx, u.Server, u.User)
	if err != nil {
		return time.Time{}, err
	}
	if _, ok := on(person, w.server); known && ok {
		return tomorrow, nil
	}
	before, ok, err := m.p.o.Store.Match(ctx, u, w.server)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return life(before), nil
}

// other asks both services. It gives nobody, without an error, where one of them vouches for less than that it is one human with one address.
func (m *matching) other(ctx context.Context, w way, u store.User) (bridge.Profile, error) {
	nobody := bridge.Profile{}
	here, err := m.ask(w.from, func(b bridge.Bridge) (bridge.Profile, error) { return b.Profile(ctx, u.User) })
	if err != nil || !vouched(here) {
		return nobody, err
	}
	find := func(b bridge.Bridge) (bridge.Profile, error) { return b.FindUser(ctx, strings.TrimSpace(here.Email)) }
	there, err := m.ask(w.to, find)
	if err != nil || !vouched(there) || !oneAddress(here, there) || m.own(store.User{Server: w.server, User: there.ID}) {
		return nobody, err
	}
	back, err := m.ask(w.from, find) // where two have one address, it is not known whose it is
	if err != nil || back.ID != u.User {
		return nobody, err
	}
	return there, nil
}

// ask notes until when an account must not be asked again.
func (m *matching) ask(a Account, do func(bridge.Bridge) (bridge.Profile, error)) (bridge.Profile, error) {
	p, err := do(a.Bridge)
	if after := bridge.AfterOf(err); after > 0 {
		m.resting[a.Name] = time.Now().Add(after)
	}
	return p, err
}

// own reports whether somebody is an account of Causeway.
func (m *matching) own(u store.User) bool {
	for _, a := range m.p.o.Accounts {
		if id, ok := m.p.o.Gateway.Identity(a.Name); ok && id.Server == u.Server && id.User == u.User {
			return true
		}
	}
	return false
}

// vouched: a service says that it is a human of its own who can use it, and whose the address is.
func vouched(p bridge.Profile) bool {
	return p.ID != "" && p.Email != "" && p.EmailProven && p.Standing.Presence == bridge.Present && !p.Standing.Bot && !p.Standing.Guest
}

func oneAddress(a, b bridge.Profile) bool {
	return strings.EqualFold(strings.TrimSpace(a.Email), strings.TrimSpace(b.Email))
}
