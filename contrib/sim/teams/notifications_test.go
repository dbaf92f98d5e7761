package teams_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
	"causeway/contrib/sim/teams/reference"
)

// heard is what a notification says, shortly.
type heard struct {
	Change, Resource string
	Text             string // of the resource data; "deleted" where it is
}

// heard reads all notifications received.
func (w *world) heard(r *receiver) (list []heard) {
	for _, it := range r.items() {
		h := heard{Change: it.ChangeType, Resource: it.Resource}
		if it.Encrypted != nil {
			object := w.open(it)
			h.Text, _ = object["body"].(map[string]any)["content"].(string)
			if object["deletedDateTime"] != nil {
				h.Text = "deleted"
			}
		}
		list = append(list, h)
	}
	return list
}

func channelAddress(team *teams.Team, c *teams.Channel, parts ...string) string {
	text := "teams('" + team.ID + "')/channels('" + c.ID + "')"
	for i, name := range []string{"messages", "replies"}[:len(parts)] {
		text += "/" + name + "('" + parts[i] + "')"
	}
	return text
}

func TestEveryChangeIsNotified(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	w.subscribe(nil)
	s, c := w.sim, w.general
	root := w.say(w.bob, "<p>one</p>", teams.Subject("Title"))
	w.delivered()
	reply := w.reply(w.ada, root, "<p>two</p>")
	ok(t, s.Edit(w.bob, c, root, "<p>three</p>"))
	ok(t, s.React(w.ada, c, root, "👍"))
	ok(t, s.Unreact(w.ada, c, root, "👍"))
	ok(t, s.Delete(w.ada, c, reply))
	ok(t, s.Undelete(w.ada, c, reply))
	posted := w.post(w.messages(), w.as(w.bob), `{"body":{"content":"by Graph"},"subject":"S"}`).want(t, 201, "").text("id")
	w.send("PATCH", w.messages(posted), w.as(w.bob), `{"body":{"content":"edited by Graph"}}`).want(t, 204, "")
	w.delivered()
	rootAt, replyAt, postedAt := channelAddress(w.team, c, root), channelAddress(w.team, c, root, reply), channelAddress(w.team, c, posted)
	want := []heard{
		{"created", rootAt, "<p>one</p>"}, {"created", replyAt, "<p>two</p>"}, {"updated", rootAt, "<p>three</p>"},
		{"updated", rootAt, "<p>three</p>"}, {"updated", rootAt, "<p>three</p>"}, {"deleted", replyAt, "deleted"}, {"updated", replyAt, "<p>two</p>"},
		{"created", postedAt, "by Graph"}, {"updated", postedAt, "edited by Graph"},
	}
	if d := cmp.Diff(want, w.heard(r)); d != "" {
		t.Error(d)
	}
	if got := w.open(r.items()[3])["reactions"].([]any); len(got) != 1 {
		t.Errorf("reactions: %v", got)
	}
	for i, it := range r.items() {
		if it.ResourceData.Type != "#Microsoft.Graph.chatMessage" || it.ResourceData.ODataID != it.Resource || !strings.HasSuffix(it.Resource, "('"+it.ResourceData.ID+"')") ||
			it.ClientState != "s3cret-state" || it.TenantID != w.tenant.ID || !strings.HasSuffix(it.Expires, "+00:00") {
			t.Errorf("%d: %+v", i, it)
		}
	}
	if object := w.open(r.items()[0]); object["subject"] != "Title" {
		t.Errorf("the notification does not show the whole change: %v", object)
	}
	if n := w.sim.Count("GET", ""); n != 0 {
		t.Errorf("%d reads of Graph", n)
	}
}

func TestResourceDataDiffersFromAnAnswerAsDocumented(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	w.subscribe(nil)
	id := w.say(w.bob, `<p>x <at id="0">Ada</at></p>`, teams.Mentioning(w.ada))
	w.delivered()
	object := w.open(r.items()[0])
	var answer map[string]any
	ok(t, json.Unmarshal(w.get(w.messages(id), w.appToken).want(t, 200, "").raw, &answer))
	from := answer["from"].(map[string]any)
	from["conversation"] = nil
	delete(from["user"].(map[string]any), "@odata.type")
	delete(answer, "@odata.context")
	answer["replies"], answer["hostedContents"] = []any{}, []any{}
	answer["createdDateTime"] = "2026-03-01T09:00:00Z" // the clock is 120 ms further
	if d := cmp.Diff(answer, object); d != "" {
		t.Error(d)
	}
	w.sim.SetWebhookFaults(teams.WebhookFaults{NoNames: true})
	w.say(w.bob, "y")
	w.delivered()
	if user := w.open(r.items()[1])["from"].(map[string]any)["user"].(map[string]any); user["displayName"] != nil || user["id"] != w.bob.ID {
		t.Errorf("%v", user)
	}
}

// TestResourceDataHasWhatTheOfficialSampleHas compares with a decrypted notification of Microsoft's.
func TestResourceDataHasWhatTheOfficialSampleHas(t *testing.T) {
	f := reference.Open(t)
	w, r := hooked(t, teams.Options{})
	chat := w.tenant.AddChat(w.ada, w.bob)
	w.app.SetRoles("Chat.Read.All")
	w.appToken = w.sim.AppToken(w.app)
	w.subscribe(map[string]any{"resource": "/chats/getAllMessages"})
	_, err := w.sim.Say(w.ada, chat, "test", teams.Plain())
	ok(t, err)
	w.delivered()
	plain, err := notify.Decrypt(testCertificate().key, r.items()[0].Encrypted)
	ok(t, err)
	ok(t, f.Check("chatMessage", plain, reference.Answer))
	sample, err := f.Example("concept-teams-changenotifications-chatmessage-13.resource.json")
	ok(t, err)
	have := memberNames(t, plain)
	for _, name := range memberNames(t, sample) {
		found := false
		for _, ours := range have {
			found = found || ours == name
		}
		if !found {
			t.Errorf("the sample has %s, ours not", name)
		}
	}
	envelope, err := f.Example("concept-teams-changenotifications-chatmessage-12.notification.json")
	ok(t, err)
	first := func(raw []byte) []byte {
		var b struct{ Value []json.RawMessage }
		ok(t, json.Unmarshal(raw, &b))
		return b.Value[0]
	}
	want := append(memberNames(t, first(envelope)), "encryptedContent/dataSignature") // which this sample of theirs left out
	got := memberNames(t, first(r.all()[0].raw))
	if d := cmp.Diff(sorted(want), sorted(got)); d != "" {
		t.Error(d)
	}
}

func TestWithoutResourceData(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	w.subscribe(map[string]any{"includeResourceData": false, "encryptionCertificate": nil, "encryptionCertificateId": nil})
	id := w.say(w.bob, "x")
	w.delivered()
	p := r.all()[0]
	if it := p.body.Value[0]; it.Encrypted != nil || it.Resource != channelAddress(w.team, w.general, id) || strings.Contains(string(p.raw), "validationTokens") {
		t.Errorf("%s", p.raw)
	}
}

func TestWhoIsNotifiedOfWhat(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	w.app.SetRoles("ChannelMessage.Read.All", "Chat.Read.All")
	w.appToken = w.sim.AppToken(w.app)
	chat, group := w.tenant.AddChat(w.ada, w.bob), w.tenant.AddChat(w.ada, w.bob, w.cyd)
	names := map[string]string{}
	for name, resource := range map[string]string{
		"general": "/teams/" + w.team.ID + "/channels/" + w.general.ID + "/messages", "channels": "/teams/getAllMessages",
		"chats": "/chats/getAllMessages", "group": "/chats/" + group.ID + "/messages", "cyd": "/users/" + w.cyd.ID + "/chats/getAllMessages",
	} {
		names[w.subscribe(map[string]any{"resource": resource})] = name
	}
	names[w.subscribe(map[string]any{"resource": "/teams/getAllMessages", "changeType": "deleted"})] = "deletions"
	other := w.sim.AddTenant("Fabrikam")
	stranger := other.AddUser("Stranger")
	elsewhere := other.AddTeam("T", stranger)
	said := func(u *teams.User, c *teams.Channel) (who []string) {
		t.Helper()
		before := len(r.items())
		id, err := w.sim.Say(u, c, "x")
		ok(t, err)
		w.delivered()
		for _, it := range r.items()[before:] {
			who = append(who, names[it.SubscriptionID])
			if it.ResourceData.ID != id {
				t.Errorf("%+v", it)
			}
		}
		return sorted(who)
	}
	for _, c := range []struct {
		who  *teams.User
		in   *teams.Channel
		want []string
	}{
		{w.bob, w.general, []string{"channels", "general"}}, {w.ada, w.secret, []string{"channels"}},
		{w.ada, chat, []string{"chats"}}, {w.bob, group, []string{"chats", "cyd", "group"}}, {stranger, elsewhere.General, nil},
	} {
		if d := cmp.Diff(c.want, said(c.who, c.in)); d != "" {
			t.Errorf("in %s: %s", c.in.ID, d)
		}
	}
	before := len(r.items())
	id := w.say(w.bob, "y")
	ok(t, w.sim.Delete(w.bob, w.general, id))
	w.delivered()
	deletions := 0
	for _, it := range r.items()[before:] {
		if names[it.SubscriptionID] == "deletions" {
			deletions++
		}
	}
	if deletions != 1 {
		t.Errorf("%d notifications of a deletion only", deletions)
	}
	at, err := w.sim.Say(w.ada, chat, "in chat")
	ok(t, err)
	w.delivered()
	last := r.items()[len(r.items())-1]
	if object := w.open(last); last.Resource != "chats('"+chat.ID+"')/messages('"+at+"')" || object["chatId"] != chat.ID || object["channelIdentity"] != nil || object["webUrl"] != nil {
		t.Errorf("%s: %v", last.Resource, object)
	}
	chat.Remove()
	w.post("/subscriptions", w.appToken, w.wish(map[string]any{"resource": "/chats/" + chat.ID + "/messages"})).want(t, 404, "")
}

func TestSystemMessagesNeedTheHeader(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	w.subscribe(nil)
	w.send("POST", "/subscriptions", w.appToken, w.wish(map[string]any{"resource": "/teams/getAllMessages"}), "Prefer", "include-unknown-enum-members").want(t, 201, "")
	w.sim.SystemMessage(w.general, "channelRenamedEventMessageDetail", nil)
	w.delivered()
	var got []any
	for _, it := range r.items() {
		got = append(got, w.open(it)["messageType"])
	}
	if d := cmp.Diff([]any{"unknownFutureValue", "systemEventMessage"}, got); d != "" {
		t.Error(d)
	}
}

func TestFaultsOfWhatIsNotified(t *testing.T) {
	w, r := hooked(t, teams.Options{DeletionMovesNothing: true})
	w.subscribe(nil)
	w.sim.SetWebhookFaults(teams.WebhookFaults{Seed: 3, TwicePerReaction: true, DeletedAsUpdated: 1})
	id := w.say(w.bob, "x")
	ok(t, w.sim.React(w.ada, w.general, id, "🎉"))
	ok(t, w.sim.Delete(w.bob, w.general, id))
	w.delivered()
	at := channelAddress(w.team, w.general, id)
	if d := cmp.Diff([]heard{{"created", at, "x"}, {"updated", at, "x"}, {"updated", at, "x"}, {"updated", at, "deleted"}}, w.heard(r)); d != "" {
		t.Error(d)
	}
}

func TestSeveralSubscriptionsShareAPost(t *testing.T) {
	w, r := hooked(t, teams.Options{Webhooks: teams.Webhooks{Batch: 10}})
	w.subscribe(nil)
	w.subscribe(map[string]any{"resource": "/teams/getAllMessages"})
	release := w.sim.HoldDeliveries()
	w.say(w.bob, "x")
	w.say(w.bob, "y")
	release()
	w.delivered()
	if posts := r.all(); len(posts) != 1 || len(posts[0].body.Value) != 4 || len(posts[0].body.Tokens) != 1 {
		t.Errorf("%d posts, %s", len(posts), posts[0].raw)
	}
}

func TestForgeryNeedsASubscriptionWithAMessage(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	id := w.subscribe(nil)
	if _, err := w.sim.Forge(t.Context(), id, notify.Garbage); err == nil {
		t.Error("forged without a message")
	}
	w.say(w.bob, "x")
	w.delivered()
	if status, err := w.sim.Forge(t.Context(), id, notify.StrangersToken); err != nil || status != 202 {
		t.Errorf("%d, %v", status, err)
	}
	if _, err := w.sim.Forge(t.Context(), "nothing", notify.Garbage); err == nil {
		t.Error("forged for no subscription")
	}
	forged := r.all()[1].body
	if object := w.open(forged.Value[0]); object["body"].(map[string]any)["content"] != notify.ForgedText+" stranger's key" {
		t.Errorf("%v", object)
	}
}

func TestOverTLSAndOverPlainHTTPWhereAllowed(t *testing.T) {
	r := &receiver{}
	secure := httptest.NewTLSServer(r)
	defer secure.Close()
	plain := httptest.NewServer(r)
	defer plain.Close()
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())
	try := func(conf teams.Webhooks, address string, status int) {
		t.Helper()
		w := newWorld(t, teams.Options{Webhooks: conf})
		defer func() { ok(t, w.sim.Close()) }()
		before := len(r.all())
		w.post("/subscriptions", w.appToken, w.wish(map[string]any{"notificationUrl": address + "/hook", "lifecycleNotificationUrl": address + "/life"})).want(t, status, "")
		if status != 201 {
			return
		}
		w.say(w.bob, "over the network")
		w.delivered()
		if got := len(r.all()) - before; got != 1 {
			t.Errorf("%d posts to %s", got, address)
		}
	}
	try(teams.Webhooks{TLS: &tls.Config{RootCAs: pool}}, secure.URL, 201)
	try(teams.Webhooks{}, secure.URL, 400) // the certificate is not trusted
	try(teams.Webhooks{}, plain.URL, 400)
	try(teams.Webhooks{AllowHTTP: true}, plain.URL, 201)
	try(teams.Webhooks{AllowHTTP: true}, strings.Replace(plain.URL, "127.0.0.1", "bridge.example", 1), 400)
}

func TestCallsAreCountedByApp(t *testing.T) {
	w, _ := hooked(t, teams.Options{})
	w.subscribe(nil)
	w.get("/me", w.as(w.bob))
	w.get("/users", w.sim.AppToken(w.tenant.AddApp(teams.AppConfig{Roles: allRoles})))
	if d := cmp.Diff(map[string]int{"POST /subscriptions": 1, "GET /me": 1}, w.sim.Calls(w.app)); d != "" {
		t.Error(d)
	}
	if n := len(w.sim.Calls(nil)); n != 3 {
		t.Errorf("%d operations in all", n)
	}
}

func TestThroughput(t *testing.T) {
	w, r := hooked(t, teams.Options{Webhooks: teams.Webhooks{Batch: 20, Parallel: 2}})
	w.subscribe(nil)
	const n = 300
	begin := time.Now()
	for range n {
		w.say(w.bob, "<p>many</p>")
	}
	w.delivered()
	s := w.sim.WebhookStats()
	if len(r.items()) != n || s.Delivered != n || s.PerSecond() <= 0 || s.First.Before(begin) {
		t.Errorf("%d received, %+v", len(r.items()), s)
	}
	t.Logf("%.0f notifications with resource data per second", s.PerSecond())
}
