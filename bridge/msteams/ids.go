package msteams

import (
	"fmt"
	"strings"

	"causeway/bridge"
)

// conversation makes the id of a channel.
func (a *account) conversation(team, channel string) bridge.ConversationID {
	return bridge.ConversationID{Server: a.server, Channel: bridge.ChannelID(team + "/" + channel)}
}

// channelPlace takes the id of a channel apart.
func (a *account) channelPlace(c bridge.ConversationID) (place, error) {
	team, channel, ok := strings.Cut(string(c.Channel), "/")
	if c.Server != a.server || !ok || team == "" || channel == "" {
		return place{}, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("finding the channel: %s is none of this account", c)}
	}
	return place{team: team, channel: channel}, nil
}

// messagePlace takes the ids of a message apart; reply is empty in the place of a thread's first message.
func (a *account) messagePlace(c bridge.ConversationID, id bridge.MessageID) (place, error) {
	p, err := a.channelPlace(c)
	if err != nil {
		return place{}, err
	}
	p.message, p.reply, _ = strings.Cut(string(id), "/")
	if p.message == "" {
		return place{}, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("finding the message: %q is no message id", id)}
	}
	return p, nil
}

// messageID makes the id of a message; root is empty for the first of a thread.
func messageID(root, id string) bridge.MessageID {
	if root == "" || root == id {
		return bridge.MessageID(id)
	}
	return bridge.MessageID(root + "/" + id)
}
