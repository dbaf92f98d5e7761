package people

import (
	"causeway/bridge"
	"causeway/gateway/store"
)

// truth is an answer that may have to wait.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

// kind is what sort of conversation something is.
type kind uint8

const (
	inChannel kind = iota
	inDirect
	inGroup
)

// mirror is a conversation at home and one to which it is carried.
type mirror struct {
	kind       kind
	home, away bridge.ConversationID
	// near reads home, far writes away; they can be asked who is there.
	near, far bridge.AccountName
	// everybody who is in a direct or group conversation is connected.
	everybody truth
}

// circumstances are what decides whether a conversation is to be muted at home for somebody.
type circumstances struct {
	// elsewhere: they prefer another account, and are connected on both.
	elsewhere bool
	// bridged: a gateway carries it to the service that they prefer.
	bridged truth
	// member: they are in it, at both ends.
	member truth
	// everybody: all who are in the direct or group conversation are connected, so that all of it is carried; of channels it always is.
	everybody truth
	// arrives: what is said there arrives. Unknown for a while after that has ended, so that nothing flaps.
	arrives truth
}

// wish is what should be of a conversation at home. Of several, by several ways, the greatest counts.
type wish uint8

const (
	// wishNone: it does not reach the person elsewhere. Their own setting is put back, and forgotten.
	wishNone wish = iota
	// wishRest: it reaches them elsewhere, but nothing arrives at present. Their own setting is put back, and what they have changed by
	// hand is remembered.
	wishRest
	// wishAsIs: something is not known. Nothing is changed.
	wishAsIs
	// wishMuted: it reaches them elsewhere.
	wishMuted
)

var wishNames = [...]string{"untouched", "resting", "as it is", "muted"}

// String gives the wish's name in tests.
func (w wish) String() string { return wishNames[w] }

func (c circumstances) wish() wish {
	switch {
	case !c.elsewhere, c.bridged == no, c.member == no:
		return wishNone
	case c.arrives == no, c.everybody == no: // also where nobody can say who is a member, since the service is down
		return wishRest
	case c.bridged == unknown, c.member == unknown, c.everybody == unknown, c.arrives == unknown:
		return wishAsIs
	}
	return wishMuted
}

// move is the next step towards a wish.
type move uint8

const (
	// toStay: there is nothing to do.
	toStay move = iota
	// toLook at the present setting, then decide.
	toLook
	// toMute it; the present setting is the one to put back.
	toMute
	// toRestore the setting that was found before.
	toRestore
	// toKeep that Causeway has muted it.
	toKeep
	// toLeave it to the person from now on.
	toLeave
	// toDrop all that is known of it.
	toDrop
)

// nextMove decides. was is what is stored, nil for nothing; setting is the present one, nil before looking; word is the one of a
// muted conversation.
func nextMove(was *store.Mute, w wish, word string, setting *string) move {
	switch {
	case w == wishAsIs, was == nil && w != wishMuted, was != nil && was.State == store.Muted && w == wishMuted:
		return toStay
	case was != nil && was.State == store.LeftAlone && w == wishNone:
		return toDrop
	case was != nil && was.State == store.LeftAlone:
		return toStay
	case setting == nil:
		return toLook
	}
	silent := *setting == word
	changed := was != nil && *setting != was.Before
	switch {
	case w == wishMuted && silent && was == nil: // by the person
		return toLeave
	case w == wishMuted && silent:
		return toKeep
	case w == wishMuted && was != nil && was.State == store.Unmuting && changed:
		return toLeave
	case w == wishMuted:
		return toMute
	case silent:
		return toRestore
	case w == wishRest && (was.State == store.Muted || was.State == store.Unmuting && changed): // the person has unmuted it
		return toLeave
	}
	return toDrop
}
