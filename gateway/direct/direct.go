// Package direct decides what becomes of direct and group conversations, and of what happens in them. It knows no service and no store,
// does no I/O, and gives the same answer to the same question.
//
//	members with their standings, shape, settings, limit ─▶ Decide ─▶ carried, with the members there; or refused, and why
//	verdict, author, event                               ─▶ Of     ─▶ as the author, by the bot, held, met anew; or refused, and why
//
// A conversation is carried when at least one of its members is connected and each other one is connected or matched, and
// none more nor less than exactly these people can see it on the other side. So it never shrinks: where somebody has no account there, nothing of it
// is carried.
package direct

import (
	"slices"

	"causeway/bridge"
)

// Standing is what somebody is to Causeway and to the service on which a conversation is.
type Standing uint8

const (
	// Unknown: nobody knows who they are on the other side.
	Unknown Standing = iota
	// Matched: both services vouch for their e-mail address. They can be addressed there, and nothing is written as them.
	Matched
	// Connected: Causeway can act as them on both sides.
	Connected
	// Lost: they have connected, and their token was refused since.
	Lost
	// Guest of the service, from another organisation.
	Guest
	// External people are in no directory of the service: those of other organisations that are federated with it, and whoever was erased.
	External
	// Bot is no human.
	Bot
	// Deactivated: the account exists, and nobody can use it.
	Deactivated
	// Own: an account of Causeway's.
	Own
)

var standingNames = [...]string{"unknown", "matched", "connected", "lost", "guest", "external", "bot", "deactivated", "own"}

// String gives the standing's name in tests and logs.
func (s Standing) String() string { return standingNames[s] }

// there reports whether somebody is known on the other side.
func (s Standing) there() bool { return s == Matched || s == Connected || s == Lost }

// Member is somebody in a conversation.
type Member struct {
	User     bridge.UserID
	Standing Standing
	// Other is who they are on the other side; empty when that is not known.
	Other bridge.UserID
	// Away: they are connected, and want to be notified on the other side.
	Away bool
}

// Settings are those of a [[direct]] of the config.
type Settings struct{ Enable, DirectMessages, GroupMessages bool }

// Groups have at least so many people; fewer are a conversation of another shape.
const smallestGroup = 3

// Verdict is what becomes of a conversation with these members.
type Verdict struct {
	Carried bool
	// Members are who must be in the conversation on the other side, sorted; only when it is carried.
	Members []bridge.UserID
	// Reason is why it is not carried.
	Reason Reason
	// Missing are the members because of whom it is not carried, where it is because of some, sorted.
	Missing []bridge.UserID
	// Tell: each connected member who speaks there is told so, once.
	Tell bool
	// Away are the members who want to be notified on the other side, sorted.
	Away []bridge.UserID
}

// Decide tells what becomes of a conversation. limit is how many people a group may have at most on the other side; 0: any number.
func Decide(shape bridge.Shape, members []Member, s Settings, limit int) Verdict {
	if off := switched(shape, s); off != None {
		return Verdict{Reason: off}
	}
	if has(members, Own) {
		return Verdict{Reason: WithCauseway}
	}
	if !has(members, Connected) && !has(members, Lost) { // what is said waits until the lost have connected again
		return Verdict{Reason: NobodyConnected}
	}
	if misfit := fits(shape, len(members), limit); misfit != None {
		return Verdict{Reason: misfit, Tell: Tells(shape, misfit)}
	}
	if reason, missing := absent(members); reason != None {
		return Verdict{Reason: reason, Missing: missing, Tell: Tells(shape, reason)}
	}
	v := Verdict{Carried: true}
	for _, m := range members {
		v.Members = append(v.Members, m.Other)
		if m.Away {
			v.Away = append(v.Away, m.User)
		}
	}
	slices.Sort(v.Members)
	slices.Sort(v.Away)
	if len(slices.Compact(slices.Clone(v.Members))) < len(members) {
		return Verdict{Reason: Merged, Tell: Tells(shape, Merged)}
	}
	return v
}

// Tells reports whether the connected members of a conversation that is refused are told so, when they speak there. Not where an administrator
// has switched it off; and whoever talks to a bot, Causeway's among them, knows that it is one.
func Tells(shape bridge.Shape, r Reason) bool {
	switch r {
	case Off, DirectOff, GroupsOff, WithCauseway, NobodyConnected:
		return false
	case WithBot:
		return shape != bridge.Pair
	}
	return true
}

func has(members []Member, s Standing) bool {
	return slices.ContainsFunc(members, func(m Member) bool { return m.Standing == s })
}

// switched gives what the settings refuse.
func switched(shape bridge.Shape, s Settings) Reason {
	group := shape == bridge.Group || shape == bridge.Meeting
	switch {
	case !s.Enable:
		return Off
	case group && !s.GroupMessages:
		return GroupsOff
	case !group && !s.DirectMessages:
		return DirectOff
	}
	return None
}

// fits gives why a conversation of so many people has no counterpart.
func fits(shape bridge.Shape, people, limit int) Reason {
	switch {
	case shape == bridge.Meeting:
		return IsMeeting
	case shape == bridge.Group && limit > 0 && people > limit:
		return TooMany
	case shape == bridge.Group && people < smallestGroup, shape == bridge.Pair && people != 2, shape == bridge.Self && people != 1:
		return TooFew
	}
	return None
}

// absent gives the members who have no account on the other side, and the first reason of theirs in the order of this list.
func absent(members []Member) (Reason, []bridge.UserID) {
	reason := None
	for _, r := range []struct {
		Standing
		Reason
	}{{Bot, WithBot}, {External, WithExternal}, {Guest, WithGuest}, {Deactivated, WithDeactivated}, {Unknown, SomebodyMissing}} {
		if reason == None && has(members, r.Standing) {
			reason = r.Reason
		}
	}
	var missing []bridge.UserID
	for _, m := range members {
		if !m.Standing.there() {
			missing = append(missing, m.User)
		}
	}
	slices.Sort(missing)
	return reason, missing
}
