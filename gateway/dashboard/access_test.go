package dashboard

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

const secretToken = "twenty characters and more"

// TestWhoNeedNotLogIn: with neither token nor public address, browsers on this machine, under one of its own names, and nobody else.
func TestWhoNeedNotLogIn(t *testing.T) {
	for name, test := range map[string]struct {
		settings config.Dashboard
		public   string
		ask      ask
		want     int
	}{
		"here":                      {ask: ask{}, want: 200},
		"localhost":                 {ask: ask{host: "localhost:9080"}, want: 200},
		"the other loopback":        {ask: ask{from: "[::1]:5000", host: "[::1]:9080"}, want: 200},
		"elsewhere":                 {ask: ask{from: "192.0.2.7:5000", host: "192.0.2.1:9080"}, want: 401},
		"elsewhere, says localhost": {ask: ask{from: "192.0.2.7:5000", host: "localhost"}, want: 401},
		"a name that leads here":    {ask: ask{host: "evil.example:9080"}, want: 401},
		"a name that begins alike":  {ask: ask{host: "127.0.0.1.evil.example"}, want: 401},
		"no name":                   {ask: ask{host: "x"}, want: 401},
		"a proxy":                   {ask: ask{header: map[string]string{"X-Forwarded-For": "192.0.2.7"}}, want: 401},
		"another proxy":             {ask: ask{header: map[string]string{"Via": "1.1 proxy"}}, want: 401},
		"a public address":          {public: "https://causeway.example", ask: ask{}, want: 401},
		"a token":                   {settings: config.Dashboard{Token: secretToken}, ask: ask{}, want: 401},
	} {
		s := newStage(t, test.settings, test.public)
		for _, path := range []string{"/", "/messages", "/quarantine", "/people", "/subscriptions", "/audit", "/live", "/confirm?do=drop&id=1", "/message?id=1"} {
			if path == "/live" && test.want == 200 { // a stream does not end
				continue
			}
			a := test.ask
			a.path = path
			w := s.ask(a)
			want := test.want
			if want == 200 && strings.HasPrefix(path, "/message?") {
				want = 404
			}
			if w.Code != want || want == 401 && (strings.Contains(w.Body.String(), "main/town") || !strings.Contains(w.Body.String(), "causeway dashboard")) {
				t.Errorf("%s: %s: %d, want %d", name, path, w.Code, want)
			}
		}
	}
}

func TestPagesKeepToThemselves(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	for _, path := range []string{"/", "/login", "/dashboard.js", "/nothing"} {
		h := s.ask(ask{path: path}).Header()
		if h.Get("Content-Security-Policy") != Policy || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// TestLoggingInByToken gives a cookie that other sites cannot use, and that ends.
func TestLoggingInByToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config.Dashboard{Token: secretToken}, "https://causeway.example")
		post := func(token, site string) (int, string, http.Header) {
			w := s.ask(ask{method: http.MethodPost, path: "/login", host: "causeway.example", from: "192.0.2.7:5000", form: url.Values{"token": {token}}, header: map[string]string{"Sec-Fetch-Site": site}})
			value := ""
			for _, c := range w.Result().Cookies() {
				value = c.Value
				if c.Name != cookieName || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != int(sessionLife/time.Second) {
					t.Errorf("the cookie is %s", c.Raw)
				}
			}
			return w.Code, value, w.Header()
		}
		for _, wrong := range []string{"", "x", secretToken + "x", secretToken[1:]} {
			if code, cookie, _ := post(wrong, "same-origin"); code != http.StatusForbidden || cookie != "" {
				t.Errorf("%q: %d %q", wrong, code, cookie)
			}
		}
		if code, cookie, _ := post(secretToken, "cross-site"); code != http.StatusForbidden || cookie != "" {
			t.Errorf("from another site: %d %q", code, cookie)
		}
		code, cookie, h := post(secretToken, "same-origin")
		if code != http.StatusSeeOther || h.Get("Location") != "./" || strings.Contains(cookie, secretToken) {
			t.Fatalf("%d %v", code, h)
		}
		look := func(cookie string) int {
			return s.ask(ask{path: "/", host: "causeway.example", from: "192.0.2.7:5000", cookie: cookie}).Code
		}
		if look(cookie) != 200 || look(cookie[:len(cookie)-1]+"A"+"A") != 401 || look("9"+cookie) != 401 || look("") != 401 {
			t.Error("the cookie does not decide")
		}
		other := newStage(t, config.Dashboard{Token: secretToken + "2"}, "https://causeway.example")
		if got := other.ask(ask{path: "/", cookie: cookie}).Code; got != 401 {
			t.Errorf("after another token: %d", got)
		}
		time.Sleep(sessionLife - time.Second)
		if look(cookie) != 200 {
			t.Error("it has ended too early")
		}
		time.Sleep(time.Second)
		if look(cookie) != 401 {
			t.Error("it does not end")
		}
		_ = s.store.Close()
		_ = other.store.Close()
	})
}

// TestALinkLogsInOnce, within a minute, and only by a press.
func TestALinkLogsInOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, config.Dashboard{}, "https://causeway.example")
		keys := s.store.Keys()
		key := Key(keys.OrderToken, time.Now())
		for range 2 { // opening it does not use it up
			w := s.ask(ask{path: "/login?key=" + url.QueryEscape(key)})
			if w.Code != 200 || !strings.Contains(w.Body.String(), `value="`+key+`"`) || len(w.Result().Cookies()) != 0 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		press := func(key string) int {
			return s.ask(ask{method: http.MethodPost, path: "/login", form: url.Values{"key": {key}}}).Code
		}
		old := Key(keys.OrderToken, time.Now().Add(-2*time.Minute))
		for name, wrong := range map[string]string{"old": old, "of the status": keys.Token(time.Now()), "of an order": keys.OrderToken(time.Now(), []byte("{}")), "none": "x", "with another nonce": "x" + key} {
			if got := press(wrong); got != http.StatusForbidden {
				t.Errorf("%s: %d", name, got)
			}
		}
		if first, second := press(key), press(key); first != http.StatusSeeOther || second != http.StatusForbidden {
			t.Errorf("%d, then %d", first, second)
		}
		_ = s.store.Close()
	})
}

// TestAPressNeedsTheFormOfThisLogIn: neither another site's form, nor one of another log-in, nor none.
func TestAPressNeedsTheFormOfThisLogIn(t *testing.T) {
	s := newStage(t, config.Dashboard{Token: secretToken}, "")
	mine, other := s.newSession(time.Now()), s.newSession(time.Now())
	nonce, _ := s.session(other, time.Now())
	theirs := s.formToken(guest{session: nonce})
	nonce, _ = s.session(mine, time.Now())
	right := s.formToken(guest{session: nonce})
	for name, test := range map[string]struct {
		form, site string
		want       int
	}{
		"none":              {"", "same-origin", 403},
		"of another":        {theirs, "same-origin", 403},
		"of an open page":   {s.formToken(guest{}), "same-origin", 403},
		"from another site": {right, "cross-site", 403},
		"right":             {right, "same-origin", 303},
	} {
		w := s.ask(ask{method: http.MethodPost, path: "/act", cookie: mine, form: url.Values{"form": {test.form}, "do": {"renew"}, "account": {"right.two"}}, header: map[string]string{"Sec-Fetch-Site": test.site}})
		if w.Code != test.want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if len(s.done) != 1 {
		t.Errorf("done: %v", s.done)
	}
	w := s.ask(ask{method: http.MethodPost, path: "/logout", cookie: mine, form: url.Values{"form": {right}}})
	if c := w.Result().Cookies(); w.Code != 303 || len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("logging out: %d %v", w.Code, c)
	}
}

var _ Store = (*store.Store)(nil)
