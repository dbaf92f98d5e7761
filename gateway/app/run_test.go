package app

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
)

func TestRunCarriesMessagesBothWaysAndAcrossARestart(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	r := w.run()
	began := regexp.MustCompile(`(?m)^.*Causeway is running.*$`).FindString(r.log.String())
	for _, part := range []string{"gateways=1", "accounts=2", "version=", "listen=\"127.0.0.1:"} {
		if !strings.Contains(began, part) {
			t.Errorf("the first line lacks %s: %s", part, began)
		}
	}
	w.speak("hello", "moin")
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d after a signal\n%s", code, r.log)
	}
	if log := r.log.String(); strings.Count(log, "Causeway has stopped") != 1 {
		t.Errorf("not one line at the end:\n%s", log)
	}
	w.left.Say("C1", "ann", "said while it was down")
	w.run()
	w.until("what was said meanwhile arrives", func() bool {
		return slices.Contains(texts(w.right, "C1"), "ann: said while it was down")
	})
	if got := len(texts(w.right, "C1")); got != 3 {
		t.Errorf("%d messages on the right, not 3: %q", got, texts(w.right, "C1"))
	}
}

// What is remembered of a channel holds as long as it is looked for in the same place, whatever else the config says.
func TestWhatWasSaidWhileAnotherSettingWasChangedIsCarried(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	r := w.run()
	w.speak("hello", "moin")
	r.stop()
	w.left.Say("C1", "ann", "said while it was down")
	w.write("config.toml", strings.Replace(accounts, `User = "bot"`, `User = "another"`, 2)+oneGateway)
	var read atomic.Bool
	w.faults.set(func(_ context.Context, c memory.Call) error {
		switch {
		case c.Op == memory.Feeding && c.After && c.Account == "left.one":
			read.Store(true)
		case c.Op == memory.Resolve && c.Account == "right.two" && !read.Load():
			return memory.Fails(bridge.Transient) // it cannot be asked before the other side has been read
		}
		return nil
	})
	w.run()
	w.until("what was said meanwhile arrives", func() bool {
		return slices.Contains(texts(w.right, "C1"), "ann: said while it was down")
	})
}

// speak says one thing on each side and waits until both have crossed.
func (w *world) speak(left, right string) {
	w.Helper()
	w.begun("left", "right")
	w.left.Say("C1", "ann", left)
	w.until("it crosses to the right", func() bool { return slices.Contains(texts(w.right, "C1"), "ann: "+left) })
	w.right.Say("C1", "bob", right)
	w.until("it crosses to the left", func() bool { return slices.Contains(texts(w.left, "C1"), "bob: "+right) })
}

// begun waits until the first channel of each of these services is read.
func (w *world) begun(services ...string) {
	w.Helper()
	for _, s := range services {
		c := bridge.ConversationID{Server: bridge.ServerID("memory:" + s), Channel: "C1"}
		w.until(s+" is read", func() bool { return w.faults.begun(c) })
	}
}

func TestRunAnswersWhetherItIsAlive(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	r := w.run()
	address := r.address()
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/nothing": http.StatusNotFound} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: %d %v, want %d", path, resp.StatusCode, err, want)
		}
		var answer map[string]string
		if want == http.StatusOK && (json.Unmarshal(body, &answer) != nil || answer["status"] != "ok") {
			t.Errorf("%s answers %s", path, body)
		}
	}
	r.stop()
	if _, err := http.Get("http://" + address + "/healthz"); err == nil {
		t.Error("it still answers after it was stopped")
	}
}

// address is where the HTTP server listens, as the log says.
func (r *running) address() string {
	return regexp.MustCompile(`listen="?([0-9.:]+)`).FindStringSubmatch(r.log.String())[1]
}

func TestRunCarriesOnlyWhatIsEnabled(t *testing.T) {
	w := newWorld(t, accounts+oneGateway+`
[right.idle]
User = "idle"

[[gateway]]
name = "off"
enable = false
inout = [ { account = "left.one", channel = "team/other" }, { account = "right.idle", channel = "team/other" } ]
`)
	r := w.run()
	w.left.Say("C2", "ann", "stays here")
	w.speak("hello", "moin")
	if got := texts(w.right, "C2"); len(got) > 0 {
		t.Errorf("a disabled gateway has carried %q", got)
	}
	if log := r.log.String(); !strings.Contains(log, "accounts=2 gateways=1") || strings.Contains(log, "right.idle\"") {
		t.Errorf("what is disabled is counted:\n%s", log)
	}
}

func TestLogIsWrittenAsTheConfigSays(t *testing.T) {
	w := newWorld(t, "[general]\nLogFormat = \"json\"\nLogLevel = \"warn\"\n"+accounts+oneGateway)
	ctx, cancel := context.WithCancel(t.Context())
	w.faults.set(func(_ context.Context, c memory.Call) error {
		if c.Op == memory.Connect && c.Account == "left.one" && !c.After {
			cancel()
			return memory.Fails(bridge.Unauthorised)
		}
		return nil
	})
	var w2 output
	c := Command{Protocols: w.protocols, Stdout: &w2, Stderr: &w2}
	w.write("config.toml", strings.Replace("[general]\nLogFormat = \"json\"\n"+accounts+oneGateway, `[right.two]`, "[right.unused]\nUser = \"x\"\n[right.two]", 1))
	if code := c.Run(ctx, []string{"-c", w.path("config.toml")}); code != 0 {
		t.Errorf("exit code %d\n%s", code, &w2)
	}
	var messages []string
	for line := range strings.Lines(w2.String()) {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		messages = append(messages, entry.Level+" "+entry.Msg)
	}
	warned := slices.ContainsFunc(messages, func(m string) bool {
		return strings.HasPrefix(m, "warning ") && strings.HasSuffix(m, "no gateway uses this account")
	})
	if !warned || !slices.Contains(messages, "info Causeway is running") || !slices.Contains(messages, "info Causeway has stopped") {
		t.Errorf("the log lacks something: %q", messages)
	}
}

func TestLogLevelHolds(t *testing.T) {
	var out output
	log := newLog(&out, config.General{LogFormat: "text", LogLevel: "warn"})
	log.Info("not this")
	log.Warn("but this")
	if text := out.String(); strings.Contains(text, "not this") || !strings.Contains(text, "but this") || strings.Contains(text, "\x1b") {
		t.Errorf("logged %q", text)
	}
}

func TestServiceThatRefusesDoesNotStopRun(t *testing.T) {
	w := newWorld(t, accounts+`
[left.three]
User = "revoked"
`+oneGateway+`
[[gateway]]
name = "more"
inout = [ { account = "left.three", channel = "team/other" }, { account = "right.two", channel = "gone" } ]
`)
	w.left.Revoke("revoked")
	r := w.run()
	w.speak("hello", "moin")
	w.until("both troubles are logged", func() bool {
		log := r.log.String()
		return strings.Contains(log, "account=left.three") && strings.Contains(log, "channel=gone")
	})
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.log)
	}
}

func TestStoreHasOneRunAtATime(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	r := w.run()
	want := result{code: 1, errors: "causeway: opening the store causeway.db: another `causeway run` is using it: stop that one, or set DSN in [storage] to another file\n"}
	if diff := cmp.Diff(want, w.call("run"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("a second run (-want +got):\n%s", diff)
	}
	r.stop()
	w.run()
}

func TestStopIsBounded(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	stuck, leave := make(chan struct{}), make(chan struct{})
	w.faults.set(func(_ context.Context, c memory.Call) error {
		if c.Op == memory.Connect && c.Account == "left.one" && !c.After {
			close(stuck)
			<-leave // whatever its context says
		}
		return nil
	})
	protocols := config.Protocols{}
	for _, p := range w.protocols {
		protocols[p.Name] = p.Settings
	}
	cfg, err := config.Load(w.path("config.toml"), protocols)
	if err != nil {
		t.Fatal(err)
	}
	var log output
	a, err := Open(t.Context(), cfg, w.protocols, newLog(&log, cfg.General))
	if err != nil {
		t.Fatal(err)
	}
	a.patience = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	<-stuck
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "not done after 50ms") {
		t.Errorf("stopping gave %v", err)
	}
	close(leave)
	w.until("everything is given back", func() bool {
		again, err := Open(t.Context(), cfg, w.protocols, newLog(&log, cfg.General))
		if err == nil {
			again.Close()
		}
		return err == nil
	})
}

// What fails at once each time must not hammer the services: only a process that was told to stop, or has lived for a while, has not ended early.
func TestAnEndBecauseAPartHasFailedIsNoOrderlyOne(t *testing.T) {
	w := newWorld(t, good)
	protocols := config.Protocols{}
	for _, p := range w.protocols {
		protocols[p.Name] = p.Settings
	}
	cfg, err := config.Load(w.path("config.toml"), protocols)
	if err != nil {
		t.Fatal(err)
	}
	var log output
	a, err := Open(t.Context(), cfg, w.protocols, newLog(&log, cfg.General))
	if err != nil {
		t.Fatal(err)
	}
	w.faults.set(func(_ context.Context, c memory.Call) error {
		if c.Op == memory.Connect && !c.After { // by now the start is counted
			_ = a.listener.Close()
		}
		return nil
	})
	if err := a.Run(t.Context()); err == nil {
		t.Error("it has ended without an error")
	}
	again, err := openStore(t.Context(), cfg.Storage)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if ended, err := again.Begun(t.Context()); ended != 1 || err != nil {
		t.Errorf("%d ended early, not 1: %v", ended, err)
	}
}

func TestPortInUseEndsRunAtItsStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	w := newWorld(t, strings.Replace(accounts+oneGateway, "127.0.0.1:0", l.Addr().String(), 1))
	want := result{code: 1, errors: "causeway: opening the HTTP server: the port of " + l.Addr().String() +
		" is in use: end the program that uses it, or set Listen in [http] to another port\n"}
	if diff := cmp.Diff(want, w.call(), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if _, err := openLocked(w.path("causeway.db.lock")); err != nil {
		t.Errorf("the lock was kept: %v", err)
	}
}
