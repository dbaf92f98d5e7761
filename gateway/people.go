package gateway

import (
	"cmp"
	"context"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/people"
	"causeway/gateway/store"
)

// Lose implements people.Gateway.
func (g *Gateway) Lose(ctx context.Context, server bridge.ServerID, u bridge.UserID, began time.Time, why error) error {
	turned, err := g.store.Lose(context.WithoutCancel(ctx), server, u, began, bridge.Cause(why))
	if err != nil || !turned {
		return err
	}
	g.log.WithField("server", string(server)).WithField("user", string(u)).WithError(why).
		Warn("cannot act as a connected person any more; the relay speaks for them until they connect again")
	g.talks.wanted()
	if g.lost != nil {
		g.lost(server, u, why)
	}
	return nil
}

// lose is Lose for a step of a lane. It reports whether the plan knows now.
func (g *Gateway) lose(ctx context.Context, server bridge.ServerID, u bridge.UserID, began time.Time, why error) bool {
	err := g.Lose(ctx, server, u, began, why)
	if err != nil {
		g.storeFailed(err)
	}
	return err == nil
}

// Identity implements people.Gateway.
func (g *Gateway) Identity(a bridge.AccountName) (bridge.Identity, bool) {
	one := g.setup.Load().accounts[a]
	if one == nil {
		return bridge.Identity{}, false
	}
	id := one.identity.Load()
	if id == nil {
		return bridge.Identity{}, false
	}
	return *id, true
}

// Routes implements people.Gateway.
func (g *Gateway) Routes() ([]people.Route, <-chan struct{}) {
	t := g.table.Load()
	var all []people.Route
	for from, p := range t.all() {
		for _, to := range p.targets {
			there := t.at(to)
			if there == nil {
				continue // it has just gone
			}
			one := people.Route{From: from, To: to, Reader: p.account.Name, Writer: there.account.Name, Name: p.channel}
			if p.talk != nil {
				one.Shape, one.Members, one.Everybody = p.talk.shape, p.talk.latest().Members, p.talk.everybody
				if p.talk.pairs[to].State != store.PairOpen {
					continue
				}
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b people.Route) int {
		return cmp.Or(compareConversations(a.From, b.From), compareConversations(a.To, b.To))
	})
	return all, t.changed
}

// Delivers implements people.Gateway.
func (g *Gateway) Delivers(from, to bridge.ConversationID) bool {
	t := g.table.Load()
	p, there := t.at(from), t.at(to)
	if p == nil || there == nil || !slices.Contains(p.targets, to) {
		return false
	}
	reading, _ := g.troublesOf(t, from)
	_, writing := g.troublesOf(t, to)
	return reading == nil && writing == nil && p.account.admits() && there.account.admits()
}

// Waiting implements people.Gateway.
func (g *Gateway) Waiting(ctx context.Context, server bridge.ServerID, u bridge.UserID) (int, error) {
	return g.store.Waiting(ctx, server, u)
}

var _ people.Gateway = (*Gateway)(nil)
