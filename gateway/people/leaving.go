package people

import (
	"context"
	"errors"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

func (p *People) disconnectCommand(ctx context.Context, home Account, targets []Account, u bridge.UserID, words []string) bridge.Reply {
	person, ok, err := p.personAt(ctx, home, u)
	if err != nil {
		return p.failed(home, err)
	}
	connected := p.endable(home, person, targets)
	if !ok || len(connected) == 0 {
		return bridge.Reply{Text: p.notConnected(home)}
	}
	other, reply := p.target(home, "disconnect", connected, words)
	if reply != nil {
		return *reply
	}
	if err := p.disconnect(ctx, person, other.Name); err != nil {
		return p.failed(home, err)
	}
	return bridge.Reply{Text: leavingText(other)}
}

// endable gives the accounts from which somebody can be disconnected by one of the words that lead to targets; also one that is not in the config any more.
func (p *People) endable(home Account, person store.Person, targets []Account) (all []Account) {
	for _, i := range person.Identities {
		a := p.formerly(i.Account)
		if i.State != store.Kept && a.Name != home.Name && slices.ContainsFunc(targets, func(t Account) bool { return t.protocol() == a.protocol() }) {
			all = append(all, a)
		}
	}
	return all
}

// formerly gives an account that may not be in the config any more; of such a one only the name is known.
func (p *People) formerly(name bridge.AccountName) Account {
	if a, used := p.account(name); used {
		return a
	}
	return Account{Name: name, Title: string(name)}
}

func leavingText(a Account) richtext.Doc {
	return richtext.Plain("You are being disconnected from " + a.label() + ": what you have said is delivered first. You are told when it is done.")
}

// disconnect ends the connection of a person with an account; with the last one, they are not connected at home any more either. What follows
// from it is done by the duty.
func (p *People) disconnect(ctx context.Context, person store.Person, from bridge.AccountName) error {
	person.Identities = slices.Clone(person.Identities)
	for n, i := range person.Identities {
		if i.Account == from && i.State != store.Kept {
			if err := p.turn(ctx, i); err != nil {
				return err
			}
			person.Identities[n].State = store.Leaving
		}
	}
	for _, i := range p.going(person) {
		if err := p.turn(ctx, i); err != nil {
			return err
		}
	}
	p.changed()
	return nil
}

// going gives the identities that leave: those that are told to, and those at home when nothing else is left, which come last.
func (p *People) going(person store.Person) []store.Identity {
	var going, homes, last []store.Identity
	stays := false
	for _, i := range person.Identities {
		switch home := p.reaches(i); {
		case i.State == store.Kept:
		case home && i.State == store.Leaving:
			last = append(last, i)
		case home:
			homes = append(homes, i)
		case i.State == store.Leaving:
			going = append(going, i)
		default:
			stays = true
		}
	}
	if len(going)+len(last) > 0 && !stays {
		last = append(last, homes...)
	}
	return append(going, last...)
}

// reaches reports whether people can reach Causeway through the account of an identity.
func (p *People) reaches(i store.Identity) bool {
	a, used := p.account(i.Account)
	return used && a.home()
}

// turn makes an identity leave, however it stands.
func (p *People) turn(ctx context.Context, i store.Identity) error {
	if i.State == store.Leaving {
		return nil
	}
	for _, from := range []store.IdentityState{store.Connected, store.Lost} {
		if done, err := p.o.Store.Turn(ctx, i.Server, i.User, from, store.Leaving, ""); done || err != nil {
			return err
		}
	}
	return nil
}

const (
	// leavingWait is how long somebody who leaves is waited for until what they have said is delivered.
	leavingWait = 5 * time.Minute
	// leavingLook is how often that is looked at.
	leavingLook = 2 * time.Second
	// leavingIdle is how often is looked for walks whose time is over, when nobody leaves.
	leavingIdle = 5 * time.Minute
	// leftoverLook is how often is tried again to give back what was given on walks that led to nothing.
	leftoverLook = time.Minute
	// leavingSlowest is how long what fails waits at most before it is tried again.
	leavingSlowest = 5 * time.Minute
)

// leaving is the duty that ends connections. All it needs to know after a restart is in the store.
type leaving struct {
	p *People
	// since is when somebody was first seen leaving, failing what keeps failing, by server and user.
	since   map[store.User]time.Time
	failing map[store.User]postponed
	// walks are those that led to nothing.
	walks leftovers
}

// postponed is something that is tried again.
type postponed struct {
	wait  time.Duration
	until time.Time
	cause string
}

func newLeaving(p *People) *leaving {
	return &leaving{p: p, since: map[store.User]time.Time{}, failing: map[store.User]postponed{}, walks: leftovers{p: p}}
}

func (l *leaving) run(ctx context.Context) {
	for {
		news := l.p.changes()
		wait := leavingIdle
		if left, err := l.walks.clear(ctx); err != nil || left {
			wait = leftoverLook
		}
		if left, err := l.round(ctx); err != nil || left {
			wait = leavingLook
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-time.After(wait):
		}
	}
}

// round does what can be done now for all who leave, and reports whether anybody is left.
func (l *leaving) round(ctx context.Context) (left bool, err error) {
	all, err := l.p.o.Store.People(ctx)
	if err != nil {
		return false, err
	}
	for _, person := range all {
		going := l.p.going(person)
		for _, i := range going { // the process may have died between one and the other
			if err := l.p.turn(ctx, i); err != nil {
				return true, err
			}
			if who := (store.User{Server: i.Server, User: i.User}); l.since[who].IsZero() {
				l.since[who] = time.Now()
			}
		}
		done := len(going) > 0
		for _, i := range going {
			// Home comes last, as it is where they are told.
			if wait := !done && l.p.reaches(i); wait || !l.left(ctx, person, i) {
				done, left = false, true
			}
		}
	}
	return left, nil
}

// left does for one identity what must be done, and reports whether it is.
func (l *leaving) left(ctx context.Context, person store.Person, i store.Identity) bool {
	who := store.User{Server: i.Server, User: i.User}
	f := l.failing[who]
	if time.Now().Before(f.until) {
		return false
	}
	wait, err := l.leave(ctx, person, i)
	if err != nil && ctx.Err() == nil {
		cause := bridge.Cause(err)
		if cause != f.cause {
			l.p.o.Log.WithField("account", string(i.Account)).WithError(errors.New(cause)).Warn("disconnecting somebody failed; trying again")
		}
		f.wait = min(max(leavingLook, f.wait*2, bridge.AfterOf(err)), max(leavingSlowest, bridge.AfterOf(err)))
		l.failing[who] = postponed{wait: f.wait, until: time.Now().Add(f.wait), cause: cause}
	}
	if wait || err != nil {
		return false
	}
	delete(l.since, who)
	delete(l.failing, who)
	return true
}

// leave takes one identity through all steps; wait: it is too early for the next one.
func (l *leaving) leave(ctx context.Context, person store.Person, i store.Identity) (wait bool, err error) {
	p := l.p
	if time.Since(l.since[store.User{Server: i.Server, User: i.User}]) < leavingWait {
		waiting := 0
		for _, other := range person.Identities {
			n, err := p.o.Gateway.Waiting(ctx, other.Server, other.User)
			if err != nil {
				return false, err
			}
			waiting += n
		}
		if waiting > 0 {
			return true, nil
		}
	}
	if done, err := p.mutes.Undo(ctx, i); err != nil || !done {
		return !done, err
	}
	if a, used := p.account(i.Account); used {
		if err := released(a.Bridge.Release(ctx, i.User)); err != nil {
			return false, err
		}
	}
	if person.Preferred == i.Account {
		if err := p.o.Store.Prefer(ctx, person.ID, "", false); err != nil {
			return false, err
		}
	}
	if err := p.o.Store.Forget(ctx, i.Server, i.User, p.o.Settings.KeepMapping, p.farewells(person, i)...); err != nil {
		return false, err
	}
	p.changed()
	return false, nil
}

// released reads the answer to a release: what is not good any more, or will never be taken back, must not keep anybody here.
func released(err error) error {
	switch {
	case err == nil:
		return nil
	case slices.Contains([]bridge.Kind{bridge.Gone, bridge.Unauthorised, bridge.Unsupported, bridge.Rejected}, bridge.KindOf(err)) && bridge.ScopeOf(err) != bridge.ScopeAccount:
		return nil
	}
	return err
}

// farewells are what a person is told when an identity of theirs is forgotten; where people connect, it ends with the others.
func (p *People) farewells(person store.Person, gone store.Identity) (all []store.Letter) {
	if p.reaches(gone) {
		return nil
	}
	for _, home := range p.homes(person) {
		all = append(all, store.Letter{To: store.User{Server: home.Server, User: home.User}, Kind: store.Farewell, About: []bridge.AccountName{gone.Account}})
	}
	return all
}
