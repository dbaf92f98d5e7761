package teams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	chatMemberShape = shape{"roles": nil, "user@odata.bind": nil, "tenantId": nil}
	createChatShape = shape{"chatType": nil, "topic": nil, "members": chatMemberShape}
	joinChatShape   = with(chatMemberShape, shape{"visibleHistoryStartDateTime": nil})
	// userBind names a user as /users('id') or /users/id, behind the address of the service.
	userBind = regexp.MustCompile(`^https?://[^/]+/v1\.0/users(?:\('([^']+)'\)|/([^/]+))$`)
)

type chatMemberIn struct {
	Type    string   `json:"@odata.type"`
	Roles   []string `json:"roles"`
	Bind    string   `json:"user@odata.bind"`
	Tenant  string   `json:"tenantId"`
	History *string  `json:"visibleHistoryStartDateTime"`
}

// bound finds who is meant, and whether they may have that role: owner, or guest for guests. Who belongs to another organisation is found
// only with its id.
func (c *call) bound(in chatMemberIn) (*User, error) {
	m := userBind.FindStringSubmatch(in.Bind)
	switch {
	case in.Type != "#microsoft.graph.aadUserConversationMember":
		return nil, badRequest("A member must be an aadUserConversationMember.")
	case m == nil:
		return nil, badRequest("Bad format of the member's user@odata.bind.")
	case len(in.Roles) != 1 || in.Roles[0] != "owner" && in.Roles[0] != "guest":
		return nil, badRequest("Invalid roles specified for member: owner or guest is needed.")
	}
	t := c.token.tenant
	if in.Tenant != "" {
		if t = c.sim.tenants[in.Tenant]; t == nil {
			return nil, badRequest("No tenant found with id '%s'.", in.Tenant)
		}
	}
	u := t.user(m[1] + m[2])
	switch {
	case u == nil:
		return nil, notFound("No user found with id '%s'.", m[1]+m[2])
	case u.guest != (in.Roles[0] == "guest"):
		return nil, badRequest("Invalid roles specified for member: guests must have the role guest, and nobody else.")
	}
	return u, nil
}

// createChat makes a chat, or gives the one-on-one chat that two people have.
func createChat(c *call) (int, any, error) {
	if err := createChatShape.check("", c.body); err != nil {
		return 0, nil, err
	}
	var in struct {
		Type    string         `json:"chatType"`
		Topic   *string        `json:"topic"`
		Members []chatMemberIn `json:"members"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return 0, nil, badRequest("Unable to read JSON request payload: %v", err)
	}
	var people []*User
	for _, m := range in.Members {
		u, err := c.bound(m)
		if err != nil {
			return 0, nil, err
		}
		if slices.Contains(people, u) {
			return 0, nil, badRequest("Duplicate chat members are specified in the request body.")
		}
		people = append(people, u)
	}
	switch {
	case in.Type != oneOnOne && in.Type != groupChat:
		return 0, nil, badRequest("Invalid chatType '%s'.", in.Type)
	case in.Type == oneOnOne && len(people) != 2: // so nobody makes the chat with themselves
		return 0, nil, badRequest("Creating a oneOnOne chat requires 2 members.")
	case in.Type == oneOnOne && in.Topic != nil:
		return 0, nil, badRequest("A topic can be given to group chats only.")
	case in.Type == groupChat && len(people) < 3: // choice
		return 0, nil, badRequest("Creating a group chat requires at least 3 members.")
	case c.token.user != nil && !slices.Contains(people, c.token.user):
		return 0, nil, forbidden("The caller must be one of the members specified in request body.")
	}
	chat := c.token.tenant.pairOf(people)
	if in.Type == groupChat || chat == nil {
		topic := ""
		if in.Topic != nil {
			topic = *in.Topic
		}
		chat = c.token.tenant.addChat(in.Type, topic, people, c.token.user)
	}
	out := c.shownChat(chat, nil)
	out.Context = c.context("chats/$entity")
	c.header.Set("Location", c.origin+"/v1.0/chats/"+chat.ID)
	return http.StatusCreated, out, nil
}

// pairOf finds the one-on-one chat of two people; nil when there is none.
func (t *Tenant) pairOf(people []*User) *Channel {
	i := slices.IndexFunc(t.chats, func(c *Channel) bool {
		return c.chat.kind == oneOnOne && len(people) == 2 && !slices.ContainsFunc(people, func(u *User) bool { _, in := find(c.members, u); return !in })
	})
	if i < 0 {
		return nil
	}
	return t.chats[i]
}

func addChatMember(c *call) (int, any, error) {
	chat, err := c.theChat()
	if err != nil {
		return 0, nil, err
	}
	if err := joinChatShape.check("", c.body); err != nil {
		return 0, nil, err
	}
	var in chatMemberIn
	if err := json.Unmarshal(c.body, &in); err != nil {
		return 0, nil, badRequest("Unable to read JSON request payload: %v", err)
	}
	u, err := c.bound(in)
	if err != nil {
		return 0, nil, err
	}
	history := false
	if in.History != nil {
		at, err := time.Parse(time.RFC3339Nano, *in.History)
		if err != nil {
			return 0, nil, badRequest("Invalid visibleHistoryStartDateTime '%s'.", *in.History)
		}
		history = !at.After(chat.created)
	}
	if c.sim.addToChat(chat, c.token.user, u, history) != nil {
		return 0, nil, badRequest("Nobody can be added to this chat, or they are in it.")
	}
	c.header.Set("Location", fmt.Sprintf("/chats/%s/members/%s", chat.ID, membershipID(chat.ID, u)))
	return http.StatusCreated, nil, nil
}

func removeChatMember(c *call) (int, any, error) {
	chat, err := c.theChat()
	if err != nil {
		return 0, nil, err
	}
	for _, m := range chat.members {
		if membershipID(chat.ID, m.user) == c.params[1] {
			if c.sim.removeFromChat(chat, c.token.user, m.user) != nil {
				return 0, nil, badRequest("Nobody can be taken out of this chat.")
			}
			return http.StatusNoContent, nil, nil
		}
	}
	return 0, nil, notFound("No member found with id %s", c.params[1])
}

// maxTopic is how long a topic may be, and forbiddenInTopic what it may not hold (chat-patch).
const (
	maxTopic         = 250
	forbiddenInTopic = ":"
)

func patchChat(c *call) (int, any, error) {
	chat, err := c.theChat()
	if err != nil {
		return 0, nil, err
	}
	if err := (shape{"topic": nil}).check("", c.body); err != nil {
		return 0, nil, err
	}
	var in struct {
		Topic *string `json:"topic"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || in.Topic == nil {
		return 0, nil, badRequest("topic is needed.")
	}
	switch {
	case len([]rune(*in.Topic)) > maxTopic || strings.Contains(*in.Topic, forbiddenInTopic):
		return 0, nil, badRequest("The topic must have at most %d characters, and none of '%s'.", maxTopic, forbiddenInTopic)
	case c.sim.renameChat(chat, c.token.user, *in.Topic) != nil:
		return 0, nil, badRequest("Only the topic of a group chat can be changed.")
	}
	out := c.shownChat(chat, nil)
	out.Context = c.context("chats/$entity")
	return http.StatusOK, out, nil
}
