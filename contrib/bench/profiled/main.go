// Command profiled is causeway that writes CPU, allocation and block profiles of its whole run to the folder PROFILES, if that is
// set. It exists so that the product needs no door for it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"causeway/bridge"
	_ "causeway/bridge/mattermost"
	_ "causeway/bridge/msteams"
	"causeway/contrib/bench/profile"
	"causeway/gateway/app"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	finish := func() error { return nil }
	if folder := os.Getenv("PROFILES"); folder != "" {
		var err error
		if finish, err = profile.Start(folder, "causeway"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	command := app.Command{Protocols: bridge.Protocols(), Stdout: os.Stdout, Stderr: os.Stderr}
	code := command.Run(ctx, args)
	if err := finish(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
