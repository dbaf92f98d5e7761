package gateway

import (
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// aloof is who never connects where a shows aside what such people say.
const aloof = "eve"

// takeBack deletes something that the aloof have said, or brings it back.
func (p *circle) takeBack() {
	theirs := slices.DeleteFunc(slices.Clone(p.said), func(m *spoken) bool { return m.in != p.b || m.by != aloof })
	if len(theirs) == 0 {
		return
	}
	m := theirs[p.random.IntN(len(theirs))]
	if i := slices.IndexFunc(theirs, func(m *spoken) bool { return m.deleted }); i >= 0 && p.random.IntN(2) == 0 {
		m = theirs[i]
	}
	if m.deleted = !m.deleted; m.deleted {
		m.in.Delete(m.channel, m.id)
		return
	}
	m.restored = true
	m.in.Undelete(m.channel, m.id)
}

// showing is what somebody sees in a direct message of the account.
type showing struct{ to, text string }

// asides judges what was shown by direct messages: to nobody who was not there when it was said, nor when it was given this text; nothing twice, nothing that is deleted,
// and nothing is missing.
func (p *circle) asides(by map[string]*spoken, copies map[string][]memory.Seen, counts map[string]int) {
	p.t.Helper()
	shown, last := map[showing]int{}, map[string][]showing{}
	for _, n := range p.a.Notices() {
		if n.Conversation != (bridge.ConversationID{}) || !tokens.MatchString(memory.Text(n.Text)) {
			continue
		}
		lines, to := strings.Split(memory.Text(n.Text), "\n"), name(n.User)
		for _, token := range tokens.FindAllString(memory.Text(n.Text), -1) {
			if m := by[token]; !slices.Contains(m.to, to) {
				p.t.Errorf("%s was shown %q, which was said among %v", to, lines, m.to)
			}
		}
		text := lines[len(lines)-1] // before it stands what it answers
		m := by[tokens.FindString(text)]
		text = text[strings.Index(text, m.token):] // or when it was said
		if circle, made := m.circles[text]; made && !slices.Contains(circle, to) {
			p.t.Errorf("%s was shown %q, which it was made among %v", to, text, circle)
		}
		if shown[showing{to, text}]++; shown[showing{to, text}] > 1 {
			p.t.Errorf("%s is shown %q twice", to, text)
		}
		if live := slices.DeleteFunc(slices.Clone(copies[m.token]), func(s memory.Seen) bool { return s.Deleted }); len(live) > 0 || m.in == p.a {
			p.t.Errorf("%s was shown %q, which stands in the conversation: %+v", to, text, live)
		}
		last[m.token] = append(last[m.token], showing{to, text})
		if counts["aside"]++; m.restored {
			counts["shown anew"]++
		}
	}
	for _, m := range p.said {
		if p.mustBeShown(m) && !p.left(m) {
			p.isShown(m, last[m.token], counts)
		}
	}
}

// isShown: each who is connected was shown what somebody has said, or what they had made of it before people came or went; nobody if it is deleted.
func (p *circle) isShown(m *spoken, shown []showing, counts map[string]int) {
	p.t.Helper()
	complain := func(to string) {
		p.t.Errorf("%s (%q, deleted %t) said by %s in %s/%s among %v at %s is shown to %s as %v", m.token, m.text, m.deleted, m.by, m.in.Server(), m.channel, m.to, m.at.Format("04:05.000"), to, shown)
	}
	if m.deleted {
		if counts["withdrawn"]++; len(shown) > 0 {
			complain("somebody")
		}
		return
	}
	if m.restored && p.moved[m.channel].After(m.at) {
		return // what was made of it without somebody stays out
	}
	counts["must be shown"]++
	for _, to := range m.to {
		if to != m.by && !p.isShownTo(m, to, shown) {
			complain(to)
		}
	}
}

// isShownTo: who was there when it was given its last text was shown that; anybody else what they had made of it before people came or went, unless it was changed before anything of it
// was shown to them.
func (p *circle) isShownTo(m *spoken, to string, shown []showing) bool {
	sees := func(texts ...string) bool {
		return slices.ContainsFunc(shown, func(s showing) bool { return s.to == to && slices.Contains(texts, s.text) })
	}
	switch {
	case m.unsure:
		return true
	case slices.Contains(m.circles[m.text], to):
		return sees(m.text)
	}
	return slices.Contains(m.missed, to) || sees(append(m.early, m.token)...)
}

// misses notes who was not there when a message was changed, and had been shown nothing of it aside.
func (p *circle) misses(m *spoken) {
	for _, u := range m.to {
		if !slices.Contains(m.circles[m.text], u) && !slices.ContainsFunc(p.a.Notices(), func(n bridge.Notice) bool {
			return n.Conversation == (bridge.ConversationID{}) && name(n.User) == u && strings.Contains(memory.Text(n.Text), m.token)
		}) {
			m.missed = append(m.missed, u)
		}
	}
}

// mustBeShown: its author has never connected, everybody else had when it was said and has been since, and it was said where exactly one conversation of the same people is.
func (p *circle) mustBeShown(m *spoken) bool {
	if !p.beside || m.in != p.b || p.ever[m.by] || len(m.to) < 2 {
		return false
	}
	for _, n := range m.to {
		if since, connected := p.since[n]; n != m.by && (!connected || m.at.Before(since.Add(connecting))) {
			return false
		}
	}
	return p.alone(m)
}
