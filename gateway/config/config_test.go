package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
)

const complete = `
[general]
loglevel = "WARNING"
LogFormat = "json"
RemoteNickFormat = "<{NICK}>"
[storage]
DSN = "data/messages.db"
KeepMessages = "8760h"

[http]
Listen = ":80"
PublicURL = "https://example.com/causeway/"

[mattermost.hq]
Server = "chat.example.com"
token = "t"
CAFile = "ca.pem"
Label = "MM"

[MSTeams.contoso]
TenantID = "t"
ClientSecret = "env:SECRET"
PollInterval = "1m30s"
RemoteNickFormat = "{NICK} at {LABEL}"

[[gateway]]
name = "town"
  [[gateway.inout]]
  account = "Mattermost.HQ"
  channel = " a/b "
  [[gateway.inout]]
  account = "msteams.contoso"
  channel = "c"

[[gateway]]
name = "one-way"
enable = false
out = [ { account = "mattermost.hq", channel = "x" },
        { account = "mattermost.hq", channel = "y" } ]
in = [{ account = "msteams.contoso", channel = "z" }]

[[Direct]]
accounts = ["MSTeams.Contoso", "mattermost.hq "]
GroupMessages = false

[people]
Enable = false
prompt = "Allow-List"
PromptTeams = [" main"]
PromptGroups = ["Sales people "]
AllowListFile = "ca.pem"
RemindAfter = "48h"
MaxPendingInvites = 7
RequireSameEmail = false
MatchByEmail = false
KeepMapping = true
MaxConnected = 250
Allow = ["@Example.com"]
Deny = ["Mallory@example.com "]
SyncInterval = "2h"
OnTeamsUserRemoved = "Nothing"
MaxRemovals = "10%"

[metrics]
Enable = false
Token = "env:METRICS"

[dashboard]
Enable = false
Token = "env:DASHBOARD"
ShowText = true
`

func TestEverythingGivenArrives(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ca.pem"), "", 0o644)
	got, err := config.Parse("config.toml", []byte(complete), dir, env(map[string]string{"SECRET": "from env", "METRICS": "a token of twenty characters", "DASHBOARD": "twenty characters and more"}), protocols())
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "data", "messages.db")
	want := &config.Config{
		General:   config.General{LogLevel: "warn", LogFormat: "json", RemoteNickFormat: "<{NICK}>", NoticeAfter: 5 * time.Minute},
		Storage:   config.Storage{DSN: db, KeyFile: db + ".key", KeepMessages: 8760 * time.Hour, QuarantineDays: 30},
		HTTP:      config.HTTP{Listen: ":80", PublicURL: "https://example.com/causeway"},
		Metrics:   config.Metrics{Token: "a token of twenty characters"},
		Dashboard: config.Dashboard{Token: "twenty characters and more", ShowText: true},
		People: config.People{
			Prompt: config.PromptAllowList, PromptTeams: []string{"main"}, PromptGroups: []string{"Sales people"}, AllowListFile: filepath.Join(dir, "ca.pem"), RemindAfter: 48 * time.Hour, MaxPendingInvites: 7,
			KeepMapping: true, MaxConnected: 250, Allow: []string{"@example.com"}, Deny: []string{"mallory@example.com"},
			SyncInterval: 2 * time.Hour, OnTeamsUserRemoved: config.RemovedNothing, MaxRemovals: "10%",
		},
		Accounts: map[string]config.Account{
			"mattermost.hq": {ID: "mattermost.hq", Protocol: "mattermost", Name: "hq", Label: "MM", RemoteNickFormat: "<{NICK}>", Line: 14,
				Settings: &mattermostSettings{Server: "chat.example.com", Token: "t", CAFile: filepath.Join(dir, "ca.pem")}},
			"msteams.contoso": {ID: "msteams.contoso", Protocol: "msteams", Name: "contoso", RemoteNickFormat: "{NICK} at {LABEL}", Line: 20,
				Settings: &msteamsSettings{TenantID: "t", ClientSecret: "from env", Receive: "auto", PollInterval: 90 * time.Second, PostInterval: time.Second}},
		},
		Directs: []config.Direct{{Accounts: [2]string{"msteams.contoso", "mattermost.hq"}, Enable: true, DirectMessages: true, Files: config.Files{Mode: "copy"}, Line: 42}},
		Gateways: []config.Gateway{
			{Name: "town", Enable: true, Files: config.Files{Mode: "copy"}, Line: 26, Endpoints: []config.Endpoint{
				{Account: "mattermost.hq", Channel: "a/b", Direction: config.InOut, Line: 28},
				{Account: "msteams.contoso", Channel: "c", Direction: config.InOut, Line: 31}}},
			{Name: "one-way", Files: config.Files{Mode: "copy"}, Line: 35, Endpoints: []config.Endpoint{
				{Account: "msteams.contoso", Channel: "z", Direction: config.In, Line: 40},
				{Account: "mattermost.hq", Channel: "x", Direction: config.Out, Line: 38},
				{Account: "mattermost.hq", Channel: "y", Direction: config.Out, Line: 39}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("config differs (-want +got):\n" + diff)
	}
}

func TestEmptyFileGivesTheDefaults(t *testing.T) {
	got, err := config.Parse("config.toml", nil, "/etc/causeway", env(nil), protocols())
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		General:   config.General{LogLevel: "info", LogFormat: "text", RemoteNickFormat: "{NICK}", NoticeAfter: 5 * time.Minute},
		Storage:   config.Storage{DSN: "/etc/causeway/causeway.db", KeyFile: "/etc/causeway/causeway.db.key", KeepMessages: 17520 * time.Hour, QuarantineDays: 30},
		HTTP:      config.HTTP{Listen: "127.0.0.1:9080"},
		Metrics:   config.Metrics{Enable: true},
		Dashboard: config.Dashboard{Enable: true},
		People: config.People{
			Enable: true, Prompt: config.PromptOff, RemindAfter: 30 * 24 * time.Hour, MaxPendingInvites: 50, RequireSameEmail: true, MatchByEmail: true,
			SyncInterval: time.Hour, OnTeamsUserRemoved: config.RemovedDeactivate,
		},
		Accounts: map[string]config.Account{},
		Warnings: []config.Mistake{{File: "config.toml", Problem: "no gateway is enabled, so nothing will be carried", Hint: "add a [[gateway]]"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("config differs (-want +got):\n" + diff)
	}
}

func TestOddKindsOfKeysAreDecoded(t *testing.T) {
	text := `[odd.x]
port = 7
Ratio = 2
Rooms = ["a", "b"]
other-name = "r"
Since = 2024-01-02T03:04:05Z
Nested = { depth = 3, KeyFile = "key" }
Mood = "good"
[[odd.x.Peers]]
Host = "h"
`
	dir := t.TempDir()
	write(t, filepath.Join(dir, "key"), "k\r\n", 0o600)
	got, err := config.Parse("config.toml", []byte(text), dir, env(nil), protocols())
	if err != nil {
		t.Fatal(err)
	}
	want := &oddSettings{Port: 7, Ratio: 2, Rooms: []string{"a", "b"}, Renamed: "r", Since: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
		Peers: []struct{ Host string }{{"h"}}, Mood: "good"}
	want.Nested.Depth, want.Nested.Key = 3, "k"
	if diff := cmp.Diff(want, got.Accounts["odd.x"].Settings); diff != "" {
		t.Error("settings differ (-want +got):\n" + diff)
	}
}

func TestLoadWithoutAFileSaysHowToGetOne(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "config.toml"), protocols())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "copy config.toml.example") {
		t.Errorf("Load without a file gives %v", err)
	}
}

func TestLoadResolvesPathsFromTheFolderOfTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	write(t, path, "", 0o600)
	t.Chdir(filepath.Dir(dir))
	got, err := config.Load(filepath.Join(filepath.Base(dir), "config.toml"), protocols())
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "causeway.db"); got.Storage.DSN != want {
		t.Errorf("DSN is %s, want %s", got.Storage.DSN, want)
	}
}

func TestLoadWarnsOfSecretsInAFileThatOthersMayRead(t *testing.T) {
	for _, c := range []struct {
		name, token string
		mode        fs.FileMode
		want        bool
	}{
		{"value, open", `"t"`, 0o644, true},
		{"value, group", `"t"`, 0o640, true},
		{"value, closed", `"t"`, 0o600, false},
		{"environment, open", `"env:T"`, 0o644, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("T", "t")
			path := filepath.Join(t.TempDir(), "config.toml")
			write(t, path, "[mattermost.hq]\nServer = \"s\"\nToken = "+c.token+"\n", c.mode)
			got, err := config.Load(path, protocols())
			if err != nil {
				t.Fatal(err)
			}
			if warned := strings.Contains(config.Errors(got.Warnings).Error(), "the file holds secrets"); warned != c.want {
				t.Errorf("warned is %v, want %v: %v", warned, c.want, got.Warnings)
			}
		})
	}
}

func TestByteOrderMarkIsSkipped(t *testing.T) {
	_, err := config.Parse("config.toml", []byte("\xef\xbb\xbf[general]\nLogLevl = \"info\"\n"), "", env(nil), protocols())
	if want := "config.toml:2: [general] LogLevl: unknown key; did you mean LogLevel?"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestDirections(t *testing.T) {
	type row struct {
		name            string
		receives, sends bool
	}
	got := []row{}
	for _, d := range []config.Direction{config.InOut, config.In, config.Out} {
		got = append(got, row{d.String(), d.Receives(), d.Sends()})
	}
	if diff := cmp.Diff([]row{{"inout", true, true}, {"in", true, false}, {"out", false, true}}, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Error(diff)
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestRemovalLimit(t *testing.T) {
	for text, want := range map[string][3]int{ // of 10, 100 and 1000 people
		"": {5, 5, 50}, "3": {3, 3, 3}, "10%": {1, 10, 100}, "0": {0, 0, 0}, "0%": {0, 0, 0},
	} {
		p := config.People{MaxRemovals: text}
		if got := [3]int{p.RemovalLimit(10), p.RemovalLimit(100), p.RemovalLimit(1000)}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
