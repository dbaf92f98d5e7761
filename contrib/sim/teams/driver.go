package teams

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The driver does what people do in the Teams program. A message is named by its channel and id; ids are unique in
// their channel, replies included.

var (
	// ErrNotMember says that a person is not in the channel.
	ErrNotMember = errors.New("not a member of the channel")
	// ErrNotAllowed says that a person may not change this message.
	ErrNotAllowed = errors.New("not allowed to change this message")
	// ErrNoMessage says that the channel has no such message, or only a deleted one.
	ErrNoMessage = errors.New("no such message")
)

// Say writes a root message and gives its id.
func (s *Sim) Say(u *User, c *Channel, html string, opts ...SayOption) (id string, err error) {
	s.change(func() { id, err = s.say(u, c, "", html, opts) })
	return id, err
}

// Reply writes a reply to a root message and gives its id. The root may be a deleted one.
func (s *Sim) Reply(u *User, c *Channel, rootID, html string, opts ...SayOption) (id string, err error) {
	s.change(func() { id, err = s.say(u, c, rootID, html, opts) })
	return id, err
}

func (s *Sim) say(u *User, c *Channel, rootID, html string, opts []SayOption) (string, error) {
	if _, ok := find(c.participants(), u); !ok {
		return "", fmt.Errorf("saying something in %s: %w", c.Name, ErrNotMember)
	}
	var root *message
	if rootID != "" {
		if root = c.message(rootID); root == nil || root.root != nil {
			return "", fmt.Errorf("replying in %s: %w", c.Name, ErrNoMessage)
		}
	}
	var o saying
	for _, f := range opts {
		f(&o)
	}
	body := s.written(html, o)
	if err := c.quote(&body, o.quotes); err != nil {
		return "", fmt.Errorf("quoting in %s: %w", c.Name, err)
	}
	if o.forwards != nil {
		body.forward(*o.forwards)
	}
	m := s.put(c, u, root, body, o.at)
	m.importance = cmp.Or(o.importance, m.importance)
	if o.subject != "" {
		m.subject = &o.subject
	}
	m.paste(o.pictures)
	m.enclose(o.snippets)
	return m.textID(), nil
}

// written makes the stored form of what somebody typed.
func (s *Sim) written(html string, o saying) content {
	if o.plain {
		return content{contentType: "text", text: html}
	}
	for _, f := range o.attachments {
		html += `<attachment id="` + f.ID + `"></attachment>`
	}
	body := content{contentType: "html", text: NormaliseHTML(html, s.opts.StripAbbr)}
	for i, u := range o.mentions {
		body.mentions = append(body.mentions, mentionOf(i, u))
	}
	if o.all {
		body.mentions = append(body.mentions, mentionJSON{ID: len(o.mentions), MentionText: "everybody", Mentioned: mentionedJSON{Conversation: map[string]any{
			"id": "19:somewhere@thread.tacv2", "displayName": "everybody", "conversationIdentityType": "channel",
		}}})
	}
	for _, f := range o.attachments {
		body.attachments = append(body.attachments, attachmentJSON{
			ID: f.ID, ContentType: ptr("reference"), ContentURL: ptr(f.URL), Name: ptr(f.Name),
		})
	}
	return body
}

// Edit changes the text of one's own message; the options At and Subject have no effect.
func (s *Sim) Edit(u *User, c *Channel, id, html string, opts ...SayOption) error {
	return s.act("editing", u, c, id, func(m *message) error {
		if m.author != u {
			return ErrNotAllowed
		}
		var o saying
		for _, f := range opts {
			f(&o)
		}
		body := s.written(html, o)
		if o.keepRest {
			body.keep(m.content)
		}
		s.edit(m, body, u)
		return nil
	})
}

// Delete deletes a message: one's own, or any as an owner of the team. Replies to it stay.
func (s *Sim) Delete(u *User, c *Channel, id string) error {
	return s.act("deleting", u, c, id, func(m *message) error {
		if !m.mayRemove(u) {
			return ErrNotAllowed
		}
		s.remove(m, u)
		return nil
	})
}

// Undelete takes a deletion back.
func (s *Sim) Undelete(u *User, c *Channel, id string) (err error) {
	s.change(func() {
		m := c.message(id)
		switch {
		case m == nil:
			err = ErrNoMessage
		case !m.mayRemove(u):
			err = ErrNotAllowed
		default:
			s.restore(m, u)
			return
		}
		err = fmt.Errorf("restoring message %s in %s: %w", id, c.Name, err)
	})
	return err
}

// React adds a reaction: a Unicode emoji, one of the six legacy words like, angry, sad, laugh, heart, surprised, or
// the name of one of the organisation's own between colons.
func (s *Sim) React(u *User, c *Channel, id, emoji string) error {
	return s.act("reacting to", u, c, id, func(m *message) error { s.react(m, u, emoji); return nil })
}

// Unreact removes a reaction of one's own.
func (s *Sim) Unreact(u *User, c *Channel, id, emoji string) error {
	return s.act("taking back a reaction to", u, c, id, func(m *message) error { s.unreact(m, u, emoji); return nil })
}

// act does something to a message that is there, by somebody who sees it.
func (s *Sim) act(doing string, u *User, c *Channel, id string, f func(*message) error) (err error) {
	s.change(func() {
		m := c.message(id)
		if _, ok := find(c.participants(), u); !ok {
			err = ErrNotMember
		} else if m == nil || m.deleted != 0 {
			err = ErrNoMessage
		} else {
			err = f(m)
		}
		if err != nil {
			err = fmt.Errorf("%s message %s in %s: %w", doing, id, c.Name, err)
		}
	})
	return err
}

// SystemMessage writes a message of the service itself, such as membersAddedEventMessageDetail with the given further
// members of its event detail, and gives its id. The kinds are the subtypes of eventMessageDetail in the schema.
func (s *Sim) SystemMessage(c *Channel, kind string, detail map[string]any) (id string) {
	s.change(func() {
		m := s.put(c, nil, nil, content{contentType: "html", text: "<systemEventMessage/>"}, time.Time{})
		m.event = map[string]any{"@odata.type": "#microsoft.graph." + kind}
		for k, v := range detail {
			m.event[k] = v
		}
		id = m.textID()
	})
	return id
}

// Bot is an app that writes in conversations. It is no member of them: Graph does not list it.
type Bot struct{ ID, Name string }

// SayAsBot has a bot write a message in a chat or channel, and gives its id.
func (s *Sim) SayAsBot(b Bot, c *Channel, html string, opts ...SayOption) (id string, err error) {
	s.change(func() {
		var o saying
		for _, f := range opts {
			f(&o)
		}
		body := s.written(html, o)
		if err = c.quote(&body, o.quotes); err != nil {
			return
		}
		m := s.put(c, nil, nil, body, o.at)
		m.bot, id = &b, m.textID()
	})
	return id, err
}

// EditAsBot has a bot change a message of its own, and DeleteAsBot take it away.
func (s *Sim) EditAsBot(b Bot, c *Channel, id, html string) error {
	return s.asBot(b, c, id, func(m *message) { s.edit(m, s.written(html, saying{}), nil) })
}

// DeleteAsBot see [Sim.EditAsBot].
func (s *Sim) DeleteAsBot(b Bot, c *Channel, id string) error {
	return s.asBot(b, c, id, func(m *message) { s.remove(m, nil) })
}

func (s *Sim) asBot(b Bot, c *Channel, id string, f func(*message)) (err error) {
	s.change(func() {
		m := c.message(id)
		switch {
		case m == nil || m.deleted != 0:
			err = ErrNoMessage
		case m.bot == nil || m.bot.ID != b.ID:
			err = ErrNotAllowed
		default:
			f(m)
			return
		}
		err = fmt.Errorf("changing message %s in %s as a bot: %w", id, c.Name, err)
	})
	return err
}

// Message is a message as people see it.
type Message struct {
	ID      string
	RootID  string // of a reply
	Author  *User  // nil: a system message, or a bot's
	Bot     string // the name of the bot that wrote it
	Subject string
	// Importance is "high" or "urgent"; empty: that of others.
	Importance string
	HTML       string // empty when deleted or plain text
	Text       string // what can be read; empty when deleted
	// Raw is the stored content in its own type, which a deletion does not take away.
	Raw       string
	Created   time.Time
	Modified  time.Time
	Edited    bool
	Deleted   bool
	Reactions []Reaction
	// Files are those that it refers to, and then the pictures in its text; Data is nil where a file is not there, or some member of a chat may not
	// read it.
	Files   []SeenFile
	Replies []Message // in order of creation
}

// SeenFile is a file as people see it.
type SeenFile struct {
	Name string
	URL  string // empty for a picture
	Size int64
	Data []byte // nil also of one above 32 MiB: see Stored
}

// files are those whose place is in the body.
func (m *message) files() []SeenFile {
	var all []SeenFile
	_, attached, images := references(m.content.text)
	for _, a := range m.content.attachments {
		if a.ContentType == nil || *a.ContentType != "reference" || a.ContentURL == nil || a.Name == nil || !slices.Contains(attached, a.ID) {
			continue
		}
		f := SeenFile{Name: *a.Name, URL: *a.ContentURL}
		if i := m.channel.tenant.sim.byURL(f.URL); i != nil && i.content != nil && i.guid == strings.ToLower(a.ID) && m.channel.allRead(i) {
			f.Size = i.size
			if i.size > 32<<20 {
				all = append(all, f)
				continue
			}
			f.Data = make([]byte, i.size)
			if _, err := i.content.ReadAt(f.Data, 0); err != nil && err != io.EOF {
				panic("teams stand-in: " + err.Error())
			}
		}
		all = append(all, f)
	}
	for _, h := range m.content.hosted {
		if at := slices.IndexFunc(images, func(src string) bool { return strings.Contains(src, "/"+h.id+"/") }); at >= 0 {
			all = append(all, SeenFile{Name: alternative(m.content.text, h.id), Size: int64(len(h.data)), Data: h.data})
		}
	}
	return all
}

// allRead tells whether everybody who sees a conversation may read a file.
func (c *Channel) allRead(i *item) bool {
	return c.team != nil || !slices.ContainsFunc(c.participants(), func(m member) bool { return !i.may(m.user, false) })
}

// Reaction is a reaction as people see it.
type Reaction struct {
	User  *User
	Emoji string
}

// Messages gives the threads of a channel in the order of their roots' creation.
func (s *Sim) Messages(c *Channel) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Message, 0, len(c.roots))
	for _, m := range c.roots {
		list = append(list, m.seen())
	}
	return list
}

// Message gives one message or reply of a channel.
func (s *Sim) Message(c *Channel, id string) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := c.message(id)
	if m == nil {
		return Message{}, false
	}
	return m.seen(), true
}

func (m *message) seen() Message {
	out := Message{
		ID: m.textID(), RootID: m.rootID(), Author: m.author, Raw: m.content.text,
		Created: fromMS(m.id), Modified: fromMS(m.modified), Edited: m.edited != 0, Deleted: m.deleted != 0,
	}
	if m.bot != nil {
		out.Bot = m.bot.Name
	}
	for _, r := range m.replies {
		out.Replies = append(out.Replies, r.seen())
	}
	if out.Deleted {
		return out
	}
	if m.subject != nil {
		out.Subject = *m.subject
	}
	if m.importance != "normal" {
		out.Importance = m.importance
	}
	out.Text = m.content.text
	if m.content.contentType == "html" {
		out.HTML = m.content.text
		out.Text = PlainText(m.content.text)
	}
	for _, r := range m.reactions {
		out.Reactions = append(out.Reactions, Reaction{User: r.user, Emoji: r.kind})
	}
	out.Files = m.files()
	return out
}

func (c *Channel) message(id string) *message {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	return c.messages[n]
}

func (m *message) textID() string { return strconv.FormatInt(m.id, 10) }

func (m *message) rootID() string {
	if m.root == nil {
		return ""
	}
	return m.root.textID()
}

func fromMS(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func ptr[T any](v T) *T { return &v }

// EventKind says what happened to a message.
type EventKind string

// What can happen to a message.
const (
	Created   EventKind = "created"
	Edited    EventKind = "edited"
	Deleted   EventKind = "deleted"
	Undeleted EventKind = "undeleted"
	Reacted   EventKind = "reacted"
	Unreacted EventKind = "unreacted"
)

// Event is one change of one message, by the driver or through Graph.
type Event struct {
	Kind    EventKind
	Channel *Channel
	ID      string
	RootID  string // of a reply
	User    *User  // who did it; nil: the service
	Emoji   string // of a reaction
	At      time.Time
}

// OnChange calls f for every later change, in order and one at a time, after it took effect. f may use the driver. A
// change can return before f has been told of it when another goroutine is telling.
func (s *Sim) OnChange(f func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, f)
}

func (s *Sim) emit(e Event) {
	if len(s.subs) > 0 {
		s.changes = append(s.changes, e)
	}
	if len(s.hooks) > 0 {
		s.pending = append(s.pending, e)
	}
}

// deliver calls the hooks. Whoever finds another goroutine at it leaves its events to that one.
func (s *Sim) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.delivering {
		return
	}
	s.delivering = true
	defer func() { s.delivering = false }()
	for len(s.pending) > 0 {
		events, hooks := s.pending, slices.Clone(s.hooks)
		s.pending = nil
		s.mu.Unlock()
		for _, e := range events {
			for _, f := range hooks {
				f(e)
			}
		}
		s.mu.Lock()
	}
}
