package mattermost

import (
	"slices"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// connection is what the server keeps of one websocket connection. It outlives
// its socket: until it is forgotten, a client may come back with the
// connection's id and the number of the event it wants next. Guarded by
// Server.mu.
type connection struct {
	id       string
	userID   string
	token    string // "" before authentication, and for good once it was revoked
	queue    []model.WebSocketMessage
	ring     []*model.WebSocketEvent // the last sentRingSize sent events
	seq      int64                   // of the next event
	socket   *socket                 // nil while nobody is attached
	removed  bool                    // closed by the server: the queue is drained, then the socket closed
	seenAt   time.Time               // when the client last connected
	detached time.Time
	wake     chan struct{}
}

func (c *connection) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// push queues a message; a connection whose queue is full is closed, as a slow
// reader's is.
func (s *Server) push(c *connection, m model.WebSocketMessage) {
	if len(c.queue) >= sendQueueSize {
		s.remove(c)
		return
	}
	c.queue = append(c.queue, m)
	c.notify()
}

// remove takes a connection out of the hub: no resume, and its socket is closed
// once the queue is drained.
func (s *Server) remove(c *connection) {
	c.removed = true
	if i := slices.Index(s.conns, c); i >= 0 {
		s.conns = slices.Delete(s.conns, i, i+1)
	}
	c.notify()
}

// next takes the message to write now and numbers it; nil when there is none.
func (c *connection) next() model.WebSocketMessage {
	if len(c.queue) == 0 {
		return nil
	}
	m := c.queue[0]
	c.queue = c.queue[1:]
	event, ok := m.(*model.WebSocketEvent)
	if !ok {
		return m
	}
	event = event.SetSequence(c.seq)
	c.seq++
	c.ring = append(c.ring, event)
	if len(c.ring) > sentRingSize {
		c.ring = c.ring[1:]
	}
	return event
}

// publish puts an event into the queue of every connection whose user may see
// it. Extra holds data for single users only (mentions). The caller holds s.mu.
func (s *Server) publish(event *model.WebSocketEvent, extra map[string]map[string]any) {
	s.pendingHooks = append(s.pendingHooks, event)
	shared := event.PrecomputeJSON()
	for _, c := range slices.Clone(s.conns) {
		if !s.receives(c, event) {
			continue
		}
		mine := shared
		if add := extra[c.userID]; len(add) > 0 {
			mine = event.DeepCopy()
			for k, v := range add {
				mine.Add(k, v)
			}
		}
		s.push(c, mine)
	}
}

// receives is the rule of who gets what: never a connection whose token was
// revoked, and of a channel only its members.
func (s *Server) receives(c *connection, event *model.WebSocketEvent) bool {
	if c.token == "" {
		return false
	}
	if len(c.queue) >= sendSlowMark {
		switch event.EventType() {
		case model.WebsocketEventTyping, model.WebsocketEventStatusChange, model.WebsocketEventMultipleChannelsViewed:
			return false
		}
	}
	b := event.GetBroadcast()
	u := s.users[c.userID]
	if admin := s.isAdmin(u); b.ContainsSanitizedData && admin || b.ContainsSensitiveData && !admin {
		return false
	}
	if b.UserId != "" {
		return b.UserId == c.userID
	}
	if b.OmitUsers[c.userID] {
		return false
	}
	if b.ChannelId != "" {
		ch := s.channels[b.ChannelId]
		return ch != nil && ch.members[c.userID] != nil
	}
	return b.TeamId == "" || u.teams[b.TeamId]
}

// resume finds the connection a client wants to continue: its own, without a
// socket, and not yet taken by the reaper.
func (s *Server) resume(userID, id string) *connection {
	for _, c := range s.conns {
		if c.id == id && c.userID == userID && c.socket == nil {
			if s.reaped(c) {
				s.remove(c)
				return nil
			}
			return c
		}
	}
	return nil
}

// reaped says whether one of the reaper's runs, every five minutes since the
// start, met the connection without a socket and five minutes after its client
// last connected.
func (s *Server) reaped(c *connection) bool {
	now := s.now()
	runs := c.detached.Sub(s.started)/reaperInterval + 1
	first := s.started.Add(runs * reaperInterval)
	if ripe := c.seenAt.Add(reaperThreshold); ripe.After(first) {
		late := ripe.Sub(s.started)
		runs = (late + reaperInterval - 1) / reaperInterval
		first = s.started.Add(runs * reaperInterval)
	}
	return !first.After(now)
}

// replay returns the sent events from the wanted number on, or lost when the
// client missed something that is no longer there: then the connection gets a
// new id and begins again with a hello.
func (c *connection) replay(wanted int64) (events []*model.WebSocketEvent, lost bool) {
	c.seq = wanted
	if wanted == 0 {
		return nil, false
	}
	for i, e := range c.ring {
		if e.GetSequence() == wanted {
			c.seq += int64(len(c.ring) - i)
			return slices.Clone(c.ring[i:]), false
		}
	}
	if n := len(c.ring); n > 0 && c.ring[n-1].GetSequence() != wanted-1 {
		return nil, true
	}
	return nil, false
}

func (s *Server) hello(c *connection) *model.WebSocketEvent {
	e := model.NewWebSocketEvent(model.WebsocketEventHello, "", "", c.userID, nil, "")
	e.Add("server_version", serverVersionID)
	e.Add("connection_id", c.id)
	e.Add("server_hostname", "mattermost-sim")
	return e
}

// setStatus changes the presence of a user who did not set it by hand, and
// tells the user's own sockets.
func (s *Server) setStatus(u *user, status string) {
	if u.status == status || u.manual {
		return
	}
	u.status = status
	e := model.NewWebSocketEvent(model.WebsocketEventStatusChange, "", "", u.Id, nil, "")
	e.Add("status", status)
	e.Add("user_id", u.Id)
	s.publish(e, nil)
}
