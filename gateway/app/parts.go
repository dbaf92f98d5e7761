package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/web"
)

// parts are what a config asks for. They are never changed, only replaced.
type parts struct {
	cfg      *config.Config
	accounts []gateway.Account
	routes   []gateway.Route
	directs  []gateway.Direct
	people   people.Options
	// hooks are the handlers of accounts, by the name of the account.
	hooks map[string]http.Handler
}

func (p *parts) plan() gateway.Plan {
	return gateway.Plan{Accounts: p.accounts, Routes: p.routes, Directs: p.directs, Keep: p.keep()}
}

// keep is how long what is kept.
func (p *parts) keep() gateway.Keep {
	return gateway.Keep{Messages: p.cfg.Storage.KeepMessages, Quarantine: time.Duration(p.cfg.Storage.QuarantineDays) * 24 * time.Hour, NoticeAfter: p.cfg.General.NoticeAfter}
}

// idle says why there is nothing to do with a config; nil when there is.
func idle(cfg *config.Config) error {
	if len(routes(cfg)) > 0 || carriesDirect(cfg) {
		return nil
	}
	return errors.New("no gateway is enabled, so there is nothing to carry: add a [[gateway]] with two channels to the config (config.toml.example shows how), or take enable = false out of one")
}

// assemble makes what a config asks for. Accounts of which it says the same as before stay as they are in old, which may be nil. Parts and error may both be
// there: the parts then hold those accounts that could be made.
func (a *App) assemble(cfg *config.Config, old *parts) (*parts, error) {
	p := &parts{cfg: cfg, routes: routes(cfg), hooks: map[string]http.Handler{}}
	p.people = people.Options{Settings: cfg.People, PublicURL: cfg.HTTP.PublicURL, Log: a.log, Off: a.off}
	var problems []error
	for _, account := range used(cfg, p.routes) {
		one, kept := old.account(cfg, account)
		if !kept {
			var err error
			if one, err = a.newAccount(cfg, account); err != nil {
				problems = append(problems, err)
				continue
			}
		}
		p.accounts = append(p.accounts, one)
		p.people.Accounts = append(p.people.Accounts, with(cfg, peopleAccount(a.protocols, p.routes, account, one.Bridge)))
		if kept {
			p.hooks[account.ID] = old.hooks[account.ID]
		} else if h := one.Bridge.Handler(); h != nil {
			p.hooks[account.ID] = h
		}
	}
	p.directs = directs(cfg, p.people.Connectable())
	return p, errors.Join(problems...)
}

// account gives an account that is there already, unless the config says something else of it now.
func (p *parts) account(cfg *config.Config, account config.Account) (gateway.Account, bool) {
	if p == nil {
		return gateway.Account{}, false
	}
	name := bridge.AccountName(account.ID)
	i := slices.IndexFunc(p.accounts, func(a gateway.Account) bool { return a.Name == name })
	before := p.cfg.Accounts[account.ID]
	before.Line = account.Line
	if i < 0 || !reflect.DeepEqual(before, account) || carriesTalks(p.cfg, name) != carriesTalks(cfg, name) {
		return gateway.Account{}, false
	}
	return p.accounts[i], true
}

func (a *App) newAccount(cfg *config.Config, account config.Account) (gateway.Account, error) {
	name := bridge.AccountName(account.ID)
	b, err := newBridge(a.protocols, account, bridge.Env{
		Vault: a.store.Vault(name), Log: a.log, Hook: web.Hook(cfg.HTTP.PublicURL, account.ID), Counts: a.metrics.Of(name),
		Front: a.doors.Door(name), Direct: carriesTalks(cfg, name)})
	if err != nil {
		return gateway.Account{}, err
	}
	return gateway.Account{
		Name: name, Protocol: account.Protocol, Label: account.Label, NickFormat: account.RemoteNickFormat,
		Place: placeOf(a.protocols, account), Title: titleOf(a.protocols, account.Protocol), Bridge: b,
	}, nil
}

// without gives the accounts that other does not have.
func (p *parts) without(other *parts) []gateway.Account {
	return slices.DeleteFunc(slices.Clone(p.accounts), func(a gateway.Account) bool {
		return slices.ContainsFunc(other.accounts, func(o gateway.Account) bool { return o.Name == a.Name && o.Bridge == a.Bridge })
	})
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
	return protocolNamed(protocols, account.Protocol)
}

func protocolNamed(protocols []bridge.Protocol, name string) (bridge.Protocol, bool) {
	i := slices.IndexFunc(protocols, func(p bridge.Protocol) bool { return p.Name == name })
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
		r := gateway.Route{Name: g.Name, Files: policy(g.Files), MentionAll: g.MentionAll, Events: g.SystemEvents}
		for _, e := range g.Endpoints {
			r.Endpoints = append(r.Endpoints, gateway.Endpoint{
				Account: bridge.AccountName(e.Account), Channel: e.Channel, Name: e.Name, In: e.Direction.Receives(), Out: e.Direction.Sends(),
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

// fit is a hash of all that decides what is delivered, and what it looks like: version, gateways, accounts without their secrets. Instances whose fits differ do not deliver
// together.
func (p *parts) fit() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%+v\n%v\n%s\n", version(), p.routes, p.cfg.General.NoticeAfter, p.cfg.HTTP.PublicURL)
	for _, account := range used(p.cfg, p.routes) {
		fmt.Fprintf(h, "%s %s %s %s %+v\n", account.ID, account.Protocol, account.Label, account.RemoteNickFormat, account.Settings) // secrets are shown masked
		fmt.Fprintln(h, carriesTalks(p.cfg, bridge.AccountName(account.ID)))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
