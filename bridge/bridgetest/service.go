package bridgetest

import (
	"time"

	"causeway/bridge"
)

// Who is a person of the service under test.
type Who uint8

// The people that every Service has. Both are members of both conversations; neither is connected, unless [Service].ConnectPerson has
// done that, nor an operator.
const (
	Alice Who = iota
	Bob
	// Carol is there where [Features].Talks are; of no other conversation is she a member.
	Carol
)

// Place is a conversation of the service under test.
type Place struct {
	ID bridge.ConversationID
	// Names are all the forms in which an operator may write it: name, id, link. At least one.
	Names []string
}

// Calls says which requests of the bridge a fault meets.
type Calls uint8

const (
	// Writes are requests that change something people can see: posts, edits, deletions, reactions.
	Writes Calls = iota
	// Reads are requests that read conversations or messages, the feed's catch-up or polling included; not those that only
	// obtain a token. A request that long stays open to be pushed to (a websocket) need not be met.
	Reads
)

// Seen is a message as people see it in the service's own program.
type Seen struct {
	ID bridge.MessageID
	// Root as in [bridge.State.Root].
	Root bridge.MessageID
	// Author is the name shown beside the message.
	Author string
	// Text is what people read, without markup: paragraphs and line breaks are "\n". Where a relay has to write the
	// author's name into the message, it is part of the text.
	Text string
	// Reactions of everybody, emoji in neutral form.
	Reactions []bridge.Reaction
	// Files in the order in which they are shown; Type is not compared.
	Files []Attachment
	// Mentions counts whom the message notified: people, and each of channel, team, everybody, here.
	Mentions int
}

// Features says what a service cannot do, or its handle cannot cause; the laws that need it are then left out, each
// saying why. The zero value can everything.
type Features struct {
	// KeyCopied: people can write to the place of the key, so that what they copy from the service's own API carries it, too.
	KeyCopied bool
	// NoRestore: people cannot bring a deleted message back.
	NoRestore bool
	// NoThrottle: the handle cannot make the service throttle.
	NoThrottle bool
	// NoLoseAnswer: the handle cannot drop the answer to a write that took effect.
	NoLoseAnswer bool
	// NoFail: the handle cannot make the service answer that it is out of order (503).
	NoFail bool
	// NoHang: the handle cannot leave requests without an answer.
	NoHang bool
	// NoCut: there is no connection to cut (polling).
	NoCut bool
	// NoRevoke: the handle cannot take the account's token away.
	NoRevoke bool
	// NoShut: the handle cannot take one conversation away from the account.
	NoShut bool
	// NoAttempts: the handle cannot count the requests that wanted to write.
	NoAttempts bool
	// NoMentions: the handle cannot tell whom a message notified; [Seen.Mentions] is 0.
	NoMentions bool
	// NoPeople: the handle cannot connect people.
	NoPeople bool
	// NoFiles: the handle cannot attach files, or the service has none.
	NoFiles bool
	// NoReactionFeed: the service does not tell of a reaction unless something else changes.
	NoReactionFeed bool
	// Talks are how direct and group conversations are caused; without Open the handle cannot.
	Talks Talks
}

// Talks are what people do with direct and group conversations. Join and Leave may be nil where groups keep their people, and
// Retitle where they have no topic.
type Talks struct {
	// Open makes the first of the people open a conversation with the others: one with themselves, a pair, or a group.
	Open func(who ...Who) bridge.ConversationID
	// NoSelf: there is no conversation with oneself.
	NoSelf bool
	// Reads tells whether somebody can read a file.
	Reads       func(c bridge.ConversationID, f bridge.File, who Who) bool
	Join, Leave func(c bridge.ConversationID, who Who)
	Retitle     func(c bridge.ConversationID, topic string)
}

// Service is the test's handle on one chat service behind one bridge. It is made fresh for each law (the service itself
// may be shared, the two conversations not) and cleans up through the *testing.T that it was made with: what is left of
// a fault when the law ends must not reach the next one. Its
// methods are called from the law's own goroutine; what cannot be done ends the test there (t.Fatal).
type Service interface {
	Features() Features
	// Within is how long it takes at most until what was done on one end is seen on the other: several
	// poll intervals and the bridge's own waiting before it connects again; generous, as only failing laws wait so long.
	Within() time.Duration

	// Bridge makes a bridge to the service, always for the same account and with the same saved tokens: a second
	// one is what a restart of the process gives. The law connects and closes it; the one before is closed by then.
	Bridge() bridge.Bridge
	// Place is the first conversation, fresh and empty, which the account may read and write.
	Place() Place
	// Other is a second one. Where the service makes ids per conversation, both have messages of equal ids.
	Other() Place
	// Person gives how people see who: ID, Name and Username as [bridge.State.Author] shall have them (an empty
	// Username is not compared).
	Person(who Who) bridge.Author

	// Say makes who say something new. The text is plain: paragraphs separated by "\n".
	Say(c bridge.ConversationID, who Who, text string) bridge.MessageID
	// Call makes who say something new that mentions people, between two plain texts: those given, or everybody in the conversation where none is.
	Call(c bridge.ConversationID, who Who, before, behind string, whom ...Who) bridge.MessageID
	// SayFiles makes who say something new with files attached.
	SayFiles(c bridge.ConversationID, who Who, text string, files ...Attachment) bridge.MessageID
	// FileThere tells whether a file that [bridge.Bridge.Upload] gave still exists.
	FileThere(c bridge.ConversationID, f bridge.File) bool
	// Reply makes who answer in the thread of root.
	Reply(c bridge.ConversationID, root bridge.MessageID, who Who, text string) bridge.MessageID
	// Quote makes who say something that copies the message id with as much of its source as a person can get hold of: quoted,
	// forwarded or copied from the service's own API, the place of the key included when people can write there.
	Quote(c bridge.ConversationID, id bridge.MessageID, who Who, text string) bridge.MessageID
	// Change makes who change the text of their own message.
	Change(c bridge.ConversationID, id bridge.MessageID, who Who, text string)
	// Remove makes who delete their own message.
	Remove(c bridge.ConversationID, id bridge.MessageID, who Who)
	// RemoveAny deletes anybody's message, as a moderator does.
	RemoveAny(c bridge.ConversationID, id bridge.MessageID)
	// Restore brings back what who has removed.
	Restore(c bridge.ConversationID, id bridge.MessageID, who Who)
	// React adds a reaction of who; emoji in neutral form.
	React(c bridge.ConversationID, id bridge.MessageID, who Who, emoji string)
	// Unreact takes it away.
	Unreact(c bridge.ConversationID, id bridge.MessageID, who Who, emoji string)
	// Messages gives what people see in a conversation, oldest first, without deleted messages.
	Messages(c bridge.ConversationID) []Seen

	// Cut drops the connections of the feed, once.
	Cut()
	// Throttle answers the next n calls of that sort with "too many requests, come back after" (whole seconds).
	// They take no effect.
	Throttle(of Calls, n int, after time.Duration)
	// Fail answers the next n calls of that sort with "out of order" (503). They take no effect.
	Fail(of Calls, n int)
	// Hang leaves all calls of that sort without an answer and without effect until release is called; those that hang
	// are then answered as by Fail. release may be called twice.
	Hang(of Calls) (release func())
	// LoseAnswer lets the next write take effect and drops its answer (the connection breaks).
	LoseAnswer()
	// Revoke takes the account's token away: from now on it is refused (401), until Grant.
	Revoke()
	Grant()
	// Shut takes the conversation away from the account (removed from the channel: 403 or 404), until Reopen.
	Shut(c bridge.ConversationID)
	Reopen(c bridge.ConversationID)
	// ConnectPerson makes the account able to act as who: their grant is in its vault, see [bridge.PersonGrant]. RevokePerson makes
	// that grant bad at the service, as when who withdraws it there; the vault still holds it.
	ConnectPerson(who Who)
	RevokePerson(who Who)
	// Attempts counts the requests of kind Writes so far, whatever became of them.
	Attempts() int

	// Log is everything that bridges of this handle have logged so far, at the most talkative level.
	Log() string
	// Secrets are strings that must never stand in a log or an error: tokens, client secrets, passwords. Not empty.
	Secrets() []string
}

// Strangers is for handles of services where nobody can be connected: embed it, and set [Features].NoPeople.
type Strangers struct{}

// ConnectPerson panics.
func (Strangers) ConnectPerson(Who) {
	panic("bridgetest: nobody can be connected: Features should say NoPeople")
}

// RevokePerson panics.
func (Strangers) RevokePerson(Who) {
	panic("bridgetest: nobody can be connected: Features should say NoPeople")
}
