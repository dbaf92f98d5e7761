package mattermost

import (
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// builtInRoles are what the built-in roles may do, as far as this server asks. A system administrator may do
// everything: that role holds no list here.
func builtInRoles() map[string][]string {
	return map[string][]string{
		"channel_user": {
			"read_channel", "read_channel_content", "create_post", "edit_post", "delete_post",
			"add_reaction", "remove_reaction", "use_channel_mentions", "upload_file",
			"manage_public_channel_members", "manage_private_channel_members",
		},
		"team_user":                 {"list_team_channels", "join_public_channels", "read_public_channel", "view_team"},
		"system_user":               {"create_direct_channel", "create_group_channel", "list_public_teams", "view_members"},
		"system_post_all":           {"create_post", "use_channel_mentions"},
		"system_user_access_token":  {"create_user_access_token", "read_user_access_token", "revoke_user_access_token"},
		"system_custom_group_admin": {},
		"system_admin":              {},
	}
}

// Forbid takes a permission from a role, as PUT /roles/{id}/patch does.
func (s *Server) Forbid(role, permission string) {
	s.locked(func() {
		s.roles[role] = slices.DeleteFunc(s.roles[role], func(p string) bool { return p == permission })
	})
}

// Grant gives a permission to a role.
func (s *Server) Grant(role, permission string) {
	s.locked(func() { s.roles[role] = append(s.roles[role], permission) })
}

// grants says whether one of these roles has a permission.
func (s *Server) grants(roles, permission string) bool {
	return slices.ContainsFunc(strings.Fields(roles), func(role string) bool { return slices.Contains(s.roles[role], permission) })
}

func (s *Server) isAdmin(u *user) bool {
	return slices.Contains(strings.Fields(u.Roles), model.SystemAdminRoleId)
}

// may says whether one of the user's system roles grants a permission.
func (s *Server) may(u *user, permission string) bool {
	return s.isAdmin(u) || s.grants(u.Roles, permission)
}

func (s *Server) mayInTeam(u *user, teamID, permission string) bool {
	if teamID != "" && u.teams[teamID] && s.grants(model.TeamUserRoleId, permission) {
		return true
	}
	return s.may(u, permission)
}

// mayInChannel is SessionHasPermissionToChannel: false when there is no channel.
func (s *Server) mayInChannel(u *user, c *channel, permission string) bool {
	if c == nil {
		return false
	}
	if m := c.members[u.Id]; m != nil && s.grants(m.Roles, permission) {
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
