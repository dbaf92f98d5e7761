package app

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/secret"
)

// world is a folder with a config, and two services in memory, "left" and "right", each with the channels
// team/general and team/other.
type world struct {
	*testing.T
	dir         string
	left, right *memory.Service
	faults      faults
	protocols   []bridge.Protocol
	patience    time.Duration
	// roots are the authorities that check trusts.
	roots *x509.CertPool
}

// faults decide what goes wrong, and may be changed while everything runs.
type faults struct {
	mutex  sync.Mutex
	decide memory.Fault
	read   map[bridge.ConversationID]bool
}

// begun reports whether a conversation has been read: only what is said from then on is carried.
func (f *faults) begun(c bridge.ConversationID) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.read[c]
}

func (f *faults) set(decide memory.Fault) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.decide = decide
}

func (f *faults) fault(ctx context.Context, c memory.Call) error {
	f.mutex.Lock()
	decide := f.decide
	if c.Op == memory.Feeding && c.After {
		f.read[c.Conversation] = true
	}
	f.mutex.Unlock()
	if decide == nil {
		return nil
	}
	return decide(ctx, c)
}

const (
	accounts = `
[http]
Listen = "127.0.0.1:0"

[left.one]
User = "bot"
[right.two]
User = "bot"
Label = "Right"
`
	oneGateway = `
[[gateway]]
name = "all"
inout = [ { account = "left.one", channel = "team/general" }, { account = "right.two", channel = "team/general" } ]
`
)

func newWorld(t *testing.T, config string) *world {
	w := &world{T: t, dir: t.TempDir()}
	w.faults.read = map[bridge.ConversationID]bool{}
	w.left, w.right = w.serve("left"), w.serve("right")
	w.write("config.toml", config)
	return w
}

// serve makes a service of that name and adds its protocol.
func (w *world) serve(name string) *memory.Service {
	service := memory.NewService(bridge.ServerID("memory:"+name), memory.Options{Fault: w.faults.fault})
	service.AddChannel("C1", "team/general")
	service.AddChannel("C2", "team/other")
	p := memory.Protocol(service)
	p.Name, p.Title = name, name
	w.protocols = append(w.protocols, p)
	return service
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// output is what a command prints; it may be read while the command runs.
type output struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.String()
}

// result is what became of a command. The folder of the test is cut out of its texts.
type result struct {
	code        int
	out, errors string
}

// call runs a command with the world's config to its end.
func (w *world) call(args ...string) result {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	return w.callUntil(ctx, args...)
}

func (w *world) callUntil(ctx context.Context, args ...string) result {
	var out, errs output
	c := Command{Protocols: w.protocols, Stdout: &out, Stderr: &errs, Patience: w.patience, roots: w.roots}
	code := c.Run(ctx, append([]string{"-c", w.path("config.toml")}, args...))
	for _, text := range []string{out.String(), errs.String()} {
		if strings.Contains(text, "goroutine ") {
			w.Errorf("%v shows a stack trace:\n%s", args, text)
		}
	}
	return result{code, w.short(out.String()), w.short(errs.String())}
}

func (w *world) short(text string) string { return strings.ReplaceAll(text, w.dir+"/", "") }

// running is a `causeway run` that is going on.
type running struct {
	w       *world
	log     *output
	stopped context.CancelFunc
	code    chan int
}

// run starts `causeway run`, which is stopped at the end of the test at the latest.
func (w *world) run() *running {
	w.Helper()
	r := w.begin()
	w.until("the gateway runs", func() bool { return strings.Contains(r.log.String(), "Causeway is running") })
	return r
}

// begin starts it.
func (w *world) begin() *running { return w.beginWith("config.toml") }

func (w *world) beginWith(config string) *running {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	r := &running{w: w, log: &output{}, stopped: cancel, code: make(chan int, 1)}
	c := Command{Protocols: w.protocols, Stdout: r.log, Stderr: r.log}
	go func() { r.code <- c.Run(ctx, []string{"run", "-c", w.path(config)}) }()
	w.Cleanup(func() { r.stop() })
	return r
}

// stop ends it as a signal would, and gives the exit code.
func (r *running) stop() int {
	r.w.Helper()
	r.stopped()
	select {
	case code := <-r.code:
		r.code <- code // for another stop
		return code
	case <-time.After(stopTime + 5*time.Second):
		r.w.Fatalf("`run` does not stop\n%s", r.log)
		return 0
	}
}

// until waits for something to become true.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("waited too long until %s", what)
		}
	}
}

// texts gives what stands in a channel.
func texts(s *memory.Service, c bridge.ChannelID) []string {
	var all []string
	for _, m := range s.Messages(c) {
		if !m.Deleted {
			all = append(all, m.Author.Name+": "+m.Text)
		}
	}
	return all
}

// locked is a service in memory whose accounts must sign in before they may connect, as with Teams.
type locked struct {
	bridge.Bridge
	env bridge.Env
}

type lockedSettings struct{ Token secret.Secret }

func lockedProtocol(s *memory.Service) bridge.Protocol {
	return bridge.Protocol{
		Name: "locked", Title: "Locked", Settings: func() any { return &lockedSettings{} },
		New: func(env bridge.Env, _ any) (bridge.Bridge, error) {
			return &locked{s.Account(env.Account, "bot"), env}, nil
		},
	}
}

func (l *locked) Connect(ctx context.Context) (bridge.Identity, error) {
	token, err := l.env.Vault.Load(ctx, "login")
	if err != nil {
		return bridge.Identity{}, err
	}
	if token == nil {
		return bridge.Identity{}, &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount,
			Err: errors.New("nobody has signed in"), Hint: "run: causeway login " + string(l.env.Account)}
	}
	// As Entra does: every use gives a new token.
	if err := l.env.Vault.Save(ctx, "login", append(token, '+')); err != nil {
		return bridge.Identity{}, err
	}
	return l.Bridge.Connect(ctx)
}

func (l *locked) Login(ctx context.Context, show func(string)) error {
	show("Open https://login.example and enter the code ABC")
	if err := l.env.Vault.Save(ctx, "login", []byte("token")); err != nil {
		return err
	}
	show("Signed in as bot.")
	return nil
}
