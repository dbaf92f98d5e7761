package gateway

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

var talkSeeds = flag.Int("play.talks", 60, "how many random plays of direct and group conversations")

// circle is a play: people talk in direct and group conversations on both sides while they join and leave, connect and disconnect, and Causeway
// crashes.
type circle struct {
	*world
	random *rand.Rand
	a, b   *memory.Service
	names  []string
	// faulty: calls fail now and then, as chance says.
	faulty atomic.Bool
	chance *rand.Rand
	calls  sync.Mutex // guards chance
	// since is from when on somebody has been connected without a break.
	since map[string]time.Time
	ever  map[string]bool // who has ever been connected
	lame  map[string]bool // who is half connected
	// beside: a shows what the unconnected say by direct messages.
	beside bool
	said   []*spoken
	// sets are who was in groups of b, changed those of which one has changed; both by names.
	sets    map[string]map[bridge.ChannelID]bool
	changed map[string]bool
	moved   map[bridge.ChannelID]time.Time // when people in it changed last
	// together are groups of b that were begun at once with the one of the same people in a.
	together map[bridge.ChannelID]bool
	// rewrote is when Causeway has edited a copy last; guarded by calls.
	rewrote map[bridge.ConversationID]map[bridge.MessageID]time.Time
	// formed are sets of people in groups of b of which somebody has come or gone before.
	formed map[string]bool
}

// spoken is something that a person said.
type spoken struct {
	token   string
	in      *memory.Service
	channel bridge.ChannelID
	id      bridge.MessageID
	by      string
	text    string
	root    string // the token of what it answers, where that was said there; empty: nothing, or a copy
	answers string // the token of what it answers, wherever that was said
	// early are the texts that it had while those were there to whom it was said, and those that were written at its copy.
	early []string
	// circles are who was there when it was given each of its texts.
	circles map[string][]string
	deleted bool
	// restored: it was deleted and brought back.
	restored bool
	at       time.Time
	to       []string // who was there, sorted
	// edited is when it was given its last text. overtaken: others were there than those to whom it was said when it was given one, or right after that, and nothing of it was on the
	// other side yet, where nothing comes then. missed are those who were not there then, and had been shown nothing of it aside; unsure: people came or went right after it was edited.
	edited            time.Time
	overtaken, unsure bool
	missed            []string
	// given are texts that it had before its author changed the copy within ten seconds of Causeway's own edit of that. Until Causeway has seen its edit there, a service's clock does not tell
	// which of the two a text is from: then the former one may stay, everywhere. Else the newer edit counts.
	given []string
}

// name gives who somebody is, by either side's name.
func name(u bridge.UserID) string { return strings.ToLower(string(u)) }

func TestNobodyEverGetsWhatWasSaidWhereTheyWereNot(t *testing.T) {
	counts := map[string]int{}
	for seed := uint64(1); seed <= uint64(*talkSeeds); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := &circle{world: w, random: rand.New(rand.NewPCG(seed, 7)), chance: rand.New(rand.NewPCG(seed, 8)), names: strings.Fields("ann ben cyd dan eve"),
					beside: seed%2 == 0, since: map[string]time.Time{}, ever: map[string]bool{}, lame: map[string]bool{}, sets: map[string]map[bridge.ChannelID]bool{}, changed: map[string]bool{}, moved: map[bridge.ChannelID]time.Time{}, together: map[bridge.ChannelID]bool{}, rewrote: map[bridge.ConversationID]map[bridge.MessageID]time.Time{}, formed: map[string]bool{}}
				p.perform()
				p.judge(counts)
			})
		})
	}
	t.Logf("%v", counts)
	for _, what := range []string{"carried", "must", "left behind", "crashed", "at once", "in order", "answers", "threads", "quotes", "aside", "must be shown", "withdrawn", "shown anew"} {
		if counts[what] == 0 && *talkSeeds >= 50 {
			t.Errorf("it never happened: %s", what)
		}
	}
}

func (p *circle) fault(_ context.Context, c memory.Call) error {
	p.calls.Lock()
	defer p.calls.Unlock()
	if c.Op == memory.Edit && c.After { // one that has failed certainly counts for nothing
		if p.rewrote[c.Conversation] == nil {
			p.rewrote[c.Conversation] = map[bridge.MessageID]time.Time{}
		}
		p.rewrote[c.Conversation][c.ID] = time.Now()
	}
	if !p.faulty.Load() || p.chance.IntN(12) > 0 {
		return nil
	}
	switch c.Op {
	case memory.Post, memory.OpenConversation, memory.Edit, memory.Delete, memory.Notify:
		if c.After {
			return memory.LostAnswer()
		}
		return memory.Fails(bridge.Transient)
	case memory.Members, memory.Talk, memory.Find, memory.Feeding, memory.Rename:
		if !c.After {
			return memory.Fails(bridge.Transient)
		}
	}
	return nil
}

func (p *circle) perform() {
	a, b := likeMattermost(), likeTeams()
	if p.beside {
		a = likeRestricted()
	}
	a.Fault, b.Fault = p.fault, p.fault
	p.a, p.b = p.talking(a, b)
	for _, n := range p.names {
		p.a.AddPerson(bridge.Author{ID: bridge.UserID(n), Name: n})
		p.b.AddPerson(bridge.Author{ID: there(n), Name: n})
		if p.random.IntN(3) > 0 && !(p.beside && n == aloof) {
			p.join(n)
		} else {
			p.match(p.a, bridge.UserID(n), p.b, there(n), n)
		}
	}
	p.faulty.Store(p.random.IntN(2) == 0)
	for range 40 {
		p.act()
		p.rest(p.random.IntN(5) == 0)
	}
	p.faulty.Store(false)
	p.restart()
	p.wait(3 * time.Hour)
}

// rest lets some time pass, never a whole number of milliseconds, so that nothing happens at the very moment of something else.
func (p *circle) rest(long bool) {
	d := time.Duration(2+p.random.IntN(400)) * time.Millisecond
	if long {
		d = time.Duration(1+p.random.IntN(60)) * time.Second
	}
	p.wait(d + time.Duration(1+p.random.IntN(999_000)))
	if p.died.Load() {
		p.restart()
	}
}

func (p *circle) restart() {
	p.down()
	if p.random.IntN(2) == 0 {
		p.speak()
		p.speak()
	}
	p.died.Store(false)
	p.diesAt = 0
	if p.faulty.Load() && p.random.IntN(2) == 0 {
		p.diesAt, p.diesAfter = 1+p.random.IntN(40), p.random.IntN(2) == 0
	}
	p.start()
	p.gateway.PeopleChanged()
}

// join connects somebody.
func (p *circle) join(n string) {
	if _, connected := p.since[n]; connected || p.died.Load() || p.lame[n] || p.beside && n == aloof {
		return
	}
	p.ever[n] = true
	err := p.tryConnect(p.a, bridge.UserID(n), p.b, there(n))
	if err == nil {
		p.since[n] = time.Now()
	} else if !p.died.Load() {
		p.t.Error(err)
	}
}

func (p *circle) part(n string) {
	if _, connected := p.since[n]; !connected || p.died.Load() {
		return
	}
	delete(p.since, n)
	for s, u := range map[bridge.ServerID]bridge.UserID{p.a.Server(): bridge.UserID(n), p.b.Server(): there(n)} {
		if err := p.store.Forget(p.t.Context(), s, u, false); err != nil {
			p.lame[n] = true // the store has died in between
			return
		}
	}
	if p.random.IntN(2) == 0 && !p.died.Load() {
		_ = p.store.NoteMatch(p.t.Context(), store.Match{User: store.User{Server: p.a.Server(), User: bridge.UserID(n)}, OtherServer: p.b.Server(), Other: there(n), Name: n, Seen: time.Now()})
	}
	p.gateway.PeopleChanged()
}

func (p *circle) act() {
	switch n := p.random.IntN(20); {
	case n < 4:
		p.begin()
	case n == 4:
		p.atOnce()
	case n < 12:
		p.speak()
	case n < 15:
		p.alter()
	case n < 18:
		p.regroup()
	case n == 18:
		who := p.names[p.random.IntN(len(p.names))]
		if p.random.IntN(2) == 0 {
			p.join(who)
		} else {
			p.part(who)
		}
	default:
		p.restart()
	}
}

// begin has some people begin a talk, or go back to theirs.
func (p *circle) begin() {
	names := slices.Clone(p.names)
	p.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var here, away []bridge.UserID
	for _, n := range names[:1+p.random.IntN(4)] {
		here, away = append(here, bridge.UserID(n)), append(away, there(n))
	}
	if p.random.IntN(2) == 0 {
		p.say(p.a, p.a.Direct(here...), here[0])
	} else {
		p.say(p.b, p.b.Direct(away...), away[0])
	}
}

// atOnce has people begin a group on both sides.
func (p *circle) atOnce() {
	names := slices.Clone(p.names)
	p.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var here, away []bridge.UserID
	for _, n := range names[:3+p.random.IntN(2)] {
		here, away = append(here, bridge.UserID(n)), append(away, there(n))
	}
	gm, chat := p.a.Direct(here...), p.b.Direct(away...)
	p.together[chat] = len(p.a.Messages(gm)) == 0
	first, second := func() { p.say(p.a, gm, here[0]) }, func() { p.say(p.b, chat, away[1]) }
	if p.random.IntN(2) == 0 {
		first, second = second, first
	}
	first()
	if p.random.IntN(2) == 0 {
		p.rest(false)
	}
	second()
}

func (p *circle) speak() {
	s := p.a
	if p.random.IntN(2) == 0 {
		s = p.b
	}
	if all := s.Talks(); len(all) > 0 {
		if t := all[p.random.IntN(len(all))]; len(t.Members) > 0 {
			for range 1 + p.random.IntN(3) {
				p.say(s, t.Conversation.Channel, t.Members[p.random.IntN(len(t.Members))])
				p.wait(5*time.Millisecond + time.Duration(1+p.random.IntN(999_000)))
			}
		}
	}
}

func (p *circle) say(s *memory.Service, c bridge.ChannelID, u bridge.UserID) {
	m := &spoken{token: fmt.Sprintf("m%d.", len(p.said)), in: s, channel: c, by: name(u), at: time.Now()}
	m.text = m.token
	var roots []memory.Seen
	for _, seen := range s.Messages(c) {
		if !seen.Deleted && seen.Root == "" {
			roots = append(roots, seen)
		}
	}
	if len(roots) > 0 && p.random.IntN(4) == 0 {
		root := roots[p.random.IntN(len(roots))]
		m.id = s.Reply(c, root.ID, u, m.text)
		m.root, m.answers = p.tokenOf(s, c, root), tokenIn(root)
	} else {
		m.id = s.Say(c, u, m.text)
	}
	all := s.Messages(c)
	for _, member := range all[len(all)-1].To {
		m.to = append(m.to, name(member))
	}
	slices.Sort(m.to)
	m.circles = map[string][]string{m.text: m.to}
	p.said = append(p.said, m)
	p.note(s, c)
}

// tokenIn gives what a message says: before its last line stands what it answers.
func tokenIn(seen memory.Seen) string {
	lines := strings.Split(seen.Text, "\n")
	return tokens.FindString(lines[len(lines)-1])
}

// tokenOf gives what was said by a person in a conversation itself.
func (p *circle) tokenOf(s *memory.Service, c bridge.ChannelID, seen memory.Seen) string {
	for _, m := range p.said {
		if m.in == s && m.channel == c && m.id == seen.ID {
			return m.token
		}
	}
	return "" // a copy
}

// note remembers who was in a group of b.
func (p *circle) note(s *memory.Service, c bridge.ChannelID) {
	for _, t := range s.Talks() {
		if s == p.b && t.Conversation.Channel == c && t.Shape == bridge.Group {
			key := setOf(t.Members)
			if p.sets[key] == nil {
				p.sets[key] = map[bridge.ChannelID]bool{}
			}
			p.sets[key][c] = true
		}
	}
}

func setOf(members []bridge.UserID) string {
	var all []string
	for _, u := range members {
		all = append(all, name(u))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// alter edits, deletes or reacts.
func (p *circle) alter() {
	if len(p.said) == 0 {
		return
	}
	m := p.said[p.random.IntN(len(p.said))]
	switch {
	case p.beside && p.random.IntN(2) == 0:
		p.takeBack()
	case m.deleted:
	case p.random.IntN(3) > 0:
		before := m.text
		m.text, m.edited = m.text+"edited", time.Now()
		if p.among(m) {
			m.early = append(m.early, m.text)
		} else {
			m.overtaken = m.overtaken || !p.arrived(m)
		}
		m.circles[m.text] = p.present(m.in, m.channel)
		p.misses(m)
		if copied := p.copyOf(m); copied != nil && p.random.IntN(3) == 0 { // its author changes the copy
			other, c := p.a, copied.channel
			if m.in == p.a {
				other = p.b
			}
			m.circles[m.text], m.early = p.present(other, c), append(m.early, m.text)
			if p.justRewrote(bridge.ConversationID{Server: other.Server(), Channel: c}, copied.id) {
				m.given = append(m.given, before)
			}
			other.Edit(c, copied.id, m.text)
			break
		}
		m.in.Edit(m.channel, m.id, m.text)
	case p.random.IntN(2) == 0:
		m.deleted = true
		m.in.Delete(m.channel, m.id)
	default:
		m.in.React(m.channel, m.id, m.in.Messages(m.channel)[0].To[0], "👍")
	}
}

// present gives who is in a conversation, sorted.
func (p *circle) present(s *memory.Service, c bridge.ChannelID) (all []string) {
	for _, t := range s.Talks() {
		if t.Conversation.Channel == c {
			for _, u := range t.Members {
				all = append(all, name(u))
			}
		}
	}
	slices.Sort(all)
	return all
}

// copied is a copy that was written as its author.
type copied struct {
	channel bridge.ChannelID
	id      bridge.MessageID
}

// copyOf finds the copy of a message on the other side, where it was written as its author; nil: there is none.
func (p *circle) copyOf(m *spoken) *copied {
	other := p.a
	if m.in == p.a {
		other = p.b
	}
	for _, t := range other.Talks() {
		for _, seen := range other.Messages(t.Conversation.Channel) {
			if tokenIn(seen) == m.token && !seen.Deleted && name(seen.Author.ID) == m.by && !strings.Contains(seen.Text, "\n") {
				return &copied{t.Conversation.Channel, seen.ID}
			}
		}
	}
	return nil
}

// arrived reports whether a message is, or was, in a conversation on the other side.
func (p *circle) arrived(m *spoken) bool {
	other := p.a
	if m.in == p.a {
		other = p.b
	}
	return slices.ContainsFunc(other.Talks(), func(t bridge.Talk) bool {
		return slices.ContainsFunc(other.Messages(t.Conversation.Channel), func(seen memory.Seen) bool { return tokenIn(seen) == m.token })
	})
}

// among reports whether those are there now to whom something was said.
func (p *circle) among(m *spoken) bool {
	return slices.ContainsFunc(m.in.Talks(), func(t bridge.Talk) bool {
		return t.Conversation.Channel == m.channel && setOf(t.Members) == strings.Join(m.to, " ")
	})
}

// shows reports whether a copy looks as it should: like the message, and where people have come or gone since, like it did before that.
func (p *circle) shows(m *spoken, live []memory.Seen) bool {
	if m.deleted || len(live) != 1 {
		return m.deleted && len(live) == 0
	}
	texts := []string{m.text}
	if p.moved[m.channel].After(m.at) {
		texts = append(m.early, m.token)
	}
	return slices.ContainsFunc(append(texts, m.given...), func(text string) bool { return strings.HasSuffix(live[0].Text, text) })
}

// justRewrote reports whether Causeway has edited a message right now, whether or not it knows.
func (p *circle) justRewrote(c bridge.ConversationID, id bridge.MessageID) bool {
	p.calls.Lock()
	defer p.calls.Unlock()
	return time.Since(p.rewrote[c][id]) < 10*time.Second
}

func (p *circle) regroup() {
	var groups []bridge.Talk
	for _, t := range p.b.Talks() {
		if t.Shape == bridge.Group {
			groups = append(groups, t)
		}
	}
	if len(groups) == 0 {
		return
	}
	t := groups[p.random.IntN(len(groups))]
	c, u := t.Conversation.Channel, there(p.names[p.random.IntN(len(p.names))])
	p.note(p.b, c)
	for _, m := range p.said {
		if m.channel == c && m.in == p.b && time.Since(m.edited) < 2*editedEarly {
			m.unsure, m.overtaken = true, m.overtaken || !p.arrived(m)
		}
	}
	p.moved[c] = time.Now()
	p.changed[setOf(t.Members)] = true
	if slices.Contains(t.Members, u) {
		p.b.Leave(c, u)
	} else {
		p.b.Join(c, u)
	}
	p.note(p.b, c)
	for _, t := range p.b.Talks() {
		if t.Conversation.Channel == c {
			p.formed[setOf(t.Members)] = true
		}
	}
}
