package msteams

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
)

// Check tries both logins and compares their permissions with what is needed. It posts nothing: whether the tenant
// keeps Causeway's mark in posts is known only after the first one. Whether a channel can be read is tried by Resolve.
func (a *account) Check(ctx context.Context) []bridge.Finding {
	findings := a.checkApp(ctx)
	findings = append(findings, a.checkRelay(ctx)...)
	if err := a.keys.load(ctx, a.env.Vault); err == nil && a.keys.state() == keysVanish {
		findings = append(findings, bridge.Finding{Text: "This tenant removes the mark that Causeway puts into its posts: a post whose answer is lost is recognised by its text instead."})
	}
	if how, why := a.receiving(); how == byPolling {
		findings = append(findings, bridge.Finding{Text: "Messages are received by polling: " + why + "."})
	}
	return findings
}

func (a *account) checkApp(ctx context.Context) []bridge.Finding {
	token, err := a.app.tokens.get(ctx)
	if err != nil {
		return []bridge.Finding{{Fatal: true, Text: "The app cannot sign in: " + err.Error()}}
	}
	have := rolesOf(token)
	if have == nil {
		return nil // an opaque token: Resolve tries to read
	}
	var findings []bridge.Finding
	for _, p := range permissions(false) {
		if !slices.Contains(have, p) {
			findings = append(findings, bridge.Finding{
				Fatal: p == readMessages,
				Text:  fmt.Sprintf("The app lacks the application permission %s (%s): add it in Entra and grant admin consent.", p, why(p, false)),
			})
		}
	}
	return findings
}

func (a *account) checkRelay(ctx context.Context) []bridge.Finding {
	if _, err := a.me(ctx); err != nil {
		return []bridge.Finding{{Fatal: true, Text: "The relay account is not signed in: " + err.Error()}}
	}
	have := a.relay.tokens.now().scopes
	if have == nil {
		return nil
	}
	var findings []bridge.Finding
	for _, p := range permissions(true) {
		if !slices.Contains(have, p) {
			findings = append(findings, bridge.Finding{
				Fatal: true,
				Text:  fmt.Sprintf("The relay account lacks the delegated permission %s (%s): add it in Entra, grant admin consent, and %s", p, why(p, true), a.loginHint()),
			})
		}
	}
	return findings
}

// why gives the reasons for a permission, joined.
func why(permission string, relay bool) string {
	var reasons []string
	for _, op := range operations {
		if op.Permission == permission && op.Relay == relay && !slices.Contains(reasons, op.Why) {
			reasons = append(reasons, op.Why)
		}
	}
	return strings.Join(reasons, "; ")
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
