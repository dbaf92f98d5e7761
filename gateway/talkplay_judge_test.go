package gateway

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

var tokens = regexp.MustCompile(`m\d+\.`)

func (p *circle) judge(counts map[string]int) {
	p.t.Helper()
	by := map[string]*spoken{}
	for _, m := range p.said {
		by[m.token] = m
	}
	copies := map[string][]memory.Seen{}
	for _, s := range []*memory.Service{p.a, p.b} {
		for _, t := range s.Talks() {
			for _, seen := range s.Messages(t.Conversation.Channel) {
				for _, token := range tokens.FindAllString(seen.Text, -1) {
					m := by[token]
					for _, u := range seen.To {
						if !slices.Contains(m.to, name(u)) {
							p.t.Errorf("%s got %q, which was said among %v, in %s of %v", u, seen.Text, m.to, t.Conversation, seen.To)
						}
					}
				}
				lines := strings.Split(seen.Text, "\n")                                    // before the last one stands what it answers
				if m := by[tokens.FindString(lines[len(lines)-1])]; m != nil && s == p.a { // in b, who has left does not see it
					circle, made := m.circles[strings.TrimSpace(lines[len(lines)-1])]
					for _, u := range seen.To {
						if made && !slices.Contains(circle, name(u)) {
							p.t.Errorf("%s got %q, which it was made among %v, in %s of %v", u, seen.Text, circle, t.Conversation, seen.To)
						}
					}
				}
				if token := tokens.FindString(lines[len(lines)-1]); token != "" && by[token].in != s && lines[0] != "edited:" {
					copies[token] = append(copies[token], seen)
				}
			}
		}
		for _, n := range s.Notices() {
			if tokens.MatchString(memory.Text(n.Text)) && (s == p.b || !p.beside || n.Conversation != (bridge.ConversationID{})) {
				p.t.Errorf("%s was told %q", n.User, memory.Text(n.Text))
			}
		}
	}
	for _, s := range []*memory.Service{p.a, p.b} {
		for _, t := range s.Talks() {
			p.inOrder(s, t.Conversation.Channel, by, counts)
		}
	}
	for _, t := range p.b.Talks() {
		p.note(p.b, t.Conversation.Channel)
	}
	for _, m := range p.said {
		all := copies[m.token]
		live := slices.DeleteFunc(slices.Clone(all), func(s memory.Seen) bool { return s.Deleted })
		if len(all) > 0 {
			counts["carried"]++
		}
		if len(live) > 1 {
			p.t.Errorf("%s is there %d times: %+v", m.token, len(live), live)
		}
		if !p.must(m) {
			continue
		}
		if p.left(m) {
			continue // nobody is there by whose right what was done there could be read
		}
		counts["must"]++
		if p.together[m.channel] {
			counts["at once"]++
		}
		if !p.shows(m, live) && !(m.overtaken && len(all) == 0) {
			p.t.Errorf("%s (%q, deleted %t) said in %s/%s among %v at %s is there as %+v", m.token, m.text, m.deleted, m.in.Server(), m.channel, m.to, m.at.Format("04:05.000"), live)
		}
	}
	p.asides(by, copies, counts)
	if held := p.held(); len(held) > 0 {
		p.t.Errorf("in quarantine: %+v", held)
	}
	counts["left behind"] += strings.Count(strings.Join(notices(p.a), "\n"), "It goes on in another one")
	counts["crashed"] += strings.Count(p.log.String(), "the store is closed")
	if p.t.Failed() {
		for _, m := range p.said {
			p.t.Logf("%s %s %s/%s %v by %s", m.at.Format("04:05.000"), m.token, m.in.Server(), m.channel, m.to, m.by)
		}
		p.t.Logf("beside %t, connected %v\n%s\n%s", p.beside, p.since, strings.Join(talksOf(p.a), "\n"), strings.Join(talksOf(p.b), "\n"))
	}
}

// late reports whether a copy tells that it came late.
func late(seen memory.Seen) bool { return strings.Contains(seen.Text, lateMark) }

// inOrder: the copies of one conversation in another one came in the order in which they were said, but for those that tell when that was; and no answer
// before what it answers.
func (p *circle) inOrder(s *memory.Service, c bridge.ChannelID, by map[string]*spoken, counts map[string]int) {
	newest, copied := map[bridge.ChannelID]*spoken{}, map[string]memory.Seen{}
	here := map[string]memory.Seen{}
	for _, seen := range s.Messages(c) {
		if _, again := here[tokenIn(seen)]; !again && !strings.HasPrefix(seen.Text, "edited:") {
			here[tokenIn(seen)] = seen
		}
	}
	for _, seen := range s.Messages(c) {
		lines := strings.Split(seen.Text, "\n")
		m := by[tokens.FindString(lines[len(lines)-1])]
		if m == nil || m.in == s || lines[0] == "edited:" {
			continue
		}
		if _, again := copied[m.token]; again {
			continue
		}
		copied[m.token] = seen
		p.answers(s, c, seen, m, here, counts)
		if m.root != "" {
			root, there := copied[m.root]
			counts["answers"]++
			if !there && slices.ContainsFunc(s.Messages(c), func(other memory.Seen) bool {
				return strings.HasSuffix(other.Text, m.root) && !late(other) && by[m.root].in != s
			}) {
				p.t.Errorf("in %s/%s %s came before %s, which it answers: %+v", s.Server(), c, m.token, m.root, root)
			}
		}
		if late(seen) {
			continue
		}
		if before := newest[m.channel]; before != nil {
			counts["in order"]++
			if before.at.After(m.at) {
				p.t.Errorf("in %s/%s %s came after %s", s.Server(), c, m.token, before.token)
			}
		}
		newest[m.channel] = m
	}
}

// answers: a copy of an answer stands below what it answers, wherever that was said; where that is not there, or was deleted, it quotes.
func (p *circle) answers(s *memory.Service, c bridge.ChannelID, seen memory.Seen, m *spoken, here map[string]memory.Seen, counts map[string]int) {
	root, there := here[m.answers]
	quotes := strings.Contains(seen.Text, "\n")
	switch {
	case m.answers == "" || seen.Deleted:
		if m.answers == "" && seen.Root != "" {
			p.t.Errorf("in %s/%s %s answers %s, and it was said without", s.Server(), c, m.token, seen.Root)
		}
	case there && seen.Root != "":
		counts["threads"]++
		if thread := cmp.Or(root.Root, root.ID); seen.Root != thread {
			p.t.Errorf("in %s/%s %s answers %s, want %s (%s)", s.Server(), c, m.token, seen.Root, thread, m.answers)
		}
	case seen.Root != "":
		p.t.Errorf("in %s/%s %s answers %s, and what it answers is not there: %s", s.Server(), c, m.token, seen.Root, m.answers)
	case !quotes:
		p.t.Errorf("in %s/%s %s neither answers nor quotes %s: %q", s.Server(), c, m.token, m.answers, seen.Text)
	case there && !root.Deleted && !late(root) && !late(seen) && standsBefore(s, c, root, seen) && stands(s, c, cmp.Or(root.Root, root.ID)):
		p.t.Errorf("in %s/%s %s quotes %s, which is there: %q", s.Server(), c, m.token, m.answers, seen.Text)
	default:
		counts["quotes"]++
	}
}

// stands reports whether a message is there and not deleted: below one that is, nothing can be written.
func stands(s *memory.Service, c bridge.ChannelID, id bridge.MessageID) bool {
	return slices.ContainsFunc(s.Messages(c), func(m memory.Seen) bool { return m.ID == id && !m.Deleted })
}

// standsBefore reports whether one message stands before another one.
func standsBefore(s *memory.Service, c bridge.ChannelID, one, other memory.Seen) bool {
	at := func(id bridge.MessageID) int {
		return slices.IndexFunc(s.Messages(c), func(m memory.Seen) bool { return m.ID == id })
	}
	return at(one.ID) < at(other.ID)
}

// left reports whether all who are connected have left the conversation in which something was said.
func (p *circle) left(m *spoken) bool {
	return !slices.ContainsFunc(p.present(m.in, m.channel), func(n string) bool { _, connected := p.since[n]; return connected })
}

// must: everybody was connected when it was said and has been since, and it was said where exactly one conversation of the same people is.
func (p *circle) must(m *spoken) bool {
	for _, n := range m.to {
		since, connected := p.since[n]
		if !connected || m.at.Before(since.Add(connecting)) {
			return false
		}
	}
	return p.alone(m)
}

// connecting is how long after somebody has connected what is said in their conversations is sure to be noticed.
const connecting = 3 * time.Second

// alone: it was said where exactly one conversation of the same people is.
func (p *circle) alone(m *spoken) bool {
	key := strings.Join(m.to, " ")
	switch {
	case m.in == p.b && len(m.to) < 3 && p.sets[key] != nil: // a group that became so small
		return !p.sets[key][m.channel]
	case len(m.to) < 3:
		return true
	case m.in == p.a: // else the other end may have moved on
		return !p.changed[key]
	case p.together[m.channel] && !p.changed[key] && !p.formed[key] && !p.elsewhere(m):
		return true
	}
	return len(slices.Collect(maps.Keys(p.sets[key]))) <= 1
}

// elsewhere reports whether people have spoken in another group of b with the same people.
func (p *circle) elsewhere(m *spoken) bool {
	return slices.ContainsFunc(p.said, func(other *spoken) bool {
		return other.in == p.b && other.channel != m.channel && slices.Equal(other.to, m.to)
	})
}
