package mattermost

import (
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/mattermost/mattermost/server/public/model"
)

// postDirect opens the direct channel of two people, always the same one. For
// two others one must be an administrator.
func (s *Server) postDirect(c *call) (any, *model.AppError) {
	ids, err := c.ids()
	if err != nil {
		return nil, err
	}
	if len(ids) == 1 || len(ids) == 2 && ids[0] == ids[1] {
		if ids[0] != c.user.Id {
			return nil, invalidBody()
		}
		ids = []string{ids[0], ids[0]}
	}
	if len(ids) != 2 || !model.IsValidId(ids[0]) || !model.IsValidId(ids[1]) {
		return nil, invalidBody()
	}
	if !slices.Contains(ids, c.user.Id) && !s.isAdmin(c.user) {
		return nil, forbidden()
	}
	a, b := s.users[ids[0]], s.users[ids[1]]
	if a == nil || b == nil {
		return nil, fail("CreateDirectChannel", "api.channel.create_direct_channel.invalid_user.app_error", http.StatusBadRequest)
	}
	there := s.channelByName("", model.GetDMNameFromIds(a.Id, b.Id)) != nil
	if s.opts.RestrictDirectMessage && !there && !s.isAdmin(c.user) && !a.IsBot && !b.IsBot && !s.shareTeam(ids) {
		return nil, fail("createDirectChannel", "api.channel.create_channel.direct_channel.team_restricted_error", http.StatusForbidden)
	}
	c.status = http.StatusCreated
	return &s.direct(a, b).Channel, nil
}

// postGroup opens the group channel of three to eight people; the caller is
// always one of them.
func (s *Server) postGroup(c *call) (any, *model.AppError) {
	ids, err := c.ids()
	if err != nil {
		return nil, err
	}
	ids = append(ids, c.user.Id)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) < model.ChannelGroupMinUsers || len(ids) > model.ChannelGroupMaxUsers {
		return nil, fail("CreateGroupChannel", "api.channel.create_group.bad_size.app_error", http.StatusBadRequest)
	}
	for _, id := range ids {
		if s.users[id] == nil {
			return nil, fail("CreateGroupChannel", "api.channel.create_group.bad_user.app_error", http.StatusBadRequest)
		}
	}
	c.status = http.StatusCreated
	return &s.group(ids).Channel, nil
}

// shareTeam says whether there is a team that all of them are in.
func (s *Server) shareTeam(ids []string) bool {
	for team := range s.teams {
		if !slices.ContainsFunc(ids, func(id string) bool { return !s.users[id].teams[team] }) {
			return true
		}
	}
	return false
}

// restricted says whether nobody may write into a direct or group channel, as its people have no team in common. Bots are no exception.
func (s *Server) restricted(c *channel) bool {
	return s.opts.RestrictDirectMessage && c.TeamId == "" && !s.shareTeam(c.memberIDs())
}

// patchChannel changes the header, which is all that can be changed of a direct or group channel, and there by its members alone. Of channels of
// a team this server knows no changes.
func (s *Server) patchChannel(c *call) (any, *model.AppError) {
	var patch *model.ChannelPatch
	if err := c.decode(&patch); err != nil {
		return nil, err
	}
	ch := s.channels[c.params["channel_id"]]
	switch {
	case patch == nil:
		return nil, invalidBody()
	case ch == nil:
		return nil, noChannel()
	case ch.TeamId != "" || ch.members[c.user.Id] == nil:
		return nil, fail("patchChannel", "api.channel.patch_update_channel.forbidden.app_error", http.StatusForbidden)
	case patch.Name != nil && *patch.Name != ch.Name, patch.DisplayName != nil && *patch.DisplayName != ch.DisplayName, patch.Purpose != nil && *patch.Purpose != ch.Purpose:
		return nil, fail("patchChannel", "api.channel.patch_update_channel.update_direct_or_group_messages_not_allowed.app_error", http.StatusBadRequest)
	case patch.Header != nil && utf8.RuneCountInString(*patch.Header) > model.ChannelHeaderMaxRunes:
		return nil, fail("Channel.IsValid", "model.channel.is_valid.header.app_error", http.StatusBadRequest)
	}
	if patch.Header != nil {
		s.setHeader(c.user, ch, *patch.Header)
	}
	return &ch.Channel, nil
}

// setHeader changes a header: the members are told, and a message of the system stays when it is another one.
func (s *Server) setHeader(by *user, ch *channel, header string) {
	before := ch.Header
	ch.Header, ch.UpdateAt = header, s.nowMillis()
	text, err := toJSON(&ch.Channel)
	if err != nil {
		panic(err) // a channel can be encoded
	}
	e := model.NewWebSocketEvent(model.WebsocketEventChannelUpdated, "", ch.Id, "", nil, "")
	e.Add("channel", text)
	s.publish(e, nil)
	if header != before {
		s.system(by, ch, model.PostTypeHeaderChange, by.Username+" updated the channel header to: "+header,
			model.StringInterface{"username": by.Username, "old_header": before, "new_header": header})
	}
}

// SetHeader lets a member change the header of a channel.
func (s *Server) SetHeader(who, channel, header string) {
	s.locked(func() { s.setHeader(s.mustUser(who), s.mustChannel(channel), header) })
}

// Status says how a user, by name or id, is shown: model.StatusOnline and so on.
func (s *Server) Status(who string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mustUser(who).status
}
