package mattermost

import (
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// group is a group of users, as licensed servers have them.
type group struct {
	model.Group
	members map[string]bool
}

// AddGroup makes a group of users, by name: a custom one, or one of LDAP, which may be mentioned or not. Nobody sees any unless Options.Licensed says so.
func (s *Server) AddGroup(name string, source model.GroupSource, mentioned bool, users ...string) *model.Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{members: map[string]bool{}, Group: model.Group{Id: model.NewId(), DisplayName: name, Source: source, CreateAt: s.nowMillis(), UpdateAt: s.nowMillis()}}
	if g.AllowReference = mentioned; mentioned {
		word := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
		g.Name = &word
	}
	for _, who := range users {
		g.members[s.mustUser(who).Id] = true
	}
	s.groups[g.Id] = g
	copied := g.Group
	return &copied
}

// License says from now on whether the server has a licence, as when one is added or ends.
func (s *Server) License(on bool) {
	s.locked(func() { s.opts.Licensed = on })
}

// getGroups lists the groups whose names hold a word, by the names under which they are shown. What may not be mentioned is for those alone who may
// administer groups (source: getGroups of channels/api4/group.go, 11.1).
func (s *Server) getGroups(c *call) (any, *model.AppError) {
	if !s.opts.Licensed {
		return nil, fail("", "api.license_error", http.StatusNotImplemented)
	}
	word := strings.ToLower(c.r.URL.Query().Get("q"))
	out := []*model.Group{}
	for _, g := range s.groups {
		named := strings.Contains(strings.ToLower(g.DisplayName), word) || g.Name != nil && strings.Contains(strings.ToLower(*g.Name), word)
		if named && (g.AllowReference || s.may(c.user, "sysconsole_read_user_management_groups")) {
			out = append(out, &g.Group)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].DisplayName < out[j].DisplayName })
	page, perPage := c.page()
	return cutPage(out, page, perPage), nil
}

// membersOf lists the active users of a group.
func (s *Server) membersOf(c *call, id string) ([]*model.User, *model.AppError) {
	g := s.groups[id]
	switch {
	case g == nil:
		return nil, fail("GetGroup", "app.group.no_rows", http.StatusNotFound)
	case !s.opts.Licensed:
		return nil, fail("Api.getUsers", "api.license_error", http.StatusForbidden)
	case g.IsSyncable() && !g.AllowReference && !s.may(c.user, "sysconsole_read_user_management_groups"):
		return nil, forbidden()
	}
	var all []*model.User
	for _, u := range s.users {
		if g.members[u.Id] && u.DeleteAt == 0 {
			all = append(all, s.shown(c.user, u))
		}
	}
	slices.SortFunc(all, func(a, b *model.User) int { return strings.Compare(a.Username, b.Username) })
	return all, nil
}
