package gateway

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

// account runs one bridge: connects it, finds its conversations, reads them, and says when its lanes may write.
type account struct {
	Account
	gateway      *Gateway
	capabilities bridge.Capabilities
	log          *logrus.Entry
	identity     atomic.Pointer[bridge.Identity]
	server       atomic.Pointer[bridge.ServerID] // of its talks; known from earlier runs, too
	relays       atomic.Bool                     // as Capabilities.RelayDirect, which is known when it has connected
	lastGood     atomic.Int64                    // when the service last did what was asked, Unix nanoseconds
	lastWrite    atomic.Int64                    // when something was last written there
	awaited      atomic.Bool                     // lanes may wait until the service does something well
	reading      troubles

	mutex     sync.Mutex
	connected chan struct{} // closed while the account may write
	revived   chan struct{} // closed, and made anew, when the service does something well and that is awaited
	open      bool
	parked    context.CancelCauseFunc // ends the feed, so that the account connects anew
	admitted  time.Time               // when it was connected
	relay     *pen
	pens      map[bridge.UserID]*pen // of people

	// life ends when the config does not have the account any more, under the mutex; ended is closed when it has stopped reading, and acts are
	// what lanes do with it.
	life  context.Context
	end   context.CancelFunc
	ended chan struct{}
	acts  sync.WaitGroup
	// sought holds a value when there may be channels to be found.
	sought chan struct{}
}

// pen is what the relay, or one person, writes with. A service counts the writes of each by themselves.
type pen struct {
	turns chan struct{} // held by the lane whose post is next
	// until is how long it is throttled, posted when its last post was begun; guarded by the account's mutex.
	until, posted time.Time
	// last is the lane that has taken the last turn; guarded likewise.
	last *lane
}

func newPen() *pen { return &pen{turns: make(chan struct{}, 1)} }

// pen gives that of a person; of the relay when as is empty.
func (a *account) pen(as bridge.UserID) *pen {
	if as == "" {
		return a.relay
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.pens[as] == nil {
		a.pens[as] = newPen()
	}
	return a.pens[as]
}

func newAccount(g *Gateway, a Account) *account {
	life, end := context.WithCancel(context.Background())
	return &account{
		life: life, end: end, ended: make(chan struct{}), sought: make(chan struct{}, 1),
		Account: a, gateway: g, capabilities: a.Bridge.Capabilities(),
		log: g.log.WithField("account", string(a.Name)), connected: make(chan struct{}), revived: make(chan struct{}),
		relay: newPen(), pens: map[bridge.UserID]*pen{},
	}
}

// Placed is the name under which the store remembers a channel of an account at a place; see Account.Place.
func Placed(place, channel string) string { return place + " " + channel }

// run connects and reads until ctx or the account's life ends.
func (a *account) run(ctx context.Context) {
	ctx, done := joined(ctx, a.life)
	defer done()
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := a.session(ctx)
		a.close()
		a.gateway.storeFailed(err)
		if ctx.Err() != nil {
			return
		}
		a.reading.report("", a.log, "the connection", err)
		if time.Since(began) > longestWait {
			failures = 0
		}
		failures++
		if !pause(ctx, a.awayFor(err, failures)) {
			return
		}
	}
}

// longestAway is how long an account waits at most until it looks whether its service, which has failed or cannot be reached, is there again. All that is said waits for that.
const longestAway = time.Minute

// awayFor is how long an account waits before it connects again. Keys that are refused are tried less often: that takes somebody who mends them, and
// a service may lock out who tries them too often.
func (a *account) awayFor(err error, failures int) time.Duration {
	wait := a.gateway.backoff(failures)
	if bridge.KindOf(err) != bridge.Unauthorised {
		wait = min(wait, longestAway)
	}
	return max(wait, bridge.AfterOf(err))
}

// session lasts from connecting to the first failure that stops the account.
func (a *account) session(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var id bridge.Identity
	err := guarded(func() (err error) { id, err = a.Bridge.Connect(ctx); return err })
	if err != nil {
		return err
	}
	a.relays.Store(a.Bridge.Capabilities().RelayDirect) // before it is known that it has connected

	a.gateway.ours.Store(a.Name, &id)
	if before := a.identity.Swap(&id); before == nil { // later ones follow a failure, of which it is said that it is over
		a.log.WithField(keyAs, id.Name).Info("connected")
	}
	if a.gateway.helps {
		return a.helps(ctx, cancel)
	}
	if err := a.gateway.talks.arrived(ctx, a, id.Server); err != nil {
		return err
	}
	a.admit(cancel)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel(nil)
	a.reading.report("", a.log, "the connection", nil)
	tasks.Go(func() { a.find(ctx) }) // meanwhile what was found in earlier runs is read
	err = guarded(func() error { return a.Bridge.Run(ctx, inbox{gateway: a.gateway, account: a}) })
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err == nil {
		err = fmt.Errorf("the bridge stopped reading without saying why")
	}
	return fmt.Errorf("reading: %w", err)
}

// helps is a session in which lanes write, and nothing is read: the process that reads has found the channels, too.
func (a *account) helps(ctx context.Context, cancel context.CancelCauseFunc) error {
	a.admit(cancel)
	a.reading.report("", a.log, "the connection", nil)
	for since := time.Now(); pause(ctx, proveEvery); {
		if !a.awaited.Load() && time.Since(since) < freshFor {
			continue
		}
		since = time.Now()
		if err := guarded(func() error { _, err := a.Bridge.Connect(ctx); return err }); err != nil && ctx.Err() == nil {
			return err
		}
		a.alive()
	}
	return context.Cause(ctx)
}

// An account by which nothing is read finds out by itself that its service is there again, and what has changed there: it connects anew each proveEvery as long as lanes wait for
// that, and else each freshFor.
const (
	proveEvery = 5 * time.Second
	freshFor   = 5 * time.Minute
)

// find resolves the account's channels, and goes on with those that it could not find, and with those that the config names later.
func (a *account) find(ctx context.Context) {
	found := map[string]bridge.Access{} // and for what
	for n := 4; ctx.Err() == nil; n++ {
		needed, missing := a.channels(), false
		for _, channel := range slices.Sorted(maps.Keys(needed)) {
			switch need := needed[channel]; {
			case found[channel]&need == need:
			case a.resolve(ctx, channel, need):
				found[channel] = need
			default:
				missing = true
			}
		}
		maps.DeleteFunc(found, func(channel string, _ bridge.Access) bool { return needed[channel] == 0 })
		var again <-chan time.Time
		if missing {
			again = time.After(a.gateway.backoff(n))
		}
		select {
		case <-again:
		case <-a.sought:
			n = 3
		case <-ctx.Done():
		}
	}
}

// look lets find look what the config names now.
func (a *account) look() {
	select {
	case a.sought <- struct{}{}:
	default:
	}
}

func (a *account) resolve(ctx context.Context, channel string, need bridge.Access) bool {
	var found bridge.Conversation
	err := guarded(func() (err error) { found, err = a.Bridge.Resolve(ctx, channel, need); return err })
	if err == nil {
		err = a.gateway.learn(ctx, a, channel, found.ID)
	}
	if ctx.Err() == nil {
		a.reading.report(findingKey(channel), a.log.WithField(keyChannel, channel), "finding the channel", err)
	}
	return err == nil
}

// channels gives the names that the config has for this account, and what each is needed for.
func (a *account) channels() map[string]bridge.Access {
	all := map[string]bridge.Access{}
	for _, r := range a.gateway.setup.Load().routes {
		for _, e := range r.Endpoints {
			if e.Account != a.Name {
				continue
			}
			if e.In {
				all[e.Channel] |= bridge.Read
			}
			if e.Out {
				all[e.Channel] |= bridge.Write
			}
		}
	}
	return all
}

// enter lets a lane use the bridge until it leaves, with a context that ends with the account's life, too; nil, nil once that has ended.
func (a *account) enter(ctx context.Context) (inside context.Context, leave func()) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.life.Err() != nil {
		return nil, nil
	}
	a.acts.Add(1)
	inside, done := joined(ctx, a.life)
	return inside, func() { done(); a.acts.Done() }
}

// retire ends the account and returns when nothing uses its bridge any more.
func (a *account) retire() {
	a.mutex.Lock()
	a.end()
	a.mutex.Unlock()
	<-a.ended
	a.alive() // whoever waits for it looks who has come in its place
	a.acts.Wait()
}

// joined gives a context that ends with either; done gives back what it holds.
func joined(ctx, other context.Context) (both context.Context, done func()) {
	both, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(other, cancel)
	return both, func() { stop(); cancel() }
}

// admit lets the lanes write.
func (a *account) admit(parked context.CancelCauseFunc) {
	a.alive()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.parked = parked
	if !a.open {
		a.open, a.admitted = true, time.Now()
		close(a.connected)
	}
}

// close makes the lanes wait.
func (a *account) close() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.open {
		a.open = false
		a.connected = make(chan struct{})
	}
}

// admits reports whether the lanes may write.
func (a *account) admits() bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.open
}

// connectedFor reports whether the account has been connected without a break for that long.
func (a *account) connectedFor(d time.Duration) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.open && time.Since(a.admitted) >= d
}

// park ends the session because a lane was told that the token is not valid.
func (a *account) park(err error) {
	a.mutex.Lock()
	parked := a.parked
	a.mutex.Unlock()
	a.close()
	if parked != nil {
		parked(err)
	}
}

// throttled makes all lanes of the account wait, or those that write as one person.
func (a *account) throttled(as bridge.UserID, after time.Duration) {
	p := a.pen(as)
	a.mutex.Lock()
	defer a.mutex.Unlock()
	now := time.Now()
	if until := now.Add(after); until.After(p.until) {
		if p.until.Before(now) {
			p.until = now
		}
		a.gateway.metrics.Throttled(a.Name, until.Sub(p.until))
		p.until = until
	}
}

// waits gives how long the account lets nobody write with p; it is called with a.mutex held.
func (a *account) waits(p *pen) time.Duration {
	return max(time.Until(a.relay.until), time.Until(p.until))
}

// works reports whether the service has done anything well for the account since that time; where nothing was asked of
// it, it is asked.
func (a *account) works(ctx context.Context, since time.Time) bool {
	if a.lastGood.Load() > since.UnixNano() {
		return true
	}
	err := guarded(func() error { _, err := a.Bridge.Connect(ctx); return err })
	if err == nil {
		a.alive()
	}
	return err == nil
}

// wrote reports whether something has been written there since that time.
func (a *account) wrote(since time.Time) bool { return a.lastWrite.Load() > since.UnixNano() }

// ready waits until the account is connected and neither it nor the person who writes is throttled. It reports whether it had
// to, and whether ctx is still alive.
func (a *account) ready(ctx context.Context, as bridge.UserID) (waited, ok bool) {
	p := a.pen(as)
	for {
		a.mutex.Lock()
		open, connected, wait := a.open, a.connected, a.waits(p)
		a.mutex.Unlock()
		if open && wait <= 0 {
			return waited, ctx.Err() == nil
		}
		waited = true
		select {
		case <-connected:
		case <-ctx.Done():
			return waited, false
		}
		if !pause(ctx, wait) {
			return waited, false
		}
	}
}

// turn waits until a write of the account, or as a person, may begin; it reports whether ctx is still alive. Writes take turns in
// the order in which they ask, so that no conversation is starved by a busy one. The look before an edit takes the turn of that; see keeps.
func (a *account) turn(ctx context.Context, l *lane, step store.Step) bool {
	as := cmp.Or(step.Writer(), step.Before)
	p := a.pen(as)
	paced := (writes(step.Op) || step.Before != "") && a.capabilities.PostInterval > 0
	if paced {
		select {
		case p.turns <- struct{}{}:
			defer func() { <-p.turns }()
		case <-ctx.Done():
			return false
		}
	}
	for {
		a.mutex.Lock()
		connected, wait := a.connected, a.waits(p)
		if paced {
			wait = max(wait, a.capabilities.PostInterval-time.Since(p.posted))
		}
		if a.open && wait <= 0 {
			if paced {
				p.posted, p.last = time.Now(), l
			}
			a.mutex.Unlock()
			return ctx.Err() == nil && (!paced || !writes(step.Op) || a.gateway.turn(ctx, a, as))
		}
		a.mutex.Unlock()
		select {
		case <-connected:
		case <-ctx.Done():
			return false
		}
		if !pause(ctx, wait) {
			return false
		}
	}
}

// keeps reports whether a lane may edit as a person at once, by the turn that it has taken, unless another one has written as them since then.
func (a *account) keeps(ctx context.Context, l *lane, as bridge.UserID) bool {
	p := a.pen(as)
	a.mutex.Lock()
	free := a.open && a.waits(p) <= 0 && (p.last == l || time.Since(p.posted) >= a.capabilities.PostInterval)
	if free {
		p.posted, p.last = time.Now(), l
	}
	a.mutex.Unlock()
	return free && a.gateway.turn(ctx, a, as)
}

// writes reports whether a step changes something at the service.
func writes(op store.Op) bool {
	switch op {
	case store.Find, store.Quote, store.Recall, store.Look, store.Carry, store.Discard, store.Settled:
		return false
	}
	return true
}
