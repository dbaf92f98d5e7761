package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// pair is a Mattermost channel and a Teams channel with people in both, and a Causeway between them.
type pair struct {
	mm      *harness.Mattermost
	proxy   *harness.Proxy // between Causeway and Mattermost
	channel *model.Channel
	bot     *harness.User
	people  []*harness.User

	sim    *teams.Server
	tenant *teams.Tenant
	group  *teams.Team
	team   *teams.Channel
	relay  *teams.User
	others []*teams.User

	dir      string
	program  string
	causeway *harness.Process

	pause      time.Duration // people wait at most so long before they speak
	said       atomic.Int64  // how often they have spoken
	most       atomic.Int64  // when they have spoken so often they wait; 0 for never
	restarting sync.RWMutex  // held while Mattermost is away
}

// newPair makes both channels with n people each, writes the config and signs the relay account in. Causeway polls.
func newPair(t *testing.T, mm *harness.Mattermost, n int) *pair {
	t.Helper()
	return newPairOn(t, mm, n, "poll")
}

// newPairOn has Causeway receive from the stand-in by "poll" or by "rich".
func newPairOn(t *testing.T, mm *harness.Mattermost, n int, receive string) *pair {
	t.Helper()
	return newPairStoredIn(t, mm, n, receive, "causeway.db")
}

// newPairStoredIn has Causeway keep its store there.
func newPairStoredIn(t *testing.T, mm *harness.Mattermost, n int, receive, dsn string) *pair {
	t.Helper()
	p := &pair{
		mm: mm, proxy: harness.StartProxy(t, mm.Address), dir: t.TempDir(), program: harness.BuildCauseway(t),
		pause: 1200 * time.Millisecond,
	}
	team := mm.CreateTeam(t)
	p.bot = mm.CreateBot(t, "causeway", "", team)
	for i := range n {
		p.people = append(p.people, mm.CreateUser(t, fmt.Sprintf("anna%d", i), team))
	}
	p.channel = mm.CreateChannel(t, team, model.ChannelTypeOpen, "town", append([]*harness.User{p.bot}, p.people...)...)

	sim, err := teams.Start(teams.Options{DeviceCodeInterval: time.Second, Webhooks: teams.Webhooks{AllowHTTP: true}}) // to this machine only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	p.sim = sim
	tenant := sim.AddTenant("contoso")
	p.tenant = tenant
	p.relay = tenant.AddUser("Causeway")
	for i := range n {
		p.others = append(p.others, tenant.AddUser(fmt.Sprintf("Otto %d", i)))
	}
	group := tenant.AddTeam("Sales", p.others[0], append(p.others[1:], p.relay)...)
	p.group, p.team = group, group.AddChannel("Berlin")
	app := tenant.AddApp(teams.AppConfig{
		Name: "Causeway", Secret: "a secret for the tests", PublicClient: true,
		Roles:  []string{"Team.ReadBasic.All", "Channel.ReadBasic.All", "ChannelMessage.Read.All", "TeamMember.Read.All", "User.Read.All", "ProfilePhoto.Read.All", "Chat.ReadBasic.All", "Chat.Read.All"},
		Scopes: []string{"User.Read", "ChannelMessage.Send", "ChannelMessage.ReadWrite", "Files.ReadWrite.All", "ChannelMessage.Read.All", "Team.ReadBasic.All", "Channel.ReadBasic.All", "Chat.Create", "ChatMessage.Send", "Chat.ReadWrite", "offline_access"},
	})
	p.write(t, "config.toml", fmt.Sprintf(`
[general]
LogLevel = "debug"
[storage]
DSN = %[10]q
[http]
Listen = %[1]q
PublicURL = "http://%[1]s"
[mattermost.hq]
Server = %[2]q
Token = "env:MM_TOKEN"
Team = %[3]q
[msteams.contoso]
TenantID = %[4]q
ClientID = %[5]q
ClientSecret = "env:TEAMS_SECRET"
TeamID = "Sales"
Receive = %[9]q
PollInterval = "300ms"
PostInterval = "10ms"
GraphURL = %[6]q
LoginURL = %[7]q
[[gateway]]
name = "town"
inout = [ { account = "mattermost.hq", channel = "%[8]s" }, { account = "msteams.contoso", channel = "Berlin" } ]
`, harness.FreePort(t), p.proxy.URL, team.Name, tenant.ID, app.ClientID, sim.GraphURL(), sim.LoginURL(), p.channel.Name, receive, dsn))
	p.login(t)
	return p
}

// write puts a file in its place at once, since Causeway may be reading it.
func (p *pair) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	err := os.WriteFile(path+".new", []byte(text), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *pair) command(args ...string) harness.Command {
	return harness.Command{
		Path: p.program, Args: args, Dir: p.dir, LogFile: filepath.Join(p.dir, "causeway.log"),
		Env: []string{"MM_TOKEN=" + p.bot.Token, "TEAMS_SECRET=a secret for the tests"},
	}
}

// login signs the relay account in, as an operator would.
func (p *pair) login(t *testing.T) {
	t.Helper()
	login := harness.StartProcess(t, p.command("login", "msteams.contoso", "-c", "config.toml"))
	deadline := time.Now().Add(harness.Patience)
	for len(p.sim.UserCodes()) == 0 {
		if time.Now().After(deadline) || !login.Running() {
			t.Fatalf("login shows no code:\n%s", login.Output())
		}
		time.Sleep(20 * time.Millisecond)
	}
	code := p.sim.UserCodes()[0]
	login.WaitForLine(t, code)
	if err := p.sim.ApproveDevice(code, p.relay); err != nil {
		t.Fatal(err)
	}
	if exit := login.Wait(t); exit != 0 {
		t.Fatalf("login: exit code %d:\n%s", exit, login.Output())
	}
}

// run starts Causeway, or starts it again.
func (p *pair) run(t *testing.T) {
	t.Helper()
	if p.causeway == nil {
		p.causeway = harness.StartProcess(t, p.command("run", "-c", "config.toml"))
		return
	}
	p.causeway.Start(t)
}

// begin starts Causeway and waits until both channels have begun.
func (p *pair) begin(t *testing.T) {
	t.Helper()
	p.run(t)
	// What is said before the beginning is not carried: say something until it crosses, on both sides.
	p.eventually(t, "the first crossing", func() string {
		p.people[0].Post(t, p.channel, "is anybody there?")
		if _, err := p.sim.Say(p.others[0], p.team, "is anybody here?"); err != nil {
			return err.Error()
		}
		time.Sleep(time.Second)
		mm, tm := strings.Join(p.inMattermost(t), "\n"), strings.Join(p.inTeams(), "\n")
		if !strings.Contains(tm, "anybody there") || !strings.Contains(mm, "anybody here") {
			return fmt.Sprintf("Mattermost has %q, Teams %q", mm, tm)
		}
		return ""
	})
}

// eventually waits until wrong says that nothing is wrong any more.
func (p *pair) eventually(t *testing.T, what string, wrong func() string) {
	t.Helper()
	deadline := time.Now().Add(4 * time.Minute)
	for {
		problem := wrong()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s", what, problem)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func complain(well bool, what ...any) string {
	if well {
		return ""
	}
	return fmt.Sprintf("%+v", what)
}

// inMattermost gives what the bot has written, in order.
func (p *pair) inMattermost(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, post := range p.mm.Admin.Read(t, p.channel) {
		if post.UserId == p.bot.Id {
			all = append(all, post.Message)
		}
	}
	return all
}

// inTeams gives what the relay has written, answers too, in order.
func (p *pair) inTeams() []string {
	var all []string
	for _, m := range p.relayed() {
		all = append(all, m.Text)
	}
	return all
}

// relayed gives the living messages of the relay in order of their creation.
func (p *pair) relayed() []teams.Message {
	var all []teams.Message
	for _, m := range p.everything() {
		if m.Author == p.relay && !m.Deleted {
			all = append(all, m)
		}
	}
	return all
}

// everything gives all messages of the Teams channel, answers too, in order of their creation.
func (p *pair) everything() []teams.Message {
	var all []teams.Message
	for _, root := range p.sim.Messages(p.team) {
		all = append(append(all, root), root.Replies...)
	}
	slices.SortStableFunc(all, func(a, b teams.Message) int { return a.Created.Compare(b.Created) })
	return all
}

// token finds "#n." in a text.
var token = regexp.MustCompile(`#[a-z]+[0-9]+\.`)
