package people

import (
	"context"
	"sync/atomic"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/config"
)

// Doors are how accounts reach people, the [bridge.Front] of each. They are made before the accounts, and opened when there are People.
type Doors struct{ people atomic.Pointer[People] }

// Door gives the one of an account.
func (d *Doors) Door(a bridge.AccountName) bridge.Front { return door{d, a} }

// Open leads all doors to p.
func (d *Doors) Open(p *People) { d.people.Store(p) }

type door struct {
	doors   *Doors
	account bridge.AccountName
}

// behind gives who is behind the door; false before it is opened.
func (d door) behind() (*People, Account, bool) {
	p := d.doors.people.Load()
	if p == nil {
		return nil, Account{}, false
	}
	a, ok := p.account(d.account)
	return p, a, ok
}

var notYet = bridge.Reply{Text: richtext.Plain("Causeway is just starting. Please try again in a moment.")}

func (d door) Triggers() []bridge.Trigger {
	if p, home, ok := d.behind(); ok {
		return p.triggers(home)
	}
	return nil
}

func (d door) Command(ctx context.Context, c bridge.Command) bridge.Reply {
	if p, home, ok := d.behind(); ok {
		return p.command(ctx, home, c)
	}
	return notYet
}

func (d door) Press(ctx context.Context, in bridge.Press) bridge.Reply {
	if p, home, ok := d.behind(); ok {
		return p.press(ctx, home, in)
	}
	return notYet
}

func (d door) Awaited() (of bridge.Circle, ok bool) {
	if p, home, ok := d.behind(); ok && p.awaited != nil {
		return p.awaited(home)
	}
	return bridge.Circle{}, false
}

// Awaiting is a door at which nobody is: all it says is who is to be asked to connect, for checking that. Nothing comes of what is done there.
func Awaiting(s config.People) bridge.Front { return &awaiting{door{doors: &Doors{}}, s} }

type awaiting struct {
	door
	settings config.People
}

func (a *awaiting) Awaited() (of bridge.Circle, ok bool) { return circle(a.settings), asks(a.settings) }

func (d door) Arrived(_ context.Context, users []bridge.UserID) {
	if p, home, ok := d.behind(); ok && p.arrived != nil {
		p.arrived(home, users)
	}
}
