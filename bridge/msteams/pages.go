package msteams

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
)

// messagePage is a page of threads, or of one thread's replies.
type messagePage struct {
	messages []models.ChatMessageable
	// next is the address of the page that follows; empty on the last one.
	next string
}

// pageLook is a hash of the messages on a page; the zero value of none.
type pageLook [sha256.Size]byte

// lookOf leaves out the link to the next page, which may change by itself.
func lookOf(body []byte) pageLook {
	var envelope struct {
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal(body, &envelope) != nil || len(envelope.Value) <= len("[]") {
		return pageLook{}
	}
	return sha256.Sum256(envelope.Value)
}

// page reads one page of messages for the feed.
func (a *account) page(ctx context.Context, op *Operation, address string) (messagePage, error) {
	return a.pageFor(ctx, a.app, op, address)
}

func (a *account) pageFor(ctx context.Context, c *client, op *Operation, address string) (messagePage, error) {
	if err := c.trust(address); err != nil {
		return messagePage{}, err
	}
	if err := c.pacer.await(ctx, op, c.caller, address); err != nil {
		return messagePage{}, err
	}
	body, _, err := c.send(ctx, op, address, nil)
	if err != nil {
		return messagePage{}, err
	}
	return a.readPage(body)
}

// readPage reads a page's JSON. A message that the SDK cannot read is left out and said so: it must not keep all that
// comes after it from being read.
func (a *account) readPage(body []byte) (messagePage, error) {
	list, err := parse[models.ChatMessageCollectionResponseable](body, models.CreateChatMessageCollectionResponseFromDiscriminatorValue)
	if err == nil {
		return messagePage{list.GetValue(), value(list.GetOdataNextLink())}, nil
	}
	var raw struct {
		Value []json.RawMessage `json:"value"`
		Next  string            `json:"@odata.nextLink"`
	}
	if json.Unmarshal(body, &raw) != nil {
		return messagePage{}, &bridge.Error{Err: err}
	}
	page := messagePage{next: raw.Next}
	for _, text := range raw.Value {
		if m := a.readMessage(text); m != nil {
			page.messages = append(page.messages, m)
		}
	}
	return page, nil
}

// readMessage reads a message and those of its replies that can be read; nil when it cannot be read itself.
func (a *account) readMessage(text json.RawMessage) models.ChatMessageable {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil
	}
	var replies []json.RawMessage
	if json.Unmarshal(members["replies"], &replies) == nil {
		delete(members, "replies")
	}
	bare, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	m, err := parse[models.ChatMessageable](bare, models.CreateChatMessageFromDiscriminatorValue)
	if err != nil {
		a.leaveOut(a.unread(members), err)
		return nil
	}
	var list []models.ChatMessageable
	for _, reply := range replies {
		if r := a.readMessage(reply); r != nil {
			list = append(list, r)
		}
	}
	m.SetReplies(list)
	return m
}

// unreadMessage is how the operator finds a message that cannot be read.
type unreadMessage struct {
	conversation bridge.ConversationID
	id           bridge.MessageID
	link         string // those of chats have none
}

// unread tells which message one is by what can be read of it.
func (a *account) unread(members map[string]json.RawMessage) unreadMessage {
	read := func(name string) (s string) {
		_ = json.Unmarshal(members[name], &s)
		return s
	}
	var channel struct{ TeamID, ChannelID string }
	_ = json.Unmarshal(members["channelIdentity"], &channel)
	c := a.conversation(channel.TeamID, channel.ChannelID)
	if chat := read("chatId"); chat != "" {
		c = a.chatID(chat)
	}
	return unreadMessage{c, messageID(read("replyToId"), read("id")), read("webUrl")}
}

// leaveOut tells the operator of a message that cannot be read, once.
func (a *account) leaveOut(m unreadMessage, err error) {
	if known, _ := a.leftOut.ContainsOrAdd(m, true); !known {
		a.log.WithError(err).WithFields(logrus.Fields{"conversation": m.conversation.String(), "id": string(m.id), "link": m.link}).Error("A message of Teams cannot be read and is left out.")
	}
}
