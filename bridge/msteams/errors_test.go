package msteams

import (
	"context"
	"errors"
	"fmt"
	"net"
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

const (
	channelMessages = "/teams/{id}/channels/{id}/messages"
	oneMessage      = channelMessages + "/{id}"
)

// TestEveryStatusHasItsVerdict walks through the whole table, and every further status that Graph documents: for reads,
// for each kind of write, and for items of a batch that was answered 200.
func TestEveryStatusHasItsVerdict(t *testing.T) {
	const (
		transient    = bridge.Transient
		throttled    = bridge.Throttled
		uncertain    = bridge.Uncertain
		unauthorised = bridge.Unauthorised
		gone         = bridge.Gone
		rejected     = bridge.Rejected
		unsupported  = bridge.Unsupported
	)
	walked := map[int]bool{}
	for _, c := range []struct {
		status      int
		after       time.Duration
		read, write bridge.Kind
	}{
		{status: 300, read: transient, write: uncertain}, {status: 301, read: transient, write: uncertain}, {status: 302, read: transient, write: uncertain},
		{status: 400, read: rejected, write: rejected}, {status: 401, read: unauthorised, write: unauthorised}, {status: 402, read: unauthorised, write: unauthorised},
		{status: 403, read: unauthorised, write: unauthorised}, {status: 404, read: gone, write: gone}, {status: 405, read: unsupported, write: unsupported},
		{status: 406, read: rejected, write: rejected}, {status: 408, read: transient, write: uncertain}, {status: 409, read: transient, write: transient},
		{status: 410, read: gone, write: gone}, {status: 411, read: rejected, write: rejected}, {status: 412, read: transient, write: transient},
		{status: 413, read: rejected, write: rejected}, {status: 415, read: rejected, write: rejected}, {status: 416, read: rejected, write: rejected},
		{status: 418, read: rejected, write: rejected}, {status: 422, read: rejected, write: rejected}, {status: 423, read: transient, write: transient},
		{status: 424, read: transient, write: transient}, {status: 425, read: transient, write: transient},
		{status: 429, read: throttled, write: throttled}, {status: 429, after: 7 * time.Second, read: throttled, write: throttled},
		{status: 500, read: transient, write: uncertain}, {status: 501, read: unsupported, write: unsupported}, {status: 502, read: transient, write: uncertain},
		{status: 503, read: transient, write: uncertain}, {status: 503, after: 7 * time.Second, read: throttled, write: throttled},
		{status: 504, read: transient, write: uncertain}, {status: 507, read: transient, write: uncertain},
		{status: 509, read: throttled, write: throttled}, {status: 509, after: 7 * time.Second, read: throttled, write: throttled},
		{status: 599, read: transient, write: uncertain},
	} {
		walked[c.status] = true
		synctest.Test(t, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{})
			a := w.connected()
			said, err := w.sim.Say(w.alice, w.general, "<p>x</p>")
			w.do(err)
			target := bridge.Target{Conversation: w.id(w.general), ID: bridge.MessageID(said)}
			p, err := a.messagePlace(target.Conversation, target.ID)
			w.do(err)
			w.sim.Inject(teams.Fault{Where: isItem, Times: -1, Status: c.status, RetryAfter: c.after})
			w.sim.Inject(teams.Fault{Where: isWrite, Times: -1, Status: c.status, RetryAfter: c.after})
			judged := func(what string, err error, want bridge.Kind, doing string) {
				t.Helper()
				scope, after := bridge.ScopeConversation, time.Duration(0)
				if c.status == http.StatusUnauthorized || c.status == http.StatusPaymentRequired {
					scope = bridge.ScopeAccount
				}
				if want == throttled {
					if after = c.after; after == 0 {
						after = waitWhenUntold
					}
				}
				if err == nil || bridge.KindOf(err) != want || bridge.ScopeOf(err) != scope || bridge.AfterOf(err) != after {
					t.Errorf("%s that is answered %d is %v (scope %d, after %v), want %v (%d, %v): %v", what, c.status, bridge.KindOf(err), bridge.ScopeOf(err), bridge.AfterOf(err), want, scope, after, err)
				}
				if err != nil && (!strings.Contains(err.Error(), fmt.Sprint(c.status)) || !strings.HasPrefix(err.Error(), doing+": ")) {
					t.Errorf("the error %q does not say what was done and what was answered", err)
				}
				time.Sleep(c.after + waitWhenUntold)
			}
			for what, do := range map[string]struct {
				doing string
				do    func() error
			}{
				"a post": {"posting a message", func() error { _, err := a.Post(t.Context(), w.draft("once")); return err }},
				"a reply": {"posting a reply", func() error {
					d := w.draft("once")
					d.Root = target.ID
					_, err := a.Post(t.Context(), d)
					return err
				}},
				"an edit": {"editing a message", func() error {
					b, _ := body(t.Context(), w.draft("once"), nil)
					return a.relay.perform(t.Context(), opEdit, p, b)
				}},
				"a deletion":    {"deleting a message", func() error { return a.relay.perform(t.Context(), opDelete, p, nil) }},
				"a reaction":    {"reacting to a message", func() error { return a.React(t.Context(), target, "👍", true) }},
				"an unreaction": {"taking back a reaction to a message", func() error { return a.React(t.Context(), target, "👍", false) }},
			} {
				before := w.wire.attempts()
				judged(what, do.do(), c.write, do.doing)
				if n := w.wire.attempts() - before; n != 1 {
					t.Errorf("%s that is answered %d was tried %d times", what, c.status, n)
				}
			}
			_, err = a.Find(t.Context(), w.draft("once"), time.Now())
			judged("a read", err, c.read, "reading a channel")
			items, _, err := a.app.batch(t.Context(), opThreads, []place{p})
			w.do(err)
			judged("an item of a batch", items[0].err, c.read, "reading a channel")
		})
	}
	for status := range verdicts {
		if !walked[status] {
			t.Errorf("the table has %d, which was not walked through", status)
		}
	}
}

// TestABatchThatFailsAsAWhole: also with 424, when items of it were throttled.
func TestABatchThatFailsAsAWhole(t *testing.T) {
	for status, want := range map[int]bridge.Kind{424: bridge.Transient, 429: bridge.Throttled, 400: bridge.Rejected, 503: bridge.Transient, 401: bridge.Unauthorised} {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		w.sim.Inject(teams.Fault{Template: "/$batch", Status: status})
		if _, _, err := a.app.batch(t.Context(), opThreads, []place{{team: w.team.ID, channel: w.general.ID}}); err == nil || bridge.KindOf(err) != want {
			t.Errorf("%d: %v (%v), want %v", status, err, bridge.KindOf(err), want)
		}
	}
}

// TestARefusedItemRenewsTheToken as a refused call does.
func TestARefusedItemRenewsTheToken(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	before := a.app.tokens.now().token
	w.sim.Inject(teams.Fault{Where: isItem, Status: 401})
	if _, _, err := a.app.batch(t.Context(), opThreads, []place{{team: w.team.ID, channel: w.general.ID}}); err != nil {
		t.Fatal(err)
	}
	if now, err := a.app.tokens.get(t.Context()); err != nil || now == before {
		t.Errorf("the token was not renewed (%v)", err)
	}
}

// TestFailuresNameWhereTheyHappened: by what Microsoft's people find the call.
func TestFailuresNameWhereTheyHappened(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	seen := &noted{next: w.wire.next}
	w.wire.next = seen
	_, err := a.Post(t.Context(), w.draft("x"))
	var e *bridge.Error
	if !errors.As(err, &e) || e.Trace != `request-id 1-2-3, x-ms-ags-diagnostic {"ServerInfo":{"DataCenter":"West Europe"}}` || strings.Contains(bridge.Cause(err), "West Europe") {
		t.Errorf("got %v", err)
	}
	_, _ = a.Find(t.Context(), w.draft("x"), time.Now())
	ids := slices.Clone(seen.ids)
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 || slices.ContainsFunc(ids, func(id string) bool { return !guid.MatchString(id) }) { // the channel's members are asked for before the post
		t.Errorf("client-request-id were %q, want a GUID of its own for each request", seen.ids)
	}
}

// noted refuses everything, and notes the ids.
type noted struct {
	next http.RoundTripper
	ids  []string
}

func (n *noted) RoundTrip(r *http.Request) (*http.Response, error) {
	n.ids = append(n.ids, r.Header.Get("client-request-id"))
	return &http.Response{StatusCode: 400, Body: http.NoBody, Request: r, Header: http.Header{
		"Request-Id": {"1-2-3"}, "X-Ms-Ags-Diagnostic": {`{"ServerInfo":{"DataCenter":"West Europe"}}`},
	}}, nil
}

// TestOneCallForEachWrite, but for a deletion, which is looked at first.
func TestOneCallForEachWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		root, err := a.Post(t.Context(), w.draft("root"))
		w.do(err)
		reply := w.draft("reply")
		reply.Root = root
		replied, err := a.Post(t.Context(), reply)
		w.do(err)
		for _, id := range []bridge.MessageID{root, replied} {
			target := bridge.Target{Conversation: w.id(w.general), ID: id}
			for _, c := range []struct {
				name  string
				calls int
				do    func() error
			}{
				{"post", 1, func() error { _, err := a.Post(t.Context(), w.draft("x")); return err }},
				{"reply", 1, func() error { _, err := a.Post(t.Context(), reply); return err }},
				{"edit", 1, func() error { return a.Edit(t.Context(), id, w.draft("y")) }},
				{"react", 1, func() error { return a.React(t.Context(), target, "👍", true) }},
				{"unreact", 1, func() error { return a.React(t.Context(), target, "👍", false) }},
				{"delete", 2, func() error { return a.Delete(t.Context(), target) }},
			} {
				w.sim.ResetRequests()
				w.do(c.do())
				if n := len(w.sim.Requests()); n != c.calls {
					t.Errorf("%s of %s took %d calls, want %d: %+v", c.name, id, n, c.calls, w.sim.Requests())
				}
			}
		}
	})
}

// draft is something to post in General.
func (w *simWorld) draft(text string) bridge.Draft {
	return bridge.Draft{
		Conversation: w.id(w.general), Author: bridge.Author{Name: "Carla Fremd"}, Text: richtext.Plain(text), Key: "a-key_1",
	}
}

func TestRetryAfterSaysHowLongAndForWhat(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	type verdict struct {
		Kind  bridge.Kind
		Scope bridge.Scope
		After time.Duration
	}
	c := &client{tokens: newTokens("", nil), called: bridge.Env{}.Called}
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		want   verdict
	}{
		{"whole seconds", 429, header("Retry-After", "7"), verdict{bridge.Throttled, bridge.ScopeConversation, 7 * time.Second}},
		{"a fraction", 429, header("Retry-After", "2.128"), verdict{bridge.Throttled, bridge.ScopeConversation, 2128 * time.Millisecond}},
		{"a date", 429, header("Retry-After", now.Add(30*time.Second).Format(http.TimeFormat)), verdict{bridge.Throttled, bridge.ScopeConversation, 30 * time.Second}},
		{"nothing", 429, header(), verdict{bridge.Throttled, bridge.ScopeConversation, waitWhenUntold}},
		{"nonsense", 429, header("Retry-After", "soon"), verdict{bridge.Throttled, bridge.ScopeConversation, waitWhenUntold}},
		{"negative", 429, header("Retry-After", "-5"), verdict{bridge.Throttled, bridge.ScopeConversation, waitWhenUntold}},
		{"for the app", 429, header("Retry-After", "3", "x-ms-throttle-scope", "Tenant_Application/ReadWrite/9a3d526c/4b1d"), verdict{bridge.Throttled, bridge.ScopeAccount, 3 * time.Second}},
		{"for the channel", 429, header("Retry-After", "3", "x-ms-throttle-scope", "Resource/Read/9a3d526c/4b1d"), verdict{bridge.Throttled, bridge.ScopeConversation, 3 * time.Second}},
		{"out of order with a time", 503, header("Retry-After", "9"), verdict{bridge.Throttled, bridge.ScopeConversation, 9 * time.Second}},
	} {
		err := c.failed(t.Context(), opPost, readAnswer(test.status, test.header, nil, now))
		got := verdict{bridge.KindOf(err), bridge.ScopeOf(err), bridge.AfterOf(err)}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestErrorsTellWhatGraphSaidAndNoToken(t *testing.T) {
	body := `{"error":{"code":"Forbidden","message":"The token tok3n may not","innererror":{"code":"AclCheckFailed","request-id":"11-22"}}}`
	e := readAnswer(403, http.Header{}, []byte(body), time.Now(), "tok3n")
	if want := "Graph answered 403 AclCheckFailed: The token … may not"; e.Error() != want || e.request != "11-22" {
		t.Errorf("got %q with request id %q, want %q", e, e.request, want)
	}
	long := readAnswer(400, http.Header{"Request-Id": {"33"}}, []byte(`{"error":{"message":"`+strings.Repeat("ü", 1000)+`"}}`), time.Now())
	if len([]rune(long.message)) != longestMessage+1 || long.request != "33" {
		t.Errorf("a long message has %d characters, request id %q", len([]rune(long.message)), long.request)
	}
	if e := readAnswer(502, http.Header{}, []byte("<html>Bad Gateway</html>"), time.Now()); e.Error() != "Graph answered 502" {
		t.Errorf("an answer that is no JSON is %q", e)
	}
}

// TestMissingPermissionsAreNamed: the token answer of a user names its permissions.
func TestMissingPermissionsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		g := a.relay.tokens.now()
		g.scopes = slices.DeleteFunc(slices.Clone(g.scopes), func(s string) bool { return s == sendMessages })
		a.relay.tokens.set(g)
		w.sim.Inject(teams.Fault{Template: channelMessages, Status: 403})
		_, err := a.Post(t.Context(), w.draft("x"))
		if bridge.KindOf(err) != bridge.Unauthorised || bridge.ScopeOf(err) != bridge.ScopeConversation || !strings.Contains(err.Error(), "grant the delegated permission ChannelMessage.Send") {
			t.Errorf("got %v (%v)", err, bridge.KindOf(err))
		}
	})
}

// TestAPostOfAnotherAccountCannotBeChanged: the conversation must not be held up by it.
func TestAPostOfAnotherAccountCannotBeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		id, err := w.sim.Say(w.alice, w.general, "by the former relay account")
		if err != nil {
			t.Fatal(err)
		}
		target := bridge.Target{Conversation: w.id(w.general), ID: bridge.MessageID(id)}
		for what, err := range map[string]error{"Edit": a.Edit(t.Context(), target.ID, w.draft("x")), "Delete": a.Delete(t.Context(), target)} {
			if bridge.KindOf(err) != bridge.Rejected || !strings.Contains(err.Error(), "written by another account") || strings.Contains(err.Error(), "must be a member") {
				t.Errorf("%s: %v (%v)", what, err, bridge.KindOf(err))
			}
		}
		// What the relay account wrote itself is refused for another reason.
		own, err := a.Post(t.Context(), w.draft("mine"))
		if err != nil {
			t.Fatal(err)
		}
		w.sim.Inject(teams.Fault{Method: "PATCH", Status: 403})
		if err := a.Edit(t.Context(), own, w.draft("x")); bridge.KindOf(err) != bridge.Unauthorised {
			t.Errorf("Edit of an own post: %v (%v)", err, bridge.KindOf(err))
		}
	})
}

// TestNothingSentIsTransientAndAnythingElseUncertain uses real connections: what may be assumed about a write depends
// on how far it came.
func TestNothingSentIsTransientAndAnythingElseUncertain(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.settings.PollInterval, w.settings.PostInterval = "1ms", "1ms" // in real time
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := teams.Serve(listener, w.sim)
	defer server.Close()
	network, err := newNetwork("")
	if err != nil {
		t.Fatal(err)
	}
	w.settings.GraphURL, w.settings.LoginURL, w.wire.next = server.GraphURL(), server.LoginURL(), network
	a := w.connected()
	defer a.Close()

	if _, err := a.Post(t.Context(), w.draft("arrives")); err != nil {
		t.Fatalf("Post over TCP: %v", err)
	}
	w.sim.Inject(teams.Fault{Template: channelMessages, Drop: true})
	if _, err := a.Post(t.Context(), w.draft("cut before")); bridge.KindOf(err) != bridge.Uncertain {
		t.Errorf("cut off without an answer: %v (%v)", err, bridge.KindOf(err))
	}
	w.sim.Inject(teams.Fault{Template: channelMessages, Drop: true, AfterEffect: true})
	if _, err := a.Post(t.Context(), w.draft("answer lost")); bridge.KindOf(err) != bridge.Uncertain {
		t.Errorf("answer lost: %v (%v)", err, bridge.KindOf(err))
	}
	w.sim.Inject(teams.Fault{Template: channelMessages, Drop: true})
	if _, err := a.Find(t.Context(), w.draft("x"), time.Now()); bridge.KindOf(err) != bridge.Transient {
		t.Errorf("a read that was cut off: %v (%v)", err, bridge.KindOf(err))
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	network.(*http.Transport).CloseIdleConnections()
	_, err = a.Post(t.Context(), w.draft("nobody there"))
	if bridge.KindOf(err) != bridge.Transient || bridge.ScopeOf(err) != bridge.ScopeAccount {
		t.Errorf("nobody listens: %v (%v, scope %d)", err, bridge.KindOf(err), bridge.ScopeOf(err))
	}
	if got := len(w.sim.Messages(w.general)); got != 2 {
		t.Errorf("people see %d messages, want 2", got)
	}
}

// brokenAnswer sends the head of an answer and no body.
type brokenAnswer struct{ next http.RoundTripper }

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func (brokenBody) Close() error { return nil }

func (b brokenAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil && isWrite(r) {
		answer.Body = brokenBody{}
	}
	return answer, err
}

// TestAnAnswerThatBreaksOffLeavesDoubt: the status said that it worked, but the id of the post did not arrive.
func TestAnAnswerThatBreaksOffLeavesDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		w.wire.next = brokenAnswer{w.wire.next}
		if _, err := a.Post(t.Context(), w.draft("x")); bridge.KindOf(err) != bridge.Uncertain {
			t.Errorf("got %v (%v)", err, bridge.KindOf(err))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.Post(ctx, w.draft("x")); bridge.KindOf(err) != bridge.Transient {
			t.Errorf("a context that had ended before: %v (%v)", err, bridge.KindOf(err))
		}
	})
}

func TestLinksThatLeadElsewhereGetNoToken(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	before := len(w.wire.bearers())
	if _, err := a.page(t.Context(), opThreads, "http://evil.example/v1.0/teams"); err == nil || !strings.Contains(err.Error(), "evil.example") {
		t.Errorf("got %v", err)
	}
	if len(w.wire.bearers()) != before {
		t.Error("a request was sent")
	}
}
