package msteams

import (
	"context"
	"errors"
	"html"
	"slices"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	nethtml "golang.org/x/net/html"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// around gives what stands before and behind the words of a message in its text, although it is no part of its body: importance,
// subject and quotes, and what is on cards.
func around(m models.ChatMessageable, code map[string]richtext.Block) (before, behind richtext.Doc) {
	before = richtext.Marked(nil, importance(m))
	if subject := strings.TrimSpace(value(m.GetSubject())); subject != "" {
		before = append(before, richtext.Block{Kind: richtext.Heading, Level: 3, Runs: []richtext.Run{{Text: subject}}})
	}
	answered := answeredIn(m)
	for _, t := range m.GetAttachments() {
		switch kind := value(t.GetContentType()); {
		case kind == fileReference, t == answered:
		case kind == forward:
			before = append(before, forwarded(value(t.GetContent())))
		case isQuote(kind):
			before = append(before, quoted(value(t.GetContent())))
		default:
			behind = append(behind, onCard(t, code)...)
		}
	}
	return before, behind
}

// onCard gives what stands in a text for a card: the code of a snippet, where it has been read.
func onCard(t models.ChatMessageAttachmentable, code map[string]richtext.Block) richtext.Doc {
	if block := code[value(t.GetId())]; block.Text != "" {
		return richtext.Doc{block}
	}
	return cardText(value(t.GetContentType()), value(t.GetName()), value(t.GetContent()))
}

// withoutCards takes what is on the cards of a message from the end of a text; false when something else stands there. A snippet may stand there as its
// code or as a line: whether it could be read when the text was made is not known.
func withoutCards(text richtext.Doc, m models.ChatMessageable, code map[string]richtext.Block) (richtext.Doc, bool) {
	rest, answered := text, answeredIn(m)
	for _, t := range slices.Backward(m.GetAttachments()) {
		if kind := value(t.GetContentType()); kind == fileReference || t == answered || isQuote(kind) {
			continue
		}
		ends := func(said richtext.Doc) bool {
			n := len(rest) - len(said)
			if n < 0 || rest[n:].Hash() != said.Hash() {
				return false
			}
			rest = rest[:n]
			return true
		}
		if !ends(richtext.Normalize(onCard(t, code))) && !ends(richtext.Normalize(onCard(t, nil))) {
			return text, false
		}
	}
	return rest, true
}

func isQuote(contentType string) bool {
	return contentType == "messageReference" || contentType == forward
}

// ownBody is how a message that a person wrote themselves is changed in their name. An edit replaces the body with all that it refers
// to, so that files and pictures are named again; so are subject, quotes and cards, where the new text still has them in their
// places.
func (a *account) ownBody(ctx context.Context, id bridge.MessageID, d bridge.Draft) (models.ChatMessageable, error) {
	m, err := a.message(ctx, d.Conversation, id)
	if err != nil {
		return nil, err
	}
	if versionOf(m).deleted {
		return nil, &bridge.Error{Kind: bridge.Gone, Err: errors.New("editing a message: it is deleted")}
	}
	out, text := models.NewChatMessage(), richtext.Normalize(d.Text)
	before, _ := around(m, nil)
	before = richtext.Normalize(before)
	quotes := true
	if len(before) > 0 {
		if quotes = len(text) >= len(before) && text[:len(before)].Hash() == before.Hash(); quotes {
			text = text[len(before):]
		} else {
			// What is left of these is in the text.
			if importance(m) != richtext.Normal {
				out.SetImportance(pointer(models.NORMAL_CHATMESSAGEIMPORTANCE))
			}
			if value(m.GetSubject()) != "" {
				out.SetSubject(pointer(""))
			}
		}
	}
	code, _, unread := a.snippets(ctx, d.Conversation, m)
	text, cards := withoutCards(text, m, code)
	if !cards && unread != nil {
		return nil, unread // what stands there may be the code that cannot be read now
	}
	var kept []models.ChatMessageAttachmentable
	tags, first := strings.Join(pictureTags(m), ""), ""
	answered := answeredIn(m)
	for _, t := range m.GetAttachments() {
		kind := value(t.GetContentType())
		if t == answered {
			kept, first = append(kept, t), attachmentTag(t)
			continue
		}
		if kind == fileReference || isQuote(kind) && quotes || !isQuote(kind) && cards {
			kept = append(kept, t)
			tags += attachmentTag(t)
		}
	}
	content := models.NewItemBody()
	content.SetContentType(pointer(models.HTML_BODYTYPE))
	words, calls := called(d.Conversation, text)
	words += tags
	if words == "" {
		words = "&nbsp;" // Graph takes no empty body
	}
	words = first + words
	content.SetContent(&words)
	out.SetBody(content)
	out.SetAttachments(kept)
	out.SetMentions(calls)
	return out, nil
}

// attachmentTag is where an attachment stands in a body.
func attachmentTag(t models.ChatMessageAttachmentable) string {
	return `<attachment id="` + html.EscapeString(value(t.GetId())) + `"></attachment>`
}

// pictureTags are the tags of the pictures that a message brings along.
func pictureTags(m models.ChatMessageable) []string {
	b := m.GetBody()
	if b == nil || b.GetContentType() == nil || *b.GetContentType() != models.HTML_BODYTYPE {
		return nil
	}
	var all []string
	tokens := nethtml.NewTokenizer(strings.NewReader(value(b.GetContent())))
	for {
		switch tokens.Next() {
		case nethtml.ErrorToken:
			return all
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			t := tokens.Token()
			for _, at := range t.Attr {
				if t.Data == "img" && at.Key == "src" && hostedContent(at.Val) != "" {
					all = append(all, `<img src="`+html.EscapeString(at.Val)+`">`)
				}
			}
		}
	}
}
