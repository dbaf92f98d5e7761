package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
)

const example = "../../config.toml.example"

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// bridges are the protocols that the example is about.
func bridges() config.Protocols {
	all := protocols()
	delete(all, "odd")
	return all
}

var exampleEnv = env(map[string]string{"CAUSEWAY_MATTERMOST_TOKEN": "t", "CAUSEWAY_TEAMS_SECRET": "s", "CAUSEWAY_MATTERMOST_OAUTH": "o", "CAUSEWAY_METRICS_TOKEN": "twenty characters at least", "CAUSEWAY_DASHBOARD_TOKEN": "twenty characters and more"})

func TestExampleIsValid(t *testing.T) {
	cfg, err := config.Parse("config.toml.example", []byte(read(t, example)), t.TempDir(), exampleEnv, bridges())
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) > 0 {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
	kinds := map[string]int{}
	for _, g := range cfg.Gateways {
		words := []string{}
		for _, e := range g.Endpoints {
			words = append(words, e.Direction.String())
		}
		kinds[strings.Join(words, " ")]++
	}
	if diff := cmp.Diff(map[string]int{"inout inout": 1, "in out": 1, "inout inout inout": 1}, kinds); diff != "" {
		t.Errorf("gateways differ (-want +got):\n%s", diff)
	}
}

func TestExampleWithEveryCommentedKeyIsValid(t *testing.T) {
	var b strings.Builder
	for line := range strings.Lines(read(t, example)) {
		text := strings.TrimSpace(line)
		inner := strings.TrimPrefix(text, "# ")
		key, _, isKey := strings.Cut(inner, " = ")
		switch {
		case text == inner || !isKey && !strings.HasPrefix(inner, "[") && inner != "]" && !strings.HasPrefix(inner, " "):
		case strings.HasSuffix(key, "File") && key != "KeyFile", key == "Key": // needs a file, or stands in place of another key
		case strings.HasPrefix(text, "#   "): // prose
			if strings.HasPrefix(strings.TrimSpace(inner), "{ account") {
				line = inner + "\n"
			}
		case isKey && !strings.Contains(key, " ") || strings.HasPrefix(inner, "[") || inner == "]":
			line = inner + "\n"
		}
		b.WriteString(line)
	}
	text := b.String()
	// Keys that the example sets already.
	text = strings.Replace(text, "LoginURL = \"https://login.microsoftonline.com\"\nRemoteNickFormat", "LoginURL = \"https://login.microsoftonline.com\"\n# RemoteNickFormat", 1)
	cfg, err := config.Parse("config.toml.example", []byte(text), t.TempDir(), exampleEnv, bridges())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(cfg.Gateways) != 4 || cfg.HTTP.PublicURL == "" || cfg.Accounts["msteams.contoso"].Settings.(*msteamsSettings).PollInterval == 0 {
		t.Errorf("not all commented keys were taken: %d gateways, %+v\n%s", len(cfg.Gateways), cfg, text)
	}
}

func TestExampleShowsEveryKey(t *testing.T) {
	if missing := config.Undocumented([]byte(read(t, example)), bridges()); len(missing) > 0 {
		t.Errorf("config.toml.example lacks %s", strings.Join(missing, ", "))
	}
}

func TestUndocumentedFindsWhatLacks(t *testing.T) {
	text := read(t, example)
	for _, gone := range []string{"[general] LogFormat", "[mattermost.NAME] SkipTLSVerify", "[msteams.NAME] ClientSecretFile", "[[gateway]] enable"} {
		_, key, _ := strings.Cut(gone, "] ")
		got := config.Undocumented([]byte(strings.ReplaceAll(text, "# "+strings.TrimLeft(key, "] ")+" =", "# ")), bridges())
		if diff := cmp.Diff([]string{gone}, got); diff != "" {
			t.Errorf("without %s (-want +got):\n%s", gone, diff)
		}
	}
	if got := config.Undocumented(nil, bridges()); len(got) < 30 {
		t.Errorf("an empty example lacks only %v", got)
	}
}

func TestShortFormOfTheDefaultsIsTrue(t *testing.T) {
	cfg, err := config.Parse("config.toml", nil, "", env(nil), bridges())
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, example)
	for key, value := range map[string]string{
		"LogLevel": cfg.General.LogLevel, "LogFormat": cfg.General.LogFormat, "RemoteNickFormat": cfg.General.RemoteNickFormat,
		"DSN": cfg.Storage.DSN, "KeyFile": cfg.Storage.KeyFile, "Listen": cfg.HTTP.Listen,
	} {
		if line := "\n# " + key + ` = "` + value + `"`; !strings.Contains(text, line) {
			t.Errorf("config.toml.example does not show the default %s", line)
		}
	}
}
