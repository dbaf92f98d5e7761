package mattermost

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/mattermost/server/public/model"
)

// socket is one open websocket. Its reader runs in the goroutine of the
// request, its writer in one of its own that the reader waits for.
type socket struct {
	ws   *websocket.Conn
	conn *connection
	stop chan struct{} // closed when the reader has ended
	done chan struct{} // closed when the connection is without a socket again
}

var upgrader = websocket.Upgrader{
	ReadBufferSize:  maxClientFrame,
	WriteBufferSize: maxClientFrame,
	CheckOrigin:     func(*http.Request) bool { return true },
}

// serveWebsocket accepts a socket. A bad token is accepted too: such a socket
// is dropped when it has not authenticated itself in time.
func (s *Server) serveWebsocket(w http.ResponseWriter, r *http.Request, tok string) {
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer ws.Close()
	if tcp, ok := ws.UnderlyingConn().(interface{ SetWriteBuffer(int) error }); ok && s.opts.SocketWriteBuffer > 0 {
		_ = tcp.SetWriteBuffer(s.opts.SocketWriteBuffer) // only a hint
	}
	k := &socket{ws: ws, stop: make(chan struct{}), done: make(chan struct{})}
	query := r.URL.Query()
	first, ok := s.attach(k, tok, query.Get("connection_id"), query.Get("sequence_number"))
	s.flushHooks()
	if !ok {
		return
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write(k, first)
	}()
	s.read(k)
	close(k.stop)
	<-written
	s.detach(k)
	s.flushHooks()
}

// attach gives a socket its connection: the one it names, or a new one. First
// are the events to replay. Not ok means the socket is dropped at once.
func (s *Server) attach(k *socket, tok, id, seq string) (first []*model.WebSocketEvent, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.outage {
		return nil, false
	}
	u := s.userOf(tok)
	c := &connection{id: model.NewId(), wake: make(chan struct{}, 1)}
	if u == nil { // unauthenticated: it may send a challenge
		s.occupy(c, k)
		return nil, true
	}
	resumed := false
	if id != "" {
		wanted, err := strconv.ParseInt(seq, 10, 64)
		if err != nil || !model.IsValidId(id) {
			return nil, false
		}
		if old := s.resume(u.Id, id); old != nil {
			c, resumed = old, true
			var lost bool
			if first, lost = c.replay(wanted); lost {
				c.id, c.seq, c.ring = model.NewId(), 0, nil
				hello := s.hello(c).SetSequence(0)
				c.seq, c.ring = 1, append(c.ring, hello)
				first = append(first, hello)
			}
		}
	}
	s.occupy(c, k)
	c.userID, c.token = u.Id, tok
	if !resumed {
		s.register(c)
	}
	s.setStatus(u, model.StatusOnline)
	return first, true
}

func (s *Server) occupy(c *connection, k *socket) {
	k.conn, c.socket, c.seenAt = c, k, s.now()
	s.sockets[k] = struct{}{}
}

// register makes an authenticated connection receive events, a hello first.
func (s *Server) register(c *connection) {
	s.conns = append(s.conns, c)
	s.push(c, s.hello(c))
}

func (s *Server) detach(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := k.conn
	c.socket, c.detached = nil, s.now()
	delete(s.sockets, k)
	if u := s.users[c.userID]; u != nil && !s.connected(u.Id) {
		s.setStatus(u, model.StatusOffline)
	}
	close(k.done)
}

// connected says whether a user has an open socket.
func (s *Server) connected(userID string) bool {
	for k := range s.sockets {
		if k.conn.userID == userID {
			return true
		}
	}
	return false
}

// read handles what the client sends until the socket ends.
func (s *Server) read(k *socket) {
	defer k.ws.Close()
	k.ws.SetReadLimit(maxClientFrame)
	extend := func(string) error { return k.ws.SetReadDeadline(time.Now().Add(s.opts.PongWait)) }
	if extend("") != nil {
		return
	}
	k.ws.SetPongHandler(extend)
	for {
		_, data, err := k.ws.ReadMessage()
		if err != nil {
			return
		}
		var req model.WebSocketRequest
		if json.Unmarshal(data, &req) != nil {
			return
		}
		if !s.serveAction(k.conn, &req) {
			return
		}
		s.flushHooks()
	}
}

// write sends what is queued, pings, and drops a socket that did not
// authenticate itself in time.
func (s *Server) write(k *socket, first []*model.WebSocketEvent) {
	defer k.ws.Close()
	ping := time.NewTicker(s.opts.PingInterval)
	defer ping.Stop()
	auth := time.NewTimer(s.opts.AuthTimeout)
	defer auth.Stop()
	for _, e := range first {
		if !s.send(k, e) {
			return
		}
	}
	for {
		m, removed := s.take(k.conn)
		switch {
		case m != nil:
			if !s.send(k, m) {
				return
			}
			select {
			case <-k.stop:
				return
			case <-ping.C:
				s.frame(k, websocket.PingMessage, nil)
			default:
			}
			continue
		case removed:
			s.frame(k, websocket.CloseMessage, []byte{})
			return
		}
		select {
		case <-k.stop:
			return
		case <-k.conn.wake:
		case <-ping.C:
			if !s.frame(k, websocket.PingMessage, nil) {
				return
			}
		case <-auth.C:
			if !s.authenticated(k.conn) {
				return
			}
		}
	}
}

func (s *Server) take(c *connection) (m model.WebSocketMessage, removed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.next(), c.removed
}

func (s *Server) authenticated(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.token != ""
}

func (s *Server) send(k *socket, m model.WebSocketMessage) bool {
	data, err := m.ToJSON()
	if err != nil {
		return true // a message that cannot be encoded is left out, as by the real server
	}
	return s.frame(k, websocket.TextMessage, data)
}

func (s *Server) frame(k *socket, kind int, data []byte) bool {
	return k.ws.SetWriteDeadline(time.Now().Add(s.opts.WriteWait)) == nil && k.ws.WriteMessage(kind, data) == nil
}
