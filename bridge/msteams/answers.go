package msteams

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

// Chats have no threads. Who answers in one puts a reference to the answered message above the text: an attachment of the type
// messageReference, with a preview. Its form is on the page "chatMessage: replyWithQuote".

// answeredIn gives the first reference of a message of a chat: to the one that it answers; nil when it answers none. Any further one is a
// quote.
func answeredIn(m models.ChatMessageable) models.ChatMessageAttachmentable {
	if value(m.GetChatId()) == "" {
		return nil
	}
	for _, t := range m.GetAttachments() {
		if value(t.GetContentType()) == "messageReference" && referenceID(t) != "" && referenceID(t) != value(m.GetId()) {
			return t
		}
	}
	return nil
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// referenceID is the id of the message that a reference is to; empty when it cannot be read.
func referenceID(t models.ChatMessageAttachmentable) string {
	var content struct {
		ID string `json:"messageId"`
	}
	_ = json.Unmarshal([]byte(value(t.GetContent())), &content) // where it is no JSON, there is the attachment's id
	for _, id := range []string{content.ID, value(t.GetId())} {
		if digits.MatchString(id) {
			return id
		}
	}
	return ""
}

// emptyEnd is what Teams puts behind the text of an answer.
var emptyEnd = regexp.MustCompile(`(?:\s|&nbsp;|<p>(?:\s|&nbsp;|<br ?/?>)*</p>)+$`)

// withoutEnd takes empty paragraphs off the end of a body, so that the key is the last thing of it again.
func withoutEnd(body string) string { return emptyEnd.ReplaceAllString(body, "") }

// answer is the body of replyWithQuote.
type answer struct {
	ids     []string
	message models.ChatMessageable
}

func (q *answer) Serialize(w serialization.SerializationWriter) error {
	if err := w.WriteCollectionOfStringValues("messageIds", q.ids); err != nil {
		return err
	}
	return w.WriteObjectValue("replyMessage", q.message)
}

func (*answer) GetFieldDeserializers() map[string]func(serialization.ParseNode) error { return nil }

// postInChat writes a message in a chat; with a root, as an answer to that. Where Teams takes no such answer, as when the answered one is
// deleted, it is a message like others.
func (a *account) postInChat(ctx context.Context, writer *client, p place, d bridge.Draft) (bridge.MessageID, error) {
	var made posted
	err := orInWords(d, func(d bridge.Draft) (err error) {
		made, err = a.tryInChat(ctx, writer, p, d)
		return err
	})
	if err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", &bridge.Error{Kind: bridge.Uncertain, Err: fmt.Errorf("%s: the answer holds no id", opPostChat.Doing)}
	}
	a.learnKeys(ctx, d, made)
	id := bridge.MessageID(made.ID)
	a.Expect(d.Conversation, id)
	return id, nil
}

func (a *account) tryInChat(ctx context.Context, writer *client, p place, d bridge.Draft) (made posted, err error) {
	op := opPostChat
	b, err := body(ctx, d, nil)
	if err != nil {
		return made, fmt.Errorf("%s: %w", op.Doing, err)
	}
	if d.Root != "" && d.As != "" {
		op, made.answers = opQuoteChat, true
		err = writer.ask(ctx, op, p, &answer{ids: []string{string(d.Root)}, message: b}, &made)
		if kind := bridge.KindOf(err); err != nil && (kind == bridge.Gone || kind == bridge.Rejected || kind == bridge.Unsupported) {
			op, made = opPostChat, posted{}
		}
	}
	if op == opPostChat {
		err = writer.ask(ctx, op, p, b, &made)
	}
	return made, err
}

// keepAnswered lets an edited message go on answering what it answers: an edit replaces the body with all that it refers to.
func (a *account) keepAnswered(ctx context.Context, id bridge.MessageID, d bridge.Draft, b models.ChatMessageable) error {
	m, err := a.message(ctx, d.Conversation, id)
	if err != nil {
		return fmt.Errorf("before editing: %w", err)
	}
	t := answeredIn(m)
	if t == nil {
		return nil
	}
	b.SetAttachments(append([]models.ChatMessageAttachmentable{t}, b.GetAttachments()...))
	b.GetBody().SetContent(pointer(attachmentTag(t) + value(b.GetBody().GetContent())))
	return nil
}
