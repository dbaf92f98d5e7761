package mattermost

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// places are the teams and groups of a circle as far as there are such, and missing says of which others nobody is known, and why.
type places struct {
	teams   []*model.Team
	groups  []*model.Group
	missing []string
}

// placesOf finds the teams and groups of a circle. Without names these are the teams that the bot is in.
func (a *account) placesOf(ctx context.Context, of bridge.Circle) (p places, err error) {
	if len(of.Teams)+len(of.Groups) == 0 {
		p.teams, err = a.ownTeams(ctx)
		return p, err
	}
	if len(of.Teams) > 0 {
		all, err := a.teams(ctx)
		if err != nil {
			return p, err
		}
		for _, name := range of.Teams {
			i := slices.IndexFunc(all, func(t *model.Team) bool { return strings.EqualFold(name, t.Name) })
			if i < 0 {
				p.miss("nobody of the team %s is asked to connect: the bot sees no team of that name", name)
				continue
			}
			p.teams = append(p.teams, all[i])
		}
	}
	for _, name := range of.Groups {
		found, err := a.groupsNamed(ctx, name)
		switch kind := bridge.KindOf(err); {
		case err == nil && len(found) == 0:
			p.miss("nobody of the group %s is asked to connect: the bot sees no group of that name; one of LDAP it sees where that may be mentioned, or with the permission %s",
				name, model.PermissionSysconsoleReadUserManagementGroups.Id)
		case err == nil:
			p.groups = append(p.groups, found...)
		case kind == bridge.Unsupported, kind == bridge.Rejected, forbidden(err):
			p.miss("nobody of the group %s is asked to connect: %v", name, err)
		default:
			return p, err
		}
	}
	return p, nil
}

func (p *places) miss(format string, args ...any) {
	p.missing = append(p.missing, fmt.Sprintf(format, args...))
}

// groupsNamed gives the groups of that name, or that are shown under it: custom ones, and those of LDAP. The server has any only with a licence, and shows
// those of LDAP that may not be mentioned to those alone who may administer groups (source: channels/api4/group.go of 11.1).
func (a *account) groupsNamed(ctx context.Context, name string) (all []*model.Group, err error) {
	for list, err := range pages[*model.Group](ctx, a.client, "/groups?q="+url.QueryEscape(name)) {
		if err != nil {
			return nil, fmt.Errorf("looking for the group %s: %w", name, err)
		}
		for _, g := range list { // the server looks for names that hold the word
			if g.DeleteAt == 0 && (strings.EqualFold(name, g.DisplayName) || g.Name != nil && strings.EqualFold(name, *g.Name)) {
				all = append(all, g)
			}
		}
	}
	return all, nil
}

// peopleOf lists the active people, not the bots, of a circle, and says which of its teams and groups have none that are known, and why.
func (a *account) peopleOf(ctx context.Context, of bridge.Circle) (all, missing []string, err error) {
	p, err := a.placesOf(ctx, of)
	if err != nil {
		return nil, nil, err
	}
	g := gathering{seen: map[string]bool{}}
	for _, t := range p.teams {
		if err := a.gather(ctx, &g, "in_team="+t.Id+"&active=true"); err != nil {
			return nil, nil, fmt.Errorf("listing the members of the team %s: %w", t.Name, err)
		}
	}
	for _, one := range p.groups {
		err := a.gather(ctx, &g, "in_group="+one.Id)
		if forbidden(err) || err != nil && bridge.KindOf(err) == bridge.Unsupported { // as the licence has ended, or does not cover this sort of group
			p.miss("nobody of the group %s is asked to connect: %v", one.DisplayName, err)
		} else if err != nil {
			return nil, nil, fmt.Errorf("listing the members of the group %s: %w", one.DisplayName, err)
		}
	}
	return g.all, p.missing, nil
}

// gathering is whom several lists name, each once.
type gathering struct {
	all  []string
	seen map[string]bool
}

// gather adds the users that a query names, until there are as many as are looked at.
func (a *account) gather(ctx context.Context, g *gathering, query string) error {
	for list, err := range pages[*model.User](ctx, a.client, "/users?"+query) {
		if err != nil {
			return err
		}
		for _, u := range list {
			if u.IsBot || u.DeleteAt != 0 || g.seen[u.Id] {
				continue
			}
			if len(g.all) == mostWatched {
				a.log.WithField("people", mostWatched).Debug("there are more people than are looked at")
				return nil
			}
			g.seen[u.Id] = true
			g.all = append(g.all, u.Id)
		}
	}
	return nil
}

// checkCircle tells of which teams and groups of the config nobody can be asked to connect.
func (a *account) checkCircle(ctx context.Context) (all []bridge.Finding) {
	if a.front == nil {
		return nil
	}
	of, awaited := a.front.Awaited()
	if !awaited {
		return nil
	}
	p, err := a.placesOf(ctx, of)
	if err != nil {
		p.miss("who can be asked to connect could not be found out: %v", err)
	}
	for _, one := range p.missing {
		all = append(all, bridge.Finding{Text: one})
	}
	return all
}
