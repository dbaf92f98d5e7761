package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// TestCheckNamesAChannelWhereTheBotMayNotPost asks a real server of its own, on which members may read and not write.
func TestCheckNamesAChannelWhereTheBotMayNotPost(t *testing.T) {
	t.Parallel()
	mm := harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres})
	p := newPair(t, mm, 1)
	check := func() (int, string) {
		t.Helper()
		process := harness.StartProcess(t, p.command("check", "-c", "config.toml"))
		return process.Wait(t), process.Output().String()
	}
	exit, text := check()
	if exit != 0 {
		t.Fatalf("check before: exit code %d:\n%s", exit, text)
	}
	tellsSettings(t, text)
	role, _, err := mm.Admin.Client.GetRoleByName(t.Context(), model.ChannelUserRoleId)
	if err != nil {
		t.Fatal(err)
	}
	rest := slices.DeleteFunc(role.Permissions, func(p string) bool { return p == model.PermissionCreatePost.Id })
	if _, _, err := mm.Admin.Client.PatchRole(t.Context(), role.Id, &model.RolePatch{Permissions: &rest}); err != nil {
		t.Fatal(err)
	}
	_, _, err = p.bot.Client.CreatePost(t.Context(), &model.Post{ChannelId: p.channel.Id, Message: "may I?"})
	if !harness.IsStatus(err, http.StatusForbidden) {
		t.Fatalf("posting without a role: %v, want 403", err)
	}
	exit, text = check()
	if exit != 1 || !strings.Contains(text, "the bot may not post in the channel") || !strings.Contains(text, "system_post_all") {
		t.Errorf("check: exit code %d:\n%s", exit, text)
	}
	if _, err := mm.Admin.Client.UpdateUserRoles(t.Context(), p.bot.Id, "system_user system_post_all"); err != nil {
		t.Fatal(err)
	}
	if exit, text := check(); exit != 0 {
		t.Errorf("check with the role that it named: exit code %d:\n%s", exit, text)
	}
}

// tellsSettings makes sure that a real server tells of each setting that check looks at, under the name that check asks for.
func tellsSettings(t *testing.T, text string) {
	t.Helper()
	for _, name := range []string{"ServiceSettings.SiteURL", "ServiceSettings.EnableBotAccountCreation", "ServiceSettings.EnablePostUsernameOverride",
		"ServiceSettings.EnablePostIconOverride", "ServiceSettings.EnableUserAccessTokens", "ServiceSettings.EnableOAuthServiceProvider", "ServiceSettings.EnableCommands",
		"ServiceSettings.PostEditTimeLimit", "TeamSettings.RestrictDirectMessage", "FileSettings.EnableFileAttachments", "EmailSettings.RequireEmailVerification", "PrivacySettings.ShowEmailAddress", "RateLimitSettings",
		"ServiceSettings.DisableBotsWhenOwnerIsDeactivated", "the clock of Mattermost and that of this machine agree", "the clock of Microsoft's login service and that of this machine agree"} {
		if !strings.Contains(text, name) {
			t.Errorf("check does not tell of %s:\n%s", name, text)
		}
	}
}
