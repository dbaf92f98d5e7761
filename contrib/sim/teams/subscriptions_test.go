package teams_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams"
)

func TestSubscriptionIsEchoedAndShown(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	created := w.post("/subscriptions", w.appToken, w.wish(map[string]any{"notificationUrl": "https://bridge.example/hook?a=1"})).want(t, 201, "")
	var got map[string]any
	ok(t, json.Unmarshal(created.raw, &got))
	id, _ := got["id"].(string)
	delete(got, "id")
	want := map[string]any{
		"@odata.context": "http://graph.test/v1.0/$metadata#subscriptions/$entity",
		"applicationId":  w.app.ClientID, "creatorId": w.app.PrincipalID, "changeType": "created,updated,deleted", "clientState": "s3cret-state",
		"resource":        "/teams/" + w.team.ID + "/channels/" + w.general.ID + "/messages",
		"notificationUrl": "https://bridge.example/hook?a=1", "lifecycleNotificationUrl": "https://bridge.example/lifecycle",
		"expirationDateTime": w.now().Add(48 * time.Hour).Format("2006-01-02T15:04:05.0000000Z"), "latestSupportedTlsVersion": "v1_2",
		"encryptionCertificate": nil, "encryptionCertificateId": "key-1", "includeResourceData": true,
		"notificationQueryOptions": nil, "notificationUrlAppId": nil,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if shown := w.get("/subscriptions/"+id, w.appToken).want(t, 200, ""); string(shown.raw) != string(created.raw) {
		t.Errorf("GET shows %s", shown.raw)
	}
	if len(r.asked) != 2 || !strings.HasPrefix(r.asked[0], "https://bridge.example/hook?a=1&validationToken=Validation") || !strings.Contains(r.asked[1], "/lifecycle?validationToken=") {
		t.Errorf("validated: %v", r.asked)
	}
	user := w.post("/subscriptions", w.as(w.ada), w.wish(map[string]any{"changeType": "deleted"})).want(t, 403, "") // one per app and channel
	if !strings.Contains(user.text("error", "message"), "limit of 1 ") {
		t.Error(string(user.raw))
	}
	w.send("DELETE", "/subscriptions/"+id, w.appToken, "").want(t, 204, "")
	user = w.post("/subscriptions", w.as(w.ada), w.wish(map[string]any{"latestSupportedTlsVersion": "v1_3"})).want(t, 201, "")
	if user.text("creatorId") != w.ada.ID || user.text("latestSupportedTlsVersion") != "v1_3" {
		t.Error(string(user.raw))
	}
}

func TestSubscriptionRequestsAreChecked(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	in := func(d time.Duration) string { return w.now().Add(d).Format(time.RFC3339Nano) }
	small := newCertificate(w.now().Add(-time.Hour))
	elsewhere := w.sim.AddTenant("Other").AddTeam("T", w.sim.AddTenant("Third").AddUser("U"))
	for _, c := range []struct {
		name   string
		change map[string]any
		status int
		want   string
	}{
		{"no change type", map[string]any{"changeType": nil}, 400, "changeType is a required property"},
		{"no URL", map[string]any{"notificationUrl": nil}, 400, "notificationUrl is a required"},
		{"no resource", map[string]any{"resource": ""}, 400, "resource is a required"},
		{"no expiry", map[string]any{"expirationDateTime": nil}, 400, "expirationDateTime is a required"},
		{"no client state", map[string]any{"clientState": nil}, 400, "clientState is a required"},
		{"unknown change", map[string]any{"changeType": "created,renamed"}, 400, "changeType 'created,renamed'"},
		{"a change twice", map[string]any{"changeType": "created,created"}, 400, "changeType"},
		{"long client state", map[string]any{"clientState": strings.Repeat("x", 129)}, 400, "128 characters"},
		{"http", map[string]any{"notificationUrl": "http://127.0.0.1/hook"}, 400, "https scheme"},
		{"no host", map[string]any{"notificationUrl": "https:///hook"}, 400, "not a valid URL"},
		{"a login in the URL", map[string]any{"notificationUrl": "https://a:b@bridge.example/"}, 400, "not a valid URL"},
		{"a fragment in the URL", map[string]any{"lifecycleNotificationUrl": "https://bridge.example/#x"}, 400, "not a valid URL"},
		{"a token in the URL", map[string]any{"notificationUrl": "https://bridge.example/?validationToken=1"}, 400, "validationToken"},
		{"http for lifecycle", map[string]any{"lifecycleNotificationUrl": "http://bridge.example/"}, 400, "https scheme"},
		{"no time", map[string]any{"expirationDateTime": "tomorrow"}, 400, "not valid"},
		{"expired", map[string]any{"expirationDateTime": in(-time.Second)}, 400, "in the future"},
		{"over three days", map[string]any{"expirationDateTime": in(4320*time.Minute + time.Second)}, 400, "4320 minutes"},
		{"over an hour without lifecycle URL", map[string]any{"lifecycleNotificationUrl": nil, "expirationDateTime": in(time.Hour + time.Second)}, 400, "lifecycleNotificationUrl is a required property for subscription creation on this resource when the expirationDateTime value is set to greater than 1 hour"},
		{"no certificate", map[string]any{"encryptionCertificate": nil}, 400, "encryptionCertificate is a required"},
		{"no certificate id", map[string]any{"encryptionCertificateId": nil}, 400, "encryptionCertificateId is a required"},
		{"long certificate id", map[string]any{"encryptionCertificateId": strings.Repeat("x", 129)}, 400, "128 characters"},
		{"PEM", map[string]any{"encryptionCertificate": "-----BEGIN CERTIFICATE-----"}, 400, "not base64"},
		{"no X.509", map[string]any{"encryptionCertificate": base64.StdEncoding.EncodeToString([]byte("x"))}, 400, "not an X.509"},
		{"expired certificate", map[string]any{"encryptionCertificate": small.text}, 400, "expired"},
		{"bad certificate without resource data", map[string]any{"includeResourceData": false, "encryptionCertificate": "x"}, 400, "encryptionCertificate"},
		{"unknown TLS", map[string]any{"latestSupportedTlsVersion": "v9"}, 400, "v9"},
		{"unknown property", map[string]any{"Resource": "x"}, 400, "'Resource'"},
		{"read-only property", map[string]any{"applicationId": "x"}, 400, "'applicationId'"},
		{"query options", map[string]any{"notificationQueryOptions": "x"}, 400, "notificationQueryOptions"},
		{"wrong type", map[string]any{"includeResourceData": "yes"}, 400, "camelCased"},
		{"unknown resource", map[string]any{"resource": "/users"}, 400, "not supported"},
		{"filter", map[string]any{"resource": "/teams/getAllMessages?$filter=x"}, 400, "$filter"},
		{"broken query", map[string]any{"resource": "/teams/getAllMessages?%zz"}, 400, "not well formed"},
		{"no such team", map[string]any{"resource": "/teams/" + elsewhere.ID + "/channels/x/messages"}, 404, "No team"},
		{"no such channel", map[string]any{"resource": "/teams/" + w.team.ID + "/channels/x/messages"}, 404, "No channel"},
		{"no user", map[string]any{"resource": "/me/chats/getAllMessages"}, 400, "delegated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.post("/subscriptions", w.appToken, w.wish(c.change)); got.status != c.status || !strings.Contains(got.text("error", "message"), c.want) {
				t.Errorf("%d %s, want %d %s", got.status, got.raw, c.status, c.want)
			}
		})
	}
	if len(r.asked) != 0 || len(w.sim.Subscriptions()) != 0 {
		t.Errorf("validated %v, made %v", r.asked, w.sim.Subscriptions())
	}
	for name, c := range map[string]struct {
		change map[string]any
		want   time.Duration
	}{
		"short life is moved":      {map[string]any{"expirationDateTime": in(time.Minute)}, 45 * time.Minute},
		"45 minutes":               {map[string]any{"expirationDateTime": in(45 * time.Minute)}, 45 * time.Minute},
		"an hour without URL":      {map[string]any{"expirationDateTime": in(time.Hour), "lifecycleNotificationUrl": nil}, time.Hour},
		"three days":               {map[string]any{"expirationDateTime": in(4320 * time.Minute)}, 72 * time.Hour},
		"without resource data":    {map[string]any{"includeResourceData": nil, "encryptionCertificate": nil, "encryptionCertificateId": nil}, 48 * time.Hour},
		"keys in parentheses":      {map[string]any{"resource": "teams('" + w.team.ID + "')/channels('" + w.general.ID + "')/messages?model=A"}, 48 * time.Hour},
		"all channels":             {map[string]any{"resource": "teams/getallmessages"}, 48 * time.Hour},
		"one kind of change":       {map[string]any{"changeType": "updated"}, 48 * time.Hour},
		"128 characters":           {map[string]any{"clientState": strings.Repeat("x", 128)}, 48 * time.Hour},
		"the same URL for both":    {map[string]any{"lifecycleNotificationUrl": "https://bridge.example/hook"}, 48 * time.Hour},
		"spaces between the kinds": {map[string]any{"changeType": "created, deleted"}, 48 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.post("/subscriptions", w.appToken, w.wish(c.change)).want(t, 201, "")
			if want := w.now().Add(c.want).UTC().Format("2006-01-02T15:04:05.0000000Z"); got.text("expirationDateTime") != want {
				t.Errorf("%s, want %s", got.text("expirationDateTime"), want)
			}
			w.send("DELETE", "/subscriptions/"+got.text("id"), w.appToken, "").want(t, 204, "")
		})
	}
}

func TestWhoMaySubscribeToWhat(t *testing.T) {
	w, _ := hooked(t, teams.Options{})
	chat := w.tenant.AddChat(w.ada, w.bob)
	app := w.tenant.AddApp(teams.AppConfig{Name: "Narrow"})
	rsc := w.tenant.AddApp(teams.AppConfig{Name: "RSC"})
	w.team.GrantRSC(rsc, "ChannelMessage.Read.Group")
	chat.GrantRSC(rsc, "ChatMessage.Read.Chat")
	alone := func(a *teams.App, roles ...string) string { a.SetRoles(roles...); return w.sim.AppToken(a) }
	channel := "/teams/" + w.team.ID + "/channels/" + w.general.ID + "/messages"
	secret := "/teams/" + w.team.ID + "/channels/" + w.secret.ID + "/messages"
	oneChat, adas := "/chats/"+chat.ID+"/messages", "/users/"+w.ada.ID+"/chats/getAllMessages"
	for _, c := range []struct {
		resource, token string
		status          int
	}{
		{channel, alone(app, "ChannelMessage.Read.All"), 201},
		{channel, alone(app, "Group.Read.All", "Group.ReadWrite.All"), 403},
		{channel, alone(app, "Chat.Read.All"), 403},
		{channel, alone(rsc), 201},
		{secret, alone(rsc), 201},
		{"/teams/getAllMessages", alone(rsc), 403},
		{"/teams/getAllMessages", alone(app, "ChannelMessage.Read.All"), 201},
		{channel, w.as(w.bob, "ChannelMessage.Read.All"), 201},
		{channel, w.as(w.bob, "ChannelMessage.ReadWrite"), 403},
		{channel, w.as(w.eve, "ChannelMessage.Read.All"), 403},
		{secret, w.as(w.bob, "ChannelMessage.Read.All"), 403},
		{"/teams/getAllMessages", w.as(w.bob, "ChannelMessage.Read.All"), 403},
		{"/chats/getAllMessages", w.as(w.bob, "Chat.Read"), 403},
		{"/chats/getAllMessages", alone(app, "Chat.Read.All"), 201},
		{"/chats/getAllMessages", alone(app, "Chat.ReadWrite.All"), 403},
		{oneChat, alone(app, "Chat.Read.All"), 201},
		{oneChat, alone(rsc), 201},
		{"/chats/19:none@thread.v2/messages", alone(app, "Chat.Read.All"), 404},
		{oneChat, w.as(w.bob, "Chat.Read"), 201},
		{oneChat, w.as(w.cyd, "Chat.Read"), 403},
		{adas, alone(app, "Chat.Read.All"), 201},
		{adas, alone(app, "Chat.ReadBasic.All"), 403},
		{"/users/nobody/chats/getAllMessages", alone(app, "Chat.Read.All"), 404},
		{adas, w.as(w.ada, "Chat.Read"), 201},
		{adas, w.as(w.bob, "Chat.Read"), 403},
		{"/me/chats/getAllMessages", w.as(w.bob, "Chat.ReadWrite"), 201},
		{"/me/chats/getAllMessages", w.as(w.bob, "ChannelMessage.Read.All"), 403},
	} {
		got := w.post("/subscriptions", c.token, w.wish(map[string]any{"resource": c.resource}))
		if got.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.resource, got.status, got.raw, c.status)
		}
		if got.status == 201 {
			ok(t, w.sim.RemoveSubscription(got.text("id"), false))
		}
	}
	w.post("/subscriptions", "", w.wish(nil)).want(t, 401, "InvalidAuthenticationToken")
}

func TestOneSubscriptionForTheSameCombination(t *testing.T) {
	w, _ := hooked(t, teams.Options{})
	id := w.subscribe(nil)
	again := w.post("/subscriptions", w.appToken, w.wish(map[string]any{
		"changeType": "deleted,created,updated", "resource": "teams('" + w.team.ID + "')/channels('" + w.general.ID + "')/messages",
	})).want(t, 409, "Conflict")
	if want := "Subscription Id " + id + " already exists for the requested combination"; again.text("error", "message") != want {
		t.Error(again.text("error", "message"))
	}
	other := w.tenant.AddApp(teams.AppConfig{Roles: allRoles})
	w.post("/subscriptions", w.sim.AppToken(other), w.wish(nil)).want(t, 201, "")
	w.subscribe(map[string]any{"resource": "/teams/getAllMessages"})
	w.subscribe(map[string]any{"resource": "/teams/getAllMessages", "changeType": "created"}) // another combination
	w.post("/subscriptions", w.appToken, w.wish(map[string]any{"resource": "/teams/getAllMessages", "changeType": "created"})).want(t, 409, "Conflict")
}

func TestQuotas(t *testing.T) {
	w, _ := hooked(t, teams.Options{Subscriptions: teams.SubscriptionLimits{PerUser: 2, PerTenant: 4}})
	bobs := "/users/" + w.bob.ID + "/chats/getAllMessages"
	token := w.sim.AppToken(w.tenant.AddApp(teams.AppConfig{Roles: []string{"Chat.Read.All", "ChannelMessage.Read.All"}}))
	try := func(resource, change string) response {
		return w.post("/subscriptions", token, w.wish(map[string]any{"resource": resource, "changeType": change}))
	}
	try(bobs, "created").want(t, 201, "")
	try(bobs, "updated").want(t, 201, "")
	if r := try(bobs, "deleted").want(t, 403, "Forbidden"); !strings.Contains(r.text("error", "message"), "2 subscriptions per user") {
		t.Error(string(r.raw))
	}
	try("/teams/getAllMessages", "created").want(t, 201, "")
	try("/chats/getAllMessages", "created").want(t, 201, "")
	if r := try("/chats/getAllMessages", "updated").want(t, 403, "Forbidden"); !strings.Contains(r.text("error", "message"), "4 subscriptions of Teams resources per organization") {
		t.Error(string(r.raw))
	}
	other := w.sim.AddTenant("Fabrikam")
	foreign := w.sim.AppToken(other.AddApp(teams.AppConfig{Roles: []string{"Chat.Read.All"}}))
	w.post("/subscriptions", foreign, w.wish(map[string]any{"resource": "/chats/getAllMessages"})).want(t, 201, "")
}

func TestTheEndpointMustAnswerTheHandshake(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	asked := 0
	r.reply = func(rw http.ResponseWriter, q *http.Request, token string) {
		if asked++; asked > 1 {
			http.Error(rw, "no", http.StatusForbidden)
			return
		}
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(rw, token)
	}
	if got := w.post("/subscriptions", w.appToken, w.wish(nil)).want(t, 400, "ValidationError"); !strings.Contains(got.text("error", "message"), "answered 403") {
		t.Error(string(got.raw))
	}
	if n := len(w.sim.Subscriptions()); n != 0 {
		t.Errorf("%d subscriptions", n)
	}
	w.sim.WebhookOutage(0)
	w.post("/subscriptions", w.appToken, w.wish(nil)).want(t, 400, "ValidationError")
	w.sim.EndWebhookOutage()
	r.mu.Lock()
	r.reply = nil
	r.mu.Unlock()
	id := w.subscribe(nil)
	if s := w.sim.WebhookStats(); s.Handshakes != 5 || s.HandshakesFailed != 2 {
		t.Errorf("%+v", s)
	}
	// Other requests go on while an endpoint thinks, and the same subscription may come in between.
	w.send("DELETE", "/subscriptions/"+id, w.appToken, "").want(t, 204, "")
	first := true
	r.mu.Lock()
	r.reply = func(rw http.ResponseWriter, q *http.Request, token string) {
		if first {
			first = false
			w.subscribe(nil)
		}
		rw.Header().Set("Content-Type", "text/plain")
		io.WriteString(rw, token)
	}
	r.mu.Unlock()
	w.post("/subscriptions", w.appToken, w.wish(nil)).want(t, 409, "Conflict")
}

func TestSubscriptionsAreListedByPage(t *testing.T) {
	w, _ := hooked(t, teams.Options{EmptyPageEvery: 2})
	var want []string
	for n := range 12 {
		c := w.team.AddChannel(fmt.Sprint("C", n))
		want = append(want, w.subscribe(map[string]any{"resource": "/teams/" + w.team.ID + "/channels/" + c.ID + "/messages"}))
	}
	other := w.sim.AppToken(w.tenant.AddApp(teams.AppConfig{Roles: allRoles}))
	w.post("/subscriptions", other, w.wish(nil)).want(t, 201, "")
	ada, bob := w.as(w.ada), w.as(w.bob)
	adas := w.post("/subscriptions", ada, w.wish(nil)).want(t, 201, "").text("id")
	list := func(token string) (ids []string, pages int) {
		r := w.get("/subscriptions", token).want(t, 200, "")
		for {
			pages++
			ids = append(ids, r.ids()...)
			if len(r.ids()) > 5 || r.json("value", 0) != nil && r.json("value", 0, "clientState") != nil {
				t.Errorf("page: %s", r.raw)
			}
			next := r.text("@odata.nextLink")
			if next == "" {
				return ids, pages
			}
			r = w.get(next, token).want(t, 200, "")
		}
	}
	ids, pages := list(w.appToken)
	if d := cmp.Diff(append(slices.Clone(want), adas), ids); d != "" || pages < 4 {
		t.Errorf("%d pages, %s", pages, d)
	}
	for name, c := range map[string]struct {
		token string
		want  []string
	}{
		"who made it":             {ada, []string{adas}},
		"somebody else":           {bob, nil},
		"with the permission":     {w.as(w.bob, "Subscription.Read.All"), append(slices.Clone(want), adas)},
		"the same, anew":          {w.as(w.ada), []string{adas}},
		"another app, on its own": {other, nil},
	} {
		ids, _ := list(c.token)
		if name == "another app, on its own" {
			if len(ids) != 1 || slices.Contains(want, ids[0]) {
				t.Errorf("%s: %v", name, ids)
			}
			continue
		}
		if d := cmp.Diff(c.want, ids, cmp.Transformer("none", func(l []string) string { return strings.Join(l, " ") })); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	path := "/subscriptions/" + adas
	renewal := `{"expirationDateTime":"` + w.now().Add(time.Hour).Format(time.RFC3339Nano) + `"}`
	w.get(path, w.as(w.bob, "Subscription.Read.All")).want(t, 200, "")
	w.get(path, w.appToken).want(t, 200, "")
	w.get(path, bob).want(t, 404, "ResourceNotFound")
	w.get(path, other).want(t, 404, "")
	w.send("PATCH", path, w.appToken, renewal).want(t, 403, "Forbidden")
	w.send("PATCH", path, w.as(w.ada, "User.Read"), renewal).want(t, 403, "Forbidden")
	w.send("DELETE", path, bob, "").want(t, 404, "")
	w.send("PATCH", path, ada, renewal).want(t, 200, "")
	w.send("PUT", path, ada, renewal).want(t, 405, "")
	w.get("/subscriptions?$top=3", w.appToken).want(t, 400, "")
}

func TestRenewal(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	id := w.subscribe(nil)
	path := "/subscriptions/" + id
	patch := func(change map[string]any) response {
		text, err := json.Marshal(change)
		ok(t, err)
		return w.send("PATCH", path, w.appToken, string(text))
	}
	in := func(d time.Duration) string { return w.now().Add(d).Format(time.RFC3339Nano) }
	w.clock.Add(time.Hour / 2)
	if got := patch(map[string]any{"expirationDateTime": in(72 * time.Hour)}).want(t, 200, ""); got.text("expirationDateTime") != w.now().Add(72*time.Hour).UTC().Format("2006-01-02T15:04:05.0000000Z") {
		t.Error(string(got.raw))
	}
	rotated := newCertificate(w.now().Add(time.Hour))
	for _, c := range []struct {
		change map[string]any
		want   string
	}{
		{map[string]any{}, "required to update"},
		{map[string]any{"encryptionCertificate": rotated.text, "encryptionCertificateId": "key-2"}, "required to update"},
		{map[string]any{"expirationDateTime": in(time.Hour), "encryptionCertificate": rotated.text}, "encryptionCertificateId"},
		{map[string]any{"expirationDateTime": in(time.Hour), "encryptionCertificateId": "key-2"}, "encryptionCertificate "},
		{map[string]any{"expirationDateTime": in(73 * time.Hour)}, "4320"},
		{map[string]any{"expirationDateTime": in(time.Hour), "clientState": "new"}, "'clientState'"},
		{map[string]any{"expirationDateTime": in(time.Hour), "lifecycleNotificationUrl": "https://bridge.example/x"}, "'lifecycleNotificationUrl'"},
		{map[string]any{"notificationUrl": "http://bridge.example/x"}, "https"},
	} {
		if got := patch(c.change).want(t, 400, ""); !strings.Contains(got.text("error", "message"), c.want) {
			t.Errorf("%v: %s", c.change, got.raw)
		}
	}
	asked := len(r.asked)
	patch(map[string]any{"expirationDateTime": in(time.Hour), "encryptionCertificate": rotated.text, "encryptionCertificateId": "key-2"}).want(t, 200, "")
	patch(map[string]any{"notificationUrl": "https://bridge.example/hook"}).want(t, 200, "") // the same one
	if len(r.asked) != asked {
		t.Error("validated without a new URL")
	}
	patch(map[string]any{"notificationUrl": "https://bridge.example/moved"}).want(t, 200, "")
	if sub := w.sim.Subscriptions()[0]; len(r.asked) != asked+1 || sub.NotificationURL != "https://bridge.example/moved" || sub.CertificateID != "key-2" {
		t.Errorf("%+v, validated %v", sub, r.asked)
	}
	w.sim.WebhookOutage(503)
	patch(map[string]any{"notificationUrl": "https://bridge.example/never"}).want(t, 400, "ValidationError")
	w.sim.EndWebhookOutage()
	w.say(w.bob, "x")
	w.delivered()
	last := r.all()[len(r.all())-1]
	if it := last.body.Value[0]; last.path != "/moved" || it.Encrypted.CertificateID != "key-2" {
		t.Errorf("%s", last.raw)
	}
	r.mu.Lock()
	r.reply = func(rw http.ResponseWriter, q *http.Request, token string) {
		ok(t, w.sim.RemoveSubscription(id, false))
		rw.Header().Set("Content-Type", "text/plain")
		io.WriteString(rw, token)
	}
	r.mu.Unlock()
	patch(map[string]any{"notificationUrl": "https://bridge.example/gone"}).want(t, 404, "ResourceNotFound")
	patch(map[string]any{"expirationDateTime": in(time.Hour)}).want(t, 404, "ResourceNotFound")
}

func TestPatchAndReauthorizeDoNotMix(t *testing.T) {
	w, _ := hooked(t, teams.Options{})
	path := "/subscriptions/" + w.subscribe(nil)
	renewal := `{"expirationDateTime":"` + w.now().Add(40*time.Hour).Format(time.RFC3339Nano) + `"}`
	before := w.sim.Subscriptions()[0].Expires
	w.send("POST", path+"/reauthorize", w.appToken, "").want(t, 204, "")
	if got := w.sim.Subscriptions()[0].Expires; !got.Equal(before) {
		t.Errorf("reauthorize moved the end to %v", got)
	}
	w.send("PATCH", path, w.appToken, renewal).want(t, 400, "InvalidRequest")
	w.clock.Add(10 * time.Minute)
	w.send("PATCH", path, w.appToken, renewal).want(t, 200, "")
	w.send("PATCH", path, w.appToken, renewal).want(t, 200, "")
	w.send("POST", path+"/reauthorize", w.appToken, "").want(t, 400, "InvalidRequest")
	w.clock.Add(10 * time.Minute)
	w.send("POST", path+"/reauthorize", w.appToken, "").want(t, 204, "")
}

func TestSubscriptionsWorkInABatch(t *testing.T) {
	w, _ := hooked(t, teams.Options{})
	body := func(id, url string) string {
		return `{"id":"` + id + `","method":"POST","url":"/subscriptions","headers":{"Content-Type":"application/json"},"body":` + w.wish(map[string]any{"resource": url}) + `}`
	}
	_, byID := w.batch(w.appToken, body("1", "/teams/getAllMessages"), body("2", "/teams/getAllMessages"))
	if byID["1"]["status"] != 201.0 || byID["2"]["status"] != 409.0 {
		t.Errorf("%+v", byID)
	}
}
