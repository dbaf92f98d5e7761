package msteams

import (
	"context"
	"fmt"
	"slices"

	"causeway/bridge"
)

// granted tells of each permission that is needed and there, for whoever looks whether all is as it should be; of what is missing,
// comparePermissions tells.
func (a *account) granted(ctx context.Context) []bridge.Finding {
	var all []bridge.Finding
	if token, err := a.app.tokens.get(ctx); err == nil {
		all = append(all, a.grantedTo("The app", "application", rolesOf(token), false)...)
	}
	return append(all, a.grantedTo("The relay account", "delegated", a.relay.tokens.now().scopes, true)...)
}

func (a *account) grantedTo(who, kind string, have []string, relay bool) []bridge.Finding {
	if have == nil {
		return []bridge.Finding{{Unsure: true, Text: fmt.Sprintf("%s: Microsoft does not tell which %s permissions it has; whether they are enough shows at the first call", who, kind)}}
	}
	var all []bridge.Finding
	for _, p := range a.needs(relay, false) {
		i := slices.IndexFunc(append([]string{p}, more[p]...), func(one string) bool { return has(have, one) })
		if i < 0 {
			continue
		}
		by := append([]string{p}, more[p]...)[i]
		all = append(all, bridge.Finding{Fine: true, Text: fmt.Sprintf("%s has the %s permission %s (%s)", who, kind, by, a.why(p, relay))})
	}
	return all
}
