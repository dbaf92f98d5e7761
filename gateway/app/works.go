package app

import (
	"context"
	"errors"
	"io"
	"strings"

	"causeway/gateway/dashboard"
	"causeway/gateway/store"
)

// works is what the dashboard does like the command line, beside the App that runs.
type works struct{ app *App }

// call is a command with the config that the App follows.
func (w works) call(args ...string) (*call, error) {
	if w.app.follow == nil {
		return nil, errors.New("this Causeway was started without a config file")
	}
	return &call{Command: Command{Protocols: w.app.protocols, Stderr: io.Discard}, out: io.Discard, config: w.app.follow.path, args: args}, nil
}

// Accounts are those that run.
func (w works) Accounts() []dashboard.Account {
	var all []dashboard.Account
	for _, a := range w.app.parts.Load().accounts {
		p, _ := protocolNamed(w.app.protocols, a.Protocol)
		all = append(all, dashboard.Account{Name: string(a.Name), LogsIn: p.Login})
	}
	return all
}

// Reload takes up what the config file says.
func (w works) Reload(ctx context.Context) ([]string, error) {
	done, err := w.app.reread(ctx)
	if err != nil {
		return nil, errors.New(strings.Join(problems(err), "; "))
	}
	return strings.Split(strings.TrimSpace(done.text()), "\n"), nil
}

// Check is `causeway check`.
func (w works) Check(ctx context.Context) (dashboard.Findings, error) {
	c, err := w.call()
	if err != nil {
		return dashboard.Findings{}, err
	}
	r, err := c.report(ctx)
	if err != nil {
		return dashboard.Findings{}, errors.New(strings.Join(problems(err), "; "))
	}
	var found dashboard.Findings
	for _, s := range r.Sections {
		one := dashboard.Section{About: s.About}
		for _, i := range s.Items {
			one.Items = append(one.Items, dashboard.Item{State: string(i.State), Text: i.Text, Next: i.Next})
		}
		found.Sections = append(found.Sections, one)
	}
	return found, nil
}

// Channels is `causeway channels`.
func (w works) Channels(ctx context.Context, account string) ([]string, error) {
	c, err := w.call(account)
	if err != nil {
		return nil, err
	}
	lines, _, err := c.visible(ctx)
	return lines, err
}

// CheckStore is `causeway store check` for the store that is open.
func (w works) CheckStore(ctx context.Context) (dashboard.Findings, error) {
	dsn := w.app.parts.Load().cfg.Storage.DSN
	i, err := store.Inspect(ctx, dsn)
	if err != nil {
		return dashboard.Findings{}, err
	}
	s := dashboard.Section{About: store.Name(dsn)}
	if len(i.Problems) == 0 {
		s.Items = append(s.Items, dashboard.Item{State: string(stateOK), Text: inspected(dsn, i)})
	}
	for _, p := range i.Problems {
		s.Items = append(s.Items, dashboard.Item{State: string(stateProblem), Text: oneLine(p), Next: restoreStep})
	}
	return dashboard.Findings{Sections: []dashboard.Section{s}}, nil
}

// Login is `causeway login`.
func (w works) Login(ctx context.Context, account string, show func(text string)) error {
	c, err := w.call(account)
	if err != nil {
		return err
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	one, err := c.account(cfg)
	if err != nil {
		return err
	}
	return c.signIn(ctx, cfg, one, w.app.store, show)
}
