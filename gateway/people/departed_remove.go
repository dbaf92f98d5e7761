package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// remove does with all that may be removed the next step, and forgets those who are back.
func (d *departures) remove(ctx context.Context, planned []*Planned) error {
	var failed error
	for _, p := range planned {
		switch {
		case p.back:
			failed = errors.Join(failed, d.p.o.Store.DropDeparture(ctx, p.Departure))
		case !p.gone || p.unfinished || p.Waits || p.Departure.Allowed.IsZero() || p.Removal == RemoveNothing:
		default:
			if err := d.step(ctx, p); err != nil {
				p.unfinished = true
				failed = errors.Join(failed, fmt.Errorf("removing somebody who has left: %w", err))
			}
		}
	}
	return failed
}

// step does what can be done now for one; what is left comes later. Disconnecting comes first: tokens that outlive a deactivated account work
// again when it is activated.
func (d *departures) step(ctx context.Context, p *Planned) error {
	connected, err := d.disconnected(ctx, p)
	if err != nil {
		return err
	}
	if connected && (p.Removal != RemoveAccount || time.Since(p.Departure.Allowed) < departPatience) {
		p.unfinished = true
		return nil
	}
	if p.Removal == RemoveAccount {
		if err := d.deactivate(ctx, p); err != nil {
			return err
		}
	}
	return d.p.o.Store.DropDeparture(ctx, p.Departure)
}

// disconnected begins to disconnect somebody, and reports whether that still goes on.
func (d *departures) disconnected(ctx context.Context, p *Planned) (connected bool, err error) {
	person, err := d.person(ctx, p.Departure)
	if err != nil {
		return false, err
	}
	others := slices.ContainsFunc(person.Identities, func(i store.Identity) bool { return i.State != store.Kept && !d.p.reaches(i) })
	for _, i := range person.Identities {
		here := i.Server == p.Departure.Server
		switch home := d.p.reaches(i); {
		case home && (others || !here): // it goes with the last of the others, or with where they have left
			connected = connected || i.State == store.Leaving
			continue
		case !home && !here && !d.isHome(p.Departure.Server):
			continue
		}
		switch i.State {
		case store.Connected, store.Lost:
			if err := d.disconnect(ctx, person, i.Account); err != nil {
				return true, err
			}
			d.inform(ctx, p, "somebody who has left is disconnected")
			connected = true
		case store.Leaving:
			connected = true
		}
	}
	return connected, nil
}

// deactivate deactivates the linked account.
func (d *departures) deactivate(ctx context.Context, p *Planned) error {
	home, ok := d.home(p.Departure)
	if !ok {
		return fmt.Errorf("deactivating the linked account: its server %s is not connected", p.Departure.HomeServer)
	}
	err := home.Bridge.Deactivate(ctx, p.Departure.Home)
	switch {
	case err == nil:
		d.inform(ctx, p, "the linked account of somebody who has left is deactivated")
	case bridge.KindOf(err) == bridge.Gone:
	case bridge.KindOf(err) == bridge.Rejected, bridge.KindOf(err) == bridge.Unsupported, bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) != bridge.ScopeAccount:
		p.Removal, p.Why = RemoveConnection, fmt.Sprintf("the linked account cannot be deactivated: %v", err)
		d.inform(ctx, p, "the linked account of somebody who has left stays active")
	default:
		return fmt.Errorf("deactivating the linked account: %w", err)
	}
	return nil
}

// person gives who has left, or who they are still at home.
func (d *departures) person(ctx context.Context, one store.Departure) (store.Person, error) {
	p, known, err := d.p.o.Store.PersonOf(ctx, one.Server, one.User)
	if err == nil && !known && one.Home != "" {
		p, _, err = d.p.o.Store.PersonOf(ctx, one.HomeServer, one.Home)
	}
	return p, err
}

// isHome reports whether people connect on a server.
func (d *departures) isHome(server bridge.ServerID) bool {
	for _, a := range d.p.o.Accounts {
		if s, ok := d.p.server(a.Name); ok && s == server && a.home() {
			return true
		}
	}
	return false
}

// byItself is who has removed somebody, in the audit log.
const byItself = "Causeway by itself"

// inform tells the operator what has been done: in the log, and where they look up what was done to people.
func (d *departures) inform(ctx context.Context, p *Planned, what string) {
	log := d.log.WithFields(map[string]any{
		"account": string(p.Account), "user": string(p.Departure.User), "name": p.Name, "linked": string(p.Departure.Home), "removal": p.Removal.String(), "why": p.Why,
	})
	log.Warn(what)
	if err := d.p.o.Store.Record(ctx, store.Audited{Who: byItself, Act: "people " + ActSync, About: d.p.left(p), Result: what + ": " + p.Why}); err != nil {
		log.WithError(err).Warn("what was done to somebody who has left stands in no audit log")
	}
}
