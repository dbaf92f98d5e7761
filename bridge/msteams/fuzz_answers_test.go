package msteams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
	"causeway/bridge/richtext"
)

const fuzzToken = "SECRETtoken"

// answered makes an answer.
func answered(r *http.Request, status int, name, value, body string) *http.Response {
	answer := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body))}
	answer.Header.Set("Content-Type", "application/json")
	if name != "" {
		answer.Header.Set(name, value)
	}
	return answer
}

// quiet is an account that writes no log, whose relay account has signed in, and whose Graph answers so; with nil there is none. The login service gives tokens.
func quiet(t testing.TB, graph roundTrip) *account {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	vault := &memoryVault{}
	vault.put(t, relayVaultName, relayLogin{RefreshToken: "SECRETrefresh"})
	env := bridge.Env{Account: "msteams.contoso", Log: logrus.NewEntry(logger), Vault: vault, Hook: hookURL, Direct: true}
	settings := Settings{TenantID: fuzzTenant, ClientID: fuzzTeam, ClientSecret: "SECRETclient", Receive: "poll"}
	a, err := newAccount(env, settings, roundTrip(func(r *http.Request) (*http.Response, error) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
			return answered(r, 200, "", "", `{"token_type":"Bearer","expires_in":3599,"access_token":"`+fuzzToken+`","refresh_token":"SECRETrefresh2"}`), nil
		case graph == nil:
			return nil, errors.New("there is no Graph")
		}
		return graph(r)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mostRequests is how many requests of one call are answered.
const mostRequests = 300

// FuzzAnswers: whatever Graph answers to whatever is asked, no call panics or shows a token.
func FuzzAnswers(f *testing.F) {
	const id = "8ea0e38b-efb3-4757-924a-5f94061cf8c2"
	for _, seed := range []struct {
		status              int
		name, value, answer string
	}{
		{200, "", "", `{"id":"` + id + `","displayName":"Causeway","userPrincipalName":"c@x","accountEnabled":true,"assignedPlans":[{"service":"TeamspaceAPI","capabilityStatus":"Enabled"}],"userType":"Member","membershipType":"shared"}`},
		{200, "", "", wholeMessage}, {201, "", "", wholeMessage}, {200, "", "", `{"value":[` + wholeMessage + `,{"id":"` + id + `","displayName":"Sales","userId":"` + id + `","@odata.type":"#microsoft.graph.aadUserConversationMember"}]}`},
		{200, "", "", `{"value":[{"id":"` + id + `"}],"@odata.nextLink":"SELF"}`}, {200, "", "", `{"value":[],"@odata.nextLink":"https://evil.example/"}`}, {200, "", "", `{"value":[],"@odata.nextLink":"https://graph.microsoft.com/v1.0/more"}`}, {200, "", "", `{"value":[null],"@odata.deltaLink":"https://graph.microsoft.com/v1.0/delta"}`},
		{200, "Date", "Fri, 31 Dec 1999 23:59:59 GMT", `{"responses":[{"id":"1","status":200,"headers":{"Retry-After":7},"body":{"value":[` + wholeMessage + `]}},{"id":"2","status":429,"headers":{"Retry-After":"9"},"body":{"error":{"code":"TooManyRequests"}}},{"id":"0","status":0},{"id":"x"},null]}`},
		{200, "", "", `{"chatType":"group","topic":"x","members":[{"userId":"` + id + `"},{"id":"m"}],"lastMessagePreview":{"createdDateTime":"0001-01-01T00:00:00Z","from":null,"eventDetail":null},"nextExpectedRanges":["5-"],"uploadUrl":"https://x"}`},
		{200, "", "", `{"id":"1","parentReference":{"driveId":"d","id":"x"},"size":7,"createdBy":{"user":{"id":"` + id + `"}},"webDavUrl":"https://x","eTag":"\"{` + id + `},1\"","name":"a"}`},
		{202, "Location", "/x", ""}, {204, "", "", ""}, {302, "Location", "https://evil.example/", ""}, {200, "", "", ""}, {200, "", "", "null"}, {200, "", "", "[]"}, {200, "", "", `"x"`},
		{400, "", "", `{"error":{"code":"BadRequest","message":"` + fuzzToken + ` is wrong","innerError":{"code":"x","request-id":"r","innererror":{"code":"InvalidKey"}}}}`},
		{401, "WWW-Authenticate", `Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="`, `{"error":{"code":"InvalidAuthenticationToken","message":"x"}}`},
		{403, "", "", `{"error":{"code":"Forbidden","message":"Missing scope permissions"}}`}, {404, "", "", `{"error":{"code":"Request_ResourceNotFound"}}`}, {404, "", "", "<html>"}, {409, "", "", `{"error":{"code":"nameAlreadyExists"}}`}, {410, "Location", "https://graph.microsoft.com/v1.0/users/delta?$deltatoken", ""},
		{412, "", "", ""}, {413, "", "", ""}, {429, "Retry-After", "2.128", `{"error":{"code":"TooManyRequests"}}`}, {429, "Retry-After", "9223372036854775807", ""}, {429, "Retry-After", "-1", ""}, {503, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT", ""}, {509, "x-ms-throttle-scope", "Application_Tenant/Read/x", ""}, {500, "", "", ""},
	} {
		f.Add(seed.status, seed.name, seed.value, seed.answer)
	}
	for _, pattern := range []string{"chat-get-*.response.json", "user-*.response.json", "channel-get-*.response.json", "json-batching-*.response.json", "driveitem-*.response.json"} {
		for _, text := range examples(f, pattern) {
			f.Add(200, "", "", string(text))
		}
	}
	for _, text := range examples(f, "*.error.json") {
		f.Add(400, "", "", string(text))
	}
	f.Fuzz(func(t *testing.T, status int, name, value, text string) {
		if status < 200 || status > 599 {
			return
		}
		inFakeTime(t, func(t *testing.T) {
			n := 0
			a := quiet(t, func(r *http.Request) (*http.Response, error) {
				if n++; n > mostRequests { // a list that goes round in circles
					return nil, errors.New("enough")
				}
				return answered(r, status, name, value, strings.ReplaceAll(text, "SELF", r.URL.String())), nil
			})
			callAll(t, a, func(what string, err error) {
				n = 0
				judged(t, err)
				if t.Failed() {
					t.Fatal("it was", what)
				}
			})
		})
	})
}

// callAll makes every call, one after the other.
func callAll(t *testing.T, a *account, ended func(what string, err error)) {
	ctx := t.Context()
	if _, err := a.Connect(ctx); err != nil {
		ended("Connect", err)
		a.self = "8ea0e38b-efb3-4757-924a-5f94061cf8c2"
	}
	const who, other = bridge.UserID("8ea0e38b-efb3-4757-924a-5f94061cf8c2"), bridge.UserID("1ea0e38b-efb3-4757-924a-5f94061cf8c2")
	town, chat := a.conversation(fuzzTeam, fuzzThread), a.chatID("19:8ea0e38b_1ea0e38b@unq.gbl.spaces")
	list := func(op *Operation, p place) error {
		page, err := a.page(ctx, op, a.app.base+op.address(p))
		if err != nil {
			return err
		}
		for _, m := range page.messages {
			a.state(ctx, town, m)
		}
		return nil
	}
	for _, c := range []bridge.ConversationID{town, chat} {
		p, err := a.channelPlace(c)
		if err != nil {
			t.Fatal(err)
		}
		draft := bridge.Draft{Conversation: c, Author: bridge.Author{Name: "Ann"}, Text: richtext.Plain("some words\nand more"), Key: "key"}
		target := bridge.Target{Conversation: c, ID: "1616990032035"}
		for _, one := range []struct {
			what string
			do   func() error
		}{
			{"Check", func() error { a.Check(ctx); return nil }},
			{"Resolve by id", func() error { _, err := a.Resolve(ctx, fuzzTeam+"/"+fuzzThread, bridge.Read|bridge.Write); return err }},
			{"Resolve by name", func() error { _, err := a.Resolve(ctx, "Sales/General", bridge.Read); return err }},
			{"Conversations", func() error { _, err := a.Conversations(ctx); return err }},
			{"Read", func() error { _, err := a.Read(ctx, c, target.ID); return err }},
			{"list", func() error { return list(listOf(p), p) }},
			{"batch", func() error {
				items, _, err := a.app.batch(ctx, listOf(p), []place{p, p})
				for _, one := range items {
					if one.err == nil {
						if _, err := a.readPage(one.body); err != nil {
							return err
						}
					}
				}
				return err
			}},
			{"Open", func() error {
				for _, id := range []string{fileID(attachedFile, target.ID, "x"), fileID(inlinePicture, target.ID, "x")} {
					body, _, err := a.Open(ctx, c, bridge.File{ID: id, Size: -1, URL: "https://contoso.sharepoint.com/x"}, 0)
					if err != nil {
						return err
					}
					_, _ = io.Copy(io.Discard, body)
					_ = body.Close()
				}
				return nil
			}},
			{"Upload", func() error {
				_, err := a.Upload(ctx, bridge.Upload{Conversation: c, File: bridge.File{Name: "a.txt", Size: 5}, Progress: func(context.Context, string) error { return nil },
					Open: func(context.Context, int64) (io.ReadCloser, error) {
						return io.NopCloser(strings.NewReader("hello")), nil
					}})
				return err
			}},
			{"Post", func() error { _, err := a.Post(ctx, draft); return err }},
			{"Edit", func() error { return a.Edit(ctx, target.ID, draft) }},
			{"Delete", func() error { return a.Delete(ctx, target) }},
			{"React", func() error { return a.React(ctx, target, "👍", true) }},
			{"Find", func() error { _, err := a.Find(ctx, draft, time.Now().Add(-time.Hour)); return err }},
			{"Notify", func() error { return a.Notify(ctx, bridge.Notice{User: other, Text: richtext.Plain("x")}) }},
			{"OpenConversation", func() error {
				_, err := a.OpenConversation(ctx, bridge.Opening{As: who, People: []bridge.UserID{who, other}})
				return err
			}},
			{"Talk", func() error { _, err := a.Talk(ctx, c); return err }},
			{"LookUp", func() error { _, err := a.LookUp(ctx, other); return err }},
			{"Profile", func() error { _, err := a.Profile(ctx, other); return err }},
			{"FindUser", func() error { _, err := a.FindUser(ctx, "ann@example.org"); return err }},
			{"Members", func() error { _, err := a.Members(ctx, c); return err }},
			{"Administers", func() error { _, err := a.Administers(ctx, c, other); return err }},
			{"Directory", func() error { _, err := a.Directory(ctx, "", func([]bridge.Profile) error { return nil }); return err }},
			{"Prove", func() error { _, err := a.Prove(ctx, bridge.SignIn{}, "code"); return err }},
			{"Verify", func() error { return a.Verify(ctx, other) }},
		} {
			ended(one.what+" in "+fmt.Sprint(c.Channel), one.do())
		}
	}
}

// judged makes sure that an error is of a known kind, shows no secret and has nobody wait for years.
func judged(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); strings.Contains(text, fuzzToken) || strings.Contains(text, "SECRETrefresh") || strings.Contains(text, "SECRETclient") || !utf8.ValidString(text) || len(text) > 20_000 {
		t.Errorf("an error of %d bytes: %q", len(text), text)
	}
	if kind := bridge.KindOf(err); kind < bridge.Transient || kind > bridge.Unsupported {
		t.Errorf("%v is of the kind %d", err, kind)
	}
	if after := bridge.AfterOf(err); after < 0 || after > entra.LongestRest {
		t.Errorf("%v is tried again after %v", err, after)
	}
}

// TestAListWhoseNextPageIsItselfIsNoList: it would be read for ever.
func TestAListWhoseNextPageIsItselfIsNoList(t *testing.T) {
	inFakeTime(t, func(t *testing.T) {
		n := 0
		a := quiet(t, func(r *http.Request) (*http.Response, error) {
			if n++; n > mostRequests {
				t.Errorf("%d requests, the last one to %s", n, r.URL)
				return nil, errors.New("enough")
			}
			return answered(r, 200, "", "", `{"id":"8ea0e38b-efb3-4757-924a-5f94061cf8c2","value":[],"@odata.nextLink": "`+r.URL.String()+`"}`), nil
		})
		callAll(t, a, func(what string, err error) {
			if n > 20 {
				t.Errorf("%s: %d requests", what, n)
			}
			n = 0
		})
	})
}
