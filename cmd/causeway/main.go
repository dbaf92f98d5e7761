// Command causeway joins conversations on Mattermost and Microsoft Teams. `causeway help` shows what it can do.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"causeway/bridge"
	"causeway/gateway/app"
)

// sameWish is how long further signals count as the first one: timeout(1) and some supervisors signal the process and
// then its group.
const sameWish = 300 * time.Millisecond

// garbage is how much may be allocated before memory is collected, in percent of what is in use. Causeway uses a few MiB and throws away much for each
// message, most of it Microsoft's models: with Go's 100 %, a seventh of its CPU time under load was spent on collecting. An operator's GOGC counts.
const garbage = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
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
