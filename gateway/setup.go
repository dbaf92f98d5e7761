package gateway

import (
	"context"
	"sync"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Plan is what a gateway carries, between whom.
type Plan struct {
	Accounts []Account
	Routes   []Route
	Directs  []Direct
	Keep     Keep
}

// setup is a plan at work. It is never changed, only replaced.
type setup struct {
	accounts map[bridge.AccountName]*account
	order    []*account
	routes   []Route
	keep     Keep
}

// newSetup takes over the accounts that old has with the same bridge.
func (g *Gateway) newSetup(p Plan, old *setup) *setup {
	s := &setup{accounts: map[bridge.AccountName]*account{}, routes: p.Routes, keep: p.Keep}
	for _, a := range p.Accounts {
		one := old.same(a)
		if one == nil {
			one = newAccount(g, a)
		}
		s.accounts[a.Name] = one
		s.order = append(s.order, one)
	}
	return s
}

// same gives the account that has the same name and bridge; nil when there is none.
func (s *setup) same(a Account) *account {
	if s == nil || s.accounts[a.Name] == nil || s.accounts[a.Name].Bridge != a.Bridge {
		return nil
	}
	return s.accounts[a.Name]
}

// lacking gives the accounts that are in s and not in other.
func (s *setup) lacking(other *setup) []*account {
	var all []*account
	for _, a := range s.order {
		if other.accounts[a.Name] != a {
			all = append(all, a)
		}
	}
	return all
}

// Change makes a gateway that runs, or is about to, carry what p says from now on, and nothing else. An account whose Bridge stands in p again goes on untouched: it
// keeps its connection, and its name, format and place must be as before. The others end: when Change returns nil, nothing uses their bridges any
// more. What waits for conversations that p does not name stays in the store, as when Causeway is started anew without them. On error, which is the store's,
// or because the gateway ends, everything is as it was.
func (g *Gateway) Change(ctx context.Context, p Plan) error {
	select {
	case <-g.began:
	case <-ctx.Done():
		return ctx.Err()
	}
	g.changing.Lock()
	defer g.changing.Unlock()
	if g.ctx.Err() != nil {
		return g.ctx.Err()
	}
	old := g.setup.Load()
	next := g.newSetup(p, old)
	found, err := g.recalled(ctx, next)
	if err != nil {
		return err
	}
	links := newLinks(next, p.Directs)
	if err := g.talks.know(ctx, next, links); err != nil {
		return err
	}
	g.resolve.Lock()
	g.setup.Store(next)
	for name, channels := range found {
		if kept := old.accounts[name]; kept != nil && kept == next.accounts[name] {
			for channel, c := range g.found[name] {
				channels[channel] = c
			}
		}
	}
	g.found = found
	g.talks.relink(links)
	g.renew()
	g.resolve.Unlock()

	var ending sync.WaitGroup
	for _, a := range old.lacking(next) {
		ending.Go(a.retire)
	}
	ending.Wait()
	for name := range old.accounts {
		if next.accounts[name] == nil {
			g.ours.Delete(name)
		}
	}
	for _, a := range next.order {
		if old.accounts[a.Name] == a {
			a.look()
		} else if !g.start(a) {
			return g.ctx.Err()
		}
	}
	g.talks.wanted()
	g.wakeLacking(g.ctx)
	return nil
}

// start runs an account; false when the gateway ends.
func (g *Gateway) start(a *account) bool {
	g.lanes.Lock() // nothing is added while Run waits for what is there
	defer g.lanes.Unlock()
	if g.ctx == nil || g.ctx.Err() != nil {
		return false
	}
	g.tasks.Go(func() {
		defer close(a.ended)
		a.run(g.ctx)
	})
	return true
}

// recalled gives what the names of a setup were found to be in earlier runs, so that messages are kept for a conversation while its service
// cannot be asked.
func (g *Gateway) recalled(ctx context.Context, s *setup) (map[bridge.AccountName]map[string]bridge.ConversationID, error) {
	found := map[bridge.AccountName]map[string]bridge.ConversationID{}
	for _, a := range s.order {
		found[a.Name] = map[string]bridge.ConversationID{}
	}
	known, err := g.store.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range s.routes {
		for _, e := range r.Endpoints {
			if c, ok := known[store.Endpoint{Account: e.Account, Name: Placed(s.accounts[e.Account].Place, e.Channel)}]; ok {
				found[e.Account][e.Channel] = c
			}
		}
	}
	return found, nil
}
