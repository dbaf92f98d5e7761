package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// restrictedRole is the built-in role that takes the bot's permissions with the profile "restricted": without a licence there is no other way to give single
// ones, and normally nobody holds it.
const restrictedRole = "system_custom_group_admin"

// scene is how a server stands, as far as setup changes it.
type scene struct {
	// me is the administrator.
	me model.User
	// config is the server's, by section and key; fixed are those that its environment sets, which count more than what is set by the API.
	config map[string]map[string]any
	fixed  map[string]map[string]any
	// bot is empty while there is none; disabled: it may not log in.
	bot      model.User
	disabled bool
	role     model.Role
	// teams and channels are those that the bot is to be in, of which it is in those of in.
	teams    []*model.Team
	channels []*model.Channel
	in       map[string]bool
	// app is Causeway's OAuth 2.0 app; empty: there is none.
	app    model.OAuthApp
	record record

	// tokenFile is where the bot's token is kept, appFile the app's secret; appID: the app that the config names.
	tokenFile, appID, appFile string
}

// look finds out how the server stands. It changes nothing.
func (s *setter) look(ctx context.Context) error {
	f := &s.found
	if err := s.client.get(ctx, "/config", &f.config); err != nil {
		return fmt.Errorf("reading the server's settings: %w", bare(err))
	}
	if err := s.client.get(ctx, "/config/environment", &f.fixed); err != nil {
		return fmt.Errorf("asking which settings the server's environment sets: %w", bare(err))
	}
	if err := s.client.get(ctx, "/roles/name/"+restrictedRole, &f.role); err != nil {
		return fmt.Errorf("reading the role %s: %w", restrictedRole, bare(err))
	}
	if err := s.lookAtBot(ctx); err != nil {
		return err
	}
	if s.call.Undo {
		return nil
	}
	if err := s.lookAtTeams(ctx); err != nil {
		return err
	}
	if s.settings.Profile == ProfileRestricted && s.call.Redirect != "" {
		return s.lookAtApp(ctx)
	}
	return nil
}

func (s *setter) lookAtBot(ctx context.Context) error {
	f := &s.found
	f.in = map[string]bool{}
	err := s.client.get(ctx, "/users/username/"+url.PathEscape(s.bot), &f.bot)
	switch {
	case bridge.KindOf(err) == bridge.Gone:
		return nil
	case err != nil:
		return fmt.Errorf("looking for the bot: %w", bare(err))
	case !f.bot.IsBot:
		return fmt.Errorf("@%s is a person's account: name another one for the bot with --bot", s.bot)
	}
	f.disabled = f.bot.DeleteAt != 0
	if f.record, err = s.readRecord(ctx, f.bot.Id); err != nil {
		return err
	}
	var teams []*model.Team
	if err := s.client.get(ctx, "/users/"+f.bot.Id+"/teams", &teams); err != nil {
		return fmt.Errorf("asking which teams the bot is in: %w", bare(err))
	}
	for _, t := range teams {
		f.in[t.Id] = true
	}
	return nil
}

// lookAtTeams finds what was named, and the only team where nothing was.
func (s *setter) lookAtTeams(ctx context.Context) error {
	f := &s.found
	names := slices.Clone(s.call.Options[setupTeam])
	if s.settings.Team != "" {
		names = append(names, s.settings.Team)
	}
	for _, channel := range s.call.Options[setupChannel] {
		team, name, both := strings.Cut(channel, "/")
		if !both {
			return fmt.Errorf("--channel %q: write TEAM/CHANNEL, as in the address of the channel", channel)
		}
		var c model.Channel
		if err := s.client.get(ctx, "/teams/name/"+url.PathEscape(team)+"/channels/name/"+url.PathEscape(name), &c); err != nil {
			return fmt.Errorf("looking for the channel %s: %w", channel, bare(err))
		}
		names = append(names, team)
		f.channels = append(f.channels, &c)
		if f.bot.Id != "" && s.client.get(ctx, "/channels/"+c.Id+"/members/"+f.bot.Id, nil) == nil {
			f.in[c.Id] = true
		}
	}
	if len(names) == 0 {
		var all []*model.Team
		if err := s.client.get(ctx, "/teams?per_page=200", &all); err != nil {
			return fmt.Errorf("listing the teams: %w", bare(err))
		}
		all = slices.DeleteFunc(all, func(t *model.Team) bool { return t.DeleteAt != 0 })
		if len(all) != 1 {
			var there []string
			for _, t := range all {
				there = append(there, t.Name)
			}
			return errors.New("which teams shall the bot be in? Name each with --team; there are: " + strings.Join(there, ", "))
		}
		f.teams = all
		return nil
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		var t model.Team
		if err := s.client.get(ctx, "/teams/name/"+url.PathEscape(name), &t); err != nil {
			return fmt.Errorf("looking for the team %s: %w", name, bare(err))
		}
		f.teams = append(f.teams, &t)
	}
	return nil
}

// lookAtApp finds an app of Causeway's for the same address, whoever has made it.
func (s *setter) lookAtApp(ctx context.Context) error {
	for list, err := range pages[*model.OAuthApp](ctx, s.client, "/oauth/apps") {
		if err != nil {
			if s.setting("ServiceSettings.EnableOAuthServiceProvider") == false {
				return nil // it will be switched on
			}
			return fmt.Errorf("listing the OAuth 2.0 apps: %w", bare(err))
		}
		for _, one := range list {
			if one.Name == appName && one.ClientSecret != "" && slices.Contains(one.CallbackUrls, s.call.Redirect) {
				s.found.app = *one
				return nil
			}
		}
	}
	return nil
}

// setting gives the server's value of "ServiceSettings.EnableCommands".
func (s *setter) setting(name string) any {
	section, key, _ := strings.Cut(name, ".")
	return s.found.config[section][key]
}

// environment says whether the server's environment sets it, so that the API cannot.
func (s *setter) environment(name string) bool {
	section, key, _ := strings.Cut(name, ".")
	return s.found.fixed[section][key] == true
}

// variable is the environment variable that sets it.
func variable(name string) string {
	return "MM_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}
