package harness

import (
	"crypto/rand"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
)

// User is a person or a bot on a Mattermost server.
type User struct {
	*model.User
	// Token is a personal access token. It outlives restarts of the server.
	Token string
	// Client acts as this user, directly at the server.
	Client *model.Client4
}

func (mm *Mattermost) user(user *model.User, token string) *User {
	return &User{User: user, Token: token, Client: mm.Client(token)}
}

// CreateTeam makes a team, with the admin in it. Its name is unique.
func (mm *Mattermost) CreateTeam(tb TB) *model.Team {
	tb.Helper()
	name := Name(tb, "team")
	team, _, err := mm.Admin.Client.CreateTeam(tb.Context(), &model.Team{Name: name, DisplayName: name, Type: model.TeamInvite})
	if err != nil {
		tb.Fatalf("creating a team: %v", err)
	}
	return team
}

// CreateUser makes a person and lets them join the teams. word is the beginning of the user name, which is unique, and the nickname. The
// person has not logged in: a token does not make anybody look online.
func (mm *Mattermost) CreateUser(tb TB, word string, teams ...*model.Team) *User {
	tb.Helper()
	name := Name(tb, word)
	user, _, err := mm.Admin.Client.CreateUser(tb.Context(), &model.User{
		Username: name, Nickname: word, Email: name + "@example.test", Password: rand.Text(),
	})
	if err != nil {
		tb.Fatalf("creating the user %s: %v", name, err)
	}
	person := mm.user(user, mm.CreateToken(tb, user.Id))
	for _, team := range teams {
		mm.AddToTeam(tb, team, person)
	}
	return person
}

// CreateBot makes a bot and lets it join the teams. Empty roles leave it a plain bot ("system_user"); a gateway of the simple kind has
// "system_user system_admin".
func (mm *Mattermost) CreateBot(tb TB, word, roles string, teams ...*model.Team) *User {
	tb.Helper()
	name := Name(tb, word)
	bot, _, err := mm.Admin.Client.CreateBot(tb.Context(), &model.Bot{Username: name, DisplayName: word})
	if err != nil {
		tb.Fatalf("creating the bot %s: %v", name, err)
	}
	if roles != "" {
		if _, err := mm.Admin.Client.UpdateUserRoles(tb.Context(), bot.UserId, roles); err != nil {
			tb.Fatalf("giving the bot %s its roles: %v", name, err)
		}
	}
	user, _, err := mm.Admin.Client.GetUser(tb.Context(), bot.UserId, "")
	if err != nil {
		tb.Fatalf("reading the bot %s: %v", name, err)
	}
	made := mm.user(user, mm.CreateToken(tb, bot.UserId))
	for _, team := range teams {
		mm.AddToTeam(tb, team, made)
	}
	return made
}

// CreateToken makes one more personal access token for a user or bot.
func (mm *Mattermost) CreateToken(tb TB, userID string) string {
	tb.Helper()
	token, _, err := mm.Admin.Client.CreateUserAccessToken(tb.Context(), userID, "harness")
	if err != nil {
		tb.Fatalf("creating a token for %s: %v", userID, err)
	}
	return token.Token
}

// AddToTeam lets users join a team. Who is in it already stays.
func (mm *Mattermost) AddToTeam(tb TB, team *model.Team, users ...*User) {
	tb.Helper()
	for _, user := range users {
		if _, _, err := mm.Admin.Client.AddTeamMember(tb.Context(), team.Id, user.Id); err != nil {
			tb.Fatalf("adding %s to the team %s: %v", user.Username, team.Name, err)
		}
	}
}

// CreateChannel makes a public (model.ChannelTypeOpen) or private (model.ChannelTypePrivate) channel with these
// members, besides the admin. word is the beginning of its name, which is unique.
func (mm *Mattermost) CreateChannel(tb TB, team *model.Team, kind model.ChannelType, word string, members ...*User) *model.Channel {
	tb.Helper()
	name := Name(tb, word)
	channel, _, err := mm.Admin.Client.CreateChannel(tb.Context(), &model.Channel{
		TeamId: team.Id, Type: kind, Name: name, DisplayName: name,
	})
	if err != nil {
		tb.Fatalf("creating the channel %s: %v", name, err)
	}
	mm.AddToChannel(tb, channel, members...)
	return channel
}

// AddToChannel lets users, who must be in its team, join a channel. Each of them makes Mattermost write a system message into it.
func (mm *Mattermost) AddToChannel(tb TB, channel *model.Channel, users ...*User) {
	tb.Helper()
	for _, user := range users {
		if _, _, err := mm.Admin.Client.AddChannelMember(tb.Context(), channel.Id, user.Id); err != nil {
			tb.Fatalf("adding %s to the channel %s: %v", user.Username, channel.Name, err)
		}
	}
}

// Post writes a message into a channel.
func (u *User) Post(tb TB, channel *model.Channel, text string) *model.Post {
	tb.Helper()
	return u.Reply(tb, &model.Post{ChannelId: channel.Id}, text)
}

// Reply writes a message into the thread of a root post.
func (u *User) Reply(tb TB, root *model.Post, text string) *model.Post {
	tb.Helper()
	post, _, err := u.Client.CreatePost(tb.Context(), &model.Post{ChannelId: root.ChannelId, RootId: root.Id, Message: text})
	if err != nil {
		tb.Fatalf("posting as %s: %v", u.Username, err)
	}
	return post
}

// Read returns what people wrote in a channel, oldest first, without system messages and deleted posts: all of it,
// however long.
func (u *User) Read(tb TB, channel *model.Channel) []*model.Post {
	tb.Helper()
	const pageSize = 200 // the most that the server gives
	var posts []*model.Post
	for page := 0; ; page++ {
		list, _, err := u.Client.GetPostsForChannel(tb.Context(), channel.Id, page, pageSize, "", false, false)
		if err != nil {
			tb.Fatalf("reading the channel %s as %s: %v", channel.Name, u.Username, err)
		}
		for _, id := range list.Order {
			if post := list.Posts[id]; !post.IsSystemMessage() {
				posts = append(posts, post)
			}
		}
		if len(list.Order) < pageSize {
			break
		}
	}
	// Newest came first, page by page.
	for i, j := 0, len(posts)-1; i < j; i, j = i+1, j-1 {
		posts[i], posts[j] = posts[j], posts[i]
	}
	return posts
}

// IsGone says whether err is Mattermost's answer for something that does not exist.
func IsGone(err error) bool { return IsStatus(err, http.StatusNotFound) }
