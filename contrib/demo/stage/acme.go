package stage

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/demo/town"
	"causeway/contrib/sim/mattermost"
)

const bot = "causeway"

// Acme is the stand-in for Mattermost with its people.
type Acme struct {
	server   *mattermost.Server
	side     *town.Mattermost
	token    string
	own      []string // tokens of the people's own programs
	channels []*model.Channel
}

// NewAcme starts the stand-in with a team, two channels, the people who are in Mattermost, and Causeway's bot, an administrator.
func NewAcme(ctx context.Context) (*Acme, error) {
	a := &Acme{server: mattermost.New(mattermost.Options{})}
	if err := a.server.Start(); err != nil {
		return nil, err
	}
	a.server.AddTeam("acme")
	var bots *model.User
	bots, a.token = a.server.AddBot(bot, model.SystemAdminRoleId)
	options := town.MattermostOptions{URL: a.server.URL(), Organisation: "Acme", Causeway: bots.Id}
	members := []string{bot}
	for _, role := range InMattermost {
		a.server.AddUser(role.Handle)
		a.server.ChangeUser(role.Handle, func(u *model.User) { u.Email = role.Mail() })
		options.Tokens = append(options.Tokens, a.server.Token(role.Handle))
		members = append(members, role.Handle)
	}
	a.own = options.Tokens
	for _, c := range []struct{ name, shown string }{{"town-square", "Town Square"}, {"release", "Release"}} {
		channel := a.server.AddChannel("acme", c.name, model.ChannelTypeOpen)
		a.server.Rename(channel.Id, c.shown)
		a.server.Join(channel.Id, members...)
		options.Channels = append(options.Channels, channel.Id)
		a.channels = append(a.channels, channel)
	}
	var err error
	if a.side, err = town.NewMattermost(ctx, options); err != nil {
		a.server.Close()
		return nil, err
	}
	return a, nil
}

// Close ends the stand-in.
func (a *Acme) Close() { a.server.Close() }

// URL is where the stand-in listens.
func (a *Acme) URL() string { return a.server.URL() }

// Mattermost describes it to a Stage.
func (a *Acme) Mattermost() Mattermost {
	m := Mattermost{
		Side: a.side, Server: a.server.URL(), Token: a.token, Reading: a.reading,
		About:  "Both sides are stand-ins in memory that behave like the real services. " + AboutSpeed,
		Faults: []Fault{a.cut()},
	}
	for _, c := range a.channels {
		m.Channels = append(m.Channels, "acme/"+c.Name)
	}
	return m
}

// reading reports whether the bot has its websocket and has read each channel.
func (a *Acme) reading(context.Context) (bool, error) {
	if a.server.Sockets(bot) == 0 {
		return false, nil
	}
	read := map[string]bool{}
	for _, r := range a.server.Requests() {
		if r.User == bot && r.Template == "/channels/{channel_id}/posts" && r.Status == http.StatusOK {
			read[strings.Split(r.Path, "/")[2]] = true
		}
	}
	return len(read) == len(a.channels), nil
}

// cut drops Causeway's websockets, those in people's names among them, and lets it have no others meanwhile. REST calls go on.
func (a *Acme) cut() Fault {
	var mend func()
	causeways := func(token string) bool { return token != "" && !slices.Contains(a.own, token) }
	return Fault{
		Name: Cut, Label: "Cut the websocket", Status: "Causeway's websocket to Mattermost is cut",
		What: "Causeway's websocket to Mattermost is cut, and it gets no other one: it hears nothing of what is said there.",
		Set: toggle(&mend, func() func() {
			fault := a.server.Inject(mattermost.Fault{Path: "/websocket", Token: causeways, Status: http.StatusServiceUnavailable, Times: -1})
			a.server.CutWebsocketsWith(causeways, true)
			return fault.Cancel
		}),
	}
}
