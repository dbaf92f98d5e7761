package bridge

import (
	"context"
	"time"
)

// Shape is who belongs to a conversation.
type Shape uint8

const (
	// Open is a channel: whoever may join it.
	Open Shape = iota
	// Self is somebody alone with themselves.
	Self
	// Pair is two people; nobody joins or leaves.
	Pair
	// Group is people who were chosen one by one. Where [Capabilities.Regroup] says so they can change.
	Group
	// Meeting belongs to a meeting; people come and go.
	Meeting
)

var shapeNames = [...]string{"channel", "self", "pair", "group", "meeting"}

// String gives the shape's name in logs, lists and the store.
func (s Shape) String() string { return shapeNames[s] }

// Talk is a direct or group conversation as it is now.
type Talk struct {
	Conversation ConversationID
	Shape        Shape
	// Members are all who can see what is said there, each once, in no order; the account itself, where it is one of them, included.
	Members []UserID
	// Since is from when on it has had exactly these members, by the service's clock; zero: as long as it exists, or not known.
	Since time.Time
	// Topic is what its members call a group; may be empty.
	Topic string
	// Speakers are who spoke there since somebody looked last, each once, who spoke last first; as far as that is known, which may be of nobody. What they
	// said is not looked at for it.
	Speakers []UserID
}

// Speaker is who spoke there last; may be empty.
func (t Talk) Speaker() UserID {
	if len(t.Speakers) == 0 {
		return ""
	}
	return t.Speakers[0]
}

// Interest is what becomes of what is said in a talk.
type Interest uint8

const (
	// Unmet: nothing is known of it; see [Inbox.Meet].
	Unmet Interest = iota
	// Carried: it is among [Inbox.Watched], or is about to be.
	Carried
	// Refused: nothing of it is read. Some of its members have not been told so yet: who speaks there is to be met again.
	Refused
	// Ignored: nothing of it is read, and everybody who should know that does.
	Ignored
)

// Observed is a connected person whose direct and group conversations are to be read.
type Observed struct {
	User UserID
	// Since is when they connected. What was said in their talks earlier does not count.
	Since time.Time
	// Online: they agreed that Causeway keeps a connection in their name, whatever that does to their presence.
	Online bool
}

// Opening is a direct or group conversation that is to exist.
type Opening struct {
	// As is who opens it, a connected person among People; empty: the account itself, which need not be one of them.
	As UserID
	// People are all its members, each once: one for a conversation with oneself, two for a pair.
	People []UserID
	// Topic of a group; may be empty.
	Topic string
	// Since is when this was first tried; zero: never. What As has made since then, with exactly these people and still empty, is taken for the
	// outcome of that try.
	Since time.Time
}

// NoTalks is embedded by an [Inbox] that has to do with what is said in channels alone.
type NoTalks struct{}

// Events says that nothing is told but what was said.
func (NoTalks) Events(ConversationID) []Event { return nil }

// Begin says that everything begins at present.
func (NoTalks) Begin(ConversationID) time.Time { return time.Time{} }

// Readers gives none.
func (NoTalks) Readers(ConversationID) []UserID { return nil }

// Observed gives nobody, for ever.
func (NoTalks) Observed() ([]Observed, <-chan struct{}) { return nil, nil }

// Interest says that no talk is read.
func (NoTalks) Interest(ConversationID) Interest { return Ignored }

// Meet ignores every talk.
func (NoTalks) Meet(context.Context, Talk) (Interest, error) { return Ignored, nil }

// Lost leaves it to the writes to find out.
func (NoTalks) Lost(context.Context, UserID, time.Time, error) {}
