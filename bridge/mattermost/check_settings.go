package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"causeway/bridge"
)

// setting is one of the server's settings that matter here.
type setting struct {
	// name is its name in config.json, key that in what any account may read.
	name, key string
	// good tells of a value whether all is well with it; nil: always.
	good func(value string) bool
	// use says what it is for, lacking what is missing while it is not good, with %s for the value, and next what to do. Where lacking is
	// empty, checkPeople tells.
	use, lacking, next string
}

func on(value string) bool { return value == "true" }

// settings are those that Causeway needs, or takes into account; documented in docs/mattermost-bot.md.
var settings = []setting{
	{name: "ServiceSettings.SiteURL", key: "SiteURL", good: func(v string) bool { return v != "" }, use: "links to messages, and people's sign-in",
		lacking: "links lead nowhere for others, and people cannot sign in: ServiceSettings.SiteURL is empty", next: "set it to the address at which people open Mattermost (System Console > Web Server)"},
	{name: "ServiceSettings.EnableBotAccountCreation", key: "EnableBotAccountCreation", use: "making the bot; it may be off now"},
	{name: "ServiceSettings.EnablePostUsernameOverride", key: "EnablePostUsernameOverride", good: on, use: "names of authors from elsewhere",
		lacking: "the author's name stands in the text of messages from other services: ServiceSettings.EnablePostUsernameOverride is off", next: "switch it on (System Console > Integrations)"},
	{name: "ServiceSettings.EnablePostIconOverride", key: "EnablePostIconOverride", good: on, use: "pictures of authors from elsewhere",
		lacking: "authors from other services have no picture: ServiceSettings.EnablePostIconOverride is off", next: "switch it on (System Console > Integrations)"},
	{name: "ServiceSettings.EnableUserAccessTokens", key: "EnableUserAccessTokens", good: on, use: "acting as people with Profile = \"simple\""},
	{name: "ServiceSettings.EnableOAuthServiceProvider", key: "EnableOAuthServiceProvider", good: on, use: "people's sign-in to Mattermost"},
	{name: "ServiceSettings.EnableCommands", key: "EnableCommands", good: on, use: "/msteams"},
	{name: "ServiceSettings.PostEditTimeLimit", key: "PostEditTimeLimit", good: func(v string) bool { return v == "-1" }, use: "edits at any time",
		lacking: "posts can only be edited for %s seconds (ServiceSettings.PostEditTimeLimit): later edits appear as replies", next: "set it to -1 if that is not meant"},
	{name: "TeamSettings.RestrictDirectMessage", key: "RestrictDirectMessage", good: func(v string) bool { return v == "any" }, use: "telling people something privately",
		lacking: "the bot reaches people by direct message only in teams that it is in: TeamSettings.RestrictDirectMessage is %q", next: "invite it to every team of theirs"},
	{name: "FileSettings.EnableFileAttachments", key: "EnableFileAttachments", good: on, use: "files",
		lacking: "no file is taken, so that each comes as a line with its name: FileSettings.EnableFileAttachments is off", next: "switch it on (System Console > Site Configuration > File Sharing and Downloads), or set Files = \"link\" in the gateways"},
	{name: "EmailSettings.RequireEmailVerification", key: "RequireEmailVerification", good: on, use: "knowing by their addresses people who have not connected"},
	{name: "PrivacySettings.ShowEmailAddress", key: "ShowEmailAddress", good: on, use: "knowing people by their e-mail address",
		lacking: "people are known by their e-mail address only if the bot is an administrator: PrivacySettings.ShowEmailAddress is off", next: "switch it on (System Console > Users and Teams), or do without"},
}

// checkSettings tells of each setting how it stands; limits are told in the header of any answer.
func (a *account) checkSettings(ctx context.Context, header http.Header) []bridge.Finding {
	var values map[string]string
	if err := a.client.get(ctx, "/config/client?format=old", &values); err != nil {
		return []bridge.Finding{{Unsure: true, Text: fmt.Sprintf("the server's settings cannot be read: %v", err)}}
	}
	var all []bridge.Finding
	for _, s := range settings {
		value, told := values[s.key]
		switch {
		case told && (s.good == nil || s.good(value)):
			all = append(all, bridge.Finding{Fine: true, Text: fmt.Sprintf("%s = %s, for %s", s.name, value, s.use)})
		case told && s.lacking != "":
			text := s.lacking
			if strings.Contains(text, "%") {
				text = fmt.Sprintf(text, value)
			}
			all = append(all, bridge.Finding{Text: text, Next: s.next})
		}
	}
	if limit := header.Get("X-Ratelimit-Limit"); limit != "" {
		all = append(all, bridge.Finding{Text: fmt.Sprintf("the server limits requests (%s at once): busy channels wait", limit), Next: "raise RateLimitSettings.PerSec and MaxBurst"})
	} else {
		all = append(all, bridge.Finding{Fine: true, Text: "RateLimitSettings.Enable = false, so nothing waits for that"})
	}
	return append(all, a.checkOwner(ctx)...)
}

// checkOwner looks at what happens to bots when those who made them leave, which only administrators may look up.
func (a *account) checkOwner(ctx context.Context) []bridge.Finding {
	const name = "ServiceSettings.DisableBotsWhenOwnerIsDeactivated"
	var server struct {
		ServiceSettings struct{ DisableBotsWhenOwnerIsDeactivated *bool }
	}
	err := a.client.get(ctx, "/config", &server)
	switch off := server.ServiceSettings.DisableBotsWhenOwnerIsDeactivated; {
	case err != nil || off == nil:
		return []bridge.Finding{{Unsure: true, Text: name + ": not for this bot to look up. While it is true, the bot stops when whoever made it is deactivated"}}
	case *off:
		return []bridge.Finding{{Text: name + " = true: the bot stops when whoever made it is deactivated", Next: "switch it off (System Console > Integrations > Bot Accounts), or keep that account active"}}
	}
	return []bridge.Finding{{Fine: true, Text: name + " = false, so the bot outlives the account that made it"}}
}
