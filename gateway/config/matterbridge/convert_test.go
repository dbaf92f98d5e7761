package matterbridge_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/secret"
	"causeway/gateway/config"
	"causeway/gateway/config/matterbridge"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Stand-ins for the bridges' settings, with the keys that are written.
type (
	mattermostSettings struct {
		Server, Team  string
		Token         secret.Secret
		SkipTLSVerify bool
	}
	msteamsSettings struct {
		TenantID, ClientID, TeamID string
		ClientSecret               secret.Secret
	}
)

var protocols = config.Protocols{
	"mattermost": func() any { return new(mattermostSettings) },
	"msteams":    func() any { return new(msteamsSettings) },
}

// planted stands in the old configs wherever a secret could.
const planted = "s3cr3t"

// TestConvert compares what becomes of each old config, without and with its tokens, and loads it.
func TestConvert(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(fixtures) < 7 {
		t.Fatalf("found %d fixtures: %v", len(fixtures), err)
	}
	for _, path := range fixtures {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			old := read(t, path)
			got, err := matterbridge.Convert(path, []byte(old), false)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(path, ".toml")+".golden", string(got.Text))
			if strings.Contains(string(got.Text), planted) || got.Secrets {
				t.Errorf("a secret stands in it:\n%s", got.Text)
			}
			load(t, got.Text)
			moved, err := matterbridge.Convert(path, []byte(old), true)
			if err != nil {
				t.Fatal(err)
			}
			cfg := load(t, moved.Text)
			tokens := 0
			for _, a := range cfg.Accounts {
				if s, ok := a.Settings.(*mattermostSettings); ok && strings.Contains(s.Token.Reveal(), planted) {
					tokens++
				}
			}
			if shown := strings.Count(string(moved.Text), planted); shown != tokens || moved.Secrets != (tokens > 0) {
				t.Errorf("%d tokens were moved, and %d secrets stand in it (told: %t):\n%s", tokens, shown, moved.Secrets, moved.Text)
			}
			for word, n := range map[string]int{"TO DO: ": got.ToDo, "Left out: ": got.LeftOut} {
				if there := strings.Count(string(got.Text), "# "+word); there != n {
					t.Errorf("%q stands there %d times, and %d are told", word, there, n)
				}
			}
		})
	}
}

var envName = regexp.MustCompile(`"env:(CAUSEWAY_[A-Z0-9_]+)"`)

// load makes sure that Causeway takes a config whose environment variables are set.
func load(t *testing.T, text []byte) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, m := range envName.FindAllSubmatch(text, -1) {
		t.Setenv(string(m[1]), "set")
	}
	cfg, err := config.Load(path, protocols)
	if err != nil {
		t.Fatalf("Causeway does not take it: %v\n%s", err, text)
	}
	return cfg
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, path), got); diff != "" {
		t.Errorf("what is written differs (-want +got); -update writes it anew:\n%s", diff)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGatewaysMeanTheSame compares the gateways as Causeway reads them.
func TestGatewaysMeanTheSame(t *testing.T) {
	got, err := matterbridge.Convert("matterbridge.toml", []byte(read(t, "testdata/tokens_and_directions.toml")), true)
	if err != nil {
		t.Fatal(err)
	}
	type end struct{ Account, Channel, Direction string }
	type gateway struct {
		Name   string
		Enable bool
		Ends   []end
	}
	var gateways []gateway
	for _, g := range load(t, got.Text).Gateways {
		one := gateway{Name: g.Name, Enable: g.Enable}
		for _, e := range g.Endpoints {
			one.Ends = append(one.Ends, end{e.Account, e.Channel, e.Direction.String()})
		}
		gateways = append(gateways, one)
	}
	want := []gateway{
		{"announcements", true, []end{{"mattermost.Inside", "oc4wifyuojgw5f3nsuweesmz8w", "in"}, {"mattermost.outside", "news", "out"}}},
		{"both", true, []end{{"mattermost.Inside", "alerts", "inout"}, {"msteams.x", "19:1@thread.tacv2", "inout"}}},
		{"off", false, []end{{"mattermost.Inside", "tom__ann", "inout"}, {"mattermost.outside", "town-square", "inout"}}},
	}
	if diff := cmp.Diff(want, gateways); diff != "" {
		t.Errorf("gateways (-want +got):\n%s", diff)
	}
}

func TestMistakesShowNothingOfTheFile(t *testing.T) {
	for name, text := range map[string]string{
		"a.toml":    "[mattermost.a]\nToken=\"s3cr3t\n",
		"b.toml":    "[mattermost.a]\nToken=s3cr3t\n",
		"conf.yaml": "mattermost:\n  a:\n    Token: s3cr3t\n",
		"conf.json": `{"mattermost":{"a":{"Token":"s3cr3t"}}}`,
	} {
		_, err := matterbridge.Convert("/etc/"+name, []byte(text), true)
		if err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", name, err)
		}
		var mistakes config.Errors
		if toml := strings.HasSuffix(name, ".toml"); errors.As(err, &mistakes) != toml {
			t.Errorf("%s: error of type %T", name, err)
		}
	}
}

// TestEveryKeyOfMatterbridgeIsKnown lists the keys of its accounts and [general], in 1.26.
func TestEveryKeyOfMatterbridgeIsKnown(t *testing.T) {
	for key := range strings.FieldsSeq(`AllowMention AuthCode BindAddress Buffer Charset ColorNicks DebugLevel DisableWebPagePreview EditSuffix EditDisable
		HTMLDisable IconURL IgnoreFailureOnStart IgnoreNicks IgnoreMessages Jid JoinDelay LogFile MediaDownloadBlackList MediaDownloadPath MediaDownloadSize
		MediaServerDownload MediaServerUpload MediaConvertTgs MediaConvertWebPToPNG MessageDelay MessageFormat MessageLength MessageQueue MessageSplit Muc MxID Name
		Nick NickFormatter NickServNick NickServUsername NickServPassword NicksPerRow NoHomeServerSuffix NoSendJoinPart PreserveThreading QuoteDisable QuoteFormat
		QuoteLengthLimit RealName RejoinDelay ReplaceMessages ReplaceNicks ExtractNicks RunCommands SessionFile ShowJoinPart ShowTopicChange ShowUserTyping
		ShowEmbeds SkipVersionCheck StripNick StripMarkdown SyncTopic Topic URL UseAPI UseLocalAvatar UseSASL UseTLS UseDiscriminator UseFirstName UseUserName
		UseInsecureURL UserName VerboseJoinPart WebhookBindAddress WebhookURL PrefixMessagesWithNick Protocol`) {
		got, err := matterbridge.Convert("m.toml", []byte("[mattermost.a]\n"+key+" = \"x\"\n"), false)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(got.Text); strings.Contains(text, "does not know either") || !strings.Contains(text, "# Left out: "+key) {
			t.Errorf("%s:\n%s", key, text)
		}
	}
}
