package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mattermost/mattermost/server/public/model"
)

// Server is a Mattermost server in memory. It is an [http.Handler]; [Server.Start]
// puts it on a loopback port. All methods may be called from any goroutine.
type Server struct {
	opts   Options
	routes []route

	mu sync.Mutex
	world
	roles        map[string][]string  // what each role may do
	conns        []*connection        // that receive events, attached or resumable
	sockets      map[*socket]struct{} // open ones, authenticated or not
	pending      *lru.Cache[string, pendingPost]
	ephemerals   []Ephemeral
	started      time.Time
	outage       bool
	closed       bool
	requests     []Request
	limiter      limiter
	pendingHooks []*model.WebSocketEvent
	hookRunning  bool

	faults  faults
	closing chan struct{} // closed by Close: ends delays
	calls   sync.WaitGroup

	http     *http.Server
	listener net.Listener
	served   chan struct{}
}

// New makes a server with an empty world. It listens only after [Server.Start].
func New(opts Options) *Server {
	s := &Server{
		opts:    opts.withDefaults(),
		roles:   builtInRoles(),
		world:   newWorld(),
		sockets: map[*socket]struct{}{},
		closing: make(chan struct{}),
	}
	for role, more := range opts.RolePermissions {
		s.roles[role] = append(s.roles[role], more...)
	}
	s.started = s.now()
	s.limiter.set(opts.RateLimit)
	s.forgetPending()
	s.routes = s.table()
	return s
}

// Start listens on a free loopback port.
func (s *Server) Start() error { return s.StartAt("127.0.0.1:0") }

// StartAt listens on an address.
func (s *Server) StartAt(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("starting the Mattermost stand-in: %w", err)
	}
	s.listener = l
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("mattermost: serving: %v", err))
		}
	}()
	return nil
}

// URL is the server's address without a slash at the end, "" before Start.
func (s *Server) URL() string {
	if s.listener == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String()
}

// WebsocketURL is the address to give to model.NewWebSocketClient4.
func (s *Server) WebsocketURL() string {
	return strings.Replace(s.URL(), "http://", "ws://", 1)
}

// Client returns a REST client that speaks with the given token. Its requests
// time out after 30 seconds.
func (s *Server) Client(token string) *model.Client4 {
	c := model.NewAPIv4Client(s.URL())
	c.HTTPClient = &http.Client{Timeout: 30 * time.Second}
	c.SetToken(token)
	return c
}

// Close drops all sockets, waits for the requests under way and frees the port.
// A second Close does nothing.
func (s *Server) Close() {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return
	}
	close(s.closing)
	s.cut(everybody, false)
	if s.http != nil {
		_ = s.http.Close() // closing a listener has nothing to tell a test
		<-s.served
	}
	s.calls.Wait()
}

// ServeHTTP handles one request: a REST call or a websocket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := s.begin(r)
	if !ok {
		panic(http.ErrAbortHandler) // nobody there: the connection just ends
	}
	defer s.calls.Done()
	if c.limited(w) {
		return
	}
	fault := s.faults.next(c)
	if fault != nil && !s.before(c, w, fault) {
		return
	}
	if c.route != nil && c.route.websocket {
		s.note(c, http.StatusSwitchingProtocols, "")
		s.serveWebsocket(w, r, c.token)
		return
	}
	status, body := s.run(c, fault)
	if fault != nil {
		s.wait(r.Context(), fault.DelayAnswer)
		if fault.LoseAnswer {
			s.note(c, status, "answer")
			panic(http.ErrAbortHandler)
		}
	}
	s.note(c, status, "")
	c.write(w, status, body)
}

// begin looks at a request: who calls what. Not ok means that the server is
// not there.
func (s *Server) begin(r *http.Request) (*call, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.outage {
		return nil, false
	}
	s.calls.Add(1)
	c := &call{s: s, r: r, id: model.NewId(), at: s.now(), token: bearer(r), status: http.StatusOK}
	c.route, c.params = match(s.routes, r)
	c.user = s.userOf(c.token)
	return c, true
}

// now is the server's clock.
func (s *Server) now() time.Time { return s.opts.Now() }

func (s *Server) nowMillis() int64 { return s.now().UnixMilli() }

// wait sleeps for a fault's delay, unless the request or the server ends.
func (s *Server) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.closing:
	}
}

// userOf returns whose token it is, nil for an unknown or revoked one and for
// that of a deactivated user.
func (s *Server) userOf(tok string) *user {
	t := s.tokens[tok]
	if t == nil || t.revoked {
		return nil
	}
	u := s.users[t.userID]
	switch {
	case u.DeleteAt != 0:
		return nil
	case t.pat != nil && (!t.pat.IsActive || s.opts.NoUserAccessTokens && !u.IsBot):
		return nil
	case t.app != "" && s.now().After(t.expires):
		return nil
	}
	return u
}

// bearer reads the token of a request: "Bearer x", or "Token x" as clients of
// Mattermost may also write; a browser that reads sends a cookie.
func bearer(r *http.Request) string {
	if cookie, err := r.Cookie(model.SessionCookieToken); err == nil && r.Method == http.MethodGet {
		return cookie.Value
	}
	kind, tok, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if ok && (strings.EqualFold(kind, "bearer") || strings.EqualFold(kind, "token")) {
		return tok
	}
	return ""
}

// flushHooks hands published events to Options.OnEvent, in order and without
// the lock, so that the hook may use the server. One goroutine at a time does it.
func (s *Server) flushHooks() {
	s.mu.Lock()
	if s.hookRunning {
		s.mu.Unlock()
		return
	}
	s.hookRunning = true
	for len(s.pendingHooks) > 0 {
		batch := s.pendingHooks
		s.pendingHooks = nil
		if s.opts.OnEvent == nil {
			continue
		}
		s.mu.Unlock()
		for _, e := range batch {
			s.opts.OnEvent(e)
		}
		s.mu.Lock()
	}
	s.hookRunning = false
	s.mu.Unlock()
}

// locked runs f with the lock held and tells the hooks afterwards.
func (s *Server) locked(f func()) {
	s.mu.Lock()
	func() {
		defer s.mu.Unlock()
		f()
	}()
	s.flushHooks()
}
