package mattermost

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"golang.org/x/sync/errgroup"

	"causeway/bridge"
)

const (
	// queueLength is how many events wait for one channel, queueTotal for all of them; a channel that would get more
	// forgets them and is read from its cursor.
	queueLength = 500
	queueTotal  = 5000
	// readers is how many channels are read by REST at the same time.
	readers = 4
	// reconnects is how often Run connects again by itself before it gives the error to the gateway.
	reconnects = 5
)

// Run reads the watched channels until ctx ends.
func (a *account) Run(ctx context.Context, inbox bridge.Inbox) error {
	me, config, err := a.self()
	if err != nil {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	f := &feed{account: a, inbox: inbox, me: me.Id, config: config, group: group, channels: map[string]*channel{},
		slots: make(chan struct{}, readers), newTeam: make(chan struct{}, 1)}
	f.talks = newTalks(f)
	a.talks.Store(f.talks)
	defer a.talks.CompareAndSwap(f.talks, nil)
	f.talks.start(inner)
	group.Go(func() error { return f.listen(inner) })
	group.Go(func() error { return f.watch(inner) })
	group.Go(func() error { return f.reconcile(inner) })
	group.Go(func() error { return f.keepCommands(inner) })
	group.Go(func() error { return f.watchArrivals(inner) })
	err = group.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// feed is one Run.
type feed struct {
	account *account
	inbox   bridge.Inbox
	me      string
	config  serverConfig
	// group owns every goroutine of the feed.
	group *errgroup.Group
	// slots bounds how many channels are read at once.
	slots chan struct{}
	// newTeam says that the bot is in one more team.
	newTeam chan struct{}
	// talks notices what is said in direct and group conversations.
	talks *talks
	// queued counts the events of all channels.
	queued atomic.Int64

	mu       sync.Mutex
	channels map[string]*channel
	// connected: the server has greeted this feed once. Nothing is read before, as nothing would be pushed after it.
	connected bool
	roster    *roster
	// paused: until when the server wants no request.
	paused time.Time
}

// watch keeps the channels as the inbox wants them.
func (f *feed) watch(ctx context.Context) error {
	for {
		wanted, changed := f.inbox.Watched()
		f.set(ctx, wanted)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// reconcile reads all channels from time to time: what the server did not push, without any sign of it, is found then.
func (f *feed) reconcile(ctx context.Context) error {
	for {
		if err := sleep(ctx, f.account.timing.reconcile); err != nil {
			return err
		}
		f.mu.Lock()
		for _, c := range f.channels {
			if f.connected {
				c.fallBehind(ctx, toBeSure)
			}
		}
		f.mu.Unlock()
	}
}

func (f *feed) set(ctx context.Context, wanted []bridge.ConversationID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	keep := map[string]bool{}
	for _, c := range wanted {
		if c.Server != f.config.server {
			continue
		}
		id := string(c.Channel)
		keep[id] = true
		if f.channels[id] == nil {
			f.channels[id] = newChannel(f, c)
		}
		if len(f.inbox.Readers(c)) > 0 {
			f.channels[id].talk.Store(true) // and it stays one when nobody is left
		}
		if f.channels[id].watched(true) && f.connected {
			f.channels[id].wakeUp(ctx)
		}
	}
	for id, c := range f.channels {
		if !keep[id] {
			c.watched(false)
		}
	}
}

// listen keeps a websocket open.
func (f *feed) listen(ctx context.Context) error {
	var resume *session
	failures := 0
	for {
		s := &stream{account: f.account, session: resume}
		s.greeted = func() { f.everythingBehind(ctx, "connected") }
		s.missed = func() { f.everythingBehind(ctx, "events were missed") }
		s.event = func(e *model.WebSocketEvent) { f.dispatch(ctx, e) }
		err := s.run(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		resume = s.session
		if s.alive {
			failures = 0
		}
		failures++
		if proof := f.prove(ctx, err); proof != nil {
			return proof
		}
		if failures > reconnects || !f.isConnected() {
			return err
		}
		f.account.log.WithError(err).Info("websocket ended, connecting again")
		if err := sleep(ctx, f.account.backoff(failures)); err != nil {
			return err
		}
	}
}

// prove asks by REST whether the token is still good, since on the websocket a bad one only looks like a broken
// connection. It gives the error when it is not.
func (f *feed) prove(ctx context.Context, cause error) error {
	var me model.User
	err := f.account.client.get(ctx, "/users/me", &me)
	if bridge.KindOf(err) == bridge.Unauthorised {
		return fmt.Errorf("%w, and asking who the bot is: %w", cause, err)
	}
	return nil // anything else shows when connecting again
}

// backoff doubles a pause with each failure and spreads it, so that many accounts do not come back at once.
func (a *account) backoff(failures int) time.Duration {
	pause := a.timing.retryMax
	if failures < 16 {
		pause = min(a.timing.retry<<(failures-1), a.timing.retryMax)
	}
	return pause/2 + rand.N(pause/2+1)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (f *feed) isConnected() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connected
}

// everythingBehind makes all channels read from their cursors. It is called before any later event is queued. Of talks the bot's connection brings
// nothing, so they are read so at the beginning only.
func (f *feed) everythingBehind(ctx context.Context, why string) {
	f.account.log.WithField("reason", why).Debug("reading all channels from their cursors")
	f.account.users.Purge() // names may have changed unheard
	f.account.arrivals.joined("")
	f.mu.Lock()
	defer f.mu.Unlock()
	first := !f.connected
	f.connected = true
	f.roster = &roster{}
	for _, c := range f.channels {
		if first || !c.talk.Load() {
			c.fallBehind(ctx, asNew)
		}
	}
}

// dispatch queues an event. It runs in the goroutine that reads the websocket and does no I/O.
func (f *feed) dispatch(ctx context.Context, e *model.WebSocketEvent) {
	data, place := e.GetData(), ""
	if b := e.GetBroadcast(); b != nil {
		place = b.ChannelId
	}
	text := func(key string) string { s, _ := data[key].(string); return s }
	switch e.EventType() {
	case model.WebsocketEventPosted, model.WebsocketEventPostEdited, model.WebsocketEventPostDeleted:
		f.enqueue(ctx, place, event{kind: e.EventType(), body: text("post")})
	case model.WebsocketEventReactionAdded, model.WebsocketEventReactionRemoved:
		f.enqueue(ctx, place, event{kind: e.EventType(), body: text("reaction")})
	case model.WebsocketEventUserUpdated:
		if u, ok := data["user"].(*model.User); ok {
			f.account.userUpdated(u)
		}
	case model.WebsocketEventConfigChanged:
		f.account.configChanged()
	case model.WebsocketEventAddedToTeam:
		select {
		case f.newTeam <- struct{}{}:
		default:
		}
	case model.WebsocketEventNewUser:
		f.account.arrivals.joined("")
	case model.WebsocketEventUserAdded:
		if text("user_id") == f.me {
			f.look(ctx, place)
		} else {
			f.account.arrivals.joined(text("user_id"))
		}
	case model.WebsocketEventUserRemoved:
		// Two shapes: to the members with the person, to the person with the channel.
		if id := text("channel_id"); id != "" {
			f.look(ctx, id)
		} else if text("user_id") == f.me {
			f.look(ctx, place)
		}
	case model.WebsocketEventChannelDeleted, model.WebsocketEventChannelRestored, model.WebsocketEventChannelConverted:
		f.look(ctx, text("channel_id"))
	}
}

func (f *feed) enqueue(ctx context.Context, id string, e event) {
	if c := f.channel(id); c != nil {
		c.enqueue(ctx, e)
	}
}

// look makes a channel be read again, and first whether the bot may.
func (f *feed) look(ctx context.Context, id string) {
	if c := f.channel(id); c != nil {
		f.mu.Lock()
		f.roster.forget(id)
		f.mu.Unlock()
		c.fallBehind(ctx, asNew)
	}
}

func (f *feed) channel(id string) *channel {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.channels[id]
}

// pause keeps every reader of the feed from asking before the server wants it.
func (f *feed) pause(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if until := time.Now().Add(d); until.After(f.paused) {
		f.paused = until
	}
}

// slot waits until a channel may be read by REST.
func (f *feed) slot(ctx context.Context) (release func(), err error) {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	release = func() { <-f.slots }
	if err := f.rest(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// rest waits as long as the server wants no request.
func (f *feed) rest(ctx context.Context) error {
	f.mu.Lock()
	rest := time.Until(f.paused)
	f.mu.Unlock()
	if rest <= 0 {
		return ctx.Err()
	}
	return sleep(ctx, rest)
}

// roster is which channels the bot was a member of when the connection began; by one request for all. It is only made to
// save requests: who is not in it is asked for.
type roster struct {
	mu    sync.Mutex
	asked bool
	open  map[string]bool
}

func (r *roster) forget(id string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, id)
}

// has says whether the bot is a member of an open channel, as far as known.
func (r *roster) has(ctx context.Context, a *account, me, id string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked {
		var list []*model.Channel
		// No channel at all is answered with 404.
		if err := a.client.get(ctx, "/users/"+me+"/channels", &list); err != nil && bridge.KindOf(err) != bridge.Gone {
			return false, fmt.Errorf("asking which channels the bot is in: %w", err)
		}
		r.asked, r.open = true, map[string]bool{}
		for _, c := range list {
			r.open[c.Id] = c.DeleteAt == 0
			a.channels.Add(c.Id, c.Type)
		}
	}
	return r.open[id], nil
}

// member gives an error when the server would not push what is said in a channel: public channels can be read without being a
// member.
func (f *feed) member(ctx context.Context, id string) error {
	f.mu.Lock()
	r := f.roster
	f.mu.Unlock()
	if ok, err := r.has(ctx, f.account, f.me, id); ok || err != nil {
		return err
	}
	return f.account.mayUse(ctx, f.me, id)
}
