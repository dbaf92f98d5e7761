package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"

	"causeway/bridge"
)

// table says, for the names found so far, who reads and writes which conversation, and what goes where. It is never
// changed, only replaced; what is in talks, though, is always the newest.
type table struct {
	// complete: all channels that the config names have been found.
	complete bool
	// conversations are those of the config, talks the direct and group conversations.
	conversations map[bridge.ConversationID]*place
	talks         *talkTable
	// found is what names of the config mean.
	found map[named]bridge.ConversationID
	// changed is closed when another table has replaced this one.
	changed chan struct{}
	// hash tells apart what tables say of the conversations of the config.
	hash string
}

// at gives the place of a conversation; nil: there is none.
func (t *table) at(c bridge.ConversationID) *place {
	if p := t.conversations[c]; p != nil {
		return p
	}
	return t.talks.at(c)
}

// all gives each conversation with its place, in no order.
func (t *table) all() iter.Seq2[bridge.ConversationID, *place] {
	return func(yield func(bridge.ConversationID, *place) bool) {
		for c, p := range t.conversations {
			if !yield(c, p) {
				return
			}
		}
		for c, p := range t.talks.all() {
			if t.conversations[c] == nil && !yield(c, p) {
				return
			}
		}
	}
}

// named is a conversation as the config names it.
type named struct {
	account bridge.AccountName
	channel string
}

// place is a conversation of the config, or a direct or group conversation that was met.
type place struct {
	// account reads and writes it: the first of those on its server that the config names for it.
	account *account
	in, out bool
	// channel is its name in the config, for {CHANNEL}.
	channel string
	targets []bridge.ConversationID
	// gateways names, for each target, the first gateway that leads there, for {GATEWAY}.
	gateways map[bridge.ConversationID]string
	// talk is nil for a conversation of the config.
	talk *talkPlace
	// files says, for each target, what that gateway does with files.
	files map[bridge.ConversationID]FilePolicy
	// wakes says to which targets mentions of everybody go as such.
	wakes map[bridge.ConversationID]bool
	// events says, for each target, what is told there of what happens here; nil where nothing is.
	events map[bridge.ConversationID][]bridge.Event
}

// tell notes what is told at a target of what happens here.
func (p *place) tell(target bridge.ConversationID, events []bridge.Event) {
	if len(events) == 0 {
		return
	}
	if p.events == nil {
		p.events = map[bridge.ConversationID][]bridge.Event{}
	}
	p.events[target] = events
}

// through gives the place as another account of the server uses it; nil: the one that does so always.
func (p *place) through(a *account) *place {
	if a == nil || a == p.account {
		return p
	}
	other := *p
	other.account = a
	return &other
}

// newTable is called with g.resolve held.
func (g *Gateway) newTable() *table {
	t := &table{complete: true, conversations: map[bridge.ConversationID]*place{}, found: map[named]bridge.ConversationID{}, changed: make(chan struct{})}
	setup := g.setup.Load()
	for _, r := range setup.routes {
		for _, e := range r.Endpoints {
			c, ok := g.found[e.Account][e.Channel]
			if !ok {
				t.complete = false
				continue
			}
			t.found[named{e.Account, e.Channel}] = c
			p := t.conversations[c]
			if p == nil {
				p = &place{account: setup.accounts[e.Account], channel: e.Channel, gateways: map[bridge.ConversationID]string{}, files: map[bridge.ConversationID]FilePolicy{}, wakes: map[bridge.ConversationID]bool{}}
				t.conversations[c] = p
			}
			p.in, p.out = p.in || e.In, p.out || e.Out
		}
	}
	for _, r := range setup.routes {
		for _, from := range r.Endpoints {
			for _, to := range r.Endpoints {
				t.connect(g.found[from.Account][from.Channel], g.found[to.Account][to.Channel], from.In && to.Out, r)
			}
		}
	}
	t.hash = t.hashed()
	g.talks.fill(t)
	return t
}

// hashed is for the conversations of the config alone.
func (t *table) hashed() string {
	var lines []string
	for name, c := range t.found {
		p := t.conversations[c]
		line := fmt.Sprintf("%q %q %s %s %q %v %v", name.account, name.channel, c, p.account.Name, p.channel, p.in, p.out)
		for _, to := range p.targets {
			line += fmt.Sprintf("\t%s %q %+v %v %v", to, p.gateways[to], p.files[to], p.wakes[to], p.events[to])
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:16])
}

// connect adds a target once, however many gateways lead there.
func (t *table) connect(from, to bridge.ConversationID, carried bool, r Route) {
	p := t.conversations[from]
	if p == nil || t.conversations[to] == nil || from == to || !carried {
		return
	}
	if _, ok := p.gateways[to]; ok {
		return
	}
	p.gateways[to], p.files[to], p.wakes[to] = r.Name, r.Files, r.MentionAll
	p.tell(to, r.Events)
	p.targets = append(p.targets, to)
}

// watched gives the conversations that an account reads, sorted.
func (t *table) watched(a *account) []bridge.ConversationID {
	var all []bridge.ConversationID
	for c, p := range t.conversations {
		if p.account == a && p.in {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, compareConversations)
	return t.talks.watched(a, all)
}

// merged gives what is in two sorted lists.
func merged(a, b []bridge.ConversationID) []bridge.ConversationID {
	all := make([]bridge.ConversationID, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareConversations(a[0], b[0]) < 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
