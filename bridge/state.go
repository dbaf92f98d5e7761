package bridge

import (
	"context"
	"io"
	"time"

	"causeway/bridge/richtext"
)

// State is an instance of a message as it looks now: whole, with all reactions; never "what changed".
type State struct {
	Conversation ConversationID
	ID           MessageID
	// Root is the first message of the thread this one answers in; empty when it starts one itself.
	Root MessageID
	// Author is who wrote it. It may be empty in a deleted message.
	Author Author
	// Created is when it was said, by the service's clock.
	Created time.Time
	// Edited is when its text was last changed by the service's clock; zero when never.
	Edited time.Time
	// Revision grows with every change the service makes to the message, reactions included. Comparable
	// only between states of the same message. Of two states with one revision the deleted one is newer.
	Revision int64
	Deleted  bool
	// Text is empty in a deleted message. Its mentions name users of this server, or everybody in the conversation ([richtext.Everybody]).
	Text      richtext.Doc
	Files     []File
	Reactions []Reaction
	// Key is what [Draft.Key] was when Causeway posted it, read from its own place in the message only:
	// never from a quote, a forward or the visible text. Empty for everything else. Where people can write to that place, too, it
	// may be one that somebody has copied: whose it is, the gateway finds out.
	Key Key
	// Event is set where nobody has said this: it tells what happened to the conversation.
	Event Event
}

// Author is who wrote a message, as people see it.
type Author struct {
	ID UserID
	// Name is the name shown beside the message.
	Name string
	// Username is the login or handle without "@"; may be empty.
	Username string
	// Avatar is the URL of a picture that the other side's server may load; may be empty.
	Avatar string
}

// Reaction is one emoji of one person on an instance.
type Reaction struct {
	User UserID
	// Emoji in neutral form: see [NormalizeEmoji].
	Emoji string
}

// File is an attachment.
type File struct {
	// ID is what [Bridge.Open] takes; unique within the conversation.
	ID   string
	Name string
	// Size in bytes; -1 when the service does not say.
	Size int64
	// Type is the media type; may be empty.
	Type string
	// URL is where people of that service can open it; may be empty.
	URL string
}

// Draft is a part of a message as it shall look in a conversation.
type Draft struct {
	Conversation ConversationID
	// Root is the instance that is answered; empty starts a thread.
	Root MessageID
	// As is the connected person who writes; empty: the relay account writes and shows Author.Name, told apart from the names of members of
	// the conversation whom the author is not known to be (package names).
	As     UserID
	Author Author
	// Same is who the author is among the users of this server, where both services vouch for that; empty: not known. Nothing is written in
	// their name by it: the service may show the author as it shows them, and need not tell the two apart.
	Same UserID
	// Text calls users of this server, or everybody, by its mentions: they are notified. Nothing else in it, nor in Author, notifies anybody.
	Text richtext.Doc
	// Files are what [Bridge.Upload] gave; only filled when [Capabilities.Files] says that they can be sent.
	Files []File
	// Open reads one of Files at its origin, for a service to which small ones go together with the post; nil where nothing is sent.
	Open func(ctx context.Context, f File) (io.ReadCloser, error)
	Key  Key
	// Anybody, of what is to be found: whoever has written it. It is not known any more as whom Causeway could act.
	Anybody bool
}

// Target is an instance that Causeway wrote, to be changed or reacted to.
type Target struct {
	Conversation ConversationID
	ID           MessageID
	// As is who acts; empty: the relay account.
	As UserID
}

// Notice is told to one person privately, in or about a conversation.
type Notice struct {
	// Conversation may be empty.
	Conversation ConversationID
	User         UserID
	Text         richtext.Doc
	// Choices are buttons below the text, where the service's [Capabilities] have Commands.
	Choices []Choice
	// Key names what is not to come twice, as after an answer that was lost. Where the notice is a post in the direct conversation of account and person, that
	// has this key, and is looked for by it before it is told. An account with the capability RelayAside makes it one where the notice is about no
	// conversation, and Find and Delete see it. Empty: it may come twice.
	Key Key
}
