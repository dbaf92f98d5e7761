package teams

import (
	"net/http"
	"slices"
	"strings"
)

// Page sizes of messages and replies.
const (
	messagesPerPage = 20
	maxMessages     = 50
)

// messageContext is the metadata address of the messages of a channel, or the replies of a message.
func (c *call) messageContext(ch *Channel, root *message) string {
	text := "chats('" + escapeID(ch.ID) + "')/messages"
	if ch.team != nil {
		text = "teams('" + ch.team.ID + "')/channels('" + escapeID(ch.ID) + "')/messages"
	}
	if root != nil {
		text += "('" + root.textID() + "')/replies"
	}
	return c.context(text)
}

// message gives the message of the path: of a chat, a root, or a reply below its own root.
func (c *call) message() (*message, error) {
	if c.route.parts[0] != "teams" {
		return c.chatMessage()
	}
	ch, err := c.channel()
	if err != nil {
		return nil, err
	}
	m := ch.message(c.params[2])
	if m == nil || m.root != nil {
		return nil, notFound("No message found with id %s", c.params[2])
	}
	if slices.Contains(c.route.parts, "replies") && len(c.params) > 3 {
		reply := ch.message(c.params[3])
		if reply == nil || reply.root != m {
			return nil, notFound("No reply found with id %s", c.params[3])
		}
		return reply, nil
	}
	return m, nil
}

// threads gives the roots of a channel, the thread with the latest change first.
func (ch *Channel) threads() []*message {
	list := slices.Clone(ch.roots)
	slices.SortFunc(list, func(a, b *message) int {
		if a.activity != b.activity {
			return int(b.activity - a.activity)
		}
		return int(b.id - a.id)
	})
	return list
}

func listMessages(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	cur, err := c.start(messagesPerPage, maxMessages)
	if err != nil {
		return 0, nil, err
	}
	list := ch.threads()
	page, next := c.cut(list, cur, func(m *message) int64 { return m.activity })
	out := listJSON{Context: c.messageContext(ch, nil), Count: len(page), Next: next}
	known := c.knowsUnknown()
	values := make([]messageJSON, 0, len(page))
	for _, m := range page {
		v := m.wire(known)
		if cur.Expand {
			c.expand(&v, m, known)
		}
		values = append(values, v)
	}
	out.Value = values
	return http.StatusOK, out, nil
}

// cut takes the page that a cursor stands for out of a list that is ordered by a time and then by id, both falling.
// What changes while a client pages moves to the head of the list and is not on the pages to come.
func (c *call) cut(list []*message, cur cursor, order func(*message) int64) (page []*message, next string) {
	if !cur.First {
		list = slices.DeleteFunc(list, func(m *message) bool {
			return order(m) > cur.After || order(m) == cur.After && m.id >= cur.ID
		})
	}
	if len(list) <= cur.Top {
		return list, ""
	}
	following := cur
	following.Blank = c.sim.blankPage(cur)
	if following.Blank {
		return nil, c.link(following)
	}
	page = list[:cur.Top]
	last := page[len(page)-1]
	following.First, following.After, following.ID = false, order(last), last.id
	return page, c.link(following)
}

// expand adds the newest replies to a message, and the link to the rest.
func (c *call) expand(v *messageJSON, m *message, known bool) {
	newest := newestFirst(m.replies)
	if most := c.sim.opts.RepliesPerPage; len(newest) > most {
		last := newest[most-1]
		v.RepliesNext = c.link(cursor{
			Path: strings.TrimSuffix(c.r.URL.Path, "/") + "/" + m.textID() + "/replies",
			Top:  maxMessages, After: last.id, ID: last.id,
		})
		newest = newest[:most]
	}
	replies := make([]messageJSON, 0, len(newest))
	for _, r := range newest {
		replies = append(replies, r.wire(known))
	}
	v.Replies, v.RepliesCount = &replies, ptr(len(replies))
}

// newestFirst orders replies by creation (choice: the documented samples fit creation as well as change; by creation a
// client that stops reading early misses changes).
func newestFirst(replies []*message) []*message {
	list := slices.Clone(replies)
	slices.Reverse(list)
	return list
}

func listReplies(c *call) (int, any, error) {
	m, err := c.message()
	if err != nil {
		return 0, nil, err
	}
	cur, err := c.start(messagesPerPage, maxMessages)
	if err != nil {
		return 0, nil, err
	}
	page, next := c.cut(newestFirst(m.replies), cur, func(m *message) int64 { return m.id })
	known := c.knowsUnknown()
	values := make([]messageJSON, 0, len(page))
	for _, r := range page {
		values = append(values, r.wire(known))
	}
	return http.StatusOK, listJSON{Context: c.messageContext(m.channel, m), Count: len(values), Next: next, Value: values}, nil
}

func getMessage(c *call) (int, any, error) {
	m, err := c.message()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.whole(m), nil
}

// whole is one message as the answer to a request for it.
func (c *call) whole(m *message) messageJSON {
	v := m.wire(c.knowsUnknown())
	v.Context = c.messageContext(m.channel, m.root) + "/$entity"
	return v
}

// postMessage writes a root message or, below /replies, a reply.
func postMessage(c *call) (int, any, error) {
	ch, err := c.channel()
	if err != nil {
		return 0, nil, err
	}
	var root *message
	if len(c.params) > 2 {
		root = ch.message(c.params[2])
		switch {
		case root == nil:
			return 0, nil, notFound("No message found with id %s", c.params[2])
		case root.root != nil:
			return 0, nil, badRequest("A reply cannot be replied to.")
		}
	}
	draft, err := c.readMessage(postShape)
	if err != nil {
		return 0, nil, err
	}
	m := c.sim.put(ch, c.token.user, root, draft.content, zeroTime)
	m.importance, m.subject = draft.importance, draft.subject
	c.hostPictures(m)
	location := c.origin + escapedPath(strings.TrimSuffix(c.r.URL.Path, "/")) + "/" + m.textID()
	c.header.Set("Location", location)
	return http.StatusCreated, c.whole(m), nil
}

// written gives the message that a delegated write is about. Choice: what is deleted can no longer be changed.
func (c *call) written() (*message, error) {
	m, err := c.message()
	if err == nil && m.deleted != 0 {
		err = notFound("The message %s was deleted.", m.textID())
	}
	return m, err
}

func patchMessage(c *call) (int, any, error) {
	m, err := c.written()
	if err != nil {
		return 0, nil, err
	}
	if m.author != c.token.user {
		return 0, nil, forbidden("Only the author of a message can edit it.")
	}
	if m.channel.federated() { // the page chatmessage-update says that it does not work; the status is a choice
		return 0, nil, forbidden("Messages of chats with people of other organisations cannot be edited.")
	}
	draft, err := c.readMessage(patchShape)
	if err != nil {
		return 0, nil, err
	}
	if draft.hasSubject {
		m.subject = draft.subject
	}
	if draft.hasImportance {
		m.importance = draft.importance
	}
	body := m.content
	if draft.hasBody {
		hosted := m.content.hosted
		body = draft.content
		body.hosted = append(hosted, body.hosted...)
	}
	c.sim.edit(m, body, c.token.user)
	c.hostPictures(m)
	return http.StatusNoContent, nil, nil
}

func softDelete(c *call) (int, any, error) { return c.removal(c.sim.remove) }

func undoSoftDelete(c *call) (int, any, error) { return c.removal(c.sim.restore) }

func (c *call) removal(act func(*message, *User)) (int, any, error) {
	m, err := c.message()
	if err != nil {
		return 0, nil, err
	}
	if !m.mayRemove(c.token.user) {
		return 0, nil, forbidden("Only the author or an owner of the team can delete or restore a message.")
	}
	act(m, c.token.user)
	return http.StatusNoContent, nil, nil
}

func setReaction(c *call) (int, any, error) { return c.reaction(c.sim.react) }

func unsetReaction(c *call) (int, any, error) { return c.reaction(c.sim.unreact) }

func (c *call) reaction(act func(*message, *User, string)) (int, any, error) {
	m, err := c.written()
	if err != nil {
		return 0, nil, err
	}
	if m.author == nil && m.bot == nil {
		return 0, nil, badRequest("System messages take no reactions.")
	}
	kind, err := c.readReaction()
	if err != nil {
		return 0, nil, err
	}
	act(m, c.token.user, kind)
	return http.StatusNoContent, nil, nil
}
