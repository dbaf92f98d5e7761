package msteams

import (
	"encoding/json"

	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
)

// forward is the type of an attachment that is a message which somebody has forwarded (page "chatMessageAttachment resource type"). What its content holds,
// no page tells; it is what the programs write.
const forward = "forwardedMessageReference"

// sender is who wrote a message to which another one refers.
type sender struct {
	User *struct {
		Name string `json:"displayName"`
	} `json:"user"`
	Application *struct {
		Name string `json:"displayName"`
	} `json:"application"`
}

func (s sender) name() string {
	switch {
	case s.User != nil && s.User.Name != "":
		return richtext.Line(s.User.Name)
	case s.Application != nil && s.Application.Name != "":
		return richtext.Line(s.Application.Name)
	}
	return unknownName
}

// quoted makes a quote of a messageReference, whose content is JSON in a text.
func quoted(content string) richtext.Block {
	var in struct {
		Preview string `json:"messagePreview"`
		Sender  sender `json:"messageSender"`
	}
	_ = json.Unmarshal([]byte(content), &in) // a reference that cannot be read is still a quote, of nobody knows what
	return richtext.Quoting(in.Sender.name(), richtext.Plain(in.Preview))
}

// forwarded shows a forwarded message as that. Its content is JSON in a text, with the message as HTML in it. Whom it
// mentioned is not called again, and a key in it is none of this message.
func forwarded(content string) richtext.Block {
	var in struct {
		Content string `json:"originalMessageContent"`
		Sender  sender `json:"originalMessageSender"`
	}
	_ = json.Unmarshal([]byte(content), &in) // as with quotes
	words := richhtml.Options{Picture: pictureText}.Parse(in.Content).Literal()
	if len(words) == 0 {
		words = richtext.Plain("(a message that cannot be shown here)")
	}
	head := richtext.Block{Kind: richtext.Paragraph, Runs: []richtext.Run{
		{Text: "Forwarded from ", Style: richtext.Italic}, {Text: in.Sender.name(), Style: richtext.Bold}, {Text: ":"},
	}}
	return richtext.Block{Kind: richtext.Quote, Blocks: append(richtext.Doc{head}, words...)}
}
