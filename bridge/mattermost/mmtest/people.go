package mmtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/richtext"
	"causeway/bridge/secret"
)

// Restricted is the role of a bot that is no administrator, and RestrictedPermissions what docs/mattermost-bot.md adds to it at most.
const Restricted = "system_custom_group_admin"

// RestrictedPermissions see [Restricted].
var RestrictedPermissions = []string{"create_post_ephemeral", "sysconsole_write_user_management_users", "manage_slash_commands", "manage_oauth"}

const redirect = "https://causeway.example.com/connect/back"

// RunPeople checks what the bridge does for people, on a stand-in or a real server, with both profiles. World makes a fresh one; the
// server must be allowed to reach 127.0.0.1.
func RunPeople(t *testing.T, world func(t *testing.T) World) {
	for _, profile := range []string{mattermost.ProfileSimple, mattermost.ProfileRestricted} {
		for _, law := range []struct {
			name  string
			check func(*crowd)
		}{
			{"who signs in is proven and acted as", actedAs},
			{"tokens are renewed, and what was renewed is dead", renewed},
			{"a lost token is the person's alone", lostToken},
			{"who is not in a channel does not write there", notThere},
			{"people are muted and put back", muted},
			{"users are found, and deactivated unless they must not be", users},
			{"the app is found again", sameApp},
			{"check misses nothing", wellFurnished},
			{"a command is registered, proven and answered", command},
			{"buttons of a direct message are pressed and go", buttons},
			{"who comes online is told", arrival},
			{"nobody from elsewhere looks like a user", lookalike},
		} {
			t.Run(profile+"/"+law.name, func(t *testing.T) {
				c := openCrowd(t, world(t), profile)
				law.check(c)
				for _, s := range c.secrets {
					if s != "" && strings.Contains(c.log.String(), s) {
						t.Error("a secret stands in the log")
					}
				}
			})
		}
	}
}

// crowd is one world with a bridge that acts for its people.
type crowd struct {
	*testing.T
	World
	profile string
	account bridge.Bridge
	vault   *Vault
	front   *Front
	log     lines
	client  *http.Client
	channel string
	conv    bridge.ConversationID
	secrets []string
	// restart makes the bridge anew, with the same vault.
	restart func()
}

func openCrowd(t *testing.T, w World, profile string, more ...func(*mattermost.Settings)) *crowd {
	c := &crowd{T: t, World: w, profile: profile, vault: &Vault{}, front: &Front{}, secrets: []string{w.Bot.Token, w.Alice.Token}}
	c.client = &http.Client{Timeout: 30 * time.Second}
	t.Cleanup(c.client.CloseIdleConnections)
	w.Roles(t, map[string]string{mattermost.ProfileSimple: "system_admin", mattermost.ProfileRestricted: Restricted}[profile])
	c.channel = w.Channel(t, "people-"+model.NewId()[:8])
	c.conv = bridge.ConversationID{Server: w.Server, Channel: bridge.ChannelID(c.channel)}
	var handler http.Handler
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.StripPrefix("/hooks/mattermost.law", handler).ServeHTTP(w, r)
	}))
	t.Cleanup(hook.Close)
	log := logrus.New()
	log.SetOutput(&c.log)
	log.SetLevel(logrus.TraceLevel)
	open := w.Bridge
	if open == nil {
		open = mattermost.New
	}
	c.restart = func() {
		settings := &mattermost.Settings{Server: w.URL, Token: secret.Secret(w.Bot.Token)}
		for _, change := range more {
			change(settings)
		}
		account, err := open(bridge.Env{
			Account: "mattermost.law", Log: logrus.NewEntry(log), Vault: c.vault, Front: c.front, Hook: hook.URL + "/hooks/mattermost.law",
		}, settings)
		c.must(err)
		t.Cleanup(func() { account.Close() })
		c.account, handler = account, account.Handler()
		_, err = account.Connect(t.Context())
		c.must(err)
	}
	c.restart()
	return c
}

func (c *crowd) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *crowd) wants(err error, kind bridge.Kind, scope bridge.Scope) {
	c.Helper()
	if err == nil || bridge.KindOf(err) != kind || bridge.ScopeOf(err) != scope {
		c.Errorf("%v is %v of scope %d, want %v of scope %d", err, bridge.KindOf(err), bridge.ScopeOf(err), kind, scope)
	}
}

// do makes a request; a failure ends the test.
func (c *crowd) do(token, method, path string, in, out any) {
	c.Helper()
	c.must(request(c.client, c.URL, token, method, path, in, out))
}

// wait looks again and again.
func (c *crowd) wait(what string, ok func() bool) {
	c.Helper()
	for end := time.Now().Add(c.Within); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("waited in vain: %s\n%s", what, c.log.String())
		}
	}
}

// run reads nothing, and does what goes on beside reading, until the test ends.
func (c *crowd) run() {
	done := make(chan struct{})
	ctx := c.Context()
	go func() {
		defer close(done)
		_ = c.account.Run(ctx, nobodysInbox{})
	}()
	c.Cleanup(func() { <-done })
}

func (c *crowd) alice() bridge.UserID { return bridge.UserID(c.Alice.ID) }

// join connects Alice as the gateway does.
func (c *crowd) join() {
	c.Helper()
	c.joinAs(c.Alice)
}

// joinAs connects somebody.
func (c *crowd) joinAs(m Member) {
	c.Helper()
	s := bridge.SignIn{Redirect: redirect, State: theState, Verifier: strings.Repeat("v", 43)}
	address, err := c.account.SignIn(c.Context(), s)
	c.must(err)
	code, err := browse(c.client, c.URL, m.Token, address)
	c.must(err)
	proof, err := c.account.Prove(c.Context(), s, code)
	c.must(err)
	if string(proof.ID) != m.ID || proof.Username != m.Username || proof.Standing != (bridge.Standing{}) {
		c.Fatalf("proven is %+v", proof.Profile)
	}
	grant, err := c.account.Empower(c.Context(), proof.ID, proof.Grant)
	c.must(err)
	c.must(c.vault.Save(c.Context(), bridge.PersonGrant(proof.ID), grant))
	c.remember(grant)
}

func (c *crowd) remember(grant []byte) map[string]any {
	c.Helper()
	var g map[string]any
	c.must(json.Unmarshal(grant, &g))
	for _, key := range []string{"access", "refresh"} {
		s, _ := g[key].(string)
		c.secrets = append(c.secrets, s)
	}
	return g
}

func (c *crowd) draft(text string) bridge.Draft {
	return bridge.Draft{Conversation: c.conv, As: c.alice(), Author: bridge.Author{Name: "Carla"}, Text: richtext.Plain(text), Key: bridge.Key(model.NewId())}
}

func (c *crowd) status() string {
	c.Helper()
	var s model.Status
	c.do(c.Admin, "GET", "/users/"+c.Alice.ID+"/status", nil, &s)
	return s.Status
}

func actedAs(c *crowd) {
	c.join()
	before := c.status()
	d := c.draft("hello")
	id, err := c.account.Post(c.Context(), d)
	c.must(err)
	target := bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}
	c.must(c.account.React(c.Context(), target, "👍", true))
	d.Text = richtext.Plain("hello again")
	c.must(c.account.Edit(c.Context(), id, d))
	var p model.Post
	c.do(c.Bob.Token, "GET", "/posts/"+string(id), nil, &p)
	props := model.StringInterface{"causeway": map[string]any{"key": string(d.Key)}}
	if c.profile == mattermost.ProfileRestricted {
		props["from_oauth_app"] = "true"
	}
	delete(p.GetProps(), "disable_group_highlight") // the server adds it in places
	if p.UserId != c.Alice.ID || p.Message != "hello again" || !cmp.Equal(p.GetProps(), props) || len(p.Metadata.Reactions) != 1 || p.Metadata.Reactions[0].UserId != c.Alice.ID {
		c.Errorf("written is %q by %s, %v", p.Message, p.UserId, p.GetProps())
	}
	state, err := c.account.Read(c.Context(), c.conv, id)
	c.must(err)
	if state.Key != d.Key || state.Author.ID != c.alice() {
		c.Errorf("reported is %+v", state)
	}
	found, err := c.account.Find(c.Context(), d, state.Created)
	if c.must(err); !cmp.Equal(found, []bridge.MessageID{id}) {
		c.Errorf("found are %v", found)
	}
	c.must(c.account.React(c.Context(), target, "👍", false))
	c.must(c.account.Delete(c.Context(), target))
	if after := c.status(); after != before {
		c.Errorf("acting as Alice made her %s; she was %s", after, before)
	}
	c.must(c.account.Verify(c.Context(), c.alice()))
	c.must(c.account.Release(c.Context(), c.alice()))
	c.wants(c.account.Verify(c.Context(), c.alice()), bridge.Unauthorised, bridge.ScopePerson)
	c.wants(c.account.Release(c.Context(), c.alice()), bridge.Gone, bridge.ScopeConversation)
}

// renewed makes the stored grant look as if it ended soon.
func renewed(c *crowd) {
	if c.profile == mattermost.ProfileSimple {
		return // a minted token has no end
	}
	c.join()
	name := bridge.PersonGrant(c.alice())
	old, err := c.vault.Load(c.Context(), name)
	c.must(err)
	grant := c.remember(old)
	grant["expires"] = time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	aged, err := json.Marshal(grant)
	c.must(err)
	c.must(c.vault.Save(c.Context(), name, aged))
	_, err = c.account.Post(c.Context(), c.draft("renewed"))
	c.must(err)
	fresh, err := c.vault.Load(c.Context(), name)
	c.must(err)
	now := c.remember(fresh)
	if c.vault.Renews() != 1 || now["access"] == grant["access"] || now["refresh"] == grant["refresh"] {
		c.Errorf("%d renewals", c.vault.Renews())
	}
	c.must(c.account.Verify(c.Context(), c.alice()))
	// A process that died before it stored the new pair has only the old one.
	c.must(c.vault.Save(c.Context(), name, aged))
	other, err := mattermost.New(bridge.Env{Account: "mattermost.law", Vault: c.vault, Log: silent()}, &mattermost.Settings{Server: c.URL, Token: secret.Secret(c.Bot.Token)})
	c.must(err)
	defer other.Close()
	_, err = other.Connect(c.Context())
	c.must(err)
	_, err = other.Post(c.Context(), c.draft("too late"))
	c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
}

func silent() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

func lostToken(c *crowd) {
	c.join()
	_, err := c.account.Post(c.Context(), c.draft("before"))
	c.must(err)
	if c.profile == mattermost.ProfileSimple {
		c.must(revokeMinted(c.client, c.World, c.Alice.ID))
	} else {
		kept, err := c.vault.Load(c.Context(), bridge.PersonGrant(c.alice()))
		c.must(err)
		app, _ := c.remember(kept)["app"].(string)
		c.must(deauthorize(c.client, c.URL, c.Alice.Token, app))
	}
	_, err = c.account.Post(c.Context(), c.draft("after"))
	c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
	relay := c.draft("the relay")
	relay.As = ""
	_, err = c.account.Post(c.Context(), relay)
	c.must(err)
	c.join()
	_, err = c.account.Post(c.Context(), c.draft("connected again"))
	c.must(err)
	// Deactivated and brought back, as an administrator may.
	c.do(c.Admin, "PUT", "/users/"+c.Alice.ID+"/active", map[string]bool{"active": false}, nil)
	_, err = c.account.Post(c.Context(), c.draft("deactivated"))
	c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
}

func notThere(c *crowd) {
	c.join()
	id, err := c.account.Post(c.Context(), c.draft("still here"))
	c.must(err)
	c.do(c.Alice.Token, "DELETE", "/channels/"+c.channel+"/members/"+c.Alice.ID, nil, nil)
	_, err = c.account.Post(c.Context(), c.draft("not here"))
	c.wants(err, bridge.Unsupported, bridge.ScopePerson)
	c.wants(c.account.Edit(c.Context(), id, c.draft("nor here")), bridge.Unsupported, bridge.ScopePerson)
	c.wants(c.account.React(c.Context(), bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}, "👍", true), bridge.Unsupported, bridge.ScopePerson)
	members, err := c.account.Members(c.Context(), c.conv)
	c.must(err)
	if slices.Contains(members, c.alice()) {
		c.Error("she was brought back silently")
	}
}

func muted(c *crowd) {
	c.join()
	var dm model.Channel
	c.do(c.Alice.Token, "POST", "/channels/direct", []string{c.Alice.ID, c.Bob.ID}, &dm)
	direct := bridge.ConversationID{Server: c.Server, Channel: bridge.ChannelID(dm.Id)}
	for _, in := range []bridge.ConversationID{c.conv, direct} {
		for _, want := range []string{"all", "mention", "mention", "all"} {
			c.must(c.account.SetNotifications(c.Context(), c.alice(), in, want))
			got, err := c.account.Notifications(c.Context(), c.alice(), in)
			if c.must(err); got != want {
				c.Errorf("%s: %q, want %q", in, got, want)
			}
		}
	}
	c.do(c.Alice.Token, "DELETE", "/channels/"+c.channel+"/members/"+c.Alice.ID, nil, nil)
	nowhere := bridge.ConversationID{Server: c.Server, Channel: bridge.ChannelID(model.NewId())}
	for _, in := range []bridge.ConversationID{c.conv, nowhere} {
		_, err := c.account.Notifications(c.Context(), c.alice(), in)
		c.wants(err, bridge.Gone, bridge.ScopeConversation)
		c.wants(c.account.SetNotifications(c.Context(), c.alice(), in, "mention"), bridge.Gone, bridge.ScopeConversation)
	}
}

func users(c *crowd) {
	var boss model.User
	c.do(c.Admin, "GET", "/users/me", nil, &boss)
	for name, want := range map[string]string{
		c.Alice.Username: c.Alice.ID, "@" + strings.ToUpper(c.Alice.Username): c.Alice.ID, c.Alice.ID: c.Alice.ID, boss.Username: boss.Id, boss.Email: boss.Id,
	} {
		got, err := c.account.FindUser(c.Context(), name)
		c.must(err)
		if string(got.ID) != want || got.Standing.Admin != (want == boss.Id) || got.EmailProven {
			c.Errorf("%q is %+v", name, got)
		}
	}
	for _, name := range []string{"nobody-" + model.NewId(), "nobody@" + model.NewId() + ".example.com", model.NewId(), "not a name"} {
		_, err := c.account.FindUser(c.Context(), name)
		c.wants(err, bridge.Gone, bridge.ScopeConversation)
	}
	erased, err := c.account.Profile(c.Context(), bridge.UserID(model.NewId()))
	if c.must(err); erased.Standing.Presence != bridge.Erased {
		c.Errorf("nobody is %+v", erased)
	}
	members, err := c.account.Members(c.Context(), c.conv)
	c.must(err)
	for _, id := range []string{c.Alice.ID, c.Bob.ID, c.Bot.ID} {
		if !slices.Contains(members, bridge.UserID(id)) {
			c.Errorf("%s is not among the members", id)
		}
	}
	c.wants(c.account.Deactivate(c.Context(), bridge.UserID(boss.Id)), bridge.Rejected, bridge.ScopeConversation)
	c.wants(c.account.Deactivate(c.Context(), bridge.UserID(c.Bot.ID)), bridge.Rejected, bridge.ScopeConversation)
	c.wants(c.account.Deactivate(c.Context(), bridge.UserID(model.NewId())), bridge.Gone, bridge.ScopeConversation)
	there := c.directory("")
	if bob, ok := there.told[bridge.UserID(c.Bob.ID)]; !ok || bob != bridge.Present {
		c.Errorf("of bob the directory says %s (%v)", bob, ok)
	}
	for range 2 {
		c.must(c.account.Deactivate(c.Context(), bridge.UserID(c.Bob.ID)))
	}
	left := c.directory(there.mark)
	if bob, ok := left.told[bridge.UserID(c.Bob.ID)]; bob != bridge.Disabled {
		c.Errorf("when he is deactivated the directory says of bob %s (%v)", bob, ok)
	}
	if _, ok := left.told[c.alice()]; ok {
		c.Error("the directory tells of alice again, who has not changed")
	}
	gone, err := c.account.Profile(c.Context(), bridge.UserID(c.Bob.ID))
	if c.must(err); gone.Standing.Presence != bridge.Disabled {
		c.Errorf("bob is %+v", gone)
	}
}

// told is what a reading of the directory has told.
type told struct {
	told map[bridge.UserID]bridge.Presence
	mark string
}

func (c *crowd) directory(since string) told {
	c.Helper()
	one := told{told: map[bridge.UserID]bridge.Presence{}}
	var err error
	one.mark, err = c.account.Directory(c.Context(), since, func(page []bridge.Profile) error {
		for _, p := range page {
			one.told[p.ID] = p.Standing.Presence
		}
		return nil
	})
	c.must(err)
	return one
}

func sameApp(c *crowd) {
	ask := func(to string) string {
		c.Helper()
		address, err := c.account.SignIn(c.Context(), bridge.SignIn{Redirect: to, State: theState})
		c.must(err)
		u, err := url.Parse(address)
		c.must(err)
		return u.Query().Get("client_id")
	}
	to := redirect + "/" + model.NewId()
	first := ask(to)
	c.must(c.vault.Delete(c.Context(), "oauth app"))
	if again := ask(to); again != first {
		c.Errorf("a second app was registered: %s, %s", first, again)
	}
	if moved := ask(to + "/moved"); moved != first {
		c.Errorf("a move made another app: %s, %s", first, moved)
	}
	c.do(c.Admin, "DELETE", "/oauth/apps/"+first, nil, nil)
	if next := ask(to); next == first {
		c.Error("the app was not registered again")
	}
}

// wellFurnished: with what docs/mattermost-bot.md gives to the bot, nothing is missing.
func wellFurnished(c *crowd) {
	named := false
	for _, f := range c.account.Check(c.Context()) {
		named = named || strings.HasPrefix(f.Text, "acting as people: "+c.profile)
		for _, complaint := range []string{"cannot be", "do not work", "lacks", "could not"} {
			if f.Fatal || strings.Contains(f.Text, complaint) {
				c.Errorf("check says: %s", f.Text)
				break
			}
		}
	}
	if !named {
		c.Error("check does not name the profile")
	}
}
