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
	for name, others := range map[bridge.AccountName][]bridge.AccountName{"mattermost.hq": {"msteams.one"}, "msteams.one": {"mattermost.hq"}, "mattermost.lab": nil} {
		if diff := cmp.Diff(others, with(cfg, people.Account{Name: name}).With); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
