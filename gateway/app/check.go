package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/web"
)

// check is `causeway check`. It writes nothing, neither on this machine nor at a service.
func (c *call) check(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	var r report
	stored, err := openLook(ctx, cfg.Storage)
	defer stored.close()
	r.config(c.config, cfg, err)
	r.server(c.server(ctx, cfg))
	checks := c.checkAccounts(ctx, cfg, stored)
	if why := c.unreachable(cfg, checks); why != "" {
		r.line("-", "%s", why)
	}
	for _, a := range checks {
		r.account(a)
	}
	for _, g := range cfg.Gateways {
		r.gateway(g, checks)
	}
	r.sum()
	if _, err := io.WriteString(c.out, r.text.String()); err != nil {
		return err
	}
	if r.problems > 0 {
		return errProblems
	}
	return nil
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

// report is the list that check prints.
type report struct {
	text               strings.Builder
	problems, warnings int
}

func (r *report) header(format string, args ...any) {
	if r.text.Len() > 0 {
		r.text.WriteByte('\n')
	}
	r.text.WriteString(oneLine(fmt.Sprintf(format, args...)) + "\n")
}

func (r *report) line(word, format string, args ...any) {
	fmt.Fprintf(&r.text, "  %-8s %s\n", word, oneLine(fmt.Sprintf(format, args...)))
}

func (r *report) ok(format string, args ...any) { r.line("ok", format, args...) }

func (r *report) warning(format string, args ...any) {
	r.warnings++
	r.line("warning", format, args...)
}

func (r *report) problem(format string, args ...any) {
	r.problems++
	r.line("PROBLEM", format, args...)
}

func (r *report) config(path string, cfg *config.Config, storeFailed error) {
	r.header("%s", path)
	enabled := len(routes(cfg))
	r.ok("%s, %s", count(len(cfg.Accounts), "account"), count(enabled, "enabled gateway"))
	for _, w := range cfg.Warnings {
		r.warning("%s", w.String())
	}
	if enabled == 0 {
		r.problem("no gateway is enabled, so `causeway run` has nothing to carry: add a [[gateway]]")
	}
	switch {
	case storeFailed != nil:
		r.problem("%v", storeFailed)
	case !storeExists(cfg.Storage):
		r.ok("the store %s is made at the first start", cfg.Storage.DSN)
	default:
		r.ok("the store %s can be read", cfg.Storage.DSN)
	}
}

// server tries the address of the HTTP server. It is no problem that Causeway itself has it.
func (c *call) server(ctx context.Context, cfg *config.Config) (string, error) {
	listener, err := web.Listen(ctx, cfg.HTTP.Listen)
	if err == nil {
		return "the HTTP server can listen at " + cfg.HTTP.Listen, listener.Close()
	}
	running := &config.Running{Storage: cfg.Storage, HTTP: cfg.HTTP}
	if _, asking := c.ask(ctx, running); asking == nil {
		return "Causeway is running and answers at " + cfg.HTTP.Listen, nil
	}
	return "", err
}

func (r *report) server(well string, err error) {
	if err != nil {
		r.problem("%v", err)
		return
	}
	r.ok("%s", well)
}

func (r *report) account(a *accountCheck) {
	r.header("account %s", a.account.ID)
	switch {
	case a.failed == nil:
		r.ok("connected as %s", a.name)
	case !told(a.findings, a.failed):
		r.problem("%v", a.failed)
	}
	if how := receives(a.status.Receiving, a.status.Why); how != "" {
		r.ok("%s", how)
	}
	for _, e := range a.status.Ends {
		r.end(e, time.Now())
	}
	for _, f := range a.findings {
		if f.Fatal {
			r.problem("%s", f.Text)
		} else {
			r.warning("%s", f.Text)
		}
	}
}

// end says what must be renewed.
func (r *report) end(e bridge.End, now time.Time) {
	text := gateway.EndText(e.What, e.At, now)
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	switch left := e.At.Sub(now); {
	case left <= 0:
		r.problem("%s", text)
	case left <= gateway.EndNear:
		r.warning("%s", text)
	}
}

// receives words how messages arrive.
func receives(how, why string) string {
	switch {
	case how == "":
		return ""
	case why == "":
		return "receives by " + how
	}
	return "receives by " + how + ", because " + why
}

// told reports whether a fatal finding says already what an error says at its bottom.
func told(findings []bridge.Finding, err error) bool {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return slices.ContainsFunc(findings, func(f bridge.Finding) bool { return f.Fatal && strings.Contains(f.Text, err.Error()) })
}

func (r *report) gateway(g config.Gateway, accounts []*accountCheck) {
	r.header("gateway %s", g.Name)
	if !g.Enable {
		r.line("-", "disabled, not tried")
		return
	}
	first := map[bridge.ConversationID]string{}
	failed := false
	for _, e := range g.Endpoints {
		a := accountNamed(accounts, e.Account)
		name := e.Account + " " + e.Channel
		ch, tried := a.channels[e.Channel]
		switch before, twice := first[ch.found.ID]; {
		case !tried:
			r.line("-", "%s: not tried, as the account has a problem", name)
		case ch.failed != nil:
			r.problem("%s: %v", name, ch.failed)
		case twice:
			r.warning("%s is the same conversation as %s: one of them is enough", name, before)
		default:
			first[ch.found.ID] = name
			r.ok("%s", found(name, e, ch.found))
		}
		failed = failed || !tried || ch.failed != nil
	}
	if !failed && len(first) == 1 {
		r.problem("all of it is one conversation, so nothing can cross: add another one")
	}
}

// found shows which conversation a name means, unless that is plain.
func found(name string, e config.Endpoint, c bridge.Conversation) string {
	text := name + " (" + [...]string{config.InOut: "both ways", config.In: "read", config.Out: "written"}[e.Direction] + ")"
	if c.Name != "" && c.Name != e.Channel {
		text += ": " + c.Name
	}
	return text
}

func accountNamed(all []*accountCheck, id string) *accountCheck {
	for _, a := range all {
		if a.account.ID == id {
			return a
		}
	}
	return &accountCheck{} // the config has checked that there is one
}

func (r *report) sum() {
	r.text.WriteByte('\n')
	switch {
	case r.problems > 0:
		fmt.Fprintf(&r.text, "%s, %s.\n", count(r.problems, "problem"), count(r.warnings, "warning"))
	case r.warnings > 0:
		fmt.Fprintf(&r.text, "No problem, %s.\n", count(r.warnings, "warning"))
	default:
		r.text.WriteString("No problem.\n")
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
