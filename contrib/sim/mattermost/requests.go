package mattermost

import (
	"slices"
	"strings"
	"time"
)

// Request is one request the server has seen.
type Request struct {
	At       time.Time
	Method   string
	Path     string // below /api/v4, as sent, without the query
	Query    string
	Template string // "/posts/{post_id}", "" for an unknown path
	Status   int    // as answered, or as it would have been
	User     string // username, "" without a valid token
	Lost     string // "request" or "answer" when a fault lost it
}

// String is "METHOD template".
func (r Request) String() string { return r.Method + " " + r.Template }

// note appends to the log of requests.
func (s *Server) note(c *call, status int, lost string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Request{At: c.at, Method: c.r.Method, Path: strings.TrimPrefix(c.r.URL.Path, apiPrefix), Query: c.r.URL.RawQuery, Status: status, Lost: lost}
	if c.route != nil {
		r.Template = c.route.template
	}
	if c.user != nil {
		r.User = c.user.Username
	}
	s.requests = append(s.requests, r)
}

// Requests returns the requests seen since the start or the last
// [Server.ForgetRequests], in the order in which they were answered.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ForgetRequests empties the log of requests.
func (s *Server) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Counts says how often each "METHOD template" was called, failed and lost
// requests included.
func (s *Server) Counts() map[string]int {
	out := map[string]int{}
	for _, r := range s.Requests() {
		out[r.String()]++
	}
	return out
}
