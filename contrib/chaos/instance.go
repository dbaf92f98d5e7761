package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"causeway/contrib/e2e/harness"
)

// instance is one of the Causeways that share a store.
type instance struct {
	*harness.Process
	number int
	// address is where it listens, host:port.
	address string
	// wires are its own ways to the servers of PostgreSQL; none with SQLite.
	wires []*harness.Proxy
	clock *jumper
}

func (i *instance) config() string { return fmt.Sprintf("config-%d.toml", i.number) }

func (i *instance) logFile(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("causeway-%d.log", i.number))
}

// said reports whether its last words have something in them.
func (i *instance) said(what string) bool {
	output := i.Output().String()
	return strings.Contains(output[max(0, len(output)-500):], what)
}

// furnishInstances says how many there are, and where. Where there are several, a balancer stands before them.
func (w *world) furnishInstances() {
	for n := range w.plan.Instances {
		w.instances = append(w.instances, &instance{number: n, address: harness.FreePort(w.tb)})
	}
	w.origin = "http://" + w.instances[0].address
	if len(w.instances) > 1 {
		w.origin = w.startBalancer()
	}
}

// balancer gives what comes to the instances in turn; who does not take a connection is passed over. It knows neither who works nor who is frozen.
type balancer struct {
	instances []*instance
	turn      atomic.Uint64
	net.Dialer
}

// balanceTime is how long an answer may take, as the balancer has it.
const balanceTime = 15 * time.Second

func (w *world) startBalancer() (origin string) {
	b := &balancer{instances: w.instances}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "any"})
			r.Out.Host = r.In.Host
		},
		Transport:     &http.Transport{DialContext: b.dial, DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: balanceTime},
		FlushInterval: -1,
		ErrorLog:      silent,
	}
	server := httptest.NewUnstartedServer(proxy)
	server.Config.ErrorLog = silent
	server.Start()
	w.tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func (b *balancer) dial(ctx context.Context, network, _ string) (conn net.Conn, err error) {
	for range b.instances {
		i := b.instances[b.turn.Add(1)%uint64(len(b.instances))]
		if conn, err = b.DialContext(ctx, network, i.address); err == nil {
			break
		}
	}
	return conn, err
}

func (w *world) command(i *instance, args ...string) harness.Command {
	return harness.Command{
		Path: w.servers.program, Args: append(args, "-c", i.config()), Dir: w.dir, LogFile: i.logFile(w.dir),
		Env: []string{"MM_TOKEN=" + w.bot.Token, "TEAMS_SECRET=" + appSecret, "DSN=" + w.dsn(i), "METRICS_TOKEN=" + w.secret},
	}
}

// victim is the instance that a fault strikes: mostly the one that leads, as long as that can be told.
func (w *world) victim(f Fault) *instance {
	if i := w.struck[f]; i != nil {
		return i
	}
	i := w.instances[f.Salt%uint64(len(w.instances))]
	if len(w.instances) > 1 && f.Salt>>32%4 > 0 {
		if works := w.working(); works != nil {
			i = works
		}
	}
	w.struck[f] = i
	if len(w.instances) > 1 {
		w.note("  it strikes instance %d", i.number)
	}
	return i
}

// working gives the instance that leads; nil: none says so.
func (w *world) working() *instance {
	for _, i := range w.instances {
		ctx, cancel := context.WithTimeout(w.tb.Context(), time.Second)
		_, err := w.asksOne(ctx, i)
		cancel()
		if err == nil {
			return i
		}
	}
	return nil
}

// revive starts what has ended by itself, as systemd would. down are those that a fault keeps down.
func (w *world) revive(down map[*instance]bool) {
	for _, i := range w.instances {
		if !down[i] && !i.Running() {
			w.note("Causeway %d has ended by itself, and is started", i.number)
			w.counts.restarts++
			i.Start(w.tb)
		}
	}
}

// asks reads the numbers of the one that leads.
func (w *world) asks(ctx context.Context) (s state, err error) {
	for _, i := range w.instances {
		one, failed := w.asksOne(ctx, i)
		if failed == nil {
			return one, nil
		}
		err = errors.Join(err, failed)
	}
	return s, err
}

// logs gives what the instances have logged, by the names of the files.
func (w *world) logs() map[string]string {
	all := map[string]string{}
	for _, i := range w.instances {
		text, err := os.ReadFile(i.logFile(w.dir))
		w.must("reading Causeway's log", err)
		all[filepath.Base(i.logFile(w.dir))] = string(text)
	}
	return all
}

// panics counts what must not be in their logs.
func (w *world) panics() (n int) {
	for _, log := range w.logs() {
		for line := range strings.Lines(log) {
			if strings.Contains(line, "internal error") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") || strings.Contains(line, "DATA RACE") {
				w.note("in the log: %s", strings.TrimSpace(line))
				n++
			}
		}
	}
	return n
}
