package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"causeway/bridge"
	"causeway/gateway/config"
)

// adminToken is the environment variable from which `causeway setup` takes an administrator's token.
const adminToken = "CAUSEWAY_ADMIN_TOKEN"

// setup is `causeway setup PROTOCOL`.
func (c *call) setup(ctx context.Context) error {
	v, _ := verbNamed("setup")
	var names []string
	for _, p := range c.Protocols {
		if p.Setup != nil {
			names = append(names, p.Name)
		}
	}
	i := slices.IndexFunc(c.Protocols, func(p bridge.Protocol) bool { return p.Setup != nil && p.Name == c.args[0] })
	if i < 0 {
		return &usageError{text: fmt.Sprintf("there is no setup of %q; %s", c.args[0], config.Suggest(c.args[0], names)), verb: v}
	}
	p := c.Protocols[i]
	for name := range c.setupOptions {
		if !slices.Contains(append([]string{flagAccount, flagPublicURL}, p.Setup.Options...), name) {
			return &usageError{text: fmt.Sprintf("setup %s takes no --%s", p.Name, name), verb: v}
		}
	}
	if c.test {
		return c.testSetup(ctx, p)
	}
	one, err := c.setupCall(p)
	if err != nil {
		return err
	}
	return p.Setup.Run(ctx, one)
}

// setupCall takes from the config what it says already.
func (c *call) setupCall(p bridge.Protocol) (bridge.SetupCall, error) {
	one := bridge.SetupCall{Options: c.setupOptions, Undo: c.undo, Desk: &desk{c: c, input: bufio.NewReader(input(c.Stdin))}}
	one.PublicURL = strings.TrimRight(one.Option(flagPublicURL), "/")
	name := one.Option(flagAccount)
	if _, err := os.Stat(c.config); err == nil {
		if one.PublicURL == "" {
			r, err := config.LoadRunning(c.config)
			if err != nil {
				return one, err
			}
			one.PublicURL = r.HTTP.PublicURL
		}
		if cfg, err := c.load(); err == nil { // where it does not pass yet, the flags say all
			if a, err := accountOf(cfg, p.Name, name); err == nil {
				one.Account, one.Settings = bridge.AccountName(a.ID), a.Settings
			}
		}
	}
	if one.Account == "" {
		if name == "" {
			name = p.Setup.Account
		}
		if !strings.HasPrefix(name, p.Name+".") {
			name = p.Name + "." + name
		}
		one.Account = bridge.AccountName(name)
	}
	if one.PublicURL != "" {
		one.Redirect = one.PublicURL + "/connect/back"
	}
	return one, nil
}

// accountOf gives the account of a protocol that is named, or the only one.
func accountOf(cfg *config.Config, protocol, name string) (config.Account, error) {
	var ids []string
	for _, a := range inOrder(cfg) {
		if a.Protocol == protocol && (name == "" || a.ID == name || a.Name == name) {
			ids = append(ids, a.ID)
		}
	}
	switch {
	case len(ids) == 1:
		return cfg.Accounts[ids[0]], nil
	case len(ids) == 0:
		return config.Account{}, fmt.Errorf("the config has no such account of %s: add one, or name another with --account", protocol)
	}
	return config.Account{}, fmt.Errorf("which account? Name one with --account: %s", strings.Join(ids, ", "))
}

// testSetup looks at one account as `causeway check` does, without channels.
func (c *call) testSetup(ctx context.Context, p bridge.Protocol) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	a, err := accountOf(cfg, p.Name, bridge.SetupCall{Options: c.setupOptions}.Option(flagAccount))
	if err != nil {
		return err
	}
	stored, err := openLook(ctx, cfg.Storage)
	if err != nil {
		return err
	}
	defer stored.close()
	alone := *cfg
	alone.Accounts, alone.Gateways = map[string]config.Account{a.ID: a}, nil
	var r report
	for _, one := range c.checkAccounts(ctx, &alone, stored) {
		r.account(one)
	}
	return c.show(&r)
}

// input gives a command's stdin, which may be absent.
func input(r io.Reader) io.Reader {
	if r == nil {
		return strings.NewReader("")
	}
	return r
}

// desk is the terminal of whoever sets up. What is asked goes to stderr, so that stdout can be sent into a file.
type desk struct {
	c     *call
	input *bufio.Reader
}

func (d *desk) Say(text string) { _, _ = fmt.Fprintln(d.c.out, text) }

// terminal gives the descriptor of the terminal from which answers come.
func (d *desk) terminal() (fd int, is bool) {
	f, ok := d.c.Stdin.(*os.File)
	return fileNumber(f, ok), ok && term.IsTerminal(int(f.Fd()))
}

func fileNumber(f *os.File, ok bool) int {
	if !ok {
		return -1
	}
	return int(f.Fd())
}

func (d *desk) ask(question string) (string, error) {
	_, _ = fmt.Fprint(d.c.Stderr, question)
	line, err := d.input.ReadString('\n')
	if line = strings.TrimSpace(line); line != "" {
		err = nil
	}
	return line, err
}

func (d *desk) hidden(question string) (string, error) {
	fd, is := d.terminal()
	if !is {
		return d.ask(question)
	}
	_, _ = fmt.Fprint(d.c.Stderr, question)
	text, err := term.ReadPassword(fd)
	_, _ = fmt.Fprintln(d.c.Stderr)
	return string(text), err
}

func (d *desk) Login(context.Context) (bridge.Login, error) {
	if token := os.Getenv(adminToken); token != "" {
		return bridge.Login{Token: token}, nil
	}
	if _, is := d.terminal(); !is {
		token, err := d.input.ReadString('\n')
		if token = strings.TrimSpace(token); token == "" {
			return bridge.Login{}, fmt.Errorf("who is the administrator? Call it from a terminal, or give an administrator's token on stdin or in the environment variable %s: %w", adminToken, noInput(err))
		}
		return bridge.Login{Token: token}, nil
	}
	user, err := d.ask("User name of a system administrator: ")
	if err != nil {
		return bridge.Login{}, fmt.Errorf("asking who the administrator is: %w", noInput(err))
	}
	password, err := d.hidden("Password (used once, and kept nowhere): ")
	if err != nil {
		return bridge.Login{}, fmt.Errorf("asking for the password: %w", noInput(err))
	}
	return bridge.Login{User: user, Password: password}, nil
}

func noInput(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return errors.New("nothing was typed")
	}
	return err
}

func (d *desk) Code(context.Context) (string, error) {
	code, err := d.ask("Code of the second factor: ")
	if err != nil {
		return "", fmt.Errorf("asking for the second factor: %w", noInput(err))
	}
	return code, nil
}

func (d *desk) Agreed(context.Context) (bool, error) {
	if d.c.yes {
		return true, nil
	}
	if _, is := d.terminal(); !is {
		return false, errors.New("nothing was changed: add --yes to have it done")
	}
	answer, err := d.ask("Do this? [y/N] ")
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if yes := strings.ToLower(answer); yes == "y" || yes == "yes" {
		return true, nil
	}
	d.Say("Nothing was changed.")
	return false, nil
}

// beside gives the path of a file in the folder of the config.
func (d *desk) beside(name string) string { return filepath.Join(filepath.Dir(d.c.config), name) }

func (d *desk) Kept(name string) (string, error) {
	text, err := os.ReadFile(d.beside(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading %s: %w: move it away, or make it readable", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (d *desk) Keep(name, value string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(d.c.config), "."+name+"-*") // which only its owner can read
	if err != nil {
		return "", fmt.Errorf("writing %s: %w: name with -c a config in a folder where you may write", name, err)
	}
	_, err = f.WriteString(value + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), d.beside(name))
	}
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return name, nil
}

func (d *desk) Config(lines string) error {
	if _, err := os.Stat(d.c.config); err == nil {
		d.Say("In " + d.c.config + ":\n\n" + strings.TrimRight(lines, "\n"))
		return nil
	}
	if err := writeAnew(d.c.config, []byte("# Made by causeway setup; config.toml.example explains every key, and shows what a [[gateway]] is.\n\n"+lines)); err != nil {
		return err
	}
	d.Say("Wrote " + d.c.config + ". Next: `causeway setup msteams` says how to register the app of Teams; add its account to " + d.c.config + ", and a [[gateway]] that joins two channels.")
	return nil
}
