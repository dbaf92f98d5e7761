package mattermost

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// join adds a user to a channel of a team, tells its members and the user, and
// leaves a system message. It does nothing for a member.
func (s *Server) join(u *user, c *channel, by *user) {
	if c.members[u.Id] != nil {
		return
	}
	s.addMember(c, u)
	for _, e := range []*model.WebSocketEvent{
		model.NewWebSocketEvent(model.WebsocketEventUserAdded, "", c.Id, "", map[string]bool{u.Id: true}, ""),
		model.NewWebSocketEvent(model.WebsocketEventUserAdded, "", c.Id, u.Id, nil, ""),
	} {
		e.Add("user_id", u.Id)
		e.Add("team_id", c.TeamId)
		s.publish(e, nil)
	}
	if by.Id == u.Id {
		s.system(u, c, model.PostTypeJoinChannel, u.Username+" joined the channel.", model.StringInterface{"username": u.Username})
		return
	}
	s.system(by, c, model.PostTypeAddToChannel, u.Username+" added to the channel by "+by.Username+".", model.StringInterface{
		"userId": by.Id, "username": by.Username, "addedUserId": u.Id, "addedUsername": u.Username,
	})
}

func (s *Server) addMember(c *channel, u *user) {
	c.members[u.Id] = &model.ChannelMember{
		ChannelId: c.Id, UserId: u.Id, Roles: "channel_user", SchemeUser: true,
		NotifyProps: model.GetDefaultChannelNotifyProps(), LastUpdateAt: s.nowMillis(),
	}
}

// leave takes a user out of a channel: the members and the user are told, in
// two shapes.
func (s *Server) leave(u *user, c *channel, by *user) {
	if c.members[u.Id] == nil {
		return
	}
	if by.Id == u.Id {
		s.system(u, c, model.PostTypeLeaveChannel, u.Username+" has left the channel.", model.StringInterface{"username": u.Username})
	}
	delete(c.members, u.Id)
	if by.Id != u.Id {
		s.system(by, c, model.PostTypeRemoveFromChannel, u.Username+" was removed from the channel.", model.StringInterface{
			"removedUserId": u.Id, "removedUsername": u.Username,
		})
	}
	members := model.NewWebSocketEvent(model.WebsocketEventUserRemoved, "", c.Id, "", nil, "")
	members.Add("user_id", u.Id)
	members.Add("remover_id", by.Id)
	s.publish(members, nil)
	own := model.NewWebSocketEvent(model.WebsocketEventUserRemoved, "", "", u.Id, nil, "")
	own.Add("channel_id", c.Id)
	own.Add("remover_id", by.Id)
	s.publish(own, nil)
}

// system stores and publishes a message of the system.
func (s *Server) system(u *user, c *channel, kind, text string, props model.StringInterface) string {
	r, err := s.save(u, c, &model.Post{ChannelId: c.Id, Type: kind, Message: text, Props: props})
	if err != nil {
		panic("mattermost: system message: " + err.Error()) // made by us, so always valid
	}
	s.publishPosted(u, c, r, r.client(0), false)
	return r.Id
}

// direct returns the direct channel of two people, and makes it the first time.
func (s *Server) direct(a, b *user) *channel {
	name := model.GetDMNameFromIds(a.Id, b.Id)
	if c := s.channelByName("", name); c != nil {
		return c
	}
	c := s.addChannel(&model.Channel{Name: name, Type: model.ChannelTypeDirect, CreatorId: a.Id})
	for _, pair := range [][2]*user{{a, b}, {b, a}} {
		if c.members[pair[0].Id] != nil {
			continue // a direct channel with oneself
		}
		s.addMember(c, pair[0])
	}
	e := model.NewWebSocketEvent(model.WebsocketEventDirectAdded, "", c.Id, "", nil, "")
	e.Add("creator_id", a.Id)
	e.Add("teammate_id", b.Id)
	s.publish(e, nil)
	return c
}

func (s *Server) group(ids []string) *channel {
	name := model.GetGroupNameFromUserIds(slices.Clone(ids))
	if c := s.channelByName("", name); c != nil {
		return c
	}
	var names []string
	for _, id := range ids {
		names = append(names, s.users[id].Username)
	}
	slices.Sort(names)
	c := s.addChannel(&model.Channel{Name: name, Type: model.ChannelTypeGroup, DisplayName: strings.Join(names, ", ")})
	for _, id := range ids {
		s.addMember(c, s.users[id])
	}
	e := model.NewWebSocketEvent(model.WebsocketEventGroupAdded, "", c.Id, "", nil, "")
	e.Add("teammate_ids", model.ArrayToJSON(ids))
	s.publish(e, nil)
	return c
}

func (s *Server) addChannel(m *model.Channel) *channel {
	m.Id, m.CreateAt = model.NewId(), s.nowMillis()
	m.UpdateAt = m.CreateAt
	c := &channel{Channel: *m, members: map[string]*model.ChannelMember{}, threads: map[string][]*row{}}
	s.channels[c.Id] = c
	return c
}

func (s *Server) publishMember(m *model.ChannelMember) {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // a member can be encoded
	}
	e := model.NewWebSocketEvent(model.WebsocketEventChannelMemberUpdated, "", "", m.UserId, nil, "")
	e.Add("channelMember", string(data))
	s.publish(e, nil)
}
