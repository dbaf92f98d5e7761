package stage

import (
	"fmt"
	"strings"
)

// AboutSpeed says why messages cross faster than in real life: see PostInterval below.
const AboutSpeed = "Microsoft lets an account write once every 1.25 s; the demo does not wait for that, so times are Causeway's alone."

const accounts = `# Causeway's config, written by the demonstration.
# Change what you like, and let Causeway start again to apply it.

[general]
LogLevel = "debug"

[http]
Listen = %[1]q
PublicURL = "http://%[1]s"      # where Teams sends what is said there; https in real life

[mattermost.acme]
Server = %[2]q
Token = %[3]q
Observe = "websocket"             # direct messages are noticed at once; "auto" asks for those of people who prefer Mattermost
RemoteNickFormat = "{NICK} ({LABEL})"
Label = "Mattermost"

[msteams.contoso]
TenantID = %[4]q
ClientID = %[5]q
ClientSecret = %[6]q
GraphURL = %[7]q                  # the stand-in; Microsoft's own when not set
LoginURL = %[8]q
# Receive = "poll"                # to see Causeway ask for messages instead of being told
PollInterval = "200ms"            # 5s when not set
PostInterval = "20ms"             # 1.25s when not set, which is what Microsoft allows
RemoteNickFormat = "{NICK} ({LABEL})"
Label = "Teams"
`

const direct = `
# Direct and group messages of those who have connected their accounts; without this table they cross, too.
[[direct]]
Accounts = ["mattermost.acme", "msteams.contoso"]
Enable = true
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
func config(listen string, m Mattermost, c *contoso) string {
	var b strings.Builder
	fmt.Fprintf(&b, accounts, listen, m.Server, m.Token, c.tenant.ID, c.app.ClientID, appSecret, c.server.GraphURL(), c.server.LoginURL())
	b.WriteString(direct)
	for i, channel := range m.Channels {
		_, name, _ := strings.Cut(channel, "/")
		fmt.Fprintf(&b, gateway, name, channel, c.team.Name+"/"+c.channels[i].Name)
	}
	return b.String()
}
