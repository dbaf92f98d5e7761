package people

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
)

const (
	otherAccount = "403 That is another account"
	notVerified  = "403 Your e-mail address is not verified"
)

// TestAttackerWhoSendsTheirLinkEndsWithNothing is mallory, who sends her own link to alice, or gets hold of that of alice, in
// every variant. alice does what pages ask of her, short of the last press below a name that is not hers.
func TestAttackerWhoSendsTheirLinkEndsWithNothing(t *testing.T) {
	byCode := func(o *setting) { o.home.NoSignIn = true }
	anyEmail := func(o *setting) { o.people.RequireSameEmail = false }
	type attack struct {
		change []func(*setting)
		do     func(s *stage)
	}
	attacks := map[string]attack{
		"victim is signed in at home": {nil, func(s *stage) {
			p := s.both("alice").open(s.link("mallory")).press(pressBegin).wants(otherAccount)
			if !strings.Contains(p.body, "Alice Chen (@alice)") || !strings.Contains(p.body, "Mallory (@mallory)") {
				s.Errorf("it does not say who is who:\n%s", p.body)
			}
			p.open(publicURL + "/connect/step").wants(otherAccount)
		}},
		"victim is not signed in at home": {nil, func(s *stage) {
			b := s.browser(map[*memory.Service]bridge.UserID{s.teams: "alice"})
			b.open(s.link("mallory")).press(pressBegin).wants(homePage)
			b.open(publicURL + "/connect/step").wants(homePage)
		}},
		"the same address, unverified, signed in or not": {nil, func(s *stage) {
			sameAddress(s)
			s.both("alice").open(s.link("mallory")).press(pressBegin).wants(otherAccount)
		}},
		"the same address, unverified, by a code": {[]func(*setting){byCode}, func(s *stage) {
			sameAddress(s)
			s.both("alice").open(s.link("mallory")).press(pressBegin).wants(notVerified)
		}},
		"another address, by a code": {[]func(*setting){byCode}, func(s *stage) {
			s.both("alice").open(s.link("mallory")).press(pressBegin).wants("403 The e-mail addresses differ")
		}},
		"code asked for by phone": {[]func(*setting){byCode, anyEmail}, func(s *stage) {
			link := s.link("mallory")
			b := s.both("alice")
			p := b.open(link).press(pressBegin).wants(codePage)
			for _, part := range []string{"Mallory", "@mallory", "Tell nobody this code"} {
				if !strings.Contains(p.body, part) {
					s.Errorf("the page lacks %q:\n%s", part, p.body)
				}
			}
			if got := text(s.types("mallory", "/msteams confirm "+codeOn(p)).Text); !strings.Contains(got, "one last press") {
				s.Errorf("told %q", got)
			}
			m := s.both("mallory")
			m.open(publicURL + "/connect/step").wants(strangers)
			m.follow(m.ask(http.MethodPost, publicURL+"/connect/step", "same-origin", url.Values{"form": {"x"}}), "").wants(strangers)
			m.open(link).press(pressBegin) // anew, in her own browser: what alice has proven is void
			m.open(publicURL + "/connect/step")
			last := b.open(publicURL + "/connect/step").wants(strangers)
			if len(last.forms) > 0 {
				s.Error("alice can still press")
			}
		}},
		"code asked for by phone, and the last page is seen": {[]func(*setting){byCode, anyEmail}, func(s *stage) {
			b := s.both("alice")
			p := b.open(s.link("mallory")).press(pressBegin).wants(codePage)
			s.types("mallory", "/msteams confirm "+codeOn(p))
			last := b.open(publicURL + "/connect/step").wants(agreePage)
			if !strings.Contains(last.body, "Mallory") || !strings.Contains(last.body, "@mallory") || !strings.Contains(last.body, "Press only if both are yours") {
				s.Errorf("the last page does not warn:\n%s", last.body)
			}
		}},
		"two tabs: the victim's own walk, and the attacker's over it": {nil, func(s *stage) {
			b := s.both("alice")
			mine := b.open(s.link("alice")).press(pressBegin).wants(agreePage)
			b.open(s.link("mallory")).press(pressBegin).wants(otherAccount)
			mine.press(pressFinish).wants(otherTab)
		}},
		"two tabs: the attacker's walk first": {[]func(*setting){byCode, anyEmail}, func(s *stage) {
			b := s.both("alice")
			theirs := b.open(s.link("mallory")).press(pressBegin).wants(codePage)
			b.open(s.link("alice")).press(pressBegin).wants(codePage)
			s.types("mallory", "/msteams confirm "+codeOn(theirs))
			b.open(publicURL + "/connect/step").wants(codePage) // alice's own, which waits for alice
		}},
		"the attacker signs in at home, and sends the second address": {nil, func(s *stage) {
			m := s.browser(map[*memory.Service]bridge.UserID{s.mm: "mallory"})
			p := m.open(s.link("mallory")).press(pressBegin).wants(teamsPage)
			_, next, _ := strings.Cut(p.header.Get("Refresh"), "url=")
			s.both("alice").open(s.teams.Allow(next, "alice")).wants(strangers)
		}},
		"the same, while the victim has a walk of their own": {nil, func(s *stage) {
			m := s.browser(map[*memory.Service]bridge.UserID{s.mm: "mallory"})
			p := m.open(s.link("mallory")).press(pressBegin).wants(teamsPage)
			_, next, _ := strings.Cut(p.header.Get("Refresh"), "url=")
			b := s.both("alice")
			b.open(s.link("alice")).press(pressBegin).wants(agreePage)
			b.open(s.teams.Allow(next, "alice")).wants(strangers)
			b.open(publicURL + "/connect/step").wants(agreePage)
		}},
		"session fixation: a cookie planted before": {nil, func(s *stage) {
			m := s.browser(map[*memory.Service]bridge.UserID{s.mm: "mallory"})
			m.open(s.link("mallory")).press(pressBegin).wants(teamsPage)
			at, _ := url.Parse(publicURL + "/connect/step")
			planted := m.jar.Cookies(at)
			planted[0].Path = "/"
			b := s.both("alice")
			b.jar.SetCookies(at, planted)
			last := b.open(s.link("alice")).press(pressBegin)
			last.wants(strangers) // two cookies are as good as none
			m.open(publicURL + "/connect/step").wants(teamsPage)
		}},
		"session fixation: the same cookie, planted before": {nil, func(s *stage) {
			m := s.browser(map[*memory.Service]bridge.UserID{s.mm: "mallory"})
			m.open(s.link("mallory")).press(pressBegin).wants(teamsPage)
			at, _ := url.Parse(publicURL + "/connect/step")
			planted := m.jar.Cookies(at)
			planted[0].Path = "/bridge/connect"
			b := s.both("alice")
			b.jar.SetCookies(at, planted)
			b.open(s.link("alice")).press(pressBegin).wants(agreePage)
			if got := b.jar.Cookies(at); len(got) != 1 || got[0].Value == planted[0].Value {
				s.Errorf("cookies %v", got)
			}
			m.open(publicURL + "/connect/step").wants(teamsPage) // still her own walk, and no other
		}},
		"the attacker has alice's link": {nil, func(s *stage) {
			m := s.browser(map[*memory.Service]bridge.UserID{s.mm: "mallory", s.teams: "eve"})
			m.open(s.link("alice")).press(pressBegin).wants(otherAccount)
		}},
		"the attacker has alice's link, by a code": {[]func(*setting){byCode, anyEmail}, func(s *stage) {
			m := s.browser(map[*memory.Service]bridge.UserID{s.mm: "mallory", s.teams: "eve"})
			p := m.open(s.link("alice")).press(pressBegin).wants(codePage)
			s.types("mallory", "/msteams confirm "+codeOn(p))
			m.open(publicURL + "/connect/step").wants(codePage)
		}},
		"a button of the attacker, pressed by alice": {nil, func(s *stage) {
			token := s.people.choice(mmAccount, "mallory", "Connect", forConnect, string(tmAccount)).Token
			if got := text(s.mm.Press(s.Context(), "alice", token).Text); !strings.Contains(got, "does not work any more") {
				s.Errorf("told %q", got)
			}
		}},
	}
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, a.change...)
			defer s.close()
			a.do(s)
			if s.stored() != "" || s.mm.Grants("mallory")+s.mm.Grants("alice")+s.teams.Grants("alice")+s.teams.Grants("eve") > 0 {
				t.Errorf("stored %q", s.stored())
			}
		})
	}
}

func sameAddress(s *stage) {
	s.mm.Alter("mallory", func(p *bridge.Profile) { p.Email, p.EmailProven = "alice@example.com", false })
}

// TestNamesAreShownAsTextAndAsOneLine gives alice names that try everything.
func TestNamesAreShownAsTextAndAsOneLine(t *testing.T) {
	const evil = "\u202eAl<script>alert(1)</script>\u2066\x00\n\"onmouseover=\"x\u200b&"
	s := newStage(t)
	defer s.close()
	for _, service := range []*memory.Service{s.mm, s.teams} {
		service.Alter("alice", func(p *bridge.Profile) { p.Name, p.Username = evil, evil })
	}
	b := s.both("alice")
	pages := []seen{b.open(s.link("alice")).wants(doorPage)}
	pages = append(pages, pages[0].press(pressBegin).wants(agreePage))
	pages = append(pages, pages[1].press(pressFinish).wants(donePage))
	for _, p := range pages {
		for _, bad := range []string{"<script", "\u202e", "\u2066", "\u200b", "\x00", `"onmouse`} {
			if strings.Contains(p.body, bad) {
				t.Errorf("%s holds %q", p.title, bad)
			}
		}
		if !strings.Contains(p.body, "Al&lt;script&gt;alert(1)&lt;/script&gt; &#34;onmouseover=&#34;x&amp;") {
			t.Errorf("%s does not show the name:\n%s", p.title, p.body)
		}
	}
	s.tells()
	if len(s.mm.Notices()) == 0 {
		t.Error("nothing is told")
	}
	for _, n := range s.mm.Notices() {
		if strings.ContainsAny(text(n.Text), "\u202e\u2066\u200b\x00") {
			t.Errorf("told %q", text(n.Text))
		}
	}
}

// wrongTokens are what somebody may try who has never had a link.
func wrongTokens(p *People) []string {
	good, _ := p.newLink(time.Now().Add(time.Minute))
	late, _ := p.newLink(time.Now().Add(-time.Second))
	return []string{
		"x", "step2", strings.Repeat("A", 54), strings.Repeat("A", 4000), good[1:], good + "A", "B" + good[1:], good[:len(good)-2] + "__", late, strings.ToLower(good),
		p.sign(forMe, []byte("12345678mattermost.hq\x00alice"))[2:], p.signedWith(forBrowser, good, atDoor, secretBytes()), "%00", "a.b.c",
	}
}

// TestTenThousandWrongTokensAskTheStoreNothing closes the store first: whatever asks it, fails in another way.
func TestTenThousandWrongTokensAskTheStoreNothing(t *testing.T) {
	s := newStage(t)
	defer s.close()
	_ = s.store.Close()
	wrong := wrongTokens(s.people)
	began := time.Now()
	const tries = 10000
	for i := range tries {
		token := wrong[i%len(wrong)]
		r := httptest.NewRequest(http.MethodGet, publicURL+"/connect/"+token, nil)
		want := http.StatusGone
		switch i % 5 {
		case 1:
			r = httptest.NewRequest(http.MethodPost, publicURL+"/connect/"+token, nil)
		case 2:
			r = httptest.NewRequest(http.MethodGet, publicURL+"/me/"+token, nil)
		case 3:
			r = httptest.NewRequest(http.MethodGet, publicURL+"/connect/back?code=x&state="+url.QueryEscape(token), nil)
			want = http.StatusForbidden
		case 4:
			r = httptest.NewRequest(http.MethodPost, publicURL+"/connect/step", nil)
			want = http.StatusForbidden
		}
		r.AddCookie(&http.Cookie{Name: "__Secure-causeway", Value: token})
		w := httptest.NewRecorder()
		s.pages.ServeHTTP(w, r)
		if w.Code != want {
			t.Fatalf("%s %s: %d, want %d\n%s", r.Method, r.URL, w.Code, want, w.Body)
		}
	}
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("%d wrong tokens take %v", tries, took)
	}
	if log := s.log.String(); log != "" {
		t.Errorf("the log says\n%s", log)
	}
}

// TestWrongTokensDoNotSlowTheRest opens a good link again and again beside 10,000 wrong ones.
func TestWrongTokensDoNotSlowTheRest(t *testing.T) {
	s := newStage(t)
	defer s.close()
	wrong, link := wrongTokens(s.people), s.link("alice")
	var attackers sync.WaitGroup
	for range 8 {
		attackers.Go(func() {
			for i := range 10000 / 8 {
				r := httptest.NewRequest(http.MethodGet, publicURL+"/connect/"+wrong[i%len(wrong)], nil)
				s.pages.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	over := make(chan struct{})
	go func() {
		attackers.Wait()
		close(over)
	}()
	opened, slowest := 0, time.Duration(0)
	for going := true; going; {
		began := time.Now()
		w := httptest.NewRecorder()
		s.pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, link, nil))
		slowest = max(slowest, time.Since(began))
		if opened++; w.Code != http.StatusOK {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		select {
		case <-over:
			going = false
		default:
		}
	}
	t.Logf("%d times opened beside 10,000 wrong tokens, the slowest in %v", opened, slowest)
	if slowest > time.Second {
		t.Errorf("a good link takes %v beside wrong ones", slowest)
	}
}

func BenchmarkWrongToken(b *testing.B) {
	p := New(Options{Store: newStage(&testing.T{}).store, Settings: config.People{}, PublicURL: publicURL})
	h := http.StripPrefix("/bridge", p.Handler())
	r := httptest.NewRequest(http.MethodGet, publicURL+"/connect/"+strings.Repeat("A", 54), nil)
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestLinkOfOnesOwnPage(t *testing.T) {
	s := newStage(t)
	defer s.close()
	connect(s, "the two")
	b := s.both("alice")
	address := s.linkIn(s.types("alice", "/msteams status").Text)
	page := b.open(address).wants(donePage)
	for _, part := range []string{"Where do you want to be notified?", "Skip for now", "Disconnect Microsoft Teams"} {
		if !strings.Contains(page.body, part) {
			t.Errorf("lacks %q:\n%s", part, page.body)
		}
	}
	for range 3 { // opening it changes nothing
		b.ask(http.MethodGet, address+"?do=disconnect&account=msteams.contoso", "none", nil)
	}
	if got := s.stored(); got != aliceIs {
		t.Error(got)
	}
	page.press("Skip for now").wants(mePage)
	if got := s.stored(); got != aliceIs+" prefers mattermost.hq false" {
		t.Error(got)
	}
	page = b.open(address).press("Choose Microsoft Teams").wants(mePage)
	if got := s.stored(); got != aliceIs+" prefers msteams.contoso true" {
		t.Error(got)
	}
	quiet := formsOf(page.body)[1].fields
	quiet.Del("observe")
	b.follow(b.ask(http.MethodPost, address, "same-origin", quiet), address).wants(mePage)
	if got := s.stored(); got != aliceIs+" prefers msteams.contoso false" {
		t.Error(got)
	}
	for what, fields := range map[string]url.Values{
		"403 That is not one of your accounts":         {"do": {"platform"}, "account": {"msteams.fabrikam"}},
		"403 This form is not one of Causeway's":       {"do": {"disconnect"}, "account": {"mattermost.hq"}},
		"403 This form is not one of Causeway's\x00":   {"do": {"else"}, "account": {"mattermost.hq"}},
		"403 That is not one of your accounts\x00":     {},
		"403 That is not one of your accounts\x00\x00": {"do": {"disconnect"}, "account": {""}},
	} {
		b.follow(b.ask(http.MethodPost, address, "same-origin", fields), address).wants(strings.TrimRight(what, "\x00"))
	}
	done := b.open(address).press("Disconnect alice").wants(mePage)
	if !strings.Contains(done.body, "You are being disconnected") {
		t.Errorf("%s", done.body)
	}
	if got := s.stored(); got != "mattermost.hq=alice:leaving msteams.contoso=alice:leaving prefers msteams.contoso false" {
		t.Error(got)
	}
}

func TestPagesLeadNowhereElse(t *testing.T) {
	s := newStage(t)
	defer s.close()
	connect(s, "the two")
	b := s.both("alice")
	for _, path := range []string{
		"/connect/back?redirect_uri=https://evil.example&state=x", "/connect/step?next=//evil.example", "/connect//evil.example", "/connect/https:%2F%2Fevil.example", "/me//evil.example/",
		"/connect/..%2f..%2f", "/connect/", "/me/",
	} {
		answer := b.ask(http.MethodGet, publicURL+path, "cross-site", nil)
		if fresh := answer.Header.Get("Refresh"); fresh != "" {
			t.Errorf("%s leads to %q", path, fresh)
		}
	}
	address := s.linkIn(s.types("alice", "/msteams status").Text)
	answer := b.ask(http.MethodPost, address, "same-origin", url.Values{"do": {"platform"}, "account": {"mattermost.hq"}, "next": {"https://evil.example"}})
	if to := answer.Header.Get("Location"); to != fmt.Sprint(address, "?done=platform") {
		t.Errorf("leads to %q", to)
	}
}
