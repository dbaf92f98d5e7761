package msteams

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

// chatWorld is a world in which Alice and Bob have connected, and their chats are to be carried. Carla has not.
type chatWorld struct {
	*simWorld
	account        *account
	carla          *teams.User
	aliceID, bobID bridge.UserID
}

func newChatWorld(t testing.TB, opts teams.Options) *chatWorld {
	w := &chatWorld{simWorld: newSimWorld(t, opts)}
	w.direct = true
	w.app.SetRedirects(backURI)
	w.app.SetRoles(append(permissions(false), readAllOfUsers)...)
	w.carla = w.tenant.AddUser("Carla Fremd")
	w.account = w.connected()
	w.aliceID, w.bobID = w.connects(w.account, w.alice), w.connects(w.account, w.bob)
	return w
}

func inChatWorld(t *testing.T, opts teams.Options, test func(w *chatWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newChatWorld(t, opts)) })
}

func (w *chatWorld) idOf(c *teams.Channel) bridge.ConversationID { return w.account.chatID(c.ID) }

func (w *chatWorld) draftIn(c *teams.Channel, as bridge.UserID, text string) bridge.Draft {
	return bridge.Draft{Conversation: w.idOf(c), As: as, Text: richtext.Plain(text), Key: "a-key_1"}
}

func (w *chatWorld) html(c *teams.Channel, id bridge.MessageID) string {
	m, _ := w.sim.Message(c, string(id))
	return m.HTML
}

func people(users ...*teams.User) (ids []bridge.UserID) {
	for _, u := range users {
		ids = append(ids, bridge.UserID(u.ID))
	}
	return ids
}

func TestWritingInChatsAsPeople(t *testing.T) {
	inChatWorld(t, teams.Options{Throttle: teams.Documented}, func(w *chatWorld) {
		t, a, chat := w.TB, w.account, w.tenant.AddChat(w.alice, w.bob)
		since := time.Now()
		d := w.draftIn(chat, w.aliceID, "hello <b>")
		id, err := a.Post(t.Context(), d)
		w.do(err)
		if m, _ := w.sim.Message(chat, string(id)); m.Author != w.alice || m.HTML != `<p>hello &lt;b&gt;</p><abbr title="a-key_1"></abbr>` {
			t.Errorf("the post is %+v", m)
		}
		s, err := a.Read(t.Context(), d.Conversation, id)
		w.do(err)
		if want := (bridge.State{Conversation: d.Conversation, ID: id, Author: bridge.Author{ID: w.aliceID, Name: "Alice Adams"}, Key: "a-key_1", Text: richtext.Plain("hello <b>"), Created: s.Created, Revision: s.Revision}); cmp.Diff(want, s) != "" {
			t.Error(cmp.Diff(want, s))
		}
		d.Text = richtext.Plain("changed")
		w.do(a.Edit(t.Context(), id, d))
		target := bridge.Target{Conversation: d.Conversation, ID: id, As: w.bobID}
		w.do(a.React(t.Context(), target, "👍", true))
		w.do(a.React(t.Context(), target, "👍", false))
		w.do(a.React(t.Context(), target, "🎉", true))
		if s, err = a.Read(t.Context(), d.Conversation, id); err != nil || plain(s.Text) != "changed" || s.Key != d.Key || !slices.Equal(s.Reactions, []bridge.Reaction{{User: w.bobID, Emoji: "🎉"}}) {
			t.Errorf("after editing and reacting: %+v (%v)", s, err)
		}
		if found, err := a.Find(t.Context(), d, since); err != nil || !slices.Equal(found, []bridge.MessageID{id}) {
			t.Errorf("found %v (%v)", found, err)
		}
		if err := a.Delete(t.Context(), target); bridge.KindOf(err) != bridge.Unsupported {
			t.Errorf("deleting what another person wrote: %v", err)
		}
		target.As = w.aliceID
		w.do(a.Delete(t.Context(), target))
		if err := a.Delete(t.Context(), target); bridge.KindOf(err) != bridge.Gone {
			t.Errorf("deleting it again: %v", err)
		}
		if found, err := a.Find(t.Context(), d, since); err != nil || len(found) != 0 {
			t.Errorf("found %v (%v)", found, err)
		}
	})
}

func TestWhoMayNotWriteInAChat(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		t, a, chat := w.TB, w.account, w.tenant.AddChat(w.bob, w.carla)
		_, err := a.Post(t.Context(), w.draftIn(chat, w.aliceID, "x"))
		if bridge.KindOf(err) != bridge.Unsupported || bridge.ScopeOf(err) != bridge.ScopePerson {
			t.Errorf("somebody who is not in it: %v (%v)", err, bridge.KindOf(err))
		}
		if _, err := a.Post(t.Context(), w.draftIn(chat, "", "x")); bridge.KindOf(err) != bridge.Unauthorised || bridge.ScopeOf(err) != bridge.ScopeConversation {
			t.Errorf("the relay account: %v", err)
		}
		for _, c := range []bridge.ConversationID{a.chatID("48:notes"), {Server: "msteams:other", Channel: bridge.ChannelID(chat.ID)}} {
			if _, err := a.Talk(t.Context(), c); bridge.KindOf(err) != bridge.Gone {
				t.Errorf("%s: %v", c, err)
			}
		}
	})
}

// TestAnswersInChats are quotes that Teams makes, and are read as answers; an edit keeps what is answered.
func TestAnswersInChats(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		t, a, chat := w.TB, w.account, w.tenant.AddChat(w.alice, w.bob)
		said, err := w.sim.Say(w.bob, chat, "<p>Hello <b>World</b></p>")
		w.do(err)
		d := w.draftIn(chat, w.aliceID, "an answer")
		d.Root = bridge.MessageID(said)
		id, err := a.Post(t.Context(), d)
		w.do(err)
		answers := func(text string) {
			t.Helper()
			s, err := a.Read(t.Context(), d.Conversation, id)
			if err != nil || s.Root != d.Root || plain(s.Text) != text || s.Key != d.Key {
				t.Errorf("it is read as %+v (%v)", s, err)
			}
			if !strings.Contains(w.html(chat, id), `<attachment id="`+said+`"></attachment>`) {
				t.Errorf("what is answered is not in %s", w.html(chat, id))
			}
		}
		answers("an answer")
		if a.keys.state() != keysSurvive {
			t.Errorf("keys: %q", a.keys.state())
		}
		d.Text = richtext.Plain("another answer")
		w.do(a.Edit(t.Context(), id, d))
		answers("another answer")
		if found, err := a.Find(t.Context(), d, time.Now().Add(-time.Minute)); err != nil || !slices.Equal(found, []bridge.MessageID{id}) {
			t.Errorf("found %v (%v)", found, err)
		}
		// What a person answers themselves, and changes from elsewhere.
		own, err := w.sim.Say(w.alice, chat, "<p>mine</p>", teams.Quoting(said, string(id)))
		w.do(err)
		s, err := a.Read(t.Context(), d.Conversation, bridge.MessageID(own))
		if err != nil || s.Root != d.Root || s.Text.PlainText() != "Alice Adams: another answer\nmine" {
			t.Errorf("a message with two quotes is %q, an answer to %s (%v)", s.Text.PlainText(), s.Root, err)
		}
		edit := bridge.Draft{Conversation: d.Conversation, As: w.aliceID, Text: richtext.Plain("mine, changed")}
		w.do(a.Edit(t.Context(), bridge.MessageID(own), edit))
		if s, err = a.Read(t.Context(), d.Conversation, bridge.MessageID(own)); err != nil || s.Root != d.Root || plain(s.Text) != "mine, changed" {
			t.Errorf("after an edit it is %q, an answer to %s (%v)", plain(s.Text), s.Root, err)
		}
		// Teams takes no answer to what is gone: it is a message like others.
		w.do(w.sim.Delete(w.bob, chat, said))
		d.Key, d.Text = "a-key_2", richtext.Plain("too late")
		late, err := a.Post(t.Context(), d)
		w.do(err)
		if s, err := a.Read(t.Context(), d.Conversation, late); err != nil || s.Root != "" || plain(s.Text) != "too late" || s.Key != d.Key {
			t.Errorf("an answer to what is deleted is %+v (%v)", s, err)
		}
	})
}

func TestOpeningChats(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		t, a := w.TB, w.account
		guest := w.tenant.AddGuest("Gina Guest", "live.com")
		open := func(o bridge.Opening) bridge.ConversationID {
			t.Helper()
			c, err := a.OpenConversation(t.Context(), o)
			w.do(err)
			return c
		}
		pair := bridge.Opening{As: w.aliceID, People: people(w.alice, w.carla)}
		if first, again := open(pair), open(pair); first != again {
			t.Errorf("two people have %s and %s", first, again)
		}
		three := bridge.Opening{As: w.aliceID, People: people(w.carla, w.alice, w.bob), Topic: "a:  b" + strings.Repeat("x", 300)}
		first, second := open(three), open(three)
		if first == second {
			t.Errorf("a group was not made anew")
		}
		now, err := a.Talk(t.Context(), first)
		w.do(err)
		if got := slices.Sorted(slices.Values(now.Members)); !slices.Equal(got, slices.Sorted(slices.Values(three.People))) || now.Shape != bridge.Group || len([]rune(now.Topic)) != longestTopic || !strings.HasPrefix(now.Topic, "a∶ b") || !now.Since.IsZero() {
			t.Errorf("it is %+v", now)
		}
		if c := open(bridge.Opening{As: w.bobID, People: people(w.alice, w.bob, guest)}); !isChat(string(c.Channel)) || isPair(string(c.Channel)) {
			t.Errorf("with a guest: %s", c)
		}
		if _, err := a.OpenConversation(t.Context(), bridge.Opening{As: w.aliceID, People: people(w.alice)}); bridge.KindOf(err) != bridge.Unsupported {
			t.Errorf("with oneself: %v", err)
		}
		if _, err := a.OpenConversation(t.Context(), bridge.Opening{People: people(w.alice, w.bob)}); bridge.KindOf(err) != bridge.Unsupported {
			t.Errorf("as nobody: %v", err)
		}
		w.do(a.Rename(t.Context(), first, w.bobID, "Other"))
		w.do(a.Rename(t.Context(), first, w.bobID, "Other"))
		if now, err := a.Talk(t.Context(), first); err != nil || now.Topic != "Other" {
			t.Errorf("renamed: %+v (%v)", now, err)
		}
		if members, err := a.Members(t.Context(), first); err != nil || len(members) != 3 {
			t.Errorf("members: %v (%v)", members, err)
		}
	})
}

// TestAGroupWhoseAnswerWasLostIsFoundAgain, and none that looks like it.
func TestAGroupWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		t, a := w.TB, w.account
		w.tenant.AddGroupChat("", w.alice, w.bob, w.carla) // older
		time.Sleep(time.Hour)
		o := bridge.Opening{As: w.aliceID, People: people(w.alice, w.bob, w.carla)}
		since := time.Now()
		spoken := w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		_, err := w.sim.Say(w.bob, spoken, "x")
		w.do(err)
		w.tenant.AddGroupChat("", w.alice, w.bob, w.carla, w.owner)
		w.sim.Inject(teams.Fault{Method: "POST", Template: "/chats", Drop: true, AfterEffect: true})
		if _, err := a.OpenConversation(t.Context(), o); bridge.KindOf(err) != bridge.Uncertain {
			t.Fatalf("a lost answer: %v (%v)", err, bridge.KindOf(err))
		}
		made := w.sim.Count("POST", "/chats")
		o.Since = since
		found, err := a.OpenConversation(t.Context(), o)
		w.do(err)
		if again, err := a.OpenConversation(t.Context(), o); err != nil || again != found || w.sim.Count("POST", "/chats") != made {
			t.Errorf("%s was found, then %s (%v)", found, again, err)
		}
		if found == w.idOf(spoken) {
			t.Error("a group in which something was said was taken for it")
		}
		id, err := a.Post(t.Context(), bridge.Draft{Conversation: found, As: w.aliceID, Text: richtext.Plain("first"), Key: "k"})
		if err != nil || id == "" {
			t.Error(err)
		}
		if other, err := a.OpenConversation(t.Context(), o); err != nil || other == found {
			t.Errorf("a group in which something was said is taken again (%v)", err)
		}
	})
}

// TestPeopleAreToldInAChatOfTheirOwn by the relay account.
func TestPeopleAreToldInAChatOfTheirOwn(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		t, a := w.TB, w.account
		n := bridge.Notice{User: bridge.UserID(w.carla.ID), Text: richtext.Plain("something waits")}
		w.do(a.Notify(t.Context(), n))
		w.sim.Inject(teams.Fault{Method: "POST", Template: "/chats", Drop: true, AfterEffect: true})
		if err := a.Notify(t.Context(), n); bridge.KindOf(err) != bridge.Transient {
			t.Errorf("a lost answer to making a chat: %v (%v)", err, bridge.KindOf(err))
		}
		w.do(a.Notify(t.Context(), n))
		var told []string // what the two have is found by making it once more
		id, err := a.makeChat(t.Context(), a.relay, bridge.Opening{As: a.relayID(), People: []bridge.UserID{a.relayID(), n.User}})
		w.do(err)
		page, err := a.page(t.Context(), opChatMessages, a.app.base+opChatMessages.address(place{chat: id}))
		w.do(err)
		for _, m := range page.messages {
			told = append(told, value(m.GetFrom().GetUser().GetDisplayName())+": "+value(m.GetBody().GetContent()))
		}
		if want := []string{"Causeway: <p>something waits</p>", "Causeway: <p>something waits</p>"}; !slices.Equal(told, want) {
			t.Errorf("told: %v", told)
		}
		chats, posts := w.sim.Count("POST", "/chats"), w.sim.Count("POST", "/chats/{id}/messages")
		a.settings.NoNotices = true
		if err := a.Notify(t.Context(), n); bridge.KindOf(err) != bridge.Unsupported {
			t.Errorf("where nobody is to be told: %v", err)
		}
		if w.sim.Count("POST", "/chats") != chats || w.sim.Count("POST", "/chats/{id}/messages") != posts || posts == 0 {
			t.Errorf("somebody was told although nobody is to be: %d posts before", posts)
		}
	})
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		group := w.tenant.AddGroupChat("", w.alice, w.carla, w.bob)
		n := bridge.Notice{Conversation: w.idOf(group), User: bridge.UserID(w.carla.ID), Text: richtext.Plain("does not appear"), Key: "once"}
		w.do(w.account.Notify(w.Context(), n))
		want := []string{`<p>About your chat with Alice Adams and Bob Brown:</p><p>does not appear</p><abbr title="once"></abbr>`}
		if !slices.Equal(w.told(n.User), want) {
			w.Errorf("told: %v", w.told(n.User))
		}
		w.do(w.sim.RemoveFromChat(group, w.alice, w.carla))
		n.Key = "left"
		w.do(w.account.Notify(w.Context(), n))
		if want = append([]string{`<p>does not appear</p><abbr title="left"></abbr>`}, want...); !slices.Equal(w.told(n.User), want) {
			w.Errorf("who has left is told: %v", w.told(n.User))
		}
	})
	w := newSimWorld(t, teams.Options{})
	if err := w.connected().Notify(t.Context(), bridge.Notice{User: "x"}); bridge.KindOf(err) != bridge.Unsupported {
		t.Errorf("where chats are not carried: %v", err)
	}
}

// told gives what the relay account has told somebody.
func (w *chatWorld) told(u bridge.UserID) (all []string) {
	a := w.account
	id, err := a.makeChat(w.Context(), a.relay, bridge.Opening{As: a.relayID(), People: []bridge.UserID{a.relayID(), u}}) // finds it
	w.do(err)
	page, err := a.page(w.Context(), opChatMessages, a.app.base+opChatMessages.address(place{chat: id}))
	w.do(err)
	for _, m := range page.messages {
		all = append(all, value(m.GetBody().GetContent()))
	}
	return all
}

// TestWhatPeopleAreToldComesOnceThoughItsAnswerIsLost, whether the connection is cut or the service says that it failed; without a key nobody knows.
func TestWhatPeopleAreToldComesOnceThoughItsAnswerIsLost(t *testing.T) {
	isPost := func(r *http.Request) bool { return r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/messages") }
	for what, lost := range map[string]teams.Fault{"cut": {Where: isPost, Drop: true, AfterEffect: true}, "said to be": {Where: isPost, Status: 504, AfterEffect: true}} {
		inChatWorld(t, teams.Options{}, func(w *chatWorld) {
			a, n := w.account, bridge.Notice{User: bridge.UserID(w.carla.ID), Text: richtext.Plain("something waits"), Key: "first"}
			w.sim.Inject(lost)
			if err := a.Notify(w.Context(), n); bridge.KindOf(err) != bridge.Uncertain {
				w.Errorf("%s: %v (%v)", what, err, bridge.KindOf(err))
			}
			w.do(a.Notify(w.Context(), n))
			w.do(a.Notify(w.Context(), n))
			n.Key = "second"
			w.do(a.Notify(w.Context(), n))
			if want := []string{`<p>something waits</p><abbr title="second"></abbr>`, `<p>something waits</p><abbr title="first"></abbr>`}; !slices.Equal(w.told(n.User), want) {
				w.Errorf("%s: told %v", what, w.told(n.User))
			}
		})
	}
}

// TestWhoConnectedBeforeChatsWereCarriedStaysConnected although nobody has consented to what chats need, and so does the relay account.
func TestWhoConnectedBeforeChatsWereCarriedStaysConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{})
		w.app.SetScopes(slices.DeleteFunc(permissions(true), func(p string) bool { return p == createChats || p == sendInChats })...)
		alice := w.connects(w.connected(), w.alice)
		w.direct = true
		a := w.connected()
		if _, err := a.Post(t.Context(), w.draftAs(alice, "in a channel")); err != nil {
			t.Errorf("in a channel: %v", err)
		}
		chat := w.tenant.AddChat(w.alice, w.bob)
		_, err := a.Post(t.Context(), bridge.Draft{Conversation: a.chatID(chat.ID), As: alice, Text: richtext.Plain("x"), Key: "k"})
		if bridge.KindOf(err) != bridge.Unsupported || bridge.ScopeOf(err) != bridge.ScopePerson || !strings.Contains(err.Error(), "allow Causeway what direct messages need") {
			t.Errorf("in a chat: %v (%v)", err, bridge.KindOf(err))
		}
		w.do(a.Verify(t.Context(), alice))
	})
}

// TestCheckKnowsWhatChatsNeed only where they are carried.
func TestCheckKnowsWhatChatsNeed(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.direct = true
	a := w.connected()
	roles, scopes := append(permissions(false), readAllOfUsers, readApps), permissions(true)
	if got := w.findings(a, roles, scopes); len(got) != 0 {
		t.Errorf("all is well: %v", got)
	}
	got := w.findings(a, slices.DeleteFunc(slices.Clone(roles), func(p string) bool { return p == readChatMessages }), slices.DeleteFunc(slices.Clone(scopes), func(p string) bool { return p == createChats }))
	want := []string{
		"! The app lacks the application permission Chat.Read.All (to read what is said in those chats of connected people that are carried): add it in Entra, app registration, API permissions, Microsoft Graph, application permissions, grant admin consent.",
		"- The relay account lacks the delegated permission Chat.Create (to begin chats as connected people, and one with somebody who is to be told something): add it in Entra, app registration, API permissions, Microsoft Graph, delegated permissions, grant admin consent, and run: causeway login msteams.contoso.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	said := func(a *account) bool {
		return slices.ContainsFunc(a.Check(t.Context()), func(f bridge.Finding) bool { return !f.Fatal && strings.Contains(f.Text, "10,000") })
	}
	if !said(a) {
		t.Error("nothing is said of Microsoft's limits")
	}
	if !strings.Contains(a.personScopes(), changeChats) {
		t.Errorf("people are asked for %s", a.personScopes())
	}
	w.direct = false
	if a := w.connected(); said(a) || strings.Contains(a.personScopes(), "Chat.") {
		t.Error("chats are spoken of that are not carried")
	}
}
