package memory

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// channel is a conversation with everything that was ever said and changed in it.
type channel struct {
	conversation bridge.Conversation
	talk
	shut         bool
	messages     []*message
	byID         map[bridge.MessageID]*message
	log          []change
	files        map[string]*file
	keeps, hides bool // as the service's options say
}

// change is an entry of the log: message m became its version number v. The entry before about the same message is
// at previous; -1: none. Or the people or topic of a group became other ones: see roster.
type change struct {
	m        *message
	v        int
	previous int
	roster   *roster
}

// note appends the newest version of m to the log.
func (c *channel) note(m *message) {
	v, previous := len(m.versions)-1, m.last
	if v == 0 {
		m.born, previous = len(c.log), -1
	}
	m.last = len(c.log)
	m.places = append(m.places, m.last)
	c.log = append(c.log, change{m: m, v: v, previous: previous})
}

type message struct {
	id       bridge.MessageID
	root     bridge.MessageID
	author   bridge.Author
	writer   bridge.UserID // whose token wrote it
	created  time.Time
	key      bridge.Key
	event    bridge.Event
	versions []version
	to       []bridge.UserID // who was in the conversation; of channels nil
	// born and last are the places in the log of its first and last change, places those of its versions.
	born, last int
	places     []int
}

// version is a message at one moment. What it holds is never changed afterwards.
type version struct {
	at        time.Time // by time.Now, for Settle
	revision  int64
	edited    time.Time
	deleted   bool
	text      richtext.Doc
	files     []bridge.File
	reactions []bridge.Reaction
	mentions  int
}

func (m *message) now() version { return m.versions[len(m.versions)-1] }

// seen gives the newest version that a read of that moment sees; false when there is none yet.
func (m *message) seen(at time.Time, settle time.Duration) (version, bool) {
	return m.seenUpTo(m.last+1, at, settle)
}

// seenUpTo is seen where nothing counts that happened at a place of the log or later.
func (m *message) seenUpTo(place int, at time.Time, settle time.Duration) (version, bool) {
	for i := len(m.versions) - 1; i >= 0; i-- {
		if m.places[i] < place && !m.versions[i].at.Add(settle).After(at) {
			return m.versions[i], true
		}
	}
	return version{}, false
}

// state gives a version in the contract's form.
func (c *channel) state(m *message, v version) bridge.State {
	s := bridge.State{
		Conversation: c.conversation.ID,
		ID:           m.id,
		Root:         m.root,
		Author:       m.author,
		Created:      m.created,
		Edited:       v.edited,
		Revision:     v.revision,
		Deleted:      v.deleted,
		Key:          m.key,
		Event:        m.event,
	}
	if !v.deleted {
		s.Text, s.Files, s.Reactions = v.text, c.told(v.files), v.reactions
	}
	return s
}

// add appends a new message. Ids count from 1 in every channel: equal ids in different channels are the rule.
func (s *Service) add(c *channel, m *message, v version) bridge.MessageID {
	m.id = bridge.MessageID("m" + strconv.Itoa(len(c.messages)+1))
	m.created, m.to = s.clock(), c.members
	v.at, v.revision = time.Now(), 1
	m.versions = append(m.versions, v)
	c.messages = append(c.messages, m)
	c.byID[m.id] = m
	c.note(m)
	s.wake(c)
	return m.id
}

// change appends a version of an existing message.
func (s *Service) change(c *channel, m *message, v version) {
	v.at = time.Now()
	v.revision = m.now().revision + 1
	if s.options.DeleteKeepsRevision && v.deleted && !m.now().deleted {
		v.revision--
	}
	m.versions = append(m.versions, v)
	c.note(m)
	s.wake(c)
}

// text is what the service makes of a text that somebody wrote.
func (s *Service) text(d richtext.Doc) richtext.Doc {
	if s.options.Normalize != nil {
		d = s.options.Normalize(d)
	}
	if s.options.Truncate && length(d) > s.options.MaxText {
		d = split(d, s.options.MaxText)[0]
	}
	return d
}

// calling counts whom a text of Causeway's notifies; who is not known is a name.
func (s *Service) calling(v version) version {
	v.text = v.text.MapMentions(func(r richtext.Run) (richtext.Run, bool) {
		_, known := s.people[bridge.UserID(r.Who)]
		if known = known || r.Who == richtext.Everybody; known {
			v.mentions++
		}
		return r, known
	})
	return v
}

// edit changes text and files; without an effect when they are the same.
func (s *Service) edit(c *channel, m *message, text richtext.Doc, files []bridge.File, mentions int) {
	v := m.now()
	if Text(v.text) == Text(text) && sameDoc(v.text, text) && slices.Equal(v.files, files) {
		return
	}
	v.text, v.files, v.edited, v.mentions = text, files, s.clock(), mentions
	s.change(c, m, v)
	c.attach(m)
}

// remove deletes a message, and what was answered to it where the service does that.
func (s *Service) remove(c *channel, m *message) {
	v := m.now()
	v.deleted = true
	s.change(c, m, v)
	c.attach(m)
	if !s.options.DeleteTakesReplies {
		return
	}
	for _, reply := range c.messages {
		if reply.root == m.id && !reply.now().deleted {
			v := reply.now()
			v.deleted = true
			s.change(c, reply, v)
			c.attach(reply)
		}
	}
}

// react sets or removes one person's reaction; without an effect when it is so already.
func (s *Service) react(c *channel, m *message, user bridge.UserID, emoji string, on bool) {
	r := bridge.Reaction{User: user, Emoji: bridge.NormalizeEmoji(emoji)}
	v := m.now()
	at := slices.Index(v.reactions, r)
	if (at >= 0) == on {
		return
	}
	if v.reactions = slices.Clone(v.reactions); on {
		v.reactions = append(v.reactions, r)
	} else {
		v.reactions = slices.Delete(v.reactions, at, at+1)
	}
	s.change(c, m, v)
}

// sameDoc reports whether two texts are equal, styles included.
func sameDoc(a, b richtext.Doc) bool {
	return slices.EqualFunc(a, b, func(a, b richtext.Block) bool {
		return a.Kind == b.Kind && a.Level == b.Level && slices.Equal(a.Runs, b.Runs) && a.Text == b.Text &&
			a.Language == b.Language && sameDoc(a.Blocks, b.Blocks) && slices.EqualFunc(a.Items, b.Items, sameDoc) &&
			a.Ordered == b.Ordered && a.Start == b.Start && a.Task == b.Task && slices.Equal(a.Align, b.Align) &&
			slices.EqualFunc(a.Rows, b.Rows, sameRow)
	})
}

func sameRow(a, b richtext.Row) bool { return slices.EqualFunc(a, b, slices.Equal[[]richtext.Run]) }

// Text gives a text without markup, as [Seen.Text] shows it: blocks, line breaks and rows are lines, and tabs stand between cells.
func Text(d richtext.Doc) string {
	var b strings.Builder
	writeText(&b, d)
	return b.String()
}

func writeText(b *strings.Builder, d richtext.Doc) {
	for i, block := range d {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(block.Text)
		for _, r := range block.Runs {
			if r.Break {
				b.WriteByte('\n')
			} else {
				b.WriteString(r.Text)
			}
		}
		for j, row := range block.Rows {
			if j > 0 {
				b.WriteByte('\n')
			}
			for k, cell := range row {
				if k > 0 {
					b.WriteByte('\t')
				}
				for _, r := range cell {
					b.WriteString(r.Text)
				}
			}
		}
		writeText(b, block.Blocks)
		for j, item := range block.Items {
			if j > 0 {
				b.WriteByte('\n')
			}
			writeText(b, item)
		}
	}
}
