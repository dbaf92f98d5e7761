package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// The oldest server supported.
const oldestMajor, oldestMinor = 10, 11

// Check looks at the bot's account and the server's settings.
func (a *account) Check(ctx context.Context) []bridge.Finding {
	var me model.User
	var clock bridge.Clock
	sent := time.Now()
	answer, err := a.client.call(ctx, opRead, http.MethodGet, "/users/me", nil, &me)
	if err != nil {
		return []bridge.Finding{{Fatal: true, Text: fmt.Sprintf("the server does not accept the token: %v", err)}}
	}
	clock.Note(answer.Header, sent, time.Now())
	config, err := a.readConfig(ctx)
	if err != nil {
		return []bridge.Finding{{Fatal: true, Text: err.Error()}}
	}
	all := clock.Findings("Mattermost")
	note := func(format string, args ...any) {
		all = append(all, bridge.Finding{Text: fmt.Sprintf(format, args...)})
	}
	if !me.IsBot {
		all = append(all, bridge.Finding{Text: fmt.Sprintf("@%s is not a bot account: its posts mark channels as read for that person and stop when the password's owner leaves", me.Username),
			Next: "make a bot account (Integrations > Bot Accounts)"})
	}
	if strings.Contains(me.Roles, model.SystemAdminRoleId) {
		note("@%s is a system administrator: whoever gets hold of its token owns the server; Profile = \"restricted\" does without", me.Username)
	}
	var major, minor int
	if _, err := fmt.Sscanf(config.version, "%d.%d", &major, &minor); err != nil || major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		note("the server's version is %q; Causeway is made for %d.%d or later", config.version, oldestMajor, oldestMinor)
	} else {
		all = append(all, bridge.Finding{Fine: true, Text: "the server's version is " + config.version})
	}
	all = append(all, a.checkSettings(ctx, answer.Header)...)
	if a.settings.SkipTLSVerify {
		note("SkipTLSVerify is on: whoever is between here and the server can read the token; CAFile is the safe way")
	}
	if a.client.base.Scheme == "http" {
		note("Server is an http:// address: the token travels unencrypted")
	}
	if identity, err := a.Connect(ctx); err == nil {
		all = append(all, a.checkRights(ctx, identity)...)
		all = append(all, a.checkPeople(ctx)...)
	}
	return all
}

// checkRights looks whether the bot is in a team at all.
func (a *account) checkRights(ctx context.Context, identity bridge.Identity) []bridge.Finding {
	var teams []*model.Team
	if err := a.client.get(ctx, "/users/"+string(identity.User)+"/teams", &teams); err != nil {
		return []bridge.Finding{{Fatal: true, Text: fmt.Sprintf("the bot's teams cannot be read: %v", err)}}
	}
	if len(teams) == 0 {
		return []bridge.Finding{{Fatal: true, Text: fmt.Sprintf("@%s is in no team: invite it to the team, then type \"/invite @%s\" in each channel", identity.Name, identity.Name)}}
	}
	return nil
}
