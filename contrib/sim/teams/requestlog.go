package teams

import "time"

// Request is one request as the log keeps it. Items of a batch are requests of their own, beside the batch.
type Request struct {
	At       time.Time
	Method   string
	Template string // such as /teams/{id}/channels/{id}/messages; empty where there is no such route
	Path     string
	Status   int    // what the service answered; 0 when the connection was cut before it took effect
	App      string // the client id of the app, also when it acts for somebody; empty when not known
	Who      string // the user principal name, or the app's client id; empty when not known
	AppOnly  bool
	Batch    bool // an item of a batch
	Fault    bool // a fault was applied to it
	Lost     bool // it took effect with Status, and its answer was lost
}

// logged is how many requests the log keeps at least.
const logged = 50_000

func (s *Sim) log(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) >= 2*logged {
		s.requests = append([]Request(nil), s.requests[logged:]...)
	}
	s.requests = append(s.requests, r)
}

// Requests gives the log, oldest first; of very many requests the last 50,000 at least.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count tells how many logged requests went to a route; an empty method or template matches all.
func (s *Sim) Count(method, template string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if (method == "" || r.Method == method) && (template == "" || r.Template == template) {
			n++
		}
	}
	return n
}

// Calls counts the logged requests of an app, or with nil of all, by operation: "GET /teams/{id}/channels". Items of a
// batch count, the batch counts, too; a request whose token is not known is nobody's.
func (s *Sim) Calls(a *App) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := map[string]int{}
	for _, r := range s.requests {
		if a == nil || r.App == a.ClientID {
			calls[r.Method+" "+r.Template]++
		}
	}
	return calls
}

// ResetRequests empties the log.
func (s *Sim) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func (r *Request) by(t *token) { r.Who, r.App, r.AppOnly = t.who(), t.app.ClientID, t.user == nil }
