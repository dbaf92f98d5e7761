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

// chatID makes the id of a chat: its own, in which there is no "/".
func (a *account) chatID(chat string) bridge.ConversationID {
	return bridge.ConversationID{Server: a.server, Channel: bridge.ChannelID(chat)}
}

// channelPlace takes the id of a channel or chat apart.
func (a *account) channelPlace(c bridge.ConversationID) (place, error) {
	team, channel, ok := strings.Cut(string(c.Channel), "/")
	if !ok && c.Server == a.server && isChat(team) {
		return place{chat: team}, nil
	}
	if c.Server != a.server || !ok || team == "" || channel == "" {
		return place{}, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("finding the channel: %s is none of this account", c)}
	}
	return place{team: team, channel: channel}, nil
}

// isChat tells whether an id is that of a chat of several people. The chat with oneself has one id for everybody (48:notes), and is on no page of
// Graph.
func isChat(id string) bool { return strings.HasPrefix(id, "19:") && !strings.Contains(id, "/") }

// inChat tells of a conversation whether it is a direct or group conversation.
func inChat(c bridge.ConversationID) bool { return isChat(string(c.Channel)) }

// isPair tells of a chat whether it is one-on-one: of such a one nobody is or becomes a member beside the two. The forms of ids are those of
// the examples of Microsoft's pages; what has another form counts as a group, which is looked at more closely.
func isPair(chat string) bool { return strings.HasSuffix(chat, "@unq.gbl.spaces") }

// messagePlace takes the ids of a message apart; reply is empty in the place of a thread's first message.
func (a *account) messagePlace(c bridge.ConversationID, id bridge.MessageID) (place, error) {
	p, err := a.channelPlace(c)
	if err != nil {
		return place{}, err
	}
	p.message, p.reply, _ = strings.Cut(string(id), "/")
	if p.chat != "" && p.reply != "" {
		p.message = ""
	}
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
