package mattermost

import (
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// postToken mints a personal access token, shown this once.
func (s *Server) postToken(c *call) (any, *model.AppError) {
	u := c.userParam()
	if u == nil {
		return nil, noUser()
	}
	var asked model.UserAccessToken
	switch {
	case u.IsRemote(), s.tokens[c.token].app != "":
		return nil, forbidden()
	case c.decode(&asked) != nil || asked.Description == "":
		return nil, invalidBody()
	case !s.may(c.user, "create_user_access_token"), !s.mayActFor(c.user, u):
		return nil, forbidden()
	case s.isAdmin(u) && !s.isAdmin(c.user):
		return nil, forbidden()
	case s.opts.NoUserAccessTokens && !u.IsBot:
		return nil, fail("CreateUserAccessToken", "app.user_access_token.disabled", http.StatusNotImplemented)
	}
	made := &model.UserAccessToken{Id: model.NewId(), Token: model.NewId(), UserId: u.Id, Description: asked.Description, IsActive: true}
	s.tokens[made.Token] = &token{userID: u.Id, pat: made}
	return made, nil
}

// getTokens lists them without what they are good for.
func (s *Server) getTokens(c *call) (any, *model.AppError) {
	u := c.userParam()
	if !s.may(c.user, "read_user_access_token") || !s.mayActFor(c.user, u) {
		return nil, forbidden()
	}
	out := []*model.UserAccessToken{}
	for _, t := range s.tokens {
		if t.pat != nil && u != nil && t.userID == u.Id {
			shown := *t.pat
			shown.Token = ""
			out = append(out, &shown)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Id < out[j].Id })
	page, perPage := c.page()
	return cutPage(out, page, perPage), nil
}

// namedToken finds the token in the body that the caller may change.
func (c *call) namedToken(permission string) (*token, *model.AppError) {
	var asked struct {
		ID string `json:"token_id"`
	}
	if c.decode(&asked) != nil || asked.ID == "" {
		return nil, invalidBody()
	}
	if !c.s.may(c.user, permission) {
		return nil, forbidden()
	}
	for _, t := range c.s.tokens {
		if t.pat != nil && t.pat.Id == asked.ID {
			if !c.s.mayActFor(c.user, c.s.users[t.userID]) {
				return nil, forbidden()
			}
			return t, nil
		}
	}
	return nil, fail("GetUserAccessToken", "app.user_access_token.get_by_user.app_error", http.StatusNotFound)
}

func (s *Server) postTokenRevoke(c *call) (any, *model.AppError) {
	t, err := c.namedToken("revoke_user_access_token")
	if err != nil {
		return nil, err
	}
	s.bury(t.pat.Token)
	return statusOK, nil
}

func (s *Server) postTokenDisable(c *call) (any, *model.AppError) {
	t, err := c.namedToken("revoke_user_access_token")
	if err != nil {
		return nil, err
	}
	t.pat.IsActive = false
	s.blind(func(x *connection) bool { return x.token == t.pat.Token })
	return statusOK, nil
}

func (s *Server) postTokenEnable(c *call) (any, *model.AppError) {
	t, err := c.namedToken("create_user_access_token")
	if err != nil {
		return nil, err
	}
	t.pat.IsActive = true
	return statusOK, nil
}

// Tokens gives the descriptions of a user's personal access tokens that are good, sorted.
func (s *Server) Tokens(who string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.mustUser(who).Id
	var all []string
	for _, t := range s.tokens {
		if t.pat != nil && t.userID == id && t.pat.IsActive {
			all = append(all, t.pat.Description)
		}
	}
	slices.Sort(all)
	return all
}

// RevokeTokensOf takes away all personal access tokens and OAuth 2.0 tokens of a user, as an administrator or the user does.
func (s *Server) RevokeTokensOf(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.mustUser(who).Id
	for text, t := range s.tokens {
		if t.userID == id && (t.pat != nil || t.app != "") {
			s.bury(text)
		}
	}
}

// putActive deactivates a user or brings one back.
func (s *Server) putActive(c *call) (any, *model.AppError) {
	var asked struct {
		Active *bool `json:"active"`
	}
	if c.decode(&asked) != nil || asked.Active == nil {
		return nil, invalidBody()
	}
	u := c.userParam()
	switch {
	case u == c.user && !*asked.Active:
		return nil, fail("updateUserActive", "api.user.update_active.not_enable.app_error", http.StatusUnauthorized)
	case !s.may(c.user, "sysconsole_write_user_management_users"):
		return nil, fail("updateUserActive", "api.user.update_active.permissions.app_error", http.StatusForbidden)
	case u == nil:
		return nil, noUser()
	case s.isAdmin(u) && !s.isAdmin(c.user):
		return nil, forbidden()
	case u.AuthService == model.UserAuthServiceLdap:
		return nil, fail("updateUserActive", "api.user.update_active.cannot_modify_status_when_user_is_managed_by_ldap.app_error", http.StatusForbidden)
	}
	s.activate(u, *asked.Active)
	return statusOK, nil
}

// getUsers lists users by name: all, or those of a team.
func (s *Server) getUsers(c *call) (any, *model.AppError) {
	q := c.r.URL.Query()
	team := q.Get("in_team")
	if team != "" && !s.mayInTeam(c.user, team, "view_team") {
		return nil, forbidden()
	}
	page, perPage := c.page()
	if group := q.Get("in_group"); group != "" {
		all, err := s.membersOf(c, group)
		return cutPage(all, page, perPage), err
	}
	out := []*model.User{}
	for _, u := range s.users {
		if (team == "" || u.teams[team]) && (q.Get("active") != "true" || u.DeleteAt == 0) && (q.Get("inactive") != "true" || u.DeleteAt != 0) {
			out = append(out, s.shown(c.user, u))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Username < out[j].Username })
	return cutPage(out, page, perPage), nil
}

// postSearch finds users: each word of the term must be in one of the names, whatever its case.
func (s *Server) postSearch(c *call) (any, *model.AppError) {
	var asked model.UserSearch
	if c.decode(&asked) != nil || asked.Term == "" || asked.Limit < 0 || asked.Limit > model.UserSearchMaxLimit {
		return nil, invalidBody()
	}
	if asked.Limit == 0 {
		asked.Limit = model.UserSearchDefaultLimit
	}
	out := []*model.User{}
	for _, u := range s.users {
		if (u.DeleteAt == 0 || asked.AllowInactive) && matches(u, strings.Fields(strings.ToLower(asked.Term))) {
			out = append(out, s.shown(c.user, u))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Username < out[j].Username })
	return out[:min(len(out), asked.Limit)], nil
}

func matches(u *user, words []string) bool {
	fields := []string{u.Username, u.FirstName, u.LastName, u.Nickname, u.Email}
	for _, w := range words {
		w = strings.TrimLeft(w, "@")
		if !slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(strings.ToLower(f), w) }) {
			return false
		}
	}
	return true
}
