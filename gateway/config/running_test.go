package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
)

func TestLoadRunningMindsNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	for text, want := range map[string]config.Running{
		"": {Storage: config.Storage{DSN: filepath.Join(dir, "causeway.db"), KeyFile: filepath.Join(dir, "causeway.db.key"), KeepMessages: 17520 * time.Hour, QuarantineDays: 30},
			HTTP: config.HTTP{Listen: "127.0.0.1:9080"}},
		`
wrong = 1
[general]
LogLvl = "x"
[Storage]
DSN = "a.db"
[HTTP]
listen = ":80"
PublicURL = "https://example.com/causeway/"
[mattermost.hq]
Token = "env:NOT_AT_HAND"
[[gateway]]
nam = "x"
`: {Storage: config.Storage{DSN: filepath.Join(dir, "a.db"), KeyFile: filepath.Join(dir, "a.db.key"), KeepMessages: 17520 * time.Hour, QuarantineDays: 30},
			HTTP: config.HTTP{Listen: ":80", PublicURL: "https://example.com/causeway"}},
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := config.LoadRunning(path)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestLoadRunningReportsWhatItNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if _, err := config.LoadRunning(path); err == nil || !strings.Contains(err.Error(), "copy config.toml.example to") {
		t.Errorf("no file: %v", err)
	}
	for text, want := range map[string]string{
		"[general\n":                       "the header of the table is wrong",
		"[http]\nListen = \"nowhere\"":     "config.toml:2: [http] Listen: not an address and a port",
		"[http]\nLisen = \":80\"":          "did you mean Listen?",
		"[storage]\nDSN = \"postgres://\"": "not the address of a database",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.LoadRunning(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
