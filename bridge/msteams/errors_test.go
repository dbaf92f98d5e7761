package msteams

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
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

// TestEveryStatusHasItsVerdict walks through every status that Graph documents, for reads and writes.
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
	for _, c := range []struct {
		status      int
		read, write bridge.Kind
	}{
		{301, transient, uncertain}, {302, transient, uncertain},
		{400, rejected, rejected}, {401, unauthorised, unauthorised}, {402, unauthorised, unauthorised}, {403, unauthorised, unauthorised},
		{404, gone, gone}, {405, unsupported, unsupported}, {406, rejected, rejected}, {408, transient, uncertain},
		{409, transient, transient}, {410, gone, gone}, {411, rejected, rejected}, {412, transient, transient},
		{413, rejected, rejected}, {415, rejected, rejected}, {416, rejected, rejected}, {422, rejected, rejected},
		{423, transient, transient}, {424, transient, transient}, {425, transient, transient}, {429, throttled, throttled},
		{500, transient, uncertain}, {501, unsupported, unsupported}, {502, transient, uncertain}, {503, transient, uncertain},
		{504, transient, uncertain}, {507, transient, uncertain}, {509, throttled, throttled}, {599, transient, uncertain},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{})
			a := w.connected()
			w.sim.Inject(teams.Fault{Template: channelMessages, Times: -1, Status: c.status})
			_, err := a.Post(t.Context(), w.draft("once"))
			if err == nil || bridge.KindOf(err) != c.write {
				t.Errorf("a write that is answered %d is %v, want %v: %v", c.status, bridge.KindOf(err), c.write, err)
			}
			if n := w.wire.attempts(); n != 1 {
				t.Errorf("a write that is answered %d was tried %d times", c.status, n)
			}
			_, err = a.Find(t.Context(), w.draft("once"), time.Now())
			if err == nil || bridge.KindOf(err) != c.read {
				t.Errorf("a read that is answered %d is %v, want %v: %v", c.status, bridge.KindOf(err), c.read, err)
			}
			wantScope := bridge.ScopeConversation
			if c.status == http.StatusUnauthorized || c.status == http.StatusPaymentRequired {
				wantScope = bridge.ScopeAccount
			}
			if got := bridge.ScopeOf(err); got != wantScope {
				t.Errorf("a read that is answered %d has scope %d, want %d", c.status, got, wantScope)
			}
			if !strings.Contains(err.Error(), fmt.Sprint(c.status)) || !strings.HasPrefix(err.Error(), "reading a channel: ") {
				t.Errorf("the error %q does not say what was done and what was answered", err)
			}
		})
	}
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
	c := &client{tokens: newTokens("", nil)}
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
func (brokenBody) Close() error             { return nil }

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

// TestAClaimsChallengeIsMetByTheNextToken, once; the challenged write is not sent again, which the SDK would do.
func TestAClaimsChallengeIsMetByTheNextToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		c := &challenge{next: w.wire.next, times: 1}
		w.wire.next = c
		post := func(want bridge.Kind, attempts int) {
			t.Helper()
			before := w.wire.attempts()
			_, err := a.Post(t.Context(), w.draft("x"))
			if err != nil && bridge.KindOf(err) != want || err == nil && want != 0 || w.wire.attempts() != before+attempts {
				t.Errorf("%d attempts: %v (%v), want %v", w.wire.attempts()-before, err, bridge.KindOf(err), want)
			}
		}
		post(bridge.Transient, 1)
		if len(c.asked) != 0 {
			t.Errorf("a token was asked for with %q before it was needed", c.asked)
		}
		post(bridge.Transient, 1) // the zero kind: it succeeds
		if diff := cmp.Diff([]string{claimsAsked}, c.asked); diff != "" || len(w.sim.Messages(w.general)) != 1 {
			t.Errorf("%d messages; claims asked for (-want +got):\n%s", len(w.sim.Messages(w.general)), diff)
		}
		a.relay.tokens.set(granted{})
		post(bridge.Transient, 1)
		if len(c.asked) != 1 {
			t.Error("a later token was asked for with the claims, too")
		}

		// A token that holds the claims is challenged all the same: another one will not do.
		c.times = -1
		post(bridge.Transient, 1)
		post(bridge.Unauthorised, 1)
	})
}

// TestAClaimsChallengeThatNobodyCanMeet without signing in.
func TestAClaimsChallengeThatNobodyCanMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		w.wire.next = &challenge{next: w.wire.next, times: 1}
		if _, err := a.Post(t.Context(), w.draft("x")); bridge.KindOf(err) != bridge.Transient {
			t.Errorf("got %v (%v)", err, bridge.KindOf(err))
		}
		w.sim.FailLogin(50076, 1)
		_, err := a.Post(t.Context(), w.draft("x"))
		if bridge.KindOf(err) != bridge.Unauthorised || !strings.Contains(err.Error(), "causeway login msteams.contoso") || w.wire.attempts() != 1 {
			t.Errorf("after %d attempts: %v (%v)", w.wire.attempts(), err, bridge.KindOf(err))
		}
	})
}

func TestOnlyChallengesThatCanBeReadAreTakenUp(t *testing.T) {
	for value, want := range map[string]string{
		`Bearer realm="", error="insufficient_claims", claims="eyJhIjoxfQ=="`:                                                               `{"a":1}`,
		`Bearer error="insufficient_claims", claims="eyJhIjoxfQ"`:                                                                           `{"a":1}`,
		`Bearer error="insufficient_claims", claims="eyJhIjoiPz8_In0="`:                                                                     `{"a":"???"}`,
		`Bearer claims="eyJhIjoxfQ=="`:                                                                                                      "",
		`Bearer error="insufficient_claims", claims="not base64!"`:                                                                          "",
		`Bearer error="insufficient_claims", claims="eyJh"`:                                                                                 "",
		`Bearer error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(`"`+strings.Repeat("x", 9000)+`"`)) + `"`: "",
		`Bearer error="invalid_token"`:                                                                                                      "",
	} {
		if got := claimsWanted(http.Header{"Www-Authenticate": {"Basic", value}}); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

const claimsAsked = `{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}`

// challenge answers writes with a claims challenge, so many times, and notes for which claims tokens are asked.
type challenge struct {
	next  http.RoundTripper
	times int
	asked []string
}

func (c *challenge) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/token") {
		body, err := drain(r)
		if err != nil {
			return nil, err
		}
		if form, err := url.ParseQuery(string(body)); err == nil && form.Has("claims") {
			c.asked = append(c.asked, form.Get("claims"))
		}
	}
	if !isWrite(r) || c.times == 0 {
		return c.next.RoundTrip(r)
	}
	c.times--
	return &http.Response{
		StatusCode: 401, Body: http.NoBody, Request: r,
		Header: http.Header{"Www-Authenticate": {`Bearer realm="", error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(claimsAsked)) + `"`}},
	}, nil
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
