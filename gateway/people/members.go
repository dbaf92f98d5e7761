package people

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"causeway/bridge"
)

// membersAge is how old a list of members may be; memberRetry and memberRetryLongest bound how long after failures it is asked for again.
const (
	membersAge         = 9 * time.Minute
	memberRetry        = 2 * time.Second
	memberRetryLongest = time.Minute
)

// members remembers who is in which conversation, for as long as nobody need ask again. It keeps 8 bytes for each.
type members struct {
	seed  maphash.Seed
	mutex sync.Mutex
	known map[bridge.ConversationID]*membership
}

type membership struct {
	users []uint64 // sorted
	// read: users are known. asked is when they were asked for last, until when to ask again.
	read         bool
	asked, until time.Time
	// wait is how long after the latest failure it is asked for again; 0: it did not fail.
	wait time.Duration
}

func newMembers() *members {
	return &members{seed: maphash.MakeSeed(), known: map[bridge.ConversationID]*membership{}}
}

// learn asks a bridge who is in a conversation, unless that is known. After a failure, what was known counts on.
func (m *members) learn(ctx context.Context, b bridge.Bridge, c bridge.ConversationID) (asked bool, err error) {
	m.mutex.Lock()
	known := m.known[c]
	m.mutex.Unlock()
	if known != nil && time.Now().Before(known.until) {
		return false, nil
	}
	began := time.Now()
	users, err := b.Members(ctx, c)
	now := membership{}
	if known != nil {
		now = *known
	}
	if err == nil {
		now = membership{read: true, users: make([]uint64, len(users))}
		for i, u := range users {
			now.users[i] = maphash.String(m.seed, string(u))
		}
		slices.Sort(now.users)
		now.until = time.Now().Add(membersAge)
	} else {
		now.wait = max(memberRetry, min(2*now.wait, memberRetryLongest))
		now.until = time.Now().Add(max(now.wait, bridge.AfterOf(err)))
	}
	now.asked = began
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.known[c] = &now
	return true, err
}

// doubt has a conversation asked for anew in which somebody is not, as far as was known before that time: they may have joined it since.
func (m *members) doubt(c bridge.ConversationID, u bridge.UserID, since time.Time) {
	if m.has(c, u) != no {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if known := m.known[c]; known.asked.Before(since) {
		now := *known
		now.until = time.Time{}
		m.known[c] = &now
	}
}

// failed gives when the first list is to be asked for again that could not be had; false: there is none.
func (m *members) failed() (at time.Time, ok bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, known := range m.known {
		if known.wait > 0 && (!ok || known.until.Before(at)) {
			at, ok = known.until, true
		}
	}
	return at, ok
}

// forget drops the lists of conversations that nobody asks for any more.
func (m *members) forget() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for c, known := range m.known {
		if time.Since(known.until) > membersAge {
			delete(m.known, c)
		}
	}
}

// has tells whether a user is in a conversation.
func (m *members) has(c bridge.ConversationID, u bridge.UserID) truth {
	m.mutex.Lock()
	known := m.known[c]
	m.mutex.Unlock()
	if known == nil || !known.read {
		return unknown
	}
	if _, found := slices.BinarySearch(known.users, maphash.String(m.seed, string(u))); found {
		return yes
	}
	return no
}
