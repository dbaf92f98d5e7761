package mattermost

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"causeway/bridge"
)

const (
	// readBuffer is what each connection of a person reads into; frames are put together in buffers that all share.
	readBuffer = 1024
	// bigFrame is from where on a buffer is not kept.
	bigFrame = 64 << 10
	// spreadEach is by how much the pause before a new connection may grow with each that there is, so that they do not all come back at once.
	spreadEach = 20 * time.Millisecond
)

// observer keeps a connection in the name of a person who has agreed to that, for what is said in their direct and group conversations. There may be
// many, so it is one goroutine (pings come from one for all, talks.ping), and what does not matter is dropped before it is decoded: everything
// in all channels of that person comes, too.
type observer struct {
	talks  *talks
	user   string
	cancel context.CancelFunc
	// session is what to take up; it belongs to the goroutine.
	session *session
	// heard: the server has greeted this connection, and it has not ended since.
	heard atomic.Bool

	mu   sync.Mutex
	conn *websocket.Conn // nil while there is none
	// due is when to ping next, waiting how many pings have no answer, number that of the last.
	due     time.Time
	waiting int
	number  int64
	silent  bool
}

// frameBuffers are shared by all connections.
var frameBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// writeBuffers are, too: nothing but pings is written.
var writeBuffers = &sync.Pool{}

// run connects again and again until ctx ends.
func (o *observer) run(ctx context.Context) error {
	t, a := o.talks, o.talks.feed.account
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		known, err := o.once(ctx)
		if ctx.Err() != nil {
			break
		}
		if known {
			failures = 0
		}
		failures++
		if !known || err == errDead {
			if err := a.proveActing(ctx, o.user); lost(err) {
				a.tellLost(ctx, bridge.UserID(o.user), began, err)
			}
		}
		if bridge.KindOf(err) == bridge.Throttled {
			t.feed.pause(bridge.AfterOf(err))
		}
		a.log.WithError(err).WithField("user", o.user).Debug("the websocket of somebody ended, connecting again")
		t.sweeps.soon(o.user, time.Now()) // meanwhile
		many, _ := t.counts()
		if sleep(ctx, a.backoff(failures)+rand.N(time.Duration(many+1)*spreadEach)) != nil {
			break
		}
	}
	return nil
}

// proveActing asks the server whether the token of a person is good.
func (a *account) proveActing(ctx context.Context, user string) error {
	return a.by(ctx, bridge.UserID(user), func(c *client, _ string) error { return c.get(ctx, "/users/me", nil) })
}

// once reads one connection to its end. Known: the server has shown that it knows the token.
func (o *observer) once(ctx context.Context) (known bool, err error) {
	conn, err := o.open(ctx)
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	o.mu.Lock()
	o.conn, o.due, o.waiting, o.silent = conn, time.Now(), 0, false
	o.mu.Unlock()
	defer func() {
		o.heard.Store(false)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.conn = nil
		if o.silent {
			err = errSilent
		}
	}()
	for {
		_, r, err := conn.NextReader()
		if err != nil {
			return known, fmt.Errorf("reading the websocket of a person: %w", err)
		}
		buf := frameBuffers.Get().(*bytes.Buffer)
		buf.Reset()
		if _, err = buf.ReadFrom(r); err == nil {
			err = o.take(ctx, buf.Bytes(), &known)
		}
		if buf.Cap() <= bigFrame {
			frameBuffers.Put(buf)
		}
		if err != nil {
			return known, err
		}
	}
}

// open opens a connection, in a goroutine of its own: it needs a stack that is not given back while the one that goes on reading lives.
func (o *observer) open(ctx context.Context) (conn *websocket.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err = o.dial(ctx)
	}()
	<-done
	return conn, err
}

func (o *observer) dial(ctx context.Context) (*websocket.Conn, error) {
	t, a := o.talks, o.talks.feed.account
	select {
	case t.dialing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.dialing }()
	if err := t.feed.rest(ctx); err != nil {
		return nil, err
	}
	who, err := a.actors.get(ctx, bridge.UserID(o.user), "", soon)
	if err != nil {
		return nil, err
	}
	return a.dial(ctx, who.client, o.session, readBuffer)
}

// take sorts a frame. It does no I/O.
func (o *observer) take(ctx context.Context, f frame, known *bool) error {
	name := f.event()
	if name == nil {
		return o.answer(f, known)
	}
	*known = true
	kind, seq := eventKinds[string(name)], f.seq()
	if kind == kindHello {
		o.greet(ctx, f.connection(), seq)
		return nil
	}
	if o.session == nil {
		return nil
	}
	o.heard.Store(true) // a session that was taken up goes on without a greeting
	if seq < 0 || seq > o.session.next {
		o.talks.missed(ctx, o.user)
	}
	o.session.next = max(o.session.next, seq+1)
	if kind == kindOther || kind == kindPosted && !f.direct() {
		return nil
	}
	if channel := f.channel(); channel != "" {
		o.talks.hear(ctx, o.user, kind, channel, f)
	}
	return nil
}

// greet begins a session. Whoever asks to take up a session and is greeted by another one has missed something.
func (o *observer) greet(ctx context.Context, id string, seq int64) {
	if o.session == nil || id == "" || o.session.id != id {
		o.session = &session{id: id}
		o.talks.missed(ctx, o.user)
	}
	o.session.next = seq + 1
	o.heard.Store(true)
}

// answer takes the answer to a ping; anything else is nothing that is known today.
func (o *observer) answer(f frame, known *bool) error {
	ok, is := f.answer()
	if !is {
		return nil
	}
	if !ok {
		o.session = nil
		return errDead
	}
	*known = true
	if o.session != nil {
		o.heard.Store(true)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = 0
	return nil
}

// ping asks on all connections for a sign of life: the end of a session shows by nothing else.
func (t *talks) ping(ctx context.Context) error {
	every := t.feed.account.timing.ping
	for {
		if err := sleep(ctx, max(every/16, time.Millisecond)); err != nil {
			return err
		}
		t.mu.Lock()
		var all []*observer
		for _, p := range t.people {
			if p.observer != nil {
				all = append(all, p.observer)
			}
		}
		t.mu.Unlock()
		now := time.Now()
		for _, o := range all {
			o.ping(now, every)
		}
	}
}

// ping sends one when it is due, and ends a connection that did not answer the last.
func (o *observer) ping(now time.Time, every time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == nil || now.Before(o.due) {
		return
	}
	if o.waiting++; o.waiting > 1 {
		o.silent = true
		o.conn.Close()
		return
	}
	o.number++
	o.due = now.Add(every*7/8 + rand.N(every/4+1))
	if o.conn.SetWriteDeadline(now.Add(time.Second)) != nil ||
		o.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"seq":%d,"action":"ping"}`, o.number)) != nil {
		o.conn.Close() // the reader learns why
	}
}

// missed is told that somebody's connection may have left something out: what was said in their talks shows in a list of them, what changed when they are
// read.
func (t *talks) missed(ctx context.Context, user string) {
	t.sweeps.soon(user, time.Now())
	t.mu.Lock()
	var mine []string
	if p := t.people[user]; p != nil {
		p.listing.whole = time.Time{}
		mine = p.talks
	}
	t.mu.Unlock()
	for _, id := range mine {
		if c := t.feed.channel(id); c != nil && c.talk.Load() && t.feed.isConnected() {
			c.fallBehind(ctx, fromCursor)
		}
	}
}

// hear takes an event that may matter.
func (t *talks) hear(ctx context.Context, user string, kind eventKind, channel string, f frame) {
	c := t.feed.channel(channel)
	read := c != nil && c.talk.Load() && c.isWatched()
	if kind == kindChannel {
		if read {
			t.renamed(ctx, channel, user)
		}
		return
	}
	if !read && (kind != kindPosted || t.feed.inbox.Interest(t.conversation(channel)) == bridge.Ignored) {
		return
	}
	content, err := t.decode(f)
	if err != nil {
		t.missed(ctx, user)
		return
	}
	if read {
		if e := content.event(); t.fresh(user, e, channel) {
			c.enqueue(ctx, e)
		}
		return
	}
	var post said
	if strings.Contains(content.Data.ChannelName, t.feed.me) || post.read(content.Data.Post) != nil || post.system() || post.UserID == t.feed.me {
		return
	}
	t.mu.Lock()
	k, since := t.known[channel], int64(nobodySince)
	if k.said > 0 {
		since = k.said
	}
	t.mu.Unlock()
	if t.spoken(ctx, channel, user, bridge.UserID(post.UserID), post.CreateAt, since) {
		t.mu.Lock()
		k = t.known[channel]
		k.said = max(k.said, post.CreateAt)
		t.known[channel] = k
		t.mu.Unlock()
	}
}
