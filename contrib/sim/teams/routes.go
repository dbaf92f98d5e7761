package teams

import (
	"net/http"
	"slices"
	"strings"
)

// route is one operation of Graph that the stand-in knows.
type route struct {
	method   string
	template string
	parts    []string
	// delegated and app are the permissions of which one is needed; nil app means that a user must be signed in. The
	// source is the permissions table of the Graph documentation.
	delegated, app []string
	ownPermission  bool     // the handler knows which permissions are needed
	options        []string // query options that may be used
	paged          bool     // answers nextLinks
	body           bool     // needs a JSON body
	stream         bool     // takes bytes, which are put on disk before it is handled
	limit          string   // the row of the throttling table
	appOnly        func(*call) error
	handle         func(*call) (status int, body any, err error) // nil: the batch
}

var (
	readUsers      = []string{"User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readAllUsers   = []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readUserSelf   = append([]string{"User.Read", "User.ReadWrite"}, readUsers...)
	readUsersApp   = append([]string{"User.ReadWrite.CrossCloud"}, readUsers...)
	readPhotos     = []string{"ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All", "User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All"}
	readPhotosApp  = []string{"ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All", "User.Read.All", "User.ReadWrite.All"}
	joinedTeams    = []string{"Team.ReadBasic.All", "TeamSettings.Read.All", "TeamSettings.ReadWrite.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readTeam       = []string{"Team.ReadBasic.All", "TeamSettings.Read.All", "TeamSettings.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readTeamApp    = append([]string{"TeamSettings.Read.Group", "TeamSettings.ReadWrite.Group"}, readTeam...)
	readMembers    = []string{"TeamMember.Read.All", "TeamMember.ReadWrite.All"}
	readMembersApp = append([]string{"TeamMember.Read.Group"}, readMembers...)
	allChannels    = []string{"Channel.ReadBasic.All", "ChannelSettings.Read.All", "ChannelSettings.ReadWrite.All"}
	readChannel    = append([]string{"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}, allChannels...)
	readChannelApp = append([]string{"ChannelSettings.Read.Group", "ChannelSettings.ReadWrite.Group"}, readChannel...)
	channelMembers = []string{"ChannelMember.Read.All", "ChannelMember.ReadWrite.All", "Group.Read.All"}
	channelMemApp  = []string{"ChannelMember.Read.Group", "ChannelMember.ReadWrite.Group", "ChannelMember.Read.All", "ChannelMember.ReadWrite.All"}
	readMessage    = []string{"ChannelMessage.Read.All", "Group.Read.All", "Group.ReadWrite.All"}
	readMessageApp = append([]string{"ChannelMessage.Read.Group"}, readMessage...)
	sendMessage    = []string{"ChannelMessage.Send", "Group.ReadWrite.All"}
	editMessage    = []string{"ChannelMessage.ReadWrite", "Group.ReadWrite.All"}
	removeMessage  = []string{"ChannelMessage.ReadWrite"}
	reactMessage   = []string{"ChannelMessage.Send"}
)

// routes is filled by init, since the handlers look at it.
var routes []*route

const (
	messagesPath = "/teams/{id}/channels/{id}/messages"
	messagePath  = messagesPath + "/{id}"
	repliesPath  = messagePath + "/replies"
	replyPath    = repliesPath + "/{id}"
)

func init() {
	get, post, patch := http.MethodGet, http.MethodPost, http.MethodPatch
	sel := []string{"$select"}
	list := []string{"$filter", "$select"}
	routes = []*route{
		{method: post, template: "/$batch", body: true},
		{method: get, template: "/users", delegated: readUsers, app: readUsersApp, options: []string{"$top", "$filter", "$select"}, paged: true, limit: "users", handle: listUsers},
		{method: get, template: "/users/delta", delegated: readAllUsers, app: readAllUsers, options: []string{"$select", "$deltatoken"}, paged: true, limit: "users", handle: userDelta},
		{method: get, template: "/users/{id}", delegated: readUserSelf, app: readUsersApp, options: sel, limit: "users", handle: getUser},
		{method: get, template: "/users/{id}/photos/{id}/$value", delegated: readPhotos, app: readPhotosApp, handle: getPhoto},
		{method: get, template: "/me", delegated: readUserSelf, options: sel, limit: "users", handle: getMe},
		{method: get, template: "/me/joinedTeams", delegated: joinedTeams, options: sel, limit: "joinedTeams", handle: getJoinedTeams},
		{method: get, template: "/users/{id}/joinedTeams", delegated: joinedTeams, app: joinedTeams, options: sel, limit: "joinedTeams", handle: getJoinedTeams},
		{method: get, template: "/directory/deletedItems/microsoft.graph.user", delegated: readAllUsers, app: readAllUsers, options: sel, limit: "directory", handle: listDeletedUsers},
		{method: get, template: "/directory/deletedItems/{id}", delegated: readAllUsers, app: readAllUsers, options: sel, limit: "directory", handle: getDeletedUser},
		{method: get, template: "/teams/{id}", delegated: readTeam, app: readTeamApp, options: sel, limit: "team", handle: getTeam},
		{method: get, template: "/teams/{id}/members", delegated: readMembers, app: readMembersApp, options: list, limit: "members", handle: listTeamMembers},
		{method: get, template: "/teams/{id}/channels", delegated: readChannel, app: readChannelApp, options: list, limit: "channels", handle: listChannels},
		{method: get, template: "/teams/{id}/allChannels", delegated: allChannels, app: allChannels, options: list, limit: "get", handle: listAllChannels},
		{method: get, template: "/teams/{id}/channels/{id}", delegated: readChannel, app: readChannelApp, options: sel, limit: "channel", handle: getChannel},
		{method: get, template: "/teams/{id}/channels/{id}/members", delegated: channelMembers, app: channelMemApp, options: list, limit: "channelMembers", handle: listChannelMembers},
		{method: get, template: messagesPath, delegated: readMessage, app: readMessageApp, options: []string{"$top", "$expand"}, paged: true, limit: "readMessages", handle: listMessages},
		{method: get, template: messagePath, delegated: readMessage, app: readMessageApp, limit: "readMessages", handle: getMessage},
		{method: get, template: repliesPath, delegated: readMessage, app: readMessageApp, options: []string{"$top"}, paged: true, limit: "readMessages", handle: listReplies},
		{method: get, template: replyPath, delegated: readMessage, app: readMessageApp, limit: "readMessages", handle: getMessage},
		{method: post, template: messagesPath, delegated: sendMessage, body: true, limit: "postMessage", appOnly: importOnly, handle: postMessage},
		{method: post, template: repliesPath, delegated: sendMessage, body: true, limit: "postMessage", appOnly: importOnly, handle: postMessage},
	}
	for _, path := range []string{messagePath, replyPath} {
		routes = append(routes,
			&route{method: patch, template: path, delegated: editMessage, body: true, limit: "write", appOnly: policyOnly, handle: patchMessage},
			&route{method: post, template: path + "/softDelete", delegated: removeMessage, limit: "write", handle: softDelete},
			&route{method: post, template: path + "/undoSoftDelete", delegated: removeMessage, limit: "write", handle: undoSoftDelete},
			&route{method: post, template: path + "/setReaction", delegated: reactMessage, body: true, limit: "write", handle: setReaction},
			&route{method: post, template: path + "/unsetReaction", delegated: reactMessage, body: true, limit: "write", handle: unsetReaction},
			&route{method: get, template: path + "/hostedContents", delegated: readMessage, app: readMessageApp, limit: "get", handle: listHostedContents},
			&route{method: get, template: path + "/hostedContents/{id}", delegated: readMessage, app: readMessageApp, limit: "get", handle: getHostedContent},
			&route{method: get, template: path + "/hostedContents/{id}/$value", delegated: readMessage, app: readMessageApp, limit: "get", handle: getHostedBytes},
		)
	}
	routes = slices.Concat(routes, chatRoutes(), subscriptionRoutes(), applicationRoutes(), driveRoutes())
	for _, r := range routes {
		r.parts = strings.Split(r.template[1:], "/")
	}
}

// findRoute finds the operation for a path without its leading v1.0. Names in it match without regard to case.
func findRoute(method string, path []string) (*route, []string) {
	for _, r := range routes {
		if r.method != method {
			continue
		}
		if params, ok := matchParts(r.parts, path); ok {
			return r, params
		}
	}
	return nil, nil
}

func matchParts(parts, path []string) (params []string, ok bool) {
	if len(parts) != len(path) {
		return nil, false
	}
	for i, p := range parts {
		switch {
		case p == "{id}" && path[i] != "":
			params = append(params, path[i])
		case p == "{id}:" && len(path[i]) > 1 && strings.HasSuffix(path[i], ":"):
			params = append(params, strings.TrimSuffix(path[i], ":"))
		case strings.Contains(p, "('") || strings.Contains(p, "='"):
			key, ok := alternateKey(p, path[i])
			if !ok {
				return nil, false
			}
			params = append(params, key)
		case !strings.EqualFold(p, path[i]):
			return nil, false
		}
	}
	return params, true
}

// alternateKey takes the key out of a segment such as applications(appId='…').
func alternateKey(part, segment string) (key string, ok bool) {
	before, after, _ := strings.Cut(part, "{id}")
	if !hasPrefixFold(segment, before) || !strings.HasSuffix(segment, after) {
		return "", false
	}
	key = segment[len(before) : len(segment)-len(after)]
	return key, key != ""
}

// permitted checks the token's permissions for the route.
func (c *call) permitted() error {
	t := c.token
	if err := c.sim.opts.Cloud.serves(c.route, t.user == nil); err != nil {
		return err
	}
	if c.route.ownPermission {
		return nil
	}
	if t.user != nil {
		if !overlap(t.permissions, c.route.delegated) {
			return forbidden("Missing scope permissions on the request. API requires one of '%s'. Scopes on the request '%s'",
				strings.Join(c.route.delegated, ", "), strings.Join(t.permissions, ", "))
		}
		return nil
	}
	switch {
	case c.route.appOnly != nil:
		return c.route.appOnly(c)
	case c.path[0] == "me":
		return badRequest("/me request is only valid with delegated authentication flow.")
	case c.route.app == nil:
		return forbidden("This operation is not supported in application-only context.")
	case overlap(t.permissions, c.route.app):
		return nil
	}
	if c.path[0] == "chats" {
		if chat := t.tenant.chat(c.params[0]); chat != nil && overlap(chat.rsc[t.app.ClientID], c.route.app) {
			return nil
		}
	}
	if c.path[0] == "teams" {
		if team := t.tenant.team(c.params[0]); team != nil && overlap(team.rsc[t.app.ClientID], c.route.app) {
			return nil
		}
	}
	return forbidden("Missing role permissions on the request. API requires one of '%s'. Roles on the request '%s'.",
		strings.Join(c.route.app, ", "), strings.Join(t.permissions, ", "))
}

func overlap(have, need []string) bool {
	return slices.ContainsFunc(have, func(p string) bool { return slices.Contains(need, p) })
}

// importOnly refuses messages written without a user; the text was seen in many threads.
func importOnly(*call) error {
	return refuse(http.StatusUnauthorized, "Unauthorized", "Message POST is allowed in application-only context only for import purposes. Refer to https://docs.microsoft.com/microsoftteams/platform/graph-api/import-messages/import-external-messages-to-teams for more details.")
}

// policyOnly refuses edits without a user: such an app may set policyViolation only, for which this tenant has no licence.
func policyOnly(c *call) error {
	needed := "ChannelMessage.UpdatePolicyViolation.All"
	if c.path[0] == "chats" {
		needed = "Chat.UpdatePolicyViolation.All"
	}
	if !slices.Contains(c.token.permissions, needed) {
		return forbidden("Missing role permissions on the request. API requires one of '%s'.", needed)
	}
	fields, err := objectKeys(c.body)
	if err != nil {
		return err
	}
	if len(fields) != 1 || fields[0] != "policyViolation" {
		return forbidden("Only policyViolation can be updated in application-only context.")
	}
	return refuse(http.StatusPaymentRequired, "PaymentRequired", "The tenant has no licence for this operation.")
}
