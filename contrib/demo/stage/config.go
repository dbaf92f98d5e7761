package stage

import (
	"fmt"
	"strings"
)

const accounts = `# Causeway's config, written by the demonstration.
# Change what you like, and let Causeway start again to apply it.

[general]
LogLevel = "debug"

[http]
Listen = "127.0.0.1:0"            # any free port

[mattermost.acme]
Server = %q
Token = %q
RemoteNickFormat = "{NICK} ({LABEL})"
Label = "Mattermost"

[msteams.contoso]
TenantID = %q
ClientID = %q
ClientSecret = %q
GraphURL = %q                     # the stand-in; Microsoft's own when not set
LoginURL = %q
PollInterval = "200ms"            # 5s when not set
PostInterval = "20ms"             # 1s when not set, which is what Microsoft allows
RemoteNickFormat = "{NICK} ({LABEL})"
Label = "Teams"
`

const gateway = `
[[gateway]]
name = %q
inout = [
    { account = "mattermost.acme", channel = %q },
    { account = "msteams.contoso", channel = %q },
]
`

// config is the text of Causeway's config.
func config(m Mattermost, c *contoso) string {
	var b strings.Builder
	fmt.Fprintf(&b, accounts, m.Server, m.Token, c.tenant.ID, c.app.ClientID, appSecret, c.server.GraphURL(), c.server.LoginURL())
	for i, channel := range m.Channels {
		_, name, _ := strings.Cut(channel, "/")
		fmt.Fprintf(&b, gateway, name, channel, c.team.Name+"/"+c.channels[i].Name)
	}
	return b.String()
}
