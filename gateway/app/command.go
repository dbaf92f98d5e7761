package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/web"
)

// Exit codes of [Command.Run].
const (
	exitOK = iota
	// exitFailed: a problem that was printed.
	exitFailed
	// exitUsage: the call itself is wrong.
	exitUsage
)

// Command is a call of the program. The same may be run several times.
type Command struct {
	// Protocols are the chat services that accounts can be on.
	Protocols []bridge.Protocol
	// Stdin is what `render` reads. Stdout takes what was asked for, Stderr problems and the log.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Patience is how long one account may take in `check` and `channels`; 0 means a minute.
	Patience time.Duration
	// roots are the authorities that `check` trusts at the public address; nil: the system's.
	roots *x509.CertPool
}

// call is a command with its arguments.
type call struct {
	Command
	options
	out    io.Writer
	config string
	args   []string
}

// errProblems ends a command that has printed its problems itself.
var errProblems = errors.New("there are problems")

// errStopped ends a command that a signal has ended.
var errStopped = errors.New("stopped before it was done")

// Run carries out the call with these arguments, without the program's name, until it is done or ctx ends. It gives the
// exit code: 0 done, 1 a problem, 2 a wrong call. Problems are printed to Stderr, a line for each.
func (c Command) Run(ctx context.Context, args []string) int {
	parsed, err := parse(args)
	switch {
	case err != nil:
	case parsed.help:
		_, err = io.WriteString(c.Stdout, usageOf(parsed.verb))
	default:
		one := &call{Command: c, options: parsed.options, out: c.Stdout, config: parsed.config, args: parsed.args}
		err = guarded(func() error { return parsed.verb.do(one, ctx) })
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errStopped
	}
	return c.end(err)
}

// end prints what went wrong.
func (c Command) end(err error) int {
	var wrong *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitFailed
	case errors.As(err, &wrong):
		_, _ = fmt.Fprintf(c.Stderr, "causeway: %v\n%s", wrong, usageOf(wrong.verb))
		return exitUsage
	}
	for _, line := range problems(err) {
		_, _ = fmt.Fprintln(c.Stderr, "causeway: "+line)
	}
	return exitFailed
}

// problems gives one line for each of the errors that were joined.
func problems(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && !isWrapped(err, joined.Unwrap()) {
		var all []string
		for _, one := range joined.Unwrap() {
			all = append(all, problems(one)...)
		}
		return all
	}
	var mistakes config.Errors
	if errors.As(err, &mistakes) {
		var all []string
		for _, m := range mistakes {
			all = append(all, oneLine(m.String()))
		}
		return all
	}
	return []string{oneLine(err.Error())}
}

// isWrapped tells fmt.Errorf with several %w, whose text is more than that of its errors, from errors.Join.
func isWrapped(err error, inner []error) bool { return err.Error() != errors.Join(inner...).Error() }

// oneLine keeps what a service said from looking like several problems, or from moving the terminal's cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
}

// load reads the config.
func (c *call) load() (*config.Config, error) { return c.loadBy(config.Load) }

// loadToLook reads the config for a command that needs the store alone: it is called in a shell, which has not the secrets of the service's environment.
func (c *call) loadToLook() (*config.Config, error) { return c.loadBy(config.LoadWithoutSecrets) }

func (c *call) loadBy(load func(string, config.Protocols) (*config.Config, error)) (*config.Config, error) {
	protocols := config.Protocols{}
	for _, p := range c.Protocols {
		protocols[p.Name] = p.Settings
	}
	cfg, err := load(c.config, protocols)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; `make demo` shows Causeway without one", err)
	}
	return cfg, err
}

// account gives the account that the first argument names.
func (c *call) account(cfg *config.Config) (config.Account, error) {
	name := c.args[0]
	all := inOrder(cfg)
	if i := slices.IndexFunc(all, func(a config.Account) bool { return strings.EqualFold(a.ID, name) }); i >= 0 {
		return all[i], nil
	}
	var ids []string
	for _, a := range all {
		ids = append(ids, a.ID)
	}
	if len(ids) == 0 {
		return config.Account{}, fmt.Errorf("%s holds no account: add a table [PROTOCOL.NAME]; config.toml.example shows how", c.config)
	}
	return config.Account{}, fmt.Errorf("there is no account %q in %s; %s", name, c.config, config.Suggest(name, ids))
}

// bridge makes the bridge of an account for a command that prints what it has to say.
func (c *call) bridge(cfg *config.Config, account config.Account, vault bridge.Vault) (bridge.Bridge, error) {
	return newBridge(c.Protocols, account, bridge.Env{Vault: vault, Log: noLog(), Hook: web.Hook(cfg.HTTP.PublicURL, account.ID),
		Front: people.Awaiting(cfg.People), Direct: carriesTalks(cfg, bridge.AccountName(account.ID)), Deactivates: cfg.People.Enable && cfg.People.OnTeamsUserRemoved == config.RemovedDeactivate})
}

// patience is how long one account may take.
func (c *call) patience() time.Duration {
	if c.Patience > 0 {
		return c.Patience
	}
	return time.Minute
}
