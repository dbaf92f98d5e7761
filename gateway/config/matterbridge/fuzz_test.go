package matterbridge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causeway/gateway/config"
	"causeway/gateway/config/matterbridge"
)

// FuzzConvert: whatever TOML comes in, what goes out is a config that Causeway takes, and holds no secret.
func FuzzConvert(f *testing.F) {
	fixtures, err := filepath.Glob("testdata/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range fixtures {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("[mattermost.\"a\\u0007b\"]\nLabel=\"\\u0001\"\nRemoteNickFormat=\"{NICK\\u0000}\"\n[[gateway]]\nname=\"\\u0001\"\n")
	f.Add("[mattermost.a]\n[mattermost.A]\n[[gateway]]\ninout=[{account=\"mattermost.a\",channel=\"ID:\"},{account=\"mattermost.a\",channel=\"x\"}]\n")
	f.Fuzz(func(t *testing.T, old string) {
		made, err := matterbridge.Convert("m.toml", []byte(old), true)
		if err != nil {
			return
		}
		set := func(name string) (string, bool) { return "set", strings.HasPrefix(name, "CAUSEWAY_") }
		if _, err := config.Parse("config.toml", made.Text, t.TempDir(), set, protocols); err != nil {
			t.Errorf("Causeway does not take it: %v\n%s", err, made.Text)
		}
	})
}
