package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// tell gives a person a notice, see notify.
func (l *lane) tell(ctx context.Context, p *place, step store.Step) error {
	return l.gateway.notify(ctx, p.account, l.name.Server, step.Notice)
}

// notify gives a person of a server a notice by its account: where it is about something, or, where the service cannot do that, where else they are connected.
func (g *Gateway) notify(ctx context.Context, a *account, server bridge.ServerID, n bridge.Notice) error {
	err := a.Bridge.Notify(ctx, n)
	if bridge.KindOf(err) != bridge.Unsupported || err == nil {
		return err
	}
	person, known, failed := g.store.PersonOf(ctx, server, n.User)
	if failed != nil {
		g.storeFailed(failed)
		return fmt.Errorf("telling a person: %w", failed)
	}
	if !known {
		return err
	}
	elsewhere := bridge.Notice{Text: n.Text, Key: n.Key}
	if n.Conversation != (bridge.ConversationID{}) { // which cannot be seen there, and of which the text says "here"
		elsewhere.Text = append(richtext.Plain("About a conversation in "+a.title()+":"), n.Text...)
	}
	for _, other := range g.setup.Load().order {
		at := slices.IndexFunc(person.Identities, func(i store.Identity) bool {
			return i.Account == other.Name && i.Server != server && i.State == store.Connected
		})
		if at < 0 {
			continue
		}
		if !other.admits() {
			err = other.later(errors.New("it is not connected"))
			continue
		}
		elsewhere.User = person.Identities[at].User
		if failed := other.Bridge.Notify(ctx, elsewhere); failed == nil || bridge.KindOf(failed) != bridge.Unsupported {
			return other.ownFailure(failed)
		}
	}
	return err
}

// ownFailure keeps to the account what keeps it from working at all; whoever has asked it for something tries that again later.
func (a *account) ownFailure(err error) error {
	if err == nil || bridge.ScopeOf(err) != bridge.ScopeAccount {
		return err
	}
	if bridge.KindOf(err) == bridge.Unauthorised {
		a.park(err)
	}
	return a.later(err)
}

// later is the error of what another account than that of a lane cannot do now.
func (a *account) later(err error) error {
	return &bridge.Error{Kind: bridge.Transient, Scope: bridge.ScopeAccount, After: bridge.AfterOf(err), Err: fmt.Errorf("telling a person by %s: %w", a.Name, err)}
}
