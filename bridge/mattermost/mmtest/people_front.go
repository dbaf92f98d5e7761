package mmtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// nobodysInbox watches nothing.
type nobodysInbox struct{ bridge.NoTalks }

var never = make(chan struct{})

func (nobodysInbox) Watched() ([]bridge.ConversationID, <-chan struct{}) { return nil, never }
func (nobodysInbox) Cursor(context.Context, bridge.ConversationID) (string, error) {
	return "", nil
}
func (nobodysInbox) Living(context.Context, bridge.ConversationID, time.Time) ([]bridge.MessageID, error) {
	return nil, nil
}

func (nobodysInbox) Put(context.Context, bridge.Batch) error { return nil }
func (nobodysInbox) Trouble(bridge.ConversationID, error)    {}

// private collects the ephemeral posts that Alice's client is shown.
type private struct {
	mu    sync.Mutex
	posts []*model.Post
}

func (p *private) all() []*model.Post {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.posts)
}

// openClient opens Alice's client.
func (c *crowd) openClient() *private {
	c.Helper()
	socket, err := model.NewWebSocketClient4("ws"+strings.TrimPrefix(c.URL, "http"), c.Alice.Token)
	c.must(err)
	socket.Listen()
	p, greeted, done := &private{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		responses := socket.ResponseChannel
		for {
			select {
			case e, ok := <-socket.EventChannel:
				if !ok {
					return
				}
				switch e.EventType() {
				case model.WebsocketEventHello:
					close(greeted)
				case model.WebsocketEventEphemeralMessage:
					var post model.Post
					text, _ := e.GetData()["post"].(string)
					if json.Unmarshal([]byte(text), &post) == nil {
						p.mu.Lock()
						p.posts = append(p.posts, &post)
						p.mu.Unlock()
					}
				}
			case _, ok := <-responses:
				if !ok {
					responses = nil
				}
			case <-socket.PingTimeoutChannel:
			}
		}
	}()
	c.Cleanup(func() {
		socket.Close()
		<-done
	})
	select {
	case <-greeted:
	case <-time.After(30 * time.Second):
		c.Fatal("the server does not greet Alice")
	}
	return p
}

// press presses a button of a post as Alice's client does.
func (c *crowd) press(who Member, p *model.Post, label string) error {
	for _, a := range p.Attachments() {
		for _, action := range a.Actions {
			if action.Name == label {
				if action.Integration != nil {
					c.Error("a client is shown what a button carries")
				}
				return request(c.client, c.URL, who.Token, "POST", "/posts/"+p.Id+"/actions/"+action.Id, map[string]string{"cookie": action.Cookie}, nil)
			}
		}
	}
	return fmt.Errorf("there is no button %q", label)
}

func command(c *crowd) {
	// A bot that is an administrator registers it in all teams of the server, those of other tests too: so it has a name of its own.
	team, word := c.team(), "law"+model.NewId()[:8]
	c.front.Offer(bridge.Trigger{Word: word, Hint: "[connect]", Description: "Your Teams account"})
	c.front.Answer(bridge.Reply{Text: richtext.Plain("Which one, *you*?"), Choices: []bridge.Choice{{Label: "Teams", Token: "t-1"}}},
		bridge.Reply{Replace: richtext.Plain("Teams it is."), Text: richtext.Plain("Noted.")})
	alice := c.openClient()
	c.run()
	var list []*model.Command
	c.wait("the command", func() bool {
		list = c.registered(team, word)
		return len(list) == 1
	})
	k := list[0]
	c.secrets = append(c.secrets, k.Token)
	if k.CreatorId != c.Bot.ID || k.AutoCompleteHint != "[connect]" || !k.AutoComplete {
		c.Errorf("registered is %+v", k)
	}
	execute := func(channel string) error {
		typed := map[string]string{"command": "/" + word + " connect  contoso", "channel_id": channel, "team_id": team}
		return request(c.client, c.URL, c.Alice.Token, "POST", "/commands/execute", typed, nil)
	}
	// It can be listed a moment before the bridge has heard that it is there.
	c.wait("it is taken", func() bool { return execute(c.channel) == nil })
	var dm model.Channel
	c.do(c.Alice.Token, "POST", "/channels/direct", []string{c.Alice.ID, c.Bob.ID}, &dm)
	c.must(execute(dm.Id))
	commands, _, _ := c.front.Seen()
	said := func(channel string) bridge.Command {
		return bridge.Command{User: c.alice(), Conversation: bridge.ConversationID{Server: c.Server, Channel: bridge.ChannelID(channel)}, Trigger: word, Words: []string{"connect", "contoso"}}
	}
	if d := cmp.Diff([]bridge.Command{said(c.channel), said(dm.Id)}, commands); d != "" {
		c.Error(d)
	}
	c.wait("both answers", func() bool { return len(alice.all()) == 2 })
	answer := alice.all()[0]
	if answer.Message != `Which one, \*you\*?` || answer.ChannelId != c.channel {
		c.Errorf("Alice is shown %q", answer.Message)
	}
	// In an ephemeral post nothing can be replaced.
	c.must(c.press(c.Alice, answer, "Teams"))
	c.wait("the answer to the press", func() bool { return len(alice.all()) == 3 })
	if text := alice.all()[2].Message; !strings.HasPrefix(text, "Teams it is.") || !strings.HasSuffix(text, "Noted.") {
		c.Errorf("after the press Alice is shown %q", text)
	}
	if posts := c.posts(c.channel); len(posts) != 0 {
		c.Errorf("others see %+v", posts)
	}
	// Who knows the address alone gets nothing; nor does the token open another team.
	for name, token := range map[string]string{"no token": "", "a wrong one": model.NewId(), "of another team": k.Token} {
		r, err := http.NewRequestWithContext(c.Context(), "POST", k.URL, strings.NewReader("command=%2F"+word+"&team_id="+model.NewId()+"&user_id="+c.Alice.ID+"&channel_id="+c.channel))
		c.must(err)
		r.Header.Set("Authorization", "Token "+token)
		got, err := c.client.Do(r)
		c.must(err)
		_, _ = io.Copy(io.Discard, got.Body)
		got.Body.Close()
		if got.StatusCode != http.StatusUnauthorized {
			c.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	c.mend(team, k)
}

// mend: what somebody has changed is put right, and what is not wanted any more goes.
func (c *crowd) mend(team string, k *model.Command) {
	c.Helper()
	if c.World.Bridge == nil {
		return // it looks too seldom to wait for
	}
	spoilt := *k
	spoilt.URL = strings.Replace(k.URL, "127.0.0.1", "127.0.0.2", 1)
	c.do(c.Admin, "PUT", "/commands/"+k.Id, &spoilt, nil)
	c.wait("it is put right", func() bool {
		list := c.registered(team, k.Trigger)
		return len(list) == 1 && list[0].URL == k.URL && list[0].Id == k.Id && list[0].Token == k.Token
	})
	c.front.Offer()
	c.wait("it goes", func() bool { return len(c.registered(team, k.Trigger)) == 0 })
}

// registered lists the commands of a team with that word.
func (c *crowd) registered(team, word string) []*model.Command {
	c.Helper()
	var list []*model.Command
	c.do(c.Admin, "GET", "/commands?custom_only=true&team_id="+team, nil, &list)
	return slices.DeleteFunc(list, func(k *model.Command) bool { return k.Trigger != word })
}

func (c *crowd) team() string {
	c.Helper()
	var t model.Team
	c.do(c.Admin, "GET", "/teams/name/"+c.TeamName, nil, &t)
	return t.Id
}

// posts lists what people have said in a channel, oldest first.
func (c *crowd) posts(channel string) []*model.Post {
	c.Helper()
	var list model.PostList
	c.do(c.Admin, "GET", "/channels/"+channel+"/posts", nil, &list)
	var all []*model.Post
	for _, id := range slices.Backward(list.Order) {
		if p := list.Posts[id]; !strings.HasPrefix(p.Type, model.PostSystemMessagePrefix) {
			all = append(all, p)
		}
	}
	return all
}

func buttons(c *crowd) {
	c.front.Answer(bridge.Reply{}, bridge.Reply{Replace: richtext.Plain("Teams it is."), Text: richtext.Plain("Noted.")})
	alice := c.openClient()
	c.must(c.account.Notify(c.Context(), bridge.Notice{
		User: c.alice(), Text: richtext.Plain("Where?"), Choices: []bridge.Choice{{Label: "Teams", Token: "t-1"}, {Label: "Not now", Token: "n-1"}},
	}))
	var dm model.Channel
	c.do(c.Alice.Token, "POST", "/channels/direct", []string{c.Alice.ID, c.Bot.ID}, &dm)
	posts := c.posts(dm.Id)
	if len(posts) != 1 || posts[0].Message != "Where?" || posts[0].UserId != c.Bot.ID {
		c.Fatalf("Alice reads %+v", posts)
	}
	if err := c.press(c.Bob, posts[0], "Teams"); err == nil {
		c.Error("Bob pressed Alice's button")
	}
	c.must(c.press(c.Alice, posts[0], "Teams"))
	_, presses, _ := c.front.Seen()
	if d := cmp.Diff([]bridge.Press{{User: c.alice(), Token: "t-1"}}, presses); d != "" {
		c.Error(d)
	}
	if posts = c.posts(dm.Id); posts[0].Message != "Teams it is." || len(posts[0].Attachments()) != 0 {
		c.Errorf("after the press there is %q with %d rows of buttons", posts[0].Message, len(posts[0].Attachments()))
	}
	c.wait("the word in private", func() bool { all := alice.all(); return len(all) == 1 && all[0].Message == "Noted." })
	// Without buttons and with a channel it is ephemeral.
	c.must(c.account.Notify(c.Context(), bridge.Notice{Conversation: c.conv, User: c.alice(), Text: richtext.Plain("in private")}))
	c.wait("the ephemeral notice", func() bool { all := alice.all(); return len(all) == 2 && all[1].ChannelId == c.channel })
	// What has a key comes once, and another one with the same text comes as well.
	for _, key := range []bridge.Key{"one", "one", "two", "one"} {
		c.must(c.account.Notify(c.Context(), bridge.Notice{User: c.alice(), Text: richtext.Plain("ok"), Key: key}))
	}
	if posts = c.posts(dm.Id); len(posts) != 3 || posts[1].Message != "ok" || posts[2].Message != "ok" {
		c.Errorf("Alice reads %d posts", len(posts))
	}
	c.takesBack(dm.Id)
}

// takesBack deletes what has a key, which is a post like any other; where Alice has answered it, it is blanked.
func (c *crowd) takesBack(dm string) {
	direct, err := c.account.OpenConversation(c.Context(), bridge.Opening{People: []bridge.UserID{bridge.UserID(c.Bot.ID), c.alice()}})
	c.must(err)
	found := func(key bridge.Key) []bridge.MessageID {
		ids, err := c.account.Find(c.Context(), bridge.Draft{Conversation: direct, Key: key}, time.Now().Add(-time.Hour))
		c.must(err)
		return ids
	}
	one, two := found("one"), found("two")
	if len(one) != 1 || len(two) != 1 || string(direct.Channel) != dm {
		c.Fatalf("in %s, not %s, there are %v and %v", direct, dm, one, two)
	}
	c.do(c.Alice.Token, "POST", "/posts", map[string]string{"channel_id": dm, "root_id": string(two[0]), "message": "thanks"}, nil)
	c.must(c.account.Delete(c.Context(), bridge.Target{Conversation: direct, ID: one[0]}))
	if err := c.account.Delete(c.Context(), bridge.Target{Conversation: direct, ID: two[0]}); bridge.KindOf(err) != bridge.Unsupported || err == nil {
		c.Errorf("deleting what was answered: %v", err)
	}
	c.must(c.account.Edit(c.Context(), two[0], bridge.Draft{Conversation: direct, Text: richtext.Plain("(gone)"), Key: "two"}))
	var left []string
	for _, p := range c.posts(dm) {
		left = append(left, p.Message)
	}
	if d := cmp.Diff([]string{"Teams it is.", "(gone)", "thanks"}, left); d != "" || len(found("one")) != 0 {
		c.Errorf("Alice reads (-want +got):\n%s", d)
	}
}

func arrival(c *crowd) {
	c.openClient()
	c.wait("the server knows that Alice is here", func() bool { return c.status() == model.StatusOnline })
	c.run()
	c.wait("Alice is told to be here", func() bool {
		_, _, arrived := c.front.Seen()
		return slices.Contains(arrived, c.alice())
	})
	if _, _, arrived := c.front.Seen(); slices.Contains(arrived, bridge.UserID(c.Bob.ID)) {
		c.Error("so is Bob, who is not")
	}
}

func lookalike(c *crowd) {
	c.do(c.Alice.Token, "PUT", "/users/me/patch", map[string]string{"first_name": "Alice", "last_name": "Chen" + c.Alice.ID[:5], "nickname": ""}, nil)
	name := "Alice Chen" + c.Alice.ID[:5]
	for given, told := range map[string]bool{
		name: true, strings.ToUpper(name): true, "Àlice  Chen" + c.Alice.ID[:5]: true, c.Alice.Username: true, c.Bot.Username: true, "Somebody " + c.Alice.ID: false, name + "x": false,
	} {
		d := c.draft("who am I?")
		d.As, d.Author = "", bridge.Author{ID: "0d7c1c5e-2f4e-4c0e-9a55-5d1e5f7e2f10", Name: given}
		id, err := c.account.Post(c.Context(), d)
		c.must(err)
		var p model.Post
		c.do(c.Bob.Token, "GET", "/posts/"+string(id), nil, &p)
		want := richtext.Line(given)
		if told {
			want += " (elsewhere)"
		}
		if p.GetProp("override_username") != want {
			c.Errorf("%q is shown as %q, want %q", given, p.GetProp("override_username"), want)
		}
	}
}
