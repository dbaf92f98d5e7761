package mattermost

import (
	"regexp"
	"strings"

	"causeway/bridge"
)

// permalink is the path of a message's address: the team's name, or "_redirect" for the team in which it is read (looksLikeAPermalink in the server's
// channels/app/post_metadata.go).
var permalink = regexp.MustCompile(`^/[0-9a-z_-]{1,64}/pl/([a-z0-9]{26})$`)

// Address gives the permalink of a post, for whatever team.
func (a *account) Address(c bridge.ConversationID, id bridge.MessageID) string {
	_, config, err := a.self()
	if err != nil || c.Server != config.server || !strings.HasPrefix(config.site, "http") {
		return ""
	}
	if _, err := postPath(id); err != nil {
		return ""
	}
	return config.site + "/_redirect/pl/" + string(id)
}

// ReadAddress knows permalinks of this server.
func (a *account) ReadAddress(address string) (bridge.ConversationID, bridge.MessageID, bool) {
	_, config, err := a.self()
	if err != nil {
		return bridge.ConversationID{}, "", false
	}
	path, here := strings.CutPrefix(address, config.site)
	m := permalink.FindStringSubmatch(path)
	if !here || m == nil {
		return bridge.ConversationID{}, "", false
	}
	return bridge.ConversationID{Server: config.server}, bridge.MessageID(m[1]), true
}
