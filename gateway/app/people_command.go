package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

const actExport = "export"

// peopleActions are what can follow `causeway people`: what administrators can do anywhere, and exporting.
func peopleActions() []people.Act {
	export := people.Act{Name: actExport, Takes: "[--csv|--json]", About: "writes down everybody who is known, by default as CSV; docs/people.md names the fields", Looks: true}
	return slices.Insert(people.Acts(), 2, export)
}

// takesFlags are the flags that an action takes.
func takesFlags(action string) []string {
	switch action {
	case actExport:
		return []string{flagCSV, flagJSON}
	case people.ActSync:
		return []string{flagDryRun, flagConfirm}
	case people.ActInvite, people.ActConnect, people.ActDisallow, people.ActDisconnect, people.ActPlatform:
		return []string{flagFile}
	}
	return nil
}

func peopleHelp() string {
	var b strings.Builder
	b.WriteString("\nActions (list is the default):\n")
	for _, a := range peopleActions() {
		fmt.Fprintf(&b, "  %s\n        %s\n", strings.TrimSpace(a.Name+" "+a.Takes), a.About)
	}
	b.WriteString(`
A name is a user name, an e-mail address or an id on any account; with the account before it where several are
called that: mattermost.hq:ann. The first three actions only look, and work whether or not Causeway runs; the
others ask the Causeway that is running.

--file FILE takes the names of invite, connect, disallow, disconnect and platform from a file, one a line (two for connect and
disallow; # begins a comment), or from what export has written as CSV. A line is printed for each; the exit code is 1 when any failed.
`)
	return b.String()
}

// people is `causeway people`.
func (c *call) people(ctx context.Context) error {
	name, words := people.ActList, c.args
	if len(words) > 0 {
		name, words = words[0], words[1:]
	}
	actions := peopleActions()
	i := slices.IndexFunc(actions, func(a people.Act) bool { return a.Name == name })
	if i < 0 {
		var known []string
		for _, a := range actions {
			known = append(known, a.Name)
		}
		return peopleUsage("people cannot %q; %s", name, config.Suggest(name, known))
	}
	for _, flag := range c.given {
		if !slices.Contains(takesFlags(name), flag) {
			return peopleUsage("people %s takes no %s", name, dashed(flag))
		}
	}
	if actions[i].Looks {
		return c.lookAtPeople(ctx, name, words)
	}
	orders, err := c.peopleOrders(actions[i], words)
	if err != nil {
		return err
	}
	return c.order(ctx, orders)
}

func peopleUsage(format string, args ...any) error {
	v, _ := verbNamed("people")
	return &usageError{text: fmt.Sprintf(format, args...), verb: v}
}

// peopleOrders reads what follows an action.
func (c *call) peopleOrders(act people.Act, words []string) ([]typed, error) {
	needs := peopleUsage("people %s needs %s", act.Name, act.Takes)
	switch {
	case act.Name == people.ActSync && len(words) > 0:
		return nil, peopleUsage("people sync takes no %q", words[0])
	case act.Name == people.ActSync && slices.Contains(c.given, flagConfirm) && c.confirm < 1:
		return nil, peopleUsage("people sync --confirm takes how many people --dry-run has shown to wait for it")
	case act.Name == people.ActSync && c.dryRun && c.confirm > 0:
		return nil, peopleUsage("people sync takes one of --dry-run and --confirm: the one only looks, and the other agrees")
	case act.Name == people.ActSync:
		return []typed{{order: people.Order{Act: act.Name, DryRun: c.dryRun, Confirm: c.confirm}}}, nil
	case slices.Contains(c.given, flagFile) && c.file == "":
		return nil, peopleUsage("--file names no file")
	case c.file != "":
		return c.ordersOfFile(act, words)
	case len(words) == 0, len(words) < act.Words:
		return nil, needs
	case len(words) > act.Words && act.Words > 1: // two names too many are more likely a mistake
		return nil, peopleUsage("people %s takes no %q", act.Name, words[act.Words])
	}
	var all []typed
	for names := range slices.Chunk(words, act.Words) {
		all = append(all, typed{order: people.Order{Act: act.Name, Names: names}})
	}
	return all, nil
}

// order has the Causeway that is running carry out orders, and prints a line for each.
func (c *call) order(ctx context.Context, orders []typed) error {
	r, err := config.LoadRunning(c.config)
	if err != nil {
		return err
	}
	failed := false
	for n, one := range orders {
		var report people.Report
		if one.wrong != "" {
			report.Outcomes = []people.Outcome{{Name: one.at, Text: one.wrong, Failed: true}}
		} else if report, err = c.ordered(ctx, r, one.order); err != nil {
			if left := len(orders) - n; len(orders) > 1 {
				err = fmt.Errorf("%w (%s not tried)", err, gateway.Count(left, "order"))
			}
			return err
		}
		for _, o := range report.Outcomes {
			failed = failed || o.Failed
			if _, err := fmt.Fprintln(c.out, oneLine(o.String())); err != nil {
				return err
			}
		}
	}
	if failed {
		return errProblems
	}
	return nil
}

// ordered has one order carried out.
func (c *call) ordered(ctx context.Context, r *config.Running, o people.Order) (people.Report, error) {
	var report people.Report
	body, err := json.Marshal(o)
	if err != nil {
		return report, fmt.Errorf("writing an order: %w", err)
	}
	patience := c.patience()
	if o.Act == people.ActSync {
		patience = web.OrderTime
	}
	got, err := c.request(ctx, r, asking{method: http.MethodPost, path: web.PeoplePath, body: body, time: patience,
		token: func(k store.Keys, now time.Time) string { return k.OrderToken(now, body) }})
	if err != nil {
		return report, err
	}
	if got.code == http.StatusBadRequest {
		var wrong struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(got.text, &wrong) == nil && wrong.Error != "" {
			return report, errors.New(wrong.Error)
		}
	}
	if got.code != http.StatusOK || json.Unmarshal(got.text, &report) != nil || len(report.Outcomes) == 0 {
		return report, stranger(got.where)
	}
	return report, nil
}

// lookAtPeople is what reads the store alone.
func (c *call) lookAtPeople(ctx context.Context, action string, words []string) error {
	switch {
	case action == people.ActShow && len(words) == 0:
		return peopleUsage("people show needs NAME")
	case action == people.ActShow && len(words) > 1:
		return peopleUsage("people show takes no %q", words[1])
	case action == actExport && len(words) > 0:
		return peopleUsage("people export takes no %q", words[0])
	case c.csv && c.json:
		return peopleUsage("people export takes one of --csv and --json")
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	var all []people.Entry
	register := people.Register{}
	if storeExists(cfg.Storage) {
		if register.Store, err = openStore(ctx, cfg.Storage); err != nil {
			return err
		}
		defer func() { _ = register.Store.Close() }()
		links, err := register.Store.ChannelLinks(ctx)
		if err != nil {
			return err
		}
		cfg = linked(cfg, links)
		if register.Conversation, err = c.names(ctx, cfg, register.Store); err != nil {
			return err
		}
		if register.Account, err = c.accountNames(ctx, cfg, register.Store); err != nil {
			return err
		}
		if all, err = register.Entries(ctx); err != nil {
			return err
		}
	}
	switch action {
	case actExport:
		return c.export(all)
	case people.ActShow:
		return c.showPerson(ctx, register, words[0])
	}
	return c.listPeople(all, words)
}

func (c *call) showPerson(ctx context.Context, r people.Register, name string) error {
	if r.Store == nil {
		return fmt.Errorf("%s: nobody has connected or was asked yet", oneLine(name))
	}
	e, err := r.Find(ctx, name)
	if err != nil {
		return fmt.Errorf("%s: %w", oneLine(name), err)
	}
	sections, err := r.Show(ctx, e)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, s := range sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(oneLine(s.Title) + "\n")
		for _, l := range s.Lines {
			b.WriteString("  " + oneLine(l) + "\n")
		}
	}
	_, err = io.WriteString(c.out, b.String())
	return err
}

// accountNames names the account on a server, as far as one of its channels was found.
func (c *call) accountNames(ctx context.Context, cfg *config.Config, s *store.Store) (func(bridge.ServerID) string, error) {
	known := map[bridge.ServerID]string{}
	for _, g := range cfg.Gateways {
		for _, e := range g.Endpoints {
			found, ok, err := s.Endpoint(ctx, bridge.AccountName(e.Account), gateway.Placed(placeOf(c.Protocols, cfg.Accounts[e.Account]), e.Channel))
			if err != nil {
				return nil, err
			}
			if _, twice := known[found.Server]; ok && !twice {
				known[found.Server] = string(e.Account)
			}
		}
	}
	return func(s bridge.ServerID) string { return known[s] }, nil
}
