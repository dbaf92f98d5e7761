package mattermost

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// shelf is a vault in memory.
type shelf struct {
	mu     sync.Mutex
	values map[string][]byte
}

func (v *shelf) Load(_ context.Context, name string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.values[name], nil
}

func (v *shelf) Save(_ context.Context, name string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[name] = bytes.Clone(value)
	return nil
}

func (v *shelf) Renew(ctx context.Context, name string, value []byte) (bool, error) {
	return true, v.Save(ctx, name, value)
}

func (v *shelf) Delete(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.values, name)
	return nil
}

// asked counts what reaches people.
type asked struct {
	commands, presses int
	arrived           []bridge.UserID
}

func (a *asked) Triggers() []bridge.Trigger { return []bridge.Trigger{{Word: "msteams"}} }

func (a *asked) Awaited() (bridge.Circle, bool) {
	return bridge.Circle{Teams: []string{"acme"}, Groups: []string{"sales"}}, true
}

func (a *asked) Command(context.Context, bridge.Command) bridge.Reply {
	a.commands++
	return bridge.Reply{Text: richtext.Plain("yes")}
}

func (a *asked) Press(context.Context, bridge.Press) bridge.Reply {
	a.presses++
	return bridge.Reply{Replace: richtext.Plain("done")}
}

func (a *asked) Arrived(_ context.Context, users []bridge.UserID) {
	a.arrived = append(a.arrived, users...)
}

// roundTrip is an http.RoundTripper.
type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// quiet is an account that writes no log, and whose server answers so; with nil there is none.
func quiet(t testing.TB, answer roundTrip) *account {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	env := bridge.Env{Account: "mattermost.hq", Log: logrus.NewEntry(logger), Vault: &shelf{values: map[string][]byte{}}, Front: &asked{}, Hook: "https://causeway.example/hooks/mattermost.hq", Direct: true}
	a, err := newAccount(env, &Settings{Server: testConfig.site, Token: testToken}, quick)
	if err != nil {
		t.Fatal(err)
	}
	if answer == nil {
		answer = func(*http.Request) (*http.Response, error) { return nil, errors.New("there is no server") }
	}
	a.client.HTTPClient.Transport = answer
	return a
}

// mostRequests is how many requests one call may make, whatever is answered.
const mostRequests = 500

// FuzzAnswers: whatever the server answers to whatever is asked, no call panics, goes on for ever or shows the token.
func FuzzAnswers(f *testing.F) {
	const id = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	full := func(one string) string { return "[" + strings.Repeat(one+",", pageSize-1) + one + "]" }
	for _, seed := range []struct {
		status              int
		name, value, answer string
	}{
		{200, "", "", `{"id":"` + id + `","username":"causeway","roles":"system_user system_admin","DiagnosticId":"d","SiteURL":"https://chat.example.org/","MaxPostSize":"4000","MaxFileSize":"1","PostEditTimeLimit":"-1","name":"` + id + `__` + id + `","type":"D","channel_id":"` + id + `","team_id":"` + id + `"}`},
		{200, "", "", `{"id":"` + id + `","DiagnosticId":"d","MaxPostSize":"1","MaxFileSize":"9223372036854775808","PostEditTimeLimit":"x","type":"G","create_at":-1,"update_at":9223372036854775807}`},
		{200, "Etag", "x", `{"order":["p"],"posts":{"p":{"id":"p","user_id":"u","message":"hi"},"q":null},"next_post_id":"","prev_post_id":"p","first_inaccessible_post_time":1}`},
		{200, "Date", "Fri, 31 Dec 1999 23:59:59 GMT", full(`{"user_id":"` + id + `","id":"` + id + `","create_at":5,"action":"/api/v4/users/login","extra_info":"success"}`)},
		{200, "Date", "", full("null")}, {200, "", "", "null"}, {200, "", "", ""}, {200, "", "", "[]"}, {200, "", "", `"x"`}, {200, "", "", `{"access_token":"` + id + `","refresh_token":"r","expires_in":9223372036854775807}`},
		{304, "Etag", "x", ""}, {302, "Location", "https://evil.example/", ""}, {201, "", "", `{"id":"` + id + `","token":"SECRET"}`},
		{400, "", "", `{"id":"api.context.invalid_body_param.app_error","message":"` + testToken + ` is wrong","detailed_error":"x","request_id":"r","status_code":400}`},
		{401, "", "", `{"id":"api.context.session_expired.app_error","message":"expired","status_code":401}`}, {404, "", "", `{"id":"app.channel.get_channels.not_found.app_error","message":"none","status_code":404}`},
		{429, "Retry-After", "2.5", "limit exceeded"}, {429, "Retry-After", "9223372036854775807", ""}, {429, "X-Ratelimit-Reset", "-1", ""}, {429, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT", ""}, {502, "", "", "<html>bad gateway " + testToken}, {501, "", "", `{"id":"api.license_error","message":"x"}`},
	} {
		f.Add(seed.status, seed.name, seed.value, seed.answer)
	}
	f.Fuzz(func(t *testing.T, status int, name, value, text string) {
		if status < 100 || status > 599 {
			return
		}
		n := 0
		a := quiet(t, func(r *http.Request) (*http.Response, error) {
			if n++; n > mostRequests {
				t.Fatalf("%d requests, the last one to %s", n, r.URL)
			}
			answer := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r, ProtoMajor: 1, ProtoMinor: 1}
			if name != "" {
				answer.Header.Set(name, value)
			}
			return answer, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := a.Connect(ctx); err != nil {
			judged(t, err)
			a.me, a.config = &model.User{Id: "aaaaaaaaaaaaaaaaaaaaaaaaaa"}, testConfig
		}
		c, who := bridge.ConversationID{Server: a.config.server, Channel: "cccccccccccccccccccccccccc"}, bridge.UserID("uuuuuuuuuuuuuuuuuuuuuuuuuu")
		draft := bridge.Draft{Conversation: c, Author: bridge.Author{Name: "Ann"}, Text: richtext.Plain("some words\nand more"), Key: "key"}
		if all := a.Parts(draft); len(all) == 0 || len(all) > 1000 {
			t.Fatalf("%d parts", len(all))
		}
		target := bridge.Target{Conversation: c, ID: "pppppppppppppppppppppppppp"}
		for _, one := range []struct {
			what string
			do   func() error
		}{
			{"Check", func() error { a.Check(ctx); return nil }},
			{"Resolve", func() error { _, err := a.Resolve(ctx, "acme/town", bridge.Read|bridge.Write); return err }},
			{"Resolve link", func() error {
				_, err := a.Resolve(ctx, testConfig.site+"/acme/pl/pppppppppppppppppppppppppp", bridge.Read|bridge.Write)
				return err
			}},
			{"Conversations", func() error { _, err := a.Conversations(ctx); return err }},
			{"Read", func() error {
				s, err := a.Read(ctx, c, target.ID)
				if err == nil {
					return sound(s, len(text))
				}
				return err
			}},
			{"Open", func() error {
				body, _, err := a.Open(ctx, c, bridge.File{ID: "ffffffffffffffffffffffffff", Size: 7}, 0)
				if err == nil {
					_, _ = io.Copy(io.Discard, body)
					_ = body.Close()
				}
				return err
			}},
			{"Post", func() error { _, err := a.Post(ctx, draft); return err }},
			{"Edit", func() error { return a.Edit(ctx, target.ID, draft) }},
			{"Delete", func() error { return a.Delete(ctx, target) }},
			{"React", func() error { return a.React(ctx, target, "👍", true) }},
			{"Find", func() error { _, err := a.Find(ctx, draft, time.Unix(1, 0)); return err }},
			{"Notify", func() error { return a.Notify(ctx, bridge.Notice{User: who, Text: richtext.Plain("x"), Key: "key"}) }},
			{"OpenConversation", func() error {
				_, err := a.OpenConversation(ctx, bridge.Opening{People: []bridge.UserID{who, "vvvvvvvvvvvvvvvvvvvvvvvvvv"}})
				return err
			}},
			{"Talk", func() error { _, err := a.Talk(ctx, c); return err }},
			{"LookUp", func() error { _, err := a.LookUp(ctx, who); return err }},
			{"Profile", func() error { _, err := a.Profile(ctx, who); return err }},
			{"FindUser", func() error { _, err := a.FindUser(ctx, "ann@example.org"); return err }},
			{"Members", func() error { _, err := a.Members(ctx, c); return err }},
			{"Administers", func() error { _, err := a.Administers(ctx, c, who); return err }},
			{"Directory", func() error { _, err := a.Directory(ctx, "", func([]bridge.Profile) error { return nil }); return err }},
			{"Prove", func() error { _, err := a.Prove(ctx, bridge.SignIn{}, "code"); return err }},
			{"Empower", func() error { _, err := a.Empower(ctx, who, nil); return err }},
			{"Verify", func() error { return a.Verify(ctx, who) }},
			{"Notifications", func() error { _, err := a.Notifications(ctx, who, c); return err }},
			{"audits", func() error { _, err := a.auditsSince(ctx); return err }},
			{"audits again", func() error { _, err := a.auditsSince(ctx); return err }},
		} {
			n = 0
			err := one.do()
			if ctx.Err() != nil {
				t.Fatalf("%s does not end", one.what)
			}
			judged(t, err)
		}
	})
}

// judged makes sure that an error is of a known kind, shows no token and has nobody wait for years.
func judged(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if strings.Contains(err.Error(), testToken) {
		t.Fatalf("the token is shown: %v", err)
	}
	if !utf8Text(err.Error()) || len(err.Error()) > 20_000 {
		t.Fatalf("an error of %d bytes: %q", len(err.Error()), err)
	}
	if kind := bridge.KindOf(err); kind < bridge.Transient || kind > bridge.Unsupported {
		t.Fatalf("%v is of the kind %d", err, kind)
	}
	if after := bridge.AfterOf(err); after < 0 || after > longestRest {
		t.Fatalf("%v is tried again after %v", err, after)
	}
}

func utf8Text(s string) bool { return strings.ToValidUTF8(s, "") == s }

// FuzzHook: whatever is sent to the hook, only what bears a token or proof of Causeway's reaches anybody.
func FuzzHook(f *testing.F) {
	const user, channel = "uuuuuuuuuuuuuuuuuuuuuuuuuu", "cccccccccccccccccccccccccc"
	f.Add(true, "Token tokenofthecommandtokenofth", "command=%2Fmsteams&text=platform+teams&user_id="+user+"&channel_id="+channel+"&team_id=t&trigger_id=x&response_url=http%3A%2F%2Fx")
	f.Add(true, "Token wrong", "command=/msteams&user_id="+user+"&channel_id="+channel+"&team_id=t")
	f.Add(true, "Token tokenofthecommandtokenofth", "command=/other&user_id="+user+"&channel_id="+channel+"&team_id=t;%zz")
	f.Add(true, "", "%")
	key := []byte("a key of thirty-two bytes or so.")
	good := pressed{Token: "platform.x.y", Stored: true}
	good.Proof = good.sum(key)
	f.Add(false, "", `{"user_id":"`+user+`","post_id":"`+channel+`","channel_id":"x","context":{"token":"platform.x.y","stored":true,"proof":"`+good.Proof+`"}}`)
	f.Add(false, "", `{"user_id":"`+user+`","post_id":"`+channel+`","context":{"token":"platform.x.z","stored":false,"proof":"`+good.Proof+`"}}`)
	f.Add(false, "", `{"user_id":7,"context":[]}`)
	f.Add(false, "", `null`)
	f.Fuzz(func(t *testing.T, command bool, authorization, body string) {
		a := quiet(t, nil)
		a.me, a.config = &model.User{}, testConfig
		if err := a.vault.Save(t.Context(), vaultButtons, key); err != nil {
			t.Fatal(err)
		}
		a.commands.learn(commandKey("t", "msteams"), "tokenofthecommandtokenofth")
		path := pathAction
		if command {
			path = pathCommand
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		front := a.front.(*asked)
		form, _ := url.ParseQuery(body)
		switch {
		case !slices.Contains([]int{200, 400, 401, 403, 413}, w.Code):
			t.Fatalf("it is answered with %d", w.Code)
		case (w.Code == 200) != (front.commands+front.presses == 1):
			t.Fatalf("it is answered with %d after %d commands and %d presses", w.Code, front.commands, front.presses)
		case front.commands > 0 && (!command || authorization != "Token tokenofthecommandtokenofth" || form.Get("team_id") != "t"):
			t.Fatal("a forged command is carried out")
		case front.presses > 0 && (command || !strings.Contains(body, good.Proof)):
			t.Fatal("a forged press is carried out")
		case w.Code == 200 && w.Header().Get("Content-Type") != "application/json":
			t.Fatal("the answer is not JSON")
		}
	})
}
