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
	"causeway/bridge/secret"
)

const (
	botCreation  = "ServiceSettings.EnableBotAccountCreation"
	trustedHosts = "ServiceSettings.AllowedUntrustedInternalConnections"
	siteURL      = "ServiceSettings.SiteURL"
	userTokens   = "ServiceSettings.EnableUserAccessTokens"
)

// wantedSetting is a value that a setting of the server must have.
type wantedSetting struct {
	name  string
	value any
	use   string
}

// switches are the wanted settings that are on or off.
func switches(profile string) []wantedSetting {
	all := []wantedSetting{
		{"ServiceSettings.EnablePostUsernameOverride", true, "names of authors from elsewhere"},
		{"ServiceSettings.EnablePostIconOverride", true, "pictures of authors from elsewhere"},
		{"ServiceSettings.EnableCommands", true, "/msteams"},
		{"ServiceSettings.DisableBotsWhenOwnerIsDeactivated", false, "a bot that outlives the account that makes it"},
	}
	if profile == ProfileSimple {
		return append(all, wantedSetting{userTokens, true, "acting as people who connect"})
	}
	return append(all, wantedSetting{"ServiceSettings.EnableOAuthServiceProvider", true, "people's sign-in"})
}

// wantedSettings are those of docs/mattermost-bot.md.
func (s *setter) wantedSettings() []wantedSetting {
	all := switches(s.settings.Profile)
	if text, _ := s.setting(siteURL).(string); text == "" {
		all = append(all, wantedSetting{siteURL, s.client.base.String(), "links to messages, and people's sign-in"})
	}
	if host := hostOf(s.callback); s.callback != "" && private(host) {
		if text, _ := s.setting(trustedHosts).(string); !allows(text, host) {
			all = append(all, wantedSetting{trustedHosts, strings.TrimSpace(text + " " + host), "commands and buttons reach Causeway at " + host})
		}
	}
	return all
}

// plan gives what has to be changed, in the order in which that works.
func (s *setter) plan(ctx context.Context) ([]step, error) {
	var steps []step
	for _, more := range []func(ctx context.Context) ([]step, error){s.planBot, s.planSettings, s.planRole, s.planPlaces, s.planApp, s.planToken} {
		next, err := more(ctx)
		if err != nil {
			return nil, err
		}
		steps = append(steps, next...)
	}
	return steps, nil
}

func (s *setter) planBot(context.Context) ([]step, error) {
	f := &s.found
	switch {
	case f.bot.Id != "" && !f.disabled:
		return nil, nil
	case f.bot.Id != "":
		return []step{{"enable the bot account @" + s.bot, func(ctx context.Context) error {
			f.record.Disabled = true
			if err := s.keepRecord(ctx); err != nil {
				return err
			}
			_, err := s.client.call(ctx, opChange, http.MethodPost, "/bots/"+f.bot.Id+"/enable", nil, nil)
			return err
		}}}, nil
	}
	text, off := "make the bot account @"+s.bot, s.setting(botCreation) == false
	if off && s.environment(botCreation) {
		return nil, s.unchangeable(botCreation)
	}
	if off {
		text += ", for which " + botCreation + " is true meanwhile"
	}
	return []step{{text, func(ctx context.Context) error {
		if off {
			if err := s.patch(ctx, map[string]any{botCreation: true}); err != nil {
				return err
			}
		}
		var made model.Bot
		_, err := s.client.call(ctx, opPost, http.MethodPost, "/bots", map[string]string{"username": s.bot, "display_name": appName, "description": "Joins this server with Microsoft Teams"}, &made)
		if off {
			if back := s.patch(context.WithoutCancel(ctx), map[string]any{botCreation: false}); err == nil {
				err = back
			}
		}
		if err != nil {
			return err
		}
		if err := s.client.get(ctx, "/users/"+made.UserId, &f.bot); err != nil {
			return err
		}
		f.record.Made = true
		return s.keepRecord(ctx)
	}}}, nil
}

func (s *setter) planSettings(context.Context) ([]step, error) {
	values := map[string]any{}
	var texts []string
	for _, w := range s.wantedSettings() {
		now := s.setting(w.name)
		if now == w.value {
			continue
		}
		if s.environment(w.name) {
			return nil, s.unchangeable(w.name)
		}
		values[w.name] = w.value
		texts = append(texts, fmt.Sprintf("set %s from %s to %s, for %s", w.name, shownValue(now), shownValue(w.value), w.use))
	}
	if len(texts) == 0 {
		return nil, nil
	}
	return []step{{strings.Join(texts, "\n      "), func(ctx context.Context) error {
		for name, value := range values {
			s.found.record.set(name, s.setting(name), value)
		}
		if err := s.keepRecord(ctx); err != nil {
			return err
		}
		return s.patch(ctx, values)
	}}}, nil
}

func (s *setter) unchangeable(name string) error {
	return fmt.Errorf("%s is %s, as the server's environment says: change %s there and start the server anew", name, shownValue(s.setting(name)), variable(name))
}

func shownValue(v any) string {
	if text, is := v.(string); is {
		return quoted(text)
	}
	return fmt.Sprint(v)
}

// patch changes settings, and makes sure that the server has taken them.
func (s *setter) patch(ctx context.Context, values map[string]any) error {
	sections := map[string]map[string]any{}
	for name, value := range values {
		section, key, _ := strings.Cut(name, ".")
		if sections[section] == nil {
			sections[section] = map[string]any{}
		}
		sections[section][key] = value
	}
	var now map[string]map[string]any
	if _, err := s.client.call(ctx, opChange, http.MethodPut, "/config/patch", sections, &now); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		section, key, _ := strings.Cut(name, ".")
		if now[section][key] != values[name] {
			return fmt.Errorf("the server keeps %s at %s", name, shownValue(now[section][key]))
		}
	}
	return nil
}

// grantable are all permissions that the bot may get with the profile "restricted".
var grantable = []string{model.PermissionCreatePostEphemeral.Id, model.PermissionManageSlashCommands.Id, model.PermissionManageOAuth.Id, model.PermissionSysconsoleWriteUserManagementUsers.Id}

// restricted are those that it gets.
func (s *setter) restricted() []string {
	all := []string{model.PermissionCreatePostEphemeral.Id, model.PermissionManageSlashCommands.Id}
	if s.call.Redirect == "" { // else the app is made here
		all = append(all, model.PermissionManageOAuth.Id)
	}
	if s.call.Has(setupDeactivate) {
		all = append(all, model.PermissionSysconsoleWriteUserManagementUsers.Id)
	}
	return all
}

func (s *setter) planRole(ctx context.Context) ([]step, error) {
	f := &s.found
	var steps []step
	role := model.SystemAdminRoleId
	if s.settings.Profile == ProfileRestricted {
		role = restrictedRole
		missing := slices.DeleteFunc(s.restricted(), func(p string) bool { return slices.Contains(f.role.Permissions, p) })
		others, err := s.holders(ctx)
		if err != nil {
			return nil, err
		}
		if len(missing) > 0 {
			text := fmt.Sprintf("add to the role %s: %s; %s", restrictedRole, strings.Join(missing, ", "), others)
			if slices.Contains(missing, model.PermissionSysconsoleWriteUserManagementUsers.Id) {
				text += "; whoever gets hold of the bot's token can set the password of everybody who is no administrator"
			}
			steps = append(steps, step{text, func(ctx context.Context) error {
				for _, p := range missing {
					added(&f.record.Granted, p)
				}
				if err := s.keepRecord(ctx); err != nil {
					return err
				}
				return s.patchRole(ctx, append(slices.Clone(f.role.Permissions), missing...))
			}})
		}
	}
	if held := strings.Fields(f.bot.Roles); f.bot.Id == "" || !slices.Contains(held, role) {
		text := fmt.Sprintf("give @%s the role %s", s.bot, role)
		if role == model.SystemAdminRoleId {
			text += ": whoever gets hold of its token owns the server"
		}
		steps = append(steps, step{text, func(ctx context.Context) error {
			added(&f.record.Roles, role)
			if err := s.keepRecord(ctx); err != nil {
				return err
			}
			return s.setRoles(ctx, append(strings.Fields(f.bot.Roles), role))
		}})
	}
	return steps, nil
}

// holders says who else has the role that is changed.
func (s *setter) holders(ctx context.Context) (string, error) {
	var all []*model.User
	if err := s.client.get(ctx, "/users?per_page=20&role="+restrictedRole, &all); err != nil {
		return "", fmt.Errorf("asking who has the role %s: %w", restrictedRole, bare(err))
	}
	var names []string
	for _, u := range all {
		if u.Id != s.found.bot.Id {
			names = append(names, "@"+u.Username)
		}
	}
	if len(names) == 0 {
		return "nobody else has it", nil
	}
	return "that holds for all who have it: " + strings.Join(names, ", "), nil
}

func (s *setter) patchRole(ctx context.Context, permissions []string) error {
	_, err := s.client.call(ctx, opChange, http.MethodPut, "/roles/"+s.found.role.Id+"/patch", map[string]any{"permissions": permissions}, nil)
	return err
}

func (s *setter) setRoles(ctx context.Context, roles []string) error {
	_, err := s.client.call(ctx, opChange, http.MethodPut, "/users/"+s.found.bot.Id+"/roles", map[string]string{"roles": strings.Join(roles, " ")}, nil)
	return err
}

// planPlaces makes the bot a member.
func (s *setter) planPlaces(context.Context) ([]step, error) {
	f := &s.found
	var steps []step
	for _, t := range f.teams {
		if !f.in[t.Id] {
			steps = append(steps, step{"add the bot to the team " + t.Name, func(ctx context.Context) error {
				return s.join(ctx, &f.record.Teams, t.Id, "/teams/"+t.Id+"/members", map[string]string{"team_id": t.Id, "user_id": f.bot.Id})
			}})
		}
	}
	for _, c := range f.channels {
		if !f.in[c.Id] {
			steps = append(steps, step{"add the bot to the channel " + c.Name, func(ctx context.Context) error {
				list := &f.record.Channels
				if c.Name == model.DefaultChannelName { // it is left with the team alone
					list = new([]string)
				}
				return s.join(ctx, list, c.Id, "/channels/"+c.Id+"/members", map[string]string{"user_id": f.bot.Id})
			}})
		}
	}
	return steps, nil
}

func (s *setter) join(ctx context.Context, list *[]string, id, path string, body map[string]string) error {
	added(list, id)
	if err := s.keepRecord(ctx); err != nil {
		return err
	}
	_, err := s.client.call(ctx, opChange, http.MethodPost, path, body, nil)
	return err
}

const (
	tokenFile  = ".token"
	secretFile = ".oauth"
)

// planApp makes the app trusted, which only an administrator can: nobody is asked for consent then.
func (s *setter) planApp(context.Context) ([]step, error) {
	f := &s.found
	if s.settings.Profile != ProfileRestricted || s.call.Redirect == "" {
		return nil, nil
	}
	name := string(s.call.Account) + secretFile
	keep := func() (err error) {
		f.appID = f.app.Id
		f.appFile, err = s.call.Desk.Keep(name, f.app.ClientSecret)
		return err
	}
	if f.app.Id != "" {
		kept, err := s.call.Desk.Kept(name)
		if err != nil {
			return nil, err
		}
		if kept == f.app.ClientSecret {
			f.appID, f.appFile = f.app.Id, name
			return nil, nil
		}
		return []step{{"write the secret of the OAuth 2.0 app " + appName + ", which is there, into " + name, func(context.Context) error { return keep() }}}, nil
	}
	return []step{{fmt.Sprintf("make the trusted OAuth 2.0 app %s for %s, and write its secret into %s", appName, s.call.Redirect, name), func(ctx context.Context) error {
		wanted := &model.OAuthApp{Name: appName, Description: "Joins this server with Microsoft Teams", Homepage: homepage(s.call.Redirect, s.client.base.String()),
			CallbackUrls: []string{s.call.Redirect}, IsTrusted: true}
		if _, err := s.client.call(ctx, opPost, http.MethodPost, "/oauth/apps", wanted, &f.app); err != nil {
			return err
		}
		f.record.App = f.app.Id
		if err := s.keepRecord(ctx); err != nil {
			return err
		}
		return keep()
	}}}, nil
}

// planToken mints a token, unless the file holds one that is good.
func (s *setter) planToken(ctx context.Context) ([]step, error) {
	f := &s.found
	name := string(s.call.Account) + tokenFile
	kept, err := s.call.Desk.Kept(name)
	if err != nil {
		return nil, err
	}
	if kept != "" && f.bot.Id != "" && !f.disabled {
		good, err := s.good(ctx, kept)
		if err != nil || good {
			f.tokenFile = name
			return nil, err
		}
	}
	return []step{{fmt.Sprintf("make a token for @%s, and write it into %s, which only you can read", s.bot, name), func(ctx context.Context) error {
		var made model.UserAccessToken
		if _, err := s.client.call(ctx, opPost, http.MethodPost, "/users/"+f.bot.Id+"/tokens", map[string]string{"description": appName}, &made); err != nil {
			return err
		}
		added(&f.record.Tokens, made.Id)
		if err := s.keepRecord(ctx); err != nil {
			return err
		}
		f.tokenFile, err = s.call.Desk.Keep(name, made.Token)
		return err
	}}}, nil
}

// good asks whether a token is the bot's.
func (s *setter) good(ctx context.Context, token string) (bool, error) {
	settings := s.settings
	settings.Token = secret.Secret(token)
	c, err := newClient(&settings, defaultTiming.request)
	if err != nil {
		return false, err
	}
	var me model.User
	err = c.get(ctx, "/users/me", &me)
	if bridge.KindOf(err) == bridge.Unauthorised {
		return false, nil
	}
	return err == nil && me.Id == s.found.bot.Id, wrap("trying the bot's token", err)
}
