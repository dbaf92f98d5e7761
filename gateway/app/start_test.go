package app

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"causeway/bridge"
	"causeway/gateway/config"
)

// TestMistakesEndACommandAtItsStart has, for each mistake, what every line on stderr must say, next step included.
func TestMistakesEndACommandAtItsStart(t *testing.T) {
	good := accounts + oneGateway
	tests := map[string]struct {
		config  string
		prepare func(w *world)
		// commands that must end so, besides "run".
		commands []string
		want     []string
	}{
		"no config": {
			prepare:  func(w *world) { _ = os.Remove(w.path("config.toml")) },
			commands: []string{"check", "login left.one", "channels left.one", "quarantine list"},
			want:     []string{"copy config.toml.example to"},
		},
		"three mistakes in the config": {
			config:   "[general]\nLogLvl = \"info\"\n[http]\nListen = \"nowhere\"\n[left.one]\nUsr = \"bot\"\n" + oneGateway,
			commands: []string{"check", "login left.one", "channels left.one", "quarantine list"},
			want:     []string{"config.toml:2: [general] LogLvl: unknown key; did you mean LogLevel?", "config.toml:4: [http] Listen", "config.toml:6: [left.one] Usr", `there is no account "right.two"`},
		},
		"not TOML": {config: "[general\n", want: []string{"the header of the table is wrong"}},
		"no gateway": {
			config: accounts,
			want:   []string{"add a [[gateway]]"},
		},
		"no enabled gateway": {
			config: strings.Replace(good, `name = "all"`, "name = \"all\"\nenable = false", 1),
			want:   []string{"take enable = false out"},
		},
		"a store in a folder that is not there": {
			config: "[storage]\nDSN = \"nowhere/causeway.db\"\nKeyFile = \"key\"\n" + good,
			want:   []string{"set DSN in [storage]"},
		},
		"a key in a folder that is not there": {
			config: "[storage]\nKeyFile = \"nowhere/key\"\n" + good,
			want:   []string{"set KeyFile in [storage]"},
		},
		"a store that is a folder": {
			config:  good,
			prepare: func(w *world) { _ = os.Mkdir(w.path("causeway.db"), 0o700); w.write("causeway.db.key", keyText) },
			want:    []string{"set DSN in [storage]"},
		},
		"a store that is no database": {
			config: good,
			prepare: func(w *world) {
				w.write("causeway.db", strings.Repeat("not a database ", 100))
				w.write("causeway.db.key", keyText)
			},
			commands: []string{"login left.one", "channels left.one", "quarantine list"},
			want:     []string{"restore the file from a backup"},
		},
		"a store that is too new": {
			config:   good,
			prepare:  tooNew,
			commands: []string{"login left.one", "channels left.one", "quarantine list"},
			want:     []string{"run that newer version"},
		},
		"a damaged key file": {
			config:   good,
			prepare:  func(w *world) { w.write("causeway.db.key", "bm90IDMyIGJ5dGVz\n") },
			commands: []string{"login left.one", "channels left.one"},
			want:     []string{"restore it from a backup"},
		},
		"a lost key file": {
			config:   good,
			prepare:  func(w *world) { w.started(); _ = os.Remove(w.path("causeway.db.key")) },
			commands: []string{"login left.one", "channels left.one", "quarantine list"},
			want:     []string{"restore it from a backup"},
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
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, command := range append(test.commands, "run") {
				w := newWorld(t, test.config)
				if test.prepare != nil {
					test.prepare(w)
				}
				got := w.call(strings.Fields(command)...)
				lines := strings.Split(strings.TrimSuffix(got.errors, "\n"), "\n")
				lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "time=") }) // warnings in the log
				if got.code != 1 || got.out != "" || len(lines) != len(test.want) {
					t.Fatalf("%s: %+v, want %d lines", command, got, len(test.want))
				}
				for i, want := range test.want {
					if !strings.HasPrefix(lines[i], "causeway: ") || !strings.Contains(lines[i], want) {
						t.Errorf("%s: line %q does not say %q", command, lines[i], want)
					}
				}
			}
		})
	}
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
