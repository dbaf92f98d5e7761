package stage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"causeway/contrib/demo/town"
	"causeway/contrib/sim/teams"
)

const (
	teamsAccount = "msteams.contoso"
	appSecret    = "secret-of-the-demo"
)

// contoso is the stand-in for Teams with its people.
type contoso struct {
	server   *teams.Server
	tenant   *teams.Tenant
	app      *teams.App
	people   []*teams.User
	relay    *teams.User
	team     *teams.Team
	channels []*teams.Channel
	losing   atomic.Int64 // counts writes while answers are lost
	lost     atomic.Int64 // counts the answers that were
}

// channelNames are what the channels of either side are called, the first two of as many as there may be.
var channelNames = []string{"General", "Release"}

func newContoso(channels int) (*contoso, error) {
	if channels > len(channelNames) {
		return nil, fmt.Errorf("making the Teams side: at most %d channels, not %d", len(channelNames), channels)
	}
	server, err := teams.Start(teams.Options{
		DeviceCodeInterval: time.Second, Webhooks: teams.Webhooks{AllowHTTP: true}, // to this machine only
	})
	if err != nil {
		return nil, fmt.Errorf("starting the stand-in for Teams: %w", err)
	}
	c := &contoso{server: server, tenant: server.AddTenant("Contoso")}
	for _, role := range inTeams {
		c.people = append(c.people, c.tenant.AddUser(role.Name))
	}
	c.relay = c.tenant.AddUser("Causeway Relay")
	c.team = c.tenant.AddTeam("Contoso", c.people[0], append(c.people[1:len(c.people):len(c.people)], c.relay)...)
	c.channels = append(c.channels, c.team.General)
	for _, name := range channelNames[1:channels] {
		c.channels = append(c.channels, c.team.AddChannel(name))
	}
	c.app = c.tenant.AddApp(teams.AppConfig{Name: "Causeway", Secret: appSecret, PublicClient: true, Roles: Roles, Scopes: Scopes})
	return c, nil
}

// What the app registration of the demonstration may do, as README asks an operator to grant it. They are written down here, not
// asked of the bridge, so that whoever uses the stage need not compile the bridge.
var (
	Roles  = []string{"ChannelMessage.Read.All", "Channel.ReadBasic.All", "ChannelMember.Read.All", "User.ReadBasic.All", "User.Read.All", "Application.Read.All", "ProfilePhoto.Read.All", "Chat.ReadBasic.All", "Chat.Read.All"}
	Scopes = []string{"ChannelMessage.Send", "ChannelMessage.ReadWrite", "Files.ReadWrite.All", "Team.ReadBasic.All", "Channel.ReadBasic.All", "User.Read", "Chat.Create", "ChatMessage.Send", "Chat.ReadWrite"}
)

func (c *contoso) side() *town.Teams {
	return town.NewTeams(town.TeamsOptions{
		Sim: c.server.Sim, Tenant: c.tenant, Organisation: c.team.Name, People: c.people, Relay: c.relay, Channels: c.channels,
	})
}

func (c *contoso) close() error {
	if err := c.server.Close(); err != nil {
		return fmt.Errorf("closing the stand-in for Teams: %w", err)
	}
	return nil
}

// approveLogin enters the code of the login that is under way, as the relay account.
func (c *contoso) approveLogin(ctx context.Context) error {
	for {
		for _, code := range c.server.UserCodes() {
			return c.server.ApproveDevice(code, c.relay)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return errors.New("causeway asked for no code")
		}
	}
}

// isRead reports whether each channel was asked for twice, so that the first answer has been taken.
func (c *contoso) isRead() bool {
	reads := map[string]int{}
	for _, r := range c.server.Requests() {
		if r.Method == "GET" && r.Status == 200 && r.Template == "/teams/{id}/channels/{id}/messages" {
			reads[r.Path]++
		}
	}
	for _, channel := range c.channels {
		n := 0
		for path, times := range reads {
			if strings.Contains(path, channel.ID) {
				n += times
			}
		}
		if n < 2 {
			return false
		}
	}
	return true
}
