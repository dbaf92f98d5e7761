package gateway

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// ahead is how many posts lanes begin at once, however long they take; 0: as the gateway does.
func (p *play) ahead() int { return []int{0, 3, 16}[p.seed%3] }

// act is one thing that somebody does.
func (p *play) act() {
	n, r := p.int(2), p.int(len(p.sides[0].rooms))
	s := p.sides[n]
	by := p.int(len(s.people))
	room, who := s.rooms[r], s.people[by]
	all := s.service.Messages(room)
	kind := p.int(14)
	if p.gentle {
		kind = p.int(7)
	}
	if len(all) == 0 {
		kind = 0
	}
	var seen memory.Seen
	if kind > 2 {
		seen = all[p.int(len(all))]
	}
	said, copied := p.byID(n, r, seen.ID), p.copied(n, r, seen)
	if kind > 2 && kind < 13 && said == nil && copied == nil || seen.Text == blankText {
		return // the oracle does not know whose later part or quote this is
	}
	switch kind {
	case 0, 1, 2:
		p.say(n, r, "", by)
		if p.ahead() > 0 { // several things at once, to be begun together
			for range p.int(5) {
				time.Sleep(time.Microsecond)
				p.say(n, r, "", p.int(len(s.people)))
			}
		}
	case 3, 4:
		if seen.Root == "" && !seen.Deleted {
			p.say(n, r, seen.ID, by)
		}
	case 5, 6:
		if said != nil && !seen.Deleted {
			p.add("side %d %s: a person edits %s", n, room, seen.ID)
			if len(said.files) > 1 && !said.restored && p.int(2) == 0 {
				said.files = said.files[:1]
				s.service.Attach(room, seen.ID, said.files...)
			}
			s.service.Edit(room, seen.ID, fmt.Sprintf("%s  now %d", said.token, p.int(1000)))
		}
	case 7:
		p.remove(n, r, seen)
	case 8:
		if said != nil && seen.Deleted {
			said.restored, said.deleted, said.certainly = true, false, false
			p.add("side %d %s: a person restores %s", n, room, seen.ID)
			s.service.Undelete(room, seen.ID)
		}
	case 9, 10:
		if !seen.Deleted {
			emoji := []string{"👍", "🎉", "❤"}[p.int(3)]
			p.add("side %d %s: %s reacts to %s with %s", n, room, who, seen.ID, emoji)
			s.service.React(room, seen.ID, who, emoji)
		}
	case 11:
		for _, x := range seen.Reactions {
			if x.User != "bot" && !seen.Deleted {
				p.add("side %d %s: %s takes %s from %s", n, room, x.User, x.Emoji, seen.ID)
				s.service.Unreact(room, seen.ID, x.User, x.Emoji)
				break
			}
		}
	case 12:
		// A coarse clock hides edits; what stands before the text would be lost, and parts are told one by one.
		if copied != nil && !seen.Deleted && seen.Author.ID != "bot" && !copied.long && !p.coarse[n] && strings.HasPrefix(seen.Text, copied.token) {
			p.add("side %d %s: %s edits %s, the copy of %s", n, room, seen.Author.ID, seen.ID, copied.token)
			copied.rivalled, copied.outdone = true, copied.outdone || p.coarse[copied.side]
			s.service.Edit(room, seen.ID, fmt.Sprintf("%s  now %d", copied.token, 1000+p.int(1000)))
		}
	case 13:
		if p.int(3) > 0 || p.steady {
			break
		}
		if u := s.people[ben]; p.int(2) == 0 {
			p.add("%s loses his token", u)
			p.lost.Store(true)
			s.service.Revoke(u)
		} else {
			p.connect(ben)
		}
	}
}

func (p *play) say(n, r int, root bridge.MessageID, by int) {
	u, who := &utterance{side: n, room: r, root: root, by: by, token: fmt.Sprintf("m%d.", len(p.said))}, p.sides[n].people[by]
	text := u.token + "  says " + strings.Repeat("long ", p.int(2)*p.int(200))
	u.long = len(text) > 200
	if p.int(5) == 0 {
		for i := range 1 + p.int(2) {
			u.files = append(u.files, fileOfSize(fmt.Sprintf("%sfile%d", u.token, i), p.int(200_000)))
		}
	}
	u.id = p.sides[n].service.SayDoc(p.sides[n].rooms[r], root, who, richtext.Plain(text), u.files...)
	p.add("side %d %s: %s says %s as %s below %q", n, p.sides[n].rooms[r], who, u.token, u.id, root)
	p.said = append(p.said, u)
}

// remove deletes a message: its author's own, or a copy by a moderator. What goes along is noted.
func (p *play) remove(n, r int, seen memory.Seen) {
	if seen.Deleted {
		return
	}
	s := p.sides[n]
	p.add("side %d %s: a person deletes %s", n, s.rooms[r], seen.ID)
	s.service.Delete(s.rooms[r], seen.ID)
	for _, now := range s.service.Messages(s.rooms[r]) {
		if !now.Deleted || now.ID != seen.ID && now.Root != seen.ID {
			continue
		}
		if u := p.byID(n, r, now.ID); u != nil {
			u.deleted = true
		} else if u := p.copied(n, r, now); u != nil && now.Author.ID != "bot" {
			u.withdrawn = true
			u.certainly = u.certainly || now.ID == seen.ID && u.by == ann && now.Root == "" && !u.restored
		} else if u != nil {
			u.byModerator = true
		}
	}
}

func (p *play) byID(n, r int, id bridge.MessageID) *utterance {
	for _, u := range p.said {
		if u.side == n && u.room == r && u.id == id {
			return u
		}
	}
	return nil
}

// blankText stands where a message was that its replies need.
const blankText = "(message deleted)"

// copied finds whose copy a message is; nil when it is none, or has no token of its own.
func (p *play) copied(n, r int, m memory.Seen) *utterance {
	if p.byID(n, r, m.ID) != nil {
		return nil
	}
	text := memory.Text(slices.DeleteFunc(slices.Clone(m.Doc), func(b richtext.Block) bool { return b.Kind == richtext.Quote }))
	if strings.HasPrefix(text, lateMark) {
		_, text, _ = strings.Cut(text, ") ")
	}
	for _, u := range p.said {
		if u.side != n && u.room == r && strings.HasPrefix(strings.TrimSpace(text), u.token) {
			return u
		}
	}
	return nil
}

func emojiOf(m memory.Seen, own bool) []string {
	var all []string
	for _, r := range m.Reactions {
		if (r.User == "bot") == own && !slices.Contains(all, r.Emoji) {
			all = append(all, r.Emoji)
		}
	}
	slices.Sort(all)
	return all
}
