package msteams

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

// Who is in a group can change, and nobody may get to see what was said when they were not in it. Pushes come in no order, so a push of a group is
// only a sign to look: the group is read in order, with Teams' own notices of who has come, gone or renamed it between what people said, and the inbox
// meets it as it was after each of them before it gets what was said next.

// errGroupChanged: who is in a group has changed while it was read. It is read again at once.
var errGroupChanged = errors.New("reading a group chat: its members have changed meanwhile")

// change is a notice of Teams that somebody has come or gone, or of another topic.
type change struct {
	at         time.Time
	came, left []bridge.UserID
}

// changeOf reads a notice; nil when it is none of these.
func changeOf(m models.ChatMessageable) *change {
	c := change{at: created(m)}
	ids := func(list []models.TeamworkUserIdentityable) (all []bridge.UserID) {
		for _, u := range list {
			all = append(all, bridge.UserID(strings.ToLower(value(u.GetId()))))
		}
		return all
	}
	switch e := m.GetEventDetail().(type) { // the SDK's interfaces do not tell these apart
	case *models.MembersAddedEventMessageDetail:
		c.came = ids(e.GetMembers())
	case *models.MembersJoinedEventMessageDetail:
		c.came = ids(e.GetMembers())
	case *models.MembersDeletedEventMessageDetail:
		c.left = ids(e.GetMembers())
	case *models.MembersLeftEventMessageDetail:
		c.left = ids(e.GetMembers())
	case *models.ChatRenamedEventMessageDetail:
		// the topic that it has now is in the chat itself
	default:
		return nil
	}
	return &c
}

// without gives who was in a group before a change; false when that cannot be, as it is not the last one.
func (c *change) without(members []bridge.UserID) ([]bridge.UserID, bool) {
	var before []bridge.UserID
	for _, u := range members {
		if !slices.Contains(c.came, u) {
			before = append(before, u)
		}
	}
	for _, u := range c.left {
		if slices.Contains(members, u) {
			return nil, false
		}
		before = append(before, u)
	}
	for _, u := range c.came {
		if !slices.Contains(members, u) {
			return nil, false
		}
	}
	slices.Sort(before)
	return before, true
}

// step is a group from a time on.
type step struct {
	change  *change
	members []bridge.UserID
}

// history gives the changes after a time among what was read, oldest first, each with who was in the group after it, and who was in it before the
// first; false when that does not fit together with who is in it now.
func history(news []models.ChatMessageable, after time.Time, now []bridge.UserID) (before []bridge.UserID, steps []step, ok bool) {
	members := slices.Sorted(slices.Values(now))
	for _, m := range slices.Backward(news) {
		c := changeOf(m)
		if c == nil || !c.at.After(after) {
			continue
		}
		steps = append(steps, step{c, members})
		if members, ok = c.without(members); !ok {
			return nil, nil, false
		}
	}
	slices.Reverse(steps)
	return members, steps, true
}

// untilMet finds the last of some steps after which the group was as it has been met; -1 when there is none.
func untilMet(steps []step, met metGroup) int {
	for i, s := range slices.Backward(steps) {
		if slices.Equal(s.members, met.members) {
			return i
		}
	}
	return -1
}

// finishGroup is finish for a group: news is what was found, oldest first.
func (r *reader) finishGroup(ctx context.Context, w *watched, p *pass, news []models.ChatMessageable) error {
	if len(news) == 0 {
		return r.put(ctx, w, nil, max(w.cursor, p.highest))
	}
	now, err := r.a.chat(ctx, r.a.app, w.place.chat)
	if err != nil {
		return err
	}
	if now.Updated.After(p.at) && w.puzzles < mostPuzzles { // what has changed may not be among what was read; Graph's times are told to the second
		w.puzzles++
		return errGroupChanged
	}
	before, steps, ok := history(news, later(time.UnixMilli(w.cursor), birth(now, news)), now.people())
	met, known := r.talks.met(w.id)
	said := news
	if ok && known && !slices.Equal(before, met.members) {
		switch i := untilMet(steps, met); {
		case i >= 0: // it was met only after that, and what was said before does not count
			said = counted(news, w.cursor, steps[i].change.at)
			before, steps = met.members, steps[i+1:]
		case len(steps) == 0: // a change of which there is no notice: it has been so since the chat says that it changed last
			before, steps = met.members, []step{{&change{at: now.Updated.Time}, before}}
		default:
			ok = false
		}
	}
	if !ok {
		if w.puzzles++; w.puzzles < mostPuzzles {
			return errGroupChanged
		}
		r.a.log.WithField("conversation", w.id.String()).Warn("It cannot be told who was in a group when; only what was said since its members changed last is carried.")
		said, steps = counted(news, w.cursor, now.Updated.Time), []step{{&change{at: now.Updated.Time}, slices.Sorted(slices.Values(now.people()))}}
		if before = met.members; !known {
			before, steps = steps[0].members, nil
		}
	}
	w.puzzles = 0
	if left, err := r.tellGroup(ctx, w, said, now, before, steps); err != nil {
		return err
	} else if left {
		r.a.log.WithField("conversation", w.id.String()).Debug("A group is not carried any more.")
	}
	if err := r.put(ctx, w, nil, max(w.cursor, p.highest)); err != nil {
		return err
	}
	for _, m := range news {
		w.note(m)
	}
	return nil
}

// counted gives what was made at a time or later, and what had been put before the cursor and has changed.
func counted(news []models.ChatMessageable, cursor int64, at time.Time) (said []models.ChatMessageable) {
	for _, m := range news {
		if made := created(m); !made.Before(at) || made.UnixMilli() <= cursor {
			said = append(said, m)
		}
	}
	return said
}

// mostPuzzles is how often a group is read again in which it does not fit together who is in it and who has come and gone.
const mostPuzzles = 3

// tellGroup has the inbox meet the group as it was, and puts what was said in between. It tells whether the group has turned out not to be carried any
// more: what was said there after that is nobody's business.
func (r *reader) tellGroup(ctx context.Context, w *watched, said []models.ChatMessageable, now chat, before []bridge.UserID, steps []step) (left bool, err error) {
	talk := r.a.talk(now)
	talk.Speakers = nil
	changed := talk.Since
	meet := func(members []bridge.UserID, since time.Time) (left bool, err error) {
		talk.Members, talk.Since = members, since
		interest, err := r.talks.meetNow(ctx, talk)
		return interest != bridge.Carried, err
	}
	if met, known := r.talks.met(w.id); !known || len(steps) == 0 && now.Topic != met.topic {
		if len(steps) > 0 {
			changed = time.Time{} // not known: before what was read
		}
		if left, err = meet(before, changed); left || err != nil {
			return left, err
		}
	}
	tellings := turns(said, before, steps)
	for i, s := range steps {
		if err = r.putSaid(ctx, w, tellings[i]); err != nil {
			return false, err
		}
		var until time.Time
		if i+1 < len(steps) {
			until = steps[i+1].change.at
		}
		talk.Speakers = speakers(said, s.change.at, until) // where it is not carried any more, they are told
		if left, err = meet(s.members, s.change.at); left || err != nil {
			return left, err
		}
	}
	return false, r.putSaid(ctx, w, tellings[len(steps)])
}

// telling is a message to be put; with a time, as it was before that.
type telling struct {
	models.ChatMessageable
	before time.Time
}

// editedEarly is by how much lastEditedDateTime may lie before the edit: 0.1 to 0.25 s before lastModifiedDateTime was observed.
const editedEarly = time.Second

// turns gives what is to be put before each of some steps, and after the last. A message has its turn when it was said. Where somebody has left before it was
// changed, it is put then as it was, unless its text has become another one, and as it is now after those are met who were there: whoever has left must not
// get to see what was made of it without them.
func turns(said []models.ChatMessageable, before []bridge.UserID, steps []step) [][]telling {
	until := func(at time.Time) int {
		i := slices.IndexFunc(steps, func(s step) bool { return at.Before(s.change.at) })
		if i < 0 {
			return len(steps)
		}
		return i
	}
	all := make([][]telling, len(steps)+1)
	for _, m := range said {
		turn, again := until(created(m)), until(modified(m))
		left := leaving(before, steps, turn, again)
		if left < 0 || versionOf(m).deleted {
			all[turn] = append(all[turn], telling{ChatMessageable: m})
			continue
		}
		if at := steps[left].change.at; value(m.GetLastEditedDateTime()).Add(editedEarly).Before(at) {
			all[turn] = append(all[turn], telling{m, at})
		}
		all[again] = append(all[again], telling{ChatMessageable: m})
	}
	return all
}

// leaving gives the first of the steps between two at which somebody has left; -1: none.
func leaving(before []bridge.UserID, steps []step, from, to int) int {
	if from > 0 {
		before = steps[from-1].members
	}
	for i := from; i < to; i++ {
		if slices.ContainsFunc(before, func(u bridge.UserID) bool { return !slices.Contains(steps[i].members, u) }) {
			return i
		}
		before = steps[i].members
	}
	return -1
}

// as makes a state what it was before a time: without the reactions since, each of which tells when it was set.
func (t telling) as(s bridge.State) bridge.State {
	if t.before.IsZero() {
		return s
	}
	changed := later(s.Created, s.Edited)
	var kept []models.ChatMessageReactionable
	for _, one := range t.GetReactions() {
		if at := value(one.GetCreatedDateTime()); !at.IsZero() && at.Before(t.before) {
			kept, changed = append(kept, one), later(changed, at)
		}
	}
	s.Reactions, s.Revision = reactions(kept), min(changed.UnixMilli(), s.Revision-1)
	return s
}

// putSaid puts messages, and does not move the cursor.
func (r *reader) putSaid(ctx context.Context, w *watched, said []telling) error {
	var states []bridge.State
	for _, one := range said {
		if s, ok := r.a.state(ctx, w.id, one.ChatMessageable); ok {
			states = append(states, one.as(s))
		}
	}
	if err := ctx.Err(); err != nil {
		return err // names may be missing
	}
	return r.put(ctx, w, states, w.cursor)
}
