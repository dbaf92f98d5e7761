package memory

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"causeway/bridge"
)

// What people do beside talking. As with talking, no fault meets them, and what cannot be is a mistake of the test: these
// methods panic.

// AddUser makes a user known with all that the service says of them, or changes them; the directory tells of it.
func (s *Service) AddUser(p bridge.Profile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.know(p)
}

func (s *Service) know(p bridge.Profile) {
	s.people[p.ID], s.profiles[p.ID] = p.Author, p
	s.changed = append(s.changed, p.ID)
}

// Alter changes what the service says of a user.
func (s *Service) Alter(u bridge.UserID, change func(*bridge.Profile)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.profile(u)
	change(&p)
	s.know(p)
}

// User gives what the service says of a user.
func (s *Service) User(u bridge.UserID) bridge.Profile {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.profile(u)
}

// ExpireMarks makes the directory refuse all marks that it has given.
func (s *Service) ExpireMarks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.era++
}

// SetMembers says who is in a conversation.
func (s *Service) SetMembers(in bridge.ChannelID, members ...bridge.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channel(in).members = append([]bridge.UserID{}, slices.Sorted(slices.Values(members))...)
}

// SetOwners says who may decide about a channel.
func (s *Service) SetOwners(of bridge.ChannelID, owners ...bridge.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channel(of).owners = owners
}

// Allow makes u sign in at an address of [bridge.Bridge.SignIn]; it gives where the browser is sent to.
func (s *Service) Allow(address string, u bridge.UserID) (back string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	redirect, asked := s.asked(address)
	code := s.secret("code", u)
	s.codes[code] = signIn{user: u, redirect: asked.Get("redirect_uri"), challenge: asked.Get("code_challenge")}
	return s.sent(redirect, url.Values{"code": {code}, "state": {asked.Get("state")}})
}

// Decline makes somebody say no there.
func (s *Service) Decline(address string) (back string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	redirect, asked := s.asked(address)
	return s.sent(redirect, url.Values{"error": {"access_denied"}, "state": {asked.Get("state")}})
}

func (s *Service) asked(address string) (redirect *url.URL, asked url.Values) {
	u, err := url.Parse(address)
	if err != nil || u.Host != "memory.example" || !strings.HasPrefix(u.Path, "/"+string(s.server)+"/") {
		panic(fmt.Sprintf("memory: %q is no sign-in of %s", address, s.server))
	}
	asked = u.Query()
	if redirect, err = url.Parse(asked.Get("redirect_uri")); err != nil {
		panic(fmt.Sprintf("memory: sign-in: %v", err))
	}
	return redirect, asked
}

func (s *Service) sent(redirect *url.URL, answer url.Values) string {
	q := redirect.Query()
	for key, value := range answer {
		q[key] = value
	}
	redirect.RawQuery = q.Encode()
	return redirect.String()
}

// Grants counts what accounts have been given, and keep, to act as u, and which is still good.
func (s *Service) Grants(u bridge.UserID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, g := range s.grants {
		if g.user == u && g.kept {
			n++
		}
	}
	return n
}

// Given counts all that accounts have been given to act as u, by a sign-in or by their own right, and that is still good.
func (s *Service) Given(u bridge.UserID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, g := range s.grants {
		if g.user == u {
			n++
		}
	}
	return n
}

// Setting gives how a person is told of a conversation.
func (s *Service) Setting(u bridge.UserID, in bridge.ChannelID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.settings[seat{in, u}], All)
}

// Set makes a person change that.
func (s *Service) Set(u bridge.UserID, in bridge.ChannelID, setting string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings[seat{in, u}] = setting
}

// Command makes a person type a line such as "/msteams connect" and gives the answer that they alone see. ok is false where no
// account has registered the trigger.
func (s *Service) Command(ctx context.Context, in bridge.ChannelID, u bridge.UserID, line string) (r bridge.Reply, ok bool) {
	words := strings.Fields(line)
	for _, f := range s.reached() {
		for _, t := range f.Triggers() {
			if len(words) > 0 && words[0] == "/"+t.Word {
				return f.Command(ctx, bridge.Command{
					User: u, Conversation: bridge.ConversationID{Server: s.server, Channel: in}, Trigger: t.Word, Words: words[1:],
				}), true
			}
		}
	}
	return bridge.Reply{}, false
}

// Press makes a person press a button. Where the answer replaces a notice, [Service.Notices] shows that.
func (s *Service) Press(ctx context.Context, u bridge.UserID, token string) bridge.Reply {
	var r bridge.Reply
	for _, f := range s.reached() {
		r = f.Press(ctx, bridge.Press{User: u, Token: token})
	}
	if len(r.Replace) == 0 {
		return r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, n := range s.notices {
		if n.User == u && slices.ContainsFunc(n.Choices, func(c bridge.Choice) bool { return c.Token == token }) {
			s.notices[i].Text, s.notices[i].Choices = r.Replace, nil
		}
	}
	return r
}

// Arrive makes people come online.
func (s *Service) Arrive(ctx context.Context, users ...bridge.UserID) {
	s.mu.Lock()
	for _, u := range users {
		s.online[u] = true
	}
	s.mu.Unlock()
	for _, f := range s.reached() {
		if _, ok := f.Awaited(); ok { // there are no teams
			f.Arrived(ctx, users)
		}
	}
}

func (s *Service) reached() []bridge.Front {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.fronts)
}
