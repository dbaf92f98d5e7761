package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
)

func TestWhatAGatewayDoesWithFiles(t *testing.T) {
	const accounts = `
[mattermost.hq]
Server = "s"
Token = "t"
[msteams.contoso]
TenantID = "t"
[[gateway]]
name = "a"
inout = [{ account = "mattermost.hq", channel = "a" }, { account = "msteams.contoso", channel = "a" }]
`
	for text, want := range map[string]config.Files{
		"":                                        {Mode: "copy"},
		`Files = "Link"`:                          {Mode: "link"},
		`files = "off"`:                           {Mode: "off"},
		`MaxFileSize = "100 MB"`:                  {Mode: "copy", MaxSize: 100_000_000},
		`MaxFileSize = "1.5GiB"`:                  {Mode: "copy", MaxSize: 3 << 29},
		`MaxFileSize = "1000"`:                    {Mode: "copy", MaxSize: 1000},
		`AllowedTypes = ["Image/*", " .PDF "]`:    {Mode: "copy", Allowed: []string{"image/*", ".pdf"}},
		`BlockedTypes = ["application/x-sh"]`:     {Mode: "copy", Blocked: []string{"application/x-sh"}},
		`BlockedTypes = [".tar.gz", "text/html"]`: {Mode: "copy", Blocked: []string{".tar.gz", "text/html"}},
	} {
		cfg, err := config.Parse("config.toml", []byte(accounts+text), "", env(nil), protocols())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, cfg.Gateways[0].Files); diff != "" || len(cfg.Warnings) > 0 {
			t.Errorf("%s (-want +got):\n%s%v", text, diff, cfg.Warnings)
		}
	}
	cfg, err := config.Parse("config.toml", []byte(accounts+"Files = \"link\"\nMaxFileSize = \"1 MB\""), "", env(nil), protocols())
	if err != nil || len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].String(), "MaxFileSize: has no effect") {
		t.Errorf("a limit without copies: %v, %v", cfg, err)
	}
}
