package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// newcomer is somebody with a new Mattermost server, a tenant, the program, an empty home and README, and nothing else.
type newcomer struct {
	*testing.T
	readme, home string
	env          []string

	mm      *harness.Mattermost
	channel *model.Channel
	sim     *teams.Server
	tenant  *teams.Tenant
	relay   *teams.User
	bob     *teams.User
	general *teams.Channel
}

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := &newcomer{T: t, readme: string(text), home: t.TempDir()}
	n.mm = harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres, Bare: true})
	n.channel = n.mm.CreateChannel(t, n.mm.CreateTeam(t), model.ChannelTypeOpen, "berlin")
	if n.sim, err = teams.Start(teams.Options{TokensTell: true, DeviceCodeInterval: time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.sim.Close() })
	n.tenant = n.sim.AddTenant("Contoso")
	n.relay, n.bob = n.tenant.AddUser("Causeway Relay"), n.tenant.AddUser("Bob Kahn")
	n.general = n.tenant.AddTeam("Contoso", n.bob, n.relay).General
	n.env = []string{"HOME=" + n.home, "PATH=" + filepath.Dir(harness.BuildCauseway(t)) + ":" + os.Getenv("PATH"), "CAUSEWAY_ADMIN_TOKEN=" + n.mm.Admin.Token,
		"CAUSEWAY_TEAMS_SECRET=s3cr3t-of-the-app"}
	return n
}

// shell carries out in the home what README says, with replacements, each of which must be found.
func (n *newcomer) shell(says string, oldNew ...string) *exec.Cmd {
	n.Helper()
	if !strings.Contains(n.readme, says) {
		n.Fatalf("README does not say %s any more: what does it say instead?", says)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(says, oldNew[i]) {
			n.Fatalf("%s lacks %s", says, oldNew[i])
		}
		says = strings.Replace(says, oldNew[i], oldNew[i+1], 1)
	}
	cmd := exec.CommandContext(n.Context(), "bash", "-c", "exec "+says)
	cmd.Dir, cmd.Env = n.home, n.env
	return cmd
}

// types types it, and gives what it says; it must succeed.
func (n *newcomer) types(says string, oldNew ...string) string {
	n.Helper()
	said, err := n.shell(says, oldNew...).CombinedOutput()
	if err != nil {
		n.Fatalf("%s: %v\n%s", says, err, said)
	}
	return string(said)
}

// registers makes the app with just the permissions that setup lists, and adds README's own account and gateway to the config that setup has made.
func (n *newcomer) registers(listed, channel string) {
	n.Helper()
	granted := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^  (application|delegated) +(\S+)`).FindAllStringSubmatch(listed, -1) {
		granted[m[1]] = append(granted[m[1]], m[2])
	}
	app := n.tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: "s3cr3t-of-the-app", PublicClient: true, Roles: granted["application"], Scopes: granted["delegated"]})
	shown := regexp.MustCompile("(?s)```toml\n.*?(\\[msteams\\.contoso\\].*?)```").FindStringSubmatch(n.readme)
	if shown == nil {
		n.Fatal("README has no config")
	}
	config := shown[1]
	none := `"00000000-0000-0000-0000-000000000000"`
	for _, change := range [][2]string{{"TenantID = " + none, fmt.Sprintf("TenantID = %q\nGraphURL = %q\nLoginURL = %q", n.tenant.ID, n.sim.GraphURL(), n.sim.LoginURL())},
		{"ClientID = " + none, fmt.Sprintf("ClientID = %q\nPollInterval = \"300ms\"", app.ClientID)}, {"main/town-square", channel}} {
		if !strings.Contains(config, change[0]) {
			n.Fatalf("README's config lacks %s", change[0])
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	made, err := os.ReadFile(filepath.Join(n.home, "config.toml"))
	if err == nil {
		err = os.WriteFile(filepath.Join(n.home, "config.toml"), fmt.Appendf(made, "\n%s\n[http]\nListen = %q\n", config, harness.FreePort(n.T)), 0o600)
	}
	if err != nil {
		n.Fatal(err)
	}
}

// login types it, and enters the code elsewhere.
func (n *newcomer) login(says string) {
	n.Helper()
	var entering sync.WaitGroup
	entering.Go(func() {
		for len(n.sim.UserCodes()) == 0 {
			select {
			case <-n.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		if err := n.sim.ApproveDevice(n.sim.UserCodes()[0], n.relay); err != nil {
			n.Error(err)
		}
	})
	said := n.types(says)
	entering.Wait()
	if !strings.Contains(said, "Signed in as Causeway Relay") {
		n.Errorf("%s says %s", says, said)
	}
}

func (n *newcomer) until(what string, holds func() bool) {
	n.Helper()
	for end := time.Now().Add(harness.Patience); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			n.Fatalf("it is never so that %s", what)
		}
	}
}

// TestANewcomerGetsByReadmeToTheFirstMessage, with a real Mattermost server as it comes from its makers, and an app that is granted what setup lists and
// nothing more.
func TestANewcomerGetsByReadmeToTheFirstMessage(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	channel := n.channel.Name
	team, _, err := n.mm.Admin.Client.GetTeam(t.Context(), n.channel.TeamId, "")
	if err != nil {
		t.Fatal(err)
	}
	channel = team.Name + "/" + channel
	said := n.types("causeway setup mattermost --server https://chat.example.org --channel TEAM/CHANNEL", "https://chat.example.org", n.mm.URL, "TEAM/CHANNEL", channel+" --yes")
	if !strings.Contains(said, "Wrote config.toml.") || !strings.Contains(said, "causeway setup msteams") {
		t.Errorf("setup does not say what comes next:\n%s", said)
	}
	n.registers(n.types("causeway setup msteams"), channel)
	n.login("causeway login msteams.contoso")
	for says, want := range map[string]string{"causeway channels mattermost.hq": channel, "causeway channels msteams.contoso": "Contoso/General", "causeway check": "No problem"} {
		if said := n.types(says); !strings.Contains(said, want) {
			t.Errorf("%s says\n%s", says, said)
		}
	}

	run := n.shell("causeway run")
	var log strings.Builder
	run.Stdout, run.Stderr = &log, &log
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the context has ended, so Causeway is stopping
		_ = run.Wait()
		if t.Failed() || strings.Contains(log.String(), "level=error") {
			t.Errorf("Causeway says\n%s", &log)
		}
	})
	n.until("Causeway is well", func() bool { return n.shell("causeway status").Run() == nil })
	n.until("what is said in Mattermost is in Teams", func() bool {
		n.mm.Admin.Post(t, n.channel, "good morning")
		return strings.Contains(fmt.Sprint(n.sim.Messages(n.general)), "good morning")
	})
	n.until("what is said in Teams is in Mattermost", func() bool {
		if _, err := n.sim.Say(n.bob, n.general, "<p>good evening</p>"); err != nil {
			t.Fatal(err)
		}
		posts, _, err := n.mm.Admin.Client.GetPostsForChannel(t.Context(), n.channel.Id, 0, 60, "", false, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range posts.Posts {
			if p.Message == "good evening" && p.GetProp("override_username") == "Bob Kahn" {
				return true
			}
		}
		return false
	})
}
