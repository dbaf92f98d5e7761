package e2e

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost/mmtest"
	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
	"causeway/gateway/store"
)

// folk is a pair whose people may connect their accounts: pages and commands work, and everybody is on both sides.
type folk struct {
	*pair
	whole    *testing.T // ends with the world; parts of it end before
	asks     bool       // Mattermost asks people whether Causeway may act as them
	silent   bool       // browsers run no scripts, and people are called otherwise
	tenant   *teams.Tenant
	app      *teams.App
	place    *model.Team // in Mattermost
	group    *teams.Team
	origin   string // of Causeway's pages
	secrets  *secrets
	browser  *browser
	invited  []*member // who are asked to connect when they log in
	newcomer *member   // who came when everything was running
}

// member is somebody with an account on both sides, of one e-mail address.
type member struct {
	here     *harness.User
	there    *teams.User
	password string
	socket   *harness.Socket // what they are shown in Mattermost
}

const teamsSecret = "a secret for the tests"

// newFolk makes the world and starts Causeway in it: profile is "simple", with a bot that is an administrator, or "restricted", with the
// permissions that docs/mattermost-bot.md names. The first of these people is anybody who says what is said to see that it crosses. A bot that is an
// administrator registers its commands in all teams, so each world needs a server of its own.
func newFolk(t *testing.T, mm *harness.Mattermost, profile string) *folk {
	t.Helper()
	secrets := &secrets{}
	f := &folk{
		pair:  &pair{mm: mm, proxy: harness.StartProxy(t, mm.Address), dir: t.TempDir(), program: harness.BuildCauseway(t), pause: time.Second},
		whole: t, secrets: secrets, browser: startBrowser(t, secrets),
	}
	f.place = mm.CreateTeam(t)
	f.bot = mm.CreateBot(t, "causeway", f.roles(t, profile), f.place)
	f.channel = mm.CreateChannel(t, f.place, model.ChannelTypeOpen, "town", f.bot)

	sim, err := teams.Start(teams.Options{DeviceCodeInterval: time.Second, Observe: func(a teams.Answer) { secrets.learn(a.Template, a.Body) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	f.sim, f.tenant = sim, sim.AddTenant("contoso")
	f.relay = f.tenant.AddUser("Causeway")
	f.group = f.tenant.AddTeam("Sales", f.relay)
	f.pair.team = f.group.AddChannel("Berlin")
	listen := harness.FreePort(t)
	f.origin = "http://" + listen
	f.app = f.tenant.AddApp(teams.AppConfig{
		Name: "Causeway", Secret: teamsSecret, PublicClient: true, Redirects: []string{f.origin + "/connect/back"},
		Roles: []string{"Team.ReadBasic.All", "Channel.ReadBasic.All", "ChannelMessage.Read.All", "ChannelMember.Read.All", "TeamMember.Read.All",
			"User.Read.All", "ProfilePhoto.Read.All", "Application.Read.All", "Chat.ReadBasic.All", "Chat.Read.All"},
		MultiTenant: true, // so that people of others are not stopped by Entra alone
		Scopes:      []string{"User.Read", "ChannelMessage.Send", "ChannelMessage.ReadWrite", "Files.ReadWrite.All", "ChannelMessage.Read.All", "Team.ReadBasic.All", "Channel.ReadBasic.All", "Chat.Create", "ChatMessage.Send", "Chat.ReadWrite", "offline_access"},
	})
	secrets.add(teamsSecret, f.bot.Token)
	invited := "# who is asked\n"
	for _, name := range []string{"ivy", "nora", "nell", "newcomer", "rita.rest"} {
		invited += name + "@" + f.tenant.Domain + "\n"
	}
	f.write(t, "invited.txt", invited)
	f.write(t, "config.toml", fmt.Sprintf(`
[general]
LogLevel = "debug"
[storage]
DSN = "causeway.db"
[http]
Listen = %[1]q
PublicURL = %[10]q
[people]
Prompt = "allow-list"
AllowListFile = "invited.txt"
SyncInterval = "1m"
AllowLinking = true
[mattermost.hq]
Server = %[2]q
Token = "env:MM_TOKEN"
Team = %[3]q
Profile = %[9]q
[msteams.contoso]
TenantID = %[4]q
ClientID = %[5]q
ClientSecret = "env:TEAMS_SECRET"
TeamID = "Sales"
Receive = "poll"
PollInterval = "300ms"
PostInterval = "10ms"
GraphURL = %[6]q
LoginURL = %[7]q
[[gateway]]
name = "town"
inout = [ { account = "mattermost.hq", channel = "%[8]s" }, { account = "msteams.contoso", channel = "Berlin" } ]
`, listen, secrets.listen(t, f.proxy.URL), f.place.Name, f.tenant.ID, f.app.ClientID, sim.GraphURL(), sim.LoginURL(), f.channel.Name, profile, f.origin))
	f.login(t)
	anybody := f.member(t, "Anybody", "")
	f.people, f.others = []*harness.User{anybody.here}, []*teams.User{anybody.there}
	for _, name := range []string{"Ivy", "Nora", "Nell"} {
		f.invited = append(f.invited, f.member(t, name, ""))
	}
	f.begin(t)
	return f
}

// roles gives those of the bot, and gives the role of a restricted one its permissions.
func (f *folk) roles(t *testing.T, profile string) string {
	t.Helper()
	if profile == "simple" {
		return "system_user system_admin"
	}
	role, _, err := f.mm.Admin.Client.GetRoleByName(t.Context(), mmtest.Restricted)
	if err != nil {
		t.Fatal(err)
	}
	all := append(role.Permissions, mmtest.RestrictedPermissions...)
	if _, _, err := f.mm.Admin.Client.PatchRole(t.Context(), role.Id, &model.RolePatch{Permissions: &all}); err != nil {
		t.Fatal(err)
	}
	return "system_user " + mmtest.Restricted
}

// member makes somebody, in both channels. email is their address in Mattermost; empty: the same as in Teams.
func (f *folk) member(t *testing.T, name, email string) *member {
	t.Helper()
	if f.silent { // each name is once in a world
		name += " Still"
	}
	m := &member{there: f.tenant.AddUser(name), password: rand.Text()}
	f.group.AddMember(m.there)
	if email == "" {
		email = m.there.Mail
	}
	word, _, _ := strings.Cut(strings.ToLower(name), " ")
	user, _, err := f.mm.Admin.Client.CreateUser(t.Context(), &model.User{Username: harness.Name(t, word), Nickname: name, Email: email, Password: m.password})
	if err != nil {
		t.Fatal(err)
	}
	token := f.mm.CreateToken(t, user.Id)
	m.here = &harness.User{User: user, Token: token, Client: f.mm.Client(token)}
	f.mm.AddToTeam(t, f.place, m.here)
	f.mm.AddToChannel(t, f.channel, m.here)
	return m
}

// again starts Causeway after it was killed, and waits until it answers and knows both services.
func (f *folk) again(t *testing.T) {
	t.Helper()
	f.run(t)
	f.causeway.WaitForHTTP(t, f.origin+"/healthz")
	f.eventually(t, "Causeway answering again", func() string {
		m := f.invited[0]
		f.listens(t, m)
		if _, _, err := m.here.Client.ExecuteCommandWithTeam(t.Context(), f.channel.Id, f.place.Id, "/msteams help"); err != nil {
			return err.Error()
		}
		f.whispered(t, m)
		return ""
	})
}

// changed has Causeway, which does not run, start with another config.
func (f *folk) changed(t *testing.T, before, after string) {
	t.Helper()
	path := filepath.Join(f.dir, "config.toml")
	text, err := os.ReadFile(path)
	must(t, err)
	f.write(t, "config.toml", strings.Replace(string(text), before, after, 1))
	f.again(t)
}

// oauth switches Mattermost's own sign-in for other programs on or off.
func (f *folk) oauth(t *testing.T, on bool) {
	t.Helper()
	_, _, err := f.mm.Admin.Client.PatchConfig(t.Context(), &model.Config{ServiceSettings: model.ServiceSettings{EnableOAuthServiceProvider: &on}})
	if err != nil {
		t.Fatal(err)
	}
}

// minted gives the ids of the tokens that Causeway has made to act as somebody.
func (f *folk) minted(t *testing.T, m *member) (ids []string) {
	t.Helper()
	all, _, err := f.mm.Admin.Client.GetUserAccessTokensForUser(t.Context(), m.here.Id, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if strings.HasPrefix(one.Description, "Causeway ") {
			ids = append(ids, one.Id)
		}
	}
	return ids
}

// authorised tells whether somebody has allowed the OAuth 2.0 app of Causeway to act as them.
func (f *folk) authorised(t *testing.T, m *member) bool {
	t.Helper()
	all, _, err := m.here.Client.GetAuthorizedOAuthAppsForUser(t.Context(), m.here.Id, 0, 100)
	if err != nil && !harness.IsStatus(err, http.StatusNotImplemented) { // switched off
		t.Fatal(err)
	}
	return len(all) > 0
}

// notified gives how somebody is notified of the channel in Mattermost.
func (f *folk) notified(t *testing.T, m *member) model.StringMap {
	t.Helper()
	one, _, err := f.mm.Admin.Client.GetChannelMember(t.Context(), f.channel.Id, m.here.Id, "")
	if err != nil {
		t.Fatal(err)
	}
	return one.NotifyProps
}

// notifiedBy waits until somebody is muted in Mattermost, or is notified exactly as before.
func (f *folk) notifiedBy(t *testing.T, m *member, before model.StringMap, muted bool) {
	t.Helper()
	want := maps.Clone(before)
	if muted {
		want[model.MarkUnreadNotifyProp] = model.ChannelMarkUnreadMention
	}
	f.eventually(t, "how "+m.there.Name+" is notified", func() string {
		now := f.notified(t, m)
		return complain(maps.Equal(now, want), now, want)
	})
}

// empowered checks that Causeway has one right to act as somebody.
func (f *folk) empowered(t *testing.T, m *member) {
	t.Helper()
	if minted, given := len(f.minted(t, m)), f.authorised(t, m); minted != 1 && !f.asks || minted != 0 && f.asks || given != f.asks {
		t.Errorf("Causeway has minted %d tokens for %s; they have given it theirs: %v", minted, m.there.Name, given)
	}
}

// notConnected checks that nothing was connected, that Causeway cannot act as somebody, and that it has stored nothing of them, nor of others with whose
// accounts in Teams it was tried.
func (f *folk) notConnected(t *testing.T, m *member, others ...*teams.User) {
	t.Helper()
	wants(t, f.types(t, m, "/msteams status"), "not connected")
	for _, one := range f.known(t, m, others...) {
		t.Error(one)
	}
}

// known gives what Causeway has of somebody, and of these users of Teams: connections, tokens and grants.
func (f *folk) known(t *testing.T, m *member, others ...*teams.User) (all []string) {
	t.Helper()
	if minted := f.minted(t, m); len(minted) > 0 {
		all = append(all, "Causeway has minted tokens for "+m.there.Name)
	}
	ids := []bridge.UserID{bridge.UserID(m.here.Id)}
	for _, one := range append(others, m.there) {
		ids = append(ids, bridge.UserID(one.ID))
	}
	s := f.store(t)
	defer func() { must(t, s.Close()) }()
	people, err := s.People(t.Context())
	must(t, err)
	for _, p := range people {
		if slices.ContainsFunc(p.Identities, func(i store.Identity) bool { return slices.Contains(ids, i.User) }) {
			all = append(all, fmt.Sprintf("stored is %+v", p))
		}
	}
	for _, account := range []bridge.AccountName{"mattermost.hq", "msteams.contoso"} {
		for _, id := range ids {
			if grant, err := s.Vault(account).Load(t.Context(), bridge.PersonGrant(id)); len(grant) > 0 || err != nil {
				all = append(all, fmt.Sprintf("a grant of %s is kept for %s (%v)", id, account, err))
			}
		}
	}
	return all
}

// remembers gives somebody settings of their own in the channel, which have to be put back.
func (f *folk) remembers(t *testing.T, m *member) {
	t.Helper()
	if _, err := m.here.Client.UpdateChannelNotifyProps(t.Context(), f.channel.Id, m.here.Id, map[string]string{"desktop": "mention", "push": "none"}); err != nil {
		t.Fatal(err)
	}
}

// gone waits until somebody is not connected any more, and Causeway has no right left to act as them.
func (f *folk) gone(t *testing.T, m *member) {
	t.Helper()
	f.eventually(t, "the end of a connection", func() string {
		said := f.types(t, m, "/msteams status")
		return complain(strings.Contains(said, "not connected") && len(f.minted(t, m)) == 0 && !f.authorised(t, m), said, f.minted(t, m))
	})
}
