package stage

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"causeway/contrib/sim/teams"
)

// Fault is something that can be made to go wrong, and be put right again.
type Fault struct {
	Name   string `json:"name"`  // as the API has it
	Label  string `json:"label"` // on its button
	What   string `json:"what"`  // what happens then, in a sentence
	Status string `json:"-"`     // what is wrong now, as part of a sentence
	// Set makes it go wrong or puts it right.
	Set func(on bool) error `json:"-"`
}

// Names of the faults that the stage itself has.
const (
	Throttle = "throttle"
	Lose     = "lose"
	Cut      = "cut"
)

// retryAfter is what Graph says while it throttles: short, so that one sees it end.
const retryAfter = time.Second

func (c *contoso) faults() []Fault {
	var unthrottle, find func()
	return []Fault{
		{
			Name: Throttle, Label: "Throttle Graph", Status: "Graph answers “429 Too Many Requests”",
			What: "Graph answers every request about messages with “429 Too Many Requests, come back in a second”.",
			Set: toggle(&unthrottle, func() func() {
				return c.server.Inject(teams.Fault{Where: isMessages, Status: http.StatusTooManyRequests, RetryAfter: retryAfter, Times: -1})
			}),
		},
		{
			Name: Lose, Label: "Lose answers", Status: "every second answer of Graph to a new message gets lost",
			What: "Teams takes every second new message, but its answer never reaches Causeway, which cannot know what became of it and has to look.",
			Set: toggle(&find, func() func() {
				return c.server.Inject(teams.Fault{Where: c.losesNext, Drop: true, AfterEffect: true, Times: -1})
			}),
		},
	}
}

// isMessages picks all that is about channels, chats and what is said in them.
func isMessages(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/teams/") || strings.Contains(r.URL.Path, "/chats")
}

// losesNext picks every second request that makes a message; whatever it picks gets no answer.
func (c *contoso) losesNext(r *http.Request) bool {
	path := r.URL.Path
	if r.Method != http.MethodPost || !strings.HasSuffix(path, "/messages") && !strings.HasSuffix(path, "/replies") && !strings.HasSuffix(path, "/replyWithQuote") {
		return false
	}
	if c.losing.Add(1)%2 == 0 {
		return false
	}
	c.lost.Add(1)
	return true
}

// LostAnswers gives how many answers of Graph to a new message have been lost so far.
func (s *Stage) LostAnswers() int { return int(s.contoso.lost.Load()) }

// toggle remembers how to end what begin has begun.
func toggle(end *func(), begin func() func()) func(bool) error {
	return func(on bool) error {
		if *end != nil {
			(*end)()
			*end = nil
		}
		if on {
			*end = begin()
		}
		return nil
	}
}

// Faults gives what can be made to go wrong, in the order in which it is offered.
func (s *Stage) Faults() []Fault { return s.faults }

// FaultOn reports whether a fault is at work.
func (s *Stage) FaultOn(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on[name]
}

// SetFault makes something go wrong, or puts it right.
func (s *Stage) SetFault(name string, on bool) error {
	for _, f := range s.faults {
		if f.Name != name {
			continue
		}
		s.mu.Lock()
		err := f.Set(on)
		if err == nil {
			s.on[name] = on
			s.trouble.note(on)
		}
		s.mu.Unlock()
		s.judgeCalm()
		s.Town.Changed.Ring()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Label, err)
		}
		return nil
	}
	return fmt.Errorf("there is no fault %q", name)
}

// Kill is kill -9 of Causeway.
func (s *Stage) Kill() {
	s.Operator.Kill()
	s.mu.Lock()
	s.trouble.note(true)
	s.mu.Unlock()
	s.Town.Changed.Ring()
}

// Start starts Causeway again.
func (s *Stage) Start() error { return s.Operator.Start() }
