package main

import (
	"os"
	"path/filepath"
	"testing"

	"causeway/bridge"
	"causeway/gateway/config"
)

// settings are those of the real bridges.
func settings() config.Protocols {
	all := config.Protocols{}
	for _, p := range bridge.Protocols() {
		all[p.Name] = p.Settings
	}
	return all
}

func TestExampleConfigIsValidAndShowsEveryKey(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "config.toml.example"))
	if err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) { return "value of " + name, true }
	cfg, err := config.Parse("config.toml.example", text, t.TempDir(), env, settings())
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) > 0 || len(cfg.Accounts) != 2 || len(cfg.Gateways) < 3 {
		t.Errorf("%d accounts, %d gateways, warnings %v", len(cfg.Accounts), len(cfg.Gateways), cfg.Warnings)
	}
	if missing := config.Undocumented(text, settings()); len(missing) > 0 {
		t.Errorf("config.toml.example does not show %v", missing)
	}
}

func TestBridgesOfThisBuild(t *testing.T) {
	all := settings()
	if len(all) != 2 || all["mattermost"] == nil || all["msteams"] == nil {
		t.Errorf("bridges.go imports %v", all)
	}
}
