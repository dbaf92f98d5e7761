package app

import (
	"context"
	"fmt"
	"io"
	"sync"

	"causeway/bridge"
	"causeway/gateway/config"
)

// check is `causeway check`. It writes nothing, neither on this machine nor at a service.
func (c *call) check(ctx context.Context) error {
	end := c.busy("trying the accounts")
	r, err := c.report(ctx)
	end()
	if err != nil {
		return err
	}
	return c.show(r)
}

// show prints what was found. Problems end the command with errProblems.
func (c *call) show(r *report) error {
	text := r.text()
	if c.json {
		var err error
		if text, err = r.json(); err != nil {
			return fmt.Errorf("showing what was found: %w", err)
		}
	}
	if _, err := io.WriteString(c.out, text); err != nil {
		return err
	}
	if r.Problems > 0 {
		return errProblems
	}
	return nil
}

// report looks at everything.
func (c *call) report(ctx context.Context) (*report, error) {
	cfg, err := c.load()
	if err != nil {
		return nil, err
	}
	r := &report{Version: version()}
	stored, err := openLook(ctx, cfg.Storage)
	defer stored.close()
	links, unread := stored.links(ctx)
	if err == nil {
		err = unread
	}
	cfg = linked(cfg, links)
	r.config(c.config, cfg, err)
	r.add(c.server(ctx, cfg)...)
	checks := c.checkAccounts(ctx, cfg, stored)
	if why := c.unreachable(cfg, checks); why != "" {
		r.note("%s", why)
	}
	for _, a := range checks {
		r.account(a)
	}
	for _, g := range cfg.Gateways {
		r.gateway(g, checks)
	}
	return r, nil
}

// accountCheck is what was found out about an account.
type accountCheck struct {
	account config.Account
	// bridge was closed after the check, and can still tell what it is capable of; nil when it could not be made.
	bridge bridge.Bridge
	// name is who it is, once connected.
	name     string
	failed   error // to connect
	findings []bridge.Finding
	channels map[string]channelCheck
	// status is how it stands, as far as it knows.
	status bridge.Status
}

// channelCheck is what was found out about a channel.
type channelCheck struct {
	found  bridge.Conversation
	failed error
}

// checkAccounts asks all accounts at the same time and gives them as they stand in the config.
func (c *call) checkAccounts(ctx context.Context, cfg *config.Config, stored *look) []*accountCheck {
	var all []*accountCheck
	var asking sync.WaitGroup
	for _, account := range inOrder(cfg) {
		a := &accountCheck{account: account, channels: map[string]channelCheck{}}
		all = append(all, a)
		asking.Go(func() {
			if err := guarded(func() error { return c.checkAccount(ctx, cfg, stored, a) }); err != nil {
				a.failed = err
			}
		})
	}
	asking.Wait()
	return all
}

func (c *call) checkAccount(ctx context.Context, cfg *config.Config, stored *look, a *accountCheck) error {
	b, err := c.bridge(cfg, a.account, stored.vault(a.account.ID))
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	a.bridge = b
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	defer func() { a.status = b.Status() }() // when it has seen what there is
	var id bridge.Identity
	err = patiently(ctx, func() (err error) { id, err = b.Connect(ctx); return err })
	if err != nil {
		if bridge.KindOf(err) == bridge.Unauthorised { // the service answers: it may say more
			a.findings = b.Check(ctx)
		}
		return withNextStep(ctx, a.account.ID, c.patience(), err)
	}
	a.name = id.Name
	a.findings = b.Check(ctx)
	for _, ch := range channelsOf(cfg, a.account.ID) {
		var found bridge.Conversation
		err := patiently(ctx, func() (err error) { found, err = b.Resolve(ctx, ch.name, ch.need); return err })
		if err != nil {
			err = withNextStep(ctx, a.account.ID, c.patience(), err)
		}
		a.channels[ch.name] = channelCheck{found: found, failed: err}
	}
	return nil
}

// channel is what enabled gateways need of an account.
type channel struct {
	name string
	need bridge.Access
}

// channelsOf gives each channel once, in the order of the config.
func channelsOf(cfg *config.Config, account string) []channel {
	var all []channel
	at := map[string]int{}
	for _, g := range cfg.Gateways {
		for _, e := range g.Endpoints {
			if !g.Enable || e.Account != account {
				continue
			}
			i, known := at[e.Channel]
			if !known {
				i = len(all)
				at[e.Channel], all = i, append(all, channel{name: e.Channel})
			}
			all[i].need |= access(e.Direction)
		}
	}
	return all
}

func access(d config.Direction) bridge.Access {
	var need bridge.Access
	if d.Receives() {
		need |= bridge.Read
	}
	if d.Sends() {
		need |= bridge.Write
	}
	return need
}
