package people

import (
	"context"
	"errors"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// loss is somebody as whom Causeway cannot act any more.
type loss struct {
	store.User
	reason string
	// told: it is in the store, and only the person does not know yet.
	told bool
}

const (
	lossFirst   = time.Second
	lossSlowest = 5 * time.Minute
)

// Lost takes note that Causeway cannot act as somebody any more, err says why. It returns at once; whoever it is, is told.
func (p *People) Lost(server bridge.ServerID, u bridge.UserID, err error) {
	reason := "the service does not accept Causeway's right any more"
	if err != nil {
		reason = bridge.Cause(err)
	}
	one := loss{User: store.User{Server: server, User: u}, reason: reason}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !slices.ContainsFunc(p.losses, func(l loss) bool { return l.User == one.User }) {
		p.losses = append(p.losses, one)
	}
	select {
	case p.losing <- struct{}{}:
	default:
	}
}

// lose is the duty that stores losses and tells people.
func (p *People) lose(ctx context.Context) {
	wait := lossFirst
	for {
		p.mutex.Lock()
		all := slices.Clone(p.losses)
		p.mutex.Unlock()
		failed := false
		for _, one := range all {
			left, err := p.lost(ctx, one)
			failed = failed || err != nil
			p.mutex.Lock()
			i := slices.IndexFunc(p.losses, func(l loss) bool { return l.User == one.User })
			if err == nil {
				p.losses = slices.Delete(p.losses, i, i+1)
			} else {
				p.losses[i] = left
			}
			p.mutex.Unlock()
		}
		var again <-chan time.Time
		if failed {
			again = time.After(wait)
			wait = min(2*wait, lossSlowest)
		} else {
			wait = lossFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-p.losing:
		case <-again:
		}
	}
}

// lost stores a loss and tells the person, once for each: the store says whether it is a new one. After an error it gives what is left.
func (p *People) lost(ctx context.Context, one loss) (loss, error) {
	if !one.told {
		lost, err := p.o.Store.Turn(ctx, one.Server, one.User.User, store.Connected, store.Lost, one.reason)
		if err != nil || !lost {
			return one, err
		}
		one.told = true
		p.changed()
	}
	person, ok, err := p.o.Store.PersonOf(ctx, one.Server, one.User.User)
	if err != nil || !ok {
		return one, err
	}
	for _, i := range person.Identities {
		home, used := p.account(i.Account)
		if !used || !home.home() {
			continue
		}
		if err := p.notify(ctx, home, i.User, p.lostText(person, one), p.connectChoices(home, i.User, person)...); err != nil {
			if bridge.KindOf(err) == bridge.Transient || bridge.KindOf(err) == bridge.Throttled || bridge.KindOf(err) == bridge.Unauthorised {
				return one, err
			}
			p.o.Log.WithField("account", string(home.Name)).WithError(errors.New(bridge.Cause(err))).Warn("telling somebody that they have to connect again failed")
		}
	}
	return one, nil
}

func (p *People) lostText(person store.Person, one loss) richtext.Doc {
	where, name := string(one.Server), ""
	for _, i := range person.Identities {
		if i.Server == one.Server {
			name = page.Clean(i.Name)
			if a, ok := p.account(i.Account); ok {
				where = a.label()
			}
		}
	}
	return richtext.Doc{
		paragraph(bold("Causeway cannot write as "+name+" in "+where+" any more."), plain(" Its right was taken back or has ended, for instance because your password was changed.")),
		paragraph(plain("Until you connect again, what you say in channels is carried in the name of Causeway.")),
	}
}
