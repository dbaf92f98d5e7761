package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway"
	"causeway/gateway/config"
)

const otherGateway = `
[[gateway]]
name = "other"
inout = [ { account = "left.one", channel = "team/other" }, { account = "right.two", channel = "team/other" } ]
`

// newReloading gives a world whose Causeway can be asked.
func newReloading(t *testing.T) (w *world, config string) {
	config = strings.Replace(accounts, "127.0.0.1:0", "127.0.0.1:"+freePort(t), 1) + oneGateway
	return newWorld(t, config), config
}

// crosses says something in a channel on the left and waits until it is on the right.
func (w *world) crosses(channel bridge.ChannelID, text string) {
	w.Helper()
	for _, server := range []bridge.ServerID{"memory:left", "memory:right"} {
		w.until("the channel is read", func() bool { return w.faults.begun(bridge.ConversationID{Server: server, Channel: channel}) })
	}
	w.left.Say(channel, "ann", text)
	w.until(text+" crosses", func() bool { return slices.Contains(texts(w.right, channel), "ann: "+text) })
}

func TestAConfigIsTakenUpWhereverItIsChanged(t *testing.T) {
	for name, change := range map[string]func(w *world, config string){
		"written": func(w *world, config string) { w.write("config.toml", config) },
		"replaced": func(w *world, config string) {
			w.write("next.toml", config)
			if err := os.Rename(w.path("next.toml"), w.path("config.toml")); err != nil {
				w.Fatal(err)
			}
		},
		"moved away and written": func(w *world, config string) {
			if err := os.Rename(w.path("config.toml"), w.path("config.toml~")); err != nil {
				w.Fatal(err)
			}
			w.write("config.toml", config)
		},
		"hung up": func(w *world, config string) {
			w.write("config.toml", config)
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				w.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, config := newReloading(t)
			r := w.run()
			w.crosses("C1", "before")
			time.Sleep(2 * calm) // it is being watched
			for n, text := range []string{config + otherGateway, config, config + otherGateway} {
				change(w, text)
				w.until("it is taken up", func() bool { return strings.Count(r.log.String(), "the config was taken up") == n+1 })
			}
			w.crosses("C2", "through the new gateway")
			w.crosses("C1", "through the old one")
			if log := r.log.String(); !strings.Contains(log, `changed="gateway other: added"`) || !strings.Contains(log, `changed="gateway other: removed"`) {
				t.Errorf("the log does not say what has changed:\n%s", log)
			}
		})
	}
}

func TestReloadSaysWhatHasChanged(t *testing.T) {
	w, config := newReloading(t)
	if got := w.call("reload"); got.code != exitFailed || !strings.Contains(got.errors, "there is no key file") {
		t.Errorf("without a Causeway: %+v", got)
	}
	r := w.run()
	w.crosses("C1", "before")
	if got := w.call("reload"); got != (result{out: "Nothing has changed.\n"}) {
		t.Errorf("the same config: %+v", got)
	}
	next := strings.Replace(config, `Label = "Right"`, `Label = "Other"`, 1)
	next = "[general]\nLogLevel = \"debug\"\nLogFormat = \"json\"\n" + next + otherGateway
	w.write("config.toml", next)
	want := "LogLevel: debug\naccount right.two: changed\ngateway other: added\nLogFormat in [general] has changed, and does not count yet: restart Causeway, which loses nothing\n"
	if got := w.call("reload"); got.code != exitOK || got.out != want {
		t.Errorf("%+v\nwant\n%s", got, want)
	}
	w.crosses("C2", "through the new gateway")
	var s gateway.Status
	if err := json.Unmarshal([]byte(w.call("status", "--json").out), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Gateways) != 2 || len(s.Warnings) != 1 || s.Warnings[0].Where != "config" || s.Config.Refused != nil || !s.Config.Since.After(s.Since) {
		t.Errorf("the status: %+v", s)
	}
	if got := w.call("audit"); !strings.Contains(got.out, "operator by command line  reload  config  LogLevel: debug account right.two: changed gateway other: added") {
		t.Errorf("the audit log: %+v", got)
	}
	if code := r.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// TestReloadTellsThatAnotherFileIsRead: whoever has changed a file of which Causeway reads a copy, or that of another machine, is not told that nothing has changed.
func TestReloadTellsThatAnotherFileIsRead(t *testing.T) {
	w, config := newReloading(t)
	w.run()
	w.write("mine.toml", config+otherGateway)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := w.call("reload", "-c", w.path("mine.toml")), "the Causeway that runs reads config.toml on "+host+", and that holds another text than the file that was named: change that one, name it with -c, or order this there"; got.code != exitFailed ||
		got.out != "" || !strings.Contains(got.errors, want) {
		t.Errorf("%+v, want %s", got, want)
	}
	w.write("mine.toml", w.read("config.toml"))
	if got := w.call("reload", "-c", w.path("mine.toml")); got != (result{out: "Nothing has changed.\n"}) {
		t.Errorf("a file of the same text: %+v", got)
	}
	if got := w.call("audit"); !strings.Contains(got.out, "not done: the Causeway that runs reads") {
		t.Errorf("the audit log: %+v", got)
	}
}

// TestAJourneyIsLoggedByOneIDWhileTheLevelIsDebug: LogLevel counts as soon as the config is taken up, and what is logged then of a message, from its
// being taken in to its post, has the number of its page on the dashboard.
func TestAJourneyIsLoggedByOneIDWhileTheLevelIsDebug(t *testing.T) {
	w, config := newReloading(t)
	r := w.run()
	w.crosses("C1", "before")
	if log := r.log.String(); strings.Contains(log, "level=debug") {
		t.Errorf("without being asked:\n%s", log)
	}
	level := func(name string) int {
		t.Helper()
		w.write("config.toml", "[general]\nLogLevel = \""+name+"\"\n"+config)
		w.call("reload")
		return strings.Count(r.log.String(), "level=debug")
	}
	level("debug")
	w.crosses("C1", "followed")
	var log string
	w.until("the post is logged", func() bool { log = r.log.String(); return strings.Contains(log, "step=post") })
	taken := regexp.MustCompile(`level=debug msg="taken in" account=left\.one conversation="memory:left/C1" id=\S+ message=(\d+)\n`).FindStringSubmatch(log)
	if taken == nil || !regexp.MustCompile(`level=debug msg="a step of a message" conversation="memory:right/C1" id=\S+ instance=\d+ message=`+taken[1]+` part=0 result=ok step=post\n`).MatchString(log) {
		t.Fatalf("its journey cannot be followed:\n%s", log)
	}
	lines := level("info")
	w.crosses("C1", "no longer followed")
	if log := r.log.String(); strings.Count(log, "level=debug") != lines {
		t.Errorf("after that:\n%s", log)
	}
}

// farewell is a bridge that tells when it is closed.
type farewell struct {
	bridge.Bridge
	closed func()
}

func (f *farewell) Close() error {
	f.closed()
	return f.Bridge.Close()
}

// TestAConfigThatWasTakenUpIsTakenUpThoughNobodyWaits: when the time of whoever asked ends as the old account is closed, all that goes by the new config does.
func TestAConfigThatWasTakenUpIsTakenUpThoughNobodyWaits(t *testing.T) {
	w, text := newReloading(t)
	asked, end := context.WithCancel(t.Context())
	defer end()
	made := w.protocols[1].New
	w.protocols[1].New = func(env bridge.Env, settings any) (bridge.Bridge, error) {
		b, err := made(env, settings)
		return &farewell{b, end}, err
	}
	protocols := config.Protocols{}
	for _, p := range w.protocols {
		protocols[p.Name] = p.Settings
	}
	load := func() (*config.Config, error) { return config.Load(w.path("config.toml"), protocols) }
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	var log output
	a, err := Open(t.Context(), cfg, w.protocols, newLog(&log, cfg.General))
	if err != nil {
		t.Fatal(err)
	}
	a.follow = &follower{path: w.path("no.toml"), load: load} // nothing else has it taken up
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	w.crosses("C1", "before")
	w.write("config.toml", "[general]\nLogLevel = \"debug\"\n"+strings.Replace(text, `Label = "Right"`, `Label = "Other"`, 1))
	done, err := a.Reload(asked)
	if want := (Reloaded{Changed: []string{"LogLevel: debug", "account right.two: changed"}, Restart: []string{}}); err != nil || !reflect.DeepEqual(done, want) {
		t.Errorf("%+v, %v; want %+v", done, err, want)
	}
	if asked.Err() == nil || a.log.Logger.GetLevel() != logrus.DebugLevel || !strings.Contains(log.String(), "the config was taken up") {
		t.Errorf("asked: %v; level %v; the log:\n%s", asked.Err(), a.log.Logger.GetLevel(), log.String())
	}
}

// refusing makes no account for a user called nobody.
func refusing(made func(bridge.Env, any) (bridge.Bridge, error)) func(bridge.Env, any) (bridge.Bridge, error) {
	return func(env bridge.Env, settings any) (bridge.Bridge, error) {
		if settings.(*memory.Settings).User == "nobody" {
			return nil, errors.New("User may not be nobody")
		}
		return made(env, settings)
	}
}

// problems are those of the status.
func (w *world) problems() []gateway.Problem {
	w.Helper()
	var s gateway.Status
	if err := json.Unmarshal([]byte(w.call("status", "--json").out), &s); err != nil {
		w.Fatal(err)
	}
	return s.Problems
}

func TestAConfigWithAMistakeIsNotTakenUp(t *testing.T) {
	for name, c := range map[string]struct {
		config func(string) string
		want   string
	}{
		"a mistake": {func(config string) string { return config + "[gateways]\n" }, "config.toml:14: "},
		"nothing to do": {func(config string) string {
			return strings.Replace(config, `name = "all"`, "name = \"all\"\nenable = false", 1)
		}, "no gateway is enabled"},
		"no account": {func(config string) string {
			return strings.Replace(config, `account = "left.one"`, `account = "left.two"`, 1)
		}, `left.two`},
		"an account's keys": {func(config string) string { return strings.Replace(config, `User = "bot"`, `User = "nobody"`, 1) }, "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			w, config := newReloading(t)
			w.protocols[0].New = refusing(w.protocols[0].New)
			w.run()
			w.crosses("C1", "before")
			w.write("config.toml", c.config(config))
			got := w.call("reload")
			if got.code != exitFailed || got.out != "" || !strings.Contains(got.errors, c.want) ||
				!strings.HasSuffix(got.errors, "causeway: the config was not taken up; Causeway goes by what it said before\n") {
				t.Errorf("%+v", got)
			}
			w.crosses("C1", "still")
			problem := w.problems()
			if len(problem) != 1 || problem[0].Where != "config" || !strings.Contains(problem[0].Text, c.want) || problem[0].Next != refusedStep {
				t.Errorf("the status: %+v", problem)
			}
			w.write("config.toml", config+otherGateway)
			w.until("it is mended", func() bool { return len(w.problems()) == 0 })
			w.crosses("C2", "mended")
		})
	}
}
