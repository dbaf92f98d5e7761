package bridge

// Ids are opaque: only the bridge that made one looks inside. They are stored, so their form is a promise.

// AccountName names one configured login, as "mattermost.hq" in the config; unique within one config.
type AccountName string

// ServerID identifies a chat service installation, whoever is logged in to it: two accounts on one server
// have the same ServerID. Unique everywhere, so it starts with the protocol: "msteams:<tenant id>".
type ServerID string

// ChannelID identifies a channel, direct chat or group chat; unique within its server.
type ChannelID string

// ConversationID identifies a conversation everywhere, independent of the account that reads it.
type ConversationID struct {
	Server  ServerID
	Channel ChannelID
}

// String gives the form used in logs.
func (c ConversationID) String() string { return string(c.Server) + "/" + string(c.Channel) }

// MessageID identifies an instance of a message; unique within its conversation only.
type MessageID string

// UserID identifies a human or bot account of a chat service; unique within its server.
type UserID string

// Key marks a post as Causeway's own. The gateway makes it and checks it; a bridge stores it with the post
// (where people do not see it) and reports it in every later [State]. At most 64 characters of A-Z a-z 0-9 - _.
type Key string
