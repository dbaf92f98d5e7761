package mmtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
)

// RunTalks checks what the bridge does about direct and group conversations, on a stand-in or a real server, with both profiles and in each way of
// observing.
func RunTalks(t *testing.T, world func(t *testing.T) World) {
	laws := []struct {
		name  string
		check func(*party)
	}{
		{"conversations are opened and found again", opened},
		{"a group is renamed", renamedGroup},
		{"the relay writes where it is no member", relayed},
	}
	for _, profile := range []string{mattermost.ProfileSimple, mattermost.ProfileRestricted} {
		for _, law := range laws {
			t.Run(profile+"/"+law.name, func(t *testing.T) { law.check(openParty(t, world(t), profile, mattermost.ObserveAuto)) })
		}
		for name, way := range map[string]struct {
			observe string
			online  bool
		}{
			"by connections": {mattermost.ObserveAuto, true}, "by asking": {mattermost.ObserveAuto, false},
			"by connections alone": {mattermost.ObserveWebsocket, false}, "by asking alone": {mattermost.ObservePoll, true},
		} {
			t.Run(profile+"/talks are met and read "+name, func(t *testing.T) {
				p := openParty(t, world(t), profile, way.observe)
				metAndRead(p, way.online, way.online != (way.observe != mattermost.ObserveAuto))
			})
		}
	}
}

// party is a crowd whose direct and group conversations are noticed: Alice and Bob are connected, Carol is not.
type party struct {
	*crowd
	Carol Member
	inbox *Inbox
	stop  func()
}

func openParty(t *testing.T, w World, profile, observe string) *party {
	p := &party{crowd: openCrowd(t, w, profile, func(s *mattermost.Settings) { s.Observe = observe }), inbox: NewInbox()}
	p.Carol = w.Person(t, "carol")
	p.secrets = append(p.secrets, p.Bob.Token, p.Carol.Token)
	p.joinAs(p.Alice)
	p.joinAs(p.Bob)
	return p
}

// runs reads until the test, or stop, ends it.
func (p *party) runs() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func(account bridge.Bridge) { done <- account.Run(ctx, p.inbox) }(p.account)
	stopped := false
	p.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			p.Errorf("reading ended: %v", err)
		}
	}
	p.Cleanup(p.stop)
}

func (p *party) conversation(id string) bridge.ConversationID {
	return bridge.ConversationID{Server: p.Server, Channel: bridge.ChannelID(id)}
}

// direct has somebody open a direct channel.
func (p *party) direct(by, with Member) bridge.ConversationID {
	p.Helper()
	var c model.Channel
	p.do(by.Token, "POST", "/channels/direct", []string{by.ID, with.ID}, &c)
	return p.conversation(c.Id)
}

// group has somebody open a group channel.
func (p *party) group(by Member, with ...Member) bridge.ConversationID {
	p.Helper()
	ids := []string{by.ID}
	for _, m := range with {
		ids = append(ids, m.ID)
	}
	var c model.Channel
	p.do(by.Token, "POST", "/channels/group", ids, &c)
	return p.conversation(c.Id)
}

// says writes as somebody, and leaves their presence alone.
func (p *party) says(by Member, in bridge.ConversationID, text string, root ...string) string {
	p.Helper()
	var made model.Post
	p.do(by.Token, "POST", "/posts?set_online=false", map[string]any{"channel_id": in.Channel, "message": text, "root_id": strings.Join(root, "")}, &made)
	return made.Id
}

func ids(members ...Member) (all []bridge.UserID) {
	for _, m := range members {
		all = append(all, bridge.UserID(m.ID))
	}
	return all
}

// same compares talks, whose members have no order.
func (p *party) same(what string, want, got bridge.Talk) {
	p.Helper()
	if d := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b bridge.UserID) bool { return a < b })); d != "" {
		p.Errorf("%s: %s", what, d)
	}
}

func (p *party) presence(m Member) string {
	p.Helper()
	var s model.Status
	p.do(p.Admin, "GET", "/users/"+m.ID+"/status", nil, &s)
	return s.Status
}

func opened(p *party) {
	alice, bob := bridge.UserID(p.Alice.ID), bridge.UserID(p.Bob.ID)
	open := func(o bridge.Opening) (bridge.ConversationID, bridge.Talk) {
		p.Helper()
		c, err := p.account.OpenConversation(p.Context(), o)
		p.must(err)
		again, err := p.account.OpenConversation(p.Context(), o)
		p.must(err)
		if again != c {
			p.Errorf("opened again it is %v, not %v", again, c)
		}
		talk, err := p.account.Talk(p.Context(), c)
		p.must(err)
		return c, talk
	}
	pair, talk := open(bridge.Opening{As: alice, People: ids(p.Bob, p.Alice)})
	p.same("a pair", bridge.Talk{Conversation: pair, Shape: bridge.Pair, Members: ids(p.Alice, p.Bob)}, talk)
	if there := p.direct(p.Bob, p.Alice); there != pair {
		p.Errorf("it is not the direct channel of the two: %v, %v", pair, there)
	}
	self, talk := open(bridge.Opening{As: alice, People: ids(p.Alice)})
	p.same("with oneself", bridge.Talk{Conversation: self, Shape: bridge.Self, Members: ids(p.Alice)}, talk)
	group, talk := open(bridge.Opening{As: bob, People: ids(p.Carol, p.Alice, p.Bob), Topic: "plans"})
	p.same("a group", bridge.Talk{Conversation: group, Shape: bridge.Group, Members: ids(p.Alice, p.Bob, p.Carol), Topic: "plans"}, talk)
	p.says(p.Carol, group, "hello")
	talk, err := p.account.Talk(p.Context(), group)
	p.must(err)
	p.same("after a word", bridge.Talk{Conversation: group, Shape: bridge.Group, Members: ids(p.Alice, p.Bob, p.Carol), Topic: "plans", Speakers: ids(p.Carol)}, talk)
	members, err := p.account.Members(p.Context(), group)
	p.must(err)
	slices.Sort(members)
	if want := ids(p.Alice, p.Bob, p.Carol); !cmp.Equal(members, want, cmpopts.SortSlices(func(a, b bridge.UserID) bool { return a < b })) {
		p.Errorf("the members are %v, want %v", members, want)
	}
	_, err = p.account.Talk(p.Context(), p.conv)
	p.wants(err, bridge.Gone, bridge.ScopeConversation)

	_, err = p.account.OpenConversation(p.Context(), bridge.Opening{As: alice, People: ids(p.Bob, p.Carol)})
	p.wants(err, bridge.Rejected, bridge.ScopeConversation)
	_, err = p.account.OpenConversation(p.Context(), bridge.Opening{As: alice, People: ids(p.Alice, p.Bob, p.Bob)})
	p.wants(err, bridge.Rejected, bridge.ScopeConversation)
	_, err = p.account.OpenConversation(p.Context(), bridge.Opening{As: alice, People: make([]bridge.UserID, 9)})
	p.wants(err, bridge.Rejected, bridge.ScopeConversation)
	_, err = p.account.OpenConversation(p.Context(), bridge.Opening{People: ids(p.Alice, p.Bob, p.Carol)})
	p.wants(err, bridge.Unsupported, bridge.ScopeConversation)
	others, err := p.account.OpenConversation(p.Context(), bridge.Opening{People: ids(p.Alice, p.Bob)})
	if p.profile == mattermost.ProfileRestricted {
		p.wants(err, bridge.Unsupported, bridge.ScopeConversation)
	} else if p.must(err); others != pair {
		p.Errorf("by the bot it is %v, not %v", others, pair)
	}
	own, err := p.account.OpenConversation(p.Context(), bridge.Opening{People: ids(p.Alice, p.Bob, p.Bot)})
	p.must(err)
	if talk, err := p.account.Talk(p.Context(), own); err != nil || len(talk.Members) != 3 {
		p.Errorf("with the bot: %+v (%v)", talk, err)
	}
}

func renamedGroup(p *party) {
	group := p.group(p.Alice, p.Bob, p.Carol)
	for range 2 {
		p.must(p.account.Rename(p.Context(), group, bridge.UserID(p.Alice.ID), "plans & *more*"))
	}
	var c model.Channel
	p.do(p.Carol.Token, "GET", "/channels/"+string(group.Channel), nil, &c)
	if c.Header != "plans & *more*" {
		p.Errorf("the header is %q", c.Header)
	}
	var list model.PostList
	p.do(p.Carol.Token, "GET", "/channels/"+string(group.Channel)+"/posts", nil, &list)
	if len(list.Order) != 1 {
		p.Errorf("the server has said that %d times, want once", len(list.Order))
	}
	p.wants(p.account.Rename(p.Context(), p.direct(p.Alice, p.Bob), bridge.UserID(p.Alice.ID), "x"), bridge.Unsupported, bridge.ScopeConversation)
	p.wants(p.account.Rename(p.Context(), p.group(p.Bob, p.Carol, Member{ID: p.Bot.ID}), bridge.UserID(p.Alice.ID), "x"), bridge.Unsupported, bridge.ScopePerson)
}

func relayed(p *party) {
	simple := p.profile == mattermost.ProfileSimple
	caps := p.account.Capabilities()
	if !caps.Direct || caps.Regroup || caps.GroupLimit != 8 || caps.RelayDirect != simple {
		p.Errorf("it says that it can %+v", caps)
	}
	before := p.presence(p.Alice)
	for name, c := range map[string]bridge.ConversationID{"a pair": p.direct(p.Alice, p.Bob), "a group": p.group(p.Alice, p.Bob, p.Carol)} {
		d := bridge.Draft{Conversation: c, Author: bridge.Author{Name: "Zoe Zimmer"}, Text: richtext.Plain("hello"), Key: bridge.Key(model.NewId())}
		id, err := p.account.Post(p.Context(), d)
		if !simple {
			p.wants(err, bridge.Unauthorised, bridge.ScopeConversation)
			continue
		}
		p.must(err)
		target := bridge.Target{Conversation: c, ID: id}
		p.must(p.account.React(p.Context(), target, "👍", true))
		d.Text = richtext.Plain("hello again")
		p.must(p.account.Edit(p.Context(), id, d))
		var post model.Post
		p.do(p.Bob.Token, "GET", "/posts/"+string(id), nil, &post)
		if post.UserId != p.Bot.ID || !strings.Contains(post.Message, "Zoe Zimmer") || !strings.Contains(post.Message, "hello again") ||
			post.GetProp(model.PostPropsOverrideUsername) != "Zoe Zimmer" || post.GetProp(model.PostPropsFromWebhook) != "true" || len(post.Metadata.Reactions) != 1 {
			p.Errorf("in %s stands %q with %v", name, post.Message, post.GetProps())
		}
		found, err := p.account.Find(p.Context(), d, at(post.CreateAt))
		if p.must(err); !cmp.Equal(found, []bridge.MessageID{id}) {
			p.Errorf("found are %v", found)
		}
		p.must(p.account.React(p.Context(), target, "👍", false))
		p.must(p.account.Delete(p.Context(), target))
		members, err := p.account.Members(p.Context(), c)
		if p.must(err); slices.Contains(members, bridge.UserID(p.Bot.ID)) {
			p.Errorf("the bot became a member of %s", name)
		}
	}
	if after := p.presence(p.Alice); after != before {
		p.Errorf("Alice is %s, and was %s", after, before)
	}
}

func at(millis int64) time.Time { return time.UnixMilli(millis) }

// metAndRead goes through the life of talks.
func metAndRead(p *party, online, connected bool) {
	alice := bridge.UserID(p.Alice.ID)
	old := p.direct(p.Carol, p.Alice)
	p.says(p.Carol, old, "from before")
	pair := p.direct(p.Alice, p.Bob)
	p.inbox.Observe(bridge.Observed{User: alice, Online: online})
	p.runs()
	if connected {
		p.wait("Alice is online", func() bool { return p.presence(p.Alice) == model.StatusOnline })
	}

	first := p.says(p.Bob, pair, "first")
	p.arrives(first, "first")
	p.same("what was met", bridge.Talk{Conversation: pair, Shape: bridge.Pair, Members: ids(p.Alice, p.Bob), Speakers: ids(p.Bob)}, p.metOf(pair)[0])
	reply := p.says(p.Alice, pair, "second", first)
	if s := p.arrives(reply, "second"); string(s.Root) != first || string(s.Author.ID) != p.Alice.ID {
		p.Errorf("the reply is %+v", s)
	}
	p.do(p.Bob.Token, "PUT", "/posts/"+first+"/patch", map[string]string{"message": "edited"}, nil)
	p.arrives(first, "edited")
	p.do(p.Alice.Token, "POST", "/reactions", map[string]string{"user_id": p.Alice.ID, "post_id": first, "emoji_name": "heart"}, nil)
	p.wait("a reaction arrives", func() bool { s, _ := p.inbox.State(first); return len(s.Reactions) == 1 })
	p.do(p.Alice.Token, "DELETE", "/posts/"+reply, nil, nil)
	p.wait("a deletion arrives", func() bool { s, _ := p.inbox.State(reply); return s.Deleted })
	own := bridge.Draft{Conversation: pair, As: alice, Text: richtext.Plain("from elsewhere"), Key: bridge.Key(model.NewId())}
	id, err := p.account.Post(p.Context(), own)
	p.must(err)
	if s := p.arrives(string(id), "from elsewhere"); s.Key != own.Key {
		p.Errorf("the key is %q", s.Key)
	}

	group := p.group(p.Bob, p.Alice, p.Carol)
	p.arrives(p.says(p.Carol, group, "in a group"), "in a group")
	var c model.Channel
	p.do(p.Bob.Token, "PUT", "/channels/"+string(group.Channel)+"/patch", map[string]string{"header": "plans"}, &c)
	p.wait("the topic is told", func() bool { all := p.metOf(group); return all[len(all)-1].Topic == "plans" })

	p.stop()
	if connected { // a busy server may hear of the end of the old connection after the beginning of the next one, and takes her for offline then
		p.wait("Alice is offline", func() bool { return p.presence(p.Alice) == model.StatusOffline })
	}
	missed := p.says(p.Bob, pair, "while nobody looked")
	late := p.direct(p.Carol, p.Bob) // none of Alice's business
	p.says(p.Carol, late, "for Bob alone")
	fresh := p.says(p.Carol, p.direct(p.Carol, p.Alice), "a first word")
	p.restart()
	p.runs()
	p.arrives(missed, "while nobody looked")
	p.arrives(fresh, "a first word")
	if len(p.metOf(late)) > 0 {
		p.Error("a conversation was met in which Alice is not")
	}
	if n := p.inbox.Troubles(); n > 0 || len(p.inbox.LostPeople()) > 0 {
		p.Errorf("%d troubles; lost are %v", n, p.inbox.LostPeople())
	}
	if connected {
		p.wait("Alice is online again", func() bool { return p.presence(p.Alice) != model.StatusOffline })
	} else if now := p.presence(p.Alice); now != model.StatusOffline {
		p.Errorf("Alice is %s", now)
	}
	if now := p.presence(p.Bob); now != model.StatusOffline {
		p.Errorf("Bob is %s, and nobody observes him", now)
	}
}

func (p *party) metOf(c bridge.ConversationID) (all []bridge.Talk) {
	for _, t := range p.inbox.Met() {
		if t.Conversation == c {
			all = append(all, t)
		}
	}
	return all
}

// arrives waits until a message is reported with this text.
func (p *party) arrives(id, text string) (s bridge.State) {
	p.Helper()
	p.wait(fmt.Sprintf("%q arrives", text), func() bool { s, _ = p.inbox.State(id); return s.ID != "" && markdown.Render(s.Text) == text })
	return s
}
