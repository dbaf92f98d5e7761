package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// texts returns what the posts say.
func texts(posts []*model.Post) []string {
	var all []string
	for _, post := range posts {
		all = append(all, post.Message)
	}
	return all
}

// postedBy returns the post in an event if it is one of this user in this channel.
func postedBy(event *model.WebSocketEvent, author *harness.User, channel *model.Channel) *model.Post {
	if event.EventType() != model.WebsocketEventPosted || event.GetBroadcast().ChannelId != channel.Id {
		return nil
	}
	text, _ := event.GetData()["post"].(string)
	post := &model.Post{}
	if err := json.Unmarshal([]byte(text), post); err != nil || post.UserId != author.Id {
		return nil
	}
	return post
}

func TestPeopleTalkInAChannel(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	team := mm.CreateTeam(t)
	anna, ben := mm.CreateUser(t, "anna", team), mm.CreateUser(t, "ben", team)
	town := mm.CreateChannel(t, team, model.ChannelTypeOpen, "town", anna, ben)

	root := anna.Post(t, town, "hello")
	reply := ben.Reply(t, root, "hello yourself")
	if reply.RootId != root.Id {
		t.Errorf("the reply's root is %q, want %q", reply.RootId, root.Id)
	}
	anna.Post(t, town, "how are you?")
	if got, want := texts(ben.Read(t, town)), []string{"hello", "hello yourself", "how are you?"}; !slices.Equal(got, want) {
		t.Errorf("the channel says %q, want %q", got, want)
	}
}

func TestReadReturnsMoreThanOnePage(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	team := mm.CreateTeam(t)
	anna := mm.CreateUser(t, "anna", team)
	town := mm.CreateChannel(t, team, model.ChannelTypeOpen, "town", anna)
	var want []string
	for i := range 230 {
		want = append(want, fmt.Sprint("number ", i))
		anna.Post(t, town, want[i])
	}
	if got := texts(anna.Read(t, town)); !slices.Equal(got, want) {
		t.Errorf("the channel says %q, want %q", got, want)
	}
}

func TestPrivateChannelsAreClosedToOthers(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	team := mm.CreateTeam(t)
	anna, ben := mm.CreateUser(t, "anna", team), mm.CreateUser(t, "ben", team)
	attic := mm.CreateChannel(t, team, model.ChannelTypePrivate, "attic", anna)

	anna.Post(t, attic, "a secret")
	if _, _, err := ben.Client.GetPostsForChannel(t.Context(), attic.Id, 0, 10, "", false, false); !harness.IsStatus(err, http.StatusForbidden) {
		t.Errorf("an outsider reading a private channel: %v, want 403", err)
	}
	mm.AddToChannel(t, attic, ben)
	if got, want := texts(ben.Read(t, attic)), []string{"a secret"}; !slices.Equal(got, want) {
		t.Errorf("the channel says %q, want %q", got, want)
	}
}

func TestBotsHaveTheRolesTheyWereGiven(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	team := mm.CreateTeam(t)
	plain := mm.CreateBot(t, "plain", "", team)
	mighty := mm.CreateBot(t, "mighty", "system_user system_admin", team)

	if !plain.IsBot || !mighty.IsBot {
		t.Errorf("is_bot is %t and %t, want true for both", plain.IsBot, mighty.IsBot)
	}
	if _, _, err := plain.Client.GetConfig(t.Context()); !harness.IsStatus(err, http.StatusForbidden) {
		t.Errorf("a plain bot reading the server's config: %v, want 403", err)
	}
	if _, _, err := mighty.Client.GetConfig(t.Context()); err != nil {
		t.Errorf("an administrator bot reading the server's config: %v", err)
	}
}

// The settings that Causeway relies upon are those that any account can read back.
func TestTheServerHasTheSettingsThatCausewayAsksFor(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	config, _, err := mm.Admin.Client.GetClientConfig(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"EnableBotAccountCreation": "true", "EnableUserAccessTokens": "true", "EnablePostUsernameOverride": "true",
		"EnablePostIconOverride": "true", "EnableOpenServer": "false", "SiteURL": mm.URL, "DiagnosticsEnabled": "false",
		"PluginsEnabled": "false", "Version": "11.1.0",
	}
	for name, value := range want {
		if config[name] != value {
			t.Errorf("%s is %q, want %q", name, config[name], value)
		}
	}
}

func TestAWebsocketDeliversWhatIsPosted(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	team := mm.CreateTeam(t)
	anna, ben := mm.CreateUser(t, "anna", team), mm.CreateUser(t, "ben", team)
	town := mm.CreateChannel(t, team, model.ChannelTypeOpen, "town", anna, ben)
	socket := harness.Listen(t, mm.URL, ben.Token)

	sent := anna.Post(t, town, "hello")
	var seen *model.Post
	socket.WaitFor(t, func(event *model.WebSocketEvent) bool {
		seen = postedBy(event, anna, town)
		return seen != nil
	})
	if seen.Id != sent.Id || seen.Message != "hello" {
		t.Errorf("the event says %q (%s), want %q (%s)", seen.Message, seen.Id, "hello", sent.Id)
	}
}

func TestCuttingTheProxyDropsTheWebsocketOnly(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	proxy := harness.StartProxy(t, mm.Address)
	team := mm.CreateTeam(t)
	anna, ben := mm.CreateUser(t, "anna", team), mm.CreateUser(t, "ben", team)
	town := mm.CreateChannel(t, team, model.ChannelTypeOpen, "town", anna, ben)

	socket := harness.Listen(t, proxy.URL, ben.Token)
	if cut := proxy.CutWebSockets(); cut != 1 {
		t.Errorf("%d websockets were cut, want 1", cut)
	}
	socket.WaitClosed(t)

	// What is posted without a websocket is there for whoever asks, through the same proxy.
	anna.Post(t, town, "missed")
	posts, _, err := harness.Client(proxy.URL, ben.Token).GetPostsForChannel(t.Context(), town.Id, 0, 10, "", false, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(posts.Order) == 0 || posts.Posts[posts.Order[0]].Message != "missed" {
		t.Errorf("the newest of %d posts is not the one that was made after the cut", len(posts.Order))
	}

	again := harness.Listen(t, proxy.URL, ben.Token)
	anna.Post(t, town, "seen")
	again.WaitFor(t, func(event *model.WebSocketEvent) bool {
		post := postedBy(event, anna, town)
		return post != nil && post.Message == "seen"
	})
}

func TestARestartKeepsDataTokensAndAddress(t *testing.T) {
	t.Parallel()
	mm := harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres})
	team := mm.CreateTeam(t)
	anna := mm.CreateUser(t, "anna", team)
	bot := mm.CreateBot(t, "gateway", "", team)
	town := mm.CreateChannel(t, team, model.ChannelTypeOpen, "town", anna, bot)
	socket := harness.Listen(t, mm.URL, bot.Token)
	anna.Post(t, town, "before")

	mm.Stop(t)
	socket.WaitClosed(t)
	if _, _, err := anna.Client.GetMe(t.Context(), ""); err == nil {
		t.Error("a stopped server answered")
	}
	mm.Start(t)
	anna.Post(t, town, "between")
	mm.Kill(t)
	mm.Start(t)
	anna.Post(t, town, "after")

	if got, want := texts(bot.Read(t, town)), []string{"before", "between", "after"}; !slices.Equal(got, want) {
		t.Errorf("the channel says %q, want %q", got, want)
	}
}

func TestSettingsCanBeGivenToAServer(t *testing.T) {
	t.Parallel()
	mm := harness.StartMattermost(t, harness.Options{
		Postgres: harness.Shared(t).Postgres,
		SiteURL:  "http://chat.example.test",
		Settings: map[string]string{"MM_SERVICESETTINGS_ENABLEPOSTUSERNAMEOVERRIDE": "false"},
	})
	config, _, err := mm.Admin.Client.GetClientConfig(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if config["EnablePostUsernameOverride"] != "false" || config["SiteURL"] != "http://chat.example.test" {
		t.Errorf("EnablePostUsernameOverride is %q and SiteURL %q", config["EnablePostUsernameOverride"], config["SiteURL"])
	}
}

func TestNothingIsLeftOfAServerAfterItsTest(t *testing.T) {
	t.Parallel()
	shared := harness.Shared(t)
	var gone *harness.Mattermost
	t.Run("world", func(t *testing.T) {
		gone = harness.StartMattermost(t, harness.Options{Postgres: shared.Postgres})
	})
	if _, _, err := gone.Client("").GetPing(t.Context()); err == nil {
		t.Error("the server of a test that is over answers")
	}
}
