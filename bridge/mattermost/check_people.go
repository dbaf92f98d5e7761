package mattermost

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// checkPeople tells what connecting people lacks, by permission and setting, with the next step. Nothing of it keeps messages from crossing.
func (a *account) checkPeople(ctx context.Context) []bridge.Finding {
	_, config, err := a.self()
	if err != nil {
		return nil
	}
	a.mu.Lock()
	powers := a.powers
	a.mu.Unlock()
	var all []bridge.Finding
	note := func(format string, args ...any) {
		all = append(all, bridge.Finding{Text: fmt.Sprintf(format, args...)})
	}
	lacks := func(what string, permissions ...*model.Permission) {
		if ids := powers.lacks(permissions...); len(ids) > 0 {
			note("%s: the bot lacks %s; docs/mattermost-bot.md says how to give it", what, strings.Join(ids, ", "))
		}
	}
	simple := a.simple()
	unless := func(text string) string { // without an app, people can still type a code where the bot mints the tokens
		if simple {
			return text
		}
		return "people cannot be connected: " + text
	}
	if simple {
		all = append(all, bridge.Finding{Fine: true, Text: "acting as people: simple, the bot mints a token for each who connects"})
		lacks("people cannot be connected", mint...)
		if !config.tokens {
			note("people cannot be connected: %s", hintTokensOff)
		}
	} else {
		all = append(all, bridge.Finding{Fine: true, Text: "acting as people: restricted, each gives Causeway a token by Mattermost's OAuth 2.0 when they connect"})
	}
	switch {
	case !config.oauth && simple:
		note("people prove their Mattermost account by a typed code: to let them sign in instead, %s", hintOAuthOff)
	case !config.oauth:
		note("people cannot be connected: %s", hintOAuthOff)
	case a.settings.OAuthClientID != "":
		if err := a.client.get(ctx, "/oauth/apps/"+a.settings.OAuthClientID+"/info", nil); bridge.KindOf(err) == bridge.Gone {
			note("%s", unless("the server has no OAuth 2.0 app with the client id OAuthClientID"))
		}
	case !powers.may(model.PermissionManageOAuth):
		if _, err := a.keptApp(ctx); err != nil {
			note("%s", unless("there is no OAuth 2.0 app: "+hintApp))
		}
	}
	if a.settings.Observe == ObserveWebsocket {
		note("Observe is %q: everybody who is connected looks online in Mattermost, and gets no e-mails of it; %q asks people first", ObserveWebsocket, ObserveAuto)
	}
	if !powers.may(model.PermissionCreatePostEphemeral) {
		note("people are told privately by direct messages: for private words in the channel the bot lacks %s", model.PermissionCreatePostEphemeral.Id)
	}
	if ids := powers.lacks(model.PermissionSysconsoleWriteUserManagementUsers); a.deactivates && len(ids) > 0 {
		note("who has left Teams is disconnected, but not deactivated here: the bot lacks %s, by which it could also set people's passwords; set OnTeamsUserRemoved = \"disconnect\", or see docs/mattermost-bot.md", ids[0])
	}
	if a.direct && !config.verifies {
		all = append(all, bridge.Finding{Text: "direct and group messages with somebody who has not connected are carried only where they sign in by single sign-on: EmailSettings.RequireEmailVerification is off, so their address says nothing of who they are",
			Next: "switch it on (System Console > Authentication > Signup), or have everybody connect"})
	}
	all = append(all, a.checkCircle(ctx)...)
	all = append(all, a.checkCallback(ctx, config, powers)...)
	for _, one := range a.commands.lacking() {
		note("a command is not registered in the team %s", one)
	}
	return all
}

// checkCallback looks at what commands and buttons need.
func (a *account) checkCallback(ctx context.Context, config serverConfig, powers powers) []bridge.Finding {
	note := func(format string, args ...any) []bridge.Finding {
		return []bridge.Finding{{Text: fmt.Sprintf(format, args...)}}
	}
	if a.callback == "" {
		return note("commands and buttons do not work: set PublicURL in [http], or CallbackURL here to the address at which Mattermost reaches Causeway")
	}
	var all []bridge.Finding
	if !config.commands {
		all = append(all, note("commands do not work: switch on ServiceSettings.EnableCommands (System Console > Integrations)")...)
	}
	if !powers.may(model.PermissionManageSlashCommands) {
		if ok, err := a.mayInATeam(ctx, model.PermissionManageSlashCommands); err == nil && !ok {
			all = append(all, note("commands cannot be registered: the bot lacks %s; docs/mattermost-bot.md says how to give it", model.PermissionManageSlashCommands.Id)...)
		}
	}
	host := hostOf(a.callback)
	if !private(host) {
		return all
	}
	var server struct {
		ServiceSettings struct{ AllowedUntrustedInternalConnections string }
	}
	step := fmt.Sprintf("add %q to ServiceSettings.AllowedUntrustedInternalConnections (System Console > Developer)", host)
	switch err := a.client.get(ctx, "/config", &server); {
	case err != nil:
		all = append(all, note("commands and buttons go to the private address %s: Mattermost refuses that unless it is allowed, which this bot may not look up; %s", host, step)...)
	case allows(server.ServiceSettings.AllowedUntrustedInternalConnections, host):
		all = append(all, bridge.Finding{Fine: true, Text: "ServiceSettings.AllowedUntrustedInternalConnections allows " + host + ", for commands and buttons"})
	default:
		all = append(all, note("commands and buttons do not work: Mattermost refuses to reach the private address %s; %s", host, step)...)
	}
	return all
}

// mayInATeam asks whether one of the bot's roles in its teams grants a permission.
func (a *account) mayInATeam(ctx context.Context, permission *model.Permission) (bool, error) {
	me, _, err := a.self()
	if err != nil {
		return false, err
	}
	var members []*model.TeamMember
	if err := a.client.get(ctx, "/users/"+me.Id+"/teams/members", &members); err != nil {
		return false, fmt.Errorf("asking for the bot's roles in its teams: %w", err)
	}
	var roles []string
	for _, m := range members {
		roles = append(roles, strings.Fields(m.Roles)...)
	}
	slices.Sort(roles)
	return a.anyGrants(ctx, slices.Compact(roles), permission.Id)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// private says whether an address is in a range that Mattermost lets integrations reach only when it is allowed. A name is not looked up:
// what it is for this machine need not be what it is for the server's.
func private(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || carrier.Contains(ip))
}

// carrier is the shared address space of RFC 6598.
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// hosts splits AllowedUntrustedInternalConnections.
func hosts(setting string) []string {
	return strings.FieldsFunc(setting, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}

// allows reads AllowedUntrustedInternalConnections: literal hosts, and networks.
func allows(setting, host string) bool {
	ip, err := netip.ParseAddr(host)
	for _, one := range hosts(setting) {
		if one == host {
			return true
		}
		if prefix, bad := netip.ParsePrefix(one); err == nil && bad == nil && prefix.Contains(ip) {
			return true
		}
	}
	return false
}
