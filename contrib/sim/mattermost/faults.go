package mattermost

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// Fault is what happens to matching requests. Match by Method, Path, User and
// Token; an empty field matches everything.
type Fault struct {
	// Method is the HTTP method.
	Method string
	// Path is a prefix of the path below /api/v4, as sent ("/posts",
	// "/channels/abc"), or of its template ("/posts/{post_id}/patch").
	Path string
	// User is the username or id of the caller.
	User string
	// Token is asked about the token of the caller, which is empty where none is sent.
	Token func(token string) bool

	// Skip lets that many matching requests pass first.
	Skip int
	// Times is how many requests are hit. 0 is one, a negative number is all.
	Times int

	// Delay holds the request before anything happens.
	Delay time.Duration
	// DelayInside holds POST /posts after the pending_post_id was reserved and
	// before the post is stored.
	DelayInside time.Duration
	// DelayAnswer holds the answer after the effect.
	DelayAnswer time.Duration
	// LoseRequest drops the connection before the effect.
	LoseRequest bool
	// LoseAnswer drops the connection after the effect.
	LoseAnswer bool
	// Status, when not 0, is answered instead of an effect: as an AppError with
	// ErrorID, or as Plain text when that is not empty.
	Status  int
	ErrorID string
	Plain   string
	// RetryAfter, when above zero, is sent as Retry-After in seconds, rounded up.
	RetryAfter time.Duration
}

// RandomFaults makes requests fail by chance, the same way for the same seed
// and order of requests. The probabilities are tried in the order given here.
type RandomFaults struct {
	Seed        uint64
	Method      string // as in Fault
	Path        string // as in Fault
	LoseRequest float64
	LoseAnswer  float64
	Status503   float64
	Status429   float64 // plain text, Retry-After 1
	Delay       float64
	MaxDelay    time.Duration
}

// Injected is a fault at work.
type Injected struct {
	faults *faults
	fault  Fault
	skip   int
	left   int // negative: without end
	hits   int
}

// Hits says how many requests the fault has hit.
func (i *Injected) Hits() int {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	return i.hits
}

// Cancel ends the fault.
func (i *Injected) Cancel() {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	i.left = 0
}

type faults struct {
	mu     sync.Mutex
	list   []*Injected
	random *RandomFaults
	source *rand.Rand
}

// Inject makes the next matching requests fail. Of several faults that match,
// the one injected first hits, until it is used up.
func (s *Server) Inject(f Fault) *Injected {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	i := &Injected{faults: &s.faults, fault: f, skip: f.Skip, left: max(f.Times, 1)}
	if f.Times < 0 {
		i.left = -1
	}
	s.faults.list = append(s.faults.list, i)
	return i
}

// SetRandomFaults makes requests fail by chance from now on; nil ends it.
func (s *Server) SetRandomFaults(r *RandomFaults) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.random = nil
	if r != nil {
		own := *r
		s.faults.random, s.faults.source = &own, rand.New(rand.NewPCG(r.Seed, r.Seed))
	}
}

// ClearFaults ends all faults, random ones included.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list, s.faults.random = nil, nil
}

// next returns the fault that hits a request, nil for none.
func (f *faults) next(c *call) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.list {
		if i.left == 0 || !i.fault.matches(c) {
			continue
		}
		if i.skip > 0 {
			i.skip--
			continue
		}
		if i.left > 0 {
			i.left--
		}
		i.hits++
		hit := i.fault
		return &hit
	}
	return f.chance(c)
}

func (f *faults) chance(c *call) *Fault {
	r := f.random
	if r == nil || !(&Fault{Method: r.Method, Path: r.Path}).matches(c) {
		return nil
	}
	switch x := f.source.Float64(); {
	case x < r.LoseRequest:
		return &Fault{LoseRequest: true}
	case x < r.LoseRequest+r.LoseAnswer:
		return &Fault{LoseAnswer: true}
	case x < r.LoseRequest+r.LoseAnswer+r.Status503:
		return &Fault{Status: http.StatusServiceUnavailable, ErrorID: "api.context.server_busy.app_error"}
	case x < r.LoseRequest+r.LoseAnswer+r.Status503+r.Status429:
		return &Fault{Status: http.StatusTooManyRequests, Plain: "limit exceeded", RetryAfter: time.Second}
	case x < r.LoseRequest+r.LoseAnswer+r.Status503+r.Status429+r.Delay:
		return &Fault{Delay: time.Duration(f.source.Float64() * float64(r.MaxDelay))}
	}
	return nil
}

func (f *Fault) matches(c *call) bool {
	if f.Method != "" && f.Method != c.r.Method {
		return false
	}
	if f.User != "" && (c.user == nil || f.User != c.user.Id && f.User != c.user.Username) {
		return false
	}
	if f.Token != nil && !f.Token(c.token) {
		return false
	}
	return strings.HasPrefix(strings.TrimPrefix(c.r.URL.Path, apiPrefix), f.Path) ||
		c.route != nil && strings.HasPrefix(c.route.template, f.Path)
}

// before does what a fault does ahead of the effect. False means that the
// request is done with.
func (s *Server) before(c *call, w http.ResponseWriter, f *Fault) bool {
	s.wait(c.r.Context(), f.Delay)
	if f.LoseRequest {
		s.note(c, 0, "request")
		panic(http.ErrAbortHandler)
	}
	if f.Status == 0 {
		return true
	}
	w.Header().Set("X-Request-Id", c.id)
	w.Header().Set("X-Version-Id", serverVersionID)
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(f.RetryAfter))
	}
	s.note(c, f.Status, "")
	if f.Plain != "" {
		http.Error(w, f.Plain, f.Status)
		return false
	}
	err := model.NewAppError(c.r.URL.Path, f.ErrorID, nil, "", f.Status)
	err.RequestId = c.id
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(err.ToJSON())) // a client that has gone is no concern of ours
	return false
}
