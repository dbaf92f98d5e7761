package town

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

const (
	// lateRows is how much earlier than the last row seen another one may be, that was stored after it.
	lateRows = time.Second
	// again is the pause before something is tried once more.
	again = 500 * time.Millisecond
)

// Watch listens on a websocket as the programs of those people do who see the conversations, and reads by REST what an event
// says has changed.
func (m *Mattermost) Watch(ctx context.Context, see func([]Message)) error {
	w := &mattermostWatch{side: m, see: see, signal: make(chan struct{}, 1), dirty: map[string]change{}, cursor: map[string]int64{}}
	ctx, stop := context.WithCancel(ctx)
	var sockets sync.WaitGroup
	defer sockets.Wait()
	defer stop()
	for _, p := range m.people {
		sockets.Go(func() { w.listen(ctx, p.ID) })
	}
	return w.read(ctx)
}

// mattermostWatch is one Watch.
type mattermostWatch struct {
	side   *Mattermost
	see    func([]Message)
	cursor map[string]int64 // up to which update_at a channel has been read; the reader's alone

	mu     sync.Mutex
	dirty  map[string]change // channels to be read
	signal chan struct{}
}

// change is that there is something new in a channel.
type change struct {
	at     time.Time // since when
	person string    // who has heard of it
}

// changed notes that there is something new in a channel.
func (w *mattermostWatch) changed(channel string, c change) {
	w.mu.Lock()
	if _, known := w.dirty[channel]; !known {
		w.dirty[channel] = c
	}
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// listen keeps the websocket of a person open.
func (w *mattermostWatch) listen(ctx context.Context, person string) {
	for ctx.Err() == nil {
		w.listenOnce(ctx, person)
		pause(ctx, again)
	}
}

func (w *mattermostWatch) listenOnce(ctx context.Context, person string) {
	url := "ws" + strings.TrimPrefix(w.side.options.URL, "http")
	client, err := model.NewWebSocketClient4(url, w.side.tokens[person])
	if err != nil {
		return // the server is away; tried again
	}
	client.Listen()
	defer func() {
		client.Close()
		for range client.EventChannel { // Listen blocks on it until it is closed
		}
	}()
	responses := client.ResponseChannel
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-client.EventChannel:
			if !ok {
				return
			}
			w.event(ctx, person, e)
		case _, ok := <-responses:
			if !ok {
				responses = nil
			}
		case <-client.PingTimeoutChannel:
			return
		}
	}
}

// event takes in what a person's client is told. Of what several of them hear, the first of the members tells.
func (w *mattermostWatch) event(ctx context.Context, person string, e *model.WebSocketEvent) {
	if e == nil {
		return
	}
	now := change{time.Now(), person}
	switch e.EventType() {
	case model.WebsocketEventHello: // whatever happened while nobody listened
		w.everything(ctx, now)
	case model.WebsocketEventPosted, model.WebsocketEventPostEdited, model.WebsocketEventPostDeleted,
		model.WebsocketEventReactionAdded, model.WebsocketEventReactionRemoved:
		id := e.GetBroadcast().ChannelId
		if c, known := w.side.conversation(id); !known || c.Members[0] == person {
			w.changed(id, now)
		}
	}
}

// everything notes all channels that a person is in.
func (w *mattermostWatch) everything(ctx context.Context, now change) {
	for _, c := range w.side.Conversations() {
		if c.Members[0] == now.person {
			w.changed(c.ID, now)
		}
	}
	channels, _, err := w.side.clients[now.person].GetChannelsForUserWithLastDeleteAt(ctx, now.person, 0)
	if err != nil {
		return // the server is away; the next hello comes after it
	}
	for _, c := range channels {
		if _, known := w.side.conversation(c.Id); c.IsGroupOrDirect() && !known {
			w.changed(c.Id, now)
		}
	}
}

// read reads the channels that have changed until ctx ends.
func (w *mattermostWatch) read(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.signal:
		}
		w.mu.Lock()
		dirty := w.dirty
		w.dirty = map[string]change{}
		w.mu.Unlock()
		for id, c := range dirty {
			ours, err := w.side.learn(ctx, c.person, id)
			if err == nil && ours {
				err = w.readOne(ctx, id, c.at)
			}
			if err != nil {
				if !pause(ctx, again) {
					return nil
				}
				w.changed(id, c)
			}
		}
	}
}

// readOne hands over what has changed in a channel, oldest first.
func (w *mattermostWatch) readOne(ctx context.Context, id string, at time.Time) error {
	c, _ := w.side.conversation(id)
	since := max(1, w.cursor[c.ID]-lateRows.Milliseconds())
	list, _, err := w.side.clients[c.Members[0]].GetPostsSince(ctx, c.ID, since, false)
	if err != nil {
		return fmt.Errorf("reading a Mattermost channel: %w", err)
	}
	posts := list.ToSlice()
	slices.SortStableFunc(posts, func(a, b *model.Post) int {
		return cmp.Or(cmp.Compare(a.CreateAt, b.CreateAt), cmp.Compare(a.Id, b.Id))
	})
	var seen []Message
	for _, p := range posts {
		w.cursor[c.ID] = max(w.cursor[c.ID], p.UpdateAt)
		if p.OriginalId == "" && !strings.HasPrefix(p.Type, model.PostSystemMessagePrefix) {
			seen = append(seen, w.side.message(p, at))
		}
	}
	if len(seen) > 0 {
		w.see(seen)
	}
	return nil
}

// pause waits; it reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
