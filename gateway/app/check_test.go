package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// wants compares a result as a whole.
func (r result) wants(t *testing.T, want result) {
	t.Helper()
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckOfWhatWorks(t *testing.T) {
	w := newWorld(t, accounts+oneGateway+`
[[gateway]]
name = "news"
[[gateway.in]]
account = "left.one"
channel = "C2"
[[gateway.out]]
account = "right.two"
channel = "memory://memory:right/C2"
`)
	w.call("check").wants(t, result{out: `config.toml
  ok       2 accounts, 2 enabled gateways
  ok       the store causeway.db is made at the first start
  ok       Causeway is not running; the HTTP server can listen at 127.0.0.1:0
  -        people cannot connect their accounts on left and right: set PublicURL in [http] to the address at which browsers reach Causeway, or Enable = false in [people]

account left.one
  ok       connected as bot

account right.two
  ok       connected as bot

gateway all
  ok       left.one team/general (both ways)
  ok       right.two team/general (both ways)

gateway news
  ok       left.one C2 (read): team/other
  ok       right.two memory://memory:right/C2 (written): team/other

No problem.
`})
}

// checked is a service in memory with findings, and a token that is not good.
type checked struct {
	bridge.Bridge
	findings []bridge.Finding
	connect  error
}

func (c *checked) Check(context.Context) []bridge.Finding { return c.findings }

func (c *checked) Connect(ctx context.Context) (bridge.Identity, error) {
	if c.connect != nil {
		return bridge.Identity{}, c.connect
	}
	return c.Bridge.Connect(ctx)
}

func TestCheckNamesEveryProblem(t *testing.T) {
	w := newWorld(t, accounts+`
[left.spare]
User = "spare"
[left.panics]
User = "panics"
`+oneGateway+`
[[gateway]]
name = "mixed"
inout = [ { account = "left.one", channel = "team/gone" }, { account = "right.two", channel = "C2" }, { account = "left.panics", channel = "x" } ]
[[gateway]]
name = "circle"
inout = [ { account = "left.one", channel = "team/other" }, { account = "left.one", channel = "C2" } ]
[[gateway]]
name = "off"
enable = false
inout = [ { account = "left.one", channel = "team/nothing" }, { account = "right.two", channel = "C2" } ]
`)
	make := w.protocols[0].New
	w.protocols[0].New = func(env bridge.Env, settings any) (bridge.Bridge, error) {
		b, err := make(env, settings)
		switch env.Account {
		case "left.one":
			b = &checked{Bridge: b, findings: []bridge.Finding{{Text: "an old\nversion"}, {Fatal: true, Text: "it lacks a permission: grant it"}}}
		case "left.panics":
			panic("a mistake of ours")
		}
		return b, err
	}
	w.protocols[1].New = func(env bridge.Env, _ any) (bridge.Bridge, error) {
		return &checked{Bridge: w.right.Account(env.Account, "bot"),
			connect:  &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Err: errors.New("the token has expired"), Hint: "make a new one"},
			findings: []bridge.Finding{{Fatal: true, Text: "the app is blocked: unblock it"}}}, nil
	}
	want := result{code: 1, out: `config.toml
  ok       4 accounts, 3 enabled gateways
  warning  config.toml:11: [left.spare]: no gateway uses this account
  ok       the store causeway.db is made at the first start
  ok       Causeway is not running; the HTTP server can listen at 127.0.0.1:0
  -        people cannot connect their accounts on left and right: set PublicURL in [http] to the address at which browsers reach Causeway, or Enable = false in [people]

account left.one
  ok       connected as bot
  warning  an old version
  PROBLEM  it lacks a permission: grant it

account right.two
  PROBLEM  the token has expired
           → make a new one
  PROBLEM  the app is blocked: unblock it

account left.spare
  ok       connected as spare

account left.panics
  PROBLEM  internal error: a mistake of ours

gateway all
  ok       left.one team/general (both ways)
  -        right.two team/general: not tried, as the account has a problem

gateway mixed
  PROBLEM  left.one team/gone: resolve: there is no conversation "team/gone"
           → the list of conversations has the names
  -        right.two C2: not tried, as the account has a problem
  -        left.panics x: not tried, as the account has a problem

gateway circle
  ok       left.one team/other (both ways)
  warning  left.one C2 is the same conversation as left.one team/other: one of them is enough
  PROBLEM  all of it is one conversation, so nothing can cross
           → add another one

gateway off
  -        disabled, not tried

6 problems, 3 warnings.
`}
	for range 5 { // all accounts at once, and always the same text
		w.call("check").wants(t, want)
	}
}

func TestCheckSaysOneProblemOnce(t *testing.T) {
	cause := fmt.Errorf("connecting: %w", &bridge.Error{Kind: bridge.Unauthorised, Err: errors.New("nobody has signed in"), Hint: "sign in"})
	for text, problems := range map[string]int{
		"the relay is not signed in: nobody has signed in (sign in)": 1,
		"the app is blocked": 2,
	} {
		var r report
		r.account(&accountCheck{failed: cause, findings: []bridge.Finding{{Text: "nobody has signed in, but that is no matter"}, {Fatal: true, Text: text}}})
		if r.Problems != problems || r.Warnings != 1 {
			t.Errorf("%s:\n%s", text, r.text())
		}
	}
}

func TestCheckOfAnErrorNamesTheNextStep(t *testing.T) {
	for kind, want := range map[bridge.Kind]string{
		bridge.Transient:    ": is the service up, and can it be reached from here?",
		bridge.Uncertain:    ": is the service up, and can it be reached from here?",
		bridge.Throttled:    ": try again in 2h0m0s",
		bridge.Unauthorised: ": look at the account's keys in the config and at its permissions",
		bridge.Gone:         ": `causeway channels left.one` lists what the account can see",
		bridge.Rejected:     "",
		bridge.Unsupported:  "",
	} {
		err := &bridge.Error{Kind: kind, After: 2 * time.Hour, Err: errors.New("no")}
		if got := withNextStep(t.Context(), "left.one", time.Minute, err).Error(); got != "no"+want {
			t.Errorf("%v: %q", kind, got)
		}
		err.Hint = "do this"
		if got := withNextStep(t.Context(), "left.one", time.Minute, err).Error(); got != "no (do this)" {
			t.Errorf("%v with a hint: %q", kind, got)
		}
	}
}

func TestCheckIsPatientButNotForEver(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.patience = 3 * time.Second
	var once sync.Once
	w.faults.set(func(ctx context.Context, c memory.Call) (err error) {
		switch {
		case c.Op == memory.Connect && c.Account == "left.one":
			once.Do(func() { err = memory.Throttles(bridge.ScopeAccount, time.Second) })
		case c.Op == memory.Resolve && c.Account == "right.two":
			<-ctx.Done()
			err = ctx.Err()
		}
		return err
	})
	w.call("check").wants(t, result{code: 1, out: `config.toml
  ok       2 accounts, 1 enabled gateway
  ok       the store causeway.db is made at the first start
  ok       Causeway is not running; the HTTP server can listen at 127.0.0.1:0
  -        people cannot connect their accounts on left and right: set PublicURL in [http] to the address at which browsers reach Causeway, or Enable = false in [people]

account left.one
  ok       connected as bot

account right.two
  ok       connected as bot

gateway all
  ok       left.one team/general (both ways)
  PROBLEM  right.two team/general: resolve: context deadline exceeded: no answer within 3s
           → is the service up, and can it be reached from here?

1 problem, 0 warnings.
`})
}

const signIn = `
[http]
Listen = "127.0.0.1:0"
[locked.a]
[left.one]
User = "bot"
[[gateway]]
name = "all"
inout = [ { account = "left.one", channel = "team/general" }, { account = "locked.a", channel = "team/general" } ]
`

// newLockedWorld has an account that must sign in.
func newLockedWorld(t *testing.T) *world {
	w := newWorld(t, signIn)
	w.protocols = append(w.protocols, lockedProtocol(w.right))
	return w
}

// snapshot gives the content of all files; of SQLite's index, which is memory that processes share, only that it is there.
func (w *world) snapshot() map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if filepath.Ext(path) == ".db-shm" {
			content = nil
		}
		all[w.short(path)] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

func TestCheckAndChannelsTouchNothing(t *testing.T) {
	w := newLockedWorld(t)
	look := func(when string, want int) {
		t.Helper()
		before := w.snapshot()
		for _, command := range [][]string{{"check"}, {"channels", "locked.a"}} {
			if got := w.call(command...); got.code != want {
				t.Errorf("%s, %v: %+v", when, command, got)
			}
		}
		if diff := cmp.Diff(before, w.snapshot()); diff != "" {
			t.Errorf("%s, something was written:\n%s", when, diff)
		}
	}
	look("before anything", 1)
	if got := w.call("login", "locked.a"); got.code != 0 {
		t.Fatalf("login: %+v", got)
	}
	look("after login", 0)
	r := w.run()
	w.until("it is read", func() bool { return w.faults.begun(bridge.ConversationID{Server: "memory:right", Channel: "C1"}) })
	before := w.call("check")
	if before.code != 0 {
		t.Errorf("while it runs: %+v", before)
	}
	r.stop()
	look("after a run", 0)
}
