package msteams

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"causeway/bridge"
)

// Check tries both logins and compares their permissions with what is needed. It posts nothing: whether the tenant
// keeps Causeway's mark in posts is known only after the first one. Whether a channel can be read is tried by Resolve.
func (a *account) Check(ctx context.Context) []bridge.Finding {
	findings := a.checkApp(ctx)
	findings = append(findings, a.checkRelay(ctx)...)
	findings = append(findings, a.granted(ctx)...)
	findings = append(findings, a.login.clock.Findings("Microsoft's login service")...)
	if err := a.keys.load(ctx, a.env.Vault); err == nil && a.keys.state() == keysVanish {
		findings = append(findings, bridge.Finding{Text: "This tenant removes the mark that Causeway puts into its posts: a post whose answer is lost is recognised by its text instead."})
	}
	if how, why := a.receiving(); how == byPolling {
		since := ""
		if a.lacks(changeNotifications) { // any other reason stands above
			since = ", since " + why
		}
		findings = append(findings, bridge.Finding{Text: "Messages are received by polling" + since + ": what is said in Teams takes up to half a minute."})
	}
	if a.env.Direct {
		findings = append(findings, bridge.Finding{Text: directLimits})
	}
	for _, f := range a.cloud.lacking {
		if text := lackingTexts[f]; text != "" {
			findings = append(findings, bridge.Finding{Text: text})
		}
	}
	return findings
}

// directLimits are Microsoft's (pages "Change notifications overview" and "throttling limits").
const directLimits = "Direct and group messages: Microsoft allows 10,000 subscriptions of Teams in an organisation, for all apps together, of which Causeway takes one for each connected person; " +
	"10 for one person, for all apps together; and in one chat one message read and one written a second. Whose chats cannot be subscribed to are polled. A chat with oneself is not carried: Microsoft Graph has no documented way to it."

func (a *account) checkApp(ctx context.Context) []bridge.Finding {
	token, err := a.app.tokens.get(ctx)
	if err != nil {
		return []bridge.Finding{{Fatal: true, Text: "The app cannot sign in: " + err.Error()}}
	}
	return a.comparePermissions(rolesOf(token), false)
}

func (a *account) checkRelay(ctx context.Context) []bridge.Finding {
	if _, err := a.me(ctx); err != nil {
		return []bridge.Finding{{Fatal: true, Text: "The relay account is not signed in: " + err.Error()}}
	}
	return a.comparePermissions(a.relay.tokens.now().scopes, true)
}

// rolesOf reads the application permissions out of a token; nil when it is not a JWT. Microsoft promises neither its
// form nor its content, so this serves for advice only.
func rolesOf(token string) []string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	var claims struct {
		Roles []string `json:"roles"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return nil
	}
	return append([]string{}, claims.Roles...)
}
