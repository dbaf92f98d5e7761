package main

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/demo/stage"
	"causeway/contrib/demo/town"
	"causeway/contrib/e2e/harness"
)

// acme is a real Mattermost server with a team, people and Causeway's bot.
type acme struct {
	server   *harness.Mattermost
	proxy    *harness.Proxy // between Causeway and the server
	password string
	team     *model.Team
	channels []*model.Channel
	people   []*model.User
	bot      *model.Bot
}

// newAcme starts the server and puts everybody into it.
func newAcme(tb harness.TB) *acme {
	a := &acme{server: harness.StartMattermost(tb, harness.Options{}), password: rand.Text()}
	a.proxy = harness.StartProxy(tb, a.server.Address)
	admin := a.server.Admin.Client
	must := func(err error) {
		if err != nil {
			tb.Fatalf("furnishing Mattermost: %v", err)
		}
	}
	var err error
	a.team, _, err = admin.CreateTeam(tb.Context(), &model.Team{Name: "acme", DisplayName: "Acme", Type: model.TeamInvite})
	must(err)
	a.bot, _, err = admin.CreateBot(tb.Context(), &model.Bot{Username: "causeway", DisplayName: "Causeway"})
	must(err)
	_, err = admin.UpdateUserRoles(tb.Context(), a.bot.UserId, model.SystemUserRoleId+" "+model.SystemAdminRoleId)
	must(err)
	for _, role := range stage.InMattermost {
		user, _, err := admin.CreateUser(tb.Context(), &model.User{Username: role.Handle, Email: role.Mail(), Password: a.password})
		must(err)
		a.people = append(a.people, user)
	}
	town, _, err := admin.GetChannelByName(tb.Context(), model.DefaultChannelName, a.team.Id, "") // every team has it, with everybody in it
	must(err)
	release, _, err := admin.CreateChannel(tb.Context(), &model.Channel{
		TeamId: a.team.Id, Type: model.ChannelTypeOpen, Name: "release", DisplayName: "Release",
	})
	must(err)
	a.channels = []*model.Channel{town, release}
	for _, id := range a.members() {
		_, _, err := admin.AddTeamMember(tb.Context(), a.team.Id, id)
		must(err)
		_, _, err = admin.AddChannelMember(tb.Context(), release.Id, id)
		must(err)
	}
	return a
}

// members are the ids of the people and the bot.
func (a *acme) members() []string {
	ids := []string{a.bot.UserId}
	for _, u := range a.people {
		ids = append(ids, u.Id)
	}
	return ids
}

// names are those with which people log in.
func (a *acme) names() string {
	var all []string
	for _, u := range a.people {
		all = append(all, u.Username)
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// describe tells the stage what is there.
func (a *acme) describe(tb harness.TB) stage.Mattermost {
	o := town.MattermostOptions{URL: a.server.URL, Organisation: a.team.DisplayName, Causeway: a.bot.UserId}
	m := stage.Mattermost{
		Server: a.proxy.URL, Token: a.server.CreateToken(tb, a.bot.UserId), Reading: a.reading, Faults: []stage.Fault{a.cut()},
		About: "On the left is a real Mattermost server, version " + model.CurrentVersion + " of the API, at " + a.server.URL + "; Teams is a stand-in. " +
			stage.AboutSpeed,
	}
	for _, u := range a.people {
		o.Tokens = append(o.Tokens, a.server.CreateToken(tb, u.Id))
	}
	for _, c := range a.channels {
		o.Channels = append(o.Channels, c.Id)
		m.Channels = append(m.Channels, a.team.Name+"/"+c.Name)
	}
	side, err := town.NewMattermost(tb.Context(), o)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	m.Side = side
	return m
}

// reading reports whether the bot has read each channel, going by the server's log.
func (a *acme) reading(context.Context) (bool, error) {
	read := map[string]bool{}
	for line := range strings.Lines(a.server.Log().String()) {
		for _, c := range a.channels {
			if strings.Contains(line, "/channels/"+c.Id+"/posts") && strings.Contains(line, a.bot.UserId) && strings.Contains(line, "status_code=200") {
				read[c.Id] = true
			}
		}
	}
	return len(read) == len(a.channels), nil
}

// cut breaks all connections between Causeway and the server, the websocket among them, and lets no other through.
func (a *acme) cut() stage.Fault {
	return stage.Fault{
		Name: stage.Cut, Label: "Cut the line to Mattermost", Status: "the line between Causeway and Mattermost is cut",
		What: "All connections between Causeway and the Mattermost server are cut, the websocket and REST, and no new ones get through.",
		Set: func(on bool) error {
			if on {
				a.proxy.Down()
				return nil
			}
			return a.proxy.Up()
		},
	}
}
