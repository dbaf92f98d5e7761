package mattermost_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/richtext"
	sim "causeway/contrib/sim/mattermost"
)

// id of somebody whom the test knows by name.
func (c *crowd) id(name string) bridge.UserID {
	c.Helper()
	u, _, err := c.sim.Client(c.world.Admin).GetUserByUsername(c.Context(), name, "")
	c.must(err)
	return bridge.UserID(u.Id)
}

func TestWhatUsersAre(t *testing.T) {
	c := newCrowd(t, sim.Options{}, "system_admin", nil)
	c.sim.AddUser("mole", "system_admin")
	c.sim.AddUser("guest", "system_guest")
	for name, change := range map[string]func(*model.User){
		"saml":    func(u *model.User) { u.AuthService, u.EmailVerified = "saml", false },
		"ldap":    func(u *model.User) { u.AuthService, u.EmailVerified = "ldap", false },
		"gitlab":  func(u *model.User) { u.AuthService, u.EmailVerified = "gitlab", false },
		"guessed": func(u *model.User) { u.EmailVerified = false },
	} {
		c.sim.AddUser(name)
		c.sim.ChangeUser(name, change)
	}
	c.sim.AddUser("former")
	c.sim.SetActive("former", false)
	profile := func(name string, proven bool, s bridge.Standing) bridge.Profile {
		return bridge.Profile{Author: bridge.Author{ID: c.id(name), Name: name, Username: name}, Email: name + "@example.com", EmailProven: proven, Standing: s}
	}
	bot := profile("admin", false, bridge.Standing{Admin: true, Bot: true})
	bot.Email = "admin@localhost"
	erased := bridge.Profile{Author: bridge.Author{ID: bridge.UserID(model.NewId())}, Standing: bridge.Standing{Presence: bridge.Erased}}
	// Whether an address is verified the server tells nobody but the user, administrators neither.
	for _, want := range []bridge.Profile{
		profile("alice", false, bridge.Standing{}),
		profile("mole", false, bridge.Standing{Admin: true}),
		profile("guest", false, bridge.Standing{Guest: true}),
		profile("saml", true, bridge.Standing{Managed: true}),
		profile("ldap", true, bridge.Standing{Managed: true}),
		profile("gitlab", true, bridge.Standing{}),
		profile("guessed", false, bridge.Standing{}),
		profile("former", false, bridge.Standing{Presence: bridge.Disabled}),
		bot, erased,
	} {
		got, err := c.account.Profile(t.Context(), want.ID)
		c.must(err)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if want.Username == "" {
			continue
		}
		for _, name := range []string{want.Username, "@" + strings.ToUpper(want.Username), want.Email, " " + string(want.ID) + " "} {
			if got, err := c.account.FindUser(t.Context(), name); err != nil || got != want {
				t.Errorf("%q: %+v (%v)", name, got, err)
			}
		}
	}
	for _, name := range []string{"", "@", "nobody", "nobody@example.com", model.NewId(), "what is this?"} {
		_, err := c.account.FindUser(t.Context(), name)
		c.wants(err, bridge.Gone, bridge.ScopeConversation)
	}
}

func TestAServerThatVerifiesAddressesVouchesForThem(t *testing.T) {
	c := newCrowd(t, sim.Options{ClientConfig: map[string]string{"RequireEmailVerification": "true"}}, restricted, nil)
	got, err := c.account.Profile(t.Context(), c.alice())
	c.must(err)
	if !got.EmailProven {
		t.Errorf("%+v", got)
	}
}

func TestAPlainBotProvesNoAddress(t *testing.T) {
	c := newCrowd(t, sim.Options{HideEmail: true}, restricted, nil)
	got, err := c.account.Profile(t.Context(), c.alice())
	c.must(err)
	if want := (bridge.Profile{Author: bridge.Author{ID: c.alice(), Name: "alice", Username: "alice"}}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	_, err = c.account.FindUser(t.Context(), "alice@example.com")
	c.wants(err, bridge.Unsupported, bridge.ScopeConversation)
}

func TestDeactivating(t *testing.T) {
	for profile, role := range profiles {
		t.Run(profile, func(t *testing.T) {
			c := newCrowd(t, sim.Options{ClientConfig: map[string]string{"EnableSaml": "true"}}, role, nil)
			c.sim.AddUser("mole", "system_admin")
			for name, service := range map[string]string{"saml": "saml", "ldap": "ldap"} {
				c.sim.AddUser(name)
				c.sim.ChangeUser(name, func(u *model.User) { u.AuthService = service })
			}
			c.sim.ForgetRequests()
			for _, name := range []string{"mole", "admin", "causeway", "saml", "ldap"} {
				c.wants(c.account.Deactivate(t.Context(), c.id(name)), bridge.Rejected, bridge.ScopeConversation)
			}
			if n := c.sim.Counts()["PUT /users/{user_id}/active"]; n != 0 {
				t.Errorf("the server was asked %d times to do what must not be", n)
			}
			c.wants(c.account.Deactivate(t.Context(), bridge.UserID(model.NewId())), bridge.Gone, bridge.ScopeConversation)
			if profile == "restricted" { // it cannot see whether SAML manages alice
				c.wants(c.account.Deactivate(t.Context(), c.alice()), bridge.Rejected, bridge.ScopeConversation)
				c.sim.Configure(func(o *sim.Options) { o.ClientConfig = nil })
				c.connectAgain()
			}
			c.join()
			for range 2 { // twice is harmless
				c.must(c.account.Deactivate(t.Context(), c.alice()))
			}
			got, err := c.account.Profile(t.Context(), c.alice())
			c.must(err)
			if got.Standing.Presence != bridge.Disabled {
				t.Errorf("alice is %v", got.Standing.Presence)
			}
			_, err = c.account.Post(t.Context(), c.as("x"))
			c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
		})
	}
	c := newCrowd(t, sim.Options{}, "", nil)
	err := c.account.Deactivate(t.Context(), c.alice())
	c.wants(err, bridge.Unauthorised, bridge.ScopeConversation)
	if !strings.Contains(err.Error(), "sysconsole_write_user_management_users") {
		t.Errorf("%v does not name the permission", err)
	}
}

// A real server knows administrators of channels, and tells of them; see contrib/e2e.
func TestAPlainMemberAdministersNothing(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	for _, u := range []bridge.UserID{c.alice(), bridge.UserID(c.sim.AddUser("outsider").Id)} {
		if may, err := c.account.Administers(t.Context(), c.conv, u); may || err != nil {
			t.Errorf("%s: %v %v", u, may, err)
		}
	}
	_, err := c.account.Administers(t.Context(), c.conv, "nobody")
	c.wants(err, bridge.Gone, bridge.ScopeConversation)
}

func TestMembersOfALargeChannel(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	want := []bridge.UserID{c.alice(), bridge.UserID(c.world.Bob.ID), bridge.UserID(c.world.Bot.ID)}
	for i := range 230 {
		u := c.sim.AddUser(fmt.Sprintf("extra%d", i))
		c.sim.Join(c.channel, u.Username)
		want = append(want, bridge.UserID(u.Id))
	}
	got, err := c.account.Members(t.Context(), c.conv)
	c.must(err)
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	nowhere := c.conv
	nowhere.Channel = bridge.ChannelID(model.NewId())
	_, err = c.account.Members(t.Context(), nowhere)
	c.wants(err, bridge.Gone, bridge.ScopeConversation)
}

func TestMuting(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, sim.Options{}, role, nil)
			c.join()
			dm := c.conv
			dm.Channel = bridge.ChannelID(c.sim.Direct("alice", "bob").Id)
			private := c.conv
			private.Channel = bridge.ChannelID(c.sim.AddChannel("acme", "cellar", model.ChannelTypePrivate).Id)
			for _, in := range []bridge.ConversationID{c.conv, dm} {
				for _, want := range []string{"all", "mention", "mention", "all"} {
					c.must(c.account.SetNotifications(t.Context(), c.alice(), in, want))
					got, err := c.account.Notifications(t.Context(), c.alice(), in)
					c.must(err)
					if got != want {
						t.Errorf("%s: %q, want %q", in, got, want)
					}
				}
			}
			c.wants(c.account.SetNotifications(t.Context(), c.alice(), c.conv, "bogus"), bridge.Rejected, bridge.ScopeConversation)
			member, _, err := c.sim.Client(c.world.Alice.Token).GetChannelMember(t.Context(), c.channel, c.world.Alice.ID, "")
			c.must(err)
			if member.NotifyProps["push"] != "default" || member.NotifyProps["mark_unread"] != "all" {
				t.Errorf("her other settings: %v", member.NotifyProps)
			}
			for _, in := range []bridge.ConversationID{private, {Server: c.conv.Server, Channel: bridge.ChannelID(model.NewId())}} {
				_, err = c.account.Notifications(t.Context(), c.alice(), in)
				c.wants(err, bridge.Gone, bridge.ScopeConversation)
				c.wants(c.account.SetNotifications(t.Context(), c.alice(), in, "mention"), bridge.Gone, bridge.ScopeConversation)
			}
		})
	}
}

func TestWhoArrives(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.sim.AddUser("outsider")
	c.sim.SetStatus("alice", "online")
	c.sim.SetStatus("outsider", "online")
	c.start()
	arrived := func() []bridge.UserID {
		_, _, who := c.front.Seen()
		return who
	}
	c.wait("alice was here", func() bool { return slices.Contains(arrived(), c.alice()) })
	c.sim.SetStatus("bob", "away")
	c.wait("bob comes", func() bool { return len(arrived()) == 2 })
	late := c.sim.AddUser("late")
	c.sim.AddToTeam("acme", "late")
	c.sim.SetStatus("late", "dnd")
	c.wait("somebody new comes", func() bool { return len(arrived()) == 3 })
	c.sim.SetStatus("alice", "offline")
	looks := c.sim.Counts()["POST /users/status/ids"]
	c.wait("two looks", func() bool { return c.sim.Counts()["POST /users/status/ids"] >= looks+2 })
	c.sim.SetStatus("alice", "online")
	c.wait("alice comes again", func() bool { return len(arrived()) == 4 })
	want := []bridge.UserID{c.alice(), bridge.UserID(c.world.Bob.ID), bridge.UserID(late.Id), c.alice()}
	if d := cmp.Diff(want, arrived()); d != "" {
		t.Error(d)
	}
}

// TestWhoJoinsIsSeenAtOnce: the people are listed once an hour here.
func TestWhoJoinsIsSeenAtOnce(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.open = mattermost.NewWatchful
	c.connectAgain()
	c.sim.SetStatus("alice", "online")
	c.start()
	arrived := func() []bridge.UserID {
		_, _, who := c.front.Seen()
		return who
	}
	c.wait("alice is there", func() bool { return len(arrived()) == 1 })
	late := c.sim.AddUser("late")
	c.sim.AddToTeam("acme", "late")
	c.sim.SetStatus("late", "online")
	c.sim.Join(c.channel, "late")
	c.wait("who is new arrives", func() bool { return len(arrived()) == 2 })
	// Who has been online, and joins a channel, counts as coming: they were perhaps in none that mattered.
	c.sim.Leave(c.channel, "alice")
	c.sim.Join(c.channel, "alice")
	c.wait("alice has joined", func() bool { return len(arrived()) == 3 })
	if d := cmp.Diff([]bridge.UserID{c.alice(), bridge.UserID(late.Id), c.alice()}, arrived()); d != "" {
		t.Error(d)
	}
}

func TestWhoArrivesIsOfTheTeamsOfTheConfig(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.sim.AddTeam("globex")
	c.sim.AddToTeam("globex", "causeway")
	there := c.sim.AddUser("there")
	c.sim.AddToTeam("globex", "there")
	c.sim.SetStatus("alice", "online") // of acme alone
	c.sim.SetStatus("there", "online")
	c.front.Await(false, bridge.Circle{})
	c.start()
	looks := c.sim.Counts()["POST /roles/names"] // once for each look after the commands, which are rarer
	c.wait("some time goes by", func() bool { return c.sim.Counts()["POST /roles/names"] >= looks+4 })
	if n := c.sim.Counts()["POST /users/status/ids"]; n != 0 {
		t.Errorf("nobody minds, and %d times was asked who is online", n)
	}
	c.front.Await(true, bridge.Circle{Teams: []string{"Globex", "initech"}})
	arrived := func() []bridge.UserID {
		_, _, who := c.front.Seen()
		return who
	}
	c.wait("the one of globex was here", func() bool { return len(arrived()) > 0 })
	looks = c.sim.Counts()["POST /users/status/ids"]
	c.wait("two looks", func() bool { return c.sim.Counts()["POST /users/status/ids"] >= looks+2 })
	if d := cmp.Diff([]bridge.UserID{bridge.UserID(there.Id)}, arrived()); d != "" {
		t.Error(d)
	}
}

func TestNobodyFromElsewhereLooksLikeAUser(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.sim.ChangeUser("alice", func(u *model.User) { u.FirstName, u.LastName, u.Nickname = "Alice", "Chen", "Ali" })
	c.sim.ChangeUser("bob", func(u *model.User) { u.FirstName, u.LastName = "José", "García" })
	c.sim.AddUser("former")
	c.sim.SetActive("former", false)
	c.sim.AddUser("scope")
	c.sim.AddUser("burnham")
	c.sim.ChangeUser("burnham", func(u *model.User) { u.FirstName, u.LastName = "Ian", "Burnham" })
	shown := func(name string) string {
		t.Helper()
		d := c.draft("hi")
		d.Author = bridge.Author{ID: "0d7c1c5e-2f4e-4c0e-9a55-5d1e5f7e2f10", Name: name}
		id, err := c.account.Post(t.Context(), d)
		c.must(err)
		post, _ := c.sim.Look(string(id))
		return post.Shown
	}
	for name, told := range map[string]bool{
		"Alice Chen": true, "alice": true, "ALI": true, "Àlice  Chen": true, "Ａｌｉｃｅ Chen": true, "Ali\u200bce Chen": true, "former": true, "causeway": true,
		"José García": true, "JOSÉ GARCÍA": true, "Alice Chan": false, "Carla": false, "Alice Chen (Teams)": false, "Chen Alice": false, "": false,
		// In the letters of other alphabets, in part or wholly; with a large i, a one and a nought.
		"\u0410lic\u0435 Chen": true, "\u0391lice Chen": true, "\u0405\u0441\u043e\u0440\u0435": true, "AIice Chen": true, "A1ice Chen": true, "lan Burnham": true, "J0sé García": true,
		"\U0001d400lice Chen": true, "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432": false, "\u0418\u0432\u0430n": true, "Ian Barnhum": false, "Ian Bumham": true,
	} {
		want := richtext.Line(name)
		if told {
			want += " (elsewhere)"
		}
		if name == "" {
			want = "causeway"
		}
		if got := shown(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
	c.sim.ForgetRequests()
	for range 5 {
		shown("Carla")
	}
	if n := c.sim.Counts()["POST /users/search"]; n != 0 {
		t.Errorf("a known name cost %d searches", n)
	}
	// Somebody who takes the name is noticed.
	c.start()
	c.sim.ChangeUser("bob", func(u *model.User) { u.Nickname = "Carla" })
	c.wait("Carla is told apart", func() bool { return shown("Carla") == "Carla (elsewhere)" })
}

func TestCheckSaysWhatPeopleNeed(t *testing.T) {
	find := func(c *crowd) string {
		var all []string
		for _, f := range c.account.Check(t.Context()) {
			if f.Fatal {
				t.Errorf("fatal: %s", f.Text)
			}
			all = append(all, f.Text)
		}
		text := strings.Join(all, "\n")
		c.noSecretIn(text)
		return text
	}
	simple := func(s *mattermost.Settings) { s.Profile = mattermost.ProfileSimple }
	strict := func(s *mattermost.Settings) { s.Profile = mattermost.ProfileRestricted }
	for _, x := range []struct {
		name    string
		options sim.Options
		role    string
		more    func(*mattermost.Settings)
		want    []string
		not     []string
	}{
		{"simple, all well", sim.Options{}, "system_admin", nil, []string{"simple, the bot mints"}, []string{"cannot be", "do not work", "lacks"}},
		{"restricted, all well", sim.Options{}, restricted, strict, []string{"restricted, each gives", "which this bot may not look up"}, []string{"cannot be", "do not work", "lacks"}},
		{"restricted, plain bot", sim.Options{}, "", nil, []string{"OAuthClientID", "manage_slash_commands", "create_post_ephemeral", "sysconsole_write_user_management_users"}, nil},
		{"simple, plain bot", sim.Options{}, "", simple, []string{"create_user_access_token", "edit_other_users", "revoke_user_access_token"}, nil},
		{"simple without tokens", sim.Options{NoUserAccessTokens: true}, "system_admin", simple, []string{"EnableUserAccessTokens"}, nil},
		{"found out: restricted without tokens", sim.Options{NoUserAccessTokens: true}, "system_admin", nil, []string{"restricted, each gives"}, []string{"EnableUserAccessTokens"}},
		{"restricted without OAuth", sim.Options{NoOAuth: true}, restricted, strict, []string{"people cannot be connected: switch on ServiceSettings.EnableOAuthServiceProvider"}, nil},
		{"simple without OAuth", sim.Options{NoOAuth: true}, "system_admin", nil, []string{"by a typed code", "EnableOAuthServiceProvider"}, []string{"cannot be"}},
		{"no commands", sim.Options{NoCommands: true}, "system_admin", nil, []string{"EnableCommands"}, nil},
		{"unreachable", sim.Options{AllowedInternal: "none"}, "system_admin", nil, []string{`add "127.0.0.1" to ServiceSettings.AllowedUntrustedInternalConnections`}, nil},
		{"another app", sim.Options{}, restricted, func(s *mattermost.Settings) { s.OAuthClientID, s.OAuthClientSecret = model.NewId(), "x" }, []string{"no OAuth 2.0 app with the client id"}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newCrowd(t, x.options, x.role, x.more)
			text := find(c)
			for _, want := range x.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in:\n%s", want, text)
				}
			}
			for _, not := range x.not {
				if strings.Contains(text, not) {
					t.Errorf("%q is in:\n%s", not, text)
				}
			}
		})
	}
	c := newCrowd(t, sim.Options{}, "", strict)
	c.keeps = true
	c.connectAgain()
	if text := find(c); strings.Contains(text, "sysconsole_write_user_management_users") {
		t.Errorf("where nobody is deactivated:\n%s", text)
	}
}

func TestTheOAuthApp(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	sign := func() (string, error) {
		return c.account.SignIn(t.Context(), bridge.SignIn{Redirect: redirect, State: "s"})
	}
	first, err := sign()
	c.must(err)
	again, err := sign()
	c.must(err)
	if first != again || c.sim.Apps() != 1 {
		t.Errorf("asked twice: %s, %s, %d apps", first, again, c.sim.Apps())
	}
	// The vault is lost: the same app is found again.
	c.must(c.vault.Delete(t.Context(), "oauth app"))
	if again, err = sign(); err != nil || again != first || c.sim.Apps() != 1 {
		t.Errorf("with an empty vault: %s (%v), %d apps", again, err, c.sim.Apps())
	}
	// Another address of Causeway is added to it.
	moved, err := c.account.SignIn(t.Context(), bridge.SignIn{Redirect: "https://new.example.com/back", State: "s"})
	c.must(err)
	if strings.Contains(moved, "causeway.example.com") || c.sim.Apps() != 1 {
		t.Errorf("after a move: %s, %d apps", moved, c.sim.Apps())
	}
	if _, err := c.sim.Authorize("alice", moved); err != nil {
		t.Error(err)
	}
	// Somebody deletes it: there is another one.
	c.join()
	c.sim.DeleteApps()
	_, err = c.account.Post(t.Context(), c.as("x"))
	c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
	if again, err = sign(); err != nil || again == first || c.sim.Apps() != 1 {
		t.Errorf("after it was deleted: %s (%v), %d apps", again, err, c.sim.Apps())
	}
	c.join()
	_, err = c.account.Post(t.Context(), c.as("x"))
	c.must(err)
	c.sim.Configure(func(o *sim.Options) { o.NoOAuth = true })
	_, err = c.account.Connect(t.Context())
	c.must(err)
	// Without it nobody can be connected, but where the bot mints the tokens.
	_, err = sign()
	c.wants(err, bridge.Rejected, bridge.ScopePerson)
	plain := newCrowd(t, sim.Options{}, "", nil)
	_, err = plain.account.SignIn(t.Context(), bridge.SignIn{Redirect: redirect, State: "s"})
	plain.wants(err, bridge.Rejected, bridge.ScopePerson)
	simple := newCrowd(t, sim.Options{NoOAuth: true}, "system_admin", nil)
	_, err = simple.account.SignIn(t.Context(), bridge.SignIn{Redirect: redirect, State: "s"})
	simple.wants(err, bridge.Unsupported, bridge.ScopeConversation)
}

func TestCodesAreGoodOnceAndForTheirAddress(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	s := bridge.SignIn{Redirect: redirect, State: "s"}
	address, err := c.account.SignIn(t.Context(), s)
	c.must(err)
	code := func() string {
		location, err := c.sim.Authorize("alice", address)
		c.must(err)
		_, rest, _ := strings.Cut(location, "code=")
		text, _, _ := strings.Cut(rest, "&")
		return text
	}
	used := code()
	_, err = c.account.Prove(t.Context(), s, used)
	c.must(err)
	_, err = c.account.Prove(t.Context(), s, used)
	c.wants(err, bridge.Rejected, bridge.ScopePerson)
	_, err = c.account.Prove(t.Context(), s, "made up")
	c.wants(err, bridge.Rejected, bridge.ScopePerson)
	_, err = c.account.Prove(t.Context(), bridge.SignIn{Redirect: "https://evil.example.com/", State: "s"}, code())
	c.wants(err, bridge.Rejected, bridge.ScopePerson)
	if _, err := c.sim.Authorize("alice", strings.Replace(address, "causeway.example.com", "evil.example.com", 1)); err == nil {
		t.Error("an address that is not the app's is taken")
	}
	location, err := c.sim.Authorize("causeway", address)
	c.must(err)
	_, rest, _ := strings.Cut(location, "code=")
	text, _, _ := strings.Cut(rest, "&")
	_, err = c.account.Prove(t.Context(), s, text)
	c.wants(err, bridge.Rejected, bridge.ScopePerson)
	if c.sim.Authorized("causeway") != 0 {
		t.Error("the bot's token was not given back")
	}
	_, err = c.account.Empower(t.Context(), c.alice(), nil)
	c.wants(err, bridge.Rejected, bridge.ScopePerson)
}
