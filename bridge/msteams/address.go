package msteams

import (
	"net/url"
	"slices"
	"strings"

	"causeway/bridge"
)

// Address gives the deep link to a message, or to a channel (page "Create deep links to Teams": "Deep link to a channel conversation", "… to a chat", "… to a
// channel"; there the name of the channel is only shown while Teams loads).
func (a *account) Address(c bridge.ConversationID, id bridge.MessageID) string {
	if id == "" {
		p, err := a.channelPlace(c)
		if err != nil || p.chat != "" {
			return ""
		}
		query := url.Values{"groupId": {p.team}, "tenantId": {strings.ToLower(a.settings.TenantID)}}
		return "https://" + a.cloud.program + "/l/channel/" + inPath(p.channel) + "/channel?" + query.Encode()
	}
	p, err := a.messagePlace(c, id)
	if err != nil {
		return ""
	}
	link := "https://" + a.cloud.program + "/l/message/"
	if p.chat != "" {
		return link + inPath(p.chat) + "/" + p.message + "?context=" + url.QueryEscape(`{"contextType":"chat"}`)
	}
	query := url.Values{"groupId": {p.team}, "tenantId": {strings.ToLower(a.settings.TenantID)}, "parentMessageId": {p.message}}
	one := p.message
	if p.reply != "" {
		one = p.reply
	}
	return link + inPath(p.channel) + "/" + one + "?" + query.Encode()
}

// ReadAddress knows deep links to messages and channels of this tenant. One to a message in a channel names its team, one to a message in a chat does not.
func (a *account) ReadAddress(address string) (c bridge.ConversationID, id bridge.MessageID, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || !slices.Contains(teamsHosts, strings.ToLower(u.Hostname())) {
		return c, "", false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) >= 3 && parts[0] == "l" && parts[1] == "channel" {
		want, err := readLink(address, a.settings.TenantID)
		return a.conversation(want.team, want.channel), "", err == nil && want.team != ""
	}
	if len(parts) != 4 || parts[0] != "l" || parts[1] != "message" || !isChat(parts[2]) || !digits.MatchString(parts[3]) {
		return c, "", false
	}
	query := u.Query()
	tenant, team, root := query.Get("tenantId"), strings.ToLower(query.Get("groupId")), query.Get("parentMessageId")
	switch {
	case tenant != "" && !strings.EqualFold(tenant, a.settings.TenantID), root != "" && !digits.MatchString(root):
		return c, "", false
	case team == "":
		return a.chatID(parts[2]), bridge.MessageID(parts[3]), true
	case !guid.MatchString(team):
		return c, "", false
	}
	return a.conversation(team, parts[2]), messageID(root, parts[3]), true
}

// inPath writes an id as deep links have it in their path, with colons escaped.
func inPath(id string) string { return strings.ReplaceAll(url.QueryEscape(id), "+", "%20") }
