// Package page is the demonstration's web page: two panes, Mattermost and Teams, and what happens between them, live.
//
// The page is plain HTML, CSS and JavaScript, embedded, and asks nobody but its own server for anything. It gets everything by
// one stream of server-sent events (events.go) and acts by small POST requests (acts.go).
//
// It can act as anybody in the demonstration and rewrite Causeway's config, so it is for one person only (guard.go): it listens on
// loopback, wants the key that stands in the printed address, and refuses foreign hosts and origins.
package page

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"causeway/contrib/demo/stage"
)

//go:embed assets
var assets embed.FS

// Page serves one stage.
type Page struct {
	stage    *stage.Stage
	listener net.Listener
	key      string
	handler  http.Handler
}

// Listen opens the page's address, which must be a loopback one. Port 0 takes any that is free.
func Listen(address string, s *stage.Stage) (*Page, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listening on %s: the page can act as anybody, so it listens on a loopback address only", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	p := &Page{stage: s, listener: l, key: newKey()}
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the page: %w", err), l.Close())
	}
	p.handler = p.guarded(p.routes(files))
	return p, nil
}

// URL is the address to open, with the key.
func (p *Page) URL() string { return "http://" + p.listener.Addr().String() + "/?key=" + p.key }

// Serve answers until ctx ends.
func (p *Page) Serve(ctx context.Context) error {
	server := &http.Server{
		Handler: p.handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends the streams
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	return nil
}

func (p *Page) routes(files fs.FS) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /api/events", p.events)
	mux.HandleFunc("GET /api/file", p.download)
	mux.HandleFunc("GET /api/config", p.readConfig)
	mux.HandleFunc("POST /api/config", p.writeConfig)
	mux.HandleFunc("POST /api/open", p.open)
	mux.HandleFunc("POST /api/say", p.say)
	mux.HandleFunc("POST /api/edit", p.edit)
	mux.HandleFunc("POST /api/delete", p.delete)
	mux.HandleFunc("POST /api/react", p.react)
	mux.HandleFunc("POST /api/causeway", p.causeway)
	mux.HandleFunc("POST /api/fault", p.fault)
	mux.HandleFunc("POST /api/talk", p.talk)
	return mux
}

// Run serves the page and runs its stage until ctx ends or either fails.
func Run(ctx context.Context, p *Page, s *stage.Stage) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.Serve(ctx) })
	g.Go(func() error { return s.Run(ctx) })
	return g.Wait()
}
