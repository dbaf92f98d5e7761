package teams_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/reference"
	"github.com/google/go-cmp/cmp"
)

// chatWorld has an app that may do with chats what Causeway does.
func chatWorld(t *testing.T, opts teams.Options) *world {
	w := newWorld(t, opts)
	w.app.SetRoles(append(allRoles, "Chat.ReadBasic.All", "Chat.Read.All")...)
	w.app.SetScopes(append(allScopes, "Chat.Create", "Chat.ReadWrite", "ChatMessage.Send", "ChatMember.ReadWrite")...)
	w.appToken = w.sim.AppToken(w.app)
	return w
}

func chatPath(c *teams.Channel, parts ...string) string {
	return "/chats/" + url.PathEscape(c.ID) + strings.Join(append([]string{""}, parts...), "/")
}

// chatBody is the request to make a chat of people; of guests with their role.
func chatBody(kind, topic string, people ...*teams.User) string {
	var members []string
	for _, u := range people {
		role := "owner"
		if strings.Contains(u.UPN, "#EXT#") {
			role = "guest"
		}
		members = append(members, fmt.Sprintf(`{"@odata.type":"#microsoft.graph.aadUserConversationMember","roles":[%q],"user@odata.bind":"https://graph.test/v1.0/users('%s')"}`, role, u.ID))
	}
	if topic != "" {
		topic = `,"topic":"` + topic + `"`
	}
	return `{"chatType":"` + kind + `"` + topic + `,"members":[` + strings.Join(members, ",") + `]}`
}

func (w *world) sayIn(u *teams.User, c *teams.Channel, html string, opts ...teams.SayOption) string {
	w.t.Helper()
	id, err := w.sim.Say(u, c, html, opts...)
	return must(w.t, id, err)
}

func TestAPairIsMadeOnceAndAGroupEachTime(t *testing.T) {
	w := chatWorld(t, teams.Options{})
	pair := func(as *teams.User, people ...*teams.User) string {
		return w.post("/chats", w.as(as), chatBody("oneOnOne", "", people...)).want(t, 201, "").text("id")
	}
	first, again := pair(w.ada, w.ada, w.bob), pair(w.bob, w.bob, w.ada)
	if first != again || !strings.HasSuffix(first, "@unq.gbl.spaces") {
		t.Errorf("the same two have %s and %s", first, again)
	}
	if other := pair(w.ada, w.ada, w.cyd); other == first {
		t.Errorf("two pairs have one chat")
	}
	group := func() response {
		return w.post("/chats", w.as(w.ada), chatBody("group", "Lunch", w.ada, w.bob, w.cyd)).want(t, 201, "")
	}
	a, b := group(), group()
	if a.text("id") == b.text("id") || a.text("topic") != "Lunch" || a.text("chatType") != "group" {
		t.Errorf("groups: %s and %s", a.raw, b.raw)
	}
	w.app.SetRoles("Chat.Create")
	w.post("/chats", w.sim.AppToken(w.app), chatBody("group", "", w.ada, w.bob, w.cyd)).want(t, 201, "")
}

func TestChatsThatAreNotMade(t *testing.T) {
	w := chatWorld(t, teams.Options{})
	guest := w.tenant.AddGuest("Gina Guest", "live.com")
	fabrikam := w.sim.AddTenant("Fabrikam")
	finn := fabrikam.AddUser("Finn")
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"with oneself":            {chatBody("oneOnOne", "", w.ada), 400},
		"twice the same":          {chatBody("group", "", w.ada, w.bob, w.bob), 400},
		"a pair of three":         {chatBody("oneOnOne", "", w.ada, w.bob, w.cyd), 400},
		"a pair with a topic":     {chatBody("oneOnOne", "x", w.ada, w.bob), 400},
		"a group of two":          {chatBody("group", "", w.ada, w.bob), 400},
		"without the caller":      {chatBody("group", "", w.eve, w.bob, w.cyd), 403},
		"a meeting":               {chatBody("meeting", "", w.ada, w.bob, w.cyd), 400},
		"a guest as an owner":     {strings.ReplaceAll(chatBody("group", "", w.ada, w.bob, guest), `"guest"`, `"owner"`), 400},
		"an owner as a guest":     {strings.ReplaceAll(chatBody("oneOnOne", "", w.ada, w.bob), `"owner"`, `"guest"`), 400},
		"an outsider, no tenant":  {chatBody("oneOnOne", "", w.ada, finn), 404},
		"members without a type":  {strings.ReplaceAll(chatBody("oneOnOne", "", w.ada, w.bob), `"@odata.type":"#microsoft.graph.aadUserConversationMember",`, ""), 400},
		"with an unknown member":  {strings.ReplaceAll(chatBody("oneOnOne", "", w.ada, w.bob), `"chatType"`, `"hidden":true,"chatType"`), 400},
		"a bind to another place": {strings.ReplaceAll(chatBody("oneOnOne", "", w.ada, w.bob), "/v1.0/users", "/v1.0/groups"), 400},
	} {
		if r := w.post("/chats", w.as(w.ada), c.body); r.status != c.status {
			t.Errorf("%s: %d %s, want %d", name, r.status, r.raw, c.status)
		}
	}
	w.post("/chats", w.as(w.ada), chatBody("group", "", w.ada, w.bob, guest)).want(t, 201, "")
	outside := strings.Replace(chatBody("oneOnOne", "", w.ada, finn), finn.ID+`')"`, finn.ID+`')","tenantId":"`+fabrikam.ID+`"`, 1)
	id := w.post("/chats", w.as(w.ada), outside).want(t, 201, "").text("id")
	message := w.post("/chats/"+id+"/messages", w.as(w.ada), hello).want(t, 201, "").text("id")
	w.send("PATCH", "/chats/"+id+"/messages/"+message, w.as(w.ada), hello).want(t, 403, "")
	w.get("/chats/48:notes/messages", w.as(w.ada)).want(t, 404, "")
	w.post("/chats", w.as(w.ada, "Chat.Read"), chatBody("oneOnOne", "", w.ada, w.bob)).want(t, 403, "")
}

func TestListingChats(t *testing.T) {
	w := chatWorld(t, teams.Options{EmptyPageEvery: -1})
	quiet := w.tenant.AddChat(w.ada, w.eve)
	var said []string
	for i := range 3 {
		c := w.tenant.AddChat(w.ada, w.tenant.AddUser(fmt.Sprint("Person ", i)))
		w.clock.Add(time.Minute)
		w.sayIn(w.ada, c, "x")
		said = append([]string{c.ID}, said...)
	}
	w.clock.Add(time.Minute)
	group := w.tenant.AddGroupChat("Topic", w.ada, w.bob, w.cyd)
	w.tenant.AddChat(w.bob, w.cyd)
	order := "?$orderby=lastMessagePreview/createdDateTime desc&$top=2"
	path := "/users/" + w.ada.ID + "/chats"
	first := w.get(path+order+"&$expand=members,lastMessagePreview", w.appToken).want(t, 200, "")
	rest := w.get(first.text("@odata.nextLink"), w.appToken).want(t, 200, "")
	if d := cmp.Diff(append([]string{group.ID}, said...), append(first.ids(), rest.ids()...)); d != "" {
		t.Error(d)
	}
	if len(first.list("value", 0, "members")) != 3 || first.text("value", 1, "lastMessagePreview", "from", "user", "id") != w.ada.ID {
		t.Errorf("the first page: %s", first.raw)
	}
	all := w.get(path, w.as(w.ada)).want(t, 200, "")
	if !strings.Contains(string(all.raw), quiet.ID) || len(all.ids()) != 5 {
		t.Errorf("without an order: %v", all.ids())
	}
	if got := w.get("/me/chats?$filter=chatType eq 'group'", w.as(w.ada)).ids(); len(got) != 1 || got[0] != group.ID {
		t.Errorf("groups: %v", got)
	}
	for _, bad := range []string{"?$top=51", "?$orderby=createdDateTime desc", "?$orderby=lastMessagePreview/createdDateTime asc", "?$expand=messages", "?$filter=createdDateTime gt 2020-01-01T00:00:00Z", "?$select=id"} {
		w.get(path+bad, w.appToken).want(t, 400, "")
	}
	w.get("/chats", w.appToken).want(t, 403, "")
	w.get("/me/chats", w.appToken).want(t, 400, "")
	w.get(path, w.as(w.bob)).want(t, 403, "")
	w.app.SetRoles("Chat.Read.All")
	w.get(path, w.sim.AppToken(w.app)).want(t, 403, "") // the table has Chat.ReadBasic.All for this one
}

func TestReadingAChat(t *testing.T) {
	w := chatWorld(t, teams.Options{EmptyPageEvery: -1})
	chat := w.tenant.AddChat(w.ada, w.bob)
	var ids []string
	var times []time.Time
	for range 5 {
		w.clock.Add(time.Minute)
		ids = append([]string{w.sayIn(w.ada, chat, "x")}, ids...)
		times = append(times, w.clock.Now())
	}
	w.clock.Add(time.Minute)
	ok(t, w.sim.React(w.bob, chat, ids[4], "👍")) // the oldest
	list := func(query string) []string {
		return w.get(chatPath(chat, "messages")+query, w.appToken).want(t, 200, "").ids()
	}
	at := func(i int) string { return times[i].UTC().Format(time.RFC3339Nano) }
	changed := append([]string{ids[4]}, ids[:4]...)
	for query, want := range map[string][]string{
		"":                               changed,
		"?$orderby=createdDateTime desc": ids,
		"?$filter=lastModifiedDateTime gt " + at(3):                                                                              changed, // ignored
		"?$orderby=createdDateTime desc&$filter=lastModifiedDateTime gt " + at(3):                                                ids,     // ignored
		"?$orderby=lastModifiedDateTime desc&$filter=lastModifiedDateTime gt " + at(3):                                           {ids[4], ids[0]},
		"?$orderby=createdDateTime desc&$filter=createdDateTime lt " + at(1):                                                     {ids[4]},
		"?$orderby=lastModifiedDateTime desc&$filter=lastModifiedDateTime gt " + at(1) + " and lastModifiedDateTime lt " + at(3): {ids[2]},
	} {
		if d := cmp.Diff(want, list(query)); d != "" {
			t.Errorf("%s: %s", query, d)
		}
	}
	for _, bad := range []string{"?$orderby=createdDateTime", "?$orderby=createdDateTime asc", "?$orderby=createdDateTime desc&$filter=createdDateTime gt " + at(1), "?$top=51", "?$expand=replies"} {
		w.get(chatPath(chat, "messages")+bad, w.appToken).want(t, 400, "")
	}
	w.get(chatPath(chat, "messages"), w.as(w.cyd)).want(t, 403, "")
	r := w.get(chatPath(chat, "messages", ids[0]), w.as(w.bob)).want(t, 200, "")
	if r.text("chatId") != chat.ID || r.json("channelIdentity") != nil || r.json("replyToId") != nil || r.json("webUrl") != nil {
		t.Errorf("a message: %s", r.raw)
	}
}

func TestWritingInAChat(t *testing.T) {
	w := chatWorld(t, teams.Options{})
	chat := w.tenant.AddChat(w.ada, w.bob)
	ada, bob := w.as(w.ada), w.as(w.bob)
	id := w.post(chatPath(chat, "messages"), ada, `{"body":{"contentType":"html","content":"<p>first</p>"}}`).want(t, 201, "").text("id")
	w.post(chatPath(chat, "messages"), w.as(w.cyd), hello).want(t, 403, "")
	w.post(chatPath(chat, "messages"), w.appToken, hello).want(t, 401, "")
	w.post(chatPath(chat, "messages"), ada, `{"subject":"x","body":{"content":"x"}}`).want(t, 400, "")
	w.send("PATCH", chatPath(chat, "messages", id), bob, hello).want(t, 403, "")
	w.send("PATCH", chatPath(chat, "messages", id), ada, hello).want(t, 204, "")
	w.post(chatPath(chat, "messages", id, "setReaction"), bob, `{"reactionType":"👍"}`).want(t, 204, "")
	w.post(chatPath(chat, "messages", id, "unsetReaction"), bob, `{"reactionType":"👍"}`).want(t, 204, "")
	w.post(chatPath(chat, "messages", id, "softDelete"), ada, "").want(t, 400, "") // not a documented path
	w.post("/users/"+w.bob.ID+chatPath(chat, "messages", id, "softDelete"), bob, "").want(t, 403, "")
	w.post("/users/"+w.bob.ID+chatPath(chat, "messages", id, "softDelete"), ada, "").want(t, 403, "")
	w.post("/users/"+w.ada.ID+chatPath(chat, "messages", id, "softDelete"), ada, "").want(t, 204, "")
	w.post("/me"+chatPath(chat, "messages", id, "undoSoftDelete"), ada, "").want(t, 204, "")
	w.post("/users/"+w.ada.ID+chatPath(chat, "messages", id, "softDelete"), w.appToken, "").want(t, 403, "")
	w.post(chatPath(chat, "messages"), w.as(w.ada, "Chat.Read"), hello).want(t, 403, "")
	picture := `{"body":{"contentType":"html","content":"<img src=\"../hostedContents/1/$value\">"},"hostedContents":[{"@microsoft.graph.temporaryId":"1","contentBytes":"AAAA","contentType":"image/png"}]}`
	body := w.post(chatPath(chat, "messages"), ada, picture).want(t, 201, "").text("body", "content")
	_, rest, _ := strings.Cut(body, `src="`)
	address, _, _ := strings.Cut(rest, `"`)
	if r := w.get(address, w.appToken).want(t, 200, ""); len(r.raw) != 3 {
		t.Errorf("a picture: %q", r.raw)
	}
}

// TestQuotes have the form that Microsoft's page shows, whoever makes them.
func TestQuotes(t *testing.T) {
	w := chatWorld(t, teams.Options{})
	chat := w.tenant.AddChat(w.ada, w.bob)
	root := w.sayIn(w.ada, chat, "<p>Hello <b>World</b></p>")
	reply := w.post(chatPath(chat, "messages", "replyWithQuote"), w.as(w.bob), `{"messageIds":["`+root+`"],"replyMessage":{"body":{"content":"test reply"}}}`).want(t, 201, "")
	content := fmt.Sprintf(`{"messageId":%q,"messagePreview":"Hello World","messageSender":{"application":null,"device":null,"user":{"displayName":"Ada Lovelace","id":%q,"tenantId":%q,"userIdentityType":"aadUser"}}}`, root, w.ada.ID, w.tenant.ID)
	want := []any{"<p></p>\n<attachment id=\"" + root + "\"></attachment>\ntest reply\n<p></p>", "html", root, "messageReference", content, nil}
	show := func(r response) []any {
		return []any{r.json("body", "content"), r.json("body", "contentType"), r.json("attachments", 0, "id"), r.json("attachments", 0, "contentType"), r.json("attachments", 0, "content"), r.json("replyToId")}
	}
	if d := cmp.Diff(want, show(reply)); d != "" {
		t.Error(d)
	}
	typed := w.sayIn(w.bob, chat, "test reply", teams.Quoting(root))
	if d := cmp.Diff(want, show(w.get(chatPath(chat, "messages", typed), w.appToken))); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{
		`{"messageIds":[],"replyMessage":{"body":{"content":"x"}}}`, `{"messageIds":["1"]}`,
		`{"messageIds":["1","2","3","4","5","6","7","8","9","10","11"],"replyMessage":{"body":{"content":"x"}}}`, `{"messageIds":["` + root + `"],"replyMessage":{},"x":1}`,
	} {
		w.post(chatPath(chat, "messages", "replyWithQuote"), w.as(w.bob), bad).want(t, 400, "")
	}
	w.post(chatPath(chat, "messages", "replyWithQuote"), w.as(w.bob), `{"messageIds":["17"],"replyMessage":{"body":{"content":"x"}}}`).want(t, 404, "")
	w.post(chatPath(chat, "messages", "replyWithQuote"), w.as(w.bob, "Chat.ReadWrite"), `{"messageIds":["`+root+`"],"replyMessage":{"body":{"content":"x"}}}`).want(t, 403, "")
}

// TestAnEditKeepsTheRest changes the words of an answer with a file and a picture, as Teams' own programs do it.
func TestAnEditKeepsTheRest(t *testing.T) {
	w := chatWorld(t, teams.Options{})
	chat := w.tenant.AddChat(w.ada, w.bob)
	root := w.sayIn(w.ada, chat, "<p>Hello</p>")
	file, err := w.sim.PutChatFile(w.bob, chat, "plan.txt", []byte("a plan"))
	if err != nil {
		t.Fatal(err)
	}
	id := w.sayIn(w.bob, chat, "<p>before</p>", teams.Quoting(root), teams.WithFiles(file), teams.WithPictures([]byte("\x89PNG")))
	before, _ := w.sim.Message(chat, id)
	if err := w.sim.Edit(w.bob, chat, id, "<p>after</p>", teams.KeepingRest()); err != nil {
		t.Fatal(err)
	}
	after, _ := w.sim.Message(chat, id)
	if len(before.Files) != 2 || !cmp.Equal(before.Files, after.Files) || !strings.Contains(after.Raw, `<attachment id="`+root+`">`) || !strings.HasPrefix(strings.TrimSpace(after.Text), "after") {
		t.Errorf("before: %+v\nafter: %+v", before, after)
	}
}

func TestMembersComeAndGo(t *testing.T) {
	w := chatWorld(t, teams.Options{})
	chat := w.tenant.AddGroupChat("Topic", w.ada, w.bob, w.cyd)
	before := w.sayIn(w.ada, chat, "before")
	w.clock.Add(time.Minute)
	join := `{"@odata.type":"#microsoft.graph.aadUserConversationMember","user@odata.bind":"https://graph.test/v1.0/users/` + w.eve.ID + `","roles":["owner"]}`
	r := w.post(chatPath(chat, "members"), w.as(w.ada), join).want(t, 201, "")
	if len(r.raw) != 0 || !strings.Contains(r.header.Get("Location"), "/members/") {
		t.Errorf("joining: %s %v", r.raw, r.header)
	}
	w.get(chatPath(chat, "messages", before), w.as(w.eve)).want(t, 404, "")
	if got := w.get(chatPath(chat, "messages"), w.as(w.eve)).want(t, 200, "").ids(); len(got) != 1 {
		t.Errorf("who came without a history sees %v", got)
	}
	w.clock.Add(time.Minute)
	members := w.get(chatPath(chat, "members"), w.appToken).want(t, 200, "")
	w.send("DELETE", chatPath(chat, "members", url.PathEscape(members.text("value", 1, "id"))), w.as(w.ada), "").want(t, 204, "")
	w.clock.Add(time.Minute)
	w.send("PATCH", chatPath(chat), w.as(w.ada), `{"topic":"Other"}`).want(t, 200, "")
	w.send("PATCH", chatPath(chat), w.as(w.ada), `{"topic":"a:b"}`).want(t, 400, "")
	got := w.get(chatPath(chat)+"?$expand=members,lastMessagePreview", w.appToken).want(t, 200, "")
	if got.text("topic") != "Other" || len(got.list("members")) != 3 || got.text("lastUpdatedDateTime") != "2026-03-01T09:03:00.12Z" || got.text("lastMessagePreview", "eventDetail", "chatDisplayName") != "Other" {
		t.Errorf("the chat: %s", got.raw)
	}
	w.get(chatPath(chat, "messages"), w.as(w.bob)).want(t, 403, "")
	list := w.get(chatPath(chat, "messages"), w.appToken, "Prefer", "include-unknown-enum-members").want(t, 200, "")
	var kinds []string
	for i := range list.list("value") {
		kind := list.text("value", i, "eventDetail", "@odata.type")
		if kind != "" && (list.text("value", i, "messageType") != "systemEventMessage" || list.json("value", i, "from") != nil) {
			t.Errorf("a notice: %v", list.json("value", i))
		}
		kinds = append(kinds, strings.TrimSuffix(strings.TrimPrefix(kind, "#microsoft.graph."), "EventMessageDetail"))
	}
	if d := cmp.Diff([]string{"chatRenamed", "membersDeleted", "membersAdded", "", "membersAdded"}, kinds); d != "" {
		t.Error(d)
	}
	plain := w.get(chatPath(chat, "messages"), w.appToken)
	if plain.text("value", 0, "messageType") != "unknownFutureValue" {
		t.Errorf("without the header: %s", plain.text("value", 0, "messageType"))
	}
	pair, meeting := w.tenant.AddChat(w.ada, w.bob), w.tenant.AddMeetingChat("Weekly", w.ada, w.bob)
	w.post(chatPath(pair, "members"), w.as(w.ada), join).want(t, 400, "")
	w.send("PATCH", chatPath(pair), w.as(w.ada), `{"topic":"x"}`).want(t, 400, "")
	w.send("PATCH", chatPath(meeting), w.as(w.ada), `{"topic":"x"}`).want(t, 400, "")
	if r := w.get(chatPath(meeting), w.appToken).want(t, 200, ""); r.text("chatType") != "meeting" || r.text("onlineMeetingInfo", "organizer", "id") != w.ada.ID {
		t.Errorf("a meeting: %s", r.raw)
	}
}

func TestChatsAreThrottledOneByOne(t *testing.T) {
	w := chatWorld(t, teams.Options{Throttle: teams.Documented})
	a, b := w.tenant.AddChat(w.ada, w.bob), w.tenant.AddChat(w.ada, w.cyd)
	w.get(chatPath(a, "messages"), w.appToken).want(t, 200, "")
	w.get(chatPath(a, "messages"), w.appToken).want(t, 429, "")
	w.get(chatPath(b, "messages"), w.appToken).want(t, 200, "")
	w.post(chatPath(a, "messages"), w.as(w.ada), hello).want(t, 201, "")
	w.post(chatPath(b, "messages"), w.as(w.ada), hello).want(t, 429, "") // as the same person
	w.get(chatPath(a), w.appToken).want(t, 200, "")
	w.get(chatPath(a), w.appToken).want(t, 429, "")
	w.get("/me/chats", w.as(w.ada)).want(t, 200, "")
	w.get("/me/chats", w.as(w.ada)).want(t, 429, "")
	w.get("/me/chats", w.as(w.bob)).want(t, 200, "")
}

// TestDocumentedChatRequestsAreServed with the ids of people who are there.
func TestDocumentedChatRequestsAreServed(t *testing.T) {
	f := reference.Open(t)
	w := chatWorld(t, teams.Options{})
	guest := w.tenant.AddGuest("Gina Guest", "live.com")
	served := 0
	for _, name := range []string{"chat-post-1.request.json", "chat-post-2.request.json", "chat-post-4.request.json", "chat-patch-1.request.json", "chat-post-messages-1.request.json", "chat-post-members-2.request.json", "chat-post-members-3.request.json"} {
		text, err := f.Example(name)
		ok(t, err)
		body := string(text)
		who := []*teams.User{w.ada, w.bob, w.cyd}
		if strings.Contains(body, `"guest"`) {
			who[2] = guest
		}
		if strings.Contains(name, "members") {
			who[0] = w.eve
		}
		for i, id := range userIDs(body) {
			body = strings.ReplaceAll(body, id, who[i].ID)
		}
		group := w.tenant.AddGroupChat("", w.ada, w.bob, w.cyd)
		path, method := "/chats", "POST"
		switch {
		case strings.HasPrefix(name, "chat-patch"):
			path, method = chatPath(group), "PATCH"
		case strings.Contains(name, "messages"):
			path = chatPath(group, "messages")
		case strings.Contains(name, "members"):
			path = chatPath(group, "members")
		}
		if r := w.send(method, path, w.as(w.ada), body); r.status >= 300 {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
		served++
	}
	t.Logf("%d of Microsoft's requests were served", served)
}

// userIDs are those that a request binds, in their order.
func userIDs(body string) (ids []string) {
	for _, part := range strings.Split(body, "/users")[1:] {
		ids = append(ids, strings.Trim(part[:strings.IndexAny(part, "\"")], "/(')"))
	}
	return ids
}
