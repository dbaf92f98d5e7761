// Command demo is the demonstration with a real Mattermost server on its left: Team Edition on a throw-away PostgreSQL, both of which
// end with it. On the right is the stand-in for Teams, in the middle the causeway program, and the page is the same as
// that of contrib/demo.
//
// The Mattermost server comes from its Go module, which has no web app in it. The page shows the left side instead, and any
// program that speaks Mattermost's API can log in, too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"causeway/contrib/demo/page"
	"causeway/contrib/demo/stage"
	"causeway/contrib/e2e/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	listen := flag.String("listen", "127.0.0.1:0", "loopback address of the page")
	flag.Parse()
	tb := newTB(ctx, os.Stderr)
	err := tb.try(func() { perform(tb, *listen, os.Stdout) })
	if end := tb.end(); err == nil {
		err = end
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// perform is the whole demonstration; it returns when the context of tb ends. What it starts ends with tb.
func perform(tb *ownTB, listen string, out io.Writer) {
	tb.Logf("starting PostgreSQL and Mattermost; the first time, the server is compiled, which takes some minutes")
	acme := newAcme(tb)
	s, err := stage.New(stage.Options{Program: harness.BuildCauseway(tb), Mattermost: acme.describe(tb)})
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("%v", err)
		}
	})
	p, err := page.Listen(listen, s)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	fmt.Fprintf(out, `
  Causeway between a real Mattermost server and the stand-in for Teams:
      %s

  The Mattermost server is at  %s
  It has no web app; programs that use its API can log in, as %s, with the password
      %s
  for example:  curl -i -d '{"login_id":"alice","password":"%s"}' %s/api/v4/users/login
  Try: write on the left of the page and see it in Teams; open a direct or group conversation by “New message” on either side, of those
      who have connected (on the left alice, amir, bob and berta) and see it open on the other; cut the line to Mattermost, kill Causeway,
      let everybody talk.

  Causeway's config, store and log are in %s
  Ctrl-C ends and removes all of it.

`, p.URL(), acme.server.URL, acme.names(), acme.password, acme.password, acme.server.URL, s.Operator.Folder())
	if err := page.Run(tb.Context(), p, s); err != nil && !errors.Is(err, context.Canceled) {
		tb.Fatalf("%v", err)
	}
}
