// Command demo shows Causeway at work without an account anywhere: it starts the stand-ins for Mattermost and Teams on
// loopback, puts people into each, runs the causeway program between them, and serves a page on which one is these
// people, sees each message cross, and can break things.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"causeway/contrib/demo/operator"
	"causeway/contrib/demo/page"
	"causeway/contrib/demo/stage"
)

// usual is where the page is when nothing else is asked for and the port is free.
const usual = "127.0.0.1:8070"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	d, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = d.run(ctx, os.Stdout)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is what the flags say.
type demo struct {
	program string // causeway
	listen  string // empty: usual, or any port when that is taken
}

func parse(args []string) (*demo, error) {
	d := &demo{}
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.StringVar(&d.program, "causeway", "", "the causeway program; built from this repository when empty")
	f.StringVar(&d.listen, "listen", "", "loopback address of the page; "+usual+" when empty, or any port when that is taken")
	return d, f.Parse(args)
}

// run is the whole demonstration.
func (d *demo) run(ctx context.Context, out io.Writer) (err error) {
	program := d.program
	if program == "" {
		folder, err := os.MkdirTemp("", "causeway-build-")
		if err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
		defer func() { _ = os.RemoveAll(folder) }() // what stays is a file for temporary ones
		if program, err = operator.Build(ctx, folder); err != nil {
			return err
		}
	}
	acme, err := stage.NewAcme(ctx)
	if err != nil {
		return err
	}
	defer acme.Close()
	s, err := stage.New(stage.Options{Program: program, Mattermost: acme.Mattermost()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	p, err := d.open(s)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `
  Causeway between two stand-ins:  %s

  Its config, store and log are in %s
  Mattermost's API is at           %s
  Microsoft Graph's at             %s
  Ctrl-C ends all of it.

`, p.URL(), s.Operator.Folder(), acme.URL(), s.TeamsURL())
	return page.Run(ctx, p, s)
}

// open listens where the flags say.
func (d *demo) open(s *stage.Stage) (*page.Page, error) {
	if d.listen != "" {
		return page.Listen(d.listen, s)
	}
	p, err := page.Listen(usual, s)
	if errors.Is(err, syscall.EADDRINUSE) {
		return page.Listen(net.JoinHostPort("127.0.0.1", "0"), s)
	}
	return p, err
}
