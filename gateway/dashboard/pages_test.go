package dashboard

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
)

func TestOverviewShowsWhatIsWrongFirst(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	s.say("m1", "a word")
	s.wants(s.page("/"), "<h1 class=\"verdict bad\">1 problem</h1>", "nobody has signed in", "run: causeway login right.two", "for 5 min", "main/town", "both ways",
		`aria-label="1 message in 24 hours`, `<td role="cell" class="num" data-label="Waiting">2</td>`)
	s.status.Problems = nil
	s.wants(s.page("/"), `<h1 class="verdict well">All is well</h1>`)
	s.status.Instances = []gateway.Instance{{Name: "one (process 7)", Since: s.status.Since, Active: true, Conversations: 2}, {Name: "two (process 8)", Since: s.status.Since, Conversations: 1}, {Name: "three (process 9)", Since: s.status.Since}}
	s.wants(s.page("/"), `one (process 7)</td><td role="cell" data-label="Does"><span class="state well">delivers to 2 conversations, and does everything else</span>`,
		`two (process 8)</td><td role="cell" data-label="Does"><span class="state ">delivers to 1 conversation, and stands by</span>`, `three (process 9)</td><td role="cell" data-label="Does"><span class="state ">stands by</span>`)
	s.wants(s.page("/?q=nothing"), "No gateway holds “nothing”.")
	s.status.People = gateway.PeopleStatus{Connected: 5, Asked: 2, Preferred: map[bridge.AccountName]int{"right.two": 3, "left.one": 1}}
	s.wants(s.page("/"), `<a href="people">5</a> <small>connected, 2 asked; notified 1 in left.one, 3 in right.two</small>`)
}

func TestGatewaysInTroubleComeFirstAndInPages(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	one := s.status.Gateways[0]
	s.status.Gateways = nil
	for range 2*pageRows - 1 {
		s.status.Gateways = append(s.status.Gateways, gateway.GatewayStatus{Name: "quiet", Conversations: one.Conversations[:1]})
	}
	s.status.Gateways = append(s.status.Gateways, one)
	first, last := s.page("/"), s.page("/?page=2")
	if strings.Count(first, "rowheader") != pageRows || strings.Count(last, "rowheader") != pageRows || strings.Index(first, ">town<") > strings.Index(first, ">quiet<") || strings.Contains(last, ">town<") {
		t.Error("the pages do not hold what they should")
	}
	s.wants(first, "100 gateways, page 1 of 2")
}

// TestAMessageIsFoundAndItsJourneyShown by link, id, author and time; and no text, unless the config wants it.
func TestAMessageIsFoundAndItsJourneyShown(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	s.say("root1/m1", "a <secret> word")
	for _, path := range []string{"/messages?q=root1/m1", "/messages?q=https://teams.example/l/message/19:x/m1%3FtenantId%3Dx", "/messages?q=" + "https%3A%2F%2Fteams.example%2Fl%2Fmessage%2F19%3Ax%2Fm1%3FparentMessageId%3Droot1"} {
		w := s.ask(ask{path: path})
		if found := strings.Contains(path, "parent") || strings.HasSuffix(path, "root1/m1"); found != (w.Code == http.StatusSeeOther && w.Header().Get("Location") == "message?id=1") {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Location"))
		}
	}
	s.wants(s.page("/messages?author=ann"), "1 message found", `href="message?id=1"`, "waiting")
	s.wants(s.page("/messages?author=eve"), "0 messages found")
	s.wants(s.page("/messages?from=2001-01-01T00:00&to=2001-01-02T00:00"), "0 messages found")
	s.wants(s.page("/messages?from=yesterday"), "is not a time")
	page := s.page("/message?id=1")
	s.wants(page, "message=1</code>", "left.one main/town", "right.two Contoso/General", "waiting to be posted", "Ann &lt;b&gt;", "Texts are shown only with ShowText = true")
	if strings.Contains(page, "secret") {
		t.Error("the text is shown")
	}
	s.refuse("too <long>")
	s.wants(s.page("/message?id=1"), "in quarantine", "too &lt;long&gt;", `href="confirm?do=retry&amp;id=2"`)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.Local)
	if _, err := s.store.Note(t.Context(), general, []*store.Outcome{{Work: &store.Work{}, Failed: []store.Failure{{Instance: 2, Kind: "transient", Reason: "<503>", Since: at, Last: at.Add(time.Minute), Times: 7}}}}); err != nil {
		t.Fatal(err)
	}
	s.wants(s.page("/message?id=1"), "What has failed before", "<li>2030-01-02 03:04:05 to 03:05:05, 7 times: &lt;503&gt; (transient)</li>")
	s.o.Settings.ShowText = true
	s.wants(s.page("/message?id=1"), "a &lt;secret&gt; word")
}

// TestAnAuthorIsFoundWhoHasNotConnected by what their service says; where it cannot be asked, the page does not say that nothing was read.
func TestAnAuthorIsFoundWhoHasNotConnected(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	s.say("m1", "a word")
	const unread = "Causeway has not read such a message"
	s.users = map[string]store.User{"ann.lee": {Server: town.Server, User: "ann"}}
	s.wants(s.page("/messages?author=@ann.lee"), "1 message found", `href="message?id=1"`)
	s.wants(s.page("/messages?author=eve"), "0 messages found", unread)
	s.deaf = errors.New("looking for ann.lee in Left: the service is down")
	page := s.page("/messages?author=ann.lee")
	s.wants(page, "0 messages found", "Looking for ann.lee in Left: the service is down. What they have said is found by their id only")
	if strings.Contains(page, unread) {
		t.Error("it says what it cannot know")
	}
}

func TestAWaitingMessageSaysHowOftenItWasTried(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	s.say("m1", "a word")
	s.wants(s.page("/message?id=1"), "others are before it in this conversation")
	last := s.status.At.Add(-time.Minute)
	s.attempt = &gateway.Attempt{Instance: 2, Times: 3, Last: last, Trouble: gateway.Trouble{Text: "the service answers 503", Next: "wait", Since: last.Add(-time.Hour)}}
	s.status.Gateways[0].Conversations[1].Writing = &gateway.Trouble{Text: "something else"}
	s.wants(s.page("/message?id=1"), "the service answers 503 (tried 3 times since Causeway was started, last at "+last.Local().Format(time.DateTime)+") <span class=\"soft\">for 61 min</span>")
	s.attempt.Instance = 4
	s.wants(s.page("/message?id=1"), "what is before it in this conversation fails: something else")
}

func TestWhenSomethingWasSaidLastIsShownHoweverLongAgo(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	at := time.Now().Add(-73 * time.Hour)
	b := bridge.Batch{Conversation: town, Cursor: "1", Begin: at.Add(-time.Hour), States: []bridge.State{{Conversation: town, ID: "old", Author: bridge.Author{ID: "ann"}, Created: at, Revision: 1, Text: richtext.Plain("a word")}}}
	if _, err := s.store.Put(t.Context(), b, store.Routes{Targets: []bridge.ConversationID{general}, Own: func(bridge.UserID) bool { return false }}); err != nil {
		t.Fatal(err)
	}
	next, err := s.store.Advance(t.Context(), general, nil, 1, func(w *store.Work) store.Step {
		return store.Step{Op: store.Post, Draft: bridge.Draft{Conversation: general, Text: w.Message.Body.Text}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.Advance(t.Context(), general, []*store.Outcome{{Work: next.Work, Step: next.Step, IDs: []bridge.MessageID{"p1"}}}, 1, func(*store.Work) store.Step { return store.Step{} }); err != nil {
		t.Fatal(err)
	}
	s.wants(s.page("/"), `<td role="cell" class="num" data-label="Said">0</td><td role="cell" data-label="Last said">3 days ago</td>`)
}

func TestButtonsDoWhatTheySayAndAreKeptInTheAuditLog(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	for _, id := range []string{"m1", "m2"} {
		s.say(id, "a word")
		s.refuse("not allowed")
	}
	s.wants(s.page("/quarantine"), "not allowed", `href="confirm?do=drop&amp;id=4"`)
	s.wants(s.press("/confirm?do=retry&id=2"), "Message 2 is sent again to right.two Contoso/General.")
	s.wants(s.press("/confirm?do=drop&id=4"), "Message 4 is given up", "Nothing is in quarantine.")
	s.wants(s.press("/confirm?do=drop&id=4"), "not in quarantine")
	s.wants(s.press("/confirm?do=renew&account=right.two"), "are being renewed")
	s.wants(s.press("/confirm?do=disconnect&name=ann"), "ann: done for dashboard on this machine")
	s.wants(s.press("/confirm?do=connect&name=ann&other=right.two:ben"), "done for")
	s.wants(s.press("/confirm?do=disallow&name=ann&other=ben"), "that makes no sense")
	s.wants(s.press("/confirm?do=platform&name=ann&platform=right.two"), "done for")
	s.wants(s.press("/confirm?do=sync&mode=look&agreed="), "done for")
	s.wants(s.press("/confirm?do=sync&mode=&agreed=7&agree=1"), "done for")
	want := []people.Order{{Act: "disconnect", Names: []string{"ann"}}, {Act: "connect", Names: []string{"ann", "right.two:ben"}}, {Act: "disallow", Names: []string{"ann", "ben"}},
		{Act: "platform", Names: []string{"ann", "right.two"}}, {Act: "sync", DryRun: true}, {Act: "sync", Confirm: 7}}
	if diff := cmp.Diff(want, s.orders); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
	kept, err := s.store.Audit(t.Context(), 0, 10)
	var got []store.Audited
	for _, a := range kept {
		a.ID, a.At = 0, time.Time{}
		got = append(got, a)
	}
	who := "dashboard on this machine"
	if diff := cmp.Diff([]store.Audited{
		{Who: who, Act: "renew", About: "right.two", Result: "The subscriptions of right.two are being renewed."},
		{Who: who, Act: "drop", About: "message 4", Result: "message 4: not in quarantine: `causeway quarantine list` shows what is", Failed: true},
		{Who: who, Act: "drop", About: "message 4", Result: "Message 4 is given up: it will not arrive in right.two Contoso/General."},
		{Who: who, Act: "retry", About: "message 2", Result: "Message 2 is sent again to right.two Contoso/General."},
	}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	s.wants(s.page("/audit"), "Message 4 is given up", "not done")
}

func TestButtonsThatMakeNoSenseAreRefused(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	for path, want := range map[string]int{"/confirm": 404, "/confirm?do=rm": 404, "/confirm?do=invite": 400, "/confirm?do=invite&name=a%0Ab": 400,
		"/confirm?do=invite&name=" + strings.Repeat("x", mostTyped+1): 400, "/confirm?do=sync&agree=1&agreed=": 400} {
		if got := s.ask(ask{path: path}).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestPeopleAndSubscriptionsAreShown(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	end := func(server bridge.ServerID, a bridge.AccountName, u bridge.UserID) store.End {
		return store.End{Identity: store.Identity{Account: a, Server: server, User: u, Name: "Ann Chen", Username: string(u), Email: "ann@example.com"}}
	}
	if _, err := s.store.Connect(t.Context(), "", [2]store.End{end(town.Server, "left.one", "ann"), end(general.Server, "right.two", "7")}, 0); err != nil {
		t.Fatal(err)
	}
	s.wants(s.page("/people"), "Ann Chen", "@ann", "ann@example.com", `href="confirm?do=disconnect&amp;name=left.one%3Aann"`, "Who was asked to connect")
	s.wants(s.page("/people?q=ANN"), "Ann Chen")
	s.wants(s.page("/confirm?do=disconnect&name=left.one:ann"), "<h1>Disconnect Ann Chen (left.one:ann)?</h1>", `name="name" value="left.one:ann"`)
	s.wants(s.page("/people?q=eve"), "Nobody who is known is called that.")

	for from, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200} {
		if w := s.ask(ask{path: "/people.csv", header: map[string]string{"Sec-Fetch-Site": from}}); w.Code != want {
			t.Errorf("the list for %s: %d %s", from, w.Code, w.Body)
		}
	}
	file := s.ask(ask{path: "/people.csv"})
	if file.Code != http.StatusOK || file.Header().Get("Content-Type") != "text/csv; charset=utf-8" || file.Body.String() != "person,state\n" {
		t.Errorf("%d %v %s", file.Code, file.Header(), file.Body)
	}
	if kept := s.kept(); len(kept) != 3 || kept[0].Act != "people export" { // nothing of those refused
		t.Errorf("the audit log: %+v", kept)
	}

	s.wants(s.page("/subscriptions"), "left.one has none.")
	now := s.status.At
	s.subs = []gateway.Subscription{{Account: "right.two", Subscription: bridge.Subscription{What: "chats of 7", Trouble: "not allowed", Next: now.Add(5 * time.Minute)}},
		{Account: "right.two", Subscription: bridge.Subscription{What: "channel", Conversation: general, Alive: true, Since: now.Add(-time.Hour), Ends: now.Add(50 * time.Minute)}}}
	s.wants(s.page("/subscriptions"), "1 of 2 alive.", "not allowed", "right.two Contoso/General", "50 min", `href="confirm?account=right.two&amp;do=renew"`)
}

// TestListenersAreToldOfChanges, and let go when all ends.
func TestListenersAreToldOfChanges(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	server := httptest.NewServer(s)
	defer server.Close()
	resp, err := http.Get(server.URL + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	until := func(want string) {
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("the stream has ended before %q: %v", want, lines.Err())
	}
	until("retry: 3000")
	if err := s.store.Record(t.Context(), store.Audited{Act: "something"}); err != nil {
		t.Fatal(err)
	}
	// The first look may have seen it; then another thing must happen for news.
	go func() {
		for n := 0; ctx.Err() == nil; n++ {
			_ = s.store.Record(ctx, store.Audited{Act: "more"})
			time.Sleep(100 * time.Millisecond)
		}
	}()
	until("event: changed")
	stop()
	<-ended
	for lines.Scan() { // it ends
	}
	if s.live.join() == nil {
		t.Error("nobody may listen any more")
	}
}

func TestSoManyMayListen(t *testing.T) {
	l := newLive()
	var all []chan struct{}
	for range mostListeners {
		all = append(all, l.join())
	}
	if l.join() != nil {
		t.Error("more may listen")
	}
	l.leave(all[0])
	if l.join() == nil {
		t.Error("a place that was given back is not free")
	}
}

func TestCandidates(t *testing.T) {
	for text, want := range map[string][]string{
		" abc ":                             {"abc"},
		"https://mm.example/main/pl/abcdef": {"abcdef", "pl", "main"},
		"https://teams.example/l/message/19%3Ax%40thread.tacv2/17?tenantId=t&parentMessageId=16": {"16/17", "17", "19:x@thread.tacv2", "message", "l"},
		"https://teams.example/l/message/19%3Ax/16?parentMessageId=16":                           {"16", "19:x", "message", "l"},
		"https://x": nil,
	} {
		if diff := cmp.Diff(want, Candidates(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// BenchmarkOverview shows the first page of 1,000 gateways, what is asked of the gateway left out: go test ./gateway/dashboard -run '^$' -bench Overview
func BenchmarkOverview(b *testing.B) {
	s := newStage(b, config.Dashboard{}, "")
	one := s.status.Gateways[0]
	for range 999 {
		s.status.Gateways = append(s.status.Gateways, one)
	}
	for b.Loop() {
		s.page("/")
	}
}
