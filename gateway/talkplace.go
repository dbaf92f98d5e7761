package gateway

import (
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// talkPlace is what a place of the table has beside a channel's when it is a direct or group conversation. It is never changed.
type talkPlace struct {
	shape bridge.Shape
	// regroups: its people can change.
	regroups bool
	// periods are its people, in the order in which they changed; at least one.
	periods []store.Talk
	// pairs are by the conversation at the other end; half are those whose other end is still to be opened.
	pairs map[bridge.ConversationID]store.Pair
	half  []store.Pair
	first store.Pair // of all that it is part of
	// open counts the pairs that are.
	open int
	// accepted is since when messages that go to a conversation count by who is in it alone; those of the pairs count, too, since when they are switched on.
	accepted map[bridge.ConversationID]time.Time
	// begin is the earliest time from which on something counts.
	begin time.Time
	// readers are the members who are connected here, away those of them who want to be notified on the other side; everybody: all are connected, elsewhere too.
	readers, away []bridge.UserID
	everybody     bool
}

func (p *talkPlace) latest() *store.Talk { return &p.periods[len(p.periods)-1] }

// meant gives for whom what was said in a talk is, at this place that has the name c; none for channels.
func (p *place) meant(c, origin bridge.ConversationID) []bridge.UserID {
	if p.talk == nil {
		return nil
	}
	return p.talk.pairs[origin].Here(c).Members
}

// opening reports whether the other end for the people who are here now is still to be opened.
func (p *talkPlace) opening() bool {
	here := p.latest()
	return slices.ContainsFunc(p.half, func(pair store.Pair) bool {
		return pair.State == store.PairOpen && slices.Equal(pair.Here(here.Conversation).Members, here.Members)
	})
}

// takes reports whether what was said here at that time goes to another conversation: exactly those people must have been here who are there.
func (p *talkPlace) takes(target bridge.ConversationID, created time.Time) bool {
	pair, ok := p.pairs[target]
	switch {
	case !ok, created.Before(pair.Begins):
		return false
	case p.regroups:
		members, known := p.at(created)
		return known && slices.Equal(members, pair.Here(p.latest().Conversation).Members)
	case pair.State == store.PairMoved:
		return p.open == 0 // its author is told where the talk goes on
	}
	return pair.State == store.PairOpen
}

// at gives who was here at a time of the service's clock. At the very moment of a change it is the smaller of the two circles, so that nobody
// gets what was not meant for them.
func (p *talkPlace) at(at time.Time) (members []bridge.UserID, known bool) {
	if one := p.period(at); one != nil {
		return one.Members, true
	}
	return nil, false
}

// period is what at says, with all that is known of it; nil: nothing.
func (p *talkPlace) period(at time.Time) (during *store.Talk) {
	ms := at.Truncate(time.Millisecond)
	for i := range p.periods {
		one := &p.periods[i]
		if one.Since.After(ms) || during != nil && one.Since.Equal(ms) && len(during.Members) < len(one.Members) {
			break
		}
		during = one
	}
	return during
}

// unready reports whether something was said here at a time of which it is not known yet where it goes. Of the same people there may be two pairs, where
// the other side was met before this one's earlier people were: then it goes where it can.
func (p *talkPlace) unready(created time.Time) bool {
	during := p.period(created)
	if during == nil || during.Reason != 0 {
		return false
	}
	of := func(pair store.Pair) bool {
		return slices.Equal(pair.Here(p.latest().Conversation).Members, during.Members) && !created.Before(pair.Begins)
	}
	for _, pair := range p.pairs {
		if pair.State != store.PairResting && of(pair) {
			return false
		}
	}
	return slices.ContainsFunc(p.half, of)
}

// mayNot gives what becomes of a new post of a message in a talk, unless it may be made.
func (p planner) mayNot(w *store.Work, as bridge.UserID) (store.Step, bool) {
	origin := p.gateway.table.Load().at(w.Message.Origin)
	switch {
	case p.place.talk == nil:
		return store.Step{}, false
	case origin == nil || origin.talk == nil: // nobody knows who was there
		return store.Step{}, true
	}
	if w.Message.Body == nil || w.Message.Deleted { // it is a reply that says so
		return store.Step{}, !p.place.account.mayRelay()
	}
	pair := origin.talk.pairs[w.Conversation]
	fresh := unposted(w)
	switch {
	case fresh && w.Message.Created.Before(origin.talk.accepted[w.Conversation]): // what had been put when it was switched off waits until it is on again
		return deny(w, direct.Earlier), true
	case pair.State == store.PairMoved && p.place.talk.regroups && fresh:
		return deny(w, direct.Moved, p.goesOn(w)), true
	case pair.State == store.PairMoved && p.place.talk.regroups:
		return p.reactions(w), true
	case as != "":
		return store.Step{}, false
	case w.Message.Body.Event != "" && !p.place.account.mayRelay(): // nobody has said it, so nobody is told
		return deny(w, direct.NotAllowed), true
	case p.barred(w):
		return store.Step{Op: store.Hold, Denial: store.Denial{Reason: int(direct.NotAllowed), Tell: []store.Telling{p.notAllowed(w)}}}, true
	}
	author := direct.Matched
	if w.Lost {
		author = direct.Lost
	} else if !slices.Contains(origin.talk.latest().Members, w.Message.Body.Author.ID) {
		author = direct.Unknown
	}
	o := direct.Of(direct.Verdict{Carried: true, Away: origin.talk.away}, origin.talk.shape, author, p.place.account.speaksFor(), direct.New)
	switch {
	case o.Way == direct.ByBot:
		return store.Step{}, false
	case o.Way == direct.Held, o.Way == direct.Aside && len(p.place.talk.readers) == 0:
		return store.Step{Op: store.Hold}, true
	case o.Way == direct.Aside && fresh:
		return deny(w, direct.AuthorNotConnected, p.aside(w, origin, "")...), true
	case !fresh: // the rest of it, or a change, must do without
		return p.reactions(w), true
	}
	return deny(w, o.Reason, p.unconnected(w, origin, o)...), true
}

// barred reports whether the author has connected, and the service does not take from them what Causeway writes in their name, nor from Causeway itself.
func (p planner) barred(w *store.Work) bool {
	return !p.place.account.mayRelay() && w.Same != "" && !w.Lost && p.gateway.talks.connected(w.Conversation.Server, w.Same)
}

// unwanted gives what becomes of a message that may not be posted in a talk, before any file of it is carried. What was carried of it goes first.
func (p planner) unwanted(w *store.Work) (store.Step, bool) {
	if !unposted(w) {
		return store.Step{}, false
	}
	step, denied := p.mayNot(w, w.As)
	if denied && step.Op == store.Deny {
		if leftover := discard(w, nil); leftover.Op != store.Settled {
			return leftover, true
		}
	}
	return step, denied
}

// editedEarly is by how much a service may tell of an edit as earlier than it was: of Teams up to a quarter of a second was observed.
const editedEarly = time.Second

// saw reports whether all of these were here when somebody has changed a text; zero: nobody has.
func (p *talkPlace) saw(edited time.Time, all []bridge.UserID) bool {
	if edited.IsZero() || !p.regroups {
		return true
	}
	for _, at := range []time.Time{edited, edited.Add(editedEarly)} {
		members, known := p.at(at)
		if !known || slices.ContainsFunc(all, func(u bridge.UserID) bool { return !slices.Contains(members, u) }) {
			return false
		}
	}
	return true
}

// shows reports whether a message of a talk may be shown in another conversation: those who are there were here when it was said, and when its text
// was written that it has now.
func (p *talkPlace) shows(target bridge.ConversationID, s bridge.State) bool {
	return p.takes(target, s.Created) && p.saw(s.Edited, p.pairs[target].Here(s.Conversation).Members)
}

// parted reports whether a message was changed whose people have changed meanwhile: who has left, or has come, must not get to see the new text,
// whoever saw the old one; nor may who had left get to see a text that was changed without them, though they are back, or it was never here. Nor can be made sure
// what a post says where others are by now than those to whom it was said. What is deleted goes everywhere all the same.
func (p planner) parted(w *store.Work, origin *place) bool {
	if p.place.talk == nil || origin == nil || origin.talk == nil {
		return false
	}
	pair := origin.talk.pairs[w.Conversation]
	behind := slices.ContainsFunc(w.Parts, func(part store.Part) bool { return part.ID != "" && part.Version < w.Message.Version })
	return behind && pair.State == store.PairMoved || (behind || unposted(w)) && !origin.talk.saw(w.Message.Edited, pair.Here(w.Message.Origin).Members) ||
		unknown(w) && p.place.talk.regroups && !slices.Equal(p.place.talk.latest().Members, pair.Here(w.Conversation).Members)
}

// unknown reports whether it is not known what a post of the message says, as one that was found by its key.
func unknown(w *store.Work) bool {
	return slices.ContainsFunc(w.Parts, func(part store.Part) bool { return part.ID != "" && !part.Deleted && part.Hash == "" })
}

// apart is parted for the place where a message was said, and a text that its author has written at a copy.
func (p planner) apart(w *store.Work) bool {
	here, m := p.place.talk, w.Message
	at := m.Written
	if at.Channel == "" && len(p.place.targets) == 1 {
		at = p.place.targets[0]
	}
	pair, known := here.pairs[at]
	written := p.gateway.table.Load().at(at)
	if here.others(m.Created) || !known || !pair.State.Live() || written == nil || written.talk == nil {
		return true
	}
	return !written.talk.saw(m.Edited, pair.Here(at).Members)
}

// divided reports whether others are here than wherever somebody has set a reaction, or than those who did.
func (p planner) divided(w *store.Work, m store.Mark) bool {
	origin := p.gateway.table.Load().at(w.Message.Origin)
	if origin == nil || origin.talk == nil || w.IsOrigin && origin.talk.others(w.Message.Created) {
		return true
	}
	// A group whose people cannot change may have had several conversations at the other end, one after the other.
	moved := func(c bridge.ConversationID) bool {
		return c != w.Message.Origin && origin.talk.pairs[c].State == store.PairMoved
	}
	return moved(w.Conversation) || !slices.ContainsFunc(w.Reacted[m], func(at bridge.ConversationID) bool { return !moved(at) })
}

// others reports whether others see now what was said here at a time, or what was made of it elsewhere.
func (p *talkPlace) others(created time.Time) bool {
	if p.regroups {
		members, known := p.at(created)
		return !known || !slices.Equal(members, p.latest().Members)
	}
	return p.open == 0
}

// left leaves a message as it is, or out where it never was, and tells its author. What would be shown aside, those are shown all the same who saw it changed.
func (p planner) left(w *store.Work, origin *place) store.Step {
	if unposted(w) {
		if leftover := discard(w, nil); leftover.Op != store.Settled {
			return leftover
		}
		if step, _ := p.mayNot(w, w.As); slices.ContainsFunc(step.Denial.Tell, func(one store.Telling) bool { return one.Shows }) {
			return step
		}
		return deny(w, direct.ChangeStays, p.stays(w, origin)...)
	}
	step := p.reactions(w)
	if !w.Message.Edited.IsZero() {
		step.Denial.Tell = p.stays(w, origin)
	}
	return step
}

func deny(w *store.Work, r direct.Reason, tell ...store.Telling) store.Step {
	return store.Step{Op: store.Deny, Denial: store.Denial{Reason: int(r), Tell: tell}}
}

// unposted: nothing of the message is here.
func unposted(w *store.Work) bool {
	return w.Phase == store.Waiting && !slices.ContainsFunc(w.Parts, func(p store.Part) bool { return p.ID != "" })
}

// unrouted gives what becomes of a message that is not brought here any more. Of a talk, its author is told; where the talk is not known at present, as
// while it is switched off, it waits.
func (p planner) unrouted(w *store.Work) store.Step {
	origin := p.gateway.table.Load().at(w.Message.Origin)
	if origin == nil && p.place.talk != nil && unposted(w) && w.Message.Body != nil {
		return store.Step{Op: store.Hold}
	}
	if origin == nil || origin.talk == nil || !unposted(w) || w.Message.Body == nil {
		return store.Step{}
	}
	reason := direct.Reason(origin.talk.latest().Reason)
	if author := w.Message.Body.Author.ID; direct.Tells(origin.talk.shape, reason) && slices.Contains(origin.talk.readers, author) {
		return deny(w, reason, store.Telling{Conversation: w.Message.Origin, User: author, Reason: int(reason), Text: refusalText(p.place.account, reason, nil)})
	}
	return deny(w, reason)
}

// mayRelay reports whether the account itself may write in talks of which it is no member. Until it has connected that is not known: then
// nothing is written, and all is planned anew.
func (a *account) mayRelay() bool { return a.identity.Load() == nil || a.relays.Load() }

// speaksFor tells how the account shows what those say whom it cannot act as.
func (a *account) speaksFor() direct.Relay {
	switch {
	case a.mayRelay():
		return direct.InTalks
	case a.capabilities.RelayAside:
		return direct.BesideTalks
	}
	return direct.Nowhere
}
