package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhereCausewayIsAServiceItsConfigIsNamed to whoever calls a command in a folder without one.
func TestWhereCausewayIsAServiceItsConfigIsNamed(t *testing.T) {
	defer func(path string) { installed = path }(installed)
	folder := t.TempDir()
	installed = filepath.Join(folder, "installed.toml")
	for _, want := range []string{"and fill it in, or name another file with -c", "and fill it in, or name that of the service: -c " + installed} {
		if _, err := LoadRunning(filepath.Join(folder, "config.toml")); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if err := os.WriteFile(installed, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
