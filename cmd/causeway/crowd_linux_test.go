package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"golang.org/x/sync/errgroup"

	"causeway/bridge"
	"causeway/bridge/msteams"
	simmattermost "causeway/contrib/sim/mattermost"
	simteams "causeway/contrib/sim/teams"
	"causeway/gateway/store"
)

// What 2,000 connected people may cost.
const (
	crowdSize      = 2000
	crowdChannels  = 20
	crowdStart     = time.Minute      // until a message has crossed in the name of its author; two seconds where nothing else runs
	crowdResident  = 150 << 20        // bytes
	crowdCalm      = 12 * time.Second // what is looked at after a start
	crowdRenewals  = 10               // tokens that may be asked for in that time
	crowdAppSecret = "the secret of an app"
)

// crowd is 2,000 people on both sides, each in one of the channels that a Causeway carries. Every second one prefers Teams.
type crowd struct {
	*testing.T
	dir, program string
	process      *process
	mm           *simmattermost.Server
	teams        *simteams.Server
	tenant       *simteams.Tenant
	app          *simteams.App
	relay        *simteams.User
	bot          string
	channels     [crowdChannels]*simteams.Channel
	towns        [crowdChannels]string
	people       [crowdSize]crowdMember
	// renewals counts requests for tokens.
	renewals atomic.Int64
}

type crowdMember struct {
	here  *model.User
	there *simteams.User
}

// TestTwoThousandPeople starts a Causeway that has been down for two days, so that it is time to make sure of each of its people; half of them are to
// be muted for the first time. Then it starts once more.
func TestTwoThousandPeople(t *testing.T) {
	c := newCrowd(t)
	c.start()
	c.says("the first word", c.relay) // nobody is connected
	c.stop()
	c.connect()
	for n, what := range []string{"the first start", "a second start"} {
		before := c.renewals.Load()
		began := time.Now()
		c.start()
		c.says(fmt.Sprint("myself at ", what), c.people[0].there)
		crossed := time.Since(began)
		until(t, func() bool { return c.muted() == crowdSize/2 }, func() string { return fmt.Sprintf("%d who are to be muted; %d are", crowdSize/2, c.muted()) })
		muted := time.Since(began)
		time.Sleep(time.Until(began.Add(crowdCalm)))
		resident, renewals := c.resident(), c.renewals.Load()-before
		t.Logf("%s: a message has crossed after %v, all are muted after %v, %.0f MiB are resident, %d tokens were asked for", what, crossed.Round(time.Millisecond), muted.Round(time.Millisecond),
			float64(resident)/(1<<20), renewals)
		if crossed > crowdStart || resident > crowdResident || renewals > crowdRenewals {
			t.Errorf("%s takes %v, %d bytes and %d tokens; at most %v, %d and %d may be taken", what, crossed, resident, renewals, crowdStart, crowdResident, crowdRenewals)
		}
		c.stop()
		if log := c.process.log.String(); n == 0 && strings.Contains(log, "failed") {
			t.Errorf("the log says\n%s", log)
		}
	}
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{T: t, dir: t.TempDir(), program: build(t, nil), mm: simmattermost.New(simmattermost.Options{})}
	c.must(c.mm.Start())
	t.Cleanup(c.mm.Close)
	var err error
	c.teams, err = simteams.Start(simteams.Options{DeviceCodeInterval: time.Second, Observe: func(a simteams.Answer) {
		if strings.HasSuffix(a.Template, "/token") {
			c.renewals.Add(1)
		}
	}})
	c.must(err)
	t.Cleanup(func() { _ = c.teams.Close() })
	c.mm.AddTeam("acme")
	_, c.bot = c.mm.AddBot("causeway", model.SystemAdminRoleId)
	c.mm.AddToTeam("acme", "causeway")
	c.tenant = c.teams.AddTenant("contoso")
	c.relay = c.tenant.AddUser("Causeway")
	team := c.tenant.AddTeam("Sales", c.relay)
	gateways := ""
	for n := range c.channels {
		name := fmt.Sprint("town", n)
		c.towns[n] = c.mm.AddChannel("acme", name, model.ChannelTypeOpen).Id
		c.mm.Join(c.towns[n], "causeway")
		c.channels[n] = team.AddChannel(name)
		gateways += fmt.Sprintf("[[gateway]]\nname = %q\ninout = [ { account = \"mattermost.hq\", channel = %q }, { account = \"msteams.contoso\", channel = %q } ]\n", name, name, name)
	}
	for n := range c.people {
		name := fmt.Sprint("person", n)
		c.people[n] = crowdMember{c.mm.AddUser(name), c.tenant.AddUser("Person " + fmt.Sprint(n))}
		c.mm.Join(c.towns[n%crowdChannels], name)
		team.AddMember(c.people[n].there)
	}
	c.configure(gateways)
	c.login()
	return c
}

func (c *crowd) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *crowd) configure(gateways string) {
	var roles, scopes []string
	for _, op := range msteams.Operations() {
		if op.Delegated() {
			scopes = append(scopes, op.Permission)
		} else {
			roles = append(roles, op.Permission)
		}
	}
	address := freeAddress(c.T)
	c.app = c.tenant.AddApp(simteams.AppConfig{Name: "Causeway", Secret: crowdAppSecret, PublicClient: true, Roles: roles, Scopes: append(scopes, "offline_access"),
		Redirects: []string{"http://" + address + "/connect/back"}})
	c.must(os.WriteFile(filepath.Join(c.dir, "config.toml"), fmt.Appendf(nil, `
[http]
Listen = %[1]q
PublicURL = "http://%[1]s"
[people]
Prompt = "on"
[mattermost.hq]
Server = %[2]q
Token = %[3]q
Team = "acme"
Profile = "simple"
[msteams.contoso]
TenantID = %[4]q
ClientID = %[5]q
ClientSecret = %[6]q
TeamID = "Sales"
Receive = "poll"
PollInterval = "1s"
PostInterval = "10ms"
GraphURL = %[7]q
LoginURL = %[8]q
%[9]s`, address, c.mm.URL(), c.bot, c.tenant.ID, c.app.ClientID, crowdAppSecret, c.teams.GraphURL(), c.teams.LoginURL(), gateways), 0o600))
}

// login signs the relay account in, as an operator would.
func (c *crowd) login() {
	p := start(c.T, c.program, c.dir, "login", "msteams.contoso")
	until(c.T, func() bool { return len(c.teams.UserCodes()) > 0 }, func() string { return "a code in\n" + p.log.String() })
	c.must(c.teams.ApproveDevice(c.teams.UserCodes()[0], c.relay))
	if code := p.code(); code != 0 {
		c.Fatalf("login ends with %d\n%s", code, p.log)
	}
}

func (c *crowd) start() { c.process = start(c.T, c.program, c.dir, "run") }

func (c *crowd) stop() {
	c.Helper()
	c.process.signal(os.Interrupt)
	if code := c.process.code(); code != 0 {
		c.Fatalf("it ends with %d\n%s", code, c.process.log)
	}
}

// says has the first person say something in Mattermost again and again, until it stands in Teams by that author. What is said before a channel has begun is
// not carried.
func (c *crowd) says(text string, by *simteams.User) {
	c.Helper()
	said := 0
	until(c.T, func() bool {
		if said++; said%100 == 1 {
			_, err := c.mm.Post("person0", c.towns[0], text)
			c.must(err)
		}
		for _, m := range c.teams.Messages(c.channels[0]) {
			if m.Author == by && strings.Contains(m.Text, text) {
				return true
			}
		}
		return false
	}, func() string { return fmt.Sprintf("%q by %s\n%s", text, by.Name, c.process.log) })
}

// connect connects everybody in the store, as they would have connected two days ago.
func (c *crowd) connect() {
	c.Helper()
	path := filepath.Join(c.dir, "causeway.db")
	keys, err := store.LoadKeys(path + ".key")
	c.must(err)
	s, err := store.Open(c.Context(), path, keys, store.Options{})
	c.must(err)
	defer func() { c.must(s.Close()) }()
	servers := c.servers(path)
	var group errgroup.Group
	group.SetLimit(50) // so that the store writes many with one commit
	for n, m := range c.people {
		group.Go(func() error { return c.connectOne(s, servers, n, m) })
	}
	c.must(group.Wait())
}

func (c *crowd) connectOne(s *store.Store, servers map[string]bridge.ServerID, n int, m crowdMember) error {
	_, refresh := c.teams.SignIn(c.app, m.there)
	ends := [2]store.End{
		{Identity: store.Identity{Account: "mattermost.hq", Server: servers["mattermost"], User: bridge.UserID(m.here.Id), Name: m.here.Username, Username: m.here.Username, Email: m.here.Email},
			Grant: fmt.Appendf(nil, `{"access":%q,"token":%q}`, c.mm.Token(m.here.Id), model.NewId())},
		{Identity: store.Identity{Account: "msteams.contoso", Server: servers["msteams"], User: bridge.UserID(m.there.ID), Name: m.there.Name, Username: m.there.UPN, Email: m.there.Mail},
			Grant: fmt.Appendf(nil, `{"refresh_token":%q,"user":%q}`, refresh, m.there.ID)},
	}
	p, err := s.Connect(c.Context(), "", ends, 0)
	for _, e := range ends {
		who := bridge.Profile{Author: bridge.Author{ID: e.User, Name: e.Name, Username: e.Username}, Email: e.Email}
		err = errors.Join(err, s.Verified(c.Context(), who, e.Server, time.Now().Add(-48*time.Hour)))
	}
	if err == nil && n%2 == 0 {
		err = s.Prefer(c.Context(), p.ID, "msteams.contoso", false)
	}
	return err
}

// servers gives the servers that the store knows, by their protocols.
func (c *crowd) servers(path string) map[string]bridge.ServerID {
	c.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	c.must(err)
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(c.Context(), "SELECT DISTINCT server FROM conversations")
	c.must(err)
	defer func() { _ = rows.Close() }()
	found := map[string]bridge.ServerID{}
	for rows.Next() {
		var server string
		c.must(rows.Scan(&server))
		protocol, _, _ := strings.Cut(server, ":")
		found[protocol] = bridge.ServerID(server)
	}
	c.must(rows.Err())
	return found
}

// muted counts who is muted in their channel.
func (c *crowd) muted() (n int) {
	for i, m := range c.people {
		if c.mm.Muted(c.towns[i%crowdChannels], m.here.Id) {
			n++
		}
	}
	return n
}

// resident gives the bytes of memory that the process has in use.
func (c *crowd) resident() int64 {
	c.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process.cmd.Process.Pid))
	c.must(err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kib int64
	_, err = fmt.Sscanf(rest, "%d kB", &kib)
	c.must(err)
	return kib << 10
}
