package app

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/dashboard"
	"causeway/gateway/people"
	"causeway/gateway/store"
)

// operator makes the operator's pages; nil: the config does not want them.
func (a *App) operator() *dashboard.Dashboard {
	cfg := a.parts.Load().cfg
	if !cfg.Dashboard.Enable {
		return nil
	}
	return dashboard.New(dashboard.Options{Settings: cfg.Dashboard, PublicURL: cfg.HTTP.PublicURL, Gateway: whole{a.gateway, a}, Store: a.store, People: &a.crowd, Works: works{a}, Keys: a.store.Keys(), Log: a.log})
}

// whole is the gateway whose status also tells how its config was taken up.
type whole struct {
	*gateway.Gateway
	app *App
}

func (w whole) Status(ctx context.Context) gateway.Status { return w.app.status(ctx) }

// Administer carries out an order about people, whoever they are now.
func (c *crowd) Administer(ctx context.Context, by people.Administrator, o people.Order) ([]people.Outcome, error) {
	return c.now().Administer(ctx, by, o)
}

// Look asks services who somebody is.
func (c *crowd) Look(ctx context.Context, name string) ([]store.User, []error) {
	return c.now().Look(ctx, name)
}

// showDashboard is `causeway dashboard`: whoever can read the key file may log in. It reads of the config only where to ask.
func (c *call) showDashboard(ctx context.Context) error {
	r, err := config.LoadRunning(c.config)
	if err != nil {
		return err
	}
	if _, err := c.ask(ctx, r); err != nil { // it says when Causeway does not run, or with another key file
		return err
	}
	hosts, port, err := askedAt(r.HTTP.Listen)
	if err != nil {
		return err
	}
	where := net.JoinHostPort(hosts[0], port)
	keys, err := c.keys(r.Storage, where)
	if err != nil {
		return err
	}
	key := dashboard.Key(keys.OrderToken, time.Now())
	_, err = fmt.Fprintf(c.out, "Open this within a minute, on this machine or through a tunnel to it; it logs in once:\n\n    http://%s/login?key=%s\n", where, url.QueryEscape(key))
	return err
}
