package people

import (
	"context"
	"errors"

	"causeway/bridge"
	"causeway/gateway/store"
)

// leftovers has services take back what was given on walks that led to nothing: they were not finished in time, or the process ended between the last
// press and the end. A walk is forgotten when nothing is left of it.
type leftovers struct {
	p       *People
	failing troubles
}

// clear gives back what it can now, and reports whether there is more, for another try.
func (l *leftovers) clear(ctx context.Context) (more bool, err error) {
	ended, err := l.p.o.Store.EndedWalks(ctx)
	if err != nil {
		return false, err
	}
	for _, stored := range ended {
		if l.p.busy(stored.ID) {
			more = true
			continue
		}
		done, err := l.clearOne(ctx, stored)
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
		l.failing.report(string(stored.Account), l.p.o.Log.WithField("account", string(stored.Account)), "giving back what people gave who did not connect", err)
		if more = more || !done; !done {
			continue
		}
		if err := l.p.o.Store.DropWalk(ctx, stored.ID); err != nil {
			return true, err
		}
	}
	return more, nil
}

func (l *leftovers) clearOne(ctx context.Context, stored store.Walk) (done bool, err error) {
	w, err := l.p.decoded(stored)
	if errors.Is(err, store.ErrNoWalk) { // an account that is not in the config any more cannot be asked
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for _, one := range w.given() {
		if done, err := l.p.giveBack(ctx, one.by, one.user, one.grant); err != nil || !done {
			return false, err
		}
	}
	return true, nil
}

// left is a proof that does not count on its walk any more.
type left struct {
	Away  bool
	Proof bridge.Proof
}

// mostLeft bounds what is kept of a walk that is begun again and again. Older ones end by themselves.
const mostLeft = 8

// leaves gives all that was proven so far, for when it does not count any more.
func (w *progress) leaves() []left {
	all := w.Left
	if w.Home != nil {
		all = append(all, left{Proof: *w.Home})
	}
	if w.Other != nil {
		all = append(all, left{Away: true, Proof: *w.Other})
	}
	return all[max(0, len(all)-mostLeft):]
}

// gift is what a service may have given on a walk.
type gift struct {
	by    Account
	user  bridge.UserID
	grant []byte
}

func (w walk) given() (all []gift) {
	for _, one := range w.leaves() {
		by := w.home
		if one.Away {
			by = w.other
		}
		if len(one.Proof.Grant) > 0 {
			all = append(all, gift{by, one.Proof.ID, one.Proof.Grant})
		}
	}
	if w.Pressed {
		all = append(all, gift{w.home, w.User, nil})
	}
	return all
}

// giveBack has a service take back a grant, and what came of it. Not done: the user has another walk under way, on which they may have been given the
// same again.
func (p *People) giveBack(ctx context.Context, a Account, u bridge.UserID, grant []byte) (done bool, err error) {
	if _, ok := p.server(a.Name); !ok {
		return false, nil
	}
	_, err = p.o.Store.WalkOf(ctx, a.Name, u)
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, store.ErrNoWalk):
		return false, err
	}
	err = released(a.Bridge.Discard(ctx, u, grant))
	return err == nil, err
}
