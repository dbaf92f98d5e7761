package msteams

import (
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
)

// permissions gives the permissions needed by the relay account or by the app, each once; not the optional ones.
func permissions(relay bool) []string {
	return permissionsOf(func(op *Operation) bool { return op.of(relay) && !op.Optional })
}

// of tells whether the relay account, or else the app, makes such calls.
func (op *Operation) of(relay bool) bool {
	if relay {
		return op.Relay
	}
	return !op.Delegated()
}

func permissionsOf(which func(*Operation) bool) []string {
	var all []string
	for _, op := range operations {
		if which(op) && !slices.Contains(all, op.Permission) {
			all = append(all, op.Permission)
		}
	}
	return all
}

// uses tells whether the account makes such calls, as it is configured and in its cloud.
func (a *account) uses(op *Operation) bool {
	if op.Direct && !a.env.Direct {
		return false
	}
	switch op {
	case opEdit, opEditReply, opEditChat:
		return !a.lacks(editing)
	case opDelete, opDeleteReply, opDeleteChat:
		return !a.lacks(deleting)
	case opPicture, opPicture2, opChatPicture:
		return !a.lacks(appPictures)
	case opChats:
		return !a.lacks(orderedChats)
	case opSubscribe, opSubscribeChats, opSubscriptions, opRenew, opUnsubscribe:
		how, _ := a.receiving()
		return how == byNotifications
	case opFolder, opShared, opItem, opItemNamed, opPutFile, opUploadSession, opRemoveFile, opOwnFolder, opOwnDrive, opMakeFolder, opInvite:
		return a.carriesFiles()
	case opPhoto:
		return a.env.Hook != ""
	case opApplication:
		return a.settings.ClientCertificateFile == "" // a certificate says itself when it ends
	}
	return true
}

// needs gives the permissions that the account needs as it is configured.
func (a *account) needs(relay, optional bool) []string {
	return permissionsOf(func(op *Operation) bool { return op.of(relay) && op.Optional == optional && a.uses(op) })
}

// more are permissions that allow what a smaller one would be enough for (Microsoft's table of permissions). There is
// none for reading messages: Graph lets nobody subscribe who has a permission to write in place of it.
var more = map[string][]string{
	readMembers:    {"ChannelMember.ReadWrite.All"},
	readChannels:   {"ChannelSettings.Read.All", "ChannelSettings.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	readTeams:      {"TeamSettings.Read.All", "TeamSettings.ReadWrite.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	readUsers:      {"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	readAllOfUsers: {"User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	readMe:         {"User.ReadWrite", "User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	readPhotos:     {"ProfilePhoto.ReadWrite.All", "User.Read.All", "User.ReadWrite.All"},
	readApps:       {"Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	sendMessages:   {"Group.ReadWrite.All"},
	writeFiles:     {"Sites.ReadWrite.All"},
	changeMessages: nil, // Group.ReadWrite.All edits, and does not delete

	readChats:   {"Chat.ReadWrite.All"},
	createChats: {"Chat.ReadWrite"},
}

// openIDScopes come with every sign-in and are no permissions of Graph.
var openIDScopes = []string{"openid", "profile", "email", "offline_access"}

// granted permissions are compared without regard to case, as Microsoft does.
func has(have []string, permission string) bool {
	return slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, permission) })
}

// comparePermissions says what is missing, what would be useful and what is too much; nothing when it is not known what
// was granted. What messages cannot cross without is fatal.
func (a *account) comparePermissions(have []string, relay bool) []bridge.Finding {
	if have == nil {
		return nil
	}
	c := comparison{a: a, have: have, relay: relay, who: "The app", kind: "application"}
	if relay {
		c.who, c.kind = "The relay account", "delegated"
	}
	c.missing()
	c.useful()
	c.superfluous()
	return c.findings
}

// comparison is of the permissions that one of the two has with those that it needs.
type comparison struct {
	a     *account
	have  []string
	relay bool
	// who has them, and of which kind they are.
	who, kind string
	// used are those that serve for something, be they more than is needed.
	used     []string
	findings []bridge.Finding
}

func (c *comparison) tell(fatal bool, format string, values ...any) {
	c.findings = append(c.findings, bridge.Finding{Fatal: fatal, Text: c.who + " " + fmt.Sprintf(format, values...)})
}

// find looks for a permission, or one that allows more.
func (c *comparison) find(p string) bool {
	if has(c.have, p) {
		c.used = append(c.used, p)
		return true
	}
	i := slices.IndexFunc(more[p], func(m string) bool { return has(c.have, m) })
	if i >= 0 {
		c.used = append(c.used, more[p][i])
		useful := c.a.needs(c.relay, true)
		if slices.ContainsFunc(more[p], func(m string) bool { return slices.Contains(useful, m) }) {
			return true // it serves for more than p, and is compared with that
		}
		c.tell(false, "has the %s permission %s, where %s is enough: grant that instead.", c.kind, more[p][i], p)
	}
	return i >= 0
}

func (c *comparison) missing() {
	again := ""
	if c.relay {
		again = ", and " + c.a.loginHint()
	}
	for _, p := range c.a.needs(c.relay, false) {
		if !c.find(p) {
			c.tell(c.relay && p != createChats && p != sendInChats || p == readMessages || p == readChats || p == readChatMessages, "lacks the %s permission %s (%s): add it in Entra, app registration, API permissions, Microsoft Graph, %s permissions, grant admin consent%s.",
				c.kind, p, c.a.why(p, c.relay), c.kind, again)
		}
	}
}

func (c *comparison) useful() {
	for _, p := range c.a.needs(c.relay, true) {
		if !c.find(p) {
			c.tell(false, "could use the %s permission %s (%s); all else works without it.", c.kind, p, c.a.why(p, c.relay))
		}
	}
}

// superfluous tells of what neither of the others has found.
func (c *comparison) superfluous() {
	var idle, writing []string
	for _, h := range c.have {
		switch {
		case has(c.used, h) || has(openIDScopes, h):
		case strings.Contains(h, "Read") && !strings.Contains(h, "Write"):
			idle = append(idle, h)
		default:
			writing = append(writing, h)
		}
	}
	const remove = "remove what no other program needs in Entra, app registration, API permissions"
	if len(writing) > 0 {
		c.tell(false, "has %s permissions that let it change things and that Causeway does not need: %s; %s.", c.kind, strings.Join(writing, ", "), remove)
	}
	if len(idle) > 0 {
		c.tell(false, "has %s permissions that Causeway does not need: %s; %s.", c.kind, strings.Join(idle, ", "), remove)
	}
}

// why gives the reasons for a permission, joined.
func (a *account) why(permission string, relay bool) string {
	var reasons []string
	for _, op := range operations {
		if op.Permission == permission && op.of(relay) && a.uses(op) && !slices.Contains(reasons, op.Why) {
			reasons = append(reasons, op.Why)
		}
	}
	return strings.Join(reasons, "; ")
}
