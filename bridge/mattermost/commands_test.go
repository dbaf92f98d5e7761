package mattermost_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/richtext"
	sim "causeway/contrib/sim/mattermost"
)

var msteams = bridge.Trigger{Word: "msteams", Hint: "[connect|status]", Description: "Your Teams account"}

// listed shows the commands of a team.
func (c *crowd) listed(team string) []string {
	c.Helper()
	t, _, err := c.sim.Client(c.world.Admin).GetTeamByName(c.Context(), team, "")
	c.must(err)
	list, _, err := c.sim.Client(c.world.Admin).ListCommands(c.Context(), t.Id, true)
	c.must(err)
	var all []string
	for _, k := range list {
		all = append(all, fmt.Sprintf("/%s %s %s: %s", k.Trigger, k.AutoCompleteHint, k.AutoCompleteDesc, strings.TrimPrefix(k.URL, c.hook.URL)))
	}
	return all
}

func (c *crowd) awaitCommands(team string, want ...string) {
	c.Helper()
	c.wait(fmt.Sprintf("commands of %s: %v", team, want), func() bool { return cmp.Equal(c.listed(team), want) })
}

const registered = "/msteams [connect|status] Your Teams account: /hooks/mattermost.hq/command"

func TestCommandsAreKeptInEveryTeam(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, sim.Options{}, role, nil)
			c.front.Offer(msteams)
			c.sim.AddTeam("globex")
			if name == "restricted" { // who is no administrator sees other teams' commands as a member only
				c.sim.AddToTeam("globex", "causeway")
			}
			foreign, _, err := c.sim.Client(c.world.Admin).CreateCommand(t.Context(), &model.Command{
				TeamId: c.teamID("acme"), Trigger: "weather", URL: "https://weather.example.com/x", Method: "P",
			})
			c.must(err)
			c.start()
			c.wait("registered", func() bool { return len(c.listed("acme")) == 2 && len(c.listed("globex")) == 1 })
			c.sim.AddTeam("initech")
			if name == "restricted" {
				c.sim.AddToTeam("initech", "causeway")
			}
			c.awaitCommands("initech", registered)

			// What somebody changes is put right, and what is not wanted any more goes; other programs' commands stay.
			c.front.Offer(bridge.Trigger{Word: "msteams", Hint: "[help]", Description: "Teams"})
			c.awaitCommands("globex", "/msteams [help] Teams: /hooks/mattermost.hq/command")
			c.front.Offer()
			c.awaitCommands("globex")
			c.wait("only the foreign one is left", func() bool {
				left := c.listed("acme")
				return len(left) == 1 && strings.HasPrefix(left[0], "/"+foreign.Trigger)
			})
		})
	}
}

func (c *crowd) teamID(name string) string {
	c.Helper()
	t, _, err := c.sim.Client(c.world.Admin).GetTeamByName(c.Context(), name, "")
	c.must(err)
	return t.Id
}

func TestACommandIsAnswered(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.front.Offer(msteams)
	c.front.Answer(bridge.Reply{Text: richtext.Plain("Which *one*, <you>?"), Choices: []bridge.Choice{{Label: "Teams", Token: "t-1"}, {Label: "Mattermost", Token: "m-1"}}},
		bridge.Reply{Text: richtext.Plain("Noted."), Replace: richtext.Plain("Teams it is.")})
	c.start()
	c.awaitCommands("acme", registered)
	c.must(c.sim.Command("alice", c.channel, "/msteams  platform   teams"))
	commands, _, _ := c.front.Seen()
	want := []bridge.Command{{User: c.alice(), Conversation: c.conv, Trigger: "msteams", Words: []string{"platform", "teams"}}}
	if d := cmp.Diff(want, commands); d != "" {
		t.Error(d)
	}
	all := c.sim.Ephemerals()
	if len(all) != 1 || all[0].To != c.world.Alice.ID || all[0].Post.Message != `Which \*one\*, &lt;you>?` {
		t.Fatalf("alice is shown %q", all[0].Post.Message)
	}
	if len(c.sim.Posts(c.channel)) != 0 {
		t.Error("others see the answer")
	}
	// An ephemeral post cannot be replaced: what would stand there is said instead.
	c.must(c.sim.Press("alice", all[0].Post.Id, "Teams"))
	_, presses, _ := c.front.Seen()
	if d := cmp.Diff([]bridge.Press{{User: c.alice(), Token: "t-1"}}, presses); d != "" {
		t.Error(d)
	}
	if all = c.sim.Ephemerals(); len(all) != 2 || all[1].Post.Message != "Teams it is.\n\nNoted." && all[1].Post.Message != "Teams it is.\nNoted." {
		t.Errorf("after the press: %q", all[1].Post.Message)
	}
	// In a direct channel, and after a restart without registering anything again.
	c.stop()
	c.connectAgain()
	c.must(c.sim.Command("alice", c.sim.Direct("alice", "bob").Id, "/msteams help"))
}

func TestForgedCommandsAndPresses(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.front.Offer(msteams)
	c.sim.AddTeam("globex")
	c.sim.AddToTeam("globex", "causeway")
	c.start()
	c.awaitCommands("acme", registered)
	c.awaitCommands("globex", registered)
	list, _, err := c.sim.Client(c.world.Admin).ListCommands(t.Context(), c.teamID("globex"), true)
	c.must(err)
	form := fmt.Sprintf("team_id=%s&channel_id=%s&user_id=%s&command=%%2Fmsteams&text=connect", c.teamID("acme"), c.channel, c.world.Alice.ID)
	post := func(path, kind, authorization, body string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", c.hook.URL+"/hooks/mattermost.hq"+path, strings.NewReader(body))
		c.must(err)
		r.Header.Set("Content-Type", kind)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		answer, err := http.DefaultClient.Do(r)
		c.must(err)
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		c.must(err)
		c.noSecretIn(string(said))
		return answer.StatusCode
	}
	const asForm, asJSON = "application/x-www-form-urlencoded", "application/json"
	press := func(context string) string {
		return fmt.Sprintf(`{"user_id":%q,"post_id":%q,"context":%s}`, c.world.Alice.ID, model.NewId(), context)
	}
	for _, x := range []struct {
		name, path, kind, authorization, body string
		want                                  int
	}{
		{"no token", "/command", asForm, "", form, 401},
		{"a wrong token", "/command", asForm, "Token " + model.NewId(), form, 401},
		{"an empty token", "/command", asForm, "Token ", form, 401},
		{"another kind", "/command", asForm, "Bearer " + list[0].Token, form, 401},
		{"the token of another team", "/command", asForm, "Token " + list[0].Token, form, 401},
		{"no user", "/command", asForm, "Token " + list[0].Token, "command=%2Fmsteams", 400},
		{"too long", "/command", asForm, "Token " + list[0].Token, form + strings.Repeat("x", 300_000), 413},
		{"no context", "/action", asJSON, "", press(`{}`), 403},
		{"a token without proof", "/action", asJSON, "", press(`{"token":"t-1","stored":true}`), 403},
		{"a forged proof", "/action", asJSON, "", press(`{"token":"t-1","stored":true,"proof":"AAAA"}`), 403},
		{"another form", "/action", asJSON, "", press(`"t-1"`), 400},
		{"somebody who cannot be", "/action", asJSON, "", `{"user_id":"../x","post_id":"y","context":{}}`, 400},
		{"no JSON", "/action", asJSON, "", "token=1", 400},
		{"too long a press", "/action", asJSON, "", press(`{"token":"` + strings.Repeat("x", 300_000) + `"}`), 413},
		{"elsewhere", "/", asJSON, "", "{}", 404},
	} {
		if got := post(x.path, x.kind, x.authorization, x.body); got != x.want {
			t.Errorf("%s: %d, want %d", x.name, got, x.want)
		}
	}
	if commands, presses, _ := c.front.Seen(); len(commands)+len(presses) != 0 {
		t.Errorf("the gateway was asked: %+v, %+v", commands, presses)
	}
	r, err := http.Get(c.hook.URL + "/hooks/mattermost.hq/command")
	c.must(err)
	r.Body.Close()
	if r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a GET is answered by %d", r.StatusCode)
	}
}

// Wrong tokens in any number do not slow the rest: they cost no request and next to no time, a second altogether where nothing else runs.
func TestTenThousandWrongTokens(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.front.Offer(msteams)
	c.start()
	c.awaitCommands("acme", registered)
	c.wait("a command is taken", func() bool { return c.sim.Command("alice", c.channel, "/msteams") == nil }) // the server has it sooner than the bridge
	c.stop()
	c.sim.ForgetRequests()
	handler := c.account.Handler()
	var all sync.WaitGroup
	begin := time.Now()
	for range 4 {
		all.Go(func() {
			for range 2500 {
				r, w := newCommandRequest(model.NewId()), &discard{header: http.Header{}}
				handler.ServeHTTP(w, r)
				if w.status != http.StatusUnauthorized {
					t.Errorf("a wrong token is answered by %d", w.status)
				}
			}
		})
	}
	all.Wait()
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("10,000 wrong tokens took %v", took)
	}
	if n := len(c.sim.Requests()); n > 1 { // one of before may arrive late
		t.Errorf("they made %d requests", n)
	}
	c.must(c.sim.Command("alice", c.channel, "/msteams"))
}

func TestForgedPressesCostHardlyAnyReading(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	handler := c.account.Handler()
	body := fmt.Sprintf(`{"user_id":%q,"post_id":%q,"context":{"token":"t-1","stored":true,"proof":"AAAA"}}`, c.alice(), model.NewId())
	before, began := c.vault.Loads(), time.Now()
	for range 2000 {
		r, err := http.NewRequest(http.MethodPost, "/action", strings.NewReader(body))
		c.must(err)
		w := &discard{header: http.Header{}}
		if handler.ServeHTTP(w, r); w.status != http.StatusForbidden {
			t.Fatalf("a forged press is answered by %d", w.status)
		}
	}
	if n, most := c.vault.Loads()-before, 1+int(time.Since(began)/(5*time.Second)); n > most {
		t.Errorf("2,000 forged presses cost %d readings, want at most %d", n, most)
	}
}

func newCommandRequest(token string) *http.Request {
	r, _ := http.NewRequest("POST", "/command", strings.NewReader("")) // the address is a constant
	r.Header.Set("Authorization", "Token "+token)
	return r
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// Another instance has registered the command of a new team: its token is in the vault that both have.
func TestACommandThatAnotherInstanceRegistered(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	first := c.account
	c.connectAgain()
	c.front.Offer(msteams)
	c.start()
	c.awaitCommands("acme", registered)
	c.stop()
	c.wait("the vault has its token", func() bool { return c.sim.Command("alice", c.channel, "/msteams") == nil })
	c.mu.Lock()
	c.handler = first.Handler()
	c.mu.Unlock()
	before, _, _ := c.front.Seen()
	c.wait("the other instance takes it", func() bool { return c.sim.Command("alice", c.channel, "/msteams status") == nil })
	if after, _, _ := c.front.Seen(); len(after) != len(before)+1 {
		t.Errorf("%d commands came after %d", len(after), len(before))
	}
}

// TestANoticeWithAKeyComesOnce, also when the server has forgotten what it was given lately.
func TestANoticeWithAKeyComesOnce(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	for _, key := range []bridge.Key{"one", "one", "two", "one"} {
		c.must(c.account.Notify(t.Context(), bridge.Notice{User: c.alice(), Text: richtext.Plain("ok"), Key: key}))
		c.sim.Restart()
	}
	if posts := c.sim.Posts(c.sim.Direct("alice", "causeway").Id); len(posts) != 2 {
		t.Errorf("alice reads %+v", posts)
	}
}

func TestANoticeWithButtons(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.front.Answer(bridge.Reply{}, bridge.Reply{Replace: richtext.Plain("Teams it is."), Text: richtext.Plain("Noted.")})
	choices := []bridge.Choice{{Label: "Teams", Token: "t-1"}, {Label: "Not now", Token: "n-1"}}
	for _, in := range []bridge.ConversationID{{}, c.conv} {
		c.must(c.account.Notify(t.Context(), bridge.Notice{Conversation: in, User: c.alice(), Text: richtext.Plain("Where do you want to be notified?"), Choices: choices}))
	}
	dm := c.sim.Direct("alice", "causeway").Id
	posts := c.sim.Posts(dm)
	if len(posts) != 2 || posts[0].Text != "Where do you want to be notified?" || posts[0].Author != "causeway" {
		t.Fatalf("alice reads %+v", posts)
	}
	if d := cmp.Diff([]string{"Teams", "Not now"}, c.sim.Buttons(posts[0].ID)); d != "" {
		t.Error(d)
	}
	seen, _, err := c.sim.Client(c.world.Alice.Token).GetPost(t.Context(), posts[0].ID, "")
	c.must(err)
	if shown := fmt.Sprint(seen.Attachments()[0].Actions[0].Integration); shown != "<nil>" {
		t.Errorf("alice sees the context: %s", shown)
	}
	c.must(c.sim.Press("alice", posts[0].ID, "Teams"))
	if posts = c.sim.Posts(dm); posts[0].Text != "Teams it is." || len(c.sim.Buttons(posts[0].ID)) != 0 {
		t.Errorf("after the press: %+v", posts[0])
	}
	if err := c.sim.Press("bob", posts[1].ID, "Teams"); err == nil {
		t.Error("bob pressed alice's button")
	}
	_, presses, _ := c.front.Seen()
	if d := cmp.Diff([]bridge.Press{{User: c.alice(), Token: "t-1"}}, presses); d != "" {
		t.Error(d)
	}
	if all := c.sim.Ephemerals(); len(all) != 1 || all[0].Post.Message != "Noted." {
		t.Errorf("alice is told %+v", all)
	}
}

func TestWhereMattermostCannotReachCauseway(t *testing.T) {
	c := newCrowd(t, sim.Options{AllowedInternal: "none"}, "system_admin", nil)
	c.front.Offer(msteams)
	c.start()
	c.awaitCommands("acme", registered)
	if err := c.sim.Command("alice", c.channel, "/msteams"); err == nil || !strings.Contains(err.Error(), "failed") {
		t.Errorf("a command to a private address: %v", err)
	}
	without := newCrowd(t, sim.Options{}, restricted, nil)
	account, err := mattermost.New(bridge.Env{Vault: without.vault, Front: without.front}, &mattermost.Settings{Server: without.sim.URL(), Token: "x"})
	without.must(err)
	if account.Capabilities().Commands || account.Handler() != nil {
		t.Error("commands are promised without an address")
	}
	without.must(account.Close())
}
