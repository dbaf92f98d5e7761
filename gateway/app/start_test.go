package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// mistake is what keeps a command from beginning.
type mistake struct {
	config  string
	prepare func(w *world)
	// commands that must end so, besides "run".
	commands []string
	// want is what each line on stderr must say, next step included.
	want []string
}

// readers are the commands that need the store.
var readers = []string{"login left.one", "channels left.one", "quarantine list"}

// good is a config without a mistake.
const good = accounts + oneGateway

func (m mistake) endsCommands(t *testing.T) {
	for _, command := range append(slices.Clone(m.commands), "run") {
		w := newWorld(t, m.config)
		if m.prepare != nil {
			m.prepare(w)
		}
		got := w.call(strings.Fields(command)...)
		lines := strings.Split(strings.TrimSuffix(got.errors, "\n"), "\n")
		lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "time=") }) // warnings in the log
		if got.code != 1 || got.out != "" || len(lines) != len(m.want) {
			t.Fatalf("%s: %+v, want %d lines", command, got, len(m.want))
		}
		for i, want := range m.want {
			if !strings.HasPrefix(lines[i], "causeway: ") || !strings.Contains(lines[i], want) {
				t.Errorf("%s: line %q does not say %q", command, lines[i], want)
			}
		}
	}
}

func endCommands(t *testing.T, all map[string]mistake) {
	for name, m := range all {
		t.Run(name, m.endsCommands)
	}
}

func TestMistakesInTheConfigEndACommandAtItsStart(t *testing.T) {
	every := append([]string{"check"}, readers...)
	endCommands(t, map[string]mistake{
		"no config": {
			prepare:  func(w *world) { _ = os.Remove(w.path("config.toml")) },
			commands: append([]string{"status"}, every...),
			want:     []string{"copy config.toml.example to"},
		},
		"three mistakes": {
			config:   "[general]\nLogLvl = \"info\"\n[http]\nListen = \"nowhere\"\n[left.one]\nUsr = \"bot\"\n" + oneGateway,
			commands: every,
			want:     []string{"config.toml:2: [general] LogLvl: unknown key; did you mean LogLevel?", "config.toml:4: [http] Listen", "config.toml:6: [left.one] Usr", `there is no account "right.two"`},
		},
		"not TOML": {config: "[general\n", commands: []string{"status"}, want: []string{"the header of the table is wrong"}},
		"no gateway": {
			config: accounts,
			want:   []string{"add a [[gateway]]"},
		},
		"no enabled gateway": {
			config: strings.Replace(good, `name = "all"`, "name = \"all\"\nenable = false", 1),
			want:   []string{"take enable = false out"},
		},
		"an address of another machine": {
			config: strings.Replace(good, "127.0.0.1:0", "192.0.2.1:80", 1),
			want:   []string{"set Listen in [http]"},
		},
		"two accounts that cannot be made": {
			config:  good,
			prepare: func(w *world) { w.protocols[0].New, w.protocols[1].New = refuse, refuse },
			want:    []string{"[left.one]: the certificate cannot be read: give another CAFile", "[right.two]: the certificate"},
		},
	})
}

func TestAStoreThatCannotBeUsedEndsACommandAtItsStart(t *testing.T) {
	endCommands(t, map[string]mistake{
		"in a folder that is not there": {
			config: "[storage]\nDSN = \"nowhere/causeway.db\"\nKeyFile = \"key\"\n" + good,
			want:   []string{"set DSN in [storage]"},
		},
		"a folder": {
			config:  good,
			prepare: func(w *world) { _ = os.Mkdir(w.path("causeway.db"), 0o700); w.write("causeway.db.key", keyText) },
			want:    []string{"set DSN in [storage]"},
		},
		"no database": {
			config: good,
			prepare: func(w *world) {
				w.write("causeway.db", strings.Repeat("not a database ", 100))
				w.write("causeway.db.key", keyText)
			},
			commands: readers,
			want:     []string{"restore the file from a backup"},
		},
		"too new": {
			config:   good,
			prepare:  tooNew,
			commands: readers,
			want:     []string{"run that newer version"},
		},
	})
}

func TestAKeyFileThatCannotBeUsedEndsACommandAtItsStart(t *testing.T) {
	endCommands(t, map[string]mistake{
		"in a folder that is not there": {
			config: "[storage]\nKeyFile = \"nowhere/key\"\n" + good,
			want:   []string{"set KeyFile in [storage]"},
		},
		"damaged": {
			config:   good,
			prepare:  func(w *world) { w.write("causeway.db.key", "bm90IDMyIGJ5dGVz\n") },
			commands: []string{"login left.one", "channels left.one"},
			want:     []string{"restore it from a backup"},
		},
		"lost": {
			config:   good,
			prepare:  func(w *world) { w.started(); _ = os.Remove(w.path("causeway.db.key")) },
			commands: readers,
			want:     []string{"restore it from a backup"},
		},
	})
}

// keyText is a key file.
const keyText = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"

func refuse(bridge.Env, any) (bridge.Bridge, error) {
	return nil, errors.New("the certificate cannot be read: give another CAFile")
}

// started makes store and key file, as a first run does.
func (w *world) started() {
	w.Helper()
	s, err := openStore(w.Context(), config.Storage{DSN: w.path("causeway.db"), KeyFile: w.path("causeway.db.key")})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		w.Fatal(err)
	}
}

func tooNew(w *world) {
	w.started()
	db, err := sql.Open("sqlite", w.path("causeway.db"))
	if err == nil {
		_, err = db.Exec("PRAGMA user_version = 999")
		_ = db.Close()
	}
	if err != nil {
		w.Fatal(err)
	}
}

// A command of a newer version leaves the store as it is, as long as an older Causeway works on it.
func TestACommandDoesNotChangeTheStoreBeneathAnOlderCauseway(t *testing.T) {
	w := newWorld(t, good)
	script, err := os.ReadFile("../store/testdata/version-3.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", w.path("causeway.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(string(script)); err != nil {
		t.Fatal(err)
	}
	w.write("causeway.db.key", keyText)
	running, err := openLocked(w.path("causeway.db.lock"))
	if err != nil {
		t.Fatal(err)
	}
	version := func() (n int) {
		t.Helper()
		if err := db.QueryRow("PRAGMA user_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const quarantine = "quarantine list"
	for _, command := range []string{quarantine, "audit", "message m1", "people list", "login left.one"} {
		got := w.call(strings.Fields(command)...)
		if want := fmt.Sprintf("which has brought it to version 3 only, not %d: restart that one with this version of Causeway first", store.Version()); got.code != 1 || !strings.Contains(got.errors, want) || version() != 3 {
			t.Errorf("%s: %+v, version %d", command, got, version())
		}
	}
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	if got := w.call(strings.Fields(quarantine)...); got.code != 0 || version() != store.Version() {
		t.Errorf("when that one has ended: %+v, version %d", got, version())
	}
	if lock, err := openLocked(w.path("causeway.db.lock")); err != nil || lock.Close() != nil {
		t.Errorf("the lock was kept: %v", err)
	}
}

func TestPanicIsOneLine(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.protocols[0].New = func(bridge.Env, any) (bridge.Bridge, error) { panic("a mistake of ours") }
	want := result{code: 1, errors: "causeway: internal error: a mistake of ours\n"}
	if got := w.call("run"); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestCommandThatIsStoppedSaysSo(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := w.callUntil(ctx, "channels", "left.one"); got.code != 1 || got.errors != "causeway: stopped before it was done\n" {
		t.Errorf("got %+v", got)
	}
	if got := w.callUntil(ctx, "run"); got.code != 0 {
		t.Errorf("run: %+v", got)
	}
}
