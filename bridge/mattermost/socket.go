package mattermost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// session is what the server keeps of a websocket connection after its end, so that it can be taken up again.
type session struct {
	id string
	// next is the number of the event to come.
	next int64
}

// errSilent ends a socket that does not answer.
var errSilent = errors.New("the server does not answer on the websocket")

// errDead ends a socket whose session the server no longer knows, or did not know for a while: its token was revoked or its user
// deactivated. The server leaves such a socket open, without any event, and answers its pings again once the token
// is enabled, without a word on what was left out meanwhile (both seen on 11.1).
var errDead = errors.New("the websocket is not authenticated any more")

// stream reads one websocket to its end. It is used once.
type stream struct {
	account *account
	// session is what to take up; afterwards what can be taken up next, nil when nothing can.
	session *session
	// greeted is called when the server did not take up the session, before any event of the new one.
	greeted func()
	// missed is called when numbers jump.
	missed func()
	event  func(*model.WebSocketEvent)

	// alive: the server has shown that it knows us.
	alive bool
	// refusals is how often the token had been refused when the socket was opened.
	refusals int64
	// waiting counts pings without an answer.
	waiting atomic.Int32
	silent  atomic.Bool
}

// run returns what ended the socket, never nil.
func (s *stream) run(ctx context.Context) error {
	s.refusals = s.account.client.refusals.Load()
	conn, err := s.account.dial(ctx, s.account.client, s.session, 4096)
	if err != nil {
		return err
	}
	s.account.sockets.Add(1)
	defer s.account.sockets.Add(-1)
	ctx, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		<-ctx.Done()
		conn.Close() // ends the reader
	})
	tasks.Go(func() {
		defer cancel()
		s.ping(ctx, conn)
	})
	err = s.read(conn)
	cancel()
	tasks.Wait()
	if s.silent.Load() {
		return errSilent
	}
	return err
}

// dial opens a websocket with a client's token. Only with the header can a session be taken up.
func (a *account) dial(ctx context.Context, c *client, resume *session, buffer int) (*websocket.Conn, error) {
	address := *c.base
	address.Scheme = "ws" + strings.TrimPrefix(address.Scheme, "http")
	address.Path += model.APIURLSuffix + "/websocket"
	if resume != nil {
		address.RawQuery = url.Values{
			"connection_id":   {resume.id},
			"sequence_number": {strconv.FormatInt(resume.next, 10)},
		}.Encode()
	}
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: c.tls, HandshakeTimeout: a.timing.request,
		ReadBufferSize: buffer, WriteBufferSize: 1024, WriteBufferPool: writeBuffers,
	}
	header := http.Header{model.HeaderAuth: {model.HeaderBearer + " " + c.token.Reveal()}}
	conn, answer, err := dialer.DialContext(ctx, address.String(), header)
	switch {
	case err == nil:
		return conn, nil
	case answer == nil:
		return nil, fmt.Errorf("opening the websocket: %w", c.unanswered(opRead, false, err))
	}
	refused := c.refused(opRead, answer, nil)
	var e *bridge.Error
	if errors.As(refused, &e) && e.Kind != bridge.Unauthorised && e.Kind != bridge.Throttled {
		e.Kind, e.Hint = bridge.Transient, "does the proxy before the server let websockets through?"
	}
	return nil, fmt.Errorf("opening the websocket: %w", refused)
}

// ping asks for a sign of life at once and then regularly: the session's end shows by nothing else.
func (s *stream) ping(ctx context.Context, conn *websocket.Conn) {
	ticker := time.NewTicker(s.account.timing.ping)
	defer ticker.Stop()
	for seq := int64(1); ; seq++ {
		if s.waiting.Add(1) > 1 {
			s.silent.Store(true)
			return
		}
		deadline := time.Now().Add(s.account.timing.ping)
		request := &model.WebSocketRequest{Seq: seq, Action: "ping"}
		if conn.SetWriteDeadline(deadline) != nil || conn.WriteJSON(request) != nil {
			return // the reader learns why
		}
		if !s.due(ctx, ticker.C) {
			return
		}
	}
}

// due waits for the time of the next ping: at once when the token was refused elsewhere, unless an answer is still to come.
func (s *stream) due(ctx context.Context, tick <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case <-s.account.client.nudge:
			if s.waiting.Load() == 0 {
				return true
			}
		}
	}
}

// read takes frames until the socket ends. Pings of the server are answered by the websocket package meanwhile.
func (s *stream) read(conn *websocket.Conn) error {
	for {
		_, frame, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("reading the websocket: %w", err)
		}
		event, err := model.WebSocketEventFromJSON(bytes.NewReader(frame))
		if err != nil {
			s.missed() // whatever it was: reading shows what came of it
			continue
		}
		if event.IsValid() {
			s.take(event)
			continue
		}
		response, err := model.WebSocketResponseFromJSON(bytes.NewReader(frame))
		if err != nil || response.SeqReply == 0 {
			continue // neither an event nor an answer: nothing that is known today
		}
		if response.Status != model.StatusOk || s.account.client.refusals.Load() != s.refusals {
			s.session = nil
			return errDead
		}
		s.waiting.Store(0)
		s.alive = true
		if now, ok := response.Data["server_time"].(float64); ok && now > 0 {
			s.account.clock.syncMillis(int64(now))
		}
	}
}

// take checks an event's number and hands it on. Whoever asks to take up a session and is greeted by another one has
// missed something, however little time has passed.
func (s *stream) take(event *model.WebSocketEvent) {
	s.alive = true
	if event.EventType() == model.WebsocketEventHello {
		id, _ := event.GetData()["connection_id"].(string)
		if s.session == nil || s.session.id != id {
			s.session = &session{id: id}
			s.greeted()
		}
		s.session.next = event.GetSequence() + 1
		return
	}
	if s.session == nil {
		return // before the greeting: what follows it is read from the cursor
	}
	seq := event.GetSequence()
	if seq > s.session.next {
		s.missed()
	}
	s.session.next = max(s.session.next, seq+1)
	s.account.notified(bridge.Taken, 1)
	s.event(event)
}
