package mattermost

import (
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

func TestGroupsHoldWhoMakesThem(t *testing.T) {
	w := newTown(t, Options{})
	carol := w.mustUser("carol").Id
	group, _, err := w.asAlice.CreateGroupChannel(w.ctx, []string{w.bob.Id, carol})
	check(t, err)
	same(t, "its name", group.Name, model.GetGroupNameFromUserIds([]string{w.alice.Id, w.bob.Id, carol}))
	again, _, err := w.asAlice.CreateGroupChannel(w.ctx, []string{carol, w.bob.Id, w.alice.Id})
	check(t, err)
	same(t, "the same people", again.Id, group.Id)
	other, _, err := w.asAdmin.CreateGroupChannel(w.ctx, []string{w.alice.Id, w.bob.Id, carol})
	check(t, err)
	if other.Id == group.Id {
		t.Error("an administrator makes a group of others without being in it")
	}
	_, _, err = w.asAlice.CreateGroupChannel(w.ctx, []string{w.bob.Id})
	wantError(t, err, 400, "api.channel.create_group.bad_size.app_error")
	_, _, err = w.asAlice.AddChannelMember(w.ctx, group.Id, w.bot.Id)
	wantError(t, err, 400, "api.channel.add_user_to_channel.type.app_error")
	_, err = w.asAlice.RemoveUserFromChannel(w.ctx, group.Id, w.alice.Id)
	wantError(t, err, 400, "api.channel.remove_channel_member.type.app_error")
}

func TestDirectChannelsOfOthers(t *testing.T) {
	w := newTown(t, Options{})
	_, _, err := w.asBot.CreateDirectChannel(w.ctx, w.alice.Id, w.bob.Id)
	wantError(t, err, 403, "api.context.permissions.app_error")
	dm, _, err := w.asAdmin.CreateDirectChannel(w.ctx, w.bob.Id, w.alice.Id)
	check(t, err)
	own, _, err := w.asAlice.CreateDirectChannel(w.ctx, w.alice.Id, w.bob.Id)
	check(t, err)
	same(t, "one for both", own.Id, dm.Id)
	self, _, err := w.asAlice.CreateDirectChannel(w.ctx, w.alice.Id, w.alice.Id)
	check(t, err)
	same(t, "with oneself", self.Name, w.alice.Id+"__"+w.alice.Id)
	_, _, err = w.asBot.GetPostsForChannel(w.ctx, dm.Id, 0, 10, "", false, false)
	wantError(t, err, 403, "api.context.permissions.app_error")
	_, _, err = w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: dm.Id, Message: "x"})
	wantError(t, err, 403, "api.context.permissions.app_error")
	_, _, err = w.asAdmin.CreatePost(w.ctx, &model.Post{ChannelId: dm.Id, Message: "an administrator may"})
	check(t, err)
}

func TestHeadersOfGroups(t *testing.T) {
	w := newTown(t, Options{})
	group := w.Group("alice", "bob", "carol")
	header, name := "plans", "other"
	patched, _, err := w.asAlice.PatchChannel(w.ctx, group.Id, &model.ChannelPatch{Header: &header})
	check(t, err)
	same(t, "the header", patched.Header, "plans")
	_, _, err = w.asAlice.PatchChannel(w.ctx, group.Id, &model.ChannelPatch{Header: &header})
	check(t, err)
	same(t, "one message of the system", len(w.History(group.Id)), 1)
	_, _, err = w.asAlice.PatchChannel(w.ctx, group.Id, &model.ChannelPatch{DisplayName: &name})
	wantError(t, err, 400, "api.channel.patch_update_channel.update_direct_or_group_messages_not_allowed.app_error")
	_, _, err = w.asAdmin.PatchChannel(w.ctx, group.Id, &model.ChannelPatch{Header: &header})
	wantError(t, err, 403, "api.channel.patch_update_channel.forbidden.app_error")
}

func TestRestrictedDirectMessages(t *testing.T) {
	w := newTown(t, Options{RestrictDirectMessage: true})
	w.AddUser("zoe") // in no team
	zoe := w.mustUser("zoe").Id
	_, _, err := w.asAlice.CreateDirectChannel(w.ctx, w.alice.Id, zoe)
	wantError(t, err, 403, "api.channel.create_channel.direct_channel.team_restricted_error")
	dm, _, err := w.asAdmin.CreateDirectChannel(w.ctx, w.alice.Id, zoe)
	check(t, err)
	_, _, err = w.asAlice.CreatePost(w.ctx, &model.Post{ChannelId: dm.Id, Message: "x"})
	wantError(t, err, 400, "api.post.create_post.can_not_post_in_restricted_dm.error")
}
