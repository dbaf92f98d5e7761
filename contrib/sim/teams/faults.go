package teams

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Fault makes matching requests fail. Empty conditions match everything; all of them must match.
type Fault struct {
	// Method is the HTTP method.
	Method string
	// Template is the route as the log shows it, such as /teams/{id}/channels/{id}/messages, or
	// /{tenant}/oauth2/v2.0/token. With a * at its end, everything that begins so.
	Template string
	// Where is asked last; it must not call the Sim.
	Where func(*http.Request) bool
	// Skip lets so many matching requests pass first.
	Skip int
	// Times is how many matching requests fail; 0 means one, a negative number means all until the fault is removed.
	Times int

	// Status is answered in place of the real answer.
	Status int
	// RetryAfter is sent with it, rounded up to whole seconds; 0 sends no such header.
	RetryAfter time.Duration
	// Code and Message fill the error body; the code follows from the status where it is empty. For Entra the code is
	// the error (such as invalid_grant) and the message its description.
	Code, Message string
	// AADSTS is the number of an error of the login service, see LoginErrors: status, code and message follow from it where
	// they are empty.
	AADSTS int
	// Drop cuts the connection instead of answering.
	Drop bool
	// AfterEffect lets the request take effect first: with Drop the answer is lost, with Status it is a lie.
	AfterEffect bool
	// Delay waits before anything else happens, or until the client has gone. A Fault with only a Delay is just slow.
	Delay time.Duration
}

// Inject adds a fault and gives the function that removes it. The fault that was injected first wins.
func (s *Sim) Inject(f Fault) (remove func()) {
	if f.Times == 0 {
		f.Times = 1
	}
	f.fill()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(x *Fault) bool { return x == &f })
	}
}

// ClearFaults removes all injected faults, the chaos and the outage.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.chaos, s.outage = nil, nil, nil
}

// Outage makes every request fail with a status until ClearFaults or EndOutage; status 0 cuts every connection.
func (s *Sim) Outage(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = &Fault{Status: status, Drop: status == 0}
}

// EndOutage ends an Outage.
func (s *Sim) EndOutage() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = nil
}

// Chaos makes requests fail at random. The probabilities are of each request by itself, and add up to at most 1. Items
// of a batch are drawn for one by one, the batch itself not.
type Chaos struct {
	Seed        uint64
	Throttled   float64 // 429 with a Retry-After
	Failed      float64 // 500, 502, 503 or 504 before it took effect
	FailedAfter float64 // the same after it took effect
	LoseRequest float64 // connection cut before it took effect
	LoseAnswer  float64 // connection cut after it took effect
	// RetryAfter goes with Throttled; 0 means one second.
	RetryAfter time.Duration
	// Match limits it to some requests; nil means all of them, Entra's too. It must not call the Sim.
	Match func(*http.Request) bool
}

type chaosState struct {
	Chaos
	random *rand.Rand
}

// SetChaos starts, or with the zero value ends, failing at random.
func (s *Sim) SetChaos(c Chaos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.RetryAfter == 0 {
		c.RetryAfter = time.Second
	}
	s.chaos = &chaosState{Chaos: c, random: rand.New(rand.NewPCG(c.Seed, 0))}
}

// planned is what is to happen to one request.
type planned struct {
	delay  time.Duration
	drops  bool
	after  bool
	status int
	fault  Fault
}

func (p planned) refusal() *graphError {
	e := &graphError{status: p.status, code: p.fault.Code, message: p.fault.Message, retryAfter: p.fault.RetryAfter}
	if e.code == "" {
		e.code = statusCode(p.status)
	}
	if e.message == "" {
		e.message = "The service failed on purpose."
	}
	return e
}

// fault decides what happens to a request.
func (s *Sim) fault(entry *Request, r *http.Request) planned {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outage != nil {
		entry.Fault = true
		return plan(*s.outage)
	}
	for i, f := range s.faults {
		if !f.matches(entry, r) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		entry.Fault = true
		return plan(*f)
	}
	if s.chaos != nil && !strings.HasSuffix(entry.Template, "$batch") && (s.chaos.Match == nil || s.chaos.Match(r)) {
		if f, ok := s.chaos.draw(); ok {
			entry.Fault = true
			return plan(f)
		}
	}
	return planned{}
}

func plan(f Fault) planned {
	return planned{delay: f.Delay, drops: f.Drop, after: f.AfterEffect && (f.Drop || f.Status != 0), status: f.Status, fault: f}
}

func (f *Fault) matches(entry *Request, r *http.Request) bool {
	if f.Method != "" && f.Method != entry.Method {
		return false
	}
	if start, ok := strings.CutSuffix(f.Template, "*"); ok {
		if !strings.HasPrefix(entry.Template, start) {
			return false
		}
	} else if f.Template != "" && f.Template != entry.Template {
		return false
	}
	return f.Where == nil || f.Where(r)
}

func (c *chaosState) draw() (Fault, bool) {
	p := c.random.Float64()
	failed := []int{500, 502, 503, 504}[c.random.IntN(4)]
	for _, choice := range []struct {
		probability float64
		fault       Fault
	}{
		{c.Throttled, Fault{Status: http.StatusTooManyRequests, RetryAfter: c.RetryAfter}},
		{c.Failed, Fault{Status: failed}},
		{c.FailedAfter, Fault{Status: failed, AfterEffect: true}},
		{c.LoseRequest, Fault{Drop: true}},
		{c.LoseAnswer, Fault{Drop: true, AfterEffect: true}},
	} {
		if p < choice.probability {
			return choice.fault, true
		}
		p -= choice.probability
	}
	return Fault{}, false
}

// await waits, or until the client has gone.
func (s *Sim) await(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}
