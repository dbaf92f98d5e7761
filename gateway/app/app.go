package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/dashboard"
	"causeway/gateway/metrics"
	"causeway/gateway/people"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

// stopTime is how long [App.Run] may take to stop. What is unfinished then is finished at the next start.
const stopTime = 10 * time.Second

// App is one Causeway with everything it holds.
type App struct {
	log       *logrus.Entry
	protocols []bridge.Protocol
	lock      *os.File
	store     *store.Store
	listener  net.Listener
	// parts are what the config asks for now; replaced when it changes.
	parts atomic.Pointer[parts]
	// gateway is made when the App is run, and spread, which is nil where there can be no other instance.
	gateway *gateway.Gateway
	spread  *spread
	crowd   crowd
	// doors lead from accounts to people, who are made when the gateway is.
	doors people.Doors
	// helped, when not nil, is closed when what this App has delivered while it stood by has ended.
	helped <-chan struct{}
	// metrics takes numbers; nil where none are shown.
	metrics *metrics.Metrics
	// follow, when not nil, brings what the config file says while the App runs.
	follow *follower
	// watched, when not nil, is where somebody watches the log.
	watched *terminal
	reload  reloads
	// patience is how long Run may take to stop.
	patience time.Duration
	closing  sync.Once
}

// Open takes what a config asks for: the lock on the store, the HTTP address, key file, store and accounts. While another process holds the store, in PostgreSQL, it stands by
// until that one lets go, or ctx ends. No service is asked for anything yet. Each of its errors, joined when there are several, names the next step; nothing is
// then held. The caller must call Run or Close.
func Open(ctx context.Context, cfg *config.Config, protocols []bridge.Protocol, log *logrus.Entry) (*App, error) {
	return openFollowing(ctx, cfg, protocols, log, nil)
}

// openFollowing is Open for an App that follows its config file, also while it stands by.
func openFollowing(ctx context.Context, cfg *config.Config, protocols []bridge.Protocol, log *logrus.Entry, follow *follower) (*App, error) {
	if err := idle(cfg); err != nil && !storeExists(cfg.Storage) { // else channels may be linked there
		return nil, err
	}
	a := &App{log: log, protocols: protocols, patience: stopTime, follow: follow}
	if cfg.Metrics.Enable {
		a.metrics = metrics.New()
	}
	a.parts.Store(&parts{cfg: cfg})
	a.reload.taken(time.Now(), nil)
	if err := a.open(ctx, cfg); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) open(ctx context.Context, cfg *config.Config) (err error) {
	if a.lock, err = lockStore(cfg.Storage.DSN); err != nil {
		return err
	}
	var problems []error
	if a.listener, err = web.Listen(ctx, cfg.HTTP.Listen); err != nil {
		problems = append(problems, err)
	}
	if err = a.openStore(ctx, cfg); err != nil {
		return errors.Join(append(problems, err)...)
	}
	links, err := a.store.ChannelLinks(ctx)
	if cfg = linked(cfg, links); err == nil {
		err = idle(cfg)
	}
	if err != nil {
		return errors.Join(append(problems, err)...)
	}
	p, err := a.assemble(cfg, nil)
	a.parts.Store(p) // what could be made is closed in any case
	return errors.Join(append(problems, err)...)
}

// openStore opens the store, and stands by as long as another process holds it.
func (a *App) openStore(ctx context.Context, cfg *config.Config) (err error) {
	o := store.Options{Holder: holder()}
	if a.listener != nil {
		s := &standby{app: a, cfg: cfg}
		defer s.end()
		o.Standby, o.Address, o.Listens = s.behind, cfg.HTTP.Advertise, a.Address().String()
	}
	if a.store, err = openStoreWith(ctx, cfg.Storage, o); err != nil {
		return err
	}
	a.markKey(cfg.Storage)
	if a.store.Moved() {
		a.log.Warn("the database is another one than before, or was put back, or a replica has taken over: what it may lack is looked for before it is posted")
	}
	return markHeld(a.lock)
}

// markKey does without the mark where it cannot be made, as beside a key file that only this process may read.
func (a *App) markKey(s config.Storage) {
	if err := markKey(s); err != nil {
		a.log.WithError(err).Warn("it would not be noticed that the database is gone")
	}
}

// Address is where the HTTP server listens; it tells the port where the config has port 0.
func (a *App) Address() net.Addr { return a.listener.Addr() }

// Run carries messages until ctx ends, then stops and closes everything within a bounded time. It returns nil after
// that, and an error when the store or the HTTP server has failed for good, or when stopping took too long. Run may be
// called once.
func (a *App) Run(ctx context.Context) error {
	p := a.parts.Load()
	a.log.WithFields(logrus.Fields{
		keyVersion: version(), keyGateways: len(p.routes), keyAccounts: len(p.accounts), keyListen: a.Address().String(),
	}).Info("Causeway is running")
	done := make(chan error, 1)
	go func() {
		err := guarded(func() error { return a.carry(ctx) })
		a.Close()
		done <- err
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(a.patience):
			return fmt.Errorf("stopping: not done after %v: what is unfinished is finished at the next start", a.patience)
		}
	}
	if err == nil {
		a.log.Info("Causeway has stopped")
	}
	return err
}

// carry runs everything until signalled ends or one of it fails, which ends the others.
func (a *App) carry(signalled context.Context) error {
	ctx, cancel := context.WithCancelCause(signalled)
	defer cancel(nil)
	// The gateway tells people who was lost, and people ask the gateway what arrives.
	c := &a.crowd
	spread, elsewhere, err := a.newSpread(ctx)
	if err != nil {
		return ended(err)
	}
	a.spread = spread
	a.gateway = gateway.New(gateway.Options{Plan: a.parts.Load().plan(), Store: a.store, Log: a.log, Version: version(), Metrics: a.metrics, Peers: spread.gatewayPeers(), Elsewhere: elsewhere, Retold: spread.retold,
		Lost: func(bridge.ServerID, bridge.UserID, error) { c.now().Noticed() }, Noticed: func() { c.now().Noticed() },
		Spoke: func(s bridge.ServerID, u bridge.UserID) { c.now().Spoke(s, u) },
		Seek: func(ctx context.Context, s bridge.ServerID, u bridge.UserID, other bridge.ServerID) error {
			return c.now().Seek(ctx, s, u, other)
		},
		Invite: func(name bridge.AccountName, u bridge.UserID) []bridge.Choice { return c.now().Invite(name, u) }})
	a.gather(a.parts.Load())
	pages, site := a.operator(), a.site()
	if pages != nil {
		site.Operator, site.OperatorPaths = pages, dashboard.Paths
	}
	var failed [9]error
	var running sync.WaitGroup
	for i, run := range [...]func() error{
		func() error { return a.gateway.Run(ctx) },
		func() error { return web.Serve(ctx, a.listener, site, a.log) },
		func() error { return c.run(ctx) },
		func() error {
			supervised(ctx, a.alive, a.log)
			if signalled.Err() != nil {
				tell(daemon.SdNotifyStopping, a.log)
			}
			return nil
		},
		func() error { return a.watchStore(ctx) },
		func() error {
			if pages != nil {
				pages.Run(ctx)
			}
			<-ctx.Done()
			return nil
		},
		func() error { a.follow.run(ctx, a); return nil },
		func() error { spread.run(ctx); return nil },
		func() error {
			if a.watched != nil {
				a.watched.catchingUp(ctx, a.gateway.Status)
			}
			<-ctx.Done()
			return nil
		},
	} {
		running.Go(func() {
			failed[i] = guarded(run)
			cancel(failed[i])
		})
	}
	running.Wait()
	return ended(errors.Join(failed[:]...))
}

// gather makes the people of parts, who do their duties from the next turn of the crowd on.
func (a *App) gather(p *parts) {
	o := p.people
	o.Store, o.Gateway, o.Changed, o.Linking = a.store, a.gateway, a.gateway.PeopleChanged, linker{a}
	all := people.New(o)
	a.crowd.become(all)
	a.doors.Open(all)
	if why := o.Unreachable(); why != "" {
		a.log.Info(why)
	}
}

// alive reports whether Causeway can do its work: whatever becomes of a message goes through the store. A service that is down is no
// reason to be started anew.
func (a *App) alive(ctx context.Context) error {
	_, err := a.store.DataVersion(ctx)
	return err
}

// site is what the HTTP server answers.
func (a *App) site() web.Site {
	s := web.Site{
		PublicURL:    a.parts.Load().cfg.HTTP.PublicURL,
		Hooks:        func(account string) http.Handler { return a.parts.Load().hooks[account] },
		Ready:        func(ctx context.Context) (bool, any) { r := a.gateway.Ready(ctx); return r.Ready, r.Reasons },
		Status:       func(ctx context.Context) any { return a.status(ctx) },
		MaySeeStatus: func(token string) bool { return a.store.Keys().ValidToken(token, time.Now()) },
		Prove:        a.store.Keys().Prove,
		MayOrder:     func(token string, order []byte) bool { return a.store.Keys().ValidOrderToken(token, time.Now(), order) },
		Orders:       map[string]web.Order{web.PeoplePath: a.crowd.order, web.ReloadPath: a.orderReload, web.LinkPath: a.orderLinks},
		Pages:        &a.crowd,
	}
	if a.metrics != nil {
		a.metrics.Watch(a.gateway.Numbers)
		s.Scraping = a.scraping(a.parts.Load().cfg)
	}
	return s
}

func (a *App) scraping(cfg *config.Config) web.Scraping {
	return web.Scraping{Token: cfg.Metrics.Token.Reveal(), Numbers: a.metrics.Handler()}
}

// Close gives everything back. It is for an App that is not run, and harmless afterwards.
func (a *App) Close() {
	a.closing.Do(func() {
		if a.listener != nil {
			_ = a.listener.Close()
		}
		for _, account := range slices.Backward(a.parts.Load().accounts) {
			if err := account.Bridge.Close(); err != nil {
				a.log.WithField(keyAccount, string(account.Name)).WithError(err).Warn("closing the account failed")
			}
		}
		if a.store != nil {
			if err := a.store.Close(); err != nil {
				a.log.WithError(err).Warn("closing the store failed")
			}
		}
		if a.helped != nil {
			select {
			case <-a.helped:
			case <-time.After(resignTime): // its way to the database is cut off; what it has begun is looked for by whoever goes on with it
				a.log.Warn("what this instance delivered while it stood by has not come to an end")
			}
		}
		if a.lock != nil {
			_ = a.lock.Close()
		}
	})
}

// guarded turns a panic into an error, as nobody shall see a stack trace.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	return do()
}
