package memory

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// What people do. They see everything at once, whatever Settle says, and no fault meets them. Texts have one
// paragraph per line. A channel or message that does not exist is a mistake of the test: these methods panic.

// Say makes a person say something new.
func (s *Service) Say(in bridge.ChannelID, user bridge.UserID, text string) bridge.MessageID {
	return s.SayDoc(in, "", user, richtext.Plain(text))
}

// Reply makes a person answer in the thread of root.
func (s *Service) Reply(in bridge.ChannelID, root bridge.MessageID, user bridge.UserID, text string) bridge.MessageID {
	return s.SayDoc(in, root, user, richtext.Plain(text))
}

// Upload is a file that a person attaches.
type Upload struct {
	Name, Type string
	Data       []byte
	// Readers are for whom an account has uploaded it to a direct or group conversation; nil: it has not.
	Readers []bridge.UserID
}

// SayDoc makes a person say something formatted, with files; root may be empty.
func (s *Service) SayDoc(in bridge.ChannelID, root bridge.MessageID, user bridge.UserID, text richtext.Doc, files ...Upload) bridge.MessageID {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(in)
	if root != "" && !s.answerable(c, c.message(root)) {
		panic(fmt.Sprintf("memory: %s answers %s, which does not start a thread", user, root))
	}
	v := version{text: s.text(text), mentions: mentions(Text(text))}
	for i, f := range files {
		id := fmt.Sprintf("f%d-%d", len(c.messages)+1, i+1)
		v.files = append(v.files, bridge.File{ID: id, Name: f.Name, Size: int64(len(f.Data)), Type: f.Type, URL: c.conversation.Link + "/" + id})
		c.keep(id, &file{owner: user, name: f.Name, kind: f.Type, data: bytes.Clone(f.Data)})
	}
	id := s.add(c, &message{root: root, author: s.person(user), writer: user}, v)
	c.attach(c.byID[id])
	return id
}

// Happen makes the service tell, in words of its own, of something that a person did to a conversation.
func (s *Service) Happen(in bridge.ChannelID, e bridge.Event, user bridge.UserID, words string) bridge.MessageID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(s.channel(in), &message{author: s.person(user), event: e}, version{text: s.text(richtext.Plain(words))})
}

// Quote makes a person say something below a quote of another message. The key stays where it is.
func (s *Service) Quote(in bridge.ChannelID, id bridge.MessageID, user bridge.UserID, text string) bridge.MessageID {
	s.mu.Lock()
	quoted := s.channel(in).message(id).now().text
	s.mu.Unlock()
	doc := append(richtext.Doc{{Kind: richtext.Quote, Blocks: quoted}}, richtext.Plain(text)...)
	return s.SayDoc(in, "", user, doc)
}

// Copy makes a person say again what a message says, with all that a program can get hold of: its key, too.
func (s *Service) Copy(in bridge.ChannelID, id bridge.MessageID, user bridge.UserID) bridge.MessageID {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(in)
	m := c.message(id)
	return s.add(c, &message{author: s.person(user), writer: user, key: m.key}, version{text: m.now().text})
}

// Edit changes what a message says; whose it is does not matter here.
func (s *Service) Edit(in bridge.ChannelID, id bridge.MessageID, text string) {
	s.act(in, id, func(c *channel, m *message) {
		s.edit(c, m, s.text(richtext.Plain(text)), m.now().files, mentions(text))
	})
}

// EditDoc is Edit with a text that has more than words.
func (s *Service) EditDoc(in bridge.ChannelID, id bridge.MessageID, text richtext.Doc) {
	s.act(in, id, func(c *channel, m *message) {
		s.edit(c, m, s.text(text), m.now().files, mentions(Text(text)))
	})
}

// Delete deletes a message, whose ever it is.
func (s *Service) Delete(in bridge.ChannelID, id bridge.MessageID) {
	s.act(in, id, func(c *channel, m *message) {
		if !m.now().deleted {
			s.remove(c, m)
		}
	})
}

// Undelete brings a message back; answers that went along stay deleted.
func (s *Service) Undelete(in bridge.ChannelID, id bridge.MessageID) {
	s.act(in, id, func(c *channel, m *message) {
		if v := m.now(); v.deleted {
			v.deleted = false
			s.change(c, m, v)
		}
	})
}

// React adds a person's reaction.
func (s *Service) React(in bridge.ChannelID, id bridge.MessageID, user bridge.UserID, emoji string) {
	s.act(in, id, func(c *channel, m *message) { s.react(c, m, user, emoji, true) })
}

// Unreact takes it away.
func (s *Service) Unreact(in bridge.ChannelID, id bridge.MessageID, user bridge.UserID, emoji string) {
	s.act(in, id, func(c *channel, m *message) { s.react(c, m, user, emoji, false) })
}

func (s *Service) act(in bridge.ChannelID, id bridge.MessageID, do func(*channel, *message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(in)
	do(c, c.message(id))
}

func (c *channel) message(id bridge.MessageID) *message {
	m := c.byID[id]
	if m == nil {
		panic(fmt.Sprintf("memory: there is no message %s in %s", id, c.conversation.ID))
	}
	return m
}

// mentions counts whom a person's text notifies: words that begin with "@".
func mentions(text string) int {
	n := 0
	for word := range strings.FieldsSeq(text) {
		if len(word) > 1 && word[0] == '@' {
			n++
		}
	}
	return n
}

// Seen is a message as people see it.
type Seen struct {
	ID, Root bridge.MessageID
	// Author is whom it shows; Author.ID is whose token wrote it.
	Author    bridge.Author
	Text      string
	Doc       richtext.Doc
	Reactions []bridge.Reaction
	Files     []Upload
	Mentions  int
	Edited    bool
	// Deleted messages are listed, with the text that people no longer see.
	Deleted bool
	// Key is what people do not see: which draft it was.
	Key bridge.Key
	// To are the members of the direct or group conversation when it was said, sorted.
	To []bridge.UserID
}

// Messages gives everything that was said in a channel, in order.
func (s *Service) Messages(in bridge.ChannelID) []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(in)
	all := make([]Seen, 0, len(c.messages))
	for _, m := range c.messages {
		v := m.now()
		all = append(all, Seen{
			ID: m.id, Root: m.root, Author: m.author, Text: Text(v.text), Doc: v.text,
			Reactions: slices.Clone(v.reactions), Files: c.uploads(v.files), Mentions: v.mentions, Edited: !v.edited.IsZero(), Deleted: v.deleted, Key: m.key, To: m.to,
		})
	}
	return all
}
