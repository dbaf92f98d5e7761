package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// servers are what all seeds share.
type servers struct {
	mattermost *harness.Mattermost
	// theirs is the cluster of Mattermost's database, ours that of Causeway's store; nil with SQLite.
	theirs, ours *harness.Postgres
	program      string
}

func startServers(tb harness.TB, o options) *servers {
	tb.Helper()
	s := &servers{program: o.build(tb), theirs: harness.StartPostgres(tb)}
	s.theirs.Durable(tb)
	if o.store != storeSQLite {
		s.ours = harness.StartPostgres(tb)
		s.ours.Durable(tb)
	}
	settings := map[string]string{"MM_LOGSETTINGS_CONSOLELEVEL": "WARN"} // every request in the log would be work
	s.mattermost = harness.StartMattermost(tb, harness.Options{Postgres: s.theirs, Settings: settings})
	return s
}

// world is everything of one run.
type world struct {
	tb      harness.TB
	o       options
	plan    *Plan
	servers *servers
	ledger  *ledger
	members []*member
	places  []*venue

	team   *model.Team
	bot    *harness.User
	sim    *teams.Server
	tenant *teams.Tenant
	relay  *teams.User
	app    *teams.App

	wire            *harness.Proxy // before Mattermost
	mattermostFront *front
	graphFront      *front

	dir       string
	origin    string    // of Causeway's pages: of the only instance, or of the balancer
	database  *database // nil with SQLite
	secret    string    // by which its numbers are shown
	config    string
	instances []*instance
	struck    map[Fault]*instance
	lost      map[*member]bool  // who has to connect again
	hashes    map[string]string // of files in Mattermost, by their ids

	began   time.Time
	mu      sync.Mutex
	journal []string
	counts  counts
}

// counts are what happened.
type counts struct {
	faults, reloads, restarts int
	// misbehaved is how often Causeway ended badly when it was stopped.
	misbehaved int
}

// note writes into the history.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.journal = append(w.journal, fmt.Sprintf("%8.3f  ", time.Since(w.began).Seconds())+fmt.Sprintf(format, args...))
}

func (w *world) sleep(d time.Duration) bool { return sleep(w.tb.Context(), d) }

// appSecret is that of Causeway's app registration.
const appSecret = "a secret for chaos"

// newWorld makes a team, people and places of its own on the shared servers, and a tenant in a stand-in of its own.
func newWorld(tb harness.TB, s *servers, plan *Plan, o options) *world {
	tb.Helper()
	w := &world{
		tb: tb, o: o, plan: plan, servers: s, ledger: newLedger(plan), began: time.Now(), dir: harness.Folder(tb),
		hashes: map[string]string{}, struck: map[Fault]*instance{}, lost: map[*member]bool{}, secret: rand.Text(), wire: harness.StartProxy(tb, s.mattermost.Address),
	}
	w.mattermostFront = newFront(tb, w.wire.URL)
	w.furnishInstances()
	w.furnishTeams()
	w.furnishMattermost()
	w.writeSetup()
	return w
}

func (w *world) must(doing string, err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatalf("%s: %v", doing, err)
	}
}

func (w *world) furnishTeams() {
	sim, err := teams.Start(teams.Options{
		DeviceCodeInterval: time.Second,
		Webhooks:           teams.Webhooks{AllowHTTP: true, Retry: []time.Duration{time.Second, 2 * time.Second, 5 * time.Second}},
	})
	w.must("starting the stand-in for Teams", err)
	w.tb.Cleanup(func() { _ = sim.Close() })
	w.sim, w.tenant = sim, sim.AddTenant(harness.Name(w.tb, "contoso"))
	w.graphFront = newFront(w.tb, sim.URL)
	w.relay = w.tenant.AddUser("Causeway")
	team := w.tenant.AddTeam("Sales", w.relay)
	for _, r := range cast {
		m := &member{role: r, password: rand.Text()}
		if r.there {
			m.there = w.tenant.AddUser(r.name)
			team.AddMember(m.there)
		}
		w.members = append(w.members, m)
	}
	for _, p := range places {
		v := &venue{place: p}
		if !p.talk {
			v.chat = team.AddChannel(p.name)
		}
		w.places = append(w.places, v)
	}
	w.app = w.tenant.AddApp(teams.AppConfig{
		Name: "Causeway", Secret: appSecret, PublicClient: true, Redirects: []string{w.origin + "/connect/back"},
		Roles: []string{"Team.ReadBasic.All", "Channel.ReadBasic.All", "ChannelMessage.Read.All", "ChannelMember.Read.All", "TeamMember.Read.All",
			"User.Read.All", "ProfilePhoto.Read.All", "Application.Read.All", "Chat.ReadBasic.All", "Chat.Read.All"},
		Scopes: []string{"User.Read", "ChannelMessage.Send", "ChannelMessage.ReadWrite", "Files.ReadWrite.All", "ChannelMessage.Read.All",
			"Team.ReadBasic.All", "Channel.ReadBasic.All", "Chat.Create", "ChatMessage.Send", "Chat.ReadWrite", "offline_access"},
	})
}

func (w *world) furnishMattermost() {
	tb, mm := w.tb, w.servers.mattermost
	ctx, admin := tb.Context(), mm.Admin.Client
	w.team = mm.CreateTeam(tb)
	w.bot = mm.CreateBot(tb, "causeway", "system_user system_admin", w.team)
	w.tb.Cleanup(w.leave)
	for _, m := range w.members {
		if !m.role.here {
			continue
		}
		email := strings.ToLower(m.name) + "@" + w.tenant.Domain
		if m.there != nil {
			email = m.there.Mail
		}
		user, _, err := admin.CreateUser(ctx, &model.User{Username: harness.Name(tb, strings.ToLower(m.name)), Nickname: m.name, Email: email, Password: m.password})
		w.must("making "+m.name, err)
		token := mm.CreateToken(tb, user.Id)
		m.here = &harness.User{User: user, Token: token, Client: mm.Client(token)}
		mm.AddToTeam(tb, w.team, m.here)
	}
	for _, v := range w.places {
		if !v.talk {
			v.channel = w.openChannel(v).Id
			continue
		}
		var ids []string
		for _, n := range v.people {
			ids = append(ids, w.members[n].here.Id)
		}
		by := w.members[v.people[0]].here.Client
		open := func() (*model.Channel, *model.Response, error) { return by.CreateGroupChannel(ctx, ids) }
		if len(ids) == 2 {
			open = func() (*model.Channel, *model.Response, error) { return by.CreateDirectChannel(ctx, ids[0], ids[1]) }
		}
		channel, _, err := open()
		w.must("opening "+v.name, err)
		v.channel = channel.Id
	}
}

func (w *world) openChannel(v *venue) *model.Channel {
	in := []*harness.User{w.bot}
	for _, n := range v.people {
		if m := w.members[n]; m.here != nil {
			in = append(in, m.here)
		}
	}
	channel := w.servers.mattermost.CreateChannel(w.tb, w.team, model.ChannelTypeOpen, v.name, in...)
	v.handle = channel.Name
	return channel
}

// leave takes the people off the server, which has room for 250 at once.
func (w *world) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	admin := w.servers.mattermost.Admin.Client
	_, _ = admin.SoftDeleteTeam(ctx, w.team.Id)
	_, _, _ = admin.DisableBot(ctx, w.bot.Id)
	for _, m := range w.members {
		if m.here != nil {
			_, _ = admin.UpdateUserActive(ctx, m.here.Id, false)
		}
	}
}

const setup = `
[general]
LogLevel = "debug"
[storage]
DSN = "env:DSN"
KeyFile = "causeway.key"
[http]
Listen = "LISTEN"
PublicURL = %[1]q
[metrics]
Token = "env:METRICS_TOKEN"
[people]
SyncInterval = "1m"
[mattermost.hq]
Server = %[2]q
Token = "env:MM_TOKEN"
Team = %[3]q
Profile = "simple"
[msteams.contoso]
TenantID = %[4]q
ClientID = %[5]q
ClientSecret = "env:TEAMS_SECRET"
TeamID = "Sales"
Receive = %[6]q
PollInterval = "300ms"
PostInterval = "10ms"
GraphURL = "%[7]s/v1.0"
LoginURL = %[7]q
`

// writeSetup writes the config of the run.
func (w *world) writeSetup() {
	w.config = fmt.Sprintf(setup, w.origin, w.mattermostFront.URL, w.team.Name, w.tenant.ID, w.app.ClientID, w.plan.Receive, w.graphFront.URL)
	for _, v := range w.places {
		if !v.talk {
			w.config += fmt.Sprintf("[[gateway]]\nname = %[1]q\ninout = [ { account = \"mattermost.hq\", channel = %[2]q }, { account = \"msteams.contoso\", channel = %[1]q } ]\n", v.name, v.handle)
		}
	}
	w.writeConfig(-1)
}

// writeConfig writes a config that says something else, by n; negative: as it was. The new one is there at once, as an editor writes it.
func (w *world) writeConfig(n int) {
	text := w.config
	label := func(account string) {
		text = strings.Replace(text, account+"]\n", account+"]\nLabel = \"L"+string(rune('a'+n%20))+"\"\n", 1)
	}
	switch {
	case n < 0:
	case n%6 == 0:
		label("[mattermost.hq")
	case n%6 == 1:
		label("[msteams.contoso")
	case n%6 == 2:
		label("[mattermost.hq")
		label("[msteams.contoso")
	case n%6 == 3:
		text = strings.Replace(text, `SyncInterval = "1m"`, `SyncInterval = "2m"`, 1)
	case n%6 == 4:
		text += "[[gateway]]\nname = \"no such\"\ninout = [ { account = \"mattermost.hq\", channel = \"no-such\" }, { account = \"msteams.contoso\", channel = \"No such\" } ]\n"
	}
	for _, i := range w.instances {
		path := filepath.Join(w.dir, i.config())
		w.must("writing the config", os.WriteFile(path+".new", []byte(strings.Replace(text, "LISTEN", i.address, 1)), 0o600))
		w.must("writing the config", os.Rename(path+".new", path))
	}
}
