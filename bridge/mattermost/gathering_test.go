package mattermost_test

import (
	"context"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	sim "causeway/contrib/sim/mattermost"
)

// gathering is a crowd whose direct and group conversations are noticed.
type gathering struct {
	*crowd
	talks *mmtest.Inbox
	ids   map[string]string
	end   func()
	// again: reading that ends by itself is begun again, as the gateway does; else that is a mistake.
	again bool
}

// gather makes one where all of these people are connected.
func gather(t testing.TB, role, observe string, people ...string) *gathering {
	return gatherWith(t, sim.Options{}, role, observe, people...)
}

func gatherWith(t testing.TB, options sim.Options, role, observe string, people ...string) *gathering {
	g := &gathering{talks: mmtest.NewInbox(), ids: map[string]string{}}
	g.crowd = newCrowd(t, options, role, func(s *mattermost.Settings) { s.Observe = observe })
	g.open = mattermost.NewQuick
	g.connectAgain()
	g.ids["alice"], g.ids["bob"] = g.world.Alice.ID, g.world.Bob.ID
	for _, name := range people {
		if g.ids[name] == "" {
			g.ids[name] = g.sim.AddUser(name).Id
			g.sim.AddToTeam("acme", name)
		}
		g.connects(name)
	}
	return g
}

// connects lets Causeway act as somebody, as the gateway does.
func (g *gathering) connects(name string) {
	g.Helper()
	proof, err := g.prove(name)
	g.must(err)
	grant, err := g.account.Empower(g.Context(), proof.ID, proof.Grant)
	g.must(err)
	g.must(g.vault.Save(g.Context(), bridge.PersonGrant(proof.ID), grant))
}

func (g *gathering) user(name string) bridge.UserID { return bridge.UserID(g.ids[name]) }

// observe has people observed; agreed says whether they agreed to a connection.
func (g *gathering) observe(agreed bool, people ...string) {
	var all []bridge.Observed
	for _, name := range people {
		all = append(all, bridge.Observed{User: g.user(name), Online: agreed})
	}
	g.talks.Observe(all...)
}

// runs reads until end is called.
func (g *gathering) runs() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func(account bridge.Bridge) {
		err := account.Run(ctx, g.talks)
		for g.again && ctx.Err() == nil {
			err = account.Run(ctx, g.talks)
		}
		done <- err
	}(g.account)
	ended := false
	g.end = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			g.Errorf("reading ended: %v", err)
		}
	}
	g.Cleanup(g.end)
	g.wait("the bot listens", func() bool { return g.sim.Sockets("causeway") > 0 })
}

// listened waits until a connection is open in the name of each.
func (g *gathering) listened(people ...string) {
	g.Helper()
	for _, name := range people {
		g.wait(name+" is listened to", func() bool { return g.sim.Sockets(name) == 1 })
	}
}

func (g *gathering) talk(channel string) bridge.ConversationID {
	return bridge.ConversationID{Server: g.world.Server, Channel: bridge.ChannelID(channel)}
}

// speaks writes in a talk; in the stand-in that changes nobody's presence.
func (g *gathering) speaks(who, channel, text string) string {
	g.Helper()
	id, err := g.sim.Post(who, channel, text)
	g.must(err)
	return id
}

// comes waits until a message is reported with this text.
func (g *gathering) comes(id, text string) {
	g.Helper()
	g.wait(text+" comes", func() bool { s, _ := g.talks.State(id); return s.ID != "" && said(s) == text })
}

// meetings gives the speakers for whom a talk was met.
func (g *gathering) meetings(channel string) (speakers []string) {
	for _, t := range g.talks.Met() {
		if t.Conversation != g.talk(channel) {
			continue
		}
		name := ""
		for one, id := range g.ids {
			if id == string(t.Speaker()) {
				name = one
			}
		}
		speakers = append(speakers, name)
	}
	return speakers
}

func (g *gathering) online(name string) bool { return g.sim.Status(name) != model.StatusOffline }
