package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge/msteams"
	"causeway/contrib/e2e/harness"
	simmattermost "causeway/contrib/sim/mattermost"
	simteams "causeway/contrib/sim/teams"
)

// pollInterval is how often both programs read Teams. Causeway's default is 5 s, which would be all that one measures.
const pollInterval = 100 * time.Millisecond

// usualPollInterval is Causeway's default.
const usualPollInterval = 5 * time.Second

// postInterval takes Graph's pacing (one post a second, DESIGN of Microsoft's limits) out of the way.
const postInterval = time.Nanosecond

const appSecret = "a secret of the benchmark"

// sims are stand-ins for Mattermost and Teams with people on both sides, in this process.
type sims struct {
	mm    *simmattermost.Server
	teams *simteams.Server
	board *board // what is seen on either side; a series goes one way only

	tenant *simteams.Tenant
	app    *simteams.App
	team   *simteams.Team
	people [senders]*simteams.User
	bots   map[subject]bot
	// tokens counts how often Entra was asked for a token.
	tokens atomic.Int64
	byBot  map[string]bool // by their ids in Mattermost; complete before anybody writes
}

// bot is as whom a program writes.
type bot struct {
	name, token string         // in Mattermost
	user        *simteams.User // in Teams
}

// Mattermost's people and bots by name.
func personName(sender int) string { return fmt.Sprint("anna", sender) }

func newSims(tb harness.TB) *sims {
	tb.Helper()
	return newSimsWith(tb, simteams.Webhooks{})
}

// newSimsWith is newSims with a stand-in for Teams that delivers notifications in a certain way.
func newSimsWith(tb harness.TB, webhooks simteams.Webhooks) *sims {
	tb.Helper()
	s := &sims{board: newBoard(), bots: map[subject]bot{}, byBot: map[string]bool{}}
	s.mm = simmattermost.New(simmattermost.Options{OnEvent: s.mattermostEvent})
	if err := s.mm.Start(); err != nil {
		tb.Fatalf("starting the stand-in for Mattermost: %v", err)
	}
	tb.Cleanup(s.mm.Close)
	server, err := simteams.Start(simteams.Options{
		DeviceCodeInterval: time.Second,
		EmptyPageEvery:     -1, // which tests want more often than Graph has them
		Webhooks:           webhooks,
		Observe: func(a simteams.Answer) {
			if a.Method == "GET" && strings.HasSuffix(a.Template, "/messages") {
				s.board.answered(a.Body, time.Now())
			}
			if strings.HasSuffix(a.Template, "/token") {
				s.tokens.Add(1)
			}
		},
	})
	if err != nil {
		tb.Fatalf("starting the stand-in for Teams: %v", err)
	}
	s.teams = server
	tb.Cleanup(func() { _ = server.Close() })
	s.seed()
	server.OnChange(s.teamsEvent)
	return s
}

func (s *sims) seed() {
	s.mm.AddTeam("acme")
	for i := range senders {
		s.mm.AddUser(personName(i))
		s.mm.AddToTeam("acme", personName(i))
	}
	s.tenant = s.teams.AddTenant("Contoso")
	for i := range s.people {
		s.people[i] = s.tenant.AddUser(fmt.Sprint("Otto ", i))
	}
	members := s.people[1:]
	for _, who := range []subject{causeway, bare} {
		name := strings.ToLower(string(who))
		user, token := s.mm.AddBot(name)
		s.byBot[user.Id] = true
		b := bot{name: name, token: token, user: s.tenant.AddUser(string(who) + " Relay")}
		s.bots[who] = b
		s.mm.AddToTeam("acme", name)
		members = append(members, b.user)
	}
	s.team = s.tenant.AddTeam("Sales", s.people[0], members...)
	app, relay := permissions()
	s.app = s.tenant.AddApp(simteams.AppConfig{Name: "Bench", Secret: appSecret, PublicClient: true, Roles: app, Scopes: relay})
}

// permissions are what Causeway's bridge says that it calls.
func permissions() (app, relay []string) {
	for _, op := range msteams.Operations() {
		if op.Delegated() {
			relay = append(relay, op.Permission)
		} else {
			app = append(app, op.Permission)
		}
	}
	return app, relay
}

func (s *sims) mattermostEvent(event *model.WebSocketEvent) {
	if event.EventType() != model.WebsocketEventPosted {
		return
	}
	now := time.Now()
	text, _ := event.GetData()["post"].(string)
	var post model.Post
	if err := json.Unmarshal([]byte(text), &post); err != nil {
		return
	}
	// The name that it shows is that of whoever is spoken for.
	if s.byBot[post.UserId] {
		s.board.seen(post.Message, now)
	}
}

func (s *sims) teamsEvent(event simteams.Event) {
	now := time.Now()
	if event.Kind != simteams.Created {
		return
	}
	for b := range maps.Values(s.bots) {
		if event.User == b.user {
			if m, ok := s.teams.Message(event.Channel, event.ID); ok {
				s.board.seen(m.Text, now)
			}
		}
	}
}

// joint is a Mattermost channel and a Teams channel that a program joins.
type joint struct {
	sims  *sims
	who   subject
	town  *model.Channel
	group *simteams.Channel
	there *talk // Mattermost to Teams
	back  *talk
}

// join makes both channels for a program. name must be new.
func (s *sims) join(who subject, name string) *joint {
	j := &joint{sims: s, who: who, town: s.mm.AddChannel("acme", name, model.ChannelTypeOpen), group: s.team.AddChannel(name)}
	s.mm.Join("acme/"+name, s.bots[who].name)
	for i := range senders {
		s.mm.Join("acme/"+name, personName(i))
	}
	j.there = &talk{who: who, say: func(_ context.Context, sender int, text string) error {
		_, err := s.mm.Post(personName(sender), j.town.Id, text)
		return err
	}}
	j.back = &talk{who: who, say: func(_ context.Context, sender int, text string) error {
		_, err := s.teams.Say(s.people[sender], j.group, text)
		return err
	}}
	return j
}

// count holds what both ways have brought against what was said, in the order in which it stands there.
func (j *joint) count() (there, back Counts) {
	var inTeams, inMattermost []string
	for _, m := range j.sims.teams.Messages(j.group) {
		if m.Author == j.sims.bots[j.who].user && !m.Deleted {
			inTeams = append(inTeams, m.Text)
		}
		for _, r := range m.Replies {
			if r.Author == j.sims.bots[j.who].user && !r.Deleted {
				inTeams = append(inTeams, r.Text)
			}
		}
	}
	for _, p := range j.sims.mm.Posts(j.town.Id) {
		if p.Author == j.sims.bots[j.who].name {
			inMattermost = append(inMattermost, p.Text)
		}
	}
	return count(said(j.there), inTeams), count(said(j.back), inMattermost)
}

// said gives everything that was said on a way.
func said(t *talk) []mark {
	var all []mark
	for _, f := range t.flows {
		all = append(all, f.marks()...)
	}
	return all
}

// configText is a config of Causeway between the stand-ins.
const configText = `
[general]
LogLevel = "info"
[http]
Listen = %q
PublicURL = %q
[mattermost.sim]
Server = %q
Token = %q
[msteams.sim]
TenantID = %q
ClientID = %q
ClientSecret = %q
PollInterval = %q
PostInterval = %q
GraphURL = %q
LoginURL = %q
`

// causewayAt is Causeway in a folder of its own.
type causewayAt struct {
	dir, program string
	env          []string
	health       string // answers when it runs
}

// configure writes Causeway's config for these joints and signs its relay account in, as an operator would. poll is how often
// Causeway reads Teams; 0 has Teams send it notifications.
func (s *sims) configure(tb harness.TB, program string, poll time.Duration, joints ...*joint) *causewayAt {
	tb.Helper()
	c := &causewayAt{dir: harness.Folder(tb), program: program}
	address := harness.FreePort(tb)
	c.health = "http://" + address + "/healthz"
	public := ""
	if poll == 0 {
		public, poll = "http://"+address, usualPollInterval
	}
	text := fmt.Sprintf(configText, address, public, s.mm.URL(), s.bots[causeway].token,
		s.tenant.ID, s.app.ClientID, appSecret, poll.String(), postInterval.String(), s.teams.GraphURL(), s.teams.LoginURL())
	for _, j := range joints {
		text += fmt.Sprintf("[[gateway]]\nname = %q\ninout = [ { account = \"mattermost.sim\", channel = %q }, { account = \"msteams.sim\", channel = %q } ]\n",
			j.town.Name, "acme/"+j.town.Name, "Sales/"+j.group.Name)
	}
	c.write(tb, text)
	s.login(tb, c)
	return c
}

// poll changes how often the program polls, from its next start on.
func (c *causewayAt) poll(tb harness.TB, every time.Duration) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "config.toml"))
	if err != nil {
		tb.Fatalf("changing the config: %v", err)
	}
	line := regexp.MustCompile(`(?m)^PollInterval = .*$`)
	c.write(tb, line.ReplaceAllString(string(text), fmt.Sprintf("PollInterval = %q", every)))
}

func (c *causewayAt) write(tb harness.TB, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "config.toml"), []byte(text), 0o600); err != nil {
		tb.Fatalf("writing the config: %v", err)
	}
}

func (c *causewayAt) command(args ...string) harness.Command {
	return harness.Command{Path: c.program, Args: args, Dir: c.dir, Env: c.env}
}

func (s *sims) login(tb harness.TB, c *causewayAt) {
	tb.Helper()
	login := harness.StartProcess(tb, c.command("login", "msteams.sim"))
	for len(s.teams.UserCodes()) == 0 {
		if !login.Running() {
			tb.Fatalf("login shows no code:\n%s", login.Output())
		}
		if err := pause(tb.Context(), 10*time.Millisecond); err != nil {
			tb.Fatalf("waiting for login: %v", err)
		}
	}
	if err := s.teams.ApproveDevice(s.teams.UserCodes()[0], s.bots[causeway].user); err != nil {
		tb.Fatalf("signing in: %v", err)
	}
	if code := login.Wait(tb); code != 0 {
		tb.Fatalf("login: exit code %d:\n%s", code, login.Output())
	}
}

// startRelay starts the bare relay for a joint.
func (s *sims) startRelay(tb harness.TB, program string, j *joint) *harness.Process {
	tb.Helper()
	user, _ := s.teams.SignIn(s.app, s.bots[bare].user)
	relay := harness.StartProcess(tb, harness.Command{
		Path: program,
		Args: []string{"-mattermost", s.mm.URL(), "-from", j.town.Id, "-interval", pollInterval.String(),
			"-graph", s.teams.GraphURL() + "/teams/" + s.team.ID + "/channels/" + j.group.ID + "/messages"},
		Env: []string{"RELAY_TOKEN=" + s.bots[bare].token, "RELAY_READ=" + s.teams.AppToken(s.app), "RELAY_WRITE=" + user},
	})
	relay.WaitForLine(tb, "running")
	return relay
}

// begin waits until a program carries both ways: what is said before it has begun may not be carried.
func (j *joint) begin(tb harness.TB) {
	tb.Helper()
	for name, t := range map[string]*talk{there: j.there, back: j.back} {
		begin(tb, j.sims.board, t, string(j.who)+", "+name)
	}
}

// begin says something again and again until it crosses, and returns when it did.
func begin(tb harness.TB, b *board, t *talk, what string) time.Time {
	tb.Helper()
	// Not one of the talk's flows: the first ones may rightly be lost.
	f := b.open()
	deadline := time.Now().Add(harness.Patience)
	for k := 0; ; k++ {
		m := mark{f.series, 0, k}
		f.say(m)
		if err := t.say(tb.Context(), 0, m.text()); err != nil {
			tb.Fatalf("%s: the first message: %v", what, err)
		}
		if err := pause(tb.Context(), 250*time.Millisecond); err != nil {
			tb.Fatalf("%s: waiting for the first message: %v", what, err)
		}
		if _, _, arrived := f.under(); arrived > 0 {
			break
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s: nothing has crossed within %v", what, harness.Patience)
		}
	}
	// Those that still come must not come into what is measured.
	for {
		_, _, before := f.under()
		if err := pause(tb.Context(), 300*time.Millisecond); err != nil {
			tb.Fatalf("%s: waiting for the first message: %v", what, err)
		}
		if way, _, after := f.under(); way == 0 || before == after {
			return f.firstArrival()
		}
	}
}
