package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
)

// Reloaded is what a config that was taken up has changed.
type Reloaded struct {
	// Changed says what, "gateway town: added"; empty when the config says the same as before.
	Changed []string `json:"changed"`
	// Restart names the keys that count only when Causeway is started anew.
	Restart []string `json:"restart"`
}

// reloads know how the config was taken up last.
type reloads struct {
	turn sync.Mutex // held while one is taken up

	mutex   sync.Mutex // guards what follows
	at      time.Time
	restart []string
	// refused is why what the file says now is not taken up, since then; nil when it is.
	refused error
	since   time.Time
}

func (r *reloads) taken(at time.Time, restart []string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.at, r.restart, r.refused = at, restart, nil
}

// refuse reports whether that is news.
func (r *reloads) refuse(at time.Time, why error) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	news := r.refused == nil || r.refused.Error() != why.Error()
	if r.refused == nil {
		r.since = at
	}
	r.refused = why
	return news
}

// unstored is a failure of the store while a config was taken up, which says nothing against the config.
type unstored struct{ error }

func (u unstored) Unwrap() error { return u.error }

// passing reports whether taking up the config may do another time.
func passing(err error) bool {
	_, ok := errors.AsType[unstored](err)
	return ok
}

const (
	passingStep = "see what is wrong with the store; Causeway takes up the config by itself when it can, and until then goes by what it said before"
	refusedStep = "mend the config, which `causeway check` helps with; until then Causeway goes by what it said before"
	restartStep = "restart Causeway, which loses nothing"
)

// status tells how the gateway stands, and its config.
func (a *App) status(ctx context.Context) gateway.Status {
	s := a.gateway.Status(ctx)
	a.instances(ctx, &s)
	a.consent(&s)
	r := &a.reload
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s.Config = gateway.ConfigStatus{Since: r.at}
	if r.refused != nil {
		s.Config.Refused = &gateway.Trouble{Text: strings.Join(problems(r.refused), "; "), Next: refusedStep, Since: r.since}
		if passing(r.refused) {
			s.Config.Refused.Next = passingStep
		}
		s.Problems = append(s.Problems, gateway.Problem{Where: "config", Trouble: *s.Config.Refused})
	}
	for _, key := range r.restart {
		s.Warnings = append(s.Warnings, gateway.Problem{Where: "config", Trouble: gateway.Trouble{Text: key + " has changed, and does not count yet", Next: restartStep, Since: r.at}})
	}
	return s
}

// Reload takes up what the config file says now. On error, which says what is wrong with it, everything goes on as before. It may only be called while the App
// runs.
func (a *App) Reload(ctx context.Context) (Reloaded, error) {
	a.reload.turn.Lock()
	defer a.reload.turn.Unlock()
	cfg, err := a.follow.load()
	var done Reloaded
	if err == nil {
		if done, err = a.change(ctx, cfg); err != nil && ctx.Err() != nil {
			return done, ctx.Err() // nothing is wrong with the config
		}
	}
	if err != nil {
		if !a.reload.refuse(time.Now(), err) && passing(err) {
			return done, err // and tried again and again
		}
		for _, problem := range problems(err) {
			a.log.WithField("problem", problem).Error("the config was not taken up; Causeway goes by what it said before")
		}
		return done, err
	}
	a.reload.taken(time.Now(), done.Restart)
	if level, err := logrus.ParseLevel(cfg.General.LogLevel); err == nil { // the config has checked it
		a.log.Logger.SetLevel(level)
	}
	for _, w := range cfg.Warnings {
		a.log.Warn(w.String())
	}
	for _, key := range done.Restart {
		a.log.WithField("key", key).Warn("a change of the config does not count yet: " + restartStep)
	}
	a.log.WithFields(logrus.Fields{"changed": strings.Join(done.Changed, "; ")}).Info("the config was taken up")
	return done, nil
}

// change goes by another config from now on. Nothing is dropped that both ask for.
func (a *App) change(ctx context.Context, cfg *config.Config) (Reloaded, error) {
	old := a.parts.Load()
	links, err := a.store.ChannelLinks(ctx)
	if err != nil {
		return Reloaded{}, unstored{err}
	}
	cfg, restart := pinned(old.cfg, linked(cfg, links))
	if err := idle(cfg); err != nil {
		return Reloaded{}, err
	}
	next, err := a.assemble(cfg, old)
	if err != nil {
		a.end(next.without(old))
		return Reloaded{}, err
	}
	regather := !samePeople(old, next)
	if regather {
		a.crowd.disperse()
	}
	a.parts.Store(next) // what is sent to new accounts finds them, and is told to come again
	if err := a.gateway.Change(ctx, next.plan()); err != nil {
		a.parts.Store(old)
		a.end(next.without(old))
		if regather {
			a.gather(old)
		}
		return Reloaded{}, unstored{fmt.Errorf("taking up the config: %w", err)}
	}
	a.end(old.without(next))
	if regather {
		a.gather(next)
	}
	return Reloaded{Changed: differences(old, next), Restart: restart}, nil
}

// end closes accounts that nothing uses any more.
func (a *App) end(accounts []gateway.Account) {
	for _, account := range accounts {
		if err := account.Bridge.Close(); err != nil {
			a.log.WithField(keyAccount, string(account.Name)).WithError(err).Warn("closing the account failed")
		}
	}
}

// pinned gives the config with those values of the old one that hold as long as Causeway runs, and names those that differ.
func pinned(old, cfg *config.Config) (*config.Config, []string) {
	restart := []string{}
	note := func(same bool, key string) {
		if !same {
			restart = append(restart, key)
		}
	}
	note(old.Storage.DSN == cfg.Storage.DSN, "DSN in [storage]")
	note(old.Storage.Key == cfg.Storage.Key && old.Storage.KeyFile == cfg.Storage.KeyFile, "the key in [storage]")
	note(old.HTTP.Listen == cfg.HTTP.Listen, "Listen in [http]")
	note(old.HTTP.PublicURL == cfg.HTTP.PublicURL, "PublicURL in [http]")
	note(old.HTTP.Advertise == cfg.HTTP.Advertise, "Advertise in [http]")
	note(old.General.LogFormat == cfg.General.LogFormat, "LogFormat in [general]")
	note(old.Metrics == cfg.Metrics, "[metrics]")
	note(old.Dashboard == cfg.Dashboard, "[dashboard]")
	copied := *cfg
	copied.Storage.DSN, copied.Storage.Key, copied.Storage.KeyFile = old.Storage.DSN, old.Storage.Key, old.Storage.KeyFile
	copied.HTTP, copied.Metrics, copied.Dashboard, copied.General.LogFormat = old.HTTP, old.Metrics, old.Dashboard, old.General.LogFormat
	return &copied, restart
}

// samePeople reports whether people are reached by the same accounts, and treated alike.
func samePeople(a, b *parts) bool {
	return reflect.DeepEqual(a.people.Settings, b.people.Settings) && len(a.without(b)) == 0 && len(b.without(a)) == 0 &&
		slices.EqualFunc(a.people.Accounts, b.people.Accounts, func(x, y people.Account) bool {
			return x.Name == y.Name && x.Title == y.Title && x.Label == y.Label && x.Address == y.Address && slices.Equal(x.With, y.With)
		})
}

// differences says what is otherwise now.
func differences(old, next *parts) []string {
	all := compared("account", old.bridges(), next.bridges(), func(a, b bridge.Bridge) bool { return a == b })
	all = append(all, compared("gateway", old.byName(), next.byName(), func(a, b gateway.Route) bool { return reflect.DeepEqual(a, b) })...)
	for what, same := range map[string]bool{
		"direct messages: changed":               reflect.DeepEqual(old.directs, next.directs),
		"keeping and notices: changed":           next.keep() == old.keep(),
		"people: changed":                        reflect.DeepEqual(old.cfg.People, next.cfg.People),
		"LogLevel: " + next.cfg.General.LogLevel: old.cfg.General.LogLevel == next.cfg.General.LogLevel,
	} {
		if !same {
			all = append(all, what)
		}
	}
	slices.Sort(all)
	return all
}

func compared[V any](kind string, old, now map[string]V, same func(a, b V) bool) []string {
	all := []string{}
	for name, before := range old {
		switch after, is := now[name]; {
		case !is:
			all = append(all, kind+" "+name+": removed")
		case !same(before, after):
			all = append(all, kind+" "+name+": changed")
		}
	}
	for name := range now {
		if _, was := old[name]; !was {
			all = append(all, kind+" "+name+": added")
		}
	}
	return all
}

func (p *parts) bridges() map[string]bridge.Bridge {
	all := map[string]bridge.Bridge{}
	for _, a := range p.accounts {
		all[string(a.Name)] = a.Bridge
	}
	return all
}

func (p *parts) byName() map[string]gateway.Route {
	all := map[string]gateway.Route{}
	for _, r := range p.routes {
		all[r.Name] = r
	}
	return all
}
