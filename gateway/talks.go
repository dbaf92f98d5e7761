package gateway

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"causeway/bridge"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// Direct is a [[direct]] of the config: two accounts between which direct and group conversations are carried.
type Direct struct {
	Accounts [2]bridge.AccountName
	direct.Settings
	// MentionAll: mentions of everybody in a conversation go as such; otherwise as names.
	MentionAll bool
	// Events are told of what happens in a conversation without being said.
	Events []bridge.Event
	// Files says what becomes of files.
	Files FilePolicy
}

// talks knows the direct and group conversations that were met, as the store does, and who is connected.
//
//	Inbox.Meet ─▶ decide (who is everybody?) ─▶ store.Meet ─▶ the other end found or opened ─▶ table
//
// What is in the table is carried like channels are. One talk is met at a time; nothing else waits for it.
type talks struct {
	gateway *Gateway
	links   atomic.Pointer[[]*link] // replaced when the config is
	// coming are the links of a config that is being taken up, else those that count; guarded by switching, which is held while the store is told what is switched on.
	coming    []*link
	switching sync.Mutex
	// loaded: the store has been read, which is not done before there are links. Guarded by the gateway's changing.
	loaded bool
	// regard is signalled when people may have connected or disconnected.
	regard  chan struct{}
	meeting keyed
	failing troubles
	table   *talkTable
	// order is held from before the store changes a talk or pair until the table knows, and for reading from before somebody looks into the table
	// until what they put is stored: so nothing is put for a conversation that is not an end any more.
	order sync.RWMutex

	mutex sync.Mutex // guards what follows
	known map[bridge.ConversationID]*talk
	pairs map[int64]store.Pair
	// ends are the pairs of each conversation, by their ids, oldest first.
	ends  map[bridge.ConversationID][]int64
	users map[store.User]user
	// matched are those who are known by their e-mail address.
	matched matched
	// off are talks in which somebody spoke though they are switched off: nothing of that is stored, and they are as they were when they are on again.
	off map[bridge.ConversationID]bool
	// doubtful are pairs that may not be carried any more.
	doubtful map[int64]bool
	// changed is closed when observed has become another one.
	observed map[bridge.AccountName][]bridge.Observed
	changed  chan struct{}
}

// link is a [[direct]] at work.
type link struct {
	ends     [2]*account
	settings direct.Settings
	// wakes: mentions of everybody go as such.
	wakes bool
	// events are told.
	events []bridge.Event
	files  FilePolicy
	// since is from when on direct and group messages count, guarded by the mutex of the talks; noted: the store knows what is switched on.
	since [2]time.Time
	noted bool
}

// other gives the end that is not a.
func (l *link) other(a *account) *account {
	if l.ends[0] == a {
		return l.ends[1]
	}
	return l.ends[0]
}

func (l *link) has(a *account) bool { return l.ends[0] == a || l.ends[1] == a }

// begins gives from when on messages of a conversation count because of the settings.
func (l *link) begins(shape bridge.Shape) time.Time {
	if shape == bridge.Group {
		return l.since[1]
	}
	return l.since[0]
}

// on reports whether conversations of this shape are switched on.
func (l *link) on(shape bridge.Shape) bool {
	s := l.settings
	return s.Enable && (shape == bridge.Group && s.GroupMessages || shape != bridge.Group && s.DirectMessages)
}

// talk is a conversation that was met.
type talk struct {
	// periods are in the order in which its people changed.
	periods []store.Talk
	// told are those who know why it is refused, by the reason.
	told map[store.Told]bool
	// lifted: what was decided need not hold any more, so it is to be met again.
	lifted bool
}

func (t *talk) latest() *store.Talk { return &t.periods[len(t.periods)-1] }

// user is what counts of somebody who has connected.
type user struct {
	person   int64
	state    store.IdentityState
	account  bridge.AccountName
	prefers  bridge.AccountName
	observe  bool
	anywhere bool  // connected on another server, too
	since    int64 // when they connected, in Unix milliseconds
}

func newTalks(g *Gateway, links []*link) *talks {
	t := &talks{
		gateway: g, regard: make(chan struct{}, 1), known: map[bridge.ConversationID]*talk{}, pairs: map[int64]store.Pair{}, table: newTalkTable(), ends: map[bridge.ConversationID][]int64{},
		users: map[store.User]user{}, doubtful: map[int64]bool{}, off: map[bridge.ConversationID]bool{}, observed: map[bridge.AccountName][]bridge.Observed{}, changed: make(chan struct{}),
	}
	t.links.Store(&links)
	t.coming = links
	return t
}

// newLinks gives those of a setup's accounts between which conversations can be carried, and shall.
func newLinks(s *setup, all []Direct) []*link {
	var links []*link
	for _, d := range all {
		l := &link{settings: d.Settings, wakes: d.MentionAll, events: d.Events, files: d.Files}
		for i, name := range d.Accounts {
			l.ends[i] = s.accounts[name]
		}
		if l.ends[0] != nil && l.ends[1] != nil && l.ends[0] != l.ends[1] && l.ends[0].capabilities.Direct && l.ends[1].capabilities.Direct {
			links = append(links, l)
		}
	}
	return links
}

// load reads what earlier runs have met, and who is connected.
func (t *talks) load(ctx context.Context) error {
	links := *t.links.Load()
	if err := t.know(ctx, t.gateway.setup.Load(), links); err != nil {
		return err
	}
	t.relink(links)
	return nil
}

// know reads from the store what links need that are about to count, and tells it what is switched on.
func (t *talks) know(ctx context.Context, s *setup, links []*link) (err error) {
	t.comes(links)
	defer func() {
		if err != nil {
			t.comes(*t.links.Load())
		}
	}()
	if len(links) == 0 {
		return t.switched(ctx)
	}
	for _, a := range s.order {
		if a.server.Load() != nil {
			continue
		}
		if id := a.identity.Load(); id != nil && slices.ContainsFunc(links, func(l *link) bool { return l.has(a) }) { // nothing was to be carried between it and another one before
			if err := t.remember(ctx, a, id.Server); err != nil {
				return err
			}
			continue
		}
		c, ok, err := t.gateway.store.Endpoint(ctx, a.Name, Placed(a.Place, ""))
		if err != nil {
			return err
		}
		if ok {
			a.server.Store(&c.Server)
		}
	}
	if !t.loaded {
		if err := t.restore(ctx); err != nil {
			return err
		}
		t.loaded = true
	}
	if err := t.switched(ctx); err != nil {
		return err
	}
	return t.learn(ctx)
}

// comes notes which links are about to count: of no others the store is told any more.
func (t *talks) comes(links []*link) {
	t.switching.Lock()
	defer t.switching.Unlock()
	t.coming = links
}

// names reports whether the config, or one that is being taken up, has talks carried between an account and another one.
func (t *talks) names(a *account) bool {
	t.switching.Lock()
	defer t.switching.Unlock()
	return slices.ContainsFunc(t.coming, func(l *link) bool { return l.has(a) })
}

// switched tells the store what is switched on between those servers that are known, and that nothing is between others, once all are known.
func (t *talks) switched(ctx context.Context) error {
	t.switching.Lock()
	defer t.switching.Unlock()
	for _, l := range t.coming {
		t.note(ctx, l)
	}
	return t.noteOthers(ctx, t.coming)
}

// relink goes by these links from now on; the table is to be made anew.
func (t *talks) relink(links []*link) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	others := t.pairsOthers(links)
	t.links.Store(&links)
	clear(t.off)
	for _, k := range t.known {
		if len(k.periods) == 0 {
			continue
		}
		switch reason := direct.Reason(k.latest().Reason); {
		case isOff(reason), // as earlier versions have stored it
			others && (!settled(reason) || reason == direct.TooMany || reason == direct.Alone || reason == direct.Moved): // which is because of the account at the other end
			k.lifted = true
		}
	}
	t.observe()
}

// pairsOthers reports whether links pair accounts that are not paired at present.
func (t *talks) pairsOthers(links []*link) bool {
	return slices.ContainsFunc(links, func(l *link) bool {
		return !slices.ContainsFunc(*t.links.Load(), func(before *link) bool { return before.has(l.ends[0]) && before.has(l.ends[1]) })
	})
}

func (t *talks) restore(ctx context.Context) error {
	all, err := t.gateway.store.Talks(ctx)
	if err != nil {
		return err
	}
	pairs, err := t.gateway.store.Pairs(ctx)
	if err != nil {
		return err
	}
	told, err := t.gateway.store.Tellings(ctx)
	if err != nil {
		return err
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, one := range all {
		k := t.talkOf(one.Conversation)
		k.periods = append(k.periods, one)
		k.lifted = !settled(direct.Reason(one.Reason))
	}
	for _, p := range pairs {
		t.index(p)
	}
	for _, one := range told {
		if k := t.known[one.Conversation]; k != nil {
			k.told[store.Told{User: one.User, Reason: one.Reason}] = true
		}
	}
	return nil
}

// settled reports whether a decision holds as long as the conversation and the config are the same, whoever connects.
func settled(r direct.Reason) bool {
	switch r {
	case direct.None, direct.IsMeeting, direct.TooMany, direct.TooFew, direct.Moved, direct.Alone:
		return true
	}
	return false
}

// talkOf is called with the mutex held.
func (t *talks) talkOf(c bridge.ConversationID) *talk {
	k := t.known[c]
	if k == nil {
		k = &talk{told: map[store.Told]bool{}}
		t.known[c] = k
	}
	return k
}

// note tells the store what is switched on, once both servers are known. The mutex is not held meanwhile: a lane may want it while it has the store.
func (t *talks) note(ctx context.Context, l *link) {
	one, two := l.ends[0].server.Load(), l.ends[1].server.Load()
	t.mutex.Lock()
	noted := l.noted
	t.mutex.Unlock()
	if noted || one == nil || two == nil {
		return
	}
	s := l.settings
	since, err := t.gateway.store.Switch(ctx, *one, *two, s.Enable && s.DirectMessages, s.Enable && s.GroupMessages)
	if t.gateway.stored(err) == nil {
		t.mutex.Lock()
		defer t.mutex.Unlock()
		l.since, l.noted = since, true
	}
}

// noteOthers tells the store that between servers which the config does not name any more nothing is switched on, once all are known that it names.
func (t *talks) noteOthers(ctx context.Context, links []*link) error {
	var linked [][2]bridge.ServerID
	for _, l := range links {
		one, two := l.ends[0].server.Load(), l.ends[1].server.Load()
		if one == nil || two == nil {
			return nil
		}
		linked = append(linked, [2]bridge.ServerID{*one, *two})
	}
	return t.gateway.stored(t.gateway.store.SwitchOthers(ctx, linked))
}

// remember notes on which server an account is, in the store, too.
func (t *talks) remember(ctx context.Context, a *account, server bridge.ServerID) error {
	if known := a.server.Load(); known != nil && *known == server {
		return nil
	}
	err := t.gateway.stored(t.gateway.store.Remember(ctx, a.Name, Placed(a.Place, ""), bridge.ConversationID{Server: server}))
	if err == nil {
		a.server.Store(&server)
	}
	return err
}

// arrived notes on which server an account is.
func (t *talks) arrived(ctx context.Context, a *account, server bridge.ServerID) error {
	if !t.names(a) {
		return nil
	}
	if err := t.remember(ctx, a, server); err != nil {
		return err
	}
	if err := t.switched(ctx); err != nil {
		return err
	}
	t.gateway.retable()
	t.wanted()
	return nil
}

// wanted has people looked at again.
func (t *talks) wanted() {
	select {
	case t.regard <- struct{}{}:
	default:
	}
}

// linkOf gives the link between two servers, and the account of the first one; nil when the config has none.
func (t *talks) linkOf(here, there bridge.ServerID) (*link, *account) {
	for _, l := range *t.links.Load() {
		for i, a := range l.ends {
			s, o := a.server.Load(), l.ends[1-i].server.Load()
			if s != nil && o != nil && *s == here && *o == there {
				return l, a
			}
		}
	}
	return nil, nil
}

// take notes what the store says of a talk and its pairs, here and in the table.
func (t *talks) take(one store.Talk, pairs ...store.Pair) {
	if changed := t.taken(one, pairs); len(changed) > 0 {
		t.replaced(changed)
	}
}

// taken gives the conversations of which something has changed.
func (t *talks) taken(one store.Talk, pairs []store.Pair) map[bridge.ConversationID]bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	changed := map[bridge.ConversationID]bool{}
	if one.Conversation.Channel != "" {
		k := t.talkOf(one.Conversation)
		k.lifted = false
		i, found := slices.BinarySearchFunc(k.periods, one.Since, func(p store.Talk, since time.Time) int { return p.Since.Compare(since) })
		if found {
			was := k.periods[i]
			changed[one.Conversation] = was.Reason != one.Reason || !slices.Equal(was.Members, one.Members)
			k.periods[i] = one
		} else {
			changed[one.Conversation] = true
			k.periods = slices.Insert(k.periods, i, one)
		}
	}
	for _, p := range pairs {
		if was := t.pairs[p.ID]; p.ID != 0 && !reflect.DeepEqual(was, p) {
			t.forgive(was, p)
			for _, c := range t.index(p) {
				changed[c] = true
			}
		}
	}
	maps.DeleteFunc(changed, func(_ bridge.ConversationID, really bool) bool { return !really })
	return changed
}

// forgive forgets who knows why the ends of a pair were not carried that is open now, as the store does: when they are no more, people are told anew. It is
// called with the mutex held.
func (t *talks) forgive(was, now store.Pair) {
	if now.State != store.PairOpen || was.ID != 0 && was.State == store.PairOpen && was.Ends[0].Conversation == now.Ends[0].Conversation && was.Ends[1].Conversation == now.Ends[1].Conversation {
		return
	}
	for _, e := range now.Ends {
		if k := t.known[e.Conversation]; e.Known() && k != nil {
			maps.DeleteFunc(k.told, func(one store.Told, _ bool) bool { return one.Reason != int(direct.AuthorNotConnected) })
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// keyed are locks by conversation, each for as long as somebody holds or wants it.
type keyed struct {
	mutex sync.Mutex
	held  map[bridge.ConversationID]*keyedLock
}

type keyedLock struct {
	turn   chan struct{}
	wanted int
}

// lock waits for the lock of a conversation, and gives what unlocks it; nil when ctx has ended.
func (k *keyed) lock(ctx context.Context, c bridge.ConversationID) func() {
	k.mutex.Lock()
	if k.held == nil {
		k.held = map[bridge.ConversationID]*keyedLock{}
	}
	one := k.held[c]
	if one == nil {
		one = &keyedLock{turn: make(chan struct{}, 1)}
		k.held[c] = one
	}
	one.wanted++
	k.mutex.Unlock()
	done := func() {
		k.mutex.Lock()
		defer k.mutex.Unlock()
		if one.wanted--; one.wanted == 0 {
			delete(k.held, c)
		}
	}
	select {
	case one.turn <- struct{}{}:
		return func() { <-one.turn; done() }
	case <-ctx.Done():
		done()
		return nil
	}
}
