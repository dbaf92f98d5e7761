package gateway

import (
	"context"
	"fmt"

	"causeway/bridge"
)

// Retry puts what is in quarantine back into its lane, which takes it up at once, and gives the conversation.
func (g *Gateway) Retry(ctx context.Context, instance int64) (bridge.ConversationID, error) {
	c, err := g.store.Retry(ctx, instance)
	if err == nil {
		g.wake(c)
	}
	return c, err
}

// Drop gives up what is in quarantine, and gives the conversation in which it will not arrive.
func (g *Gateway) Drop(ctx context.Context, instance int64) (bridge.ConversationID, error) {
	c, err := g.store.Drop(ctx, instance)
	if err == nil {
		g.wake(c)
	}
	return c, err
}

// Subscription is one of an account.
type Subscription struct {
	Account bridge.AccountName
	bridge.Subscription
}

// Subscriptions gives those of all accounts, in the order of the config. It asks no service.
func (g *Gateway) Subscriptions() []Subscription {
	var all []Subscription
	for _, a := range g.setup.Load().order {
		err := guarded(func() error {
			for _, s := range a.Bridge.Subscriptions() {
				all = append(all, Subscription{a.Name, s})
			}
			return nil
		})
		if err != nil {
			all = append(all, Subscription{a.Name, bridge.Subscription{What: "subscriptions", Trouble: err.Error()}})
		}
	}
	return all
}

// Renew has all subscriptions of an account made or renewed, and returns when that has begun.
func (g *Gateway) Renew(ctx context.Context, name bridge.AccountName) error {
	a := g.setup.Load().accounts[name]
	if a == nil {
		return fmt.Errorf("renewing subscriptions: there is no account %q that is used", name)
	}
	return guarded(func() error { return a.Bridge.Renew(ctx) })
}
