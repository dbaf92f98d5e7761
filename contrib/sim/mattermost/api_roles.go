package mattermost

import (
	"slices"

	"github.com/mattermost/mattermost/server/public/model"
)

// postRoleNames gives roles by name to whoever is logged in; unknown ones are left out.
func (s *Server) postRoleNames(c *call) (any, *model.AppError) {
	var names []string
	if err := c.decode(&names); err != nil {
		return nil, err
	}
	if len(names) == 0 || len(names) > 100 {
		return nil, invalidBody()
	}
	out := []*model.Role{}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if permissions, ok := s.roles[name]; ok {
			out = append(out, &model.Role{Id: name, Name: name, Permissions: slices.Clone(permissions), BuiltIn: true, SchemeManaged: true})
		}
	}
	return out, nil
}
