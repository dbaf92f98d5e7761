package people

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

func TestConnectingThroughOneBrowser(t *testing.T) {
	s := newStage(t)
	defer s.close()
	b := s.both("alice")
	door := b.open(s.link("alice")).wants(doorPage)
	for _, part := range []string{"Alice Chen", "@alice", "https://mattermost.example", "Is this not your account?"} {
		if !strings.Contains(door.body, part) {
			t.Errorf("the first page lacks %q:\n%s", part, door.body)
		}
	}
	last := door.press(pressBegin).wants(agreePage)
	if s.stored() != "" || s.teams.Grants("alice")+s.mm.Grants("alice") != 0 {
		t.Errorf("stored before the press: %s", s.stored())
	}
	last.press(pressFinish).wants(donePage)
	if got := s.stored(); got != aliceIs {
		t.Errorf("stored %q", got)
	}
	if s.teams.Grants("alice") != 1 || s.mm.Grants("alice") != 1 {
		t.Errorf("%d and %d grants", s.mm.Grants("alice"), s.teams.Grants("alice"))
	}
	s.tells()
	notices := s.mm.Notices()
	if len(notices) != 1 || notices[0].User != "alice" || len(notices[0].Choices) != 3 || !strings.Contains(text(notices[0].Text), "You are connected.") {
		t.Errorf("told %+v", notices)
	}
	last.press(pressFinish).wants(strangers) // the cookie is gone
	if got := s.stored(); got != aliceIs {
		t.Errorf("stored %q", got)
	}
}

func TestConnectingByACodeWhereHomeHasNoSignIn(t *testing.T) {
	s := newStage(t, func(o *setting) { o.home.NoSignIn = true })
	defer s.close()
	b := s.both("alice")
	page := b.open(s.link("alice")).press(pressBegin).wants(codePage)
	if page.header.Get("Refresh") != "4" {
		t.Errorf("the page does not look again: %v", page.header)
	}
	code := codeOn(page)
	if got := text(s.types("mallory", "/msteams confirm "+code).Text); !strings.Contains(got, "Nothing of yours waits for a code") {
		t.Errorf("somebody else is told %q", got)
	}
	b.open(page.address).wants(codePage)
	if got := text(s.types("alice", "/msteams confirm "+strings.ToLower(strings.Replace(code, "-", " ", 1))).Text); !strings.Contains(got, "one last press") {
		t.Errorf("told %q", got)
	}
	s.both("alice").open(page.address).wants(strangers)
	b.open(page.address).wants(agreePage).press(pressFinish).wants(donePage)
	if got := s.stored(); got != aliceIs {
		t.Errorf("stored %q", got)
	}
	if got := text(s.types("alice", "/msteams confirm "+code).Text); !strings.Contains(got, "Nothing of yours waits for a code") {
		t.Errorf("a code that was used: %q", got)
	}
}

// codeOn gives the code that a page shows.
func codeOn(p seen) string {
	p.Helper()
	_, rest, ok := strings.Cut(p.body, "/msteams confirm ")
	code, _, _ := strings.Cut(rest, "<")
	if !ok || len(code) != 9 {
		p.Fatalf("no code on %q\n%s", p.title, p.body)
	}
	return code
}

func TestFiveWrongCodesEndTheWalk(t *testing.T) {
	s := newStage(t, func(o *setting) { o.home.NoSignIn = true })
	defer s.close()
	b, link := s.both("alice"), s.link("alice")
	page := b.open(link).press(pressBegin).wants(codePage)
	for range 3 {
		if got := text(s.types("alice", "/msteams confirm AAAA-AAAA").Text); !strings.Contains(got, "That is not the code") {
			t.Errorf("told %q", got)
		}
	}
	// Beginning anew in another browser gives no further tries.
	b = s.both("alice")
	again := b.open(link).press(pressBegin).wants(codePage)
	if codeOn(again) == codeOn(page) {
		t.Error("the code is the same for another browser")
	}
	if got := text(s.types("alice", "/msteams confirm "+codeOn(page)).Text); !strings.Contains(got, "That is not the code") {
		t.Errorf("a code of another browser: %q", got)
	}
	if got := text(s.types("alice", "/msteams confirm AAAA-AAAA").Text); !strings.Contains(got, "the last of five") {
		t.Errorf("told %q", got)
	}
	if got := text(s.types("alice", "/msteams confirm "+codeOn(again)).Text); !strings.Contains(got, "Nothing of yours waits") {
		t.Errorf("the right one, too late: %q", got)
	}
	b.open(again.address).wants(goneLink)
	b.open(link).wants(goneLink)
	if s.stored() != "" {
		t.Error(s.stored())
	}
}

// TestMailScannerChangesNothing opens the link as scanners, previews and prefetching browsers do.
func TestMailScannerChangesNothing(t *testing.T) {
	s := newStage(t)
	defer s.close()
	link := s.link("alice")
	b := s.both("alice")
	last := b.open(link).press(pressBegin).wants(agreePage)
	scanner := s.browser(nil)
	for range 3 {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if r := scanner.ask(method, link, "none", nil); r.StatusCode != http.StatusOK || len(r.Cookies()) > 0 {
				t.Errorf("%s: %d %v", method, r.StatusCode, r.Cookies())
			}
		}
		for _, path := range []string{"/connect/step", "/connect/back", "/connect/back?code=a&state=b"} {
			scanner.open(publicURL + path).wants(strangers)
		}
	}
	last.press(pressFinish).wants(donePage)
	if got := s.stored(); got != aliceIs {
		t.Errorf("stored %q", got)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		if r := scanner.ask(method, link, "same-origin", nil); r.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, r.StatusCode)
		}
	}
}

func TestLinkIsGoodForAQuarterOfAnHourAndUntilTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		first := s.link("alice")
		time.Sleep(10 * time.Minute)
		second := s.link("alice")
		b := s.both("alice")
		b.open(first).wants(goneLink)
		last := b.open(second).press(pressBegin).wants(agreePage)
		time.Sleep(15*time.Minute - 2*time.Second)
		b.open(second).wants(doorPage)
		time.Sleep(2 * time.Second)
		for _, address := range []string{second, first} {
			b.open(address).wants(goneLink)
			b.follow(b.ask(http.MethodPost, address, "same-origin", nil), address).wants(goneLink)
		}
		last.press(pressFinish).wants(strangers) // the cookie ends with it
		if s.stored() != "" {
			t.Error(s.stored())
		}
	})
}

func TestNewLinkEndsTheWalkThatIsUnderWay(t *testing.T) {
	s := newStage(t)
	defer s.close()
	b := s.both("alice")
	last := b.open(s.link("alice")).press(pressBegin).wants(agreePage)
	next := s.link("alice")
	last.press(pressFinish).wants(goneLink)
	if s.stored() != "" {
		t.Error(s.stored())
	}
	b.open(next).press(pressBegin).press(pressFinish).wants(donePage)
	if got := s.stored(); got != aliceIs {
		t.Errorf("stored %q", got)
	}
}

func TestAnotherBrowserBeginsAnewAndTheFirstOneIsOut(t *testing.T) {
	s := newStage(t)
	defer s.close()
	link := s.link("alice")
	first, second := s.both("alice"), s.both("alice")
	last := first.open(link).press(pressBegin).wants(agreePage)
	other := second.open(link).press(pressBegin).wants(agreePage)
	last.press(pressFinish).wants(strangers)
	first.open(publicURL + "/connect/step").wants(strangers)
	if s.stored() != "" {
		t.Error(s.stored())
	}
	other.press(pressFinish).wants(donePage)
	if got := s.stored(); got != aliceIs {
		t.Errorf("stored %q", got)
	}
}

// TestStatesHoldOnceInTheirBrowserAndForTheirStep brings back what was brought back before, and what belongs elsewhere.
func TestStatesHoldOnceInTheirBrowserAndForTheirStep(t *testing.T) {
	s := newStage(t)
	defer s.close()
	b := s.both("alice")
	b.stays = true
	at := func(p seen) string { _, next, _ := strings.Cut(p.header.Get("Refresh"), "url="); return next }
	home := b.open(s.link("alice")).press(pressBegin).wants(homePage)
	homeBack := s.mm.Allow(at(home), "alice")

	// Another walk of somebody else, with states of its own.
	m := s.both("mallory")
	m.stays = true
	foreign := m.open(s.link("mallory")).press(pressBegin).wants(homePage)
	b.open(s.mm.Allow(at(foreign), "alice")).wants(strangers)
	m.open(homeBack).wants(strangers)
	s.browser(nil).open(homeBack).wants(strangers)

	with := func(back, key, value string) string {
		u, _ := url.Parse(back)
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for _, forged := range []string{"", "x", strings.Repeat("A", 88), strings.Repeat("A", 5000), "%00", stateOf(homeBack)[1:], stateOf(homeBack) + "A"} {
		b.open(with(homeBack, "state", forged)).wants("400 This address is not good")
	}
	b.open(homeBack).wants(teamsPage)
	b.open(homeBack).wants(otherTab) // replayed
	step := b.open(publicURL + "/connect/step").wants(teamsPage)
	b.open(with(homeBack, "code", "another")).wants(otherTab)
	// A second tab that has the same sign-in open: the first to come back counts.
	teamsBack := s.teams.Allow(at(step), "alice")
	b.open(with(teamsBack, "state", stateOf(homeBack))).wants(otherTab)
	second := s.teams.Allow(at(step), "eve")
	b.open(teamsBack).wants(agreePage)
	b.open(second).wants(otherTab)
	b.open(publicURL + "/connect/step").wants(agreePage)
	if s.stored() != "" {
		t.Error(s.stored())
	}
	last := b.open(publicURL + "/connect/step")
	for _, wrong := range []string{"", "x", last.forms[0].fields.Get("form") + "x"} {
		b.follow(b.ask(http.MethodPost, last.address, "same-origin", url.Values{"form": {wrong}}), last.address).wants(otherTab)
	}
	if s.stored() != "" {
		t.Error(s.stored())
	}
	last.press(pressFinish).wants(donePage)
}

func stateOf(back string) string {
	u, _ := url.Parse(back)
	return u.Query().Get("state")
}

func TestDeclinedSignInCanBeTriedAgain(t *testing.T) {
	s := newStage(t)
	defer s.close()
	b := s.both("alice")
	b.stays = true
	page := b.open(s.link("alice")).press(pressBegin).wants(homePage)
	next := page.header.Get("Refresh")[len("0; url="):]
	refused := b.open(s.mm.Decline(next)).wants("403 You were not signed in")
	if !strings.Contains(refused.body, `href="/bridge/connect/step"`) {
		t.Errorf("it does not lead on:\n%s", refused.body)
	}
	b.open(s.mm.Allow(next, "alice")).wants(otherTab) // the state was used up
	b.stays = false
	b.open(publicURL + "/connect/step").wants(agreePage).press(pressFinish).wants(donePage)
}

func TestFormsOfOtherSitesDoNothing(t *testing.T) {
	s := newStage(t)
	defer s.close()
	b := s.both("alice")
	link := s.link("alice")
	const denied = "403 This form is not one of Causeway's"
	post := func(address, from string, fields url.Values) seen {
		return b.follow(b.ask(http.MethodPost, address, from, fields), address)
	}
	for _, from := range []string{"cross-site", "same-site"} {
		post(link, from, nil).wants(denied)
	}
	last := b.open(link).press(pressBegin).wants(agreePage)
	post(last.address, "cross-site", last.forms[0].fields).wants(denied)
	if s.stored() != "" {
		t.Error(s.stored())
	}
	done := last.press(pressFinish).wants(donePage)
	post(done.address, "cross-site", url.Values{"do": {"disconnect"}, "account": {string(tmAccount)}}).wants(denied)
	if got := s.stored(); got != aliceIs {
		t.Errorf("stored %q", got)
	}
}

func TestServiceThatFailsIsExplainedAndStoresNothing(t *testing.T) {
	for op, page := range map[memory.Op]string{
		memory.SignIn: "502 Mattermost did not answer as it should", memory.Prove: "502 Mattermost did not answer as it should", memory.Empower: "502 Microsoft Teams did not answer as it should",
	} {
		s := newStage(t)
		b := s.both("alice")
		link := s.link("alice")
		s.fails(op, memory.Fails(bridge.Transient))
		p := b.open(link).press(pressBegin)
		if op == memory.Empower {
			p = p.wants(agreePage).press(pressFinish)
		}
		p.wants(page)
		if s.stored() != "" {
			t.Errorf("%s: %s", op, s.stored())
		}
		s.fails("", nil)
		if op == memory.SignIn {
			p = b.open(s.link("alice")).press(pressBegin)
		} else {
			p = b.open(publicURL + "/connect/step")
		}
		p.wants(agreePage).press(pressFinish).wants(donePage)
		if got := s.stored(); got != aliceIs {
			t.Errorf("%s: %q", op, got)
		}
		s.close()
	}
}

// TestWhatHeldBeforeMustHoldAtThePress changes how things stand while somebody looks at the last page.
func TestWhatHeldBeforeMustHoldAtThePress(t *testing.T) {
	ends := [2]store.User{{Server: "mattermost:1", User: "alice"}, {Server: "msteams:1", User: "alice"}}
	for want, change := range map[string]func(s *stage){
		"403 Connecting is switched off":                        func(s *stage) { s.people.o.Settings.Enable = false },
		"403 You may not connect these accounts":                func(s *stage) { s.people.o.Settings.Deny = []string{"alice@example.com"} },
		"403 This Microsoft Teams account is connected already": func(s *stage) { connect(s, "other elsewhere") },
		"403 Your Mattermost account is connected already":      func(s *stage) { connect(s, "home elsewhere") },
		"403 Still being disconnected":                          func(s *stage) { connect(s, "leaving") },
		"403 No more people can be connected at present":        func(s *stage) { connect(s, "full"); s.people.o.Settings.MaxConnected = 1 },
		"403 The e-mail addresses differ":                       func(s *stage) { s.approve(ends, false) },
		donePage:                                                func(*stage) {},
	} {
		s := newStage(t)
		s.teams.Alter("alice", func(p *bridge.Profile) { p.Email = "chen@elsewhere.net" })
		s.approve(ends, true)
		last := s.both("alice").open(s.link("alice")).press(pressBegin).wants(agreePage)
		change(s)
		before := s.stored()
		last.press(pressFinish).wants(want)
		if want != donePage && s.stored() != before {
			t.Errorf("%s: stored %q, was %q", want, s.stored(), before)
		}
		s.close()
	}
}

func (s *stage) approve(ends [2]store.User, allowed bool) {
	s.Helper()
	if err := s.store.Approve(s.Context(), ends[0], ends[1], allowed); err != nil {
		s.Fatal(err)
	}
}

// TestWhoCannotBeConnectedIsToldSo signs in with accounts that services or rules refuse, and then with the right one.
func TestWhoCannotBeConnectedIsToldSo(t *testing.T) {
	for want, change := range map[string]func(s *stage){
		"403 This account cannot be connected": func(s *stage) { s.teams.Alter("eve", func(p *bridge.Profile) { p.Standing.Guest = true }) },
		"403 The e-mail addresses differ":      func(*stage) {},
		"403 This Microsoft Teams account is connected already": func(s *stage) {
			ends := [2]store.End{{Identity: store.Identity{Account: mmAccount, Server: "mattermost:1", User: "mallory"}}, {Identity: store.Identity{Account: tmAccount, Server: "msteams:1", User: "eve"}}}
			if _, err := s.store.Connect(s.Context(), "", ends, 0); err != nil {
				s.Fatal(err)
			}
		},
	} {
		s := newStage(t)
		change(s)
		before := s.stored()
		b := s.browser(map[*memory.Service]bridge.UserID{s.mm: "alice", s.teams: "eve"})
		p := b.open(s.link("alice")).press(pressBegin).wants(want)
		if s.stored() != before || !strings.Contains(p.body, `href="/bridge/connect/step"`) {
			t.Errorf("%s: stored %q\n%s", want, s.stored(), p.body)
		}
		b.signedIn[s.teams] = "alice"
		b.open(publicURL + "/connect/step").wants(agreePage).press(pressFinish).wants(donePage)
		s.close()
	}
}

// patient is an answer that knows until when it may be written.
type patient struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *patient) SetWriteDeadline(at time.Time) error {
	w.until = at
	return nil
}

func TestTheAnswerToTheLastPressMayTakeAsLongAsConnecting(t *testing.T) {
	s := newStage(t)
	defer s.close()
	w := &patient{ResponseRecorder: httptest.NewRecorder()}
	began := time.Now()
	s.pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/bridge/connect/step", nil))
	if least := began.Add(pageTime + finishTime); w.until.Before(least) {
		t.Errorf("it may be written until %s, want %s at least", w.until, least)
	}
}

func TestWhoSignsInWithAnAddressHasNoOtherName(t *testing.T) {
	for username, want := range map[string]string{"": "Ann", "ann": "Ann (@ann)", "ann@example.com": "Ann (ann@example.com)"} {
		if got := called(bridge.Profile{Author: bridge.Author{Name: "Ann", Username: username}}); got != want {
			t.Errorf("%q: %q, want %q", username, got, want)
		}
	}
}

func TestWhoIsDisconnectedBeforeTheirPageIsShownIsToldSo(t *testing.T) {
	for _, done := range []string{"", "?done=disconnect"} {
		s := newStage(t)
		p := s.both("alice").open(s.people.meLink("mattermost.hq", "alice") + done)
		want := map[string]string{"": "403 Your accounts are not connected", "?done=disconnect": "200 You are disconnected"}[done]
		p.wants(want)
	}
}
