package people

import (
	"context"
	"errors"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

const (
	lossFirst   = time.Second
	lossSlowest = 5 * time.Minute
)

// Lost says that the store has somebody as lost now, as whom Causeway could act before. It returns at once; they are told.
func (p *People) Lost(bridge.ServerID, bridge.UserID, error) { p.changed() }

// lose stores that acting as somebody was refused, unless they have connected anew since that was tried, and has them told.
func (p *People) lose(ctx context.Context, who store.User, tried time.Time, why error) error {
	lost, err := p.o.Store.Lose(ctx, who.Server, who.User, tried, bridge.Cause(why))
	if lost {
		p.Lost(who.Server, who.User, why)
	}
	return err
}

// tellLost is the duty that tells those who were lost, once each; who does not know yet is in the store.
func (p *People) tellLost(ctx context.Context) {
	wait := lossFirst
	last := ""
	for {
		var again <-chan time.Time
		news := p.changes()
		err := p.tellAllLost(ctx)
		if wait = min(2*wait, lossSlowest); err == nil {
			wait = lossFirst
		} else if ctx.Err() == nil {
			again = time.After(wait)
			if cause := bridge.Cause(err); cause != last {
				last = cause
				p.o.Log.WithError(errors.New(cause)).Warn("telling somebody that they have to connect again failed; trying again")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-again:
		}
	}
}

// tellAllLost gives the first error that may pass; those whom it met are told later.
func (p *People) tellAllLost(ctx context.Context) error {
	all, err := p.o.Store.Untold(ctx)
	if err != nil {
		return err
	}
	var first error
	for _, who := range all {
		err := p.tellOneLost(ctx, who)
		switch kind := bridge.KindOf(err); {
		case err == nil:
		case kind == bridge.Transient || kind == bridge.Throttled || kind == bridge.Unauthorised || ctx.Err() != nil:
			if first == nil {
				first = err
			}
			continue
		case kind != bridge.Uncertain: // it cannot be told at all
			p.o.Log.WithError(errors.New(bridge.Cause(err))).Warn("somebody has to connect again, and cannot be told")
		}
		if err := p.o.Store.Told(ctx, who); err != nil {
			return err
		}
	}
	return first
}

func (p *People) tellOneLost(ctx context.Context, who store.User) error {
	person, ok, err := p.o.Store.PersonOf(ctx, who.Server, who.User)
	if err != nil || !ok {
		return err
	}
	for _, i := range person.Identities {
		home, used := p.account(i.Account)
		if !used || !home.home() || i.State == store.Kept {
			continue
		}
		if err := p.notify(ctx, home, i.User, p.lostText(person, who), p.connectChoices(home, i.User, person)...); err != nil {
			return err
		}
	}
	return nil
}

func (p *People) lostText(person store.Person, lost store.User) richtext.Doc {
	where, name := string(lost.Server), ""
	for _, i := range person.Identities {
		if i.Server == lost.Server {
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
