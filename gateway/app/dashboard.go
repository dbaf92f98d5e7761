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
	"causeway/gateway/web"
)

// operator adds the operator's pages to the site, where the config wants them, and gives what runs as long as they are served.
func (a *App) operator(g *gateway.Gateway, p *people.People, site *web.Site) func(context.Context) {
	if !a.dashboard.Enable {
		return func(ctx context.Context) { <-ctx.Done() }
	}
	d := dashboard.New(dashboard.Options{Settings: a.dashboard, PublicURL: a.publicURL, Gateway: g, Store: a.store, People: p, Keys: a.store.Keys(), Log: a.log})
	site.Operator, site.OperatorPaths = d, dashboard.Paths
	return d.Run
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
