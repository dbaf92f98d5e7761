package msteams

import (
	"net/url"
	"slices"
	"strings"
)

// feature is something that Teams can do in the worldwide cloud and not in every other.
type feature uint8

const (
	editing feature = iota
	deleting
	changeNotifications
	// appPictures: the app can read pictures that stand in messages without a user.
	appPictures
	sharedChannels
	// orderedChats: a person's chats can be listed in the order of what was said in them.
	orderedChats
)

// cloud is a deployment of Microsoft 365. Addresses and what it lacks: Microsoft's pages "National cloud deployments",
// "Microsoft Teams API implementation differences in national clouds" and those of the operations.
type cloud struct {
	// name in the config.
	name         string
	graph, login string
	// program is where Teams' own program is: one of teamsHosts.
	program string
	lacking []feature
}

// clouds are all that can be named in the config; the first one is the default. GCC has the addresses of the worldwide
// cloud, so only the config can tell the two apart. Clouds that have no Teams API at all are not here.
var clouds = []cloud{
	{"global", "https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com", "teams.microsoft.com", nil},
	{"gcc", "https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com", "teams.microsoft.com", []feature{editing}},
	{"gcchigh", "https://graph.microsoft.us/v1.0", "https://login.microsoftonline.us", "gov.teams.microsoft.us", []feature{editing, deleting, sharedChannels, orderedChats}},
	{"dod", "https://dod-graph.microsoft.us/v1.0", "https://login.microsoftonline.us", "dod.teams.microsoft.us", []feature{editing, deleting, sharedChannels, orderedChats}},
	{"china", "https://microsoftgraph.chinacloudapi.cn/v1.0", "https://login.chinacloudapi.cn", "teams.microsoftonline.cn", []feature{editing, changeNotifications, appPictures, sharedChannels, orderedChats}},
}

// cloudNames are those that the config takes.
func cloudNames() string {
	var names []string
	for _, c := range clouds {
		names = append(names, `"`+c.name+`"`)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// cloudOf finds the cloud of an account: the one named, else the one that GraphURL belongs to, else the worldwide one.
func cloudOf(s Settings) (cloud, bool) {
	if s.Cloud != "" {
		i := slices.IndexFunc(clouds, func(c cloud) bool { return c.name == s.Cloud })
		if i < 0 {
			return clouds[0], false
		}
		return clouds[i], true
	}
	for _, c := range clouds {
		if s.GraphURL != "" && host(c.graph) == host(s.GraphURL) {
			return c, true
		}
	}
	return clouds[0], true
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// lacks tells whether the account's cloud is without something.
func (a *account) lacks(f feature) bool { return slices.Contains(a.cloud.lacking, f) }

// lackingTexts say what becomes of what a cloud lacks. That it has no change notifications is told with how messages are
// received.
var lackingTexts = map[feature]string{
	editing:        "Messages cannot be edited in this cloud: when somebody edits a message in another program, a reply with the new text is posted.",
	deleting:       "Messages cannot be deleted in this cloud: when somebody deletes a message in another program, its copy in Teams stays, and they are told.",
	appPictures:    "Pictures in messages of Teams cannot be read in this cloud: people see that there is one, not the picture.",
	sharedChannels: "Shared channels cannot be used in this cloud.",
}
