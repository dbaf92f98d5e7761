package mattermost

import (
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// What the built-in roles may do, as far as this server asks. A system
// administrator may do everything.
var (
	channelUserMay = []string{
		"read_channel", "read_channel_content", "create_post", "edit_post", "delete_post",
		"add_reaction", "remove_reaction", "use_channel_mentions",
		"manage_public_channel_members", "manage_private_channel_members",
	}
	teamUserMay   = []string{"list_team_channels", "join_public_channels", "read_public_channel", "view_team"}
	systemUserMay = []string{"create_direct_channel", "create_group_channel", "list_public_teams", "view_members"}
	systemRoleMay = map[string][]string{
		"system_user":              systemUserMay,
		"system_post_all":          {"create_post", "use_channel_mentions"},
		"system_user_access_token": {"create_user_access_token", "read_user_access_token", "revoke_user_access_token"},
	}
)

func (s *Server) isAdmin(u *user) bool {
	return slices.Contains(strings.Fields(u.Roles), model.SystemAdminRoleId)
}

// may says whether one of the user's system roles grants a permission.
func (s *Server) may(u *user, permission string) bool {
	if s.isAdmin(u) {
		return true
	}
	for _, role := range strings.Fields(u.Roles) {
		if slices.Contains(systemRoleMay[role], permission) || slices.Contains(s.rolePermissions[role], permission) {
			return true
		}
	}
	return false
}

func (s *Server) mayInTeam(u *user, teamID, permission string) bool {
	if teamID != "" && u.teams[teamID] && slices.Contains(teamUserMay, permission) {
		return true
	}
	return s.may(u, permission)
}

// mayInChannel is SessionHasPermissionToChannel: false when there is no channel.
func (s *Server) mayInChannel(u *user, c *channel, permission string) bool {
	if c == nil {
		return false
	}
	if c.members[u.Id] != nil && slices.Contains(channelUserMay, permission) {
		return true
	}
	return s.mayInTeam(u, c.TeamId, permission)
}

// mayRead says whether a user may read the posts of a channel: its members, and
// for a public channel everybody in its team.
func (s *Server) mayRead(u *user, c *channel) bool {
	return s.mayInChannel(u, c, "read_channel_content") ||
		c.Type == model.ChannelTypeOpen && s.mayInTeam(u, c.TeamId, "read_public_channel")
}

// maySee says whether a user may see that a channel exists.
func (s *Server) maySee(u *user, c *channel) bool {
	return s.mayInChannel(u, c, "read_channel") ||
		c.Type == model.ChannelTypeOpen && s.mayInTeam(u, c.TeamId, "read_public_channel")
}

// mayActFor is SessionHasPermissionToUser: oneself, or edit_other_users, which
// does not reach administrators.
func (s *Server) mayActFor(u, other *user) bool {
	if other == nil {
		return s.isAdmin(u)
	}
	if u.Id == other.Id || s.isAdmin(u) {
		return true
	}
	return s.may(u, "edit_other_users") && !s.isAdmin(other)
}
