package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/gateway/config"
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
	done, err := w.app.reread(ctx, "")
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

// Backup is `causeway store backup`, into a file beside the store that is named after this moment.
func (w works) Backup(ctx context.Context) (string, error) {
	s := w.app.parts.Load().cfg.Storage
	file := filepath.Join(w.beside(s), "causeway-"+time.Now().UTC().Format("20060102-150405")+".db")
	found, err := store.Backup(ctx, s.DSN, file)
	if err != nil {
		return "", damaged(err)
	}
	return backedUp(s, file, found), nil
}

// beside is the folder of the store; with PostgreSQL that of the key file, or of the config where there is none.
func (w works) beside(s config.Storage) string {
	switch {
	case !store.IsPostgres(s.DSN):
		return filepath.Dir(followed(s.DSN))
	case s.KeyFile != "":
		return filepath.Dir(followed(s.KeyFile))
	case w.app.follow != nil:
		return filepath.Dir(followed(w.app.follow.path))
	}
	return "."
}

// LogLevel is how much is logged now.
func (w works) LogLevel() string {
	if level := w.app.log.Logger.GetLevel(); level != logrus.WarnLevel {
		return level.String()
	}
	return "warn" // as the config calls it
}

// SetLogLevel counts until the config is taken up again.
func (w works) SetLogLevel(name string) error {
	level, err := logrus.ParseLevel(name)
	if err != nil || !slices.Contains(dashboard.LogLevels, name) {
		return fmt.Errorf("there is no level %q; %s", name, config.Suggest(name, dashboard.LogLevels))
	}
	w.app.log.Logger.SetLevel(level)
	return nil
}

// Links are the pairs that were made at run time.
func (w works) Links(ctx context.Context) ([]dashboard.Link, error) {
	stored, err := w.app.store.ChannelLinks(ctx)
	var all []dashboard.Link
	for _, l := range stored {
		one := dashboard.Link{Name: linkName(l.ID), Made: l.Made, Who: l.Who}
		for i, end := range l.Ends {
			one.Ends[i] = dashboard.LinkEnd{Typed: end.String(), Shown: end.Shown()}
		}
		all = append(all, one)
	}
	return all, err
}

// Link is `causeway link`.
func (w works) Link(ctx context.Context, who, one, two string) (string, error) {
	return changed(ctx, who, one, two, w.app.link)
}

// Unlink is `causeway unlink`.
func (w works) Unlink(ctx context.Context, who, one, two string) (string, error) {
	return changed(ctx, who, one, two, w.app.unlink)
}

// changed reads two channels as they are typed, and has something done with them.
func changed(ctx context.Context, who, one, two string, do func(context.Context, string, [2]place) (string, error)) (string, error) {
	var ends [2]store.ChannelEnd
	var err error
	for i, text := range []string{one, two} {
		if ends[i], err = channelEnd(text); err != nil {
			return "", err
		}
	}
	said, err := do(ctx, who, asTyped(ends))
	if err != nil {
		return "", errors.New(strings.Join(problems(err), "; "))
	}
	return said, nil
}

// Export is `causeway people export`.
func (w works) Export(ctx context.Context) ([]byte, error) {
	c, err := w.call()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	c.out = &text
	err = c.lookAtPeople(ctx, actExport, nil)
	return text.Bytes(), err
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
