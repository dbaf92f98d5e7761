package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

// stopTime is how long [App.Run] may take to stop. What is unfinished then is finished at the next start.
const stopTime = 10 * time.Second

// App is one Causeway with everything it holds.
type App struct {
	log      *logrus.Entry
	lock     *os.File
	store    *store.Store
	accounts []gateway.Account
	routes   []gateway.Route
	directs  []gateway.Direct
	listener net.Listener
	// publicURL is where others reach the listener; empty when they cannot.
	publicURL string
	// doors lead from accounts to people, who are made when the gateway is.
	doors  people.Doors
	people people.Options
	// patience is how long Run may take to stop.
	patience time.Duration
	closing  sync.Once
}

// Open takes what a config asks for: the lock on the store, key file, store, accounts and the HTTP address. No service
// is asked for anything yet. Each of its errors, joined when there are several, names the next step; nothing is
// then held. The caller must call Run or Close.
func Open(ctx context.Context, cfg *config.Config, protocols []bridge.Protocol, log *logrus.Entry) (*App, error) {
	a := &App{log: log, routes: routes(cfg), publicURL: cfg.HTTP.PublicURL, patience: stopTime}
	a.people = people.Options{Settings: cfg.People, PublicURL: cfg.HTTP.PublicURL, Log: log}
	if len(a.routes) == 0 && !carriesDirect(cfg) {
		return nil, errors.New("no gateway is enabled, so there is nothing to carry: add a [[gateway]] with two channels to the config (config.toml.example shows how), or take enable = false out of one")
	}
	if err := a.open(ctx, cfg, protocols); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) open(ctx context.Context, cfg *config.Config, protocols []bridge.Protocol) (err error) {
	if a.lock, err = lockStore(cfg.Storage.DSN); err != nil {
		return err
	}
	if a.store, err = openStore(ctx, cfg.Storage); err != nil {
		return err
	}
	var problems []error
	for _, account := range used(cfg, a.routes) {
		b, err := newBridge(protocols, account, bridge.Env{
			Vault: a.store.Vault(bridge.AccountName(account.ID)), Log: a.log, Hook: web.Hook(a.publicURL, account.ID),
			Front: a.doors.Door(bridge.AccountName(account.ID)), Direct: carriesTalks(cfg, bridge.AccountName(account.ID))})
		if err != nil {
			problems = append(problems, err)
			continue
		}
		a.accounts = append(a.accounts, gateway.Account{
			Name: bridge.AccountName(account.ID), Protocol: account.Protocol, Label: account.Label,
			NickFormat: account.RemoteNickFormat, Place: placeOf(protocols, account), Title: titleOf(protocols, account.Protocol), Bridge: b,
		})
		a.people.Accounts = append(a.people.Accounts, with(cfg, peopleAccount(protocols, a.routes, account, b)))
	}
	a.directs = directs(cfg, a.people.Connectable())
	if a.listener, err = web.Listen(ctx, cfg.HTTP.Listen); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// placeOf tells apart where an account's channels are looked for.
func placeOf(protocols []bridge.Protocol, account config.Account) string {
	if p, ok := protocolOf(protocols, account); ok && p.Place != nil {
		return p.Place(account.Settings)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", account.Settings)) // secrets are shown masked
	return hex.EncodeToString(sum[:8])
}

func protocolOf(protocols []bridge.Protocol, account config.Account) (bridge.Protocol, bool) {
	i := slices.IndexFunc(protocols, func(p bridge.Protocol) bool { return p.Name == account.Protocol })
	if i < 0 {
		return bridge.Protocol{}, false
	}
	return protocols[i], true
}

// newBridge makes an account as the config says; its name is added to env.
func newBridge(protocols []bridge.Protocol, account config.Account, env bridge.Env) (bridge.Bridge, error) {
	p, known := protocolOf(protocols, account)
	if !known {
		return nil, fmt.Errorf("[%s]: there is no protocol %s", account.ID, account.Protocol)
	}
	env.Account, env.Log = bridge.AccountName(account.ID), env.Log.WithField(keyAccount, account.ID)
	b, err := p.New(env, account.Settings)
	if err != nil {
		return nil, fmt.Errorf("[%s]: %w", account.ID, err)
	}
	return b, nil
}

// routes gives the enabled gateways.
func routes(cfg *config.Config) []gateway.Route {
	var all []gateway.Route
	for _, g := range cfg.Gateways {
		if !g.Enable {
			continue
		}
		r := gateway.Route{Name: g.Name, Files: policy(g.Files)}
		for _, e := range g.Endpoints {
			r.Endpoints = append(r.Endpoints, gateway.Endpoint{
				Account: bridge.AccountName(e.Account), Channel: e.Channel, In: e.Direction.Receives(), Out: e.Direction.Sends(),
			})
		}
		all = append(all, r)
	}
	return all
}

// policy is what a [[gateway]] or [[direct]] does with files.
func policy(f config.Files) gateway.FilePolicy {
	modes := map[string]gateway.FileMode{config.FilesCopy: gateway.CopyFiles, config.FilesLink: gateway.LinkFiles, config.FilesOff: gateway.NoFiles}
	return gateway.FilePolicy{Mode: modes[f.Mode], MaxSize: f.MaxSize, Allowed: f.Allowed, Blocked: f.Blocked}
}

// used gives the accounts that the routes, or an enabled [[direct]], name, in the order of the config.
func used(cfg *config.Config, routes []gateway.Route) []config.Account {
	named := map[string]bool{}
	for _, r := range routes {
		for _, e := range r.Endpoints {
			named[string(e.Account)] = true
		}
	}
	for _, d := range cfg.Directs {
		for _, name := range d.Accounts {
			named[name] = named[name] || d.Enable
		}
	}
	return slices.DeleteFunc(inOrder(cfg), func(a config.Account) bool { return !named[a.ID] })
}

// inOrder gives the accounts as they stand in the config.
func inOrder(cfg *config.Config) []config.Account {
	return slices.SortedFunc(maps.Values(cfg.Accounts), func(a, b config.Account) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.ID, b.ID))
	})
}

// Address is where the HTTP server listens; it tells the port where the config has port 0.
func (a *App) Address() net.Addr { return a.listener.Addr() }

// Run carries messages until ctx ends, then stops and closes everything within a bounded time. It returns nil after
// that, and an error when the store or the HTTP server has failed for good, or when stopping took too long. Run may be
// called once.
func (a *App) Run(ctx context.Context) error {
	a.log.WithFields(logrus.Fields{
		keyVersion: version(), keyGateways: len(a.routes), keyAccounts: len(a.accounts), keyListen: a.Address().String(),
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

// carry runs the parts until ctx ends or one of them fails, which ends the other.
func (a *App) carry(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The gateway tells people who was lost, and people ask the gateway what arrives.
	var p *people.People
	g := gateway.New(gateway.Options{Accounts: a.accounts, Routes: a.routes, Directs: a.directs, Store: a.store, Log: a.log, Version: version(),
		Lost: func(bridge.ServerID, bridge.UserID, error) { p.Noticed() }, Noticed: func() { p.Noticed() },
		Spoke: func(s bridge.ServerID, u bridge.UserID) { p.Spoke(s, u) },
		Seek: func(ctx context.Context, s bridge.ServerID, u bridge.UserID, other bridge.ServerID) error {
			return p.Seek(ctx, s, u, other)
		},
		Invite: func(name bridge.AccountName, u bridge.UserID) []bridge.Choice { return p.Invite(name, u) }})
	a.people.Store, a.people.Gateway, a.people.Changed = a.store, g, g.PeopleChanged
	p = people.New(a.people)
	a.doors.Open(p)
	if why := a.people.Unreachable(); why != "" {
		a.log.Info(why)
	}
	site := a.site(g)
	site.Pages, site.Order = p.Handler(), p.OrderJSON
	var failed [4]error
	var parts sync.WaitGroup
	for i, run := range [...]func() error{
		func() error { return g.Run(ctx) },
		func() error { return web.Serve(ctx, a.listener, site, a.log) },
		func() error { p.Run(ctx); return nil },
		func() error { supervised(ctx, a.alive, a.log); return nil },
	} {
		parts.Go(func() {
			defer cancel()
			failed[i] = guarded(run)
		})
	}
	parts.Wait()
	return errors.Join(failed[:]...)
}

// alive reports whether Causeway can do its work: whatever becomes of a message goes through the store. A service that is down is no
// reason to be started anew.
func (a *App) alive(ctx context.Context) error {
	_, err := a.store.DataVersion(ctx)
	return err
}

// site is what the HTTP server answers.
func (a *App) site(g *gateway.Gateway) web.Site {
	s := web.Site{
		PublicURL: a.publicURL, Hooks: map[string]http.Handler{},
		Ready:        func(ctx context.Context) (bool, any) { r := g.Ready(ctx); return r.Ready, r.Reasons },
		Status:       func(ctx context.Context) any { return g.Status(ctx) },
		MaySeeStatus: func(token string) bool { return a.store.Keys().ValidToken(token, time.Now()) },
		Prove:        a.store.Keys().Prove,
		MayOrder:     func(token string, order []byte) bool { return a.store.Keys().ValidOrderToken(token, time.Now(), order) },
	}
	for _, account := range a.accounts {
		if h := account.Bridge.Handler(); h != nil {
			s.Hooks[string(account.Name)] = h
		}
	}
	return s
}

// Close gives everything back. It is for an App that is not run, and harmless afterwards.
func (a *App) Close() {
	a.closing.Do(func() {
		if a.listener != nil {
			_ = a.listener.Close()
		}
		for _, account := range slices.Backward(a.accounts) {
			if err := account.Bridge.Close(); err != nil {
				a.log.WithField(keyAccount, string(account.Name)).WithError(err).Warn("closing the account failed")
			}
		}
		if a.store != nil {
			if err := a.store.Close(); err != nil {
				a.log.WithError(err).Warn("closing the store failed")
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
