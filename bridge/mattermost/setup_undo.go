package mattermost

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// planUndo gives what takes back what the record tells of, the last thing first. What others have changed since stays as they made it. What is
// gone already is no error.
func (s *setter) planUndo(ctx context.Context) ([]step, error) {
	f := &s.found
	r := f.record
	if f.bot.Id == "" {
		return nil, fmt.Errorf("there is no bot @%s: name it with --bot", s.bot)
	}
	var steps []step
	gone := func(text, method, path string, body any) {
		steps = append(steps, step{text, func(ctx context.Context) error {
			_, err := s.client.call(ctx, opChange, method, path, body, nil)
			if bridge.KindOf(err) == bridge.Gone {
				err = nil
			}
			return err
		}})
	}
	tokens, err := s.tokens(ctx)
	if err != nil {
		return nil, err
	}
	for i, id := range tokens {
		gone(fmt.Sprintf("revoke token %d of @%s", i+1, s.bot), http.MethodPost, "/users/tokens/revoke", map[string]string{"token_id": id})
	}
	commands, err := s.commands(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range commands {
		gone("remove the command /"+c.Trigger, http.MethodDelete, "/commands/"+c.Id, nil)
	}
	ours, err := s.madeApp(ctx)
	if err != nil {
		return nil, err
	}
	if ours {
		gone("delete the OAuth 2.0 app "+appName+", with the tokens that people have given to it", http.MethodDelete, "/oauth/apps/"+r.App, nil)
	}
	for _, id := range r.Channels {
		name := s.nameOf(ctx, "/channels/"+id)
		if name == model.DefaultChannelName { // in records of before; who leaves the team leaves it
			continue
		}
		gone("take the bot out of the channel "+name, http.MethodDelete, "/channels/"+id+"/members/"+f.bot.Id, nil)
	}
	for _, id := range r.Teams {
		gone("take the bot out of the team "+s.nameOf(ctx, "/teams/"+id), http.MethodDelete, "/teams/"+id+"/members/"+f.bot.Id, nil)
	}
	steps = append(steps, s.undoRoles()...)
	if (r.Made || r.Disabled) && !f.disabled {
		gone("disable the bot account @"+s.bot+"; what it has written stays", http.MethodPost, "/bots/"+f.bot.Id+"/disable", nil)
	}
	first, last := s.undoSettings()
	if steps = append(steps, first...); len(steps)+len(last) > 0 {
		steps = append(steps, step{"forget what was set up", s.dropRecord})
	}
	return append(steps, last...), nil
}

// tokens gives those of the bot's that were minted here. It asks the server: the record may lack the last one, or name somebody else's.
func (s *setter) tokens(ctx context.Context) ([]string, error) {
	var ids []string
	for list, err := range pages[*model.UserAccessToken](ctx, s.client, "/users/"+s.found.bot.Id+"/tokens") {
		if err != nil {
			return nil, fmt.Errorf("listing the bot's tokens: %w", bare(err))
		}
		for _, t := range list {
			if t.Description == appName || slices.Contains(s.found.record.Tokens, t.Id) {
				ids = append(ids, t.Id)
			}
		}
	}
	return ids, nil
}

// madeApp says whether the app of the record is there, and Causeway's.
func (s *setter) madeApp(ctx context.Context) (bool, error) {
	if s.found.record.App == "" {
		return false, nil
	}
	var app model.OAuthApp
	err := s.client.get(ctx, "/oauth/apps/"+s.found.record.App, &app)
	switch kind := bridge.KindOf(err); {
	case err != nil && kind == bridge.Gone:
		return false, nil
	case err != nil && kind == bridge.Unsupported:
		s.call.Desk.Say("The OAuth 2.0 app " + appName + " stays: apps are switched off on the server.")
		return false, nil
	case err != nil:
		return false, fmt.Errorf("looking for the OAuth 2.0 app: %w", bare(err))
	}
	return app.Name == appName, nil
}

// undoRoles takes back what was given.
func (s *setter) undoRoles() []step {
	f := &s.found
	var steps []step
	held := strings.Fields(f.bot.Roles)
	if rest := without(held, f.record.Roles); len(rest) < len(held) {
		steps = append(steps, step{fmt.Sprintf("take the role %s from @%s", strings.Join(f.record.Roles, ", "), s.bot), func(ctx context.Context) error { return s.demote(ctx, rest) }})
	}
	if rest := without(f.role.Permissions, f.record.Granted); len(rest) < len(f.role.Permissions) {
		steps = append(steps, step{fmt.Sprintf("take from the role %s: %s", restrictedRole, strings.Join(f.record.Granted, ", ")), func(ctx context.Context) error { return s.patchRole(ctx, rest) }})
	}
	return steps
}

// lastAdmin is the server's answer where there is no other administrator but one person, although the bot is none that could log in.
const lastAdmin = "[app.user.update.lastAdmin.app_error"

// demote takes a role from the bot. One that is going to be disabled may keep it: nobody can use it then.
func (s *setter) demote(ctx context.Context, rest []string) error {
	err := s.setRoles(ctx, rest)
	if err != nil && strings.Contains(err.Error(), lastAdmin) && (s.found.record.Made || s.found.record.Disabled) {
		s.call.Desk.Say(fmt.Sprintf("The server lets nobody take the role of an administrator from @%s while there is only one other; it is disabled, and has no token.", s.bot))
		return nil
	}
	return err
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return slices.Contains(some, one) })
}

// undoSettings puts back each setting that is still as it was set here. What comes last may end the token of whoever does this.
func (s *setter) undoSettings() (first, last []step) {
	values, texts := map[string]any{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(s.found.record.Settings)) {
		c := s.found.record.Settings[name]
		if name == siteURL {
			s.call.Desk.Say(fmt.Sprintf("%s stays %s: the server lets nobody empty it.", name, shownValue(s.setting(name))))
			continue
		}
		if name == trustedHosts {
			now, _ := s.setting(name).(string)
			c = c.withoutHosts(now)
		}
		if s.setting(name) != c.After || c.Before == c.After {
			s.call.Desk.Say(fmt.Sprintf("%s stays %s: it was changed again since it was set to %s.", name, shownValue(s.setting(name)), shownValue(c.After)))
			continue
		}
		text := fmt.Sprintf("set %s from %s to %s, as before", name, shownValue(c.After), shownValue(c.Before))
		if name == userTokens {
			last = []step{{text, func(ctx context.Context) error { return s.patch(ctx, map[string]any{name: c.Before}) }}}
			continue
		}
		values[name] = c.Before
		texts = append(texts, text)
	}
	if len(texts) > 0 {
		first = []step{{strings.Join(texts, "\n      "), func(ctx context.Context) error { return s.patch(ctx, values) }}}
	}
	return first, last
}

// commands lists those that the bot has registered, in all teams.
func (s *setter) commands(ctx context.Context) ([]*model.Command, error) {
	var all []*model.Command
	for teams, err := range pages[*model.Team](ctx, s.client, "/teams") {
		if err != nil {
			return nil, fmt.Errorf("listing the teams: %w", bare(err))
		}
		for _, t := range teams {
			var list []*model.Command
			if t.DeleteAt == 0 {
				if err := s.client.get(ctx, "/commands?custom_only=true&team_id="+t.Id, &list); err != nil {
					if bridge.KindOf(err) == bridge.Unsupported {
						return nil, nil // commands are switched off
					}
					return nil, fmt.Errorf("listing the commands of the team %s: %w", t.Name, bare(err))
				}
			}
			for _, c := range list {
				if c.CreatorId == s.found.bot.Id {
					all = append(all, c)
				}
			}
		}
	}
	return all, nil
}

// nameOf gives the name of a team or channel, or its id where it is not there any more.
func (s *setter) nameOf(ctx context.Context, path string) string {
	var named struct {
		Name string `json:"name"`
	}
	if s.client.get(ctx, path, &named) != nil || named.Name == "" {
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return named.Name
}
