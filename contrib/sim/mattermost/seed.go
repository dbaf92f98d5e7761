package mattermost

import (
	"fmt"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// The methods of this file build a world before or while it is used. They
// panic when asked for nonsense (an unknown name, a name that is taken), which
// in a test is a mistake of the test.

// AddTeam makes an open team.
func (s *Server) AddTeam(name string) *model.Team {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.teamByName(name) != nil {
		panic("mattermost: there is already a team " + name)
	}
	now := s.nowMillis()
	t := &model.Team{Id: model.NewId(), CreateAt: now, UpdateAt: now, Name: name, DisplayName: name,
		Type: model.TeamOpen, AllowOpenInvite: true, InviteId: model.NewId()}
	s.teams[t.Id] = t
	copied := *t
	return &copied
}

// AddUser makes a person with the given additional system roles. The e-mail
// address is name@example.com (of a bot name@localhost). Everybody is told by new_user.
func (s *Server) AddUser(name string, roles ...string) *model.User {
	return s.addUser(name, false, roles)
}

// AddBot makes a bot with the given additional system roles, "system_admin"
// among them for a bot that may do everything, and a token for it.
func (s *Server) AddBot(name string, roles ...string) (*model.User, string) {
	u := s.addUser(name, true, roles)
	return u, s.Token(u.Id)
}

func (s *Server) addUser(name string, bot bool, roles []string) *model.User {
	var out *model.User
	s.locked(func() {
		if s.names[name] != nil {
			panic("mattermost: there is already a user " + name)
		}
		now, host := s.nowMillis(), "example.com"
		if bot {
			host = "localhost"
		}
		u := &user{teams: map[string]bool{}, status: model.StatusOffline, User: model.User{
			Id: model.NewId(), CreateAt: now, UpdateAt: now, LastPictureUpdate: now, Username: name,
			Email: name + "@" + host, EmailVerified: true, IsBot: bot, Locale: "en",
			Roles: strings.Join(append([]string{model.SystemUserRoleId}, roles...), " "),
		}}
		u.SetDefaultNotifications()
		s.users[u.Id], s.names[name] = u, u
		e := model.NewWebSocketEvent(model.WebsocketEventNewUser, "", "", "", nil, "")
		e.Add("user_id", u.Id)
		s.publish(e, nil)
		out = u.DeepCopy()
	})
	return out
}

// Token makes one more token for a user, by name or id.
func (s *Server) Token(who string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	tok := model.NewId()
	s.tokens[tok] = &token{userID: s.mustUser(who).Id}
	return tok
}

// AddToTeam makes users members of a team, by name. Each is told.
func (s *Server) AddToTeam(team string, users ...string) {
	s.locked(func() {
		t := s.teamByName(team)
		if t == nil {
			panic("mattermost: no team " + team)
		}
		for _, who := range users {
			u := s.mustUser(who)
			u.teams[t.Id] = true
			e := model.NewWebSocketEvent(model.WebsocketEventAddedToTeam, "", "", u.Id, nil, "")
			e.Add("team_id", t.Id)
			e.Add("user_id", u.Id)
			s.publish(e, nil)
		}
	})
}

// ChangeUser changes anything about a user: names, roles, address, who manages it. Everybody is told by user_updated.
func (s *Server) ChangeUser(who string, change func(*model.User)) {
	s.locked(func() {
		u := s.mustUser(who)
		change(&u.User)
		u.UpdateAt = s.nowMillis()
		s.publishUser(u)
	})
}

// AddChannel makes a channel of a team: model.ChannelTypeOpen or
// model.ChannelTypePrivate. It has no members yet.
func (s *Server) AddChannel(team, name string, kind model.ChannelType) *model.Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teamByName(team)
	if t == nil {
		panic("mattermost: no team " + team)
	}
	if s.channelByName(t.Id, name) != nil {
		panic("mattermost: there is already a channel " + team + "/" + name)
	}
	c := s.addChannel(&model.Channel{TeamId: t.Id, Name: name, DisplayName: name, Type: kind})
	copied := c.Channel
	return &copied
}

// Join lets users join a channel, their team first where needed. As on the real
// server each leaves a system message in the channel.
func (s *Server) Join(channel string, users ...string) {
	s.locked(func() {
		c := s.mustChannel(channel)
		for _, who := range users {
			u := s.mustUser(who)
			if c.TeamId == "" {
				panic("mattermost: the members of a direct channel are fixed")
			}
			u.teams[c.TeamId] = true
			s.join(u, c, u)
		}
	})
}

// Leave lets users leave a channel.
func (s *Server) Leave(channel string, users ...string) {
	s.locked(func() {
		c := s.mustChannel(channel)
		for _, who := range users {
			u := s.mustUser(who)
			s.leave(u, c, u)
		}
	})
}

// Remove lets one user take another out of a channel.
func (s *Server) Remove(by, channel, who string) {
	s.locked(func() { s.leave(s.mustUser(who), s.mustChannel(channel), s.mustUser(by)) })
}

// Direct returns the direct channel of two users; it is made if need be.
func (s *Server) Direct(a, b string) *model.Channel {
	var out model.Channel
	s.locked(func() { out = s.direct(s.mustUser(a), s.mustUser(b)).Channel })
	return &out
}

// Group returns the group channel of exactly these users.
func (s *Server) Group(users ...string) *model.Channel {
	var out model.Channel
	s.locked(func() {
		var ids []string
		for _, who := range users {
			ids = append(ids, s.mustUser(who).Id)
		}
		out = s.group(ids).Channel
	})
	return &out
}

// Archive archives a channel or brings it back.
func (s *Server) Archive(channel string, archived bool) {
	s.locked(func() {
		c := s.mustChannel(channel)
		kind := model.WebsocketEventChannelRestored
		c.DeleteAt, c.UpdateAt = 0, s.nowMillis()
		if archived {
			kind, c.DeleteAt = model.WebsocketEventChannelDeleted, c.UpdateAt
		}
		e := model.NewWebSocketEvent(kind, c.TeamId, "", "", nil, "")
		e.Add("channel_id", c.Id)
		e.Add("delete_at", c.DeleteAt)
		s.publish(e, nil)
	})
}

// Rename changes what a channel is called on the screen; its members are told.
func (s *Server) Rename(channel, displayName string) {
	s.locked(func() {
		c := s.mustChannel(channel)
		c.DisplayName, c.UpdateAt = displayName, s.nowMillis()
		text, err := toJSON(&c.Channel)
		if err != nil {
			panic(err) // a channel can be encoded
		}
		e := model.NewWebSocketEvent(model.WebsocketEventChannelUpdated, "", c.Id, "", nil, "")
		e.Add("channel", text)
		s.publish(e, nil)
	})
}

// mustUser finds a user by name or id.
func (s *Server) mustUser(who string) *user {
	if u := s.names[who]; u != nil {
		return u
	}
	if u := s.users[who]; u != nil {
		return u
	}
	panic(fmt.Sprintf("mattermost: no user %q", who))
}

// mustChannel finds a channel by id or as team/channel.
func (s *Server) mustChannel(channel string) *channel {
	if c := s.channels[channel]; c != nil {
		return c
	}
	if team, name, ok := strings.Cut(channel, "/"); ok {
		if t := s.teamByName(team); t != nil {
			if c := s.channelByName(t.Id, name); c != nil {
				return c
			}
		}
	}
	panic(fmt.Sprintf("mattermost: no channel %q", channel))
}
