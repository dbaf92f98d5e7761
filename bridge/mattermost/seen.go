package mattermost

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// revisionsPerMilli is the room that a revision has for changes which leave update_at as it was: two
// reactions in one millisecond, or a row committed late with an earlier time.
const revisionsPerMilli = 16

// seen is what was put last of a post.
type seen struct {
	revision int64
	print    uint64
	edited   int64
}

// seenPosts remembers what was put, so that nothing is put again that has not changed, and revisions grow. Losing it does no
// harm. Entries of one post are only touched by its channel's goroutine.
type seenPosts struct {
	posts *lru.Cache[string, seen]
}

func newSeenPosts(size int) *seenPosts {
	posts, err := lru.New[string, seen](size)
	if err != nil {
		panic(err) // size is a positive constant
	}
	return &seenPosts{posts: posts}
}

// origin says where a post comes from.
type origin uint8

const (
	// fromEvent: pushed; it may be older than what was read meanwhile.
	fromEvent origin = iota
	// fromRead: the answer to a request made after everything put before.
	fromRead
)

// batch collects the states to put in one transaction.
type batch struct {
	states []bridge.State
	// noted is what to remember when they are on disk.
	noted map[string]seen
	// doubtful are posts whose event does not tell whether it is newer than what was put.
	doubtful map[string]bool
	// updated is the highest update_at of all posts, put or not.
	updated int64
	writers map[string]person
	named   handles
	// events are told, too, other than those about me.
	events []bridge.Event
	me     string
	config serverConfig
}

// newBatch prepares for the states of posts; it asks who wrote them, who is named in them, and for files that the server did not describe. Of those that nobody has
// said, only these events are told.
func (a *account) newBatch(ctx context.Context, posts []*model.Post, events []bridge.Event) (*batch, error) {
	writers, err := a.meet(ctx, posts, events)
	if err != nil {
		return nil, err
	}
	named, err := a.namedIn(ctx, posts)
	if err != nil {
		return nil, err
	}
	if err := a.describeFiles(ctx, posts); err != nil {
		return nil, err
	}
	me, config, err := a.self()
	if err != nil {
		return nil, err
	}
	return &batch{noted: map[string]seen{}, doubtful: map[string]bool{}, writers: writers, named: named, events: events, me: me.Id, config: config}, nil
}

// add takes a post into the batch unless what it shows was put already.
func (a *account) add(b *batch, p *model.Post, from origin) {
	b.updated = max(b.updated, p.UpdateAt)
	state, ok := b.state(p)
	if !ok {
		return
	}
	now := seen{revision: state.Revision, print: fingerprint(state), edited: p.EditAt}
	before, known := b.noted[p.Id]
	if !known {
		before, known = a.posts.posts.Get(p.Id)
	}
	if known {
		switch {
		case now.print == before.print:
			return
		case from == fromRead:
			now.revision = max(now.revision, before.revision+1)
		case state.Deleted:
			now.revision = max(now.revision, before.revision)
		case now.revision < before.revision && now.edited <= before.edited:
			return // an event from before what was read
		case now.revision <= before.revision:
			b.doubtful[p.Id] = true
			return
		}
	}
	state.Revision = now.revision
	b.noted[p.Id] = now
	b.states = append(b.states, state)
}

// state shows a post as a state; false where it is none.
func (b *batch) state(p *model.Post) (bridge.State, bool) {
	if carried(p) {
		return stateOf(p, b.writers[p.UserId], b.named, b.config), true
	}
	e := tellsOf(p)
	if !slices.Contains(b.events, e) || p.UserId == b.me || subject(p) == b.me {
		return bridge.State{}, false
	}
	return happened(p, e, b.writers, b.config), true
}

// remember notes what is on disk now.
func (s *seenPosts) remember(states []bridge.State, noted map[string]seen) {
	for _, state := range states {
		s.posts.Add(string(state.ID), noted[string(state.ID)])
	}
}

// fingerprint tells states of one post apart by what they show. A deleted post shows nothing.
func fingerprint(s bridge.State) uint64 {
	h := fnv.New64a()
	shown := struct {
		Deleted   bool
		Edited    int64
		Text      any
		Files     []bridge.File
		Reactions []bridge.Reaction
	}{Deleted: s.Deleted}
	if !s.Deleted {
		shown.Edited, shown.Text, shown.Files, shown.Reactions = s.Edited.UnixNano(), s.Text, s.Files, s.Reactions
	}
	_ = json.NewEncoder(h).Encode(shown) // plain values into a hash: neither can fail
	return h.Sum64()
}
