package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// real is a real Mattermost server, on which each program joins two channels of its own.
type real struct {
	mm     *harness.Mattermost
	team   *model.Team
	people []*harness.User
	eye    *harness.User // sees what arrives
	board  *board
}

func newReal(tb harness.TB) *real {
	tb.Helper()
	// Logging every request, as the tests do, would slow the server down for all.
	settings := map[string]string{"MM_LOGSETTINGS_CONSOLELEVEL": "ERROR"}
	w := &real{mm: harness.StartMattermost(tb, harness.Options{Settings: settings}), board: newBoard()}
	w.team = w.mm.CreateTeam(tb)
	for i := range senders {
		w.people = append(w.people, w.mm.CreateUser(tb, fmt.Sprint("anna", i), w.team))
	}
	w.eye = w.mm.CreateUser(tb, "eye", w.team)
	w.watch(tb)
	return w
}

// watch lets the eye's websocket tell the board of every post in the channels that programs write to: it is in no others.
func (w *real) watch(tb harness.TB) {
	tb.Helper()
	socket, err := model.NewWebSocketClient4("ws"+strings.TrimPrefix(w.mm.URL, "http"), w.eye.Token)
	if err != nil {
		tb.Fatalf("watching: %v", err)
	}
	socket.Listen()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range socket.EventChannel {
			if event == nil || event.EventType() != model.WebsocketEventPosted {
				continue
			}
			if text, ok := event.GetData()["post"].(string); ok {
				w.board.seen(text, time.Now())
			}
		}
	}()
	tb.Cleanup(func() {
		socket.Close()
		<-done
	})
}

// contender is a program with its two channels.
type contender struct {
	*talk
	world    *real
	bot      *harness.User
	proxy    *harness.Proxy // between the program and the server
	from, to *model.Channel
	command  harness.Command
	process  *harness.Process
}

// enter gives a program its bot, its channels and its way to the server. The caller fills in the command.
func (w *real) enter(tb harness.TB, who subject) *contender {
	tb.Helper()
	word := strings.ToLower(string(who))
	c := &contender{world: w, bot: w.mm.CreateBot(tb, word, "", w.team), proxy: harness.StartProxy(tb, w.mm.Address)}
	c.from = w.mm.CreateChannel(tb, w.team, model.ChannelTypeOpen, word+"-from", append([]*harness.User{c.bot}, w.people...)...)
	c.to = w.mm.CreateChannel(tb, w.team, model.ChannelTypeOpen, word+"-to", c.bot, w.eye)
	c.talk = &talk{who: who, say: func(ctx context.Context, sender int, text string) error {
		_, _, err := w.people[sender].Client.CreatePost(ctx, &model.Post{ChannelId: c.from.Id, Message: text})
		return err
	}}
	return c
}

const realCauseway = `
[general]
LogLevel = "info"
[http]
Listen = %q
[mattermost.hq]
Server = %q
Token = %q
Team = %q
[[gateway]]
name = "bench"
inout = [ { account = "mattermost.hq", channel = %q }, { account = "mattermost.hq", channel = %q } ]
`

func (w *real) causeway(tb harness.TB, program string) *contender {
	tb.Helper()
	c := w.enter(tb, causeway)
	at := &causewayAt{dir: harness.Folder(tb), program: program}
	at.write(tb, fmt.Sprintf(realCauseway, harness.FreePort(tb), c.proxy.URL, c.bot.Token, w.team.Name, c.from.Name, c.to.Name))
	c.command = at.command("run")
	return c
}

func (w *real) bare(tb harness.TB, program string) *contender {
	tb.Helper()
	c := w.enter(tb, bare)
	c.command = harness.Command{
		Path: program, Args: []string{"-mattermost", c.proxy.URL, "-from", c.from.Id, "-to", c.to.Id},
		Env: []string{"RELAY_TOKEN=" + c.bot.Token},
	}
	return c
}

// A bot's token, as for the others.
const realMatterbridge = `
[mattermost.hq]
Server = %q
NoTLS = true
Team = %q
Token = %q
PrefixMessagesWithNick = true
RemoteNickFormat = "{NICK}: "
[[gateway]]
name = "bench"
enable = true
[[gateway.inout]]
account = "mattermost.hq"
channel = %q
[[gateway.inout]]
account = "mattermost.hq"
channel = %q
`

func (w *real) matterbridge(tb harness.TB, program string) *contender {
	tb.Helper()
	c := w.enter(tb, matterbridge)
	dir := harness.Folder(tb)
	text := fmt.Sprintf(realMatterbridge, c.proxy.Address, w.team.Name, c.bot.Token, c.from.Name, c.to.Name)
	if err := os.WriteFile(filepath.Join(dir, "matterbridge.toml"), []byte(text), 0o600); err != nil {
		tb.Fatalf("writing the config: %v", err)
	}
	c.command = harness.Command{Path: program, Args: []string{"-conf", "matterbridge.toml"}, Dir: dir}
	return c
}

// ready makes sure that the program runs and carries. A bare relay, for one, ends with its websocket.
func (c *contender) ready(tb harness.TB) {
	tb.Helper()
	switch {
	case c.process == nil:
		c.process = harness.StartProcess(tb, c.command)
	case !c.process.Running():
		c.process.Start(tb)
	}
	begin(tb, c.world.board, c.talk, string(c.who))
}

// count holds what stands in the channel against the flows. Doubles that were deleted do not count: people do not see them.
func (c *contender) count(tb harness.TB, flows ...*flow) Counts {
	tb.Helper()
	var said []mark
	for _, f := range flows {
		said = append(said, f.marks()...)
	}
	var copies []string
	for _, post := range c.world.mm.Admin.Read(tb, c.to) {
		if post.UserId == c.bot.Id {
			copies = append(copies, post.Message)
		}
	}
	return count(said, copies)
}
