package msteams

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"causeway/bridge"
	"causeway/bridge/names"
)

// The relay account writes the name of an author from elsewhere above the text, and no author may look like a member of the channel who they are not.
const (
	// rosterFresh is how long the names of a channel's members are taken for the present ones. Then they are read again beside the posts, which
	// go on by the old ones meanwhile, unless these have not been asked for in rosterOld.
	rosterFresh = time.Hour
	rosterOld   = 24 * time.Hour
	// rosterAgain is after how long members are asked for again that could not be read.
	rosterAgain = 5 * time.Minute
	// rosterPatience is how long a post waits at most for the members of its channel.
	rosterPatience = 10 * time.Second
	// rostersDue is how many channels may wait to be read again; who finds no room there asks at the next post.
	rostersDue = 64
)

// roster is who is in a channel.
type roster struct {
	members []memberName
	// read is when that was so, zero: never; asked when it was asked for last.
	read, asked time.Time
}

// memberName is somebody's id, and the shape of their name. Both are hashes, as many channels have many members.
type memberName struct{ id, shape uint64 }

// rosters remembers who is in the channels in which the relay account writes.
type rosters struct {
	a     *account
	seed  maphash.Seed
	known *lru.Cache[bridge.ConversationID, roster]
	// due are channels whose members are to be read again.
	due chan bridge.ConversationID
	// running: somebody does that. Else posts wait for it.
	running atomic.Bool

	mu sync.Mutex
	// untold is the channel whose members could not be read, of which the operator has been told; empty: all can be.
	untold bridge.ConversationID
}

func newRosters(a *account) (*rosters, error) {
	known, err := lru.New[bridge.ConversationID, roster](namesKept)
	if err != nil {
		return nil, fmt.Errorf("preparing to remember members: %w", err)
	}
	return &rosters{a: a, seed: maphash.MakeSeed(), known: known, due: make(chan bridge.ConversationID, rostersDue)}, nil
}

func (r *rosters) member(id bridge.UserID, shape string) memberName {
	return memberName{maphash.String(r.seed, string(id)), maphash.String(r.seed, shape)}
}

// named gives a draft with the name under which its author is shown in the channel.
func (a *account) named(ctx context.Context, d bridge.Draft) bridge.Draft {
	if d.As != "" || d.Author.Name == "" || inChat(d.Conversation) {
		return d
	}
	if names.Mixed(d.Author.Name) || a.rosters.taken(ctx, d) {
		return apart(d)
	}
	return d
}

// apart gives a draft whose author nobody takes for a member of the channel.
func apart(d bridge.Draft) bridge.Draft {
	if d.As == "" && d.Author.Name != "" {
		d.Author.Name = names.Apart(d.Author, protocol, func(u bridge.UserID) bool { return guid.MatchString(string(u)) })
	}
	return d
}

// taken tells whether a member of the channel has the author's name who is not known to be the author. Where the members cannot be read, nobody has.
func (r *rosters) taken(ctx context.Context, d bridge.Draft) bool {
	shape := names.Shape(d.Author.Name)
	if shape == "" {
		return false
	}
	author := r.member(d.Same, shape)
	members := r.of(ctx, d.Conversation).members
	if slices.Contains(members, author) {
		return false // who vouches for whom has said that it is the same person
	}
	return slices.ContainsFunc(members, func(m memberName) bool { return m.shape == author.shape })
}

// of gives who is in a channel. Only the first post in a long time waits for that, where messages are read.
func (r *rosters) of(ctx context.Context, c bridge.ConversationID) roster {
	now := time.Now()
	known, ok := r.known.Get(c)
	switch {
	case ok && now.Sub(known.asked) < rosterAgain, ok && now.Sub(known.read) < rosterFresh:
		return known
	case ok && now.Sub(known.asked) < rosterOld && r.running.Load():
		select {
		case r.due <- c:
		default:
		}
		return known
	}
	limited, cancel := context.WithTimeout(ctx, rosterPatience)
	defer cancel()
	return r.read(limited, c)
}

// run reads the members of channels again that posts have found to be due, until ctx ends.
func (r *rosters) run(ctx context.Context) {
	r.running.Store(true)
	defer r.running.Store(false)
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-r.due:
			known, _ := r.known.Get(c)
			if now := time.Now(); now.Sub(known.asked) >= rosterAgain && now.Sub(known.read) >= rosterFresh {
				r.read(ctx, c)
			}
		}
	}
}

// read asks for the members of a channel. Where that fails, those that were known stay.
func (r *rosters) read(ctx context.Context, c bridge.ConversationID) roster {
	known, _ := r.known.Get(c)
	asked := time.Now()
	var members []memberName
	p, err := r.a.channelPlace(c)
	if err == nil {
		err = r.a.channelMembers(ctx, r.a.lanes, p, func(id bridge.UserID, name string) {
			members = append(members, r.member(id, names.Shape(name)))
		})
	}
	if errors.Is(err, context.Canceled) {
		return known
	}
	known.asked = asked
	if err == nil {
		known.members, known.read = members, asked
	}
	r.known.Add(c, known)
	r.tell(c, err)
	return known
}

// tell tells the operator when members cannot be read, once until it has ended.
func (r *rosters) tell(c bridge.ConversationID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.a.log.WithField("conversation", c.String())
	switch {
	case err != nil && r.untold == (bridge.ConversationID{}):
		r.untold = c
		log.WithError(err).Warn("The members of a channel cannot be read. Authors from elsewhere who are called like one of them are not told apart there, nor in other channels of which that is so.")
	case err == nil && r.untold == c:
		r.untold = bridge.ConversationID{}
		log.Info("The members of the channel can be read again.")
	}
}
