package gateway

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// talkTable holds the places of direct and group conversations, those of all tables: there may be very many, so one that changes is put
// in here anew, by itself, while a table is made anew as a whole. A place in it is never changed, only replaced.
type talkTable struct {
	places sync.Map
	mutex  sync.Mutex // guards what follows
	// read are the conversations that each account reads, sorted.
	read map[*account][]bridge.ConversationID
}

func newTalkTable() *talkTable { return &talkTable{read: map[*account][]bridge.ConversationID{}} }

func (t *talkTable) at(c bridge.ConversationID) *place {
	p, _ := t.places.Load(c)
	one, _ := p.(*place)
	return one
}

// set replaces the place of a conversation; nil: it has none any more.
func (t *talkTable) set(c bridge.ConversationID, p *place) {
	before := t.at(c)
	t.store(c, p)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if before != nil && before.in && (p == nil || !p.in || p.account != before.account) {
		all := t.read[before.account]
		if i, found := slices.BinarySearchFunc(all, c, compareConversations); found {
			t.read[before.account] = slices.Delete(all, i, i+1)
		}
	}
	if p != nil && p.in {
		all := t.read[p.account]
		if i, found := slices.BinarySearchFunc(all, c, compareConversations); !found {
			t.read[p.account] = slices.Insert(all, i, c)
		}
	}
}

func (t *talkTable) store(c bridge.ConversationID, p *place) {
	if p == nil {
		t.places.Delete(c)
	} else {
		t.places.Store(c, p)
	}
}

// setAll replaces the places of all conversations.
func (t *talkTable) setAll(places map[bridge.ConversationID]*place) {
	read := map[*account][]bridge.ConversationID{}
	for c, p := range places {
		t.store(c, p)
		if p != nil && p.in {
			read[p.account] = append(read[p.account], c)
		}
	}
	for _, all := range read {
		slices.SortFunc(all, compareConversations)
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.read = read
}

// watched gives the conversations that an account reads, and those of channels, which are sorted; all sorted.
func (t *talkTable) watched(a *account, channels []bridge.ConversationID) []bridge.ConversationID {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return merged(channels, t.read[a])
}

// all gives each conversation with its place, in no order.
func (t *talkTable) all() iter.Seq2[bridge.ConversationID, *place] {
	return func(yield func(bridge.ConversationID, *place) bool) {
		t.places.Range(func(c, p any) bool { return yield(c.(bridge.ConversationID), p.(*place)) })
	}
}

// fill puts all talks into a table that is being made.
func (t *talks) fill(table *table) {
	table.talks = t.table
	t.mutex.Lock()
	defer t.mutex.Unlock()
	places := map[bridge.ConversationID]*place{}
	for c := range t.ends {
		places[c] = t.placeOf(table.conversations, c)
	}
	t.table.setAll(places)
}

// replaced puts those conversations anew into the table that something has changed of.
func (t *talks) replaced(changed map[bridge.ConversationID]bool) {
	g := t.gateway
	g.resolve.Lock()
	defer g.resolve.Unlock()
	old := g.table.Load()
	t.mutex.Lock()
	for c := range changed {
		t.table.set(c, t.placeOf(old.conversations, c))
	}
	t.mutex.Unlock()
	next := *old
	next.changed = make(chan struct{})
	g.table.Store(&next)
	close(old.changed)
}

// index notes of which conversations a pair is an end, and gives them. It is called with the mutex held.
func (t *talks) index(p store.Pair) (touched []bridge.ConversationID) {
	for _, one := range []store.Pair{t.pairs[p.ID], p} {
		for _, e := range one.Ends {
			if e.Known() && one.ID != 0 {
				touched = append(touched, e.Conversation)
			}
		}
	}
	for _, c := range touched {
		ids := slices.DeleteFunc(slices.Clone(t.ends[c]), func(id int64) bool { return id == p.ID })
		if p.Here(c).Conversation == c {
			ids = append(ids, p.ID)
		}
		slices.Sort(ids)
		t.ends[c] = ids
	}
	t.pairs[p.ID] = p
	return touched
}

// pairsOf gives the pairs that a conversation is an end of, oldest first. It is called with the mutex held.
func (t *talks) pairsOf(c bridge.ConversationID) iter.Seq[store.Pair] {
	return func(yield func(store.Pair) bool) {
		for _, id := range t.ends[c] {
			if !yield(t.pairs[id]) {
				return
			}
		}
	}
}

// placeOf gives what is known of a conversation; nil where it is none of the talks that are carried. channels are those that the config names: they are
// what it says, and no ends of pairs any more. It is called with the mutex held.
func (t *talks) placeOf(channels map[bridge.ConversationID]*place, c bridge.ConversationID) *place {
	var p *place
	for pair := range t.pairsOf(c) {
		here, other := pair.Here(c), pair.Other(c)
		l, a := t.linkOf(here.Conversation.Server, other.Conversation.Server)
		if l == nil || !l.noted || !l.on(pair.Shape) {
			continue // switched off: whatever is waiting stays where it is
		}
		if channels[here.Conversation] != nil || channels[other.Conversation] != nil {
			continue
		}
		accepted := pair.Begins
		pair.Begins = later(pair.Begins, l.begins(pair.Shape))
		if p == nil {
			p = &place{account: a, out: true, gateways: map[bridge.ConversationID]string{}, files: map[bridge.ConversationID]FilePolicy{}, wakes: map[bridge.ConversationID]bool{},
				talk: &talkPlace{shape: pair.Shape, first: pair, pairs: map[bridge.ConversationID]store.Pair{}, accepted: map[bridge.ConversationID]time.Time{}}}
			p.talk.regroups = pair.Shape == bridge.Group && a.capabilities.Regroup
		}
		p.join(pair, other, l)
		p.talk.accepted[other.Conversation] = accepted
	}
	if p != nil {
		t.finish(c, p)
	}
	return p
}

// join adds a pair to what is known of one of its ends.
func (p *place) join(pair store.Pair, other store.PairEnd, l *link) {
	if !other.Known() {
		p.talk.half = append(p.talk.half, pair)
		p.in = p.in || pair.State == store.PairMoved // what was said meanwhile may not have been read yet; then it is opened
		return
	}
	p.talk.pairs[other.Conversation] = pair
	if pair.State != store.PairResting {
		p.in = true
		p.targets = append(p.targets, other.Conversation)
		p.gateways[other.Conversation], p.files[other.Conversation], p.wakes[other.Conversation] = "", l.files, l.wakes
		p.tell(other.Conversation, l.events)
	}
	if pair.State == store.PairOpen {
		p.talk.open++
	}
}

// finish fills in what depends on all pairs of a conversation.
func (t *talks) finish(c bridge.ConversationID, p *place) {
	for _, pair := range slices.Concat(slices.Collect(maps.Values(p.talk.pairs)), p.talk.half) {
		if p.talk.begin.IsZero() || pair.Begins.Before(p.talk.begin) {
			p.talk.begin = pair.Begins
		}
	}
	k := t.known[c]
	if k == nil || len(k.periods) == 0 { // it was opened, and nothing was said in it yet
		p.talk.periods = []store.Talk{{Conversation: c, Shape: p.talk.shape, Members: p.talk.first.Here(c).Members}}
	} else {
		p.talk.periods = slices.Clone(k.periods)
	}
	members, anywhere := p.talk.latest().Members, 0
	for _, u := range members {
		if who, ok := t.users[store.User{Server: c.Server, User: u}]; ok && who.state == store.Connected {
			p.talk.readers = append(p.talk.readers, u)
			if who.anywhere {
				anywhere++
			}
			if who.anywhere && who.prefers != "" && who.prefers != who.account {
				p.talk.away = append(p.talk.away, u)
			}
		}
	}
	p.talk.everybody = len(members) > 0 && anywhere == len(members)
}
