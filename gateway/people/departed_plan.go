package people

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// Removal is what becomes of somebody who has left.
type Removal uint8

const (
	// RemoveNothing: all stays as it is.
	RemoveNothing Removal = iota
	// RemoveConnection: they are disconnected.
	RemoveConnection
	// RemoveAccount: they are disconnected, and the linked account is deactivated.
	RemoveAccount
)

var removalNames = [...]string{"nothing", "disconnect", "deactivate"}

// String gives the removal's name in logs and lists.
func (r Removal) String() string { return removalNames[r] }

// Planned is somebody who seems to have left, and what becomes of them.
type Planned struct {
	// Account is where they have left, and Departure who they are; Name as the store knows them or, when they are disconnected, a service; may be empty.
	Account   bridge.AccountName
	Departure store.Departure
	Name      string
	// Removal is what is done, and Why the reason. Waits: not before the operator has agreed.
	Removal Removal
	Why     string
	Waits   bool

	// gone: the second look has confirmed it; back: there is no reason to remove anybody any more. Neither: it failed.
	gone, back bool
	// unfinished: something could not be done yet.
	unfinished bool
}

// asks: only the operator's consent is missing.
func (p *Planned) asks() bool { return p.Waits && p.gone && !p.unfinished }

// removes reports whether anybody is removed who has left another service.
func (d *departures) removes() bool {
	return d.p.o.Settings.OnTeamsUserRemoved != config.RemovedNothing
}

// look has a second look at each, and plans what becomes of them. Who waits for the operator is looked at anew after a reading only. Where the service asks
// for patience, it asks for no further ones.
func (d *departures) look(ctx context.Context, a Account, left []store.Departure, read bool) []*Planned {
	var planned []*Planned
	var stop error
	for _, one := range left {
		if before, waits := d.waiting[store.User{Server: one.Server, User: one.User}]; waits && !read && one.Allowed.IsZero() {
			planned = append(planned, &before)
			continue
		}
		p := &Planned{Account: a.Name, Departure: one}
		planned = append(planned, p)
		err := stop
		var now bridge.Profile
		if err == nil {
			now, err = a.Bridge.Profile(ctx, one.User)
		}
		switch {
		case err != nil:
			p.unfinished, p.Why = true, fmt.Sprintf("a second look failed, and nobody is removed as long as that is in doubt: %v", err)
			if bridge.KindOf(err) == bridge.Throttled || bridge.ScopeOf(err) == bridge.ScopeAccount {
				stop = err
			}
		case now.Standing.Presence == bridge.Present:
			p.back, p.Name, p.Why = true, now.Name, "a second look shows that they are there"
		default:
			p.gone, p.Departure.Presence, p.Name = true, now.Standing.Presence, now.Name
			d.plan(ctx, a, p)
		}
	}
	return planned
}

// plan decides what becomes of somebody who is gone.
func (d *departures) plan(ctx context.Context, a Account, p *Planned) {
	person, err := d.person(ctx, p.Departure)
	if err != nil {
		p.unfinished, p.Why = true, err.Error()
		return
	}
	i, ok := on(person, p.Departure.Server)
	switch same := ok && i.User == p.Departure.User; {
	case ok && !same && i.State != store.Kept:
		// Whoever they were at home has connected with another user there since, who has not left.
		p.gone, p.back, p.Why = false, true, "the linked account is connected with another user by now"
		return
	case p.Departure.Allowed.IsZero() && (!same || i.State == store.Kept):
		p.gone, p.back, p.Why = false, true, "not connected any more"
		return
	case same:
		p.Name = i.Name
		if now := d.departure(person, i, p.Departure.Presence); p.Departure.Allowed.IsZero() && now.Home != "" { // they may have connected anew since it was stored
			p.Departure.HomeServer, p.Departure.Home = now.HomeServer, now.Home
		}
	}
	c := removing{policy: d.p.o.Settings.OnTeamsUserRemoved, from: a, presence: p.Departure.Presence, elsewhere: d.elsewhere(person, p.Departure.Server)}
	if home, ok := d.home(p.Departure); ok && c.asks() {
		now, err := home.Bridge.Profile(ctx, p.Departure.Home)
		if err != nil {
			p.unfinished, p.Why = true, fmt.Sprintf("the linked account could not be looked at: %v", err)
			return
		}
		c.linked, c.home, p.Name = home, &now, cmp.Or(p.Name, now.Name)
	}
	p.Removal, p.Why = c.decide()
}

// elsewhere gives on which other account, where people do not connect, a person is connected as well, or was until their token was refused: that one has
// not left.
func (d *departures) elsewhere(p store.Person, server bridge.ServerID) string {
	for _, i := range p.Identities {
		if a, ok := d.p.account(i.Account); ok && !a.home() && i.Server != server && (i.State == store.Connected || i.State == store.Lost) {
			return a.label()
		}
	}
	return ""
}

// home gives the account through which the linked account can be reached.
func (d *departures) home(one store.Departure) (Account, bool) {
	for _, a := range d.p.o.Accounts {
		if server, ok := d.p.server(a.Name); ok && a.home() && server == one.HomeServer && one.Home != "" {
			return a, true
		}
	}
	return Account{}, false
}

// removing is all that decides what becomes of somebody who is gone.
type removing struct {
	policy string
	// from is where they are gone, and presence how.
	from     Account
	presence bridge.Presence
	// elsewhere is another account on which they are connected; empty: none.
	elsewhere string
	// linked is where their linked account is, and home who they are there; nil when it cannot be reached.
	linked Account
	home   *bridge.Profile
}

// asks reports whether it matters who they are at home.
func (c removing) asks() bool {
	return !c.from.home() && c.policy == config.RemovedDeactivate && c.elsewhere == ""
}

func (c removing) decide() (Removal, string) {
	gone := c.presence.String() + " in " + c.from.label()
	switch {
	case c.from.home():
		return RemoveConnection, gone
	case c.policy == config.RemovedNothing:
		return RemoveNothing, gone + ", and OnTeamsUserRemoved is \"nothing\""
	case c.policy == config.RemovedDisconnect:
		return RemoveConnection, gone + ", and OnTeamsUserRemoved is \"disconnect\""
	case c.elsewhere != "":
		return RemoveConnection, gone + ", and connected with " + c.elsewhere
	case c.home == nil:
		return RemoveConnection, gone + "; the account on which they had connected is not in the config"
	}
	kept := func(what string) (Removal, string) {
		return RemoveConnection, gone + "; the linked account in " + c.linked.label() + " is not touched: " + what
	}
	switch s := c.home.Standing; {
	case s.Admin:
		return kept("it is an administrator's")
	case s.Bot:
		return kept("it is a bot's")
	case s.Managed:
		return kept("another directory (LDAP, SAML) manages it")
	case s.Presence != bridge.Present:
		return kept("it is " + s.Presence.String() + " already")
	}
	return RemoveAccount, gone
}

// removalSpan is the time in which no more people may be removed without the operator's consent than MaxRemovals says.
const removalSpan = 24 * time.Hour

// allow finds who may be removed: few enough within a day, or those to whom the operator agrees. In a dry run it only says who would have to wait.
func (d *departures) allow(ctx context.Context, a Account, server bridge.ServerID, planned []*Planned, connected int, how syncing, doubtful bool) error {
	var asking []*Planned
	for _, p := range planned {
		// Who is in doubt counts, so that many are not removed a few at a time.
		if !p.back && p.Departure.Allowed.IsZero() && (p.Removal != RemoveNothing || p.unfinished) {
			asking = append(asking, p)
		}
	}
	now := time.Now()
	lately, err := d.p.o.Store.Removals(ctx, server, now.Add(-removalSpan))
	if err != nil {
		return err
	}
	limit := d.p.o.Settings.RemovalLimit(connected + lately)
	many := len(asking)+lately > limit
	var allowed []store.Departure
	waiting := 0
	for _, p := range asking {
		if doubtful || many && !how.agreed[store.User{Server: p.Departure.Server, User: p.Departure.User}] {
			p.Waits = true
			waiting++
		} else if p.gone && !p.unfinished {
			p.Departure.Allowed = now
			allowed = append(allowed, p.Departure)
		}
	}
	if !doubtful {
		d.ask(a, waiting, lately, limit, how)
	}
	if how.dry || len(allowed) == 0 {
		return nil
	}
	return d.p.o.Store.AllowDepartures(ctx, allowed, now, !many)
}

// ask tells the operator, once for each number, that their consent is needed.
func (d *departures) ask(a Account, waiting, lately, limit int, how syncing) {
	switch {
	case how.dry || d.told[a.Name] == waiting:
		return
	case waiting == 0:
		delete(d.told, a.Name)
		return
	}
	d.told[a.Name] = waiting
	d.log.WithFields(map[string]any{"account": string(a.Name), "people": waiting, "removed_today": lately, "limit": limit}).Warnf(
		"more people have left than may be removed in a day: they stay until you agree; look at `causeway people sync --dry-run`, and agree with `causeway people sync --confirm %d`", waiting)
}
