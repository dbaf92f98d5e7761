// Package web is Causeway's HTTP server. So far it tells whether Causeway is alive; the bridges' webhooks and the
// pages for people and operators will be mounted here too.
//
// Whatever a client does or leaves undone, it costs a bounded time and amount of memory: the server may stand where
// everybody reaches it.
package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeader      = 64 << 10
	// farewell is how long requests that are under way at the end may take.
	farewell = 3 * time.Second
)

// Listen opens the address of the config, host:port. Its errors name the next step.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("opening the HTTP server: the port of %s is in use: end the program that uses it, or set Listen in [http] to another port", address)
	case err != nil:
		return nil, fmt.Errorf("opening the HTTP server: %w: set Listen in [http] to an address of this machine and a port that Causeway may use", err)
	}
	return l, nil
}

// Serve answers on l until ctx ends, waits a little for what is under way, and closes l. Its error is what stopped it
// before.
func Serve(ctx context.Context, l net.Listener, log *logrus.Entry) error {
	server := &http.Server{
		Handler:           guarded(handler(), log),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          newErrorLog(log),
	}
	var stopping sync.WaitGroup
	defer stopping.Wait()
	serving, stop := context.WithCancel(ctx)
	defer stop()
	stopping.Go(func() {
		<-serving.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if server.Shutdown(limited) != nil {
			_ = server.Close()
		}
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	return mux
}

// healthy tells monitors that the process is alive. It says nothing of accounts: a service that is down is no reason
// to restart Causeway.
func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
