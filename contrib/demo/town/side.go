// Package town is two chat services with people in them who talk to each other by way of Causeway: the world of the
// demonstration, without its page.
//
// Both services stand behind one interface, [Side]. The Mattermost side speaks the service's own REST API and websocket, so
// that it works unchanged against the stand-in and a real server; the Teams side is the stand-in's driver. Neither knows
// anything of Causeway.
//
// A [Town] watches both and keeps a ledger: which message is the copy of which, how long it took, and what is missing, doubled
// or out of order. It goes by what people can see on the two sides alone and asks Causeway nothing, so that it can judge it.
package town

import (
	"context"
	"errors"
	"time"
)

// Place is which of the two sides something is on.
type Place int

// The two sides as the page shows them.
const (
	Left Place = iota
	Right
)

// Other gives the other side.
func (p Place) Other() Place { return 1 - p }

// MaxText is the longest text that a person may say, in bytes: less than either service takes, so that a copy is one message.
const MaxText = 4000

// ErrNobody says that a side has no such person or conversation.
var ErrNobody = errors.New("there is no such person or conversation")

// ErrNotConnected says that somebody is to talk directly who is on one side alone.
var ErrNotConnected = errors.New("direct messages are of people who have connected their accounts")

// Side is one chat service with its people. All methods may be called from any goroutine. What a service refuses comes
// back as an error that says why.
type Side interface {
	// Service is the name of the program: "Mattermost", "Teams".
	Service() string
	// Organisation is the name that stands above the conversations.
	Organisation() string
	// People are those whom one can be, in the order in which they are offered.
	People() []Person
	// Conversations are those that people can talk in: the channels first, then those that were opened meanwhile.
	Conversations() []Conversation
	// Open gives the direct or group conversation of a person with one or more others, which is made when there is none.
	Open(ctx context.Context, person string, others []string) (id string, err error)
	// Watch hands over all messages as they look now, and then each one that is new or has changed, as soon as the service tells,
	// until ctx ends. It calls see from one goroutine at a time.
	Watch(ctx context.Context, see func([]Message)) error

	// Say lets a person write; it returns the new message's id.
	Say(ctx context.Context, d Draft) (id string, err error)
	// Edit gives a person's own message a new text.
	Edit(ctx context.Context, id string, d Draft) error
	// Delete removes a person's own message.
	Delete(ctx context.Context, person, conversation, id string) error
	// Fetch gives the content of a file that a message shows.
	Fetch(ctx context.Context, conversation, message, file string) (Upload, error)
	// React adds a person's reaction, a Unicode emoji, or takes it back.
	React(ctx context.Context, person, conversation, id, emoji string, on bool) error
}

// Person is somebody whom one can be.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`   // as it stands above what they say
	Call string `json:"handle"` // what is typed after @ to mention them
}

// Conversation is a place to talk.
type Conversation struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"` // empty of a direct or group conversation without one: it is called after who is in it
	Kind    Kind     `json:"kind"`
	Members []string `json:"members"` // ids of the people who are in it
}

// Kind is what sort of conversation something is.
type Kind string

// The kinds.
const (
	Channel Kind = "channel" // everybody in the team can see it
	Direct  Kind = "direct"  // of two
	Group   Kind = "group"   // of three or more
)

// kindOf gives that of a conversation which only its members see.
func kindOf(members []string) Kind {
	if len(members) == 2 {
		return Direct
	}
	return Group
}

// Draft is what a person is about to say.
type Draft struct {
	Person       string
	Conversation string
	Root         string // id of the message that begins the thread; empty: none, as always in Edit
	// Text is written as the people of that service write: Markdown in Mattermost, HTML in Teams, where <at id="0">…</at> stands for the
	// first of Mentions.
	Text     string
	Mentions []string // ids of people
	Files    []Upload // none in Edit, which leaves a message's files as they are
}

// Message is a message as people see it on one side.
type Message struct {
	Conversation string
	ID           string
	Root         string // of a reply
	Author       string // as shown
	Person       string // id of whose account wrote it; empty: none of our people
	Copy         bool   // Causeway wrote it, in the name of Person where there is one
	Headed       bool   // its first line names the author, who has no account there
	Body         []Node // nothing, when deleted
	Source       string // what its author gets to edit
	At           time.Time
	Seen         time.Time // when the service told of this look
	Edited       bool
	Deleted      bool
	Files        []File
	Reactions    []Reaction
}

// Reaction is one emoji under a message.
type Reaction struct {
	Emoji string   `json:"emoji"`
	By    []string `json:"by"` // ids of people; "" stands for Causeway
}
