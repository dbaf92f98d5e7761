package msteams

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// teamsHosts are where "copy link" of the Teams programs leads, in the clouds that have one.
var teamsHosts = []string{"teams.microsoft.com", "teams.cloud.microsoft", "teams.microsoft.us", "gov.teams.microsoft.us", "dod.teams.microsoft.us", "teams.microsoftonline.cn"}

// wanted is what an operator wrote for a channel.
type wanted struct {
	team, channel string // ids; the team's may be empty
	name          string // else a name
}

// readName takes apart what an operator wrote: a link to a channel or to a message in it, a channel id, "teamID/channelID",
// or a name.
func readName(text, tenant string) (wanted, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") {
		return readLink(text, tenant)
	}
	if isChannelID(text) {
		return wanted{channel: text}, nil
	}
	if team, channel, ok := strings.Cut(text, "/"); ok && guid.MatchString(team) && isChannelID(channel) {
		return wanted{team: strings.ToLower(team), channel: channel}, nil
	}
	if text == "" {
		return wanted{}, errors.New("the channel's name is empty")
	}
	return wanted{name: text}, nil
}

// isChannelID knows 19:…@thread.tacv2 and the older @thread.skype.
func isChannelID(text string) bool {
	return strings.HasPrefix(text, "19:") && strings.Contains(text, "@thread.") && !strings.ContainsAny(text, "/ ")
}

// readLink reads https://teams.microsoft.com/l/channel/{channel}/{name}?groupId={team}&tenantId={tenant}, or
// …/l/message/{channel}/{message}?….
func readLink(text, tenant string) (wanted, error) {
	u, err := url.Parse(text)
	if err != nil {
		return wanted{}, fmt.Errorf("this is no link: %w", err)
	}
	if !slices.Contains(teamsHosts, strings.ToLower(u.Hostname())) {
		return wanted{}, fmt.Errorf("%s is not a Teams address", u.Hostname())
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 3 || parts[0] != "l" || parts[1] != "channel" && parts[1] != "message" || !isChannelID(parts[2]) {
		return wanted{}, errors.New(`this is not a link to a channel: take "Copy link" from the channel's menu`)
	}
	if other := u.Query().Get("tenantId"); other != "" && !strings.EqualFold(other, tenant) {
		return wanted{}, fmt.Errorf("this link leads to another tenant (%s)", other)
	}
	team := strings.ToLower(u.Query().Get("groupId"))
	if team != "" && !guid.MatchString(team) {
		return wanted{}, errors.New("the link's groupId is not an id")
	}
	return wanted{team: team, channel: parts[2]}, nil
}
