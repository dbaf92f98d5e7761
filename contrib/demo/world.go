package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/sim/mattermost"
	"causeway/contrib/sim/teams"
)

const (
	teamsAccount = "msteams.demo"
	bot          = "causeway"
	town         = "acme/town-square"
	appSecret    = "secret-of-the-demo"
)

// world is the two stand-ins with their people.
type world struct {
	mattermost *mattermost.Server
	botToken   string

	teams   *teams.Server
	tenant  *teams.Tenant
	app     *teams.App
	team    *teams.Team
	people  map[string]*teams.User // by first name
	relay   *teams.User
	changed chan struct{} // gets a value when something was said, edited and so on, on either side
}

func newWorld() (*world, error) {
	w := &world{changed: make(chan struct{}, 1)}
	w.mattermost = mattermost.New(mattermost.Options{OnEvent: func(*model.WebSocketEvent) { w.nudge() }})
	if err := w.mattermost.Start(); err != nil {
		return nil, fmt.Errorf("starting the stand-in for Mattermost: %w", err)
	}
	server, err := teams.Start(teams.Options{DeviceCodeInterval: time.Second})
	if err != nil {
		w.mattermost.Close()
		return nil, fmt.Errorf("starting the stand-in for Teams: %w", err)
	}
	w.teams = server
	w.teams.OnChange(func(teams.Event) { w.nudge() })
	w.seedMattermost()
	w.seedTeams()
	return w, nil
}

func (w *world) seedMattermost() {
	m := w.mattermost
	m.AddTeam("acme")
	m.AddChannel("acme", "town-square", model.ChannelTypeOpen)
	_, w.botToken = m.AddBot(bot)
	m.AddUser("alice")
	m.AddUser("amir")
	m.Join(town, bot, "alice", "amir")
}

func (w *world) seedTeams() {
	w.tenant = w.teams.AddTenant("Contoso")
	w.people = map[string]*teams.User{"bob": w.tenant.AddUser("Bob Kahn"), "berta": w.tenant.AddUser("Berta Ott")}
	w.relay = w.tenant.AddUser("Causeway Relay")
	w.team = w.tenant.AddTeam("Contoso", w.people["bob"], w.people["berta"], w.relay)
	w.app = w.tenant.AddApp(teams.AppConfig{
		Name: "Causeway", Secret: appSecret, PublicClient: true,
		Roles:  appPermissions,
		Scopes: relayPermissions,
	})
}

func (w *world) nudge() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *world) close() {
	w.mattermost.Close()
	_ = w.teams.Close()
}

// approveLogin enters the code of the login that is under way, as the relay account.
func (w *world) approveLogin(ctx context.Context) error {
	for {
		for _, code := range w.teams.UserCodes() {
			return w.teams.ApproveDevice(code, w.relay)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return errors.New("causeway asked for no code")
		}
	}
}

// awaitReaders waits until Causeway reads both channels. A channel that is configured for the first time starts then: what was
// said earlier is not carried.
func (w *world) awaitReaders(ctx context.Context, c *causeway, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !w.isRead() {
		if err := c.ended(); err != nil {
			return err
		}
		if !pause(ctx, 20*time.Millisecond) {
			return errors.New("causeway does not read the channels")
		}
	}
	return nil
}

// isRead reports whether Mattermost has the bot's websocket and its first read of the channel, and Teams was asked twice
// with the first answer taken.
func (w *world) isRead() bool {
	socket := w.mattermost.Sockets(bot) > 0
	caughtUp := w.mattermost.Counts()["GET /channels/{channel_id}/posts"] > 0
	polls := w.teams.Count("GET", "/teams/{id}/channels/{id}/messages")
	return socket && caughtUp && polls > 3
}

// pause waits; it reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
