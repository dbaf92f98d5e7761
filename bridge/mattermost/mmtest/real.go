package mmtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// Real prepares a real server with fresh people, a bot and a team. Admin is the token of a system administrator. The server
// needs EnableUserAccessTokens, EnableBotAccountCreation and EnablePostUsernameOverride.
func Real(t testing.TB, url, admin string) World {
	client := &http.Client{Timeout: 30 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	do := func(method, path string, in, out any) {
		t.Helper()
		if err := request(client, url, admin, method, path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	suffix := model.NewId()[:8]
	var config map[string]string
	do("GET", "/config/client?format=old", nil, &config)
	var team model.Team
	do("POST", "/teams", map[string]any{"name": "law-" + suffix, "display_name": "Law " + suffix, "type": "O"}, &team)
	token := func(id string) model.UserAccessToken {
		var made model.UserAccessToken
		do("POST", "/users/"+id+"/tokens", map[string]any{"description": "law"}, &made)
		return made
	}
	join := func(id string) {
		do("POST", "/teams/"+team.Id+"/members", map[string]any{"team_id": team.Id, "user_id": id}, nil)
	}
	person := func(name string) Member {
		var u model.User
		do("POST", "/users", map[string]any{"email": name + suffix + "@example.com", "username": name + suffix, "password": "Pass-word-" + suffix}, &u)
		join(u.Id)
		return Member{ID: u.Id, Username: u.Username, Token: token(u.Id).Token}
	}
	w := World{
		URL: url, Server: bridge.ServerID("mattermost:" + config["DiagnosticId"]), TeamName: team.Name, Admin: admin,
		Alice: person("alice"), Bob: person("bob"), Within: time.Minute,
	}
	var bot model.Bot
	do("POST", "/bots", map[string]any{"username": "causeway" + suffix, "display_name": "Causeway"}, &bot)
	join(bot.UserId)
	key := token(bot.UserId)
	w.Bot = Member{ID: bot.UserId, Username: bot.Username, Token: key.Token}
	w.Revoke = func(t testing.TB) { do("POST", "/users/tokens/disable", map[string]any{"token_id": key.Id}, nil) }
	w.Grant = func(t testing.TB) { do("POST", "/users/tokens/enable", map[string]any{"token_id": key.Id}, nil) }
	w.Roles = func(t testing.TB, roles string) {
		t.Helper()
		do("PUT", "/users/"+bot.UserId+"/roles", map[string]any{"roles": "system_user " + roles}, nil)
		if roles != Restricted {
			return
		}
		var role model.Role
		do("GET", "/roles/name/"+Restricted, nil, &role)
		do("PUT", "/roles/"+role.Id+"/patch", map[string]any{"permissions": append(role.Permissions, RestrictedPermissions...)}, nil)
	}
	w.Person = func(_ testing.TB, name string) Member { return person(name) }
	w.Channel = func(t testing.TB, name string) string {
		var c model.Channel
		do("POST", "/channels", map[string]any{"team_id": team.Id, "name": name, "display_name": strings.ToUpper(name[:1]) + name[1:], "type": "O"}, &c)
		for _, m := range []Member{w.Alice, w.Bob, w.Bot} {
			do("POST", "/channels/"+c.Id+"/members", map[string]any{"user_id": m.ID}, nil)
		}
		return c.Id
	}
	return w
}
