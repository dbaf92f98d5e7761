package direct

import (
	"fmt"
	"strings"
)

// Reason is why a conversation, or something in it, is not carried. The numbers are stored.
type Reason int

const (
	// None: it is carried.
	None Reason = iota
	// Off, DirectOff, GroupsOff: an administrator has switched it off.
	Off
	DirectOff
	GroupsOff
	// WithCauseway: an account of Causeway's is in it.
	WithCauseway
	// NobodyConnected: none of its members is.
	NobodyConnected
	// IsMeeting, TooMany, TooFew: the other side has no such conversation.
	IsMeeting
	TooMany
	TooFew
	// SomebodyMissing, WithGuest, WithExternal, WithBot, WithDeactivated: members have no account on the other side.
	SomebodyMissing
	WithGuest
	WithExternal
	WithBot
	WithDeactivated
	// Merged: two of its members are one person on the other side.
	Merged
	// Second: another conversation with the same people is carried.
	Second
	// Moved: the people have changed, and the talk goes on in another conversation.
	Moved
	// AuthorNotConnected: nobody can write it there.
	AuthorNotConnected
	// Fixed: such a conversation keeps its members and has no topic.
	Fixed
	// Earlier: it was said before everything was as it must be.
	Earlier
	// NotAllowed: its author has connected, and has not allowed all that is needed to write it there.
	NotAllowed
	// ChangeStays: a message was changed whose people have changed since it was written.
	ChangeStays
	// AtOnce: another conversation with the same people was begun on the other side at the same time.
	AtOnce
	// Alone: it is somebody's with themselves, and the other side cannot open such a conversation.
	Alone

	reasons // how many there are
)

// texts complete "This conversation is not carried to SERVICE: ". %s are those who are missing.
var texts = [reasons]string{
	None:               "",
	Off:                "direct and group messages are switched off here",
	DirectOff:          "direct messages are switched off here",
	GroupsOff:          "group messages are switched off here",
	WithCauseway:       "Causeway itself is in it",
	NobodyConnected:    "nobody in it has connected",
	IsMeeting:          "it belongs to a meeting",
	TooMany:            "it has more people than a group can have there",
	TooFew:             "a group needs three people there",
	SomebodyMissing:    "%s cannot be found there",
	WithGuest:          "%s: guests have no account there",
	WithExternal:       "%s: people of another organisation have no account there",
	WithBot:            "%s: bots have no account there",
	WithDeactivated:    "%s: the account is deactivated",
	Merged:             "two of the people in it are one person there",
	Second:             "another conversation with the same people is",
	Moved:              "the people in it have changed, and the talk goes on in another conversation",
	AuthorNotConnected: "you have not connected your accounts, so nothing can be written in your name there",
	Fixed:              "such a conversation keeps its people and has no topic",
	Earlier:            "it was said before",
	NotAllowed:         "Causeway may not write there in your name; connect your accounts again, and allow what it asks for",
	ChangeStays:        "the people in it have changed since what was changed was written",
	AtOnce:             "another conversation with the same people was begun at the same time",
	Alone:              "nobody has a conversation with themselves there",
}

// Text says it so that it completes "not carried: ", for people. missing are the names of those who are the reason, where some are.
func (r Reason) Text(missing []string) string {
	if r < 0 || r >= reasons {
		return fmt.Sprintf("reason %d, of a newer version of Causeway", int(r))
	}
	text := texts[r]
	if strings.Contains(text, "%s") {
		who := "somebody"
		if len(missing) > 0 {
			who = strings.Join(missing, ", ")
		}
		text = fmt.Sprintf(text, who)
	}
	return text
}

// String gives the reason's words in logs and tests.
func (r Reason) String() string { return r.Text(nil) }
