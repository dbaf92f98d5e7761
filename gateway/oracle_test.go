package gateway

import (
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// copies is what people see in one room of what was said in the other.
type copies map[*utterance][]memory.Seen

// judge compares what people see on both sides.
func (p *play) judge() sums {
	var total sums
	for n := range p.sides {
		for r := range p.sides[n].rooms {
			total.add(p.judgeRoom(n, r))
		}
	}
	for n := range p.sides {
		for r := range p.sides[n].rooms {
			p.judgeStored(&total, n, r)
		}
	}
	for n, s := range p.sides {
		// What a failure or a crash made Causeway forget it cannot keep.
		if v := s.service.Violations(); v > 0 && p.calm() {
			p.blame(&total.wrong, "side %d: %d writes came too early", n, v)
		}
	}
	return total
}

// calm tells that nothing went wrong on purpose.
func (p *play) calm() bool { return p.fault == 0 && p.crash == 0 }

func (p *play) blame(sum *int, format string, args ...any) {
	*sum++
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// judgeRoom looks at what was said in room r of side n, and at its copies on the other side.
func (p *play) judgeRoom(n, r int) sums {
	var got sums
	origin := map[bridge.MessageID]memory.Seen{}
	for _, m := range p.sides[n].service.Messages(p.sides[n].rooms[r]) {
		origin[m.ID] = m
	}
	there := copies{}
	last := -1
	for _, m := range p.sides[1-n].service.Messages(p.sides[1-n].rooms[r]) {
		u := p.copied(1-n, r, m)
		if u == nil || !m.Deleted && m.Text == blankText {
			continue // said there, or a later part of a long text
		}
		if p.loose(u) && p.tells(1-n, r, m) {
			continue
		}
		if len(there[u]) == 0 && !u.restored && !m.Deleted {
			at := slices.Index(p.said, u)
			if at < last {
				p.blame(&got.outOfOrder, "%s came after a younger one: %q", u.token, m.Text)
			}
			last = at
		}
		if !u.restored && strings.HasPrefix(m.Text, lateMark) {
			p.blame(&got.outOfOrder, "%s passes for late: %q", u.token, m.Text)
		}
		there[u] = append(there[u], m)
	}
	for _, u := range p.said {
		if u.side == n && u.room == r {
			p.judgeOne(&got, u, origin[u.id], there)
		}
	}
	return got
}

// loose tells whether what becomes of a message depends on when exactly its author had lost a token: then changes may have been
// told instead of made.
func (p *play) loose(u *utterance) bool { return u.by == ben && p.lost.Load() }

func (p *play) judgeOne(got *sums, u *utterance, o memory.Seen, there copies) {
	gone := o.Deleted || o.Text == blankText
	if gone && !u.deleted && !u.withdrawn {
		p.blame(&got.taken, "%s was deleted by nobody", u.token)
	}
	var live []memory.Seen
	for _, m := range there[u] {
		if !m.Deleted {
			live = append(live, m)
		}
	}
	switch {
	case gone && len(live) > 0:
		if !p.loose(u) {
			p.blame(&got.undeleted, "%s is deleted, but not its copy", u.token)
		}
		return
	case gone:
		return
	case len(live) == 0 && u.certainly && len(there[u]) == 1:
		p.blame(&got.undeleted, "the copy of %s is deleted by its writer, but not the message", u.token)
		return
	case len(live) == 0 && p.loose(u) && p.edited(u):
		return
	case len(live) == 0 && !u.byModerator && !u.withdrawn:
		p.blame(&got.missing, "%s is missing: %q", u.token, o.Text)
		return
	case len(live) > 1 && p.loose(u):
		return // a second copy written as somebody goes when they have connected again
	case len(live) > 1:
		p.blame(&got.doubled, "%s is there %d times", u.token, len(live))
		return
	case len(live) == 0:
		return
	case u.byModerator && !u.restored && p.calm(): // else it may have been posted, and deleted, unknown to Causeway
		p.blame(&got.undeleted, "%s was deleted by a moderator on the other side, and is back", u.token)
		return
	}
	p.judgeCopy(got, u, o, live[0], there)
}

// edited tells whether a reply says what u says now.
func (p *play) edited(u *utterance) bool {
	s := p.sides[1-u.side]
	return slices.ContainsFunc(s.service.Messages(s.rooms[u.room]), func(m memory.Seen) bool {
		return !m.Deleted && strings.Contains(m.Text, u.token) && p.tells(1-u.side, u.room, m)
	})
}

// tells tells whether m is a reply that says what a post says now, or a later part of one: a long text stands below it.
func (p *play) tells(n, r int, m memory.Seen) bool {
	if strings.HasPrefix(m.Text, "edited:") {
		return true
	}
	all := p.sides[n].service.Messages(p.sides[n].rooms[r])
	return slices.ContainsFunc(all[:slices.IndexFunc(all, func(x memory.Seen) bool { return x.ID == m.ID })], func(x memory.Seen) bool {
		return x.Text == "edited:" && x.Author.ID == "bot" && m.Author.ID == "bot" && x.Root == m.Root && m.Root != ""
	})
}

// judgeAuthor wants a copy to be of whom it shows: ann's always her own, ben's his or the relay's, cyd's the relay's.
func (p *play) judgeAuthor(got *sums, u *utterance, m memory.Seen) {
	them, relayed := p.sides[1-u.side].people[u.by], m.Author.ID == "bot"
	own := m.Author.ID == them && m.Author.Name == p.sides[1-u.side].names[u.by]
	switch {
	case u.by == ann && own, u.by == ben && (own || p.lost.Load() && relayed), u.by == cyd && relayed:
	default:
		p.blame(&got.author, "the copy of %s, said by %s, is of %s", u.token, p.sides[u.side].people[u.by], m.Author.ID)
	}
}

// by gives what one user, or everybody else, has set on a message.
func by(m memory.Seen, users ...bridge.UserID) []string {
	all := []string{}
	for _, r := range m.Reactions {
		if slices.Contains(users, r.User) && !slices.Contains(all, r.Emoji) {
			all = append(all, r.Emoji)
		}
	}
	slices.Sort(all)
	return all
}

// judgeReactions wants ann's and ben's to be their own on both sides, and cyd's to be the relay's on the other.
func (p *play) judgeReactions(got *sums, u *utterance, o, m memory.Seen) {
	here, there := p.sides[u.side].people, p.sides[1-u.side].people
	for _, who := range []int{ann, ben} {
		if mine, theirs := by(o, here[who]), by(m, there[who]); !slices.Equal(mine, theirs) && !(who == ben && p.lost.Load()) {
			p.blame(&got.wrong, "%s has %v of %s, its copy %v", u.token, mine, here[who], theirs)
		}
	}
	for _, c := range []struct {
		said, copied memory.Seen
		people       []bridge.UserID
	}{{o, m, here}, {m, o, there}} {
		least, most, have := by(c.said, c.people[cyd]), by(c.said, c.people[cyd]), by(c.copied, "bot")
		if p.lost.Load() {
			most = by(c.said, c.people[cyd], c.people[ben])
		}
		missing := slices.ContainsFunc(least, func(e string) bool { return !slices.Contains(have, e) })
		tooMuch := slices.ContainsFunc(have, func(e string) bool { return !slices.Contains(most, e) })
		if missing || tooMuch {
			p.blame(&got.wrong, "%s: the relay has set %v, people there %v", u.token, have, most)
		}
	}
}

func (p *play) judgeCopy(got *sums, u *utterance, o, m memory.Seen, there copies) {
	p.judgeAuthor(got, u, m)
	first := strings.Join(strings.Fields(o.Text), " ")
	if text := strings.Join(strings.Fields(m.Text), " "); !strings.Contains(text, first[:min(len(first), 60)]) && !p.loose(u) {
		p.blame(&got.wrong, "%s says %q, its copy %q", u.token, first, text)
	}
	if u.root != "" && len(o.Text) > 400 {
		return // it may be split behind the quote of a missing root: the oracle does not know its first part
	}
	p.judgeReactions(got, u, o, m)
	p.judgeFiles(got, u, m)
	if u.root == "" {
		if m.Root != "" {
			p.blame(&got.misplaced, "%s starts a thread, its copy answers %s", u.token, m.Root)
		}
		return
	}
	// It must answer the copy of what u answers, where that is u's own side's and was never made anew.
	var want []bridge.MessageID
	root := p.byID(u.side, u.room, u.root)
	if root != nil && !root.restored {
		for _, c := range there[root] {
			want = append(want, c.ID, c.Root)
		}
	}
	if len(want) > 0 && m.Root != "" && !slices.Contains(want, m.Root) && !p.blank(1-u.side, u.room, m.Root) {
		p.blame(&got.misplaced, "%s answers %s, its copy %s, wanted one of %v", u.token, u.root, m.Root, want)
	}
	if m.Root == "" && !strings.Contains(m.Text, "\n") && !p.quoted(m) {
		p.blame(&got.misplaced, "%s answers %s, its copy nothing: %q", u.token, u.root, m.Text)
	}
}

// blank reports whether a message was blanked, or is the first part of a long one: the quote of what is missing.
func (p *play) blank(n, r int, id bridge.MessageID) bool {
	for _, m := range p.sides[n].service.Messages(p.sides[n].rooms[r]) {
		if m.ID == id {
			return m.Text == blankText || p.byID(n, r, id) == nil && p.quoted(m)
		}
	}
	return false
}

// quoted reports whether m begins with a quote.
func (p *play) quoted(m memory.Seen) bool { return len(m.Doc) > 0 && m.Doc[0].Kind == "quote" }

// seen lists what people see, for a play that went wrong.
func (p *play) seen() string {
	var b strings.Builder
	for n, s := range p.sides {
		for _, room := range s.rooms {
			for _, m := range s.service.Messages(room) {
				fmt.Fprintf(&b, "side %d %s %s root=%q by=%s deleted=%v %v %.60q\n", n, room, m.ID, m.Root, m.Author.ID, m.Deleted, m.Reactions, m.Text)
			}
		}
	}
	return b.String()
}
