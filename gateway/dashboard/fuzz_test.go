package dashboard

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge/secret"
	"causeway/gateway/config"
)

// FuzzRequest: whatever an operator's browser sends, it is answered with a page that holds nothing of it as markup; nothing is done without the form's token, and
// nothing is shown to who has not logged in.
func FuzzRequest(f *testing.F) {
	for _, s := range [][3]string{{"GET", "/messages?from=2026-01-01&author=%3Czq7%3E&text=x&page=-1", ""}, {"GET", "/messages?link=https%3A%2F%2Fchat.example.org%2Facme%2Fpl%2Fm1", ""}, {"GET", "/message?id=9223372036854775808", ""}, {"GET", "/message?id=1&note=x", ""},
		{"GET", "/quarantine?to=%3Czq7%3E&reason=%25_%00&after=1", ""}, {"GET", "/people?after=-1&name=%3Czq7", ""}, {"GET", "/people.csv", ""}, {"GET", "/audit?before=x", ""}, {"GET", "/confirm?do=retry&id=%3Czq7%3E", ""}, {"GET", "/confirm?do=%3Czq7%3E", ""}, {"GET", "/subscriptions?account=%3Czq7", ""}, {"GET", "/upkeep", ""},
		{"GET", "/login?key=%3Czq7%3E", ""}, {"POST", "/login", "token=x&key=a.b"}, {"POST", "/act", "do=retry&id=1"}, {"POST", "/act", "do=dropall&to=%3Czq7%3E&before=2026"}, {"POST", "/act", "do=retryall&reason=too&before=2026-01-01T00:00:00Z"}, {"POST", "/act", "do=sync&mode=99999999999999999999"},
		{"POST", "/act", "do=loglevel&level=%3Czq7"}, {"POST", "/act", "do=link&one=%3Czq7&two=b"}, {"POST", "/act", "%zz;&=&&"}, {"PUT", "/", ""}, {"GET", "/../act?", ""}} {
		f.Add(s[0], s[1], s[2], "", true)
		f.Add(s[0], s[1], s[2], "1.x.y", false)
	}
	s := newStage(f, config.Dashboard{Token: secret.Secret("a token of the config"), ShowText: true}, "https://causeway.example")
	s.say("m1", "hello <zq7>")
	s.refuse("too <zq7> large")
	s.say("m2", "waits")
	session := s.newSession(time.Now())
	nonce, _ := s.session(session, time.Now())
	form := s.formToken(guest{session: nonce})
	f.Fuzz(func(t *testing.T, method, path, body, cookie string, logged bool) {
		if u, err := url.Parse(path); err != nil || !strings.HasPrefix(path, "/") || u.Host != "" || strings.Contains(strings.ToLower(path), "event") {
			return // a stream of events does not end
		}
		if strings.Contains(body, "login") && method == http.MethodPost {
			return // signing in waits for a person
		}
		if _, good := s.session(cookie, time.Now()); good {
			return
		}
		if logged {
			cookie, body = session, body+"&form="+url.QueryEscape(form)
		}
		r, err := http.NewRequest(method, "https://causeway.example"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		r.RemoteAddr, r.RequestURI = "192.0.2.1:5000", path
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Cookie", cookieName+"="+cookie)
		s.done, s.orders, s.links = nil, nil, nil
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		text := w.Body.String()
		switch {
		case w.Code >= 500:
			t.Fatalf("%s %s is answered with %d:\n%s", method, path, w.Code, text)
		case strings.Contains(text, "<zq7"):
			t.Fatalf("%s %s is answered with\n%s", method, path, text)
		case !logged && (strings.Contains(text, "hello") || strings.Contains(text, "Contoso")):
			t.Fatalf("%s %s is shown to a stranger:\n%s", method, path, text)
		case (!logged || method != http.MethodPost) && len(s.done)+len(s.orders)+len(s.links) > 0:
			t.Fatalf("%s %s has done %v %v %v", method, path, s.done, s.orders, s.links)
		}
	})
}

// FuzzSearch: what an operator types to find a message is looked up as not too many ids, none of them empty; no text is a session but those that were made.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{"https://chat.example.org/acme/pl/pppppppppppppppppppppppppp", "https://teams.microsoft.com/l/message/19%3Ax%40thread.tacv2/1616990032036?parentMessageId=1616990032035", "https://x/a%2fb//c?threadRootId=%00", " m1 ", "", "https://%zz", "http:///?parentMessageId=" + strings.Repeat("x/", 50),
		"1.a.b", "99999999999.x.", ".."} {
		f.Add(s)
	}
	s := newStage(f, config.Dashboard{}, "https://causeway.example")
	f.Fuzz(func(t *testing.T, text string) {
		all := Candidates(text)
		if len(all) > mostCandidates || len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(all) {
			t.Fatalf("%q is looked up as %q", text, all)
		}
		if strings.HasPrefix(strings.TrimSpace(text), "http") && slices.Contains(all, "") {
			t.Fatalf("%q is looked up as %q", text, all)
		}
		if nonce, ok := s.session(text, time.Now()); ok {
			t.Fatalf("%q is a session: %s", text, nonce)
		}
		if s.linked(text, time.Now()) {
			t.Fatalf("%q logs in", text)
		}
		if m, err := chosen(url.Values{"to": {text}, "before": {text}}, time.Now()); err == nil && strings.TrimSpace(text) != m.to {
			t.Fatalf("%q is %+v", text, m)
		}
	})
}
