package mattermost

import (
	"slices"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// CutWebsockets drops all open sockets without a close frame and waits until
// the server has noticed. Resumable says whether their connections are kept, so
// that a client can go on where it was.
func (s *Server) CutWebsockets(resumable bool) {
	s.cut(everybody, resumable)
}

// CutWebsocketsOf is CutWebsockets for the sockets of one user, by name or id.
func (s *Server) CutWebsocketsOf(who string, resumable bool) {
	s.mu.Lock()
	id := s.mustUser(who).Id
	s.mu.Unlock()
	s.cut(func(c *connection) bool { return c.userID == id }, resumable)
}

// CutWebsocketsWith is CutWebsockets for the sockets of those tokens.
func (s *Server) CutWebsocketsWith(token func(string) bool, resumable bool) {
	s.cut(func(c *connection) bool { return token(c.token) }, resumable)
}

func everybody(*connection) bool { return true }

// ForgetConnections makes the server forget the connections that have no
// socket: resuming them fails, and the client gets a hello with another id.
func (s *Server) ForgetConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = slices.DeleteFunc(s.conns, func(c *connection) bool { return c.socket == nil })
}

// cut drops sockets and waits until their connections are without one. What is
// not to be kept is forgotten first, so that no client can be quick enough to
// resume.
func (s *Server) cut(which func(*connection) bool, keep bool) {
	s.mu.Lock()
	var cut []*socket
	for k := range s.sockets {
		if which(k.conn) {
			cut = append(cut, k)
		}
	}
	if !keep {
		s.conns = slices.DeleteFunc(s.conns, which)
	}
	s.mu.Unlock()
	for _, k := range cut {
		_ = k.ws.Close() // whatever it says, the socket is gone
	}
	for _, k := range cut {
		<-k.done
	}
}

// Sockets says how many authenticated sockets a user, by name or id, has open.
func (s *Server) Sockets(who string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, n := s.mustUser(who).Id, 0
	for k := range s.sockets {
		if k.conn.userID == id {
			n++
		}
	}
	return n
}

// SetOutage makes the whole server unreachable, or ends that: connections are
// dropped without an answer, open sockets are cut (and can be resumed later).
// Requests under way are finished.
func (s *Server) SetOutage(on bool) {
	s.mu.Lock()
	s.outage = on
	s.mu.Unlock()
	if on {
		s.cut(everybody, true)
	}
}

// Restart forgets what a restart of the real server forgets: all sockets, the
// connections that could be resumed, the pending_post_ids, who is online.
func (s *Server) Restart() {
	s.cut(everybody, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetPending()
	s.started = s.now()
	for _, u := range s.users {
		if !u.manual && !s.connected(u.Id) {
			u.status = model.StatusOffline
		}
	}
}

// RevokeToken makes a token invalid. REST calls with it are 401; its open
// sockets become zombies: they stay open, get no events, and fail at "ping".
func (s *Server) RevokeToken(tok string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[tok]; t != nil {
		t.revoked = true
	}
	s.blind(func(c *connection) bool { return c.token == tok })
}

// RestoreToken makes a revoked token valid again. Zombies stay zombies.
func (s *Server) RestoreToken(tok string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[tok]; t != nil {
		t.revoked = false
	}
}

// blind takes the authentication of connections away for good.
func (s *Server) blind(which func(*connection) bool) {
	for _, c := range s.conns {
		if which(c) {
			c.token = ""
		}
	}
}

// SetActive deactivates a user or brings one back, by name or id. Everybody is
// told by user_updated; tokens work again afterwards, zombies stay zombies.
func (s *Server) SetActive(who string, active bool) {
	s.locked(func() { s.activate(s.mustUser(who), active) })
}

func (s *Server) activate(u *user, active bool) {
	u.UpdateAt = s.nowMillis()
	u.DeleteAt = 0
	if !active {
		u.DeleteAt = u.UpdateAt
		s.blind(func(c *connection) bool { return c.userID == u.Id })
	}
	s.publishUser(u)
}

// publishUser tells everybody about a changed user: others see a sanitised
// copy, administrators and the user a fuller one.
func (s *Server) publishUser(u *user) {
	omit := map[string]bool{u.Id: true}
	admins := model.NewWebSocketEvent(model.WebsocketEventUserUpdated, "", "", "", omit, "")
	full := u.DeepCopy()
	full.SanitizeProfile(map[string]bool{"email": true, "fullname": true, "authservice": true}, true)
	admins.Add("user", full)
	admins.GetBroadcast().ContainsSensitiveData = true
	s.publish(admins, nil)
	people := model.NewWebSocketEvent(model.WebsocketEventUserUpdated, "", "", "", omit, "")
	plain := u.DeepCopy()
	plain.SanitizeProfile(map[string]bool{"email": !s.opts.HideEmail, "fullname": true}, false)
	people.Add("user", plain)
	people.GetBroadcast().ContainsSanitizedData = true
	s.publish(people, nil)
	own := model.NewWebSocketEvent(model.WebsocketEventUserUpdated, "", "", u.Id, nil, "")
	mine := u.DeepCopy()
	mine.Sanitize(map[string]bool{})
	own.Add("user", mine)
	s.publish(own, nil)
}

// Ephemerals returns the ephemeral posts sent so far, oldest first.
func (s *Server) Ephemerals() []Ephemeral {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ephemerals)
}

// Secrets gives all that must never be shown or logged: tokens of every kind, also dead ones, and the secrets of apps and commands.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.buried)
	for text, t := range s.tokens {
		all = append(all, text)
		if t.refresh != "" {
			all = append(all, t.refresh)
		}
	}
	for _, a := range s.apps {
		all = append(all, a.ClientSecret)
	}
	for _, k := range s.commands {
		all = append(all, k.Token)
	}
	return all
}

// bury forgets a token, whose sockets become zombies.
func (s *Server) bury(text string) {
	if t := s.tokens[text]; t != nil {
		s.buried = append(s.buried, text)
		if t.refresh != "" {
			s.buried = append(s.buried, t.refresh)
		}
	}
	delete(s.tokens, text)
	s.blind(func(c *connection) bool { return c.token == text })
}

// ExpireAccess makes the OAuth 2.0 access tokens of a user end; their refresh tokens stay good.
func (s *Server) ExpireAccess(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.mustUser(who).Id
	for _, t := range s.tokens {
		if t.app != "" && t.userID == id {
			t.expires = s.now().Add(-time.Second)
		}
	}
}

// ReadBetween makes the server tell only of the first n files of a post from now on, although file_ids has all: what a real server does
// when somebody reads the post while its files are being attached, since it remembers what it found.
func (s *Server) ReadBetween(postID string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.posts[postID]
	r.files = r.files[:n]
}
