package gateway

import (
	"context"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/gateway/store"
)

// inbox takes what one account reads.
type inbox struct {
	gateway *Gateway
	account *account
}

// Watched implements bridge.Inbox.
func (i inbox) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	t := i.gateway.table.Load()
	all := t.watched(i.account)
	slices.SortFunc(all, func(a, b bridge.ConversationID) int { return strings.Compare(a.String(), b.String()) })
	return all, t.changed
}

// Cursor implements bridge.Inbox.
func (i inbox) Cursor(ctx context.Context, c bridge.ConversationID) (string, error) {
	cursor, err := i.gateway.store.Cursor(ctx, c)
	if err != nil {
		i.gateway.storeFailed(err)
	}
	return cursor, err
}

// Put implements bridge.Inbox.
func (i inbox) Put(ctx context.Context, b bridge.Batch) error {
	p := i.gateway.table.Load().conversations[b.Conversation]
	if p == nil || p.account != i.account || !p.in {
		return nil // no longer read by this account
	}
	woken, err := i.gateway.store.Put(ctx, b, store.Routes{Targets: p.targets, Own: i.gateway.own(b.Conversation.Server)})
	if err != nil {
		i.gateway.storeFailed(err)
		return err
	}
	i.account.alive()
	i.gateway.wake(woken...)
	return nil
}

// Trouble implements bridge.Inbox.
func (i inbox) Trouble(c bridge.ConversationID, err error) {
	i.account.reading.report(c.String(), i.account.log.WithField("conversation", c.String()), "reading", err)
}

// own tells which users of a server are Causeway's accounts.
func (g *Gateway) own(server bridge.ServerID) func(bridge.UserID) bool {
	return func(u bridge.UserID) bool {
		for _, a := range g.order {
			if id := a.identity.Load(); id != nil && id.Server == server && id.User == u {
				return true
			}
		}
		return false
	}
}
