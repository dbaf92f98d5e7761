package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// powers are what the bot's roles let it do everywhere on the server.
type powers struct {
	admin   bool
	granted map[string]bool
}

func (p powers) may(permissions ...*model.Permission) bool { return len(p.lacks(permissions...)) == 0 }

// lacks gives the ids of those that are missing.
func (p powers) lacks(permissions ...*model.Permission) []string {
	var missing []string
	for _, one := range permissions {
		if !p.admin && !p.granted[one.Id] {
			missing = append(missing, one.Id)
		}
	}
	return missing
}

// mint is what it takes to mint, list and revoke tokens of people who are not system administrators.
var mint = []*model.Permission{
	model.PermissionCreateUserAccessToken, model.PermissionReadUserAccessToken, model.PermissionRevokeUserAccessToken, model.PermissionEditOtherUsers,
}

// readPowers asks for the bot's roles. System administrators may do everything.
func (a *account) readPowers(ctx context.Context, me *model.User) (powers, error) {
	names := strings.Fields(me.Roles)
	p := powers{admin: slices.Contains(names, model.SystemAdminRoleId), granted: map[string]bool{}}
	if p.admin || len(names) == 0 {
		return p, nil
	}
	var roles []*model.Role
	if _, err := a.client.call(ctx, opRead, http.MethodPost, "/roles/names", names, &roles); err != nil {
		return powers{}, fmt.Errorf("asking what the bot's roles may do: %w", err)
	}
	for _, r := range roles {
		for _, id := range r.Permissions {
			p.granted[id] = true
		}
	}
	return p, nil
}

// lookPowers keeps the powers current; a role that was given while Causeway runs counts soon.
func (a *account) lookPowers(ctx context.Context) error {
	var me model.User
	if err := a.client.get(ctx, "/users/me", &me); err != nil {
		return fmt.Errorf("asking who the bot is: %w", err)
	}
	p, err := a.readPowers(ctx, &me)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.powers = p
	return nil
}

// may says whether the bot's roles, as read last, grant permissions.
func (a *account) may(permissions ...*model.Permission) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.powers.may(permissions...)
}

// simple says whether the bot mints the tokens of people; else each gives one by OAuth 2.0.
func (a *account) simple() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.settings.Profile {
	case ProfileSimple:
		return true
	case ProfileRestricted:
		return false
	}
	return a.config.tokens && a.powers.may(mint...)
}
