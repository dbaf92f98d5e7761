package people

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

const (
	// verifyEvery is how often is made sure that Causeway can act as somebody.
	verifyEvery = 24 * time.Hour
	// verifyPace is the longest wait between two people of an account of whom it is time to make sure.
	verifyPace = time.Minute
	// verifyRetry is how long after a failure it is tried again.
	verifyRetry = 10 * time.Minute
	// verifyLook is how often is looked whether there is anybody at all.
	verifyLook = time.Hour
)

// verifying makes sure about once a day that Causeway can still act as each connected person, and learns what they are called now. On each account it
// does one after the other, evenly spread over the day, however many are due.
type verifying struct {
	p       *People
	log     *logrus.Entry
	failing troubles
	// suspect takes somebody whose account is not what it was.
	suspect func(context.Context, store.Person, store.Identity, bridge.Presence) error
}

func newVerifying(p *People) *verifying {
	return &verifying{p: p, log: p.o.Log, suspect: p.departures.suspect}
}

func (v *verifying) run(ctx context.Context) {
	var tasks sync.WaitGroup
	for _, a := range v.p.o.Accounts {
		if a.Bridge.Capabilities().People {
			tasks.Go(func() { v.p.lasting(ctx, func(ctx context.Context) { v.account(ctx, a) }) })
		}
	}
	tasks.Wait()
}

// account goes round the people of an account. At first it waits, so that nothing comes at once with the start.
func (v *verifying) account(ctx context.Context, a Account) {
	later := map[bridge.UserID]time.Time{}
	for wait := verifyPace; pause(ctx, wait); {
		maps.DeleteFunc(later, func(_ bridge.UserID, at time.Time) bool { return time.Since(at) > verifyEvery }) // who is not connected any more
		i, due, count, err := v.next(ctx, a, later)
		if err != nil {
			v.failing.report("store", v.log, "reading who is connected", err)
			wait = verifyPace
			continue
		}
		if wait = min(time.Until(due), verifyLook); wait > 0 {
			continue
		}
		err = v.verify(ctx, a, i)
		if ctx.Err() != nil {
			return
		}
		v.failing.report("verifying "+string(a.Name), v.log.WithField("account", string(a.Name)), "making sure that people are still connected", err)
		switch {
		case err != nil:
			later[i.User] = time.Now().Add(max(verifyRetry, bridge.AfterOf(err)))
		case i.State == store.Lost:
			later[i.User] = time.Now().Add(verifyEvery)
		default:
			delete(later, i.User)
		}
		wait = max(min(verifyPace, verifyEvery/time.Duration(count)), bridge.AfterOf(err))
	}
}

// next finds who of an account has been made sure of least lately, and when it is time for them; of those who were lost, it is only looked
// whether they are still there. Some time ahead when there is nobody.
func (v *verifying) next(ctx context.Context, a Account, later map[bridge.UserID]time.Time) (who store.Identity, due time.Time, count int, err error) {
	due = time.Now().Add(verifyLook)
	stalest, count, err := v.p.o.Store.Stalest(ctx, a.Name, len(later)+1)
	for _, i := range stalest {
		at, put := later[i.User]
		if !put {
			at = i.Verified.Add(verifyEvery)
		}
		if at.Before(due) {
			who, due = i, at
		}
	}
	return who, due, count, err
}

// verify gives an error when it has to be done again.
func (v *verifying) verify(ctx context.Context, a Account, i store.Identity) error {
	var lost error
	if i.State == store.Connected {
		tried := time.Now()
		err := a.Bridge.Verify(ctx, i.User)
		switch {
		case err == nil:
		case bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) != bridge.ScopeAccount:
			lost = err
			if err := v.p.o.Gateway.Lose(ctx, i.Server, i.User, tried, err); err != nil {
				return err
			}
		default:
			return err
		}
	}
	now, err := a.Bridge.Profile(ctx, i.User)
	switch {
	case err != nil && i.State == store.Connected && lost == nil: // the more important half is done
		now = bridge.Profile{Author: bridge.Author{ID: i.User, Name: i.Name, Username: i.Username}, Email: i.Email}
	case err != nil:
		return err
	case now.Standing.Presence != bridge.Present:
		p, _, err := v.p.o.Store.PersonOf(ctx, i.Server, i.User)
		if err == nil {
			err = v.suspect(ctx, p, i, now.Standing.Presence)
		}
		if err != nil {
			return err
		}
		now = bridge.Profile{Author: bridge.Author{ID: i.User, Name: i.Name, Username: i.Username}, Email: i.Email}
	case now.Email == "":
		now.Email = i.Email
	}
	if i.State != store.Connected || lost != nil {
		return nil
	}
	return v.p.o.Store.Verified(ctx, now, i.Server, time.Now())
}
