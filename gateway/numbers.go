package gateway

import (
	"context"
	"time"

	"causeway/bridge"
	"causeway/gateway/metrics"
	"causeway/gateway/store"
)

// tried is what the steps are called in numbers that are tried.
var tried = map[store.Op]string{
	store.Post: "post", store.Find: "find", store.Edit: "edit", store.Blank: "blank", store.Delete: "delete", store.React: "react", store.Unreact: "unreact",
	store.Quote: "quote", store.Stray: "remove double", store.Tell: "tell", store.Look: "look", store.Recall: "recall", store.Carry: "carry file",
	store.Discard: "remove file", store.Line: "line", store.Withdraw: "withdraw",
}

// count counts a step that was tried, and the message that stands here by it, and follows its journey.
func (l *lane) count(account bridge.AccountName, o *store.Outcome, err error) {
	step := o.Step
	l.trace(o, err)
	l.gateway.metrics.Attempted(account, tried[step.Op], err)
	made := step.Op == store.Post && o.Verdict == store.Done || step.Op == store.Find && len(o.IDs) > 0
	if err == nil && made && step.Part == 0 {
		l.gateway.metrics.Delivered(account, time.Since(o.Work.Message.Created))
	}
}

// Numbers gives how everything stands, in numbers. It asks no service, and of the store what [Gateway.Status] asks.
func (g *Gateway) Numbers(ctx context.Context) metrics.Now {
	backlogs, err := g.store.Backlogs(ctx)
	s := g.statusOf(ctx, backlogs, err)
	now := metrics.Now{At: s.At, Version: s.Version, Problems: len(s.Problems), Warnings: len(s.Warnings), Store: s.Store == nil}
	setup := g.setup.Load()
	for _, status := range s.Accounts {
		a := setup.accounts[status.Name]
		if a == nil {
			continue // it has just been taken out of the config
		}
		told := a.told()
		now.Accounts = append(now.Accounts, metrics.AccountNow{
			Name: a.Name, Connected: status.Connected, Receiving: told.Receiving, Sockets: told.Sockets, Subscribed: told.Subscribed, Ends: told.Ends,
		})
	}
	if err != nil {
		return now
	}
	now.People = map[string]int{"connected": s.People.Connected, "lost": s.People.Lost, "asked": s.People.Asked}
	now.Preferring = map[bridge.AccountName]int{}
	for _, a := range s.Accounts {
		now.Preferring[a.Name] = s.People.Preferred[a.Name]
	}
	now.Gateways = g.waitingBy(backlogs)
	return now
}

// waitingBy sums up by gateway. What is in several counts in each.
func (g *Gateway) waitingBy(backlogs map[bridge.ConversationID]store.Backlog) map[string]metrics.GatewayNow {
	t := g.table.Load()
	all := map[string]metrics.GatewayNow{metrics.Direct: {}, metrics.Gone: {}}
	routed := map[bridge.ConversationID]bool{}
	add := func(name string, c bridge.ConversationID) {
		one, b := all[name], backlogs[c]
		one.Waiting, one.Quarantined, one.Oldest = one.Waiting+b.Waiting, one.Quarantined+b.Quarantined, earlier(one.Oldest, b.Oldest)
		all[name] = one
	}
	for _, r := range g.setup.Load().routes {
		all[r.Name] = metrics.GatewayNow{}
		seen := map[bridge.ConversationID]bool{}
		for _, e := range r.Endpoints {
			if c, ok := t.found[named{e.Account, e.Channel}]; ok && !seen[c] {
				seen[c], routed[c] = true, true
				add(r.Name, c)
			}
		}
	}
	for c := range backlogs {
		switch p := t.at(c); {
		case routed[c]:
		case p != nil && p.talk != nil:
			add(metrics.Direct, c)
		default:
			add(metrics.Gone, c)
		}
	}
	return all
}
