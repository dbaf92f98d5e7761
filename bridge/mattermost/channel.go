package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mutant"
)

// event is what the websocket said about a channel; body is the JSON of a post or reaction.
type event struct {
	kind model.WebsocketEventType
	body string
}

// manyReads: from here on one reading of the channel is cheaper than reading posts one by one.
const manyReads = 5

// depth says how a channel must be read; a greater one includes the others.
type depth uint8

const (
	// fromCursor: from the cursor on.
	fromCursor depth = iota
	// toBeSure: also what was pushed since the last reading.
	toBeSure
	// asNew: also, first, whether the bot may; and the cursor anew, as another account may have read meanwhile.
	asNew
)

// channel is a watched channel. Its goroutine runs only while there is something to do.
type channel struct {
	feed *feed
	conv bridge.ConversationID
	id   string
	wake chan struct{}
	// talk: it is a direct or group conversation of others, read by the right of its people.
	talk atomic.Bool

	mu    sync.Mutex
	queue []event
	// behind: it must be read from the cursor before its events count.
	behind  bool
	how     depth
	wanted  bool
	running bool

	// The following belong to the goroutine.

	// cursor in milliseconds, 0 when there is none yet; valid once loaded.
	cursor   int64
	loaded   bool
	failures int
	troubled bool
}

func newChannel(f *feed, c bridge.ConversationID) *channel {
	return &channel{feed: f, conv: c, id: string(c.Channel), wake: make(chan struct{}, 1)}
}

// watched says whether the inbox wants the channel; it returns true when that is new.
func (c *channel) watched(on bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	begins := on && !c.wanted
	c.wanted = on
	if begins {
		c.behind, c.how = true, asNew
	}
	if !on {
		c.drop()
	}
	return begins
}

func (c *channel) isWatched() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted
}

// drop forgets the queue. The caller holds c.mu.
func (c *channel) drop() {
	c.feed.queued.Add(int64(-len(c.queue)))
	c.queue = nil
}

func (c *channel) fallBehind(ctx context.Context, how depth) {
	c.mu.Lock()
	c.behind = true
	c.how = max(c.how, how)
	c.mu.Unlock()
	c.wakeUp(ctx)
}

func (c *channel) enqueue(ctx context.Context, e event) {
	c.mu.Lock()
	if !c.wanted {
		c.mu.Unlock()
		return
	}
	c.queue = append(c.queue, e)
	if total := c.feed.queued.Add(1); len(c.queue) > queueLength || total > queueTotal {
		c.drop()
		c.behind = true
	}
	idle := !c.running
	c.mu.Unlock()
	if idle {
		c.wakeUp(ctx)
	}
}

// wakeUp starts the channel's goroutine, or ends its pause.
func (c *channel) wakeUp(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running {
		select {
		case c.wake <- struct{}{}:
		default:
		}
		return
	}
	c.running = true
	c.feed.group.Go(func() error { return c.work(ctx) })
}

// work does what there is to do. It returns an error only when it holds for the whole account.
func (c *channel) work(ctx context.Context) error {
	for {
		todo, behind, how, more := c.take(ctx)
		if !more {
			return nil
		}
		err := c.handle(ctx, todo, behind, how)
		c.feed.queued.Add(int64(-len(todo)))
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			c.stop()
			return nil
		}
		if bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeAccount {
			c.stop()
			return err
		}
		c.again(todo, how)
		c.failed(err)
		if c.pause(ctx, err) != nil {
			c.stop()
			return nil
		}
	}
}

func (c *channel) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = false
}

// take gives the next piece of work; more is false when the goroutine is to end.
func (c *channel) take(ctx context.Context) (todo []event, behind bool, how depth, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil || !c.wanted || !c.behind && len(c.queue) == 0 {
		c.running = false
		return nil, false, fromCursor, false
	}
	todo, behind, how = c.queue, c.behind, c.how
	c.queue, c.behind, c.how = nil, false, fromCursor
	return todo, behind, how, true
}

// again puts back what failed: first read from the cursor, then go on with the events.
func (c *channel) again(todo []event, how depth) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behind = true
	c.how = max(c.how, how)
	if len(todo)+len(c.queue) <= queueLength {
		c.queue = append(todo, c.queue...)
		c.feed.queued.Add(int64(len(todo)))
	}
}

// storeError marks a failure of the inbox, which says nothing about the conversation.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// failed reports trouble with the conversation. Kinds that pass by themselves count only when they last.
func (c *channel) failed(err error) {
	c.failures++
	log := c.feed.account.log.WithError(err).WithField("conversation", c.conv.String())
	var store storeError
	switch kind := bridge.KindOf(err); {
	case errors.As(err, &store):
		if c.failures == 1 {
			log.Warn("nothing could be stored; what was said is read again")
		}
	case kind == bridge.Throttled:
		c.feed.pause(bridge.AfterOf(err))
		log.Debug("throttled")
	case kind == bridge.Transient && c.failures < 3:
		log.Debug("reading failed")
	case !c.troubled:
		c.troubled = true
		c.feed.inbox.Trouble(c.conv, err)
	}
}

func (c *channel) recovered() {
	c.failures = 0
	if c.troubled {
		c.troubled = false
		c.feed.inbox.Trouble(c.conv, nil)
	}
}

// pause waits after a failure; news about the channel end it.
func (c *channel) pause(ctx context.Context, err error) error {
	d := max(c.feed.account.backoff(c.failures), bridge.AfterOf(err))
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		case <-c.wake:
			if bridge.KindOf(err) != bridge.Throttled {
				return nil
			}
		}
	}
}

func (c *channel) handle(ctx context.Context, todo []event, behind bool, how depth) error {
	if behind {
		if err := c.catchUp(ctx, how); err != nil {
			return err
		}
		c.recovered()
	}
	if len(todo) == 0 {
		return nil
	}
	return c.live(ctx, todo)
}

// catchUp reads from the cursor on.
func (c *channel) catchUp(ctx context.Context, how depth) error {
	release, err := c.feed.slot(ctx)
	if err != nil {
		return err
	}
	defer release()
	if how == asNew {
		if !c.talk.Load() { // of a talk, reading tells
			if err := c.feed.member(ctx, c.id); err != nil && !c.ofOthers() {
				return err
			}
		}
		c.loaded = false // another account may have read it meanwhile
	}
	if err := c.load(ctx); err != nil {
		return err
	}
	if c.cursor == 0 {
		if past, err := c.begin(ctx); err != nil || !past {
			return err
		}
	}
	a := c.feed.account
	from := c.cursor
	if how >= toBeSure {
		from = a.unverified(c.id, c.cursor)
	}
	var found *changes
	err = a.reading(ctx, c.id, func(by *client) (err error) {
		found, err = a.since(ctx, by, c.id, from-overlap.Milliseconds())
		return err
	})
	if err != nil {
		return err
	}
	if found.unordered {
		a.log.WithField("conversation", c.conv.String()).Warn("the server did not list changes in their order; of a long outage, edits of old posts may be missing")
	}
	if found.full {
		if err := c.putVanished(ctx); err != nil {
			return err
		}
	}
	if err := c.putRead(ctx, found.oldestFirst(), found.until); err != nil {
		return err
	}
	if how >= toBeSure {
		a.verify(c.id, c.cursor)
	}
	if c.talk.Load() {
		c.feed.talks.readUntil(c.id, found.until)
	}
	return nil
}

// ofOthers finds out that it is a talk of which nobody is connected any more, and that the bot may read it nevertheless.
func (c *channel) ofOthers() bool {
	a := c.feed.account
	kind, _ := a.channels.Peek(c.id)
	c.talk.Store(a.readsAll() && (kind == model.ChannelTypeDirect || kind == model.ChannelTypeGroup))
	return c.talk.Load()
}

func (c *channel) load(ctx context.Context) error {
	if c.loaded {
		return nil
	}
	text, err := c.feed.inbox.Cursor(ctx, c.conv)
	if err != nil {
		return storeError{fmt.Errorf("reading the cursor: %w", err)}
	}
	c.cursor = 0
	if text != "" && !mutant.Gaps {
		if c.cursor, err = parseCursor(text); err != nil {
			return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("reading the cursor: %w", err)}
		}
	}
	c.loaded = true
	return nil
}

// begin starts a conversation that was never read, at the present or when the inbox says. Past: there is something to read since then.
func (c *channel) begin(ctx context.Context) (past bool, err error) {
	a := c.feed.account
	var now int64
	err = a.reading(ctx, c.id, func(by *client) (err error) {
		now, err = a.present(ctx, by, c.id)
		return err
	})
	if err != nil {
		return false, err
	}
	start := now
	if begin := c.feed.inbox.Begin(c.conv); !begin.IsZero() {
		start = max(min(begin.UnixMilli(), now), 1)
	}
	b := bridge.Batch{Conversation: c.conv, Cursor: formatCursor(start), Begin: at(start)}
	if err := c.feed.inbox.Put(ctx, b); err != nil {
		return false, storeError{fmt.Errorf("storing the beginning: %w", err)}
	}
	c.cursor = start
	a.verify(c.id, start)
	return start < now, nil
}

// putRead puts posts that were read, in chunks, the cursor with the last one.
func (c *channel) putRead(ctx context.Context, posts []*model.Post, until int64) error {
	for len(posts) > putSize {
		if err := c.put(ctx, posts[:putSize], fromRead, 0); err != nil {
			return err
		}
		posts = posts[putSize:]
	}
	return c.put(ctx, posts, fromRead, until)
}

// put stores the states of posts, and the cursor unless it is 0.
func (c *channel) put(ctx context.Context, posts []*model.Post, from origin, cursor int64) error {
	b, err := c.feed.account.newBatch(ctx, posts, c.feed.inbox.Events(c.conv))
	if err != nil {
		return err
	}
	for _, p := range posts {
		c.feed.account.add(b, p, from)
	}
	return c.store(ctx, b, cursor)
}

// store puts a batch. The cursor never goes back, and never ahead of the server's clock: a post from the future would hide
// everything said until then.
func (c *channel) store(ctx context.Context, b *batch, cursor int64) error {
	cursor = min(cursor, c.feed.account.clock.now())
	out := bridge.Batch{Conversation: c.conv, States: b.states}
	if cursor > c.cursor {
		out.Cursor = formatCursor(cursor)
	}
	if len(out.States) == 0 && out.Cursor == "" {
		return nil
	}
	if err := c.feed.inbox.Put(ctx, out); err != nil {
		return storeError{fmt.Errorf("storing what was said: %w", err)}
	}
	c.cursor = max(c.cursor, cursor)
	c.feed.account.posts.remember(b.states, b.noted)
	if c.talk.Load() {
		c.feed.talks.carried(c.id, b.states)
	}
	return nil
}

// live puts what events said, then reads the posts that need it.
func (c *channel) live(ctx context.Context, todo []event) error {
	a := c.feed.account
	posts, reacted, ok := decode(todo)
	b, err := a.newBatch(ctx, posts, c.feed.inbox.Events(c.conv))
	if err != nil {
		return err
	}
	orphans := !ok
	for _, p := range posts {
		a.add(b, p, fromEvent)
		// The replies go with their root, without an event.
		orphans = orphans || p.DeleteAt != 0 && p.RootId == "" && p.ReplyCount > 0
	}
	if err := c.store(ctx, b, b.updated); err != nil {
		return err
	}
	for _, id := range reacted {
		b.doubtful[id] = true
	}
	if orphans || len(b.doubtful) >= manyReads {
		c.fallBehind(ctx, fromCursor)
		return nil
	}
	return c.readAgain(ctx, b.doubtful)
}

// decode gives the posts of events in their order, and the ids of posts whose reactions changed. Ok is false when something
// could not be understood.
func decode(todo []event) (posts []*model.Post, reacted []string, ok bool) {
	ok = true
	for _, e := range todo {
		switch e.kind {
		case model.WebsocketEventReactionAdded, model.WebsocketEventReactionRemoved:
			var r model.Reaction
			if json.Unmarshal([]byte(e.body), &r) != nil || !model.IsValidId(r.PostId) {
				ok = false
				continue
			}
			reacted = append(reacted, r.PostId)
		default:
			var p model.Post
			if json.NewDecoder(strings.NewReader(e.body)).Decode(&p) != nil || !model.IsValidId(p.Id) {
				ok = false
				continue
			}
			if e.kind == model.WebsocketEventPostDeleted && p.DeleteAt == 0 {
				p.DeleteAt = max(p.UpdateAt, 1) // the post comes as it was before
			}
			posts = append(posts, &p)
		}
	}
	return posts, reacted, ok
}

// readAgain puts posts as they look now. The cursor stays: what was said before their last change may still be queued.
func (c *channel) readAgain(ctx context.Context, ids map[string]bool) error {
	if len(ids) == 0 {
		return nil
	}
	release, err := c.feed.slot(ctx)
	if err != nil {
		return err
	}
	defer release()
	var posts []*model.Post
	for id := range ids {
		var p model.Post
		err := c.feed.account.reading(ctx, c.id, func(by *client) error { return by.get(ctx, "/posts/"+id, &p) })
		if bridge.KindOf(err) == bridge.Gone {
			continue // deleted: that has an event of its own
		}
		if err != nil {
			return fmt.Errorf("reading a post: %w", err)
		}
		posts = append(posts, &p)
	}
	return c.put(ctx, posts, fromRead, 0)
}
