package harness

import (
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// Socket is a user's websocket, as Mattermost's own clients have one: what it delivers is what that user is shown.
type Socket struct {
	client *model.WebSocketClient
	events chan *model.WebSocketEvent
	closed chan struct{}
	over   chan struct{} // closed when the test is over
}

// Listen opens the websocket of whoever the token belongs to, at the server or the Proxy at url ("http://…"), and
// returns after the server's greeting. It is closed when tb is over.
func Listen(tb TB, url, token string) *Socket {
	tb.Helper()
	client, err := model.NewWebSocketClient4("ws"+strings.TrimPrefix(url, "http"), token)
	if err != nil {
		tb.Fatalf("opening a websocket: %v", err)
	}
	// Large enough that a test which looks at a few of its events never makes the server wait.
	s := &Socket{client: client, events: make(chan *model.WebSocketEvent, 4096), closed: make(chan struct{}), over: make(chan struct{})}
	client.Listen()
	go s.read()
	tb.Cleanup(func() {
		close(s.over)
		client.Close()
		<-s.closed
	})
	s.WaitFor(tb, func(event *model.WebSocketEvent) bool { return event.EventType() == model.WebsocketEventHello })
	return s
}

// read drains all three channels of the client, which blocks on each of them, until the connection ends.
func (s *Socket) read() {
	defer close(s.closed)
	responses := s.client.ResponseChannel
	for {
		select {
		case event, ok := <-s.client.EventChannel:
			if !ok {
				return
			}
			if event == nil {
				continue
			}
			select {
			case s.events <- event:
			case <-s.over: // nobody will look at it; the client is still drained
			}
		case _, ok := <-responses:
			if !ok {
				responses = nil
			}
		case <-s.client.PingTimeoutChannel:
		}
	}
}

// Closed is closed when the connection has ended, by whoever.
func (s *Socket) Closed() <-chan struct{} { return s.closed }

// WaitClosed waits until the connection has ended. The test fails when it stays open.
func (s *Socket) WaitClosed(tb TB) {
	tb.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case <-s.closed:
	case <-timer.C:
		tb.Fatalf("the websocket is still open after %s", Patience)
	}
}

// WaitFor returns the next event that is wanted, and passes over the others. The test fails when the connection ends
// before.
func (s *Socket) WaitFor(tb TB, wanted func(*model.WebSocketEvent) bool) *model.WebSocketEvent {
	tb.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	for {
		select {
		case event := <-s.events:
			if wanted(event) {
				return event
			}
			continue
		default:
		}
		select {
		case event := <-s.events:
			if wanted(event) {
				return event
			}
		case <-s.closed:
			tb.Fatalf("waiting for an event: the websocket ended (%v)", s.client.ListenError)
		case <-timer.C:
			tb.Fatalf("waiting for an event: none within %s", Patience)
		case <-tb.Context().Done():
			tb.Fatalf("waiting for an event: %v", tb.Context().Err())
		}
	}
}
