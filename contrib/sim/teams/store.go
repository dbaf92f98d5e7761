package teams

import (
	"slices"
	"time"
)

// message is one root message, reply or system message as it is stored.
type message struct {
	id         int64 // creation time, epoch ms, unique in its channel
	root       *message
	channel    *Channel
	author     *User // nil: system message, or that of a bot
	bot        *Bot
	event      map[string]any
	subject    *string
	importance string
	content    content
	reactions  []reaction
	replies    []*message // of a root, in order of creation

	modified int64 // epoch ms; the etag
	edited   int64 // 0: never
	deleted  int64 // 0: not
	// activity orders the thread: the last change anywhere in it. Kept at the root.
	activity int64
}

// content is what a writer can change.
type content struct {
	contentType string // text or html
	text        string // in that type
	mentions    []mentionJSON
	attachments []attachmentJSON
	hosted      []hosted
}

// hosted is an inline picture.
type hosted struct {
	id          string
	contentType string
	data        []byte
	placed      bool // id is the one that the service gave
}

type reaction struct {
	user *User
	kind string // a Unicode emoji, or one of the legacy words
	at   int64
}

// sharedIDWindow is how far back, in ms, a new message looks for an id to share with another channel.
const sharedIDWindow = 10

func (s *Sim) nowMS() int64 { return s.opts.Now().UnixMilli() }

// tick gives the time of the next change in a channel: now, and later than every earlier change there.
func (c *Channel) tick(now int64) int64 {
	c.last = max(now, c.last+1)
	return c.last
}

// newID gives an id to a message that is made now. Ids are unique in their channel only, so one that another channel
// of the service has just used is preferred.
func (s *Sim) newID(c *Channel) int64 {
	now := s.nowMS()
	best := int64(0)
	for _, t := range s.tenants {
		for _, other := range t.conversations() {
			if other == c {
				continue
			}
			for id := now; id > now-sharedIDWindow && id > max(c.last, best); id-- {
				if other.messages[id] != nil {
					best = id
				}
			}
		}
	}
	if best != 0 {
		c.last = best
		return best
	}
	return c.tick(now)
}

// put stores a new message; root is nil for a root message. With at it is dated back, where that id is still free.
func (s *Sim) put(c *Channel, author *User, root *message, body content, at time.Time) *message {
	var id int64
	if at.IsZero() {
		id = s.newID(c)
	} else {
		for id = at.UnixMilli(); c.messages[id] != nil; id++ {
		}
		c.last = max(c.last, id)
	}
	m := &message{id: id, root: root, channel: c, author: author, importance: "normal", content: body, modified: id, activity: id}
	c.messages[id] = m
	if root == nil {
		at, _ := slices.BinarySearchFunc(c.roots, id, byID)
		c.roots = slices.Insert(c.roots, at, m)
	} else {
		at, _ := slices.BinarySearchFunc(root.replies, id, byID)
		root.replies = slices.Insert(root.replies, at, m)
		root.activity = max(root.activity, id)
	}
	s.emit(Event{Kind: Created, Channel: c, ID: m.textID(), RootID: m.rootID(), User: author, At: fromMS(id)})
	return m
}

func byID(m *message, id int64) int { return int(m.id - id) }

// touch moves etag, lastModifiedDateTime and the order of the thread.
func (s *Sim) touch(m *message) {
	m.modified = m.channel.tick(s.nowMS())
	m.thread().activity = m.modified
}

func (m *message) thread() *message {
	if m.root != nil {
		return m.root
	}
	return m
}

// editGap is how far lastEditedDateTime lies before lastModifiedDateTime, in ms; 100 to 250 were observed.
const editGap = 150

func (s *Sim) edit(m *message, body content, by *User) {
	m.content = body
	before := max(m.id, m.edited+1)
	s.touch(m)
	m.edited = max(before, m.modified-editGap)
	s.emit(Event{Kind: Edited, Channel: m.channel, ID: m.textID(), RootID: m.rootID(), User: by, At: fromMS(m.modified)})
}

func (s *Sim) remove(m *message, by *User) {
	if m.deleted != 0 {
		return // choice: deleting twice is no error and changes nothing
	}
	if s.opts.DeletionMovesNothing {
		m.deleted = s.nowMS()
	} else {
		s.touch(m)
		m.deleted = m.modified
	}
	s.emit(Event{Kind: Deleted, Channel: m.channel, ID: m.textID(), RootID: m.rootID(), User: by, At: fromMS(m.deleted)})
}

func (s *Sim) restore(m *message, by *User) {
	if m.deleted == 0 {
		return
	}
	m.deleted = 0
	s.touch(m)
	s.emit(Event{Kind: Undeleted, Channel: m.channel, ID: m.textID(), RootID: m.rootID(), User: by, At: fromMS(m.modified)})
}

// legacyWords are the six reactions that the service still writes as words, with the emoji that each one is.
var legacyWords = map[string]string{
	"like": "👍", "angry": "😠", "sad": "😢", "laugh": "😆", "heart": "❤️", "surprised": "😮",
}

func sameReaction(a, b string) bool {
	if e, ok := legacyWords[a]; ok {
		a = e
	}
	if e, ok := legacyWords[b]; ok {
		b = e
	}
	return a == b
}

func (m *message) reactionOf(u *User, kind string) int {
	return slices.IndexFunc(m.reactions, func(r reaction) bool { return r.user == u && sameReaction(r.kind, kind) })
}

// react adds a reaction; one that is there already changes nothing.
func (s *Sim) react(m *message, u *User, kind string) {
	if m.reactionOf(u, kind) >= 0 {
		return
	}
	s.touch(m)
	m.reactions = append(m.reactions, reaction{user: u, kind: kind, at: m.modified})
	s.emit(Event{Kind: Reacted, Channel: m.channel, ID: m.textID(), RootID: m.rootID(), User: u, Emoji: kind, At: fromMS(m.modified)})
}

// unreact removes a reaction; one that is not there changes nothing.
func (s *Sim) unreact(m *message, u *User, kind string) {
	i := m.reactionOf(u, kind)
	if i < 0 {
		return
	}
	m.reactions = slices.Delete(m.reactions, i, i+1)
	s.touch(m)
	s.emit(Event{Kind: Unreacted, Channel: m.channel, ID: m.textID(), RootID: m.rootID(), User: u, Emoji: kind, At: fromMS(m.modified)})
}

// mayRemove tells whether a person may delete or restore a message: its author, or an owner of the team or private
// channel (choice: the pages do not say who else; in chats, where everybody is an owner, nobody).
func (m *message) mayRemove(u *User) bool {
	if m.author == nil {
		return false
	}
	who, ok := find(m.channel.participants(), u)
	return ok && (m.author == u || who.owner && m.channel.team != nil)
}
