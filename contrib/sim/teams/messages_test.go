package teams_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"github.com/google/go-cmp/cmp"
)

const hello = `{"body":{"content":"Hello"}}`

func TestPostedMessageIsWholeWithExplicitNulls(t *testing.T) {
	w := newWorld(t, teams.Options{})
	r := w.post(w.messages(), w.as(w.bob), `{"body":{"contentType":"html","content":"<p>Hello</p>"},"subject":"Title"}`).want(t, 201, "")
	id := r.text("id")
	for _, null := range []string{"replyToId", "lastEditedDateTime", "deletedDateTime", "summary", "chatId", "policyViolation", "eventDetail"} {
		if v, there := r.json().(map[string]any)[null]; v != nil || !there {
			t.Errorf("%s is not an explicit null: %v, there: %t", null, v, there)
		}
	}
	for _, empty := range []string{"attachments", "mentions", "reactions", "messageHistory"} {
		if l, isList := r.json(empty).([]any); !isList || len(l) != 0 {
			t.Errorf("%s is not an empty list: %v", empty, r.json(empty))
		}
	}
	got := []any{r.json("etag"), r.json("messageType"), r.json("createdDateTime"), r.json("lastModifiedDateTime"), r.json("locale"),
		r.json("importance"), r.json("subject"), r.json("from", "user", "id"), r.json("body", "content"), r.json("channelIdentity", "channelId")}
	want := []any{id, "message", "2026-03-01T09:00:00.12Z", "2026-03-01T09:00:00.12Z", "en-us", "normal", "Title", w.bob.ID, "<p>Hello</p>", w.general.ID}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if id != fmt.Sprint(w.clock.Now().UnixMilli()) {
		t.Errorf("id %s is not the creation time", id)
	}
	seen := w.sim.Messages(w.general)
	if len(seen) != 1 || seen[0].Author != w.bob || seen[0].Text != "Hello" {
		t.Errorf("people see %+v", seen)
	}
}

func TestReplies(t *testing.T) {
	w := newWorld(t, teams.Options{})
	root := w.say(w.ada, "root")
	r := w.post(w.messages(root, "replies"), w.as(w.bob), hello).want(t, 201, "")
	if r.text("replyToId") != root {
		t.Errorf("replyToId is %q", r.text("replyToId"))
	}
	reply := r.text("id")
	w.get(w.messages(root, "replies", reply), w.appToken).want(t, 200, "")
	w.get(w.messages(reply), w.appToken).want(t, 404, "NotFound")
	w.post(w.messages(reply, "replies"), w.as(w.bob), hello).want(t, 400, "BadRequest")
	w.post(w.messages("17", "replies"), w.as(w.bob), hello).want(t, 404, "NotFound")
	other := w.say(w.ada, "other root")
	w.get(w.messages(other, "replies", reply), w.appToken).want(t, 404, "NotFound")
	ok(t, w.sim.Delete(w.ada, w.general, root))
	w.post(w.messages(root, "replies"), w.as(w.bob), hello).want(t, 201, "")
}

func TestIDsAreUniqueInTheirChannelOnly(t *testing.T) {
	w := newWorld(t, teams.Options{})
	a := w.say(w.ada, "one")
	b := w.say(w.ada, "two")
	c, err := w.sim.Say(w.ada, w.secret, "elsewhere")
	ok(t, err)
	w.clock.Add(5 * time.Millisecond)
	d, err := w.sim.Say(w.ada, w.secret, "a little later")
	ok(t, err)
	if d != b {
		t.Errorf("5 ms after %s the other channel gives the id %s", b, d)
	}
	w.clock.Add(10 * time.Millisecond)
	if e := w.say(w.ada, "later still"); e == d || e != fmt.Sprint(w.clock.Now().UnixMilli()) {
		t.Errorf("10 ms after %s the id is %s", d, e)
	}
	if a == b {
		t.Errorf("two messages of one channel have the id %s", a)
	}
	if c != a && c != b {
		t.Errorf("messages of two channels have ids %s, %s and %s: none is shared", a, b, c)
	}
}

func TestVersionsMoveAsDocumented(t *testing.T) {
	w := newWorld(t, teams.Options{})
	id := w.say(w.bob, "text")
	get := func() response { return w.get(w.messages(id), w.appToken).want(t, 200, "") }
	agree := func(r response) {
		t.Helper()
		at, err := time.Parse(time.RFC3339Nano, r.text("lastModifiedDateTime"))
		if err != nil || fmt.Sprint(at.UnixMilli()) != r.text("etag") {
			t.Errorf("etag %s does not agree with lastModifiedDateTime %s", r.text("etag"), r.text("lastModifiedDateTime"))
		}
	}
	first := get()
	agree(first)
	w.clock.Add(time.Minute)
	w.post(w.messages(id, "setReaction"), w.as(w.ada), `{"reactionType":"👍"}`).want(t, 204, "")
	reacted := get()
	agree(reacted)
	if reacted.text("etag") <= first.text("etag") || reacted.json("lastEditedDateTime") != nil {
		t.Errorf("after a reaction: %s", reacted.raw)
	}
	if reacted.text("reactions", 0, "reactionType") != "👍" || reacted.text("reactions", 0, "user", "user", "id") != w.ada.ID {
		t.Errorf("reactions: %s", reacted.raw)
	}
	w.clock.Add(time.Minute)
	w.send("PATCH", w.messages(id), w.as(w.bob), `{"body":{"content":"changed"}}`).want(t, 204, "")
	edited := get()
	agree(edited)
	if edited.text("lastEditedDateTime") >= edited.text("lastModifiedDateTime") || edited.text("lastEditedDateTime") <= reacted.text("lastModifiedDateTime") {
		t.Errorf("edited %s, modified %s", edited.text("lastEditedDateTime"), edited.text("lastModifiedDateTime"))
	}
	if edited.text("body", "content") != "changed" || edited.text("id") != id {
		t.Errorf("after the edit: %s", edited.raw)
	}
	w.post(w.messages(id, "unsetReaction"), w.as(w.ada), `{"reactionType":"👍"}`).want(t, 204, "")
	if r := get(); len(r.list("reactions")) != 0 || r.text("etag") <= edited.text("etag") {
		t.Errorf("after the reaction was taken back: %s", r.raw)
	}
}

func TestDeletion(t *testing.T) {
	for _, still := range []bool{false, true} {
		t.Run(fmt.Sprintf("moves nothing %t", still), func(t *testing.T) {
			w := newWorld(t, teams.Options{DeletionMovesNothing: still})
			id := w.say(w.bob, "to be deleted")
			ok(t, w.sim.React(w.ada, w.general, id, "like"))
			before := w.get(w.messages(id), w.appToken)
			w.clock.Add(time.Second)
			younger := w.say(w.ada, "younger")
			w.clock.Add(time.Second)
			w.post(w.messages(id, "softDelete"), w.as(w.bob), "").want(t, 204, "")
			w.post(w.messages(id, "softDelete"), w.as(w.bob), "").want(t, 204, "")
			r := w.get(w.messages(id), w.appToken).want(t, 200, "")
			if r.text("deletedDateTime") == "" || r.json("from") != nil || r.json("body", "content") != nil ||
				r.text("body", "contentType") != "text" || len(r.list("reactions")) != 0 {
				t.Errorf("deleted: %s", r.raw)
			}
			if moved := r.text("etag") != before.text("etag"); moved == still {
				t.Errorf("etag moved: %t", moved)
			}
			list := w.get(w.messages(), w.appToken).want(t, 200, "")
			want := []string{id, younger}
			if still {
				want = []string{younger, id}
			}
			if d := cmp.Diff(want, list.ids()); d != "" {
				t.Error(d)
			}
			w.send("PATCH", w.messages(id), w.as(w.bob), hello).want(t, 404, "NotFound")
			w.post(w.messages(id, "setReaction"), w.as(w.bob), `{"reactionType":"👍"}`).want(t, 404, "NotFound")
			w.post(w.messages(id, "undoSoftDelete"), w.as(w.bob), "").want(t, 204, "")
			r = w.get(w.messages(id), w.appToken)
			if r.json("deletedDateTime") != nil || r.text("body", "content") != "to be deleted" || len(r.list("reactions")) != 1 {
				t.Errorf("restored: %s", r.raw)
			}
		})
	}
}

func TestWhoMayWrite(t *testing.T) {
	w := newWorld(t, teams.Options{})
	id := w.say(w.bob, "bob's")
	importing := w.post(w.messages(), w.appToken, hello).want(t, 401, "Unauthorized")
	if !strings.HasPrefix(importing.text("error", "message"), "Message POST is allowed in application-only context only for import purposes") {
		t.Errorf("refusal: %s", importing.raw)
	}
	policy := w.tenant.AddApp(teams.AppConfig{Roles: []string{"ChannelMessage.UpdatePolicyViolation.All"}})
	for _, c := range []struct {
		name, method, path, token, body string
		status                          int
	}{
		{"a reply without a user", "POST", w.messages(id, "replies"), w.appToken, hello, 401},
		{"an edit without a user", "PATCH", w.messages(id), w.appToken, hello, 403},
		{"an edit of the text by a policy app", "PATCH", w.messages(id), w.sim.AppToken(policy), hello, 403},
		{"a policy violation without a licence", "PATCH", w.messages(id), w.sim.AppToken(policy), `{"policyViolation":{}}`, 402},
		{"a deletion without a user", "POST", w.messages(id, "softDelete"), w.appToken, "", 403},
		{"a reaction without a user", "POST", w.messages(id, "setReaction"), w.appToken, `{"reactionType":"👍"}`, 403},
		{"a message by a stranger", "POST", w.messages(), w.as(w.eve), hello, 403},
		{"reading by a stranger", "GET", w.messages(), w.as(w.eve), "", 403},
		{"a private channel by one outside it", "GET", channelPath(w.secret, w.team) + "/messages", w.as(w.bob), "", 403},
		{"a private channel by one in it", "GET", channelPath(w.secret, w.team) + "/messages", w.as(w.cyd), "", 200},
		{"sending without the permission", "POST", w.messages(), w.as(w.bob, "ChannelMessage.Read.All"), hello, 403},
		{"editing with the permission to send", "PATCH", w.messages(id), w.as(w.bob, "ChannelMessage.Send"), hello, 403},
		{"reading with the permission to send", "GET", w.messages(), w.as(w.bob, "ChannelMessage.Send"), "", 403},
		{"an edit by another", "PATCH", w.messages(id), w.as(w.cyd), hello, 403},
		{"an edit by an owner", "PATCH", w.messages(id), w.as(w.ada), hello, 403},
		{"a deletion by another", "POST", w.messages(id, "softDelete"), w.as(w.cyd), "", 403},
		{"a deletion by an owner", "POST", w.messages(id, "softDelete"), w.as(w.ada), "", 204},
	} {
		t.Run(c.name, func(t *testing.T) { w.send(c.method, c.path, c.token, c.body).want(t, c.status, "") })
	}
}

func TestResourceSpecificConsentHoldsInItsTeamOnly(t *testing.T) {
	w := newWorld(t, teams.Options{})
	other := w.tenant.AddTeam("Other", w.ada)
	app := w.tenant.AddApp(teams.AppConfig{Name: "RSC"})
	w.team.GrantRSC(app, "ChannelMessage.Read.Group")
	token := w.sim.AppToken(app)
	w.get(w.messages(), token).want(t, 200, "")
	w.get(channelPath(other.General, other)+"/messages", token).want(t, 403, "Forbidden")
}

func TestWhatARequestMayHold(t *testing.T) {
	w := newWorld(t, teams.Options{})
	id := w.say(w.bob, "text")
	html := func(text string) string { return `{"body":{"contentType":"html","content":` + text + `}}` }
	long := strings.Repeat("x", 28<<10)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"unknown property", "POST", w.messages(), `{"body":{"content":"x"},"surprise":1}`, 400},
		{"property in other case", "POST", w.messages(), `{"Body":{"content":"x"}}`, 400},
		{"unknown property of the body", "POST", w.messages(), `{"body":{"content":"x","type":"html"}}`, 400},
		{"read-only property", "POST", w.messages(), `{"body":{"content":"x"},"createdDateTime":"2019-02-04T19:58:15.511Z"}`, 400},
		{"replyToId", "POST", w.messages(), `{"body":{"content":"x"},"replyToId":"` + id + `"}`, 400},
		{"foreign author", "POST", w.messages(), `{"body":{"content":"x"},"from":{"user":{"id":"x"}}}`, 400},
		{"type annotation", "POST", w.messages(), `{"@odata.type":"#microsoft.graph.chatMessage","body":{"content":"x"}}`, 201},
		{"no body", "POST", w.messages(), `{"subject":"x"}`, 400},
		{"no content", "POST", w.messages(), `{"body":{"contentType":"html"}}`, 400},
		{"no JSON", "POST", w.messages(), `hello`, 400},
		{"wrong content type of the text", "POST", w.messages(), `{"body":{"contentType":"markdown","content":"x"}}`, 400},
		{"wrong importance", "POST", w.messages(), `{"body":{"content":"x"},"importance":"low"}`, 400},
		{"longest message", "POST", w.messages(), `{"body":{"content":"` + long + `"}}`, 201},
		{"one byte more", "POST", w.messages(), `{"body":{"content":"` + long + `x"}}`, 413},
		{"an edit that is too long", "PATCH", w.messages(id), `{"body":{"content":"` + long + `x"}}`, 413},
		{"over 4 MB", "POST", w.messages(), `{"body":{"content":"` + strings.Repeat("x", 4<<20) + `"}}`, 413},
		{"at without mention", "POST", w.messages(), html(`"<at id=\"0\">Ada</at>"`), 400},
		{"mention without at", "POST", w.messages(), `{"body":{"contentType":"html","content":"x"},"mentions":[{"id":0,"mentionText":"A","mentioned":{"user":{"id":"1"}}}]}`, 400},
		{"mention in plain text", "POST", w.messages(), `{"body":{"content":"x"},"mentions":[{"id":0,"mentionText":"A","mentioned":{"user":{"id":"1"}}}]}`, 400},
		{"mention that pairs", "POST", w.messages(), `{"body":{"contentType":"html","content":"<at id=\"0\">A</at>"},"mentions":[{"id":0,"mentionText":"A","mentioned":{"user":{"id":"1"}}}]}`, 201},
		{"mention used twice", "POST", w.messages(), `{"body":{"contentType":"html","content":"<at id=\"0\">A</at><at id=\"0\">A</at>"},"mentions":[{"id":0,"mentionText":"A","mentioned":{"user":{"id":"1"}}}]}`, 400},
		{"channel mention without its type", "POST", w.messages(), `{"body":{"contentType":"html","content":"<at id=\"0\">A</at>"},"mentions":[{"id":0,"mentionText":"A","mentioned":{"conversation":{"id":"1"}}}]}`, 400},
		{"attachment that is missing", "POST", w.messages(), html(`"<attachment id=\"7\"></attachment>"`), 400},
		{"attachment with content and address", "POST", w.messages(), `{"body":{"contentType":"html","content":"x"},"attachments":[{"id":"1","content":"x","contentUrl":"https://x.example"}]}`, 400},
		{"picture that is missing", "POST", w.messages(), html(`"<img src=\"../hostedContents/1/$value\">"`), 400},
		{"reaction by word", "POST", w.messages(id, "setReaction"), `{"reactionType":"like"}`, 400},
		{"reaction by short code", "POST", w.messages(id, "setReaction"), `{"reactionType":":tada:"}`, 400},
		{"reaction with more", "POST", w.messages(id, "setReaction"), `{"reactionType":"👍","user":{}}`, 400},
		{"deletion with a body", "POST", w.messages(id, "softDelete"), `{"x":1}`, 400},
	} {
		t.Run(c.name, func(t *testing.T) { w.send(c.method, c.path, w.as(w.bob), c.body).want(t, c.status, "") })
	}
	w.send("POST", w.messages(), w.as(w.bob), hello, "Content-Type", "").want(t, 400, "BadRequest")
	w.send("POST", w.messages(), w.as(w.bob), hello, "Content-Type", "text/plain").want(t, 415, "UnsupportedMediaType")
}

func TestQueryOptions(t *testing.T) {
	w := newWorld(t, teams.Options{})
	id := w.say(w.bob, "text")
	for path, status := range map[string]int{
		w.messages() + "?$top=50": 200, w.messages() + "?$top=51": 400, w.messages() + "?$top=0": 400, w.messages() + "?top=3": 400,
		w.messages() + "?$filter=lastModifiedDateTime gt 2020-01-01T00:00:00Z": 400, w.messages() + "?$orderby=createdDateTime": 400,
		w.messages() + "?$expand=replies": 200, w.messages() + "?$expand=hostedContents": 400, w.messages(id) + "?$expand=replies": 400,
		w.messages(id, "replies") + "?$top=50": 200, w.messages(id, "replies") + "?$top=51": 400, w.messages() + "?$top=5&$top=6": 400,
		w.messages() + "?$skiptoken=made-up": 400, "/users?$top=999": 200, "/users?$top=1000": 400, "/users?$skip=1": 400,
		"/users?$select=id,accountEnabled": 200, "/users?$select=shoeSize": 400,
	} {
		t.Run(path, func(t *testing.T) { w.get(path, w.appToken).want(t, status, "") })
	}
}

func TestListIsOrderedByLastChangeInTheThread(t *testing.T) {
	w := newWorld(t, teams.Options{})
	var ids []string
	for range 3 {
		ids = append(ids, w.say(w.bob, "x"))
		w.clock.Add(time.Second)
	}
	order := func() []string { return w.get(w.messages(), w.appToken).want(t, 200, "").ids() }
	check := func(what string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, order()); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	check("at first", ids[2], ids[1], ids[0])
	reply := w.reply(w.ada, ids[0], "reply")
	check("after a reply", ids[0], ids[2], ids[1])
	ok(t, w.sim.Edit(w.bob, w.general, ids[1], "edited"))
	check("after an edit", ids[1], ids[0], ids[2])
	ok(t, w.sim.React(w.bob, w.general, reply, "❤️"))
	check("after a reaction to a reply", ids[0], ids[1], ids[2])
}

// walk follows nextLinks and tells how many pages were empty.
func (w *world) walk(path, token string) (ids []string, pages, empty int) {
	w.t.Helper()
	for path != "" {
		r := w.get(path, token).want(w.t, 200, "")
		if pages++; len(r.list("value")) == 0 {
			empty++
		}
		ids = append(ids, r.ids()...)
		path = r.text("@odata.nextLink")
	}
	return ids, pages, empty
}

func TestPaging(t *testing.T) {
	w := newWorld(t, teams.Options{})
	var want []string
	for range 45 {
		want = append(want, w.say(w.bob, "x"))
	}
	slices.Reverse(want)
	ids, pages, _ := w.walk(w.messages(), w.appToken)
	if d := cmp.Diff(want, ids); d != "" {
		t.Error(d)
	}
	if pages < 3 {
		t.Errorf("%d pages of the default size", pages)
	}
	ids, pages, empty := w.walk(w.messages()+"?$top=5", w.appToken)
	if d := cmp.Diff(want, ids); d != "" {
		t.Error(d)
	}
	if empty == 0 || pages != 9+empty {
		t.Errorf("%d pages, %d of them empty", pages, empty)
	}
	next := w.get(w.messages()+"?$top=5", w.appToken).text("@odata.nextLink")
	w.get(next+"&$top=50", w.appToken).want(t, 400, "BadRequest")
	w.get(strings.Replace(next, "skiptoken=", "skiptoken=A", 1), w.appToken).want(t, 400, "BadRequest")
	elsewhere := strings.Replace(next, url.PathEscape(w.general.ID), url.PathEscape(w.secret.ID), 1)
	elsewhere = strings.Replace(elsewhere, w.general.ID, w.secret.ID, 1)
	if elsewhere == next {
		t.Fatalf("the link %s does not name the channel", next)
	}
	w.get(elsewhere, w.appToken).want(t, 400, "BadRequest")
	users, _, _ := w.walk("/users?$top=3", w.appToken)
	if d := cmp.Diff([]string{w.ada.ID, w.bob.ID, w.cyd.ID, w.eve.ID}, users); d != "" {
		t.Error(d)
	}
}

func TestExpandedRepliesHaveALinkToTheRest(t *testing.T) {
	w := newWorld(t, teams.Options{RepliesPerPage: 3})
	root := w.say(w.bob, "root")
	var want []string
	for range 60 {
		want = append(want, w.reply(w.ada, root, "reply"))
	}
	slices.Reverse(want)
	r := w.get(w.messages()+"?$expand=replies", w.appToken).want(t, 200, "")
	var ids []string
	for i := range r.list("value", 0, "replies") {
		ids = append(ids, r.text("value", 0, "replies", i, "id"))
	}
	if len(ids) != 3 || r.json("value", 0, "replies@odata.count") != 3.0 {
		t.Fatalf("%d replies came along", len(ids))
	}
	rest, _, _ := w.walk(r.text("value", 0, "replies@odata.nextLink"), w.appToken)
	if d := cmp.Diff(want, append(ids, rest...)); d != "" {
		t.Error(d)
	}
	listed, _, _ := w.walk(w.messages(root, "replies"), w.appToken)
	if d := cmp.Diff(want, listed); d != "" {
		t.Error(d)
	}
}

func TestSystemMessagesNeedThePreferHeader(t *testing.T) {
	w := newWorld(t, teams.Options{})
	id := w.sim.SystemMessage(w.general, "channelRenamedEventMessageDetail", map[string]any{"channelDisplayName": "New"})
	r := w.get(w.messages(), w.appToken).want(t, 200, "")
	if r.text("value", 0, "messageType") != "unknownFutureValue" || r.json("value", 0, "from") != nil {
		t.Errorf("without the header: %s", r.raw)
	}
	r = w.get(w.messages(id), w.appToken, "Prefer", "odata.maxpagesize=5, include-unknown-enum-members").want(t, 200, "")
	if r.text("messageType") != "systemEventMessage" || r.text("eventDetail", "@odata.type") != "#microsoft.graph.channelRenamedEventMessageDetail" {
		t.Errorf("with the header: %s", r.raw)
	}
	w.post(w.messages(id, "softDelete"), w.as(w.ada), "").want(t, 403, "Forbidden")
}

func TestHostedPictures(t *testing.T) {
	w := newWorld(t, teams.Options{})
	r := w.post(w.messages(), w.as(w.bob), `{"body":{"contentType":"html","content":"<img src=\"../hostedContents/1/$value\" style=\"x\" onerror=\"y\">"},
		"hostedContents":[{"@microsoft.graph.temporaryId":"1","contentBytes":"aGVsbG8=","contentType":"image/png"}]}`).want(t, 201, "")
	src := strings.Split(r.text("body", "content"), `"`)[1]
	bytes := w.get(src, w.appToken).want(t, 200, "")
	if string(bytes.raw) != "hello" || bytes.header.Get("Content-Type") != "image/png" {
		t.Errorf("picture: %q %v", bytes.raw, bytes.header)
	}
	list := w.get(w.messages(r.text("id"), "hostedContents"), w.appToken).want(t, 200, "")
	if len(list.ids()) != 1 || list.json("value", 0, "contentBytes") != nil {
		t.Errorf("list: %s", list.raw)
	}
}
