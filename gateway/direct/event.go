package direct

import "causeway/bridge"

// Event is something that happens in a conversation.
type Event uint8

// The events. A file is a message that has one.
const (
	New Event = iota
	Reply
	Quote
	File
	Edit
	Delete
	Undelete
	React
	Unreact
	Join
	Leave
	Rename
)

var eventNames = [...]string{"new", "reply", "quote", "file", "edit", "delete", "undelete", "react", "unreact", "join", "leave", "rename"}

// String gives the event's name in tests.
func (e Event) String() string { return eventNames[e] }

// speaks: somebody says something that was not said before.
func (e Event) speaks() bool { return e <= File }

// Way is what becomes of an event.
type Way uint8

const (
	// Refused: it does not appear on the other side, for the reason that goes with it.
	Refused Way = iota
	// AsAuthor: it appears there as done by whoever did it.
	AsAuthor
	// ByBot: the account itself does it there, with the author's name in what they say.
	ByBot
	// Held: it waits until its author has connected again.
	Held
	// Anew: the conversation has other members now, and is decided on anew. Nothing said before is shown to those who came.
	Anew
	// AsMember: a connected member does it there, whoever did it here.
	AsMember
	// Aside: each connected member gets it there by a direct message of the account, with the author's name.
	Aside
)

var wayNames = [...]string{"refused", "as the author", "by the bot", "held", "met anew", "as a member", "aside"}

// String gives the way's name in tests.
func (w Way) String() string { return wayNames[w] }

// Relay is how an account shows what those say whom it cannot act as.
type Relay uint8

const (
	// Nowhere: it cannot.
	Nowhere Relay = iota
	// BesideTalks: by direct messages to connected members, since it may not write in conversations of which it is no member.
	BesideTalks
	// InTalks: in the conversation itself.
	InTalks
)

var relayNames = [...]string{"nowhere", "beside", "in talks"}

// String gives its name in tests.
func (r Relay) String() string { return relayNames[r] }

// Outcome is what becomes of an event, and who is told.
type Outcome struct {
	Way    Way
	Reason Reason
	// Author: whoever did it is told, once for each conversation.
	Author bool
	// Waiting are the connected members to whom the other side says that something waits for them, without what it is.
	Waiting []bridge.UserID
}

// Of tells what becomes of an event in a conversation. author need not be a member: people leave, and bots write from outside. relay is that of the
// account on the other side.
func Of(v Verdict, shape bridge.Shape, author Standing, relay Relay, e Event) Outcome {
	switch {
	case e == Join || e == Leave || e == Rename:
		return ofTalk(v, shape, e)
	case !v.Carried:
		return Outcome{Reason: v.Reason, Author: v.Tell && author == Connected && e.speaks()}
	case author == Connected:
		return Outcome{Way: AsAuthor}
	case relay == InTalks:
		return Outcome{Way: ByBot}
	case author == Lost:
		return Outcome{Way: Held}
	case relay == BesideTalks && (e.speaks() || e == Edit || e == Delete || e == Undelete):
		return Outcome{Way: Aside}
	case !e.speaks(): // what it is about was not carried either
		return Outcome{Reason: AuthorNotConnected}
	}
	return Outcome{Reason: AuthorNotConnected, Author: author == Matched, Waiting: v.Away}
}

// ofTalk is about events that change the conversation itself.
func ofTalk(v Verdict, shape bridge.Shape, e Event) Outcome {
	switch {
	case shape != bridge.Group && shape != bridge.Meeting:
		return Outcome{Reason: Fixed}
	case e != Rename:
		return Outcome{Way: Anew}
	case !v.Carried:
		return Outcome{Reason: v.Reason}
	}
	return Outcome{Way: AsMember}
}
