package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
)

// Work is an instance that its conversation lacks something of, as the store knows it.
type Work struct {
	Instance     int64
	Conversation bridge.ConversationID
	// IsOrigin: it was said here; only reactions can be lacking.
	IsOrigin bool
	Phase    Phase
	Blanked  bool
	// Frozen: its posts cannot be edited any more. Told: it is an origin that cannot be deleted, and its author knows.
	Frozen, Told bool
	// Unrooted: it was posted without what it answers. Alone: nor can its parts stand in one thread.
	Unrooted, Alone bool
	// Thread is the post whose thread part 0 stands in; empty: it starts one.
	Thread bridge.MessageID
	Late   bool
	// Version of the message that the instance looks like.
	Version int64
	Parts   []Part
	Message Message
	// RootID is the first post of the message answered, in this conversation; empty: none, or not here.
	RootID bridge.MessageID
	// Above is what that was an answer to when it was said here: where only the first message of a thread can be answered, it is this one.
	Above bridge.MessageID
	// departed is how young what has left for here is, in milliseconds.
	departed int64
	// rank is its place in the lane.
	rank int64
	// orphans: there are own posts that the store did not know; this message may be theirs.
	orphans bool
	// buried counts the posts of it that were deleted and made anew, or not needed any more.
	buried int64
	// HasReplies: others have answered it here. Known for deleted messages only.
	HasReplies bool
	// As is the user of this server as whom the author's posts go out, at the origin the author; empty: Causeway cannot act as
	// them, so it is the relay.
	As bridge.UserID
	// Same is who the author is among the users of this server, where that is known, but Causeway cannot act as them; SameName what
	// they are called here, where their addresses have told it.
	Same     bridge.UserID
	SameName string
	// Called are the people whom the message mentions, by their ids at its origin, as far as it is known who they are here.
	Called map[string]Called
	// Links are the messages to which it leads by addresses of another server, as they are on this one.
	Links map[string]Linked
	// Lost: it could act as the author here, until their token was refused.
	Lost bool
	// Files are those of the message on their way here, and those that are here; known as far as they may matter.
	Files []File
	// Longing: somebody has reacted elsewhere who is lost here.
	Longing bool
	// Looked: the last step was Look.
	Looked bool
	// Wanted is what people elsewhere have set, Set what Causeway has set here, Begun what it may have set, Refused what it
	// could not set. Leaving it has begun to remove as people, Taken it has removed as people, and old states may still show it. Each is sorted.
	Wanted, Set, Begun, Refused, Leaving, Taken []Mark
	// Reacted are the conversations in which people have set each of what is wanted.
	Reacted map[Mark][]bridge.ConversationID
	// Unclear: a state shows what was removed, or lacks what was set; it may be an old one. LookAfter is when that was last changed.
	Unclear   bool
	LookAfter time.Time
}

// Message is what was said.
type Message struct {
	Origin   bridge.ConversationID
	OriginID bridge.MessageID
	// RootID is the origin's id of the message it answers; empty: none.
	RootID  bridge.MessageID
	Created time.Time
	// Edited is when its text was written that it has now, by the clock of the service where that was done; zero: when it was said.
	Edited time.Time
	// Written is the conversation of the copy at which its author has written that text; empty: it was at the origin. Known for an origin that
	// does not show it yet.
	Written bridge.ConversationID
	Version int64
	Deleted bool
	// Body is nil when all instances were settled.
	Body *Body
	// Quote is what to quote where the root is missing; nil: not fetched.
	Quote *Body

	id, origin int64
	root       sql.NullInt64
	reacted    bool
}

// Number is that of the message in this store: of its page on the dashboard, and in the log.
func (m *Message) Number() int64 { return m.id }

// Part is one post of an instance.
type Part struct {
	Number int
	// ID is empty while the post has not been made or its answer is unknown.
	ID      bridge.MessageID
	Hash    string
	Version int64
	Deleted bool
	// Leaving: Causeway has begun to delete it.
	Leaving bool
	// Writer is the user as whom it was written; empty: the relay. Only they can change it: Able tells whether Causeway can act as
	// them now.
	Writer bridge.UserID
	Able   bool

	// Revision is the newest seen.
	Revision int64

	key bridge.Key
}

// Next is what a lane does next.
type Next struct {
	Work *Work
	Step Step
	// Ahead are the posts that come after Step, in this order; see [Store.Advance].
	Ahead []Planned
	// Woken are other conversations that the last outcome has made lack something.
	Woken []bridge.ConversationID
}

// Advance stores how a lane's last steps ended, if there were any, and its next step, in one transaction.
// plan says what an instance lacks; it must not do I/O. A step Settled means that the conversation lacks nothing.
//
// Where the next steps are posts that do not depend on each other, up to most of them are stored as begun, so that those which are quickly made share a
// commit. They are made in their order, and none after one that was not done: of those that were not tried Absent is to be stored, and Unknown of one that was.
func (s *Store) Advance(ctx context.Context, c bridge.ConversationID, last []*Outcome, most int, plan func(*Work) Step) (Next, error) {
	if s.options.Turn != nil {
		s.options.Turn(ctx, c)
	}
	var next Next
	var at int64
	err := s.do(ctx, func(t *tx) error {
		next, at = Next{}, 0
		l := lane{tx: t, name: c, plan: plan, most: most, woken: map[int64]bool{}, at: &at}
		var err error
		if l.here, err = t.conversation(c); err != nil {
			return err
		}
		if err := t.delivers(l.here); err != nil {
			return err
		}
		if err := l.storeAll(last); err != nil {
			return fmt.Errorf("storing what happened in %s: %w", c, err)
		}
		if next.Work, next.Step, err = l.next(); err == nil {
			next.Ahead, err = l.ahead(next.Work, next.Step)
		}
		l.on(0)
		if err != nil {
			return fmt.Errorf("looking what %s lacks: %w", c, err)
		}
		if err := l.by(&next.Step); err != nil {
			return err
		}
		next.Woken, err = l.others()
		return err
	})
	var panicked *PanicError
	if errors.As(err, &panicked) {
		panicked.Instance = at
	}
	return next, err
}

// by fills in through which account a step is made.
func (l *lane) by(step *Step) error {
	as := cmp.Or(step.Writer(), step.Before)
	if as == "" {
		return nil
	}
	_, err := l.found("SELECT account FROM identities WHERE server = $1 AND uid = $2", []any{string(l.name.Server), string(as)}, (*string)(&step.Account))
	return err
}

// others gives the other conversations that now lack something.
func (l *lane) others() (all []bridge.ConversationID, err error) {
	for id := range l.woken {
		c, err := l.tx.name(id)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// lane is one call of Advance.
type lane struct {
	*tx
	name  bridge.ConversationID
	here  int64
	plan  func(*Work) Step
	woken map[int64]bool // other conversations that now lack something
	most  int            // how many posts are begun at once
	// certain: there is no intent, as the outcomes of the last ones have just been stored; unknown: not of all of them.
	certain, unknown bool
	// left is the creation time of the youngest message that has just left for here, by the conversation it is from.
	left map[bridge.ConversationID]int64
	// turn is the instance whose turn it is, and waiting those that follow it, as they were read together.
	turn    *Work
	waiting []*Work
	// looked is the instance that has just been looked at.
	looked int64
	// at, when not nil, is told which instance is worked on; 0: none.
	at *int64
}

func (l *lane) on(instance int64) {
	if l.at != nil {
		*l.at = instance
	}
}

func (l *lane) worksOn(w *Work) {
	l.on(w.Instance)
	if l.trip != nil {
		l.trip(w.Message.OriginID, false)
	}
}

func (l *lane) next() (*Work, Step, error) {
	if !l.certain || l.unknown {
		if w, step, err := l.uncertain(); w != nil || err != nil {
			return w, step, err
		}
	}
	for {
		l.on(0)
		w, err := l.first()
		if err != nil {
			return nil, Step{}, err
		}
		if w == nil {
			step, err := l.errand()
			return &Work{Conversation: l.name}, step, err
		}
		planned, step, err := l.lacks(w)
		if err != nil || step.Op != Settled {
			return planned, step, err
		}
		if planned != w { // its root went first, or it was read again
			l.waiting = nil
		}
	}
}

// lacks plans one instance, or first the root that it answers, and settles it when there is nothing to do.
func (l *lane) lacks(w *Work) (*Work, Step, error) {
	l.worksOn(w)
	if tried, err := l.wasTried(w); err != nil {
		return nil, Step{}, err
	} else if tried {
		l.certain = false
		return l.uncertain()
	}
	if err := l.living(w); err != nil {
		return nil, Step{}, err
	}
	if root, err := l.waitingRoot(w); err != nil || root != nil {
		if err != nil {
			return nil, Step{}, err
		}
		return l.lacks(root)
	}
	if w.Phase == Gone && !w.Message.Deleted {
		if err := l.again(w); err != nil {
			return nil, Step{}, err
		}
	}
	w.Looked = w.Instance == l.looked
	for {
		step := l.plan(w)
		if err := l.tellOf(w, step.Denial.Tell); err != nil {
			return nil, Step{}, err
		}
		switch step.Op {
		case Settled:
			return w, step, l.settle(w, step.Await)
		case Stay:
			if err := l.stay(w); err != nil {
				return nil, Step{}, err
			}
		case Deny:
			return w, Step{}, l.deny(w)
		case Hold:
			return w, Step{}, l.hold(w)
		case Leave:
			if err := l.leave(w, step.File); err != nil {
				return nil, Step{}, err
			}
			if w, err := l.load(w.Instance); err != nil || w == nil {
				return nil, Step{}, err
			} else {
				return l.lacks(w)
			}
		case Refuse:
			return w, Step{}, l.quarantine(&Outcome{Work: w, Reason: step.Reason, Told: step.Told})
		case Post:
			look, err := l.mayBeThere(w, step)
			if err != nil {
				return w, step, err
			}
			adopted, err := l.intend(w, &step)
			if err == nil && !adopted && look {
				return l.lookFirst(w, step)
			}
			if err != nil || !adopted {
				return w, step, err
			}
			if w, err = l.load(w.Instance); err != nil {
				return nil, Step{}, err
			}
		default:
			err := l.begin(w, &step)
			return w, step, err
		}
	}
}

// begin stores that step is about to be made, so that its outcome is never taken for granted: after a crash, or when the
// message has changed again before a second attempt.
func (l *lane) begin(w *Work, step *Step) error {
	switch step.Op {
	case Edit, Blank:
		step.Draft.Key = l.key(w, step.Part)
		if step.Draft.As != "" && step.Seen {
			if err := l.remembers(w, step); err != nil {
				return err
			}
			return l.exec(`UPDATE parts SET hash = '', shown = CASE WHEN sent <> $1 THEN '' WHEN doubt <> '' THEN doubt ELSE shown END, doubt = '', sent = $1, rewritten = 1, written = 0
				WHERE instance = $2 AND number = $3`, step.Draft.Text.Hash(), w.Instance, step.Part)
		}
		return l.exec("UPDATE parts SET hash = '', sent = '' WHERE instance = $1 AND number = $2", w.Instance, step.Part)
	case Delete:
		return l.exec("UPDATE parts SET leaving = 1 WHERE instance = $1 AND number = $2", w.Instance, step.Part)
	case React, Unreact: // removed perhaps, and then wanted again: it must not pass for set
		state := reactionBegun
		if step.Op == Unreact {
			state = reactionLeaving
		}
		return l.exec(`INSERT INTO own_reactions (instance, emoji, writer, state) VALUES ($1, $2, $3, $4)
			ON CONFLICT (instance, emoji, writer) DO UPDATE SET state = excluded.state`, w.Instance, step.Emoji, string(step.As), state)
	}
	return nil
}

// living buries the later parts that Causeway has deleted because the text became shorter.
func (l *lane) living(w *Work) error {
	for i := len(w.Parts) - 1; i > 0; i-- {
		if part := w.Parts[i]; part.Deleted && part.Leaving {
			if err := l.bury(w.Instance, int64(part.Number)); err != nil {
				return err
			}
			w.Parts = slices.Delete(w.Parts, i, i+1)
			w.buried++
		}
	}
	return nil
}

// waitingRoot gives the instance here of the message that w answers, if it is still to be posted.
func (l *lane) waitingRoot(w *Work) (*Work, error) {
	if !w.Message.root.Valid || w.Phase != Waiting || w.RootID != "" {
		return nil, nil
	}
	var root int64
	found, err := l.found("SELECT id FROM instances WHERE message = $1 AND conversation = $2 AND phase = 0 AND rank IS NOT NULL AND id <> $3",
		[]any{w.Message.root.Int64, l.here, w.Instance}, &root)
	if err != nil || !found {
		return nil, err
	}
	return l.load(root)
}

// again prepares an instance that was deleted, and whose message was restored, to be posted anew.
func (l *lane) again(w *Work) error {
	for _, part := range w.Parts {
		if err := l.bury(w.Instance, int64(part.Number)); err != nil {
			return err
		}
		w.buried++
	}
	w.Phase, w.Parts, w.Version, w.Blanked, w.Frozen, w.Unrooted, w.Alone, w.Thread = Waiting, nil, 0, false, false, false, false, ""
	if err := l.exec("UPDATE files SET state = 3 WHERE instance = $1", w.Instance); err != nil {
		return err
	}
	for i := range w.Files { // they went with the posts that showed them
		w.Files[i].State = FileLeaving
	}
	if err := l.exec("DELETE FROM own_reactions WHERE instance = $1", w.Instance); err != nil {
		return err
	}
	if err := l.exec("DELETE FROM reactions WHERE instance = $1", w.Instance); err != nil {
		return err
	}
	if err := l.marks(l.woken, markReacted, time.Now().UnixMilli(), w.Message.id, w.Instance); err != nil {
		return err
	}
	w.Set, w.Begun, w.Refused, w.Leaving, w.Taken, w.Unclear = nil, nil, nil, nil, nil, false
	w.Late = w.Message.Created.UnixMilli() < w.departed
	return l.exec("UPDATE instances SET phase = $1, version = 0, blanked = 0, frozen = 0, unrooted = 0, thread = '', late = 0 WHERE id = $2", int(Waiting), w.Instance)
}

// bury takes a post out of its instance. It stays known: its deletion may be seen yet, or a second copy turn up.
func (t *tx) bury(instance, number int64) error {
	return t.exec("UPDATE parts SET intent = NULL, number = (SELECT MIN(CASE WHEN number < 0 THEN number ELSE 0 END) - 1 FROM parts WHERE instance = $1) WHERE instance = $1 AND number = $2", instance, number)
}

// settle notes that an instance lacks nothing, and forgets the text when no other instance needs it. With await it lacks something that waits for people.
func (l *lane) settle(w *Work, await bool) error {
	phase, gone := w.Phase, w.Message.Deleted && !w.IsOrigin
	if gone {
		shown, err := l.retract(w.Instance)
		if err != nil {
			return err
		}
		gone = shown || phase != Removed && !w.Blanked && !w.standing()
	}
	if gone {
		phase = Gone
	} else if phase == Waiting {
		phase = Live
	}
	if err := l.exec("UPDATE instances SET rank = NULL, held = $4, version = $1, phase = $2 WHERE id = $3", w.Message.Version, int(phase), w.Instance, await && phase == Live); err != nil {
		return err
	}
	if w.Message.Body == nil && w.Message.Quote == nil {
		return nil
	}
	return l.forgetText(w.Message.id)
}

// standing: its first post is there although the message was deleted, because its writer cannot be acted as. Should the message be
// restored, that post is still its copy.
func (w *Work) standing() bool {
	return len(w.Parts) > 0 && w.Parts[0].Number == 0 && w.Parts[0].ID != "" && !w.Parts[0].Deleted
}

// forgetText forgets the text of a message when no instance needs it any more. The origin does where it does not show it yet, and a post
// that was edited as a person until that has been seen; see written.
func (t *tx) forgetText(message int64) error {
	return t.exec(`UPDATE messages SET body = NULL, quote = '' WHERE id = $1 AND NOT EXISTS (
		SELECT 1 FROM instances i WHERE i.message = $1 AND (i.reason IS NOT NULL OR i.held = 1 AND i.origin = 0 AND (i.phase = 0 OR i.version < messages.version) OR i.rank IS NOT NULL AND (i.origin = 0
			OR EXISTS (SELECT 1 FROM parts p WHERE p.instance = i.id AND p.number = 0 AND p.version < messages.version))
			OR EXISTS (SELECT 1 FROM parts p WHERE p.instance = i.id AND p.number >= 0 AND p.deleted = 0 AND p.sent <> '' AND p.rewritten = 1 AND p.shown = '' AND p.hash <> '')))`, message)
}
