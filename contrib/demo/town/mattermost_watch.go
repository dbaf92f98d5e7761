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
	w := &mattermostWatch{side: m, see: see, signal: make(chan struct{}, 1), dirty: map[string]time.Time{}, cursor: map[string]int64{}}
	ctx, stop := context.WithCancel(ctx)
	var sockets sync.WaitGroup
	defer sockets.Wait()
	defer stop()
	var listening []string
	for _, c := range m.conversations {
		if who := c.Members[0]; !slices.Contains(listening, who) {
			listening = append(listening, who)
			sockets.Go(func() { w.listen(ctx, who) })
		}
	}
	return w.read(ctx)
}

// mattermostWatch is one Watch.
type mattermostWatch struct {
	side   *Mattermost
	see    func([]Message)
	cursor map[string]int64 // up to which update_at a channel has been read; the reader's alone

	mu     sync.Mutex
	dirty  map[string]time.Time // channels to be read, since when
	signal chan struct{}
}

// changed notes that there is something new in a channel.
func (w *mattermostWatch) changed(channel string, at time.Time) {
	w.mu.Lock()
	if _, known := w.dirty[channel]; !known {
		w.dirty[channel] = at
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
			w.event(e)
		case _, ok := <-responses:
			if !ok {
				responses = nil
			}
		case <-client.PingTimeoutChannel:
			return
		}
	}
}

func (w *mattermostWatch) event(e *model.WebSocketEvent) {
	if e == nil {
		return
	}
	now := time.Now()
	switch e.EventType() {
	case model.WebsocketEventHello: // whatever happened while nobody listened
		for _, c := range w.side.conversations {
			w.changed(c.ID, now)
		}
	case model.WebsocketEventPosted, model.WebsocketEventPostEdited, model.WebsocketEventPostDeleted,
		model.WebsocketEventReactionAdded, model.WebsocketEventReactionRemoved:
		w.changed(e.GetBroadcast().ChannelId, now)
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
		w.dirty = map[string]time.Time{}
		w.mu.Unlock()
		for _, c := range w.side.conversations {
			at, ok := dirty[c.ID]
			if !ok {
				continue
			}
			if err := w.readOne(ctx, c, at); err != nil {
				if !pause(ctx, again) {
					return nil
				}
				w.changed(c.ID, at)
			}
		}
	}
}

// readOne hands over what has changed in a channel, oldest first.
func (w *mattermostWatch) readOne(ctx context.Context, c Conversation, at time.Time) error {
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
