package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	_ "causeway/bridge/mattermost"
	"causeway/contrib/e2e/harness"
)

// bare is a new server, as it comes, with a team and two channels.
type bare struct {
	mm     *harness.Mattermost
	team   *model.Team
	places []string
	dir    string
	public string
}

func newBare(t *testing.T) *bare {
	t.Helper()
	b := &bare{mm: harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres, Bare: true}), dir: t.TempDir()}
	b.team = b.mm.CreateTeam(t)
	for _, word := range []string{"town", "lake"} {
		c := b.mm.CreateChannel(t, b.team, model.ChannelTypePrivate, word)
		b.places = append(b.places, b.team.Name+"/"+c.Name)
	}
	b.public = "http://" + harness.FreePort(t)
	return b
}

// call runs Causeway with the administrator's token in the environment.
func (b *bare) call(t *testing.T, args ...string) (exit int, text string) {
	t.Helper()
	process := harness.StartProcess(t, harness.Command{Path: harness.BuildCauseway(t), Args: append(args, "-c", "config.toml"), Dir: b.dir,
		LogFile: filepath.Join(b.dir, "causeway.log"), Env: []string{"CAUSEWAY_ADMIN_TOKEN=" + b.mm.Admin.Token}})
	exit = process.Wait(t)
	return exit, process.Output().String()
}

func (b *bare) setup(t *testing.T, args ...string) (exit int, text string) {
	t.Helper()
	return b.call(t, append([]string{"setup", "mattermost", "--server", b.mm.URL, "--public-url", b.public, "--channel", b.places[0], "--channel", b.places[1], "--channel", b.team.Name + "/" + model.DefaultChannelName}, args...)...)
}

// state is what setup changes of a server, and puts back: some settings and the role.
func (b *bare) state(t *testing.T) string {
	t.Helper()
	admin := b.mm.Admin.Client
	config, _, err := admin.GetConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	role, _, err := admin.GetRoleByName(t.Context(), "system_custom_group_admin")
	if err != nil {
		t.Fatal(err)
	}
	apps, _, err := admin.GetOAuthApps(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	s := config.ServiceSettings
	slices.Sort(role.Permissions)
	return fmt.Sprintln(*s.EnableBotAccountCreation, *s.EnablePostUsernameOverride, *s.EnablePostIconOverride, *s.EnableUserAccessTokens, *s.EnableOAuthServiceProvider, *s.EnableCommands,
		*s.DisableBotsWhenOwnerIsDeactivated, *s.AllowedUntrustedInternalConnections, role.Permissions, len(apps))
}

// secrets are what must not be shown.
func (b *bare) secrets(t *testing.T) []string {
	t.Helper()
	all := []string{b.mm.Admin.Token, b.mm.AdminPassword}
	for _, name := range []string{"mattermost.hq.token", "mattermost.hq.oauth"} {
		if text, err := os.ReadFile(filepath.Join(b.dir, name)); err == nil {
			all = append(all, strings.TrimSpace(string(text)))
			if info, err := os.Stat(filepath.Join(b.dir, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", name, info.Mode(), err)
			}
		}
	}
	return all
}

// TestSetupMakesANewServerReadyAndBackAgain as an operator would: look, do it, do it again, check, and take it back.
func TestSetupMakesANewServerReadyAndBackAgain(t *testing.T) {
	t.Parallel()
	b := newBare(t)
	before := b.state(t)
	exit, text := b.setup(t)
	if exit != 1 || !strings.Contains(text, "make the bot account @causeway") || !strings.Contains(text, "nothing was changed: add --yes") {
		t.Fatalf("without consent: exit code %d:\n%s", exit, text)
	}
	if after := b.state(t); after != before {
		t.Fatalf("without consent something has changed:\n%s%s", before, after)
	}
	all := text
	if exit, text = b.setup(t, "--yes"); exit != 0 {
		t.Fatalf("setup: exit code %d:\n%s", exit, text)
	}
	all += text
	if exit, text = b.setup(t, "--yes"); exit != 0 || !strings.Contains(text, "Nothing has to be changed") {
		t.Errorf("setup again: exit code %d:\n%s", exit, text)
	}
	all += text

	made, err := os.ReadFile(filepath.Join(b.dir, "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(string(made), "[http]\n", fmt.Sprintf("[http]\nListen = %q\n", strings.TrimPrefix(b.public, "http://")), 1) +
		fmt.Sprintf("\n[people]\nOnTeamsUserRemoved = \"disconnect\"\n[[gateway]]\nname = \"town\"\ninout = [ { account = \"mattermost.hq\", channel = %q }, { account = \"mattermost.hq\", channel = %q } ]\n", b.places[0], b.places[1])
	if err := os.WriteFile(filepath.Join(b.dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	exit, text = b.call(t, "check")
	// Two things remain that come from the test's address, and that this bot may not look up.
	for _, line := range strings.Split(text, "\n") {
		state, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if (state == "PROBLEM" || state == "warning") && !strings.Contains(line, "Server is an http:// address") && !strings.Contains(line, "which this bot may not look up") {
			t.Errorf("check after setup: %s", line)
		}
	}
	if exit != 0 || !strings.Contains(text, "connected as causeway") {
		t.Errorf("check: exit code %d:\n%s", exit, text)
	}
	all += text
	if exit, text = b.call(t, "setup", "mattermost", "--test"); exit != 0 || !strings.Contains(text, "No problem") {
		t.Errorf("--test: exit code %d:\n%s", exit, text)
	}
	all += text + string(config)
	secrets := b.secrets(t)
	if strings.Contains(all, "sysconsole_write_user_management_users") {
		t.Errorf("nobody has asked for it:\n%s", all)
	}
	if exit, text = b.setup(t, "--deactivate", "--yes"); exit != 0 || !strings.Contains(text, "can set the password of everybody who is no administrator") {
		t.Errorf("--deactivate: exit code %d:\n%s", exit, text)
	}
	all += text
	// As if setup had been ended before it could write down that it has minted a token.
	bot, _, err := b.mm.Admin.Client.GetUserByUsername(t.Context(), "causeway", "")
	if err != nil {
		t.Fatal(err)
	}
	lost, _, err := b.mm.Admin.Client.CreateUserAccessToken(t.Context(), bot.Id, "Causeway")
	if err != nil {
		t.Fatal(err)
	}

	if exit, text = b.setup(t, "--undo", "--yes"); exit != 0 {
		t.Fatalf("undo: exit code %d:\n%s", exit, text)
	}
	all += text
	if after := b.state(t); after != before || !strings.Contains(text, fmt.Sprintf("SiteURL stays %q", b.mm.URL)) {
		t.Errorf("before and after:\n%s%s%s", before, after, text)
	}
	for _, token := range []string{secrets[2], lost.Token} {
		if _, _, err := b.mm.Client(token).GetMe(t.Context(), ""); !harness.IsStatus(err, 401) {
			t.Errorf("a token of the bot after undo: %v", err)
		}
	}
	if exit, text = b.setup(t, "--undo", "--yes"); exit != 0 || !strings.Contains(text, "Nothing has to be changed") {
		t.Errorf("undo again: exit code %d:\n%s", exit, text)
	}
	for _, secret := range secrets {
		if strings.Contains(all, secret) {
			t.Errorf("a secret is shown:\n%s", all)
		}
	}
}

// visit is an operator who types a password and agrees to everything.
type visit struct {
	with  bridge.Login
	said  []string
	files map[string]string
}

func (v *visit) Login(context.Context) (bridge.Login, error) { return v.with, nil }
func (v *visit) Code(context.Context) (string, error) {
	return "", errors.New("nobody has a second factor")
}
func (v *visit) Agreed(context.Context) (bool, error)    { return true, nil }
func (v *visit) Say(text string)                         { v.said = append(v.said, text) }
func (v *visit) Config(lines string) error               { v.said = append(v.said, lines); return nil }
func (v *visit) Kept(name string) (string, error)        { return v.files[name], nil }
func (v *visit) Keep(name, value string) (string, error) { v.files[name] = value; return name, nil }

// TestSetupWithAPassword makes the bot an administrator, keeps what others change meanwhile, and leaves no session.
func TestSetupWithAPassword(t *testing.T) {
	t.Parallel()
	b := newBare(t)
	before := b.state(t)
	i := slices.IndexFunc(bridge.Protocols(), func(p bridge.Protocol) bool { return p.Name == "mattermost" })
	run := bridge.Protocols()[i].Setup.Run
	v := &visit{with: bridge.Login{User: b.mm.Admin.Username, Password: "wrong"}, files: map[string]string{}}
	call := bridge.SetupCall{Account: "mattermost.hq", Options: map[string][]string{"server": {b.mm.URL}, "profile": {"simple"}}, Desk: v}
	if err := run(t.Context(), call); err == nil || !strings.Contains(err.Error(), "logging admin in") || strings.Contains(err.Error(), "wrong") {
		t.Fatalf("a wrong password: %v", err)
	}
	v.with.Password = b.mm.AdminPassword
	if err := run(t.Context(), call); err != nil {
		t.Fatalf("%v\n%s", err, v.said)
	}
	me, _, err := b.mm.Client(v.files["mattermost.hq.token"]).GetMe(t.Context(), "")
	if err != nil || !strings.Contains(me.Roles, model.SystemAdminRoleId) {
		t.Errorf("%v %+v", err, me)
	}
	if sessions, _, err := b.mm.Admin.Client.GetSessions(t.Context(), b.mm.Admin.Id, ""); err != nil || len(sessions) != 1 {
		t.Errorf("%d sessions of the administrator, of whom one is the test's: %v", len(sessions), err)
	}
	// Somebody wants the names to be overridden no more, and that stays.
	patch := &model.Config{}
	patch.ServiceSettings.EnablePostIconOverride = model.NewPointer(false)
	if _, _, err := b.mm.Admin.Client.PatchConfig(t.Context(), patch); err != nil {
		t.Fatal(err)
	}
	call.Undo = true
	if err := run(t.Context(), call); err != nil {
		t.Fatalf("undo: %v\n%s", err, v.said)
	}
	if after := b.state(t); after != before {
		t.Errorf("before and after:\n%s%s", before, after)
	}
	if text := strings.Join(v.said, "\n"); !strings.Contains(text, "EnablePostIconOverride stays false") || !strings.Contains(text, "it is disabled, and has no token") || strings.Contains(text, b.mm.AdminPassword) || strings.Contains(text, v.files["mattermost.hq.token"]) {
		t.Errorf("said:\n%s", text)
	}
}
