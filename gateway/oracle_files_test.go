package gateway

import (
	"bytes"
	"slices"
	"strings"

	"causeway/bridge/memory"
)

// judgeFiles wants a copy to show each file of what was said once and whole, or where that was refused a line for it.
func (p *play) judgeFiles(got *sums, u *utterance, m memory.Seen) {
	if u.restored || p.loose(u) || u.outdone {
		return // with the message its files were deleted at the origin; what could not be edited was told; which of two edits took files away, and counts, an hourly clock does not tell
	}
	for n, f := range m.Files {
		at := slices.IndexFunc(u.files, func(o memory.Upload) bool { return o.Name == f.Name })
		if at < 0 && u.rivalled {
			continue
		}
		if at < 0 || !bytes.Equal(u.files[at].Data, f.Data) || slices.ContainsFunc(m.Files[:n], func(o memory.Upload) bool { return o.Name == f.Name }) {
			p.blame(&got.wrong, "the copy of %s shows %s of %d bytes", u.token, f.Name, len(f.Data))
		}
	}
	for _, f := range u.files {
		shown := slices.ContainsFunc(m.Files, func(o memory.Upload) bool { return o.Name == f.Name })
		if !shown && m.Author.ID == "bot" && (p.calm() || !p.lineFor(u, f.Name)) {
			p.blame(&got.missing, "the copy of %s lacks %s", u.token, f.Name)
		}
	}
}

// lineFor tells whether a line stands for a file that was refused; of a long text it stands in a later part.
func (p *play) lineFor(u *utterance, name string) bool {
	s := p.sides[1-u.side]
	return slices.ContainsFunc(s.service.Messages(s.rooms[u.room]), func(m memory.Seen) bool {
		return !m.Deleted && strings.Contains(m.Text, fileMark+name)
	})
}

// judgeStored wants no copy of a file to stay behind whose message was deleted. After a crash Causeway may not know of one that it has made, and who has
// lost a token leaves what others cannot remove.
func (p *play) judgeStored(got *sums, n, r int) {
	if !p.calm() || p.lost.Load() {
		return
	}
	room := p.sides[n].rooms[r]
	all := p.sides[n].service.Messages(room)
	for _, name := range p.sides[n].service.Files(room) {
		shown := slices.ContainsFunc(all, func(m memory.Seen) bool {
			return !m.Deleted && slices.ContainsFunc(m.Files, func(f memory.Upload) bool { return f.Name == name })
		})
		of := slices.IndexFunc(p.said, func(u *utterance) bool { return strings.HasPrefix(name, u.token) })
		if !shown && of >= 0 && p.isGone(p.said[of]) {
			p.blame(&got.undeleted, "side %d %s: a copy of %s is left, which nobody sees", n, room, name)
		}
	}
}

// isGone tells whether a message is deleted where it was said.
func (p *play) isGone(u *utterance) bool {
	s := p.sides[u.side]
	return slices.ContainsFunc(s.service.Messages(s.rooms[u.room]), func(m memory.Seen) bool { return m.ID == u.id && m.Deleted })
}
