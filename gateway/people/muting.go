package people

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

// How often and how fast muting is done.
const (
	// muteTick is how often is looked whether messages still arrive. It asks nobody.
	muteTick = 2 * time.Second
	// muteSweep is how often members are asked for, for those who have joined or left.
	muteSweep = 10 * time.Minute
	// muteGrace is how long after messages have ceased to arrive conversations stay muted.
	muteGrace = time.Minute
	// muteStart is how long after the start a conversation that no gateway has may still be found to belong to one.
	muteStart = 10 * time.Second
	// muteLimit is how many changes and questions run at once with one account.
	muteLimit = 4
	// muteRetry and muteRetryLongest bound the wait after a failure.
	muteRetry        = 5 * time.Second
	muteRetryLongest = 5 * time.Minute
)

// muting keeps conversations muted at home for people who prefer another account, where those really reach them there.
//
// It compares what should be with the store in passes. Every muteSweep a pass costs a question for members at each end of each
// channel of a gateway in which such a person is, none for direct and group conversations; and once, two calls and two commits for each person and conversation that is to be changed.
// Where all is as it should be, it asks nothing. A pass ends early when there is news, and the next one goes on.
type muting struct {
	p       *People
	log     *logrus.Entry
	members *members
	began   time.Time
	sweep   time.Time // when the next one is due
	failing troubles
	people  locks
	// since is when the present passes first saw that somebody prefers another account.
	since map[store.User]time.Time
	woke  chan struct{}

	mutex sync.Mutex
	// down tells since when nothing arrives.
	down map[mirror]time.Time
}

func newMuting(p *People) *muting {
	return &muting{
		p: p, log: p.o.Log, members: p.members, began: time.Now(), down: map[mirror]time.Time{}, woke: make(chan struct{}, 1),
	}
}

// mirrors gives what is carried from home to elsewhere, of gateways and of direct and group conversations; who is in each of these; and a channel that is
// closed when any of it has changed.
func (m *muting) mirrors() (all []mirror, talkers map[bridge.ConversationID][]bridge.UserID, changed <-chan struct{}) {
	routes, changed := m.p.o.Gateway.Routes()
	talkers = map[bridge.ConversationID][]bridge.UserID{}
	for _, p := range routes {
		if a, ok := m.p.account(p.Reader); ok && a.home() {
			all = append(all, mirror{kind: kindOf(p.Shape), home: p.From, away: p.To, near: p.Reader, far: p.Writer, everybody: whether(p.Everybody || p.Shape == bridge.Open)})
			if p.Shape != bridge.Open {
				talkers[p.From] = p.Members
			}
		}
	}
	return all, talkers, changed
}

// Wake makes it look at once.
func (m *muting) Wake() {
	select {
	case m.woke <- struct{}{}:
	default:
	}
}

func (m *muting) run(ctx context.Context) {
	tick := time.NewTicker(muteTick)
	defer tick.Stop()
	for failures := 0; ctx.Err() == nil; {
		select {
		case <-m.woke:
		default:
		}
		news := m.p.changes()
		mirrors, talkers, changed := m.mirrors()
		arrives, connected := m.arriving(mirrors), m.connected()
		early, err := m.pass(ctx, m.view(mirrors, talkers, arrives), func() bool { return closed(news) || closed(changed) || len(m.woke) > 0 })
		m.failing.report("pass", m.log, "muting", err)
		due := m.due(&failures, err)
		if again, failed := m.members.failed(); failed && again.Before(due) {
			due = again
		}
		for waiting := !early; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-news:
				waiting = false
			case <-changed:
				waiting = false
			case <-m.woke:
				m.Wake() // it is taken above
				waiting = false
			case <-tick.C:
				waiting = time.Now().Before(due) && maps.Equal(arrives, m.arriving(mirrors)) && connected == m.connected()
			}
		}
	}
}

// connected counts the accounts that have connected once.
func (m *muting) connected() (n int) {
	for _, a := range m.p.o.Accounts {
		if _, ok := m.p.server(a.Name); ok {
			n++
		}
	}
	return n
}

// due tells when the next pass begins at the latest, and counts the failures in a row.
func (m *muting) due(failures *int, err error) time.Time {
	now := time.Now()
	if err != nil {
		*failures++
		return now.Add(max(min(muteRetryLongest, muteRetry<<min(*failures-1, 10)), bridge.AfterOf(err)))
	}
	*failures = 0
	if !now.Before(m.sweep) {
		m.sweep = now.Add(muteSweep) // passes in between ask for few members
	}
	if start := m.began.Add(muteStart); now.Before(start) {
		return start
	}
	return m.sweep
}

// closed reports whether a channel is.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// arriving tells for each mirror whether what is said arrives.
func (m *muting) arriving(mirrors []mirror) map[mirror]truth {
	now, all := time.Now(), make(map[mirror]truth, len(mirrors))
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, l := range mirrors {
		since, down := m.down[l]
		switch {
		case m.p.o.Gateway.Delivers(l.home, l.away):
			delete(m.down, l)
			all[l] = yes
		case !down:
			m.down[l] = now
			all[l] = unknown
		case now.Sub(since) < muteGrace:
			all[l] = unknown
		default:
			all[l] = no
		}
	}
	maps.DeleteFunc(m.down, func(one mirror, _ time.Time) bool { _, used := all[one]; return !used })
	return all
}

// locks are one lock for each user, for as long as somebody holds or wants it.
type locks struct {
	mutex sync.Mutex
	held  map[store.User]*userLock
}

type userLock struct {
	sync.Mutex
	wanted int
}

// lock waits for the lock of a user, and gives what unlocks it.
func (l *locks) lock(u store.User) func() {
	l.mutex.Lock()
	if l.held == nil {
		l.held = map[store.User]*userLock{}
	}
	one := l.held[u]
	if one == nil {
		one = &userLock{}
		l.held[u] = one
	}
	one.wanted++
	l.mutex.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mutex.Lock()
		defer l.mutex.Unlock()
		if one.wanted--; one.wanted == 0 {
			delete(l.held, u)
		}
	}
}
