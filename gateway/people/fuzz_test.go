package people

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

// FuzzTokens: of all that comes back from browsers and buttons, only what was signed for just that is taken.
func FuzzTokens(f *testing.F) {
	keys, err := store.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	s, err := store.Open(f.Context(), "/fuzztokens", keys, store.Options{VFS: "memdb"})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	p := &People{o: Options{Store: s, PublicURL: publicURL}}
	link, id := p.newLink(time.Now().Add(time.Hour))
	late, _ := p.newLink(time.Now().Add(-time.Hour))
	browser, state := p.signedWith(forBrowser, id, atHome, secretBytes()), p.signedWith(forState, id, away, secretBytes())
	me := p.meLink(mmAccount, "alice")
	me = me[strings.LastIndexByte(me, '/')+1:]
	button := p.choice(mmAccount, "alice", "Yes", "platform", "msteams.contoso").Token
	made := []string{link, late, browser, state, me, button}
	for _, token := range made {
		f.Add(token)
		f.Add(token + "=")
		f.Add(token[:len(token)-1])
		f.Add(strings.ToLower(token))
	}
	f.Add("platform..")
	f.Add("..")
	f.Add(strings.Repeat("A", 2000))
	f.Fuzz(func(t *testing.T, text string) {
		taken := map[string]bool{}
		_, taken[forLink] = p.linked(text)
		_, _, _, taken[forBrowser] = p.parts(forBrowser, text)
		_, _, _, taken[forState] = p.parts(forState, text)
		_, _, taken[forMe] = p.meOf(text)
		as := 0
		for purpose, ok := range taken {
			if !ok {
				continue
			}
			as++
			raw, _ := base64.RawURLEncoding.DecodeString(text)
			if made := p.sign(purpose, raw[:len(raw)-store.SignatureSize]); made != strings.NewReplacer("\r", "", "\n", "").Replace(text) { // which base64 takes for nothing
				t.Fatalf("%q is taken for %q, for %s", text, made, purpose)
			}
		}
		purpose, argument, ok := p.chosen(mmAccount, "alice", text)
		if ok && (purpose != "platform" || argument != "msteams.contoso" || as > 0) || as > 1 {
			t.Fatalf("%q is taken for %v and for %s %s", text, taken, purpose, argument)
		}
		if _, _, ok := p.chosen(mmAccount, "mallory", text); ok {
			t.Fatal("somebody else's button is taken")
		}
		if code := typedCode([]string{text}); code != typedCode([]string{code}) || len(code) > len(text) {
			t.Fatalf("%q is the code %q", text, code)
		}
	})
}

// FuzzCommand: whatever somebody types, they are answered, with what can be shown; and nothing of others changes by it.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{"", "help", "connect", "connect Fabrikam", "status", "platform teams", "platform nowhere", "disconnect", "confirm ABCD-2345", "mute", "admin", "admin list", "admin show @alice", "admin disconnect mattermost.hq:alice", "admin sync --confirm 99999999999999999999",
		"admin platform alice teams --dry-run", "admin export --csv", "admin approve @a @b", "\x00 \xff", "connect <b>*x*</b> @all ~town [a](javascript:x)", "admin --dry-run --confirm 1 sync", strings.Repeat("a ", 500)} {
		f.Add(s, true)
		f.Add(s, false)
	}
	var s *stage
	f.Fuzz(func(t *testing.T, line string, administrator bool) {
		if !utf8.ValidString(line) || len(line) > 20_000 {
			return // what bridges hand on is UTF-8, and no longer than a post
		}
		if s == nil {
			s = newStage(t)
		}
		s.T = t
		s.administrator("mallory", administrator)
		r := s.types("mallory", "/msteams "+line)
		if len(r.Text)+len(r.Replace) == 0 || len(text(r.Text)) > 20*len(line)+20_000 {
			t.Fatalf("%q is answered with %d bytes", line, len(text(r.Text)))
		}
		if slices.Contains(r.Text.Mentions(), "alice") {
			t.Fatalf("%q has alice called", line)
		}
		if stored := s.stored(); stored != "" {
			t.Fatalf("%q has stored %s", line, stored)
		}
	})
	if s != nil {
		_ = s.store.Close()
	}
}

// FuzzRequest: whatever a browser sends, it is answered with a page that holds nothing of it as markup, and nothing is connected.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/connect/x", "", "")
	f.Add("POST", "/connect/x", "", "form=x")
	f.Add("GET", "/connect/step", "x", "")
	f.Add("GET", "/connect/back?state=<script>&code=%00&error=access_denied", "a.b", "")
	f.Add("POST", "/connect/step", "\"", "form=%zz")
	f.Add("GET", "/me/<b>", "", "")
	f.Add("POST", "/me/x", "", "account=mattermost.hq&do=disconnect")
	f.Add("DELETE", "/connect/../me//", "", "")
	var s *stage
	f.Fuzz(func(t *testing.T, method, path, cookie, form string) {
		address, err := url.Parse(publicURL)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := url.Parse(path)
		if err != nil || !strings.HasPrefix(path, "/") || ref.Host != "" {
			return
		}
		address.Path += ref.Path
		address.RawQuery = ref.RawQuery
		r, err := http.NewRequest(method, address.String(), strings.NewReader(form))
		if err != nil {
			return
		}
		if s == nil {
			s = newStage(t, func(o *setting) { o.people = config.People{Enable: true} })
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", s.people.cookieName()+"="+cookie)
		w := httptest.NewRecorder()
		s.pages.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %s is answered with %d:\n%s", method, path, w.Code, w.Body)
		}
		if body := w.Body.String(); strings.Contains(body, "<script") || strings.Contains(body, "<b>") || !utf8.ValidString(body) {
			t.Fatalf("%s %s is answered with\n%s", method, path, body)
		}
		if to := w.Header().Get("Location"); to != "" && !strings.HasPrefix(to, publicURL+"/") && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, "\\")) {
			t.Fatalf("%s %s leads to %q", method, path, to)
		}
		if n := len(w.Result().Cookies()); n > 0 {
			t.Fatalf("%d cookies are set", n)
		}
	})
	if s != nil {
		_ = s.store.Close()
	}
}

// FuzzOrder: whatever is ordered, it is done for whom it names, or refused with a sentence.
func FuzzOrder(f *testing.F) {
	for _, s := range []string{`{"act":"disconnect","names":["mattermost.hq:alice"]}`, `{"act":"connect","names":["alice","eve"],"confirm":-1}`, `{"act":"sync","dryRun":true,"confirm":1}`, `{"act":"sync"}`, `{"act":"platform","names":["alice","msteams.contoso"]}`,
		`{"act":"approve","names":["mattermost.hq:mallory","msteams.contoso:eve"]}`, `{"act":"\u0000","names":[]}`, `{"act":"show","names":[""]}`, `{"names":null}`, `null`, `[]`, `{`, ``} {
		f.Add([]byte(s))
	}
	var s *stage
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 20_000 {
			return
		}
		if s == nil {
			s = newStage(t)
		}
		s.T = t
		done, err := s.people.OrderJSON(t.Context(), text)
		if err != nil && (len(err.Error()) > 20*len(text)+1000 || !utf8.ValidString(err.Error())) {
			t.Fatalf("an error of %d bytes: %q", len(err.Error()), err)
		}
		if report, ok := done.(Report); err == nil && (!ok || len(report.Outcomes) == 0 && !bytes.Contains(bytes.ToLower(text), []byte("sync"))) {
			t.Fatalf("%+v", done)
		}
		if stored := s.stored(); stored != "" {
			t.Fatalf("it has stored %s", stored)
		}
	})
	if s != nil {
		_ = s.store.Close()
	}
}
