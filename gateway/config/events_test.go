package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/gateway/config"
)

// TestWhatIsToldOfWhatHappens in each gateway, and in direct conversations; nothing where the config does not say so.
func TestWhatIsToldOfWhatHappens(t *testing.T) {
	cfg, err := config.Parse("config.toml", []byte(`
[mattermost.hq]
Server = "s"
Token = "t"
[msteams.contoso]
TenantID = "t"
[[direct]]
Accounts = ["mattermost.hq", "msteams.contoso"]
SystemEvents = ["Calls", "pinned"]
[[gateway]]
name = "a"
systemevents = [" members", "renamed", "description", "calls", "pinned"]
inout = [{ account = "mattermost.hq", channel = "a" }, { account = "msteams.contoso", channel = "a" }]
[[gateway]]
name = "b"
inout = [{ account = "mattermost.hq", channel = "b" }, { account = "msteams.contoso", channel = "b" }]
`), "", env(nil), protocols())
	if err != nil {
		t.Fatal(err)
	}
	got := [][]bridge.Event{cfg.Directs[0].SystemEvents, cfg.Gateways[0].SystemEvents, cfg.Gateways[1].SystemEvents}
	if diff := cmp.Diff([][]bridge.Event{{bridge.EventCalls, bridge.EventPinned}, bridge.Events(), nil}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
