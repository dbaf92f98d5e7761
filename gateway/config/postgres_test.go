package config_test

import (
	"path/filepath"
	"testing"
	"time"

	"causeway/gateway/config"
)

func TestAStoreInPostgreSQLKeepsTheKeyWhereItWas(t *testing.T) {
	dir := t.TempDir()
	env := func(name string) (string, bool) { return "postgres://causeway:hush@db/causeway", name == "STORE" }
	for text, want := range map[string]config.Storage{
		`DSN = "postgres://causeway@db/causeway"`:                 {DSN: "postgres://causeway@db/causeway", KeyFile: filepath.Join(dir, "causeway.db.key")},
		`DSN = "env:STORE"`:                                       {DSN: "postgres://causeway:hush@db/causeway", KeyFile: filepath.Join(dir, "causeway.db.key")},
		"DSN = \"postgresql://db/causeway\"\nKeyFile = \"a.key\"": {DSN: "postgresql://db/causeway", KeyFile: filepath.Join(dir, "a.key")},
	} {
		cfg, err := config.Parse("config.toml", []byte("[storage]\n"+text), dir, env, nil)
		want.KeepMessages, want.QuarantineDays = 17520*time.Hour, 30
		if err != nil || cfg.Storage != want {
			t.Errorf("%s: %+v, %v", text, cfg, err)
		}
	}
	if _, err := config.Parse("config.toml", []byte("[storage]\nDSN = \"env:OTHER\""), dir, func(string) (string, bool) { return "", false }, nil); err == nil {
		t.Error("a variable that is not set is taken")
	}
}
