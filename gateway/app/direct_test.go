package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/direct"
	"causeway/gateway/people"
)

func TestWhatTheConfigDoesNotSayOfDirectMessagesIsOn(t *testing.T) {
	cfg := &config.Config{Directs: []config.Direct{
		{Accounts: [2]string{"msteams.one", "mattermost.hq"}, Enable: true, GroupMessages: true},
		{Accounts: [2]string{"mattermost.hq", "mattermost.lab"}},
	}}
	connectable := [][2]bridge.AccountName{{"mattermost.hq", "msteams.one"}, {"mattermost.hq", "msteams.two"}}
	want := []gateway.Direct{
		{Accounts: [2]bridge.AccountName{"msteams.one", "mattermost.hq"}, Settings: direct.Settings{Enable: true, GroupMessages: true}},
		{Accounts: [2]bridge.AccountName{"mattermost.hq", "mattermost.lab"}},
		{Accounts: [2]bridge.AccountName{"mattermost.hq", "msteams.two"}, Settings: direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}},
	}
	if diff := cmp.Diff(want, directs(cfg, connectable)); diff != "" {
		t.Error(diff)
	}
	for both, want := range map[[2]bridge.AccountName][]direct.Reason{
		{"mattermost.hq", "msteams.one"}:    {direct.DirectOff},
		{"mattermost.lab", "mattermost.hq"}: {direct.Off},
		{"mattermost.hq", "msteams.two"}:    nil,
	} {
		if diff := cmp.Diff(want, off(cfg)(both[0], both[1])); diff != "" {
			t.Errorf("switched off between %v: %s", both, diff)
		}
	}
	for name, others := range map[bridge.AccountName][]bridge.AccountName{"mattermost.hq": {"msteams.one"}, "msteams.one": {"mattermost.hq"}, "mattermost.lab": nil} {
		if diff := cmp.Diff(others, with(cfg, people.Account{Name: name}).With); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestWhatIsSwitchedOffIsToldByTheConfigThatHolds, though people go on as they were.
func TestWhatIsSwitchedOffIsToldByTheConfigThatHolds(t *testing.T) {
	var a App
	both := [2]string{"mattermost.hq", "msteams.one"}
	for _, one := range []struct {
		direct config.Direct
		want   []direct.Reason
	}{
		{config.Direct{Accounts: both, Enable: true, GroupMessages: true}, []direct.Reason{direct.DirectOff}},
		{config.Direct{Accounts: both, Enable: true, DirectMessages: true}, []direct.Reason{direct.GroupsOff}},
		{config.Direct{Accounts: both, Enable: true, DirectMessages: true, GroupMessages: true}, nil},
	} {
		a.parts.Store(&parts{cfg: &config.Config{Directs: []config.Direct{one.direct}}})
		if diff := cmp.Diff(one.want, a.off("mattermost.hq", "msteams.one")); diff != "" {
			t.Error(diff)
		}
	}
}

// An account is told that it has to do with talks exactly where it may.
func TestAccountsKnowWhetherTalksAreCarried(t *testing.T) {
	const a, b = "mattermost.a", "msteams.b"
	shared := []config.Gateway{{Name: "town", Enable: true, Endpoints: []config.Endpoint{{Account: a, Channel: "x"}, {Account: b, Channel: "y"}}}}
	for what, c := range map[string]struct {
		cfg  config.Config
		want bool
	}{
		"a shared gateway":             {config.Config{People: config.People{Enable: true}, HTTP: config.HTTP{PublicURL: "https://x"}, Gateways: shared}, true},
		"none":                         {config.Config{People: config.People{Enable: true}, HTTP: config.HTTP{PublicURL: "https://x"}}, false},
		"nobody can connect":           {config.Config{People: config.People{Enable: true}, Gateways: shared}, false},
		"nobody may connect":           {config.Config{HTTP: config.HTTP{PublicURL: "https://x"}, Gateways: shared}, false},
		"switched off":                 {config.Config{People: config.People{Enable: true}, HTTP: config.HTTP{PublicURL: "https://x"}, Gateways: shared, Directs: []config.Direct{{Accounts: [2]string{b, a}}}}, false},
		"switched on without channels": {config.Config{Directs: []config.Direct{{Accounts: [2]string{b, a}, Enable: true}}}, true},
	} {
		for _, name := range []bridge.AccountName{a, b} {
			if got := carriesTalks(&c.cfg, name); got != c.want {
				t.Errorf("%s: %s is told %v", what, name, got)
			}
		}
		if carriesTalks(&c.cfg, "mattermost.other") {
			t.Errorf("%s: another account is told so, too", what)
		}
	}
}
