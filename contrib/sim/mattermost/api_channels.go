package mattermost

import (
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

func (s *Server) getTeams(c *call) (any, *model.AppError) {
	page, perPage := c.page()
	return cutPage(s.sortedTeams(func(t *model.Team) bool {
		return s.isAdmin(c.user) || t.AllowOpenInvite
	}), page, perPage), nil
}

func (s *Server) getTeamsOfUser(c *call) (any, *model.AppError) {
	u := c.userParam()
	if !s.mayActFor(c.user, u) {
		return nil, forbidden()
	}
	if u == nil {
		return nil, noUser()
	}
	return s.sortedTeams(func(t *model.Team) bool { return u.teams[t.Id] }), nil
}

func (s *Server) sortedTeams(keep func(*model.Team) bool) []*model.Team {
	out := []*model.Team{}
	for _, t := range s.teams {
		if keep(t) {
			out = append(out, t)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func (s *Server) getTeam(c *call) (any, *model.AppError) {
	t := s.teams[c.params["team_id"]]
	if t == nil {
		return nil, fail("GetTeam", "app.team.get.find.app_error", http.StatusNotFound)
	}
	return s.oneTeam(c, t)
}

func (s *Server) getTeamByName(c *call) (any, *model.AppError) {
	t := s.teamByName(c.params["team"])
	if t == nil {
		return nil, fail("GetTeamByName", "app.team.get_by_name.missing.app_error", http.StatusNotFound)
	}
	return s.oneTeam(c, t)
}

func (s *Server) oneTeam(c *call, t *model.Team) (any, *model.AppError) {
	if !t.AllowOpenInvite && !s.mayInTeam(c.user, t.Id, "view_team") {
		return nil, forbidden()
	}
	return t, nil
}

func (s *Server) getTeamMember(c *call) (any, *model.AppError) {
	team := c.params["team_id"]
	if !s.mayInTeam(c.user, team, "view_team") {
		return nil, forbidden()
	}
	u := c.userParam()
	if u == nil || !u.teams[team] {
		return nil, fail("GetTeamMember", "app.team.get_member.missing.app_error", http.StatusNotFound)
	}
	return &model.TeamMember{TeamId: team, UserId: u.Id, Roles: model.TeamUserRoleId, SchemeUser: true}, nil
}

// getTeamMembershipsOfUser tells the user's roles in each team.
func (s *Server) getTeamMembershipsOfUser(c *call) (any, *model.AppError) {
	u := c.userParam()
	if u == nil || u != c.user && !s.may(c.user, "read_other_users_teams") {
		return nil, forbidden()
	}
	out := []*model.TeamMember{}
	for _, t := range s.sortedTeams(func(t *model.Team) bool { return u.teams[t.Id] }) {
		out = append(out, &model.TeamMember{TeamId: t.Id, UserId: u.Id, Roles: model.TeamUserRoleId, SchemeUser: true})
	}
	return out, nil
}

// getPublicChannels lists the public channels of a team, joined or not.
func (s *Server) getPublicChannels(c *call) (any, *model.AppError) {
	team := c.params["team_id"]
	if !s.mayInTeam(c.user, team, "list_team_channels") {
		return nil, forbidden()
	}
	out := []*model.Channel{}
	for _, ch := range s.channels {
		if ch.TeamId == team && ch.Type == model.ChannelTypeOpen && ch.DeleteAt == 0 {
			out = append(out, &ch.Channel)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].DisplayName < out[j].DisplayName })
	page, perPage := c.page()
	return cutPage(out, page, perPage), nil
}

func (s *Server) getChannelByName(c *call) (any, *model.AppError) {
	return s.namedChannel(c, c.params["team_id"])
}

func (s *Server) getChannelByNames(c *call) (any, *model.AppError) {
	t := s.teamByName(c.params["team"])
	if t == nil {
		return nil, fail("GetChannelByNameForTeamName", "app.team.get_by_name.missing.app_error", http.StatusNotFound)
	}
	return s.namedChannel(c, t.Id)
}

// namedChannel hides private channels from strangers behind a 404; archived
// ones are found only on request.
func (s *Server) namedChannel(c *call, teamID string) (any, *model.AppError) {
	missing := fail("GetChannelByName", "app.channel.get_by_name.missing.app_error", http.StatusNotFound)
	ch := s.channelByName(teamID, c.params["channel"])
	if ch == nil || ch.DeleteAt != 0 && c.r.URL.Query().Get("include_deleted") != "true" {
		return nil, missing
	}
	if s.maySee(c.user, ch) {
		return &ch.Channel, nil
	}
	if ch.Type == model.ChannelTypeOpen {
		return nil, forbidden()
	}
	return nil, missing
}

func (s *Server) getChannel(c *call) (any, *model.AppError) {
	ch := s.channels[c.params["channel_id"]]
	if ch == nil {
		return nil, noChannel()
	}
	if !s.maySee(c.user, ch) {
		return nil, forbidden()
	}
	return &ch.Channel, nil
}

func (s *Server) getChannelsOfUserInTeam(c *call) (any, *model.AppError) {
	team := c.params["team_id"]
	if !s.mayInTeam(c.user, team, "view_team") {
		return nil, forbidden()
	}
	out, err := s.listChannels(c, func(ch *channel) bool { return ch.TeamId == team || ch.TeamId == "" })
	if err != nil {
		return nil, err
	}
	if c.fresh(out.Etag()) {
		return notModified{}, nil
	}
	return out, nil
}

// getChannelsOfUser lists them by id, and knows no conditional requests: the real server writes the list while it reads it.
func (s *Server) getChannelsOfUser(c *call) (any, *model.AppError) {
	out, err := s.listChannels(c, func(*channel) bool { return true })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b *model.Channel) int { return strings.Compare(a.Id, b.Id) })
	return out, nil
}

// listChannels lists the channels a user is in, direct and group ones included.
func (s *Server) listChannels(c *call, keep func(*channel) bool) (model.ChannelList, *model.AppError) {
	if !s.mayActFor(c.user, c.userParam()) {
		return nil, forbidden()
	}
	deleted := c.r.URL.Query().Get("include_deleted") == "true"
	out := model.ChannelList{}
	for _, ch := range s.channelsOf(c.userID(), keep) {
		if ch.DeleteAt == 0 || deleted {
			out = append(out, &ch.Channel)
		}
	}
	if len(out) == 0 {
		return nil, fail("GetChannelsForUser", "app.channel.get_channels.not_found.app_error", http.StatusNotFound)
	}
	return out, nil
}

func (s *Server) getMembershipsOfUser(c *call) (any, *model.AppError) {
	if !s.mayActFor(c.user, c.userParam()) {
		return nil, forbidden()
	}
	out := model.ChannelMembersWithTeamData{}
	for _, ch := range s.channelsOf(c.userID(), func(ch *channel) bool { return ch.DeleteAt == 0 }) {
		m := model.ChannelMemberWithTeamData{ChannelMember: *ch.members[c.userID()]}
		if t := s.teams[ch.TeamId]; t != nil {
			m.TeamDisplayName, m.TeamName, m.TeamUpdateAt = t.DisplayName, t.Name, t.UpdateAt
		}
		out = append(out, m)
	}
	page, perPage := c.page()
	return cutPage(out, page, perPage), nil
}

// inChannel returns the channel in the path if the caller has a permission in
// it. An unknown channel is 403, not 404.
func (c *call) inChannel(permission string) (*channel, *model.AppError) {
	ch := c.s.channels[c.params["channel_id"]]
	if !c.s.mayInChannel(c.user, ch, permission) {
		return nil, forbidden()
	}
	return ch, nil
}

func (s *Server) getMembers(c *call) (any, *model.AppError) {
	ch, err := c.inChannel("read_channel")
	if err != nil {
		return nil, err
	}
	out := model.ChannelMembers{}
	for _, id := range ch.memberIDs() {
		out = append(out, s.shownMember(c.user, ch.members[id]))
	}
	page, perPage := c.page()
	return cutPage(out, page, perPage), nil
}

func (s *Server) shownMember(viewer *user, m *model.ChannelMember) model.ChannelMember {
	out := *m
	if out.UserId != viewer.Id { // when others were last there is nobody's business
		out.LastViewedAt, out.LastUpdateAt = -1, -1
	}
	return out
}

func (s *Server) getMember(c *call) (any, *model.AppError) {
	ch, err := c.inChannel("read_channel")
	if err != nil {
		return nil, err
	}
	m := ch.members[c.userID()]
	if m == nil {
		return nil, fail("GetChannelMember", "app.channel.get_member.missing.app_error", http.StatusNotFound)
	}
	return s.shownMember(c.user, m), nil
}

// postMember adds somebody to a channel: oneself to a public one of one's
// team, others if one is a member.
func (s *Server) postMember(c *call) (any, *model.AppError) {
	var req struct {
		UserID string `json:"user_id"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	ch := s.channels[c.params["channel_id"]]
	if ch == nil {
		return nil, noChannel()
	}
	if ch.TeamId == "" {
		return nil, fail("addUserToChannel", "api.channel.add_user_to_channel.type.app_error", http.StatusBadRequest)
	}
	permission := "manage_public_channel_members"
	if ch.Type == model.ChannelTypePrivate {
		permission = "manage_private_channel_members"
	}
	joining := req.UserID == c.user.Id && ch.Type == model.ChannelTypeOpen && s.mayInTeam(c.user, ch.TeamId, "join_public_channels")
	if !joining && !s.mayInChannel(c.user, ch, permission) {
		return nil, forbidden()
	}
	u := s.users[req.UserID]
	switch {
	case u == nil:
		return nil, noUser()
	case !u.teams[ch.TeamId]:
		return nil, fail("AddUserToChannel", "app.team.get_member.missing.app_error", http.StatusNotFound)
	case ch.DeleteAt != 0:
		return nil, fail("AddUserToChannel", "api.channel.add_user_to_channel.deleted.app_error", http.StatusBadRequest)
	}
	c.status = http.StatusCreated
	s.join(u, ch, c.user)
	return s.shownMember(c.user, ch.members[u.Id]), nil
}

func (s *Server) deleteMember(c *call) (any, *model.AppError) {
	ch := s.channels[c.params["channel_id"]]
	if ch == nil {
		return nil, noChannel()
	}
	if ch.TeamId == "" {
		return nil, fail("removeChannelMember", "api.channel.remove_channel_member.type.app_error", http.StatusBadRequest)
	}
	if c.userID() != c.user.Id && !s.mayInChannel(c.user, ch, "manage_public_channel_members") {
		return nil, forbidden()
	}
	if ch.members[c.userID()] == nil {
		return nil, fail("GetChannelMember", "app.channel.get_member.missing.app_error", http.StatusNotFound)
	}
	s.leave(s.users[c.userID()], ch, c.user)
	return statusOK, nil
}

// putNotifyProps merges; unknown keys are dropped, values are not checked.
func (s *Server) putNotifyProps(c *call) (any, *model.AppError) {
	var props map[string]string
	if err := c.decode(&props); err != nil {
		return nil, err
	}
	if !s.mayActFor(c.user, c.userParam()) {
		return nil, forbidden()
	}
	ch := s.channels[c.params["channel_id"]]
	if ch == nil || ch.members[c.userID()] == nil {
		return nil, fail("GetChannelMember", "app.channel.get_member.missing.app_error", http.StatusNotFound)
	}
	m := ch.members[c.userID()]
	known := []string{"desktop", "email", "push", "mark_unread", "ignore_channel_mentions", "channel_auto_follow_threads"}
	for k, v := range props {
		if slices.Contains(known, k) {
			m.NotifyProps[k] = v
		}
	}
	m.LastUpdateAt = s.nowMillis()
	s.publishMember(m)
	return statusOK, nil
}
