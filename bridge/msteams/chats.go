package msteams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"causeway/bridge"
	"causeway/bridge/msteams/idtoken"
)

// chat is a chat as Graph tells it.
type chat struct {
	ID      string       `json:"id"`
	Topic   string       `json:"topic"`
	Type    string       `json:"chatType"`
	Created moment       `json:"createdDateTime"`
	Updated moment       `json:"lastUpdatedDateTime"` // when it was renamed or its members changed last
	Members []chatMember `json:"members"`
	Last    *lastSaid    `json:"lastMessagePreview"`
}

type chatMember struct {
	ID   string `json:"id"`
	User string `json:"userId"`
	Name string `json:"displayName"`
}

// lastSaid is the preview of the newest message or notice. Its text is not read.
type lastSaid struct {
	ID      string          `json:"id"`
	Created moment          `json:"createdDateTime"`
	Event   json.RawMessage `json:"eventDetail"`
	From    *struct {
		User *struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"from"`
}

// speakers are who wrote it; nobody for notices and where it is not told.
func (l *lastSaid) speakers() []bridge.UserID {
	if l == nil || l.From == nil || l.From.User == nil || l.From.User.ID == "" {
		return nil
	}
	return []bridge.UserID{bridge.UserID(strings.ToLower(l.From.User.ID))}
}

// notice tells whether Teams itself wrote it.
func (l *lastSaid) notice() bool { return len(l.Event) > 0 && string(l.Event) != "null" }

// moment is a time of Graph; zero where there is none, or a placeholder that is no time.
type moment struct{ time.Time }

// UnmarshalJSON reads a time, and takes what is none for zero.
func (m *moment) UnmarshalJSON(text []byte) error {
	m.Time = time.Time{}
	var s string
	if json.Unmarshal(text, &s) == nil {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.Year() > 1 {
			m.Time = t
		}
	}
	return nil
}

// people are the members, each once. Who has no account in any directory (anonymous, by telephone) is somebody all the same: they count, under
// an id that is nobody's.
func (c *chat) people() []bridge.UserID {
	var all []bridge.UserID
	for _, m := range c.Members {
		id := bridge.UserID(strings.ToLower(m.User))
		if id == "" {
			id = bridge.UserID("member " + m.ID)
		}
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

func (c *chat) shape() bridge.Shape {
	switch {
	case c.Type == "oneOnOne":
		return bridge.Pair
	case c.Type == "group":
		return bridge.Group
	}
	return bridge.Meeting // also what this version does not know
}

// chat asks how a chat is now.
func (a *account) chat(ctx context.Context, c *client, id string) (chat, error) {
	var now chat
	if err := c.read(ctx, opChat, c.base+opChat.address(place{chat: id}), &now); err != nil {
		return chat{}, err
	}
	if now.ID == "" || now.Members == nil { // everybody may have left
		return chat{}, errors.New(opChat.Doing + ": the answer does not say who is in it")
	}
	for _, m := range now.Members { // of those of other organisations nothing else tells it
		if m.User != "" && m.Name != "" {
			a.names.Add(bridge.UserID(strings.ToLower(m.User)), m.Name)
		}
	}
	return now, nil
}

// talk is a chat as the gateway knows it. Since is when its members or topic changed last, where that was after it was made.
func (a *account) talk(c chat) bridge.Talk {
	t := bridge.Talk{Conversation: a.chatID(c.ID), Shape: c.shape(), Members: c.people(), Topic: c.Topic, Speakers: c.Last.speakers()}
	if t.Shape != bridge.Pair && c.Updated.Sub(c.Created.Time) > atBirth {
		t.Since = c.Updated.Time
	}
	return t
}

// atBirth is how long after a chat was made what changes of it belongs to its making.
const atBirth = 5 * time.Second

// Talk asks how a chat is now.
func (a *account) Talk(ctx context.Context, c bridge.ConversationID) (bridge.Talk, error) {
	p, err := a.channelPlace(c)
	if err != nil || p.chat == "" {
		return bridge.Talk{}, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("%s: %s is none of this account", opChat.Doing, c)}
	}
	now, err := a.chat(ctx, a.lanes, p.chat)
	if err != nil {
		return bridge.Talk{}, err
	}
	return a.talk(now), nil
}

// Rename gives a group chat another topic.
func (a *account) Rename(ctx context.Context, c bridge.ConversationID, as bridge.UserID, topic string) error {
	p, err := a.channelPlace(c)
	if err != nil {
		return err
	}
	if p.chat == "" || as == "" {
		return &bridge.Error{Kind: bridge.Unsupported, Err: errors.New(opRenameChat.Doing + ": only a chat, and only as one of its members")}
	}
	writer, err := a.writer(as)
	if err != nil {
		return err
	}
	return writer.perform(ctx, opRenameChat, p, plainBody{"topic": a.Topic(topic)})
}

// longestTopic is how many characters a topic may have; nor may it have a ":" (page "Update chat").
const longestTopic = 250

// Topic gives the topic that a chat gets in place of one that it may not have.
func (a *account) Topic(topic string) string {
	letters := []rune(strings.ReplaceAll(strings.Join(strings.Fields(topic), " "), ":", "∶"))
	return string(letters[:min(len(letters), longestTopic)])
}

// plainBody is a request whose members are texts.
type plainBody map[string]string

// Serialize writes it.
func (b plainBody) Serialize(w serialization.SerializationWriter) error {
	for name, text := range b {
		if err := w.WriteStringValue(name, &text); err != nil {
			return err
		}
	}
	return nil
}

// GetFieldDeserializers is for reading, which nobody does.
func (plainBody) GetFieldDeserializers() map[string]func(serialization.ParseNode) error { return nil }

// OpenConversation makes a chat as one of its people. Of two people Graph knows only one chat, and gives that. A group is made anew each time: what
// an earlier try has made is looked for first.
func (a *account) OpenConversation(ctx context.Context, o bridge.Opening) (bridge.ConversationID, error) {
	switch {
	case len(o.People) < 2:
		return bridge.ConversationID{}, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New(opMakeChat.Doing + " with oneself: Microsoft Graph has no documented way to do that")}
	case o.As == "":
		return bridge.ConversationID{}, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New(opMakeChat.Doing + ": only as one of its people")}
	}
	writer, err := a.writer(o.As)
	if err != nil {
		return bridge.ConversationID{}, err
	}
	if len(o.People) > 2 && !o.Since.IsZero() {
		found, err := a.madeSince(ctx, o)
		if err != nil || found != "" {
			return a.chatID(found), err
		}
	}
	made, err := a.makeChat(ctx, writer, o)
	return a.chatID(made), err
}

// makeChat makes one attempt to make a chat.
func (a *account) makeChat(ctx context.Context, writer *client, o bridge.Opening) (string, error) {
	b := newChat{kind: "oneOnOne"}
	if len(o.People) > 2 {
		b.kind, b.topic = "group", a.Topic(o.Topic)
	}
	for _, u := range o.People {
		role := "owner"
		if u != o.As && u != a.relayID() {
			who, err := a.LookUp(ctx, u)
			if err != nil {
				return "", fmt.Errorf("%s: looking at who is to be in it: %w", opMakeChat.Doing, err)
			}
			if idtoken.External(who.Username) {
				role = "guest"
			}
		}
		b.members = append(b.members, &newMember{role: role, bind: a.app.base + "/users('" + string(u) + "')"})
	}
	var made chat
	if err := writer.ask(ctx, opMakeChat, place{}, &b, &made); err != nil {
		return "", err
	}
	if !isChat(made.ID) {
		return "", &bridge.Error{Kind: bridge.Uncertain, Err: fmt.Errorf("%s: the answer holds no id", opMakeChat.Doing)}
	}
	return made.ID, nil
}

// madeSince looks for a group of exactly these people in which nothing was said and that was made since the first try. A list in the order of what
// was said leaves such a one out.
func (a *account) madeSince(ctx context.Context, o bridge.Opening) (string, error) {
	want := slices.Sorted(slices.Values(o.People))
	var oldest chat
	err := a.eachChat(ctx, a.lanes, opAllChats, o.As, func(c chat) bool {
		if c.Type == "group" && !c.Created.Before(o.Since.Add(-clockSlack)) && (c.Last == nil || c.Last.notice()) &&
			slices.Equal(slices.Sorted(slices.Values(c.people())), want) && (oldest.ID == "" || c.Created.Before(oldest.Created.Time)) {
			oldest = c
		}
		return true
	})
	return oldest.ID, err
}

// eachChat lists somebody's chats until each says false.
func (a *account) eachChat(ctx context.Context, c *client, op *Operation, u bridge.UserID, each func(chat) bool) error {
	next := c.base + op.address(place{user: string(u)})
	for next != "" {
		var page chatPage
		if err := c.read(ctx, op, next, &page); err != nil {
			return err
		}
		for _, one := range page.Value {
			if !each(one) {
				return nil
			}
		}
		next = page.Next
	}
	return nil
}

// chatPage is a page of somebody's chats.
type chatPage struct {
	Value []chat `json:"value"`
	Next  string `json:"@odata.nextLink"`
}

// newChat is the body of a request for a chat.
type newChat struct {
	kind, topic string
	members     []serialization.Parsable
}

func (b *newChat) Serialize(w serialization.SerializationWriter) error {
	if err := w.WriteStringValue("chatType", &b.kind); err != nil {
		return err
	}
	if b.topic != "" {
		if err := w.WriteStringValue("topic", &b.topic); err != nil {
			return err
		}
	}
	return w.WriteCollectionOfObjectValues("members", b.members)
}

func (*newChat) GetFieldDeserializers() map[string]func(serialization.ParseNode) error { return nil }

type newMember struct{ role, bind string }

func (m *newMember) Serialize(w serialization.SerializationWriter) error {
	kind := "#microsoft.graph.aadUserConversationMember"
	return errors.Join(w.WriteStringValue("@odata.type", &kind), w.WriteCollectionOfStringValues("roles", []string{m.role}),
		w.WriteStringValue("user@odata.bind", &m.bind))
}

func (*newMember) GetFieldDeserializers() map[string]func(serialization.ParseNode) error { return nil }
