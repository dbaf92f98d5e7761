package teams

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// resourceKind is a kind of resource that can be subscribed to.
type resourceKind struct {
	parts []string
	// delegated and app are the permissions of which one is needed. A nil delegated means that it is not supported with
	// a user. Nothing else helps, a wider permission neither: least privilege is enforced (subscription-post-subscriptions).
	delegated, app []string
}

// The kinds and their permissions are those of the page subscription-post-subscriptions.
var (
	allChannelMessages = &resourceKind{parts: split("teams/getAllMessages"), app: []string{"ChannelMessage.Read.All"}}
	channelMessages    = &resourceKind{parts: split("teams/{id}/channels/{id}/messages"),
		delegated: []string{"ChannelMessage.Read.All"}, app: []string{"ChannelMessage.Read.Group", "ChannelMessage.Read.All"}}
	allChatMessages = &resourceKind{parts: split("chats/getAllMessages"), app: []string{"Chat.Read.All"}}
	chatMessages    = &resourceKind{parts: split("chats/{id}/messages"),
		delegated: []string{"Chat.Read", "Chat.ReadWrite"}, app: []string{"ChatMessage.Read.Chat", "Chat.Read.All"}}
	userChatMessages = &resourceKind{parts: split("users/{id}/chats/getAllMessages"),
		delegated: []string{"Chat.Read", "Chat.ReadWrite"}, app: []string{"Chat.Read.All", "Chat.ReadWrite.All"}}
	myChatMessages = &resourceKind{parts: split("me/chats/getAllMessages"), delegated: []string{"Chat.Read", "Chat.ReadWrite"}}

	resourceKinds = []*resourceKind{allChannelMessages, channelMessages, allChatMessages, chatMessages, userChatMessages, myChatMessages}
)

func split(path string) []string { return strings.Split(path, "/") }

// resource is what a subscription is for.
type resource struct {
	text    string // as it was sent
	kind    *resourceKind
	channel *Channel // of channelMessages and chatMessages
	user    *User    // of userChatMessages and myChatMessages
}

// key is the same for all ways of writing a resource.
func (r resource) key() string {
	switch {
	case r.channel != nil:
		return "conversation " + r.channel.ID
	case r.user != nil:
		return "chats of " + r.user.ID
	}
	return strings.Join(r.kind.parts, "/")
}

// parseResource takes apart what a client wants to subscribe to and checks that it may.
func (c *call) parseResource(text string) (resource, error) {
	path, query, _ := strings.Cut(text, "?")
	if err := checkResourceQuery(query); err != nil {
		return resource{}, err
	}
	parts := resourceParts(path)
	for _, kind := range resourceKinds {
		params, ok := matchParts(kind.parts, parts)
		if !ok {
			continue
		}
		r := resource{text: text, kind: kind}
		if err := c.mayWatch(kind, params); err != nil {
			return r, err
		}
		return r, c.lookUp(&r, params)
	}
	return resource{}, badRequest("The resource '%s' is not supported for subscriptions, or not known to this stand-in.", path)
}

// checkResourceQuery refuses query options: the model ones are ignored since they no longer mean anything, $select cannot
// be combined with resource data, and the stand-in does not filter.
func checkResourceQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return badRequest("The query of the resource is not well formed.")
	}
	for name := range values {
		if name != "model" {
			return badRequest("The query option '%s' of a subscription's resource is not supported by this stand-in.", name)
		}
	}
	return nil
}

// resourceParts splits a path, with ids as segments or as keys in parentheses.
func resourceParts(path string) (parts []string) {
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name, key, ok := strings.Cut(part, "('"); ok && strings.HasSuffix(key, "')") {
			parts = append(parts, name, strings.TrimSuffix(key, "')"))
			continue
		}
		parts = append(parts, part)
	}
	return parts
}

// mayWatch checks the permissions of the token for a kind of resource.
func (c *call) mayWatch(kind *resourceKind, params []string) error {
	t := c.token
	if t.user != nil {
		switch {
		case kind.delegated == nil:
			return forbidden("Tenant-wide subscriptions are not supported in delegated context.")
		case !overlap(t.permissions, kind.delegated):
			return forbidden("Missing scope permissions on the request. API requires one of '%s'. Scopes on the request '%s'",
				strings.Join(kind.delegated, ", "), strings.Join(t.permissions, ", "))
		}
		return nil
	}
	if kind.app == nil {
		return badRequest("/me request is only valid with delegated authentication flow.")
	}
	granted := slices.Clone(t.permissions)
	if kind == channelMessages {
		if team := t.tenant.team(params[0]); team != nil {
			granted = append(granted, team.rsc[t.app.ClientID]...)
		}
	}
	if kind == chatMessages {
		if chat := t.tenant.chat(params[0]); chat != nil {
			granted = append(granted, chat.rsc[t.app.ClientID]...)
		}
	}
	if !overlap(granted, kind.app) {
		return forbidden("Missing role permissions on the request. API requires one of '%s'. Roles on the request '%s'.",
			strings.Join(kind.app, ", "), strings.Join(t.permissions, ", "))
	}
	return nil
}

// lookUp finds what a resource names, and refuses what the caller cannot see.
func (c *call) lookUp(r *resource, params []string) error {
	t := c.token
	switch r.kind {
	case channelMessages:
		team := t.tenant.team(params[0])
		if team == nil {
			return notFound("No team found with Group Id %s", params[0])
		}
		if r.channel = team.channel(params[1]); r.channel == nil {
			return notFound("No channel found with id %s", params[1])
		}
	case chatMessages:
		if r.channel = t.tenant.chat(params[0]); r.channel == nil {
			return notFound("No chat found with id %s", params[0])
		}
	case userChatMessages:
		if r.user = t.tenant.user(params[0]); r.user == nil {
			return notFound("No user found with id %s", params[0])
		}
		if t.user != nil && t.user != r.user {
			return forbidden("With delegated permissions only the chats of the signed-in user can be subscribed to.")
		}
	case myChatMessages:
		r.user = t.user
	}
	if r.channel != nil && !c.sees(r.channel) {
		return forbidden("The user is not a member of the conversation.")
	}
	return nil
}

// covers tells whether messages of a conversation are what the subscription is for.
func (sub *subscription) covers(c *Channel) bool {
	if c.tenant != sub.tenant {
		return false
	}
	switch sub.resource.kind {
	case channelMessages, chatMessages:
		return sub.resource.channel == c
	case allChannelMessages:
		return c.team != nil
	case allChatMessages:
		return c.team == nil
	}
	_, in := find(c.participants(), sub.resource.user)
	return c.team == nil && in
}

// withinQuota refuses a subscription of which there are enough.
func (s *Sim) withinQuota(sub *subscription) error {
	var conversation, person, tenant int
	for _, other := range s.subs {
		if other.tenant != sub.tenant {
			continue
		}
		tenant++
		if other.resource.key() != sub.resource.key() {
			continue
		}
		if sub.resource.channel != nil && other.app == sub.app {
			conversation++
		}
		if sub.resource.user != nil {
			person++
		}
	}
	limits := s.opts.Subscriptions
	over := func(most int, what string) error {
		return refuse(http.StatusForbidden, "Forbidden", "Your organization has reached the limit of %d subscriptions %s.", most, what)
	}
	switch {
	case conversation >= limits.PerConversation:
		return over(limits.PerConversation, "per app and channel or chat")
	case person >= limits.PerUser:
		return over(limits.PerUser, "per user")
	case tenant >= limits.PerTenant:
		return over(limits.PerTenant, "of Teams resources per organization")
	}
	return nil
}
