// Command demo shows Causeway at work without an account anywhere: it starts the stand-ins for Mattermost and Teams on
// loopback, puts people and a channel into each, and runs the causeway program between them. A short conversation
// follows, in which Causeway is killed once; one sees each message cross, and how long it took. In a terminal one can
// then go on talking.
//
// It ends with exit code 1 when something did not cross, and then leaves the folder with config, store and log.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	d, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		d.out = os.Stdout
		if isTerminal(os.Stdin) {
			d.in = os.Stdin
		}
		err = d.run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is what the flags say.
type demo struct {
	program  string        // causeway
	width    int           // of the terminal, in columns
	pace     time.Duration // between two things that people do, so that one can read along
	patience time.Duration // how long anything may take to cross
	in       io.Reader     // what is typed after the script; nil: the demo then ends
	out      io.Writer
}

func parse(args []string) (*demo, error) {
	d := &demo{}
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.StringVar(&d.program, "causeway", "", "the causeway program; built from this repository when empty")
	f.IntVar(&d.width, "width", 100, "columns of the terminal")
	f.DurationVar(&d.pace, "pace", 700*time.Millisecond, "pause between two things that people do")
	f.DurationVar(&d.patience, "patience", 30*time.Second, "how long anything may take to cross")
	return d, f.Parse(args)
}

// isTerminal reports whether somebody may be typing there. The null device is a character device, too.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// run is the whole demonstration.
func (d *demo) run(ctx context.Context) (err error) {
	folder, err := os.MkdirTemp("", "causeway-demo-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	w, err := newWorld()
	if err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	defer w.close()
	program, err := d.find(ctx, folder)
	if err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	c := &causeway{program: program, folder: folder}
	if err := c.configure(w); err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	defer func() {
		c.stop()
		if err == nil || ctx.Err() != nil {
			err = errors.Join(err, os.RemoveAll(folder))
			return
		}
		err = fmt.Errorf("%w\nConfig, store and log are in %s", err, folder)
	}()
	return d.perform(ctx, w, c)
}

// find gives the path of the program, built when none was named.
func (d *demo) find(ctx context.Context, folder string) (string, error) {
	if d.program != "" {
		return filepath.Abs(d.program)
	}
	program := filepath.Join(folder, "causeway")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "causeway/cmd/causeway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building causeway: %w\n%s", err, output)
	}
	return program, nil
}

// perform signs in, plays the script, and then lets people type.
func (d *demo) perform(ctx context.Context, w *world, c *causeway) error {
	s := newScreen(d.out, d.width)
	s.heading("Causeway between two stand-ins, in " + c.folder)
	s.note("config.toml there is an ordinary one, causeway.log what Causeway has to say. Teams is asked every half second.")
	if err := d.signIn(ctx, w, c, s); err != nil {
		return err
	}
	watching := watch(w, s)
	defer watching.stop()
	if err := c.start(); err != nil {
		return err
	}
	if err := w.awaitReaders(ctx, c, d.patience); err != nil {
		return err
	}
	p := &play{demo: d, world: w, causeway: c, screen: s, watch: watching}
	if err := p.script(ctx); err != nil {
		return err
	}
	if d.in == nil {
		return nil
	}
	return p.prompt(ctx, bufio.NewScanner(d.in))
}

// signIn does what an operator does once: login, where the demo itself enters the code, and check.
func (d *demo) signIn(ctx context.Context, w *world, c *causeway, s *screen) error {
	s.note("$ causeway login " + teamsAccount)
	approving, done := context.WithCancel(ctx)
	approved := make(chan error, 1)
	go func() { approved <- w.approveLogin(approving) }()
	output, err := c.command(ctx, "login", teamsAccount)
	done()
	s.quote(output)
	if err := errors.Join(err, <-approved); err != nil {
		return fmt.Errorf("signing the relay account in: %w", err)
	}
	s.note("$ causeway check")
	output, err = c.command(ctx, "check")
	s.quote(output)
	if err != nil {
		return fmt.Errorf("checking: %w", err)
	}
	return nil
}
