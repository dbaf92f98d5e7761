package mattermost

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

const (
	// sweepers is how many people's conversations are listed at the same time, meetings how many talks are met, dialers how many connections
	// are being opened.
	sweepers, meetings, dialers = 8, 4, 8
	// newcomers is how long before they became known something may have been said to somebody who is observed now and was not before: their
	// connection is stored before it is known here.
	newcomers = 15 * time.Second
	// knownFrames is how many events are remembered, so that those that come on several connections are taken once.
	knownFrames = 4096
)

// talks notices what is said in direct and group conversations of observed people, for one Run. Connections in their names tell at once (observer.go),
// the others are asked for (sweep.go, polls.go). What the inbox carries is read as channels are; what it does not know yet it meets (meeting.go).
type talks struct {
	feed *feed
	// sweeps and polls say whose conversations are listed next, and which carried ones are asked about.
	sweeps, polls *agenda
	// meeting and dialing bound how much is done at once.
	meeting, dialing chan struct{}

	mu     sync.Mutex
	people map[string]*observed
	// known is what was noticed last of each direct and group channel.
	known map[string]noticed
	met   map[string]*meeting
	// active is when something last happened in a carried talk, tags the last answer about it.
	active map[string]time.Time
	tags   map[string]string
	frames *lru.Cache[uint64, *copies]
	// decode is [frame.decode]; tests count.
	decode func(frame) (content, error)
	// strain is by how much less often is asked since the server said, then, that it is too often.
	strain   int
	strained time.Time
	// loose: somebody's talks may have no connection that could have one.
	loose bool
	// before is what had been noticed when this Run began.
	before mark
	// others is told when other people are observed.
	others chan struct{}
}

// noticed is up to when posts and changes of a channel have been noticed, in milliseconds of the server's clock.
type noticed struct {
	said, changed int64
	// tries is how often it was read since something newer shows in a list.
	tries int
}

// observed is somebody whose conversations are noticed. The fields are guarded by talks.mu.
type observed struct {
	user   string
	online bool
	since  time.Time // when that became known
	// from is since when something said in a talk that was not seen before is news; swept is up to when all of it was noticed. Both in
	// milliseconds of the server's clock.
	from, swept int64
	// listed: their talks are known, these.
	listed  bool
	talks   []string
	listing lister
	// busy: a look is under way; hurry: another one must follow it.
	busy, hurry bool
	// active is when something happened last, pause the time until the next look.
	active   time.Time
	pause    time.Duration
	failures int
	// observer is the connection in their name; nil: none.
	observer *observer
	// lost: their token was refused at the last look.
	lost bool
}

func newTalks(f *feed) *talks {
	frames, err := lru.New[uint64, *copies](knownFrames)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &talks{
		feed: f, sweeps: newAgenda(), polls: newAgenda(), meeting: make(chan struct{}, meetings), dialing: make(chan struct{}, dialers),
		people: map[string]*observed{}, known: map[string]noticed{}, met: map[string]*meeting{}, active: map[string]time.Time{}, tags: map[string]string{},
		frames: frames, decode: frame.decode, others: make(chan struct{}, 1),
	}
}

func (t *talks) conversation(channel string) bridge.ConversationID {
	return bridge.ConversationID{Server: t.feed.config.server, Channel: bridge.ChannelID(channel)}
}

// observe keeps to whom the inbox wants observed.
func (t *talks) observe(ctx context.Context) error {
	var err error
	if t.before, err = t.loadMark(ctx); err != nil {
		return err
	}
	for {
		people, changed := t.feed.inbox.Observed()
		t.set(ctx, people)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// set takes up who is new and lets go of who is not observed any more.
func (t *talks) set(ctx context.Context, all []bridge.Observed) {
	now, clock := time.Now(), t.feed.account.clock.now()
	wanted := map[string]bool{}
	t.mu.Lock()
	for _, o := range all {
		user := string(o.User)
		if !model.IsValidId(user) {
			continue
		}
		wanted[user] = true
		p := t.people[user]
		if p == nil {
			p = &observed{user: user, since: now, from: clock - newcomers.Milliseconds()}
			if t.before.People[user] && t.before.Until > 0 {
				p.from = t.before.Until
			}
			p.swept = p.from
			t.people[user] = p
			t.sweeps.set(user, now)
		}
		p.online = o.Online
	}
	for user, p := range t.people {
		if !wanted[user] {
			delete(t.people, user)
			t.sweeps.drop(user)
			p.hush()
		}
		if !t.mayConnect(p) {
			p.hush()
		}
	}
	t.loose = true
	t.mu.Unlock()
	select {
	case t.others <- struct{}{}:
	default:
	}
	t.cover(ctx)
}

// hush ends somebody's connection. The caller holds talks.mu.
func (p *observed) hush() {
	if p.observer != nil {
		p.observer.cancel()
		p.observer = nil
	}
}

// mayConnect says whether a connection in somebody's name may be opened: with it they look online.
func (t *talks) mayConnect(p *observed) bool {
	switch t.feed.account.settings.Observe {
	case ObservePoll:
		return false
	case ObserveWebsocket:
		return true
	}
	return p.online
}

// cover opens connections until each talk of those who may have one has one, as far as their talks are known.
func (t *talks) cover(ctx context.Context) {
	t.mu.Lock()
	if !t.loose || ctx.Err() != nil {
		t.mu.Unlock()
		return
	}
	if t.feed.account.settings.Observe == ObserveWebsocket {
		defer t.mu.Unlock()
		t.listenToAll(ctx)
		return
	}
	for _, p := range t.people {
		if t.mayConnect(p) && !p.listed && time.Since(p.since) < t.feed.account.timing.listing {
			t.mu.Unlock()
			return // soon it is known
		}
	}
	t.loose = false
	candidates, strangers := map[string][]string{}, map[string]bool{}
	for user, p := range t.people {
		if t.mayConnect(p) {
			candidates[user], strangers[user] = slices.Clone(p.talks), !p.listed
			t.loose = t.loose || !p.listed
		}
	}
	t.mu.Unlock()
	for user, list := range candidates {
		kept := list[:0]
		for _, id := range list {
			if interest := t.feed.inbox.Interest(t.conversation(id)); interest == bridge.Unmet || interest == bridge.Carried {
				kept = append(kept, id)
			}
		}
		candidates[user] = kept
		if strangers[user] {
			candidates[user] = []string{"whatever " + user + " has"} // nobody else is known to bring that
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, user := range covering(candidates, func(user string) bool { p := t.people[user]; return p != nil && p.observer != nil }) {
		if p := t.people[user]; p != nil && p.observer == nil && t.mayConnect(p) {
			t.listen(ctx, p)
		}
	}
}

// listenToAll opens a connection for each, so that the first word of a new conversation is heard at once, too. The caller holds talks.mu.
func (t *talks) listenToAll(ctx context.Context) {
	t.loose = false
	for _, p := range t.people {
		if p.observer == nil {
			t.listen(ctx, p)
		}
	}
}

// listen opens a connection in somebody's name. The caller holds talks.mu.
func (t *talks) listen(ctx context.Context, p *observed) {
	ctx, cancel := context.WithCancel(ctx)
	o := &observer{talks: t, user: p.user, cancel: cancel}
	p.observer = o
	t.feed.group.Go(func() error { return o.run(ctx) })
}

// spoken is told that somebody wrote in a talk that is not read yet; by is a member who is observed. Who spoke may not be known. Since is up to when it was
// noticed before who has spoken there.
func (t *talks) spoken(ctx context.Context, channel, by string, speaker bridge.UserID, said, since int64) (matters bool) {
	if c := t.feed.channel(channel); c != nil && c.isWatched() && !c.talk.Load() {
		return false // it is in the config as a channel is
	}
	t.feed.account.insiders.Add(channel, by)
	switch t.feed.inbox.Interest(t.conversation(channel)) {
	case bridge.Carried:
		if c := t.feed.channel(channel); c != nil {
			c.fallBehind(ctx, fromCursor)
		}
		return true // else it is about to be read from its beginning
	case bridge.Unmet, bridge.Refused:
		t.meet(ctx, channel, speaker, said, since)
		return true
	}
	return false
}

// carried is told what was put of a talk.
func (t *talks) carried(channel string, states []bridge.State) {
	if len(states) == 0 {
		return
	}
	now := time.Now()
	t.mu.Lock()
	k := t.known[channel]
	for _, s := range states {
		k.said = max(k.said, s.Created.UnixMilli())
	}
	t.known[channel] = k
	t.stir(channel, now)
	t.mu.Unlock()
	t.rouse(channel, now)
}

// readUntil is told up to when a talk was read.
func (t *talks) readUntil(channel string, until int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[channel]
	k.said = max(k.said, until)
	t.known[channel] = k
}

// rouse has the conversations of a talk's people looked at often for a while, where no connection tells: an answer may follow.
func (t *talks) rouse(channel string, now time.Time) {
	if t.covered(channel) {
		return
	}
	for _, u := range t.feed.inbox.Readers(t.conversation(channel)) {
		t.mu.Lock()
		if p := t.people[string(u)]; p != nil {
			p.active = now
			t.sweeps.soon(p.user, now.Add(t.feed.account.timing.sweep))
		}
		t.mu.Unlock()
	}
}

// wrote has a talk in which Causeway has just written looked at often for a while.
func (a *account) wrote(channel string) {
	t := a.talks.Load()
	if t == nil {
		return
	}
	if c := t.feed.channel(channel); c != nil && c.talk.Load() {
		now := time.Now()
		t.mu.Lock()
		t.stir(channel, now)
		t.mu.Unlock()
		t.rouse(channel, now)
	}
}

// covered says whether one of a talk's people has a connection that works.
func (t *talks) covered(channel string) bool {
	readers := t.feed.inbox.Readers(t.conversation(channel))
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range readers {
		if p := t.people[string(u)]; p != nil && p.observer != nil && p.observer.heard.Load() {
			return true
		}
	}
	return false
}

// copies counts how often an event has come on each connection.
type copies struct {
	most int
	by   map[string]int
}

var frameSeed = maphash.MakeSeed()

// fresh says whether an event that came on somebody's connection has not come on another one before. The same may well happen twice: a reaction that is
// taken away again says the same words; then it comes twice on each.
func (t *talks) fresh(by string, e event, channel string) bool {
	var h maphash.Hash
	h.SetSeed(frameSeed)
	for _, part := range []string{string(e.kind), channel, e.body} {
		_, _ = h.WriteString(part) // never fails
		_ = h.WriteByte(0)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.frames.Get(h.Sum64())
	if !ok {
		c = &copies{by: map[string]int{}}
		t.frames.Add(h.Sum64(), c)
	}
	c.by[by]++
	if c.by[by] <= c.most {
		return false
	}
	c.most = c.by[by]
	return true
}

// counts tells how many people are observed by a connection that works, and in all.
func (t *talks) counts() (connected, all int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.people {
		if p.observer != nil && p.observer.heard.Load() {
			connected++
		}
	}
	return connected, len(t.people)
}
