package mattermost

import (
	"bytes"
	"image/png"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

func TestUsersAreFound(t *testing.T) {
	w := newTown(t, Options{})
	me, _, err := w.asBot.GetMe(w.ctx, "")
	check(t, err)
	if me.Id != w.bot.Id || !me.IsBot || me.Roles != "system_user" {
		t.Fatalf("me: %+v", me)
	}
	admin, _, err := w.asAdmin.GetMe(w.ctx, "")
	check(t, err)
	same(t, "roles of an administrator", admin.Roles, "system_user system_admin")
	byName, _, err := w.asBot.GetUserByUsername(w.ctx, "alice", "")
	check(t, err)
	byID, _, err := w.asBot.GetUser(w.ctx, w.alice.Id, "")
	check(t, err)
	byMail, _, err := w.asBot.GetUserByEmail(w.ctx, "ALICE@example.com", "")
	check(t, err)
	for _, u := range []*model.User{byName, byID, byMail} {
		if u.Id != w.alice.Id || u.Email != "alice@example.com" || u.IsBot {
			t.Fatalf("alice: %+v", u)
		}
	}
	_, resp, err := w.asBot.GetUser(w.ctx, w.alice.Id, w.alice.Etag(true, true))
	check(t, err)
	same(t, "unchanged", resp.StatusCode, 304)
	many, _, err := w.asBot.GetUsersByIds(w.ctx, []string{w.bob.Id, model.NewId(), w.alice.Id})
	check(t, err)
	named, _, err := w.asBot.GetUsersByUsernames(w.ctx, []string{"bob", "nobody", "alice"})
	check(t, err)
	for _, list := range [][]*model.User{many, named} {
		if len(list) != 2 || list[0].Username != "alice" || list[1].Username != "bob" {
			t.Fatalf("lists: %v", list)
		}
	}
	_, _, err = w.asBot.GetUser(w.ctx, model.NewId(), "")
	wantError(t, err, 404, "app.user.missing_account.const")
	_, _, err = w.asBot.GetUsersByIds(w.ctx, []string{})
	wantError(t, err, 400, "api.context.invalid_body_param.app_error")
	picture, _, err := w.asBot.GetProfileImage(w.ctx, w.alice.Id, "")
	check(t, err)
	if _, err = png.Decode(bytes.NewReader(picture)); err != nil {
		t.Fatalf("picture: %v", err)
	}
}

func TestHiddenEmail(t *testing.T) {
	w := newTown(t, Options{HideEmail: true})
	_, _, err := w.asBot.GetUserByEmail(w.ctx, "alice@example.com", "")
	wantError(t, err, 403, permissionID)
	u, _, err := w.asBot.GetUser(w.ctx, w.alice.Id, "")
	check(t, err)
	same(t, "to others", u.Email, "")
	u, _, err = w.asAdmin.GetUserByEmail(w.ctx, "alice@example.com", "")
	check(t, err)
	same(t, "to administrators", u.Email, "alice@example.com")
	u, _, err = w.asAlice.GetMe(w.ctx, "")
	check(t, err)
	same(t, "to oneself", u.Email, "alice@example.com")
}

func TestTeamsAndChannelsAreFound(t *testing.T) {
	w := newTown(t, Options{})
	w.AddTeam("zebra")
	team, _, err := w.asBot.GetTeamByName(w.ctx, "acme", "")
	check(t, err)
	again, _, err := w.asBot.GetTeam(w.ctx, team.Id, "")
	check(t, err)
	same(t, "team", again.Name, "acme")
	_, _, err = w.asBot.GetTeamByName(w.ctx, "nowhere", "")
	wantError(t, err, 404, "app.team.get_by_name.missing.app_error")
	all, _, err := w.asBot.GetAllTeams(w.ctx, "", 0, 10)
	check(t, err)
	mine, _, err := w.asBot.GetTeamsForUser(w.ctx, "me", "")
	check(t, err)
	if len(all) != 2 || len(mine) != 1 || mine[0].Id != team.Id {
		t.Fatalf("teams: %d in all, own %v", len(all), mine)
	}
	_, _, err = w.asBot.GetTeamsForUser(w.ctx, w.alice.Id, "")
	wantError(t, err, 403, permissionID)

	public, _, err := w.asBot.GetPublicChannelsForTeam(w.ctx, team.Id, 0, 10, "")
	check(t, err)
	same(t, "public channels", names(public), []string{"square", "town"})
	byID, _, err := w.asBot.GetChannel(w.ctx, w.channel, "")
	check(t, err)
	byName, _, err := w.asBot.GetChannelByName(w.ctx, "town", team.Id, "")
	check(t, err)
	byNames, _, err := w.asBot.GetChannelByNameForTeamName(w.ctx, "town", "acme", "")
	check(t, err)
	same(t, "channel", []string{byName.Id, byNames.Id}, []string{byID.Id, byID.Id})
	const missing = "app.channel.get_by_name.missing.app_error"
	for _, name := range []string{"nowhere", "cellar"} {
		_, _, err = w.asBot.GetChannelByNameForTeamName(w.ctx, name, "acme", "")
		wantError(t, err, 404, missing)
	}
	_, _, err = w.asBot.GetChannel(w.ctx, w.mustChannel("acme/cellar").Id, "")
	wantError(t, err, 403, permissionID)
	_, _, err = w.asBot.GetChannel(w.ctx, model.NewId(), "")
	wantError(t, err, 404, "app.channel.get.existing.app_error")
	w.Archive("acme/square", true)
	_, _, err = w.asBot.GetChannelByNameForTeamName(w.ctx, "square", "acme", "")
	wantError(t, err, 404, missing)
	if _, _, err = w.asBot.GetChannelByNameForTeamNameIncludeDeleted(w.ctx, "square", "acme", ""); err != nil {
		t.Fatalf("an archived channel on request: %v", err)
	}
	public, _, err = w.asBot.GetPublicChannelsForTeam(w.ctx, team.Id, 0, 10, "")
	check(t, err)
	same(t, "without archived ones", names(public), []string{"town"})
	_, _, err = w.Client(w.Token("carol")).GetPublicChannelsForTeam(w.ctx, w.teamByName("zebra").Id, 0, 10, "")
	wantError(t, err, 403, permissionID)
}

func names(list []*model.Channel) (out []string) {
	for _, c := range list {
		out = append(out, c.Name)
	}
	return out
}

func TestOwnChannelsAndMemberships(t *testing.T) {
	w := newTown(t, Options{})
	dm := w.Direct("bridge", "alice")
	team := w.teamByName("acme").Id
	list, resp, err := w.asBot.GetChannelsForTeamForUser(w.ctx, team, "me", false, "")
	check(t, err)
	same(t, "in the team, direct ones too", names(list), []string{dm.Name, "town"})
	_, resp, _ = w.asBot.GetChannelsForTeamForUser(w.ctx, team, "me", false, resp.Etag) // the client takes an empty answer for an error
	same(t, "unchanged", resp.StatusCode, 304)
	members, _, err := w.asBot.GetChannelMembersWithTeamData(w.ctx, "me", 0, 10)
	check(t, err)
	if len(members) != 2 || members[1].TeamName != "acme" || members[1].UserId != w.bot.Id {
		t.Fatalf("memberships: %+v", members)
	}
	of, _, err := w.asBot.GetChannelMembers(w.ctx, w.channel, 0, 10, "")
	check(t, err)
	same(t, "members of the channel", len(of), 4)
	m, _, err := w.asBot.GetChannelMember(w.ctx, w.channel, w.bot.Id, "")
	check(t, err)
	same(t, "not muted", m.NotifyProps["mark_unread"], "all")
	_, _, err = w.asBot.GetChannelMember(w.ctx, w.channel, w.mustUser("carol").Id, "")
	wantError(t, err, 404, "app.channel.get_member.missing.app_error")

	k := w.connect(w.botToken)
	_, err = w.asBot.UpdateChannelNotifyProps(w.ctx, w.channel, w.bot.Id, map[string]string{"mark_unread": "mention", "bogus": "x"})
	check(t, err)
	k.until("channel_member_updated")
	m, _, err = w.asBot.GetChannelMember(w.ctx, w.channel, w.bot.Id, "")
	check(t, err)
	if m.NotifyProps["mark_unread"] != "mention" || m.NotifyProps["push"] != "default" || m.NotifyProps["bogus"] != "" {
		t.Fatalf("notify props do not merge: %v", m.NotifyProps)
	}
	_, err = w.asBot.UpdateChannelNotifyProps(w.ctx, w.channel, w.alice.Id, map[string]string{"mark_unread": "mention"})
	wantError(t, err, 403, permissionID)
}

func TestDirectAndGroupChannels(t *testing.T) {
	w := newTown(t, Options{})
	alice := w.connect(w.aliceToken)
	a, resp, err := w.asBot.CreateDirectChannel(w.ctx, w.bot.Id, w.alice.Id)
	check(t, err)
	b, _, err := w.asAlice.CreateDirectChannel(w.ctx, w.alice.Id, w.bot.Id)
	check(t, err)
	if resp.StatusCode != 201 || a.Id != b.Id || a.Type != model.ChannelTypeDirect || a.TeamId != "" || a.Name != model.GetDMNameFromIds(w.bot.Id, w.alice.Id) {
		t.Fatalf("direct: %+v and %+v", a, b)
	}
	if f := alice.read(); f.Event != "direct_added" || f.Broadcast.ChannelID != a.Id || f.Data["creator_id"] != w.bot.Id || f.Data["teammate_id"] != w.alice.Id {
		t.Fatalf("direct_added: %+v", f)
	}
	self, _, err := w.asBot.CreateDirectChannel(w.ctx, w.bot.Id, w.bot.Id)
	check(t, err)
	same(t, "members of one's own", len(w.mustChannel(self.Id).members), 1)
	_, _, err = w.asBot.CreateDirectChannel(w.ctx, w.bot.Id, model.NewId())
	wantError(t, err, 400, "api.channel.create_direct_channel.invalid_user.app_error")

	g, _, err := w.asBot.CreateGroupChannel(w.ctx, []string{w.alice.Id, w.bob.Id})
	check(t, err)
	same(t, "the caller is added", w.mustChannel(g.Id).members[w.bot.Id] != nil, true)
	if f := alice.read(); f.Event != "group_added" || f.Broadcast.ChannelID != g.Id {
		t.Fatalf("group_added: %+v", f)
	}
	same(t, "the same people, the same channel", w.Group("bob", "bridge", "alice").Id, g.Id)
	_, _, err = w.asBot.CreateGroupChannel(w.ctx, []string{w.alice.Id})
	wantError(t, err, 400, "api.channel.create_group.bad_size.app_error")
	_, _, err = w.asBot.AddChannelMember(w.ctx, g.Id, w.mustUser("carol").Id)
	wantError(t, err, 400, "api.channel.add_user_to_channel.type.app_error")
	_, err = w.asBot.RemoveUserFromChannel(w.ctx, g.Id, w.alice.Id)
	wantError(t, err, 400, "api.channel.remove_channel_member.type.app_error")
}

func TestJoiningAndLeavingByREST(t *testing.T) {
	w := newTown(t, Options{})
	square, cellar := w.mustChannel("acme/square").Id, w.mustChannel("acme/cellar").Id
	_, _, err := w.asBot.AddChannelMember(w.ctx, square, w.bot.Id)
	check(t, err)
	_, _, err = w.asBot.AddChannelMember(w.ctx, cellar, w.bot.Id)
	wantError(t, err, 403, permissionID)
	outsider := w.AddUser("outsider")
	_, _, err = w.asBot.AddChannelMember(w.ctx, square, outsider.Id)
	wantError(t, err, 404, "app.team.get_member.missing.app_error")
	_, err = w.asBot.RemoveUserFromChannel(w.ctx, square, w.bot.Id)
	check(t, err)
	_, err = w.asBot.RemoveUserFromChannel(w.ctx, square, w.bot.Id)
	wantError(t, err, 404, "app.channel.get_member.missing.app_error")
}
