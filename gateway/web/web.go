// Package web is Causeway's HTTP server: it tells whether Causeway is alive and how it stands, and hands on what chat
// services send to an account, and what people open in a browser.
//
// Whatever a client does or leaves undone, it costs a bounded time and amount of memory: the server may stand where
// everybody reaches it. What the handler of an account reads of a body is its own business.
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

// Site is what the server answers, each below "/" and, where a reverse proxy leaves it there, below the path of
// PublicURL:
//
//	/healthz           whether the process is alive
//	/readyz            whether it does its work, and what of it not
//	/metrics           numbers for Prometheus, for those who may know
//	/status            how everything stands, for those who may know
//	/people            what the operator wants done about people
//	/reload            that what the config says now is taken up
//	/link              that channels are linked, or not any more
//	/hooks/ACCOUNT/…   what a service sends to an account, and what an account shows to others
//	/hooks/causeway/…  a proof for `causeway check` that the address leads here
//	/connect/…, /me/…  the pages of people
//	/, and what OperatorPaths say: the pages of the operator
type Site struct {
	// PublicURL is the address at which others reach the server; may be empty.
	PublicURL string
	// Hooks gives the handler of an account; nil where it has none. A handler sees paths that begin after
	// /hooks/ACCOUNT, and must end with the request's context.
	Hooks func(account string) http.Handler
	// Pages answers what begins with /connect/ and /me/; nil: there are no such pages. It must keep the paths, which hold tokens, to
	// itself, and answer also where it fails.
	Pages http.Handler
	// Operator answers OperatorPaths, patterns of [http.ServeMux]; nil: there are no such pages. It must let nobody see them who may not.
	Operator      http.Handler
	OperatorPaths []string
	// Ready tells whether Causeway does its work, and what keeps some of it from being done, as /readyz shows it to anybody as JSON; nil:
	// there is no /readyz. It takes a bounded time.
	Ready func(context.Context) (ready bool, reasons any)
	// Scraping is who may read /metrics; without Numbers there is none.
	Scraping Scraping
	// Status gives what /status shows as JSON; nil: there is no /status.
	Status func(context.Context) any
	// MaySeeStatus judges the bearer token of a request for it.
	MaySeeStatus func(token string) bool
	// Orders are carried out, by the path to which they are posted.
	Orders map[string]Order
	// MayOrder judges the bearer token of an order.
	MayOrder func(token string, order []byte) bool
	// Prove proves to [ProofPath] that this is the installation with the key file; nil: there is no such path.
	Prove func(nonce string) string
	// Elsewhere, when not nil, is what everything but /healthz and /metrics is handed on to, since the work is done there.
	Elsewhere *Elsewhere
	// Waiting: this only tries the address, and services shall send again what they send now.
	Waiting bool
}

// Hook gives the address below which others reach the handler of an account; empty without a public URL.
func Hook(publicURL, account string) string {
	if publicURL == "" {
		return ""
	}
	return publicURL + hookPath(account)
}

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

// Serve answers on l until ctx ends, waits a little for what is under way, and closes l. No handler runs any more when
// it returns. Its error is what stopped it before.
func Serve(ctx context.Context, l net.Listener, site Site, log *logrus.Entry) error {
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	handling := gate{next: recovering(site.handler(), log)}
	server := &http.Server{
		Handler:           &handling,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          newErrorLog(log),
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(requests, servedBy{}, requests) },
	}
	var stopping sync.WaitGroup
	serving, stop := context.WithCancel(ctx)
	stopping.Go(func() {
		<-serving.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if server.Shutdown(limited) != nil {
			end()
			_ = server.Close()
		}
	})
	err := server.Serve(l)
	stop()
	stopping.Wait()
	handling.shut()
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

// servedBy is under which the context of a request has that of the server.
type servedBy struct{}

// Outlasting gives a context for what is not to be left half done when whoever has asked for it goes. It ends with the server that has taken the request, since that
// waits for its handlers, and after limit.
func Outlasting(request context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(request), limit)
	server, ok := request.Value(servedBy{}).(context.Context)
	if !ok {
		return ctx, cancel
	}
	stop := context.AfterFunc(server, cancel)
	return ctx, func() { stop(); cancel() }
}

// gate lets the server wait for handlers whose connection it has closed.
type gate struct {
	next   http.Handler
	mutex  sync.Mutex // guards closed against handlers that begin
	closed bool
	inside sync.WaitGroup
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mutex.Lock()
	if g.closed {
		g.mutex.Unlock()
		panic(http.ErrAbortHandler)
	}
	g.inside.Add(1)
	g.mutex.Unlock()
	defer g.inside.Done()
	g.next.ServeHTTP(w, r)
}

// shut returns when nobody is inside, and nobody can come any more.
func (g *gate) shut() {
	g.mutex.Lock()
	g.closed = true
	g.mutex.Unlock()
	g.inside.Wait()
}

func (s Site) handler() http.Handler {
	mux := http.NewServeMux()
	if s.Prove != nil {
		mux.HandleFunc("GET "+ProofPath+"{nonce}", s.prove)
	}
	if s.Waiting {
		mux.HandleFunc("/", wait)
		return below(s.PublicURL, mux)
	}
	mux.HandleFunc("GET /healthz", healthy)
	if s.Elsewhere != nil {
		mux.Handle("/", s.Elsewhere)
		if s.Scraping.Numbers != nil {
			mux.HandleFunc("GET /metrics", s.metrics)
		}
		return mux // the other one takes off the path of PublicURL
	}
	if s.Ready != nil {
		mux.Handle("GET /readyz", &readiness{ask: s.Ready})
	}
	if s.Scraping.Numbers != nil {
		mux.HandleFunc("GET /metrics", s.metrics)
	}
	if s.Status != nil {
		mux.HandleFunc("GET /status", s.status)
	}
	for path, carryOut := range s.Orders {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { s.order(w, r, carryOut) })
	}
	if s.Hooks != nil {
		mux.HandleFunc(hooks+"{account}", s.hook)
		mux.HandleFunc(hooks+"{account}/{rest...}", s.hook)
	}
	if s.Pages != nil {
		mux.Handle("/connect/", s.Pages)
		mux.Handle("/me/", s.Pages)
	}
	if s.Operator != nil {
		for _, pattern := range s.OperatorPaths {
			mux.Handle(pattern, s.Operator)
		}
	}
	return below(s.PublicURL, mux)
}

// healthy tells monitors that the process is alive. It says nothing of accounts: a service that is down is no reason
// to restart Causeway.
func healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, []byte(`{"status":"ok"}`+"\n"))
}

func answer(w http.ResponseWriter, code int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
