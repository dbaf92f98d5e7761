// Command causeway joins conversations on Mattermost and Microsoft Teams. `causeway help` shows what it can do.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"causeway/bridge"
	"causeway/gateway/app"
)

// sameWish is how long further signals count as the first one: timeout(1) and some supervisors signal the process and
// then its group.
const sameWish = 300 * time.Millisecond

func main() {
	os.Exit(run(os.Args[1:]))
}

// run ends softly at the first signal, which is bounded by the commands themselves, and at once at the second.
func run(args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "causeway: internal error: %v\n", p)
			code = 1
		}
	}()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		for first := time.Now(); ; {
			if <-signals; time.Since(first) > sameWish {
				os.Exit(1)
			}
		}
	}()
	command := app.Command{Protocols: bridge.Protocols(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	return command.Run(ctx, args)
}
