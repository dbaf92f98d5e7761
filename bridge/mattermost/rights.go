package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// mayUse asks for one channel whether it is open and the bot a member.
func (a *account) mayUse(ctx context.Context, me, id string) error {
	_, _, err := a.membership(ctx, me, id)
	return err
}

// membership gives an open channel and the bot's place in it.
func (a *account) membership(ctx context.Context, me, id string) (*model.Channel, *model.ChannelMember, error) {
	var c model.Channel
	if err := a.client.get(ctx, "/channels/"+id, &c); err != nil {
		return nil, nil, fmt.Errorf("asking for the channel: %w", err)
	}
	a.channels.Add(c.Id, c.Type)
	if c.DeleteAt != 0 {
		return nil, nil, &bridge.Error{Kind: bridge.Unauthorised, Hint: hintArchived, Err: errors.New("the channel is archived")}
	}
	var m model.ChannelMember
	answer, err := a.client.call(ctx, opRead, http.MethodGet, "/channels/"+id+"/members/"+me, nil, &m)
	if err == nil {
		return &c, &m, nil
	}
	if answer != nil && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusNotFound) && bridge.KindOf(err) != bridge.Transient {
		return nil, nil, &bridge.Error{Kind: bridge.Unauthorised, Hint: fmt.Sprintf(hintMember, a.client.botName()),
			Err: errors.New("the bot is not a member of the channel")}
	}
	return nil, nil, fmt.Errorf("asking whether the bot is a member of the channel: %w", err)
}

// mayPost asks whether one of the bot's roles lets it write in a channel: its roles there, in the team, and everywhere, which is
// where the server looks, too (SessionHasPermissionToChannel).
func (a *account) mayPost(ctx context.Context, me *model.User, c *model.Channel, m *model.ChannelMember) error {
	roles := strings.Fields(m.Roles + " " + me.Roles)
	if slices.Contains(roles, model.SystemAdminRoleId) {
		return nil
	}
	if may, err := a.anyGrants(ctx, roles, model.PermissionCreatePost.Id); may || err != nil {
		return err
	}
	if c.TeamId != "" {
		var t model.TeamMember
		if err := a.client.get(ctx, "/teams/"+c.TeamId+"/members/"+me.Id, &t); err != nil {
			return fmt.Errorf("asking for the bot's roles in the team: %w", err)
		}
		if may, err := a.anyGrants(ctx, strings.Fields(t.Roles), model.PermissionCreatePost.Id); may || err != nil {
			return err
		}
	}
	return &bridge.Error{Kind: bridge.Unauthorised, Err: errors.New("the bot may not post in the channel"), Hint: fmt.Sprintf(
		"give @%s the role system_post_all, or the channel's members the permission to post (System Console > Permissions)", me.Username)}
}

// doubt asks whether somebody may really not do what was refused to them: while Mattermost does without its database, it answers that they lack the
// permission. Where their roles in the channel grant it, or cannot be asked for, the refusal counts for nothing, and it is tried again. What else may have
// led to it must be a rule that no role shows; then trying ends as it does with all that keeps failing.
func (a *account) doubt(ctx context.Context, refused error, as bridge.UserID, channel string, permission *model.Permission) error {
	if refused == nil || as == "" || !notThere(refused) {
		return refused
	}
	return a.entitled(ctx, refused, bridge.ScopePerson, string(as), channel, permission)
}

// doubtOfBot is the same of what the bot itself may not do, for where a refusal is taken for the last word.
func (a *account) doubtOfBot(ctx context.Context, refused error, bot, channel string, permission *model.Permission) error {
	if !forbidden(refused) {
		return refused
	}
	return a.entitled(ctx, refused, bridge.ScopeOf(refused), bot, channel, permission)
}

// entitled gives the refusal where a member of a channel lacks the permission, and else an error after which it is tried again.
func (a *account) entitled(ctx context.Context, refused error, scope bridge.Scope, user, channel string, permission *model.Permission) error {
	var m model.ChannelMember
	ask := func() error { return a.client.get(ctx, "/channels/"+channel+"/members/"+user, &m) }
	err := ask()
	if forbidden(err) {
		err = a.surely(ctx, forbidden, ask)
	}
	if err == nil {
		var may bool
		if may, err = a.anyGrants(ctx, strings.Fields(m.Roles), permission.Id); err == nil && !may {
			return refused
		}
	}
	if err != nil && (bridge.KindOf(err) == bridge.Gone || forbidden(err)) {
		return refused // no member, or the bot may not know
	}
	return &bridge.Error{Kind: bridge.Transient, Scope: scope, Err: fmt.Errorf("although they seem to have the permission: %w", bare(refused))}
}

// anyGrants asks whether one of these roles has a permission.
func (a *account) anyGrants(ctx context.Context, names []string, permission string) (bool, error) {
	if len(names) == 0 {
		return false, nil
	}
	var roles []*model.Role
	if _, err := a.client.call(ctx, opRead, http.MethodPost, "/roles/names", names, &roles); err != nil {
		return false, fmt.Errorf("asking what the bot's roles may do: %w", err)
	}
	return slices.ContainsFunc(roles, func(r *model.Role) bool { return slices.Contains(r.Permissions, permission) }), nil
}
