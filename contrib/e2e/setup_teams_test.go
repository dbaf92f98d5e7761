package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// TestSetupOfTeamsIsTested: --test names what the app was not granted, and finds no problem where it was granted what setup lists.
func TestSetupOfTeamsIsTested(t *testing.T) {
	t.Parallel()
	program, exits := harness.BuildCauseway(t), func(p *pair, args ...string) (int, string) {
		process := harness.StartProcess(t, p.command(args...))
		return process.Wait(t), process.Output().String()
	}
	sim, err := teams.Start(teams.Options{TokensTell: true, DeviceCodeInterval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	tenant := sim.AddTenant("contoso")
	relay := tenant.AddUser("Causeway")
	newAccount := func(granted map[string][]string) *pair {
		p := &pair{sim: sim, relay: relay, dir: t.TempDir(), program: program, bot: &harness.User{}}
		app := tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: "a secret for the tests", PublicClient: true, Roles: granted["application"], Scopes: granted["delegated"]})
		p.write(t, "config.toml", fmt.Sprintf(`
[http]
Listen = %q
[msteams.contoso]
TenantID = %q
ClientID = %q
ClientSecret = "env:TEAMS_SECRET"
GraphURL = %q
LoginURL = %q
`, harness.FreePort(t), tenant.ID, app.ClientID, sim.GraphURL(), sim.LoginURL()))
		p.login(t)
		return p
	}
	exit, text := exits(&pair{dir: t.TempDir(), program: program, bot: &harness.User{}}, "setup", "msteams")
	if exit != 0 {
		t.Fatalf("exit code %d:\n%s", exit, text)
	}
	listed := map[string][]string{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 2 && strings.HasPrefix(line, "  ") && slices.Contains([]string{"application", "delegated"}, words[0]) {
			listed[words[0]] = append(listed[words[0]], words[1])
		}
	}
	if exit, text := exits(newAccount(listed), "setup", "msteams", "--test"); exit != 0 || !strings.Contains(text, "connected as Causeway") || strings.Contains(text, "The app lacks") || strings.Contains(text, "The relay account lacks") || strings.Contains(text, "does not need") {
		t.Errorf("of an app with what is listed: exit code %d:\n%s\nof %v", exit, text, listed)
	}
	few := map[string][]string{"application": {"ChannelMember.Read.All"}, "delegated": listed["delegated"]}
	exit, text = exits(newAccount(few), "setup", "msteams", "--test")
	if exit != 1 || !strings.Contains(text, "The app lacks the application permission ChannelMessage.Read.All") || !strings.Contains(text, "The app lacks the application permission User.ReadBasic.All") ||
		strings.Contains(text, "lacks the application permission ChannelMember.Read.All") || strings.Contains(text, "The relay account lacks") {
		t.Errorf("of an app with few permissions: exit code %d:\n%s", exit, text)
	}
}
