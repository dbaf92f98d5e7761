package mattermost

import (
	"net/http"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

const apiPrefix = "/api/v4"

// route is one method and path. Earlier routes win.
type route struct {
	method    string
	template  string // below /api/v4, parameters in braces
	handle    func(*call) (any, *model.AppError)
	public    bool // works without a token
	websocket bool
	stream    bool // the handler reads the body itself
	root      bool // not below /api/v4
	segments  []string
}

func (s *Server) table() []route {
	routes := []route{
		{method: "GET", template: "/websocket", websocket: true, public: true},
		{method: "GET", template: "/system/ping", handle: s.getPing, public: true},
		{method: "GET", template: "/config/client", handle: s.getClientConfig, public: true},
		{method: "GET", template: "/license/client", handle: s.getClientLicense, public: true},
		{method: "GET", template: "/config", handle: s.getConfig},

		{method: "GET", template: "/oauth/authorize", handle: s.authorize, public: true, root: true},
		{method: "POST", template: "/oauth/access_token", handle: s.postAccessToken, public: true, root: true},
		{method: "POST", template: "/oauth/deauthorize", handle: s.postDeauthorize, root: true},
		{method: "GET", template: "/oauth/apps", handle: s.getApps},
		{method: "POST", template: "/oauth/apps", handle: s.postApp},
		{method: "GET", template: "/oauth/apps/{app_id}", handle: s.getApp},
		{method: "GET", template: "/oauth/apps/{app_id}/info", handle: s.getAppInfo},
		{method: "PUT", template: "/oauth/apps/{app_id}", handle: s.putApp},
		{method: "DELETE", template: "/oauth/apps/{app_id}", handle: s.deleteApp},

		{method: "GET", template: "/commands", handle: s.getCommands},
		{method: "POST", template: "/commands", handle: s.postCommand},
		{method: "POST", template: "/commands/execute", handle: s.postExecute},
		{method: "PUT", template: "/commands/{command_id}", handle: s.putCommand},
		{method: "DELETE", template: "/commands/{command_id}", handle: s.deleteCommand},

		{method: "GET", template: "/groups", handle: s.getGroups},

		{method: "GET", template: "/users", handle: s.getUsers},
		{method: "POST", template: "/users/search", handle: s.postSearch},
		{method: "POST", template: "/users/tokens/revoke", handle: s.postTokenRevoke},
		{method: "POST", template: "/users/tokens/disable", handle: s.postTokenDisable},
		{method: "POST", template: "/users/tokens/enable", handle: s.postTokenEnable},

		{method: "POST", template: "/users/ids", handle: s.getUsersByIDs},
		{method: "POST", template: "/users/usernames", handle: s.getUsersByNames},
		{method: "POST", template: "/users/status/ids", handle: s.getStatuses},
		{method: "GET", template: "/users/username/{username}", handle: s.getUserByName},
		{method: "GET", template: "/users/email/{email}", handle: s.getUserByEmail},
		{method: "GET", template: "/users/{user_id}", handle: s.getUser},
		{method: "GET", template: "/users/{user_id}/image", handle: s.getImage},
		{method: "GET", template: "/users/{user_id}/status", handle: s.getStatus},
		{method: "GET", template: "/users/{user_id}/tokens", handle: s.getTokens},
		{method: "POST", template: "/users/{user_id}/tokens", handle: s.postToken},
		{method: "PUT", template: "/users/{user_id}/active", handle: s.putActive},
		{method: "PUT", template: "/users/{user_id}/patch", handle: s.patchUser},
		{method: "POST", template: "/users/{user_id}/typing", handle: s.postTyping},
		{method: "GET", template: "/users/{user_id}/teams", handle: s.getTeamsOfUser},
		{method: "GET", template: "/users/{user_id}/teams/members", handle: s.getTeamMembershipsOfUser},
		{method: "GET", template: "/users/{user_id}/channels", handle: s.getChannelsOfUser},
		{method: "GET", template: "/users/{user_id}/channel_members", handle: s.getMembershipsOfUser},
		{method: "GET", template: "/users/{user_id}/teams/{team_id}/channels", handle: s.getChannelsOfUserInTeam},
		{method: "DELETE", template: "/users/{user_id}/posts/{post_id}/reactions/{emoji}", handle: s.deleteReaction},

		{method: "GET", template: "/audits", handle: s.getAudits},
		{method: "GET", template: "/teams", handle: s.getTeams},
		{method: "GET", template: "/teams/name/{team}", handle: s.getTeamByName},
		{method: "GET", template: "/teams/name/{team}/channels/name/{channel}", handle: s.getChannelByNames},
		{method: "GET", template: "/teams/{team_id}", handle: s.getTeam},
		{method: "GET", template: "/teams/{team_id}/channels", handle: s.getPublicChannels},
		{method: "GET", template: "/teams/{team_id}/members/{user_id}", handle: s.getTeamMember},
		{method: "GET", template: "/teams/{team_id}/channels/name/{channel}", handle: s.getChannelByName},

		{method: "POST", template: "/roles/names", handle: s.postRoleNames},

		{method: "POST", template: "/channels/direct", handle: s.postDirect},
		{method: "POST", template: "/channels/group", handle: s.postGroup},
		{method: "GET", template: "/channels/{channel_id}", handle: s.getChannel},
		{method: "PUT", template: "/channels/{channel_id}/patch", handle: s.patchChannel},
		{method: "GET", template: "/channels/{channel_id}/members", handle: s.getMembers},
		{method: "POST", template: "/channels/{channel_id}/members", handle: s.postMember},
		{method: "GET", template: "/channels/{channel_id}/members/{user_id}", handle: s.getMember},
		{method: "DELETE", template: "/channels/{channel_id}/members/{user_id}", handle: s.deleteMember},
		{method: "PUT", template: "/channels/{channel_id}/members/{user_id}/notify_props", handle: s.putNotifyProps},
		{method: "GET", template: "/channels/{channel_id}/posts", handle: s.getPosts},

		{method: "POST", template: "/files", handle: s.postFile, stream: true},
		{method: "GET", template: "/files/{file_id}", handle: s.getFile},
		{method: "GET", template: "/files/{file_id}/info", handle: s.getFileInfo},
		{method: "POST", template: "/uploads", handle: s.postUpload},
		{method: "GET", template: "/uploads/{upload_id}", handle: s.getUpload},
		{method: "POST", template: "/uploads/{upload_id}", handle: s.postUploadData, stream: true},

		{method: "POST", template: "/posts", handle: s.postPost},
		{method: "POST", template: "/posts/ephemeral", handle: s.postEphemeral},
		{method: "POST", template: "/posts/ids", handle: s.getPostsByIDs},
		{method: "POST", template: "/posts/ids/reactions", handle: s.getReactionsOfPosts},
		{method: "GET", template: "/posts/{post_id}", handle: s.getPost},
		{method: "PUT", template: "/posts/{post_id}", handle: s.putPost},
		{method: "PUT", template: "/posts/{post_id}/patch", handle: s.patchPost},
		{method: "DELETE", template: "/posts/{post_id}", handle: s.deletePost},
		{method: "POST", template: "/posts/{post_id}/actions/{action_id}", handle: s.postAction},
		{method: "GET", template: "/posts/{post_id}/thread", handle: s.getThread},
		{method: "GET", template: "/posts/{post_id}/reactions", handle: s.getReactions},
		{method: "POST", template: "/reactions", handle: s.postReaction},
	}
	for i := range routes {
		routes[i].segments = strings.Split(routes[i].template, "/")
	}
	return routes
}

// match finds the route of a request, nil when there is none.
func match(routes []route, r *http.Request) (*route, map[string]string) {
	path, ok := strings.CutPrefix(r.URL.Path, apiPrefix)
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i := range routes {
		if routes[i].method != r.Method || routes[i].root == ok {
			continue
		}
		if params, ok := routes[i].fits(segments); ok {
			return &routes[i], params
		}
	}
	return nil, nil
}

func (t *route) fits(segments []string) (map[string]string, bool) {
	if len(segments) != len(t.segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, want := range t.segments {
		switch {
		case strings.HasPrefix(want, "{") && segments[i] != "":
			params[strings.Trim(want, "{}")] = segments[i]
		case want != segments[i]:
			return nil, false
		}
	}
	return params, true
}
