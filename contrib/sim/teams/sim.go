package teams

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"causeway/contrib/sim/teams/notify"
)

// Options set how a Sim behaves. The zero value is a calm service: no throttling, no faults.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// TokenLifetime is how long access tokens live; 0 means 3599 seconds.
	TokenLifetime time.Duration
	// DeviceCodeLifetime is how long a device code can be used; 0 means 15 minutes.
	DeviceCodeLifetime time.Duration
	// DeviceCodeInterval is the polling interval told to device code clients, whole seconds; 0 means 5 seconds.
	DeviceCodeInterval time.Duration
	// EmptyPageEvery puts an empty page with a nextLink before every so manieth page that has a successor;
	// 0 means 3, a negative number never.
	EmptyPageEvery int
	// UsersPerPage is how many users a page of /users/delta has; 0 means 100.
	UsersPerPage int
	// RepliesPerPage is how many replies $expand=replies brings along per message; 0 means 200.
	RepliesPerPage int
	// DeletionMovesNothing makes deletions leave etag, lastModifiedDateTime and the order of threads alone.
	DeletionMovesNothing bool
	// TokensTell makes an app's tokens show its roles, as Entra's do, although nobody shall rely on it.
	TokensTell bool
	// StripAbbr drops <abbr> from message bodies: a key that was hidden there does not survive.
	StripAbbr bool
	// Throttle are the rate limits; the zero value means none.
	Throttle Throttle
	// Webhooks says how change notifications are delivered.
	Webhooks Webhooks
	// Subscriptions are the quotas and other rules of subscriptions.
	Subscriptions SubscriptionLimits
	// Cloud is the deployment that is played; what it lacks is refused.
	Cloud Cloud
	// Observe, when set, is called with every answer before it is sent, also with each item of a batch.
	// It must not call the Sim.
	Observe func(Answer)
}

// An Answer is what Observe sees.
type Answer struct {
	Method, Template string
	Status           int
	Body             []byte
}

// Sim is the stand-in. Make one with New; all its methods may be called from any goroutine.
type Sim struct {
	opts Options

	mu       sync.Mutex
	tenants  map[string]*Tenant // by id, and by lower-case domain
	apps     map[string]*App    // by client id
	tokens   map[string]*token
	refresh  map[string]*refreshToken
	devices  map[string]*device // by device code
	codes    map[string]*authorizationCode
	drives   map[string]*drive
	items    map[string]*item
	sessions map[string]*session
	passes   map[string]pass
	pages    int    // pages with a successor served so far
	pageKey  []byte // signs page tokens
	limits   limiter
	faults   []*Fault
	chaos    *chaosState
	outage   *Fault
	requests []Request

	engine  *notify.Engine
	keys    notify.Keys
	subs    []*subscription // in order of creation
	changes []Event         // of the running request, for the subscriptions
	wakesAt time.Time       // when the next thing of a subscription is due; zero: no timer runs

	hooks      []func(Event)
	pending    []Event
	delivering bool
}

// New makes an empty service.
func New(opts Options) *Sim {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.TokenLifetime == 0 {
		opts.TokenLifetime = 3599 * time.Second
	}
	if opts.DeviceCodeLifetime == 0 {
		opts.DeviceCodeLifetime = 15 * time.Minute
	}
	if opts.DeviceCodeInterval == 0 {
		opts.DeviceCodeInterval = 5 * time.Second
	}
	if opts.EmptyPageEvery == 0 {
		opts.EmptyPageEvery = 3
	}
	if opts.UsersPerPage == 0 {
		opts.UsersPerPage = 100
	}
	if opts.RepliesPerPage == 0 {
		opts.RepliesPerPage = 200
	}
	opts.Subscriptions = opts.Subscriptions.withDefaults()
	key := make([]byte, 32)
	rand.Read(key)
	s := &Sim{
		opts:     opts,
		tenants:  map[string]*Tenant{},
		apps:     map[string]*App{},
		tokens:   map[string]*token{},
		refresh:  map[string]*refreshToken{},
		devices:  map[string]*device{},
		codes:    map[string]*authorizationCode{},
		drives:   map[string]*drive{},
		items:    map[string]*item{},
		sessions: map[string]*session{},
		passes:   map[string]pass{},
		pageKey:  key,
		limits:   limiter{},
	}
	s.startWebhooks()
	return s
}

// change runs f with the lock held and delivers the events that f caused.
func (s *Sim) change(f func()) {
	s.mu.Lock()
	func() {
		defer s.mu.Unlock()
		f()
		s.notify()
	}()
	s.deliver()
}

// SetThrottle replaces the rate limits and forgets past usage.
func (s *Sim) SetThrottle(t Throttle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Throttle = t
	s.limits = limiter{}
}

// SetDeletionMovesNothing switches Options.DeletionMovesNothing for later deletions.
func (s *Sim) SetDeletionMovesNothing(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.DeletionMovesNothing = on
}

// SetStripAbbr switches Options.StripAbbr for later writes.
func (s *Sim) SetStripAbbr(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.StripAbbr = on
}

// Server is a Sim that listens on TCP.
type Server struct {
	*Sim
	// URL is the origin, such as http://127.0.0.1:40123.
	URL string

	http *http.Server
	done chan error
}

// Start listens on a free port of the loopback interface.
func Start(opts Options) (*Server, error) { return Listen("127.0.0.1:0", opts) }

// Listen makes a Sim and serves it on addr.
func Listen(addr string, opts Options) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening for the Teams stand-in: %w", err)
	}
	return Serve(l, New(opts)), nil
}

// Serve puts an existing Sim on a listener, which the Server then owns.
func Serve(l net.Listener, sim *Sim) *Server {
	s := &Server{
		Sim:  sim,
		URL:  "http://" + l.Addr().String(),
		http: &http.Server{Handler: sim, ReadHeaderTimeout: 30 * time.Second},
		done: make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(l) }()
	return s
}

// GraphURL is the value for the bridge's GraphURL key.
func (s *Server) GraphURL() string { return s.URL + "/v1.0" }

// LoginURL is the value for the bridge's LoginURL key.
func (s *Server) LoginURL() string { return s.URL }

// Close cuts all connections and waits until the server has ended.
func (s *Server) Close() error {
	err := errors.Join(s.http.Close(), s.Sim.Close())
	if serveErr := <-s.done; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	s.done <- http.ErrServerClosed // a second Close finds it ended as well
	return err
}

// Shutdown lets running requests finish first.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// newGUID makes a random id in the form of Microsoft's ids.
func newGUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newSecret makes an unguessable opaque value.
func newSecret(prefix string) string {
	b := make([]byte, 24)
	rand.Read(b)
	return prefix + hex.EncodeToString(b)
}
