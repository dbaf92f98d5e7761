package gateway

import (
	"context"
	"fmt"
	"slices"

	"causeway/bridge"
	"causeway/gateway/store"
)

// tell gives a person a notice: where it is about something, or, where the service cannot do that, where else they are connected.
func (l *lane) tell(ctx context.Context, p *place, step store.Step) error {
	n := step.Notice
	err := p.account.Bridge.Notify(ctx, n)
	if bridge.KindOf(err) != bridge.Unsupported || err == nil {
		return err
	}
	person, known, failed := l.gateway.store.PersonOf(ctx, l.name.Server, n.User)
	if failed != nil {
		l.gateway.storeFailed(failed)
		return fmt.Errorf("telling a person: %w", failed)
	}
	if !known {
		return err
	}
	for _, other := range l.gateway.setup.Load().order {
		at := slices.IndexFunc(person.Identities, func(i store.Identity) bool {
			return i.Account == other.Name && i.Server != l.name.Server && i.State == store.Connected
		})
		if at < 0 || other.identity.Load() == nil {
			continue
		}
		elsewhere := bridge.Notice{User: person.Identities[at].User, Text: n.Text}
		if failed := other.Bridge.Notify(ctx, elsewhere); failed == nil || bridge.KindOf(failed) != bridge.Unsupported {
			return failed
		}
	}
	return err
}
