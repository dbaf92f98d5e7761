package mattermost

import (
	"regexp"
	"strings"
	"sync"

	"causeway/bridge"
)

// permalink is the path of a message's address: the team's name, or "_redirect" for the team in which it is read (looksLikeAPermalink in the server's
// channels/app/post_metadata.go).
var permalink = regexp.MustCompile(`^/[0-9a-z_-]{1,64}/pl/([a-z0-9]{26})$`)

// channelPath is the path of a channel's address: the names of its team and of itself.
var channelPath = regexp.MustCompile(`^/([0-9a-z_-]{1,64}/channels/[0-9a-z_-]{1,64})$`)

// rooms remembers the addresses of channels that have been found.
type rooms struct {
	mu    sync.Mutex
	paths map[bridge.ChannelID]string
	ids   map[string]bridge.ChannelID
}

// note remembers where a channel lies, below the address of the server.
func (r *rooms) note(c bridge.Conversation, config serverConfig) {
	path, ok := strings.CutPrefix(c.Link, config.site)
	m := channelPath.FindStringSubmatch(path)
	if !ok || m == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paths == nil {
		r.paths, r.ids = map[bridge.ChannelID]string{}, map[string]bridge.ChannelID{}
	}
	delete(r.ids, r.paths[c.ID.Channel])
	r.paths[c.ID.Channel], r.ids[m[1]] = m[1], c.ID.Channel
}

func (r *rooms) path(id bridge.ChannelID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.paths[id]
}

func (r *rooms) at(path string) (bridge.ChannelID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.ids[path]
	return id, ok
}

// Address gives the permalink of a post, for whatever team, or the address of a channel that has been found.
func (a *account) Address(c bridge.ConversationID, id bridge.MessageID) string {
	_, config, err := a.self()
	if err != nil || c.Server != config.server || !strings.HasPrefix(config.site, "http") {
		return ""
	}
	if id == "" {
		if path := a.rooms.path(c.Channel); path != "" {
			return config.site + "/" + path
		}
		return ""
	}
	if _, err := postPath(id); err != nil {
		return ""
	}
	return config.site + "/_redirect/pl/" + string(id)
}

// ReadAddress knows permalinks of this server, and addresses of channels that have been found.
func (a *account) ReadAddress(address string) (bridge.ConversationID, bridge.MessageID, bool) {
	_, config, err := a.self()
	if err != nil {
		return bridge.ConversationID{}, "", false
	}
	path, here := strings.CutPrefix(address, config.site)
	if room := channelPath.FindStringSubmatch(path); here && room != nil {
		id, known := a.rooms.at(room[1])
		return bridge.ConversationID{Server: config.server, Channel: id}, "", known
	}
	m := permalink.FindStringSubmatch(path)
	if !here || m == nil {
		return bridge.ConversationID{}, "", false
	}
	return bridge.ConversationID{Server: config.server}, bridge.MessageID(m[1]), true
}
