package mattermost_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/richtext"
	"causeway/bridge/secret"
	sim "causeway/contrib/sim/mattermost"
)

func (b *bench) withTeam(team string) bridge.Bridge {
	b.Helper()
	account, err := mattermost.New(bridge.Env{}, &mattermost.Settings{Server: b.sim.URL(), Token: secret.Secret(b.world.Bot.Token), Team: team})
	b.must(err)
	_, err = account.Connect(b.Context())
	b.must(err)
	b.Cleanup(func() { account.Close() })
	return account
}

func TestFindingChannels(t *testing.T) {
	b := newBench(t, sim.Options{SiteURL: "https://chat.example.org/mm"})
	b.sim.AddTeam("globex")
	add := func(team, name, display string, members ...string) string {
		c := b.sim.AddChannel(team, name, model.ChannelTypeOpen)
		b.sim.Join(c.Id, append(members, "causeway")...)
		if display != "" {
			b.sim.Rename(c.Id, display)
		}
		return c.Id
	}
	dev := add("acme", "dev", "Dev / Ops")
	other := add("globex", "dev", "Development")
	one, two := add("globex", "sales-1", "Sales"), add("globex", "sales-2", "Sales")
	post := b.say("alice", "hello")
	plain, inTeam := b.account, b.withTeam("acme")
	for _, c := range []struct {
		name    string
		account bridge.Bridge
		want    string
	}{
		{"acme/town", plain, b.channel},
		{" ACME/Town ", plain, b.channel},
		{"acme/~town", plain, b.channel},
		{"acme/dev", plain, dev},
		{"acme/Dev / Ops", plain, dev},
		{"globex/development", plain, other},
		{dev, plain, dev},
		{"globex/" + other, plain, other},
		{"https://chat.example.org/mm/acme/channels/dev", plain, dev},
		{"https://CHAT.example.org/mm/acme/pl/" + post, plain, b.channel},
		{"https://chat.example.org/mm/_redirect/pl/" + post, plain, b.channel},
		{b.sim.URL() + "/globex/channels/dev", plain, other},
		{"dev", inTeam, dev},
		{"Dev / Ops", inTeam, dev},
		{"globex/dev", inTeam, other},
	} {
		got, err := c.account.Resolve(t.Context(), c.name, bridge.Read|bridge.Write)
		if err != nil || string(got.ID.Channel) != c.want {
			t.Errorf("%q is %+v (%v), want %s", c.name, got, err, c.want)
		}
	}
	got, err := plain.Resolve(t.Context(), dev, bridge.Read)
	if want := (bridge.Conversation{ID: got.ID, Name: "acme/dev", Link: "https://chat.example.org/mm/acme/channels/dev"}); err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	for _, c := range []struct {
		name, mention string
		kind          bridge.Kind
	}{
		{"acme/dve", "acme/dev", bridge.Gone},
		{"dev", `write "team/channel", or set Team`, bridge.Gone},
		{"globex/Sales", one + "|" + two, bridge.Rejected},
		{"https://elsewhere.example.org/acme/channels/dev", "https://chat.example.org/mm", bridge.Gone},
		{"https://chat.example.org/mm/acme/messages/@bob", "Copy Link", bridge.Gone},
		{strings.Repeat("a", 26), "", bridge.Gone},
	} {
		_, err := plain.Resolve(t.Context(), c.name, bridge.Read)
		var e *bridge.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Hint == "" {
			t.Errorf("%q: %v, want kind %v and a hint", c.name, err, c.kind)
			continue
		}
		for _, part := range strings.Split(c.mention, "|") {
			if !strings.Contains(err.Error(), part) && !strings.Contains(e.Hint, part) {
				t.Errorf("%q: %v does not mention %s", c.name, err, part)
			}
		}
	}
}

func TestAChannelWithoutTheBot(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.sim.AddChannel("acme", "public", model.ChannelTypeOpen)
	b.sim.AddChannel("acme", "private", model.ChannelTypePrivate)
	b.sim.Join("acme/public", "alice")
	b.sim.Join("acme/private", "alice")
	for name, want := range map[string]bridge.Kind{"acme/public": bridge.Unauthorised, "acme/private": bridge.Gone} {
		_, err := b.account.Resolve(t.Context(), name, bridge.Read)
		if bridge.KindOf(err) != want || !strings.Contains(fmt.Sprint(err), "/invite @causeway") {
			t.Errorf("%s: %v, want %v and how to invite the bot", name, err, want)
		}
	}
	b.sim.Archive(b.channel, true)
	if _, err := b.account.Resolve(t.Context(), b.channel, bridge.Read); err == nil || !strings.Contains(err.Error(), "archived") {
		t.Errorf("archived: %v", err)
	}
	var names []string
	all, err := b.account.Conversations(t.Context())
	b.must(err)
	for _, c := range all {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "acme/public" {
		t.Errorf("listed are %q", got)
	}
}

func TestAChannelWhereTheBotMayNotPost(t *testing.T) {
	b := newBench(t, sim.Options{})
	resolve := func(need bridge.Access) error {
		_, err := b.account.Resolve(t.Context(), b.channel, need)
		return err
	}
	b.must(resolve(bridge.Read | bridge.Write))
	b.sim.Forbid("channel_user", "create_post")
	b.must(resolve(bridge.Read))
	err := resolve(bridge.Write)
	var e *bridge.Error
	if !errors.As(err, &e) || e.Kind != bridge.Unauthorised || !strings.Contains(e.Hint, "@causeway the role system_post_all") {
		t.Errorf("without the permission: %v, want unauthorised and a role that helps", err)
	}
	b.sim.Grant("team_user", "create_post")
	b.must(resolve(bridge.Write))
}

func TestCheckFindsWhatIsNotable(t *testing.T) {
	b := newBench(t, sim.Options{
		NoUsernameOverride: true, NoIconOverride: true, PostEditTimeLimit: 300e9, RateLimit: sim.RateLimit{PerSec: 1000, MaxBurst: 1000},
		ClientConfig: map[string]string{"Version": "9.5.0"},
	})
	var all []string
	for _, f := range b.account.Check(t.Context()) {
		if f.Fatal {
			t.Errorf("fatal: %s", f.Text)
		}
		all = append(all, f.Text+" "+f.Next)
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"EnablePostUsernameOverride", "EnablePostIconOverride", "9.5.0", "RateLimitSettings", "PostEditTimeLimit", "http://"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not mentioned in:\n%s", want, text)
		}
	}
	b.sim.RevokeToken(b.world.Bot.Token)
	if found := b.account.Check(t.Context()); len(found) != 1 || !found[0].Fatal || strings.Contains(found[0].Text, b.world.Bot.Token) {
		t.Errorf("with a revoked token: %+v", found)
	}
}

func TestAPostWhoseRootIsGone(t *testing.T) {
	b := newBench(t, sim.Options{})
	root := b.say("alice", "root")
	b.must(b.sim.Delete("alice", root))
	d := b.draft("an answer")
	d.Root = bridge.MessageID(root)
	if _, err := b.account.Post(t.Context(), d); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("answering what was deleted: %v", err)
	}
	d.Root = ""
	if _, err := b.account.Post(t.Context(), d); err != nil {
		t.Errorf("the same without a root: %v", err)
	}
	nowhere := b.draft("x")
	nowhere.Conversation.Channel = bridge.ChannelID(model.NewId())
	if _, err := b.account.Post(t.Context(), nowhere); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("posting into no channel: %v", err)
	}
}

func TestARepeatWithinThirtySecondsIsOnePost(t *testing.T) {
	b := newBench(t, sim.Options{})
	d := b.draft("once")
	one, err := b.account.Post(t.Context(), d)
	b.must(err)
	two, err := b.account.Post(t.Context(), d)
	b.must(err)
	if one != two {
		t.Errorf("a repeat made %s beside %s", two, one)
	}
	b.must(b.sim.Delete("admin", string(one)))
	if _, err := b.account.Post(t.Context(), d); bridge.KindOf(err) != bridge.Uncertain {
		t.Errorf("a repeat of what was deleted meanwhile: %v", err)
	}
	// The key is global on the server: somebody else's post under it must not be taken for ours.
	squatted := b.draft("mine")
	_, err = b.sim.PostWith("alice", b.channel, &model.Post{Message: "squatted", PendingPostId: string(squatted.Key)})
	b.must(err)
	if id, err := b.account.Post(t.Context(), squatted); bridge.KindOf(err) != bridge.Uncertain || err == nil {
		t.Errorf("the server's answer with another's post %s is taken for ours (%v)", id, err)
	}
}

func TestPostsMakeNobodyOnlineAndKeepTheirProps(t *testing.T) {
	b := newBench(t, sim.Options{})
	d := b.draft("one")
	d.Author.Avatar = "https://p.example.org/1.png"
	id, err := b.account.Post(t.Context(), d)
	b.must(err)
	d.Text = richtext.Plain("two")
	b.must(b.account.Edit(t.Context(), id, d))
	for _, p := range b.sim.Rows(b.channel) {
		if p.Id != string(id) {
			continue
		}
		if p.Message != "two" || p.GetProp("override_username") != "Carla" || p.GetProp("override_icon_url") != "https://p.example.org/1.png" || p.GetProp("from_webhook") != "true" {
			t.Errorf("after the edit: %q %v", p.Message, p.GetProps())
		}
	}
	status, _, err := b.sim.Client(b.world.Alice.Token).GetUserStatus(t.Context(), b.world.Bot.ID, "")
	b.must(err)
	if status.Status != model.StatusOffline {
		t.Errorf("posting made the bot %s", status.Status)
	}
}

func TestDirectMessagesShowTheName(t *testing.T) {
	b := newBench(t, sim.Options{})
	c := b.sim.Direct("alice", "causeway")
	d := b.draft("hello")
	d.Conversation.Channel = bridge.ChannelID(c.Id)
	_, err := b.account.Post(t.Context(), d)
	b.must(err)
	posts := b.sim.Posts(c.Id)
	if len(posts) != 1 || !strings.Contains(posts[0].Text, "Carla") {
		t.Errorf("the name is not in %+v", posts)
	}
}

func TestNotices(t *testing.T) {
	notice := func(b *bench) bridge.Notice {
		return bridge.Notice{Conversation: b.conv, User: bridge.UserID(b.world.Alice.ID), Text: richtext.Plain("for alice")}
	}
	allowed := newBench(t, sim.Options{RolePermissions: map[string][]string{"system_user": {"create_post_ephemeral"}}})
	allowed.must(allowed.account.Notify(t.Context(), notice(allowed)))
	if got := allowed.sim.Ephemerals(); len(got) != 1 || len(allowed.sim.Posts(allowed.channel)) != 0 {
		t.Errorf("ephemeral posts: %+v", got)
	}
	plain := newBench(t, sim.Options{})
	plain.must(plain.account.Notify(t.Context(), notice(plain)))
	if got := plain.sim.Posts(plain.sim.Direct("alice", "causeway").Id); len(got) != 1 || got[0].Text != "for alice" || len(plain.sim.Ephemerals()) != 0 {
		t.Errorf("direct messages: %+v", got)
	}
}

func TestPartsLeaveRoomForTheName(t *testing.T) {
	b := newBench(t, sim.Options{})
	parts := b.account.Parts(bridge.Draft{Author: bridge.Author{Name: strings.Repeat("n", 1000)}, Text: richtext.Plain(strings.Repeat("word ", 10000))})
	for n, part := range parts {
		d := bridge.Draft{Conversation: b.conv, Author: bridge.Author{Name: strings.Repeat("n", 1000)}, Text: part, Key: bridge.Key(fmt.Sprint("k", n))}
		if _, err := b.account.Post(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if len(parts) != 4 {
		t.Errorf("50,000 characters with a long name are %d parts, want 4", len(parts))
	}
}
