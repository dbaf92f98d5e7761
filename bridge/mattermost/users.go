package mattermost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// profileOf shows a user as far as the server has told. It tells auth_service to the user and to administrators only, and
// email_verified to nobody but the user (ClearNonProfileFields in the server's model). Where RequireEmailVerification is set, nobody can log in
// with an address that is not verified.
func profileOf(u *model.User, config serverConfig) bridge.Profile {
	roles := strings.Fields(u.Roles)
	p := bridge.Profile{
		Author:      personOf(u, config.nameFormat).author(u.Id),
		Email:       u.Email,
		EmailProven: u.Email != "" && (u.EmailVerified || u.AuthService != "" || config.verifies),
		Standing: bridge.Standing{
			Admin:   slices.Contains(roles, model.SystemAdminRoleId),
			Bot:     u.IsBot,
			Guest:   slices.Contains(roles, model.SystemGuestRoleId),
			Managed: u.AuthService == model.UserAuthServiceLdap || u.AuthService == model.UserAuthServiceSaml,
		},
	}
	if u.DeleteAt != 0 {
		p.Standing.Presence = bridge.Disabled
	}
	return p
}

// Profile asks for a user by id.
func (a *account) Profile(ctx context.Context, u bridge.UserID) (bridge.Profile, error) {
	_, config, err := a.self()
	if err != nil {
		return bridge.Profile{}, err
	}
	erased := bridge.Profile{Author: bridge.Author{ID: u}, Standing: bridge.Standing{Presence: bridge.Erased}}
	if !model.IsValidId(string(u)) {
		return erased, nil
	}
	var user model.User
	if err := a.client.get(ctx, "/users/"+string(u), &user); bridge.KindOf(err) == bridge.Gone {
		return erased, nil
	} else if err != nil {
		return bridge.Profile{}, fmt.Errorf("asking for user %s: %w", u, lacking(err, "view_members"))
	}
	a.users.Add(user.Id, personOf(&user, config.nameFormat))
	return profileOf(&user, config), nil
}

// FindUser finds a user by id, user name with or without "@", or e-mail address; deactivated ones, too.
func (a *account) FindUser(ctx context.Context, name string) (bridge.Profile, error) {
	_, config, err := a.self()
	if err != nil {
		return bridge.Profile{}, err
	}
	name = strings.TrimSpace(name)
	plain := strings.ToLower(strings.TrimPrefix(name, "@"))
	var paths []string
	if model.IsValidId(name) {
		paths = append(paths, "/users/"+name)
	}
	switch {
	case plain == "":
		return bridge.Profile{}, &bridge.Error{Kind: bridge.Gone, Err: errors.New("finding a user: no name is given")}
	case strings.Contains(plain, "@"):
		paths = append(paths, "/users/email/"+url.PathEscape(plain))
	case model.IsValidUsername(plain):
		paths = append(paths, "/users/username/"+plain)
	}
	for _, path := range paths {
		var user model.User
		err := a.client.get(ctx, path, &user)
		switch {
		case err == nil:
			return profileOf(&user, config), nil
		case bridge.KindOf(err) == bridge.Gone:
		case forbidden(err) && strings.HasPrefix(path, "/users/email/"):
			return bridge.Profile{}, &bridge.Error{Kind: bridge.Unsupported, Err: fmt.Errorf("finding the user %q: the server hides e-mail addresses", name),
				Hint: "write the user name, or switch on PrivacySettings.ShowEmailAddress"}
		default:
			return bridge.Profile{}, fmt.Errorf("finding the user %q: %w", name, err)
		}
	}
	return bridge.Profile{}, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("finding the user %q: there is none", name), Hint: "write a user name, an e-mail address or an id"}
}

// Deactivate switches an account off. It looks first, as the server would let a system administrator go, too.
func (a *account) Deactivate(ctx context.Context, u bridge.UserID) error {
	p, err := a.Profile(ctx, u)
	if err != nil {
		return fmt.Errorf("deactivating a user: %w", err)
	}
	refuse := func(why, hint string) error {
		return &bridge.Error{Kind: bridge.Rejected, Hint: hint, Err: fmt.Errorf("deactivating @%s: %s", p.Username, why)}
	}
	switch s := p.Standing; {
	case s.Presence == bridge.Erased:
		return gone("deactivating a user: there is no user %q", u)
	case s.Admin:
		return refuse("it is a system administrator", "an administrator has to do that")
	case s.Bot:
		return refuse("it is a bot", "")
	case s.Managed:
		return refuse("it is managed by LDAP or SAML", hintLDAP)
	case s.Presence == bridge.Disabled:
		return nil
	}
	if _, config, err := a.self(); err == nil && config.managed && !a.may(model.PermissionManageSystem) {
		return refuse("only a system administrator can see whether LDAP or SAML manages it", hintLDAP)
	}
	if _, err := a.client.call(ctx, opChange, http.MethodPut, "/users/"+string(u)+"/active", map[string]bool{"active": false}, nil); err != nil {
		return fmt.Errorf("deactivating @%s: %w", p.Username, lacking(err, model.PermissionSysconsoleWriteUserManagementUsers.Id))
	}
	a.actors.forget(u)
	return nil
}

// Administers asks for a user's roles in a channel, and in its team. A direct or group message has no administrator.
func (a *account) Administers(ctx context.Context, c bridge.ConversationID, u bridge.UserID) (bool, error) {
	channel, user, err := a.memberOf(u, c)
	if err != nil {
		return false, err
	}
	var there model.Channel
	if err := a.client.get(ctx, "/channels/"+channel, &there); err != nil {
		return false, fmt.Errorf("asking for a channel: %w", err)
	}
	if there.TeamId == "" {
		return false, nil
	}
	var member model.ChannelMember
	err = a.client.get(ctx, "/channels/"+channel+"/members/"+user, &member)
	switch {
	case bridge.KindOf(err) == bridge.Gone:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("asking for somebody's roles in a channel: %w", err)
	case member.SchemeAdmin || slices.Contains(strings.Fields(member.Roles), model.ChannelAdminRoleId):
		return true, nil
	}
	var team model.TeamMember
	if err := a.client.get(ctx, "/teams/"+there.TeamId+"/members/"+user, &team); err != nil {
		return false, fmt.Errorf("asking for somebody's roles in a team: %w", err)
	}
	if team.SchemeAdmin || slices.Contains(strings.Fields(team.Roles), model.TeamAdminRoleId) {
		return true, nil
	}
	p, err := a.Profile(ctx, u)
	return err == nil && p.Standing.Admin, err
}

// Notifications gives mark_unread of a member: "all", or "mention" when it is muted.
func (a *account) Notifications(ctx context.Context, u bridge.UserID, c bridge.ConversationID) (string, error) {
	channel, user, err := a.memberOf(u, c)
	if err != nil {
		return "", err
	}
	var m model.ChannelMember
	err = a.forMember(ctx, u, channel, func(by *client) error {
		return by.get(ctx, "/channels/"+channel+"/members/"+user, &m)
	})
	if err != nil {
		return "", fmt.Errorf("asking how a person is notified: %w", err)
	}
	return cmp.Or(m.NotifyProps[model.MarkUnreadNotifyProp], model.ChannelMarkUnreadAll), nil
}

// SetNotifications changes mark_unread. The server would store anything, so only what it knows is sent.
func (a *account) SetNotifications(ctx context.Context, u bridge.UserID, c bridge.ConversationID, setting string) error {
	channel, user, err := a.memberOf(u, c)
	if err != nil {
		return err
	}
	if setting != model.ChannelMarkUnreadAll && setting != model.ChannelMarkUnreadMention {
		return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("changing how a person is notified: there is no setting %q", setting)}
	}
	err = a.forMember(ctx, u, channel, func(by *client) error {
		_, err := by.call(ctx, opChange, http.MethodPut, "/channels/"+channel+"/members/"+user+"/notify_props",
			map[string]string{model.MarkUnreadNotifyProp: setting}, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("changing how a person is notified: %w", err)
	}
	return nil
}

func (a *account) memberOf(u bridge.UserID, c bridge.ConversationID) (channel, user string, err error) {
	channel, err = a.channelOf(c)
	if err == nil && !model.IsValidId(string(u)) {
		err = gone("there is no user %q on this server", u)
	}
	return channel, string(u), err
}

// forMember does something about a member: with the bot's token where it may do that for others, else with the person's own.
func (a *account) forMember(ctx context.Context, u bridge.UserID, channel string, do func(by *client) error) error {
	if a.may(model.PermissionEditOtherUsers, model.PermissionReadChannel) {
		return a.explain(ctx, a.client, do(a.client), channel, "")
	}
	err := a.by(ctx, u, func(c *client, _ string) error { return do(c) })
	if notThere(err) {
		// Whoever is no member of a private channel does not get to know more than that.
		return gone("the person is not a member of the channel: %w", bare(err))
	}
	return err
}
