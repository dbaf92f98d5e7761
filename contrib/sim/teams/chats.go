package teams

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The types of chats.
const (
	oneOnOne    = "oneOnOne"
	groupChat   = "group"
	meetingChat = "meeting"
)

// chatEntry is what a chat has that a channel has not. A chat is a [Channel] without a team: the driver's Say, Edit, React and so on
// take it. It belongs to the organisation of who made it, also where people of others are in it.
type chatEntry struct {
	kind    string
	topic   *string
	updated int64 // when it was renamed or its members changed last, epoch ms
}

// AddChat makes a chat of these people: one-on-one of two, a group of more. The first of them made it.
func (t *Tenant) AddChat(people ...*User) *Channel {
	kind := groupChat
	if len(people) == 2 {
		kind = oneOnOne
	}
	return t.AddChatOf(kind, "", people...)
}

// AddMeetingChat makes the chat of a meeting.
func (t *Tenant) AddMeetingChat(topic string, people ...*User) *Channel {
	return t.AddChatOf(meetingChat, topic, people...)
}

// AddGroupChat makes a group, of two as well; the topic may be empty.
func (t *Tenant) AddGroupChat(topic string, people ...*User) *Channel {
	return t.AddChatOf(groupChat, topic, people...)
}

// AddChatOf makes a chat of a type.
func (t *Tenant) AddChatOf(kind, topic string, people ...*User) (c *Channel) {
	t.sim.change(func() { c = t.addChat(kind, topic, people, people[0]) })
	return c
}

// addChat makes a chat as somebody, or nil for an app. Of a group and a meeting a notice of the service tells who is in it.
func (t *Tenant) addChat(kind, topic string, people []*User, by *User) *Channel {
	id := "19:" + strings.ReplaceAll(newGUID(), "-", "") + "@thread.v2"
	switch kind {
	case oneOnOne:
		ids := []string{people[0].ID, people[1].ID}
		slices.Sort(ids)
		id = "19:" + ids[0] + "_" + ids[1] + "@unq.gbl.spaces"
	case meetingChat:
		id = "19:meeting_" + base64.RawURLEncoding.EncodeToString([]byte(newGUID())) + "@thread.v2"
	}
	now := t.sim.opts.Now()
	c := &Channel{ID: id, Name: "chat", tenant: t, created: now, messages: map[int64]*message{}, rsc: map[string][]string{},
		chat: chatEntry{kind: kind, updated: now.UnixMilli()}}
	c.WebURL = fmt.Sprintf("https://teams.microsoft.com/l/chat/%s/0?tenantId=%s", escapeID(id), t.ID)
	if topic != "" {
		c.chat.topic = &topic
	}
	for _, u := range people {
		c.members = append(c.members, member{user: u, owner: true})
	}
	t.chats = append(t.chats, c)
	if kind != oneOnOne {
		t.sim.tellOfMembers(c, "membersAdded", by, people, ptr("0001-01-01T00:00:00Z"))
	}
	return c
}

// GrantRSC gives an app resource-specific permissions in a chat, such as ChatMessage.Read.Chat.
func (c *Channel) GrantRSC(a *App, permissions ...string) {
	c.tenant.sim.mu.Lock()
	defer c.tenant.sim.mu.Unlock()
	if c.rsc == nil {
		c.rsc = map[string][]string{}
	}
	c.rsc[a.ClientID] = append(c.rsc[a.ClientID], permissions...)
}

// Chats gives all chats of the tenant's people that were made in it, in the order in which they were.
func (t *Tenant) Chats() []*Channel {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	return slices.Clone(t.chats)
}

// Members gives who is in a chat, in the order in which they came.
func (c *Channel) Members() (people []*User) {
	c.tenant.sim.mu.Lock()
	defer c.tenant.sim.mu.Unlock()
	for _, m := range c.members {
		people = append(people, m.user)
	}
	return people
}

// Topic gives what a group is called; empty: it has no name.
func (c *Channel) Topic() string {
	c.tenant.sim.mu.Lock()
	defer c.tenant.sim.mu.Unlock()
	if c.chat.topic == nil {
		return ""
	}
	return *c.chat.topic
}

// chat finds a chat; called with the lock held.
func (t *Tenant) chat(id string) *Channel {
	i := slices.IndexFunc(t.chats, func(c *Channel) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return t.chats[i]
}

// federated tells whether people of other organisations are in a chat.
func (c *Channel) federated() bool {
	return c.team == nil && slices.ContainsFunc(c.members, func(m member) bool { return m.user.tenant != c.tenant })
}

// AddToChat puts somebody into a group or meeting; with history they see all that was said before.
func (s *Sim) AddToChat(c *Channel, by, who *User, history bool) (err error) {
	s.change(func() { err = s.addToChat(c, by, who, history) })
	return err
}

func (s *Sim) addToChat(c *Channel, by, who *User, history bool) error {
	if _, there := find(c.members, who); there || c.chat.kind == oneOnOne || c.team != nil {
		return fmt.Errorf("adding somebody to %s: %w", c.Name, ErrNotAllowed)
	}
	since := ptr("0001-01-01T00:00:00Z")
	m := member{user: who, owner: true}
	if !history {
		m.from = c.tick(s.nowMS())
		since = ptr(timeText(m.from))
	}
	c.members = append(c.members, m)
	s.tellOfMembers(c, "membersAdded", by, []*User{who}, since)
	return nil
}

// RemoveFromChat takes somebody out of a group or meeting. Who takes themselves out leaves.
func (s *Sim) RemoveFromChat(c *Channel, by, who *User) (err error) {
	s.change(func() { err = s.removeFromChat(c, by, who) })
	return err
}

func (s *Sim) removeFromChat(c *Channel, by, who *User) error {
	if _, there := find(c.members, who); !there || c.chat.kind == oneOnOne || c.team != nil {
		return fmt.Errorf("taking somebody out of %s: %w", c.Name, ErrNotAllowed)
	}
	c.members = without(c.members, who)
	s.tellOfMembers(c, "membersDeleted", by, []*User{who}, nil) // choice: so also of those who leave by themselves
	return nil
}

// RenameChat gives a group another topic.
func (s *Sim) RenameChat(c *Channel, by *User, topic string) (err error) {
	s.change(func() { err = s.renameChat(c, by, topic) })
	return err
}

func (s *Sim) renameChat(c *Channel, by *User, topic string) error {
	if c.chat.kind != groupChat {
		return fmt.Errorf("renaming %s: %w", c.Name, ErrNotAllowed)
	}
	c.chat.topic = &topic
	if topic == "" {
		c.chat.topic = nil
	}
	s.notice(c, "chatRenamed", map[string]any{"chatId": c.ID, "chatDisplayName": topic, "initiator": initiator(by)})
	return nil
}

// tellOfMembers writes the notice of a change of members.
func (s *Sim) tellOfMembers(c *Channel, kind string, by *User, people []*User, since *string) {
	members := []any{}
	for _, u := range people {
		members = append(members, map[string]any{"id": u.ID, "displayName": nil, "userIdentityType": "aadUser"})
	}
	detail := map[string]any{"members": members, "initiator": initiator(by)}
	if since != nil {
		detail["visibleHistoryStartDateTime"] = *since
	}
	s.notice(c, kind, detail)
}

// notice writes a notice of the service in a chat, a little after what it tells of.
func (s *Sim) notice(c *Channel, kind string, detail map[string]any) {
	detail["@odata.type"] = "#microsoft.graph." + kind + "EventMessageDetail"
	c.chat.updated = max(s.nowMS(), c.chat.updated)
	s.putNotice(c, detail)
}

func (s *Sim) putNotice(c *Channel, detail map[string]any) *message {
	m := s.put(c, nil, nil, content{contentType: "html", text: "<systemEventMessage/>"}, time.Time{})
	m.event = detail
	return m
}

func initiator(by *User) map[string]any {
	out := map[string]any{"application": nil, "device": nil, "user": nil}
	if by != nil {
		out["user"] = map[string]any{"id": by.ID, "displayName": nil, "userIdentityType": "aadUser"}
	}
	return out
}

// maxQuotes is how many messages one can answer at once (chatmessage-replywithquote).
const maxQuotes = 10

// quote puts references to messages of a chat above a text, in the form that the page chatmessage-replywithquote shows.
func (c *Channel) quote(body *content, ids []string) error {
	var references []attachmentJSON
	for _, id := range ids {
		m := c.message(id)
		if m == nil || m.deleted != 0 || m.author == nil || c.team != nil {
			return ErrNoMessage
		}
		preview := m.content.text
		if m.content.contentType == "html" {
			preview = strings.Join(strings.Fields(PlainText(preview)), " ")
		}
		if r := []rune(preview); len(r) > 100 {
			preview = string(r[:100])
		}
		text, err := json.Marshal(map[string]any{
			"messageId": id, "messagePreview": preview,
			"messageSender": map[string]any{"application": nil, "device": nil, "user": map[string]any{
				"userIdentityType": "aadUser", "tenantId": m.author.tenant.ID, "id": m.author.ID, "displayName": m.author.Name,
			}},
		})
		if err != nil {
			return err
		}
		references = append(references, attachmentJSON{ID: id, ContentType: ptr("messageReference"), Content: ptr(string(text))})
	}
	body.answer(references)
	return nil
}

// answer puts references to messages above a text.
func (body *content) answer(references []attachmentJSON) {
	if len(references) == 0 {
		return
	}
	tags := ""
	for _, r := range references {
		tags += `<attachment id="` + r.ID + `"></attachment>` + "\n"
	}
	if body.contentType != "html" {
		body.contentType, body.text = "html", escapeText(body.text)
	}
	body.text = "<p></p>\n" + tags + body.text + "\n<p></p>"
	body.attachments = append(references, body.attachments...)
}

// quotes gives the references to messages that a text answers.
func (body content) quotes() []attachmentJSON {
	return slices.DeleteFunc(slices.Clone(body.attachments), func(a attachmentJSON) bool { return a.ContentType == nil || *a.ContentType != "messageReference" })
}
