package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/metrics"
	"causeway/gateway/store"
)

// Account is a bridge with what the config says about it.
type Account struct {
	Name bridge.AccountName
	// Protocol is the table in the config, for {PROTOCOL}.
	Protocol string
	Label    string
	// NickFormat says how authors from elsewhere are named here.
	NickFormat string
	// Place tells apart where an account's channels are looked for, as the server and team in its settings: what a name
	// was found to be holds only for the same place.
	Place string
	// Title is what people call the service: "Microsoft Teams"; empty: its label or protocol.
	Title  string
	Bridge bridge.Bridge
}

// Endpoint is one end of a route, as the config names it.
type Endpoint struct {
	Account bridge.AccountName
	Channel string
	// Name is shown instead of the channel, unless it is empty.
	Name string
	// In: what is said there is carried. Out: what is said elsewhere is carried there.
	In, Out bool
}

// Route is a [[gateway]] of the config.
type Route struct {
	Name  string
	Files FilePolicy
	// MentionAll: mentions of everybody in a conversation go as such; otherwise as names.
	MentionAll bool
	// Events are told of what happens in a conversation without being said.
	Events    []bridge.Event
	Endpoints []Endpoint
}

// Options is what a gateway works with.
type Options struct {
	// Plan is what it begins with.
	Plan
	Store *store.Store
	Log   *logrus.Entry
	// Version is what the status shows.
	Version string
	// Metrics takes numbers; nil: nobody counts.
	Metrics *metrics.Metrics
	// Lost, when not nil, is told once whenever acting as a connected person has been refused, and why: they are [store.Lost] then.
	// It must return at once.
	Lost func(server bridge.ServerID, u bridge.UserID, why error)
	// Noticed, when not nil, is told that another process has changed the store. It must return at once.
	Noticed func()
	// Spoke, when not nil, is told by whom a message is that has been read and is carried, and whom it mentions, each time that is read. It must
	// return at once.
	Spoke func(server bridge.ServerID, u bridge.UserID)
	// Seek, when not nil, looks who a user is on another server, by what both vouch for, and stores that.
	Seek func(ctx context.Context, server bridge.ServerID, u bridge.UserID, other bridge.ServerID) error
	// Invite, when not nil, gives the buttons by which a user of an account can connect.
	Invite func(a bridge.AccountName, u bridge.UserID) []bridge.Choice
	// Peers, when not nil, leads to the other processes that deliver what is in the store, each to some conversations. Elsewhere are those to which others deliver
	// at first; see share.go.
	Peers     Peers
	Elsewhere []bridge.ConversationID
	// Retold, when not nil, is told that there is another table. It must return at once.
	Retold func()
	// Helps: another process reads, and does what else there is to do; this one only delivers, to the conversations that it is given by [Gateway.Take].
	Helps bool
	// Random gives a number from 0 up to, and without, n, which makes waits differ; nil: any. Several goroutines call it.
	Random func(n int64) int64
}

// Gateway is the running whole. Make it with New, run it once.
type Gateway struct {
	store   *store.Store
	log     *logrus.Entry
	lost    func(bridge.ServerID, bridge.UserID, error)
	noticed func()
	spoke   func(bridge.ServerID, bridge.UserID)
	seek    func(context.Context, bridge.ServerID, bridge.UserID, bridge.ServerID) error
	invite  func(bridge.AccountName, bridge.UserID) []bridge.Choice
	talks   *talks
	random  func(int64) int64
	ahead   int // how many posts a lane begins at once, however long they take; 0: as many as are quickly made
	version string
	metrics *metrics.Metrics
	since   time.Time

	began    chan struct{} // closed when Run has started everything
	changing sync.Mutex    // held while the plan is changed
	ours     sync.Map      // who accounts were when they connected last: *bridge.Identity by name
	setup    atomic.Pointer[setup]
	table    atomic.Pointer[table]
	resolve  sync.Mutex // guards changes of setup, found and table, and what follows
	// fresh are conversations that are not in the table yet; learnt is when it was made.
	fresh  []bridge.ConversationID
	learnt time.Time
	found  map[bridge.AccountName]map[string]bridge.ConversationID

	peers  Peers
	retold func()
	helps  bool

	lanes   sync.Mutex // guards running and apart
	apart   map[bridge.ConversationID]*Trouble
	running map[bridge.ConversationID]*lane
	tasks   sync.WaitGroup
	ctx     context.Context // of the lanes; they start when something is put
	fatal   context.CancelCauseFunc
	storing troubles // of writing to the store, under ""
}

// New puts a gateway together; nothing is read or written yet.
func New(o Options) *Gateway {
	g := &Gateway{
		store: o.Store, log: o.Log, lost: o.Lost, noticed: o.Noticed, spoke: o.Spoke, seek: o.Seek, invite: o.Invite, random: o.Random, version: o.Version, metrics: o.Metrics, since: time.Now(),
		began:   make(chan struct{}),
		found:   map[bridge.AccountName]map[string]bridge.ConversationID{},
		running: map[bridge.ConversationID]*lane{},
		peers:   o.Peers, helps: o.Helps, retold: o.Retold, apart: map[bridge.ConversationID]*Trouble{},
	}
	for _, c := range o.Elsewhere {
		g.apart[c] = nil
	}
	if g.random == nil {
		g.random = rand.Int64N
	}
	first := g.newSetup(o.Plan, nil)
	for _, a := range first.order {
		g.found[a.Name] = map[string]bridge.ConversationID{}
	}
	g.setup.Store(first)
	g.talks = newTalks(g, newLinks(first, o.Directs))
	g.table.Store(g.newTable()) // nothing is stored by it before recall
	return g
}

// externalChanges is how often the store is asked whether another process, such as `causeway quarantine retry`, has
// changed it.
const externalChanges = 2 * time.Second

// Run carries messages until it is told to stop, and then waits for everything it has started. It returns an error only when the store has failed for good. A cause of the
// end of told says that something has failed elsewhere: where that is early, again and again, the next ones begin later.
func (g *Gateway) Run(told context.Context) error {
	var ctx context.Context
	ctx, g.fatal = context.WithCancelCause(told)
	defer g.fatal(nil)
	g.lanes.Lock()
	g.ctx = ctx
	g.lanes.Unlock()
	var err error
	if !g.helps {
		err = g.talks.load(ctx)
	}
	if err == nil {
		err = g.recall(ctx)
	}
	switch {
	case ctx.Err() != nil: // it is stopped before it has begun
		return nil
	case err != nil:
		return err
	}
	if !g.helps && !g.slowly(ctx) {
		return nil
	}
	for _, a := range g.setup.Load().order {
		g.start(a)
	}
	g.tasks.Go(func() { g.watchStore(ctx) })
	if !g.helps {
		g.tasks.Go(func() { g.watchEnds(ctx) })
		g.tasks.Go(func() { g.talks.watch(ctx) })
		g.tasks.Go(func() { g.watchKept(ctx) })
		g.tasks.Go(func() { g.watchLate(ctx) })
	}
	g.wakeLacking(ctx)
	close(g.began)
	<-ctx.Done()
	g.tasks.Wait()
	g.ends(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, store.ErrClosed) && cause != context.Cause(told) {
		return cause
	}
	return nil
}

// ends notes an orderly end: it was told to stop, and nothing has failed.
func (g *Gateway) ends(ctx context.Context) {
	if g.helps || context.Cause(ctx) != ctx.Err() {
		return
	}
	if err := g.store.Lived(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, store.ErrClosed) {
		g.log.WithError(err).Debug("noting an orderly end")
	}
}

// recall fills the table with what names were found to be in earlier runs.
func (g *Gateway) recall(ctx context.Context) error {
	found, err := g.recalled(ctx, g.setup.Load())
	if err != nil {
		return err
	}
	g.resolve.Lock()
	defer g.resolve.Unlock()
	g.found = found
	g.goBy(g.newTable())
	return nil
}

// goBy replaces the table, and has everybody who waits for that look again. It is called with g.resolve held.
func (g *Gateway) goBy(next *table) {
	old := g.table.Load()
	if old.hash != next.hash {
		g.store.SetRoutes(next.hash)
	}
	g.table.Store(next)
	close(old.changed)
	if old.hash != next.hash && g.retold != nil {
		g.retold()
	}
}

// learnEvery is how often the table is made anew at most while channels are being found: with many it is a long one.
const learnEvery = 50 * time.Millisecond

// learn notes what a name was found to be.
func (g *Gateway) learn(ctx context.Context, a *account, channel string, c bridge.ConversationID) error {
	if err := g.stored(g.store.Remember(ctx, a.Name, Placed(a.Place, channel), c)); err != nil {
		return err
	}
	g.resolve.Lock()
	defer g.resolve.Unlock()
	if known, ok := g.found[a.Name][channel]; ok && known == c || g.setup.Load().accounts[a.Name] != a {
		return nil
	}
	g.found[a.Name][channel] = c
	a.log.WithField(keyChannel, channel).WithField(keyConversation, c.String()).Info("the channel was found")
	g.fresh = append(g.fresh, c)
	if len(g.fresh) > 1 {
		return nil // the table is about to be made
	}
	if wait := learnEvery - time.Since(g.learnt); wait > 0 {
		g.tasks.Go(func() {
			pause(ctx, wait)
			g.resolve.Lock()
			defer g.resolve.Unlock()
			g.renew()
		})
		return nil
	}
	g.renew()
	return nil
}

// renew takes up what has been learnt; it is called with g.resolve held.
func (g *Gateway) renew() {
	g.goBy(g.newTable())
	g.wake(g.fresh...)
	g.fresh, g.learnt = nil, time.Now()
}

// retable makes the table anew, after talks have changed.
func (g *Gateway) retable() {
	g.resolve.Lock()
	defer g.resolve.Unlock()
	g.renew()
}

// wakeLacking starts the lane of every conversation that lacks something.
func (g *Gateway) wakeLacking(ctx context.Context) {
	lacking, err := g.store.Lacking(ctx)
	switch {
	case err != nil:
		g.storeFailed(err)
	case g.helps: // of the others, who reads tells
		g.lanes.Lock()
		defer g.lanes.Unlock()
		for _, c := range lacking {
			if g.here(c) {
				g.begin(c)
			}
		}
	default:
		g.wake(lacking...)
	}
}

// watchStore notices what other processes have changed.
func (g *Gateway) watchStore(ctx context.Context) {
	seen, _ := g.store.DataVersion(ctx)
	for pause(ctx, externalChanges) {
		now, err := g.store.DataVersion(ctx)
		if err == nil && now != seen {
			seen = now
			g.wakeLacking(ctx)
			if g.noticed != nil {
				g.noticed()
			}
		}
	}
}

// stored notes how writing to the store went, and gives its error with the next step.
func (g *Gateway) stored(err error) error {
	if errors.Is(err, store.ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, store.ErrElsewhere) {
		g.storeFailed(err)
		return err
	}
	if err != nil {
		err = &bridge.Error{Err: err, Hint: storeStep}
	}
	g.storing.note("", err)
	return err
}

// storeFailed stops everything when the store is gone for good.
func (g *Gateway) storeFailed(err error) {
	if errors.Is(err, store.ErrClosed) {
		g.fatal(fmt.Errorf("stopping: %w", err))
	}
}

// pause waits; it reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
