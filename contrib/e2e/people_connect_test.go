package e2e

import (
	"fmt"
	"strings"
	"testing"

	"causeway/contrib/e2e/harness"
)

// The pages, by their headings.
const (
	doorPage      = "Connect Mattermost with Microsoft Teams"
	entraPage     = "Pick an account"
	agreePage     = "Connect these two accounts?"
	connectedPage = "You are connected"
	ownPage       = "Your connection"
	codePage      = "One thing to type"

	pressBegin  = "This is my account"
	pressFinish = "Connect these two accounts"
)

// begins has somebody ask for a link and open it.
func (f *folk) begins(t *testing.T, w *window, m *member) *window {
	t.Helper()
	return w.goes(link(t, f.types(t, m, "/msteams connect"))).at(doorPage, "@"+m.here.Username, m.here.Email)
}

// connects takes somebody the whole way in a browser that is signed in to Mattermost, up to the page that tells them of it.
func (f *folk) connects(t *testing.T, w *window, m *member) *window {
	t.Helper()
	f.begins(t, w, m).press(pressBegin)
	f.allow(w)
	w.at(entraPage).press(m.there.Name + " (")
	w.at(agreePage, "@"+m.here.Username, m.there.Name, m.there.Mail).press(pressFinish)
	return w.at(connectedPage, m.there.Name)
}

// connected makes somebody who is connected.
func (f *folk) connected(t *testing.T, name string) *member {
	t.Helper()
	m := f.member(t, name, "")
	f.connects(t, f.window(t, m, true), m)
	return m
}

// allow presses "Allow" on Mattermost's page of consent, which asks where the app is not trusted. That page is part of Mattermost's web client, which
// the harness does not have: what it sends is sent from where it would stand.
func (f *folk) allow(w *window) {
	w.t.Helper()
	if !f.asks {
		return
	}
	w.wait(`location.pathname === "/oauth/authorize"`)
	w.wait(`fetch("/oauth/authorize", {method: "POST", headers: {"Content-Type": "application/json", "X-Requested-With": "XMLHttpRequest"},
		body: JSON.stringify(Object.fromEntries(new URLSearchParams(location.search)))}).then((r) => r.json()).then((r) => { location.href = r.redirect })`)
}

// TestPeople is everything that people do on a server whose bot is an administrator, one after the other.
func TestPeople(t *testing.T) {
	t.Parallel()
	f := newFolk(t, harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres}), "simple")
	// What takes up to a minute is begun now, and looked at last.
	invited, departed := f.invites(t), f.departs(t)
	for _, scripts := range []bool{true, false} {
		name := map[bool]string{true: "", false: " without scripts"}[scripts]
		t.Run("the whole way"+name, func(t *testing.T) { wholeWay(t, f, scripts) })
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T, *folk)
	}{
		{"pictures", pictures},
		{"as themselves", asThemselves},
		{"direct and group messages", quietTalks},
		{"commands", commands},
		{"administered", administered},
		{"refusals", refusals},
		{"attacks", attacks},
		{"refusals without scripts", silently(refusals)},
		{"attacks without scripts", silently(attacks)},
		{"lost in Mattermost", lostHere},
		{"lost in Teams", lostThere},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, f) })
	}
	t.Run("invited", invited)
	t.Run("departed", departed)
	t.Run("killed", func(t *testing.T) { killed(t, f) })
	t.Run("while Mattermost is away", func(t *testing.T) { away(t, f) })
	f.oauth(t, false)
	t.Run("an address that nobody has verified", func(t *testing.T) { unverified(t, f) })
	f.causeway.Kill(t)
	f.changed(t, "[people]", "[people]\nRequireSameEmail = false")
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("with a code, scripts: %v", scripts), func(t *testing.T) { withACode(t, f, scripts) })
	}
	t.Run("five wrong codes", func(t *testing.T) { wrongCodes(t, f) })
	f.nothingLeaked(t)
}

// TestRestrictedPeople is what differs where the bot has four permissions more than any other, and people give it their tokens.
func TestRestrictedPeople(t *testing.T) {
	t.Parallel()
	f := newFolk(t, harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres}), "restricted")
	f.asks = true
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("the whole way, scripts: %v", scripts), func(t *testing.T) { wholeWay(t, f, scripts) })
	}
	t.Run("as themselves", func(t *testing.T) { asThemselves(t, f) })
	t.Run("lost in Mattermost", func(t *testing.T) { lostHere(t, f) })
	t.Run("lost in Teams", func(t *testing.T) { lostThere(t, f) })
	t.Run("given for nothing", func(t *testing.T) { givenForNothing(t, f) })
	t.Run("links", func(t *testing.T) { links(t, f) })
	t.Run("nobody can sign in", func(t *testing.T) { nobodySignsIn(t, f) })
	f.nothingLeaked(t)
}

// wholeWay connects somebody, has them choose, and disconnects them again. Who has no scripts has no mouse either.
func wholeWay(t *testing.T, f *folk, scripts bool) {
	m := f.member(t, map[bool]string{true: "Alice Chen", false: "Anders Lind"}[scripts], "")
	f.remembers(t, m)
	w := f.window(t, m, scripts)
	w.keyboard = !scripts
	f.connects(t, w, m)
	f.empowered(t, m)
	before := f.notified(t, m)
	w.press("Choose Microsoft Teams").at(ownPage, "Your choice holds from now on", "Keep Microsoft Teams")
	f.notifiedBy(t, m, before, true)
	f.letter(t, m, "You are connected.")
	w.press("Choose Mattermost").at(ownPage, "Your choice holds from now on", "Keep Mattermost")
	f.notifiedBy(t, m, before, false)
	w.press("Disconnect Microsoft Teams").press("Disconnect " + m.there.Name)
	w.wait(`["` + ownPage + `", "You are disconnected"].includes(document.querySelector("h1")?.textContent) && location.search === "?done=disconnect"`) // whichever is faster
	w.browser.keep(w.says(contents))
	f.gone(t, m)
}

// withACode connects somebody where Mattermost signs nobody in for other programs.
func withACode(t *testing.T, f *folk, scripts bool) {
	name := map[bool]string{true: "Carl Code", false: "Cora Code"}[scripts]
	m, other := f.member(t, name, strings.Fields(name)[0]+"@elsewhere.example"), f.member(t, name+" II", "")
	w := f.window(t, nil, scripts)
	f.begins(t, w, m).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	w.at(codePage, "@"+m.here.Username)
	if scripts {
		w.picture("4-code")
	}
	command := w.says(`document.querySelector("code").textContent`)
	f.secrets.leading(command[len("/msteams confirm "):])
	wants(t, f.types(t, m, "/msteams confirm ABCD-2346"), "That is not the code")
	wants(t, f.types(t, other, command), "Nothing of yours waits for a code")
	wants(t, f.types(t, m, command), "one last press")
	w.at(agreePage, "@"+m.here.Username, m.there.Mail).press(pressFinish).at(connectedPage)
	f.empowered(t, m)
	f.notConnected(t, other)
}

// unverified: where nobody signs in to Mattermost, an address that it has not verified proves nothing.
func unverified(t *testing.T, f *folk) {
	m := f.member(t, "Una Unverified", "")
	f.begins(t, f.window(t, m, true), m).press(pressBegin).at(entraPage).press(m.there.Name+" (").at("Your e-mail address is not verified", "Verify your address in Mattermost")
	f.notConnected(t, m)
}

// silently does a part in browsers that run no scripts.
func silently(part func(*testing.T, *folk)) func(*testing.T, *folk) {
	return func(t *testing.T, f *folk) {
		f.silent = true
		defer func() { f.silent = false }()
		part(t, f)
	}
}

// wrongCodes: after five the link has ended, and the right one comes too late.
func wrongCodes(t *testing.T, f *folk) {
	m := f.member(t, "Gus Guesses", "")
	w := f.window(t, nil, true)
	f.begins(t, w, m).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	w.at(codePage)
	right := w.says(`document.querySelector("code").textContent`)
	f.secrets.leading(right[len("/msteams confirm "):])
	for n := range 5 {
		want := map[bool]string{true: "That was the last of five wrong codes", false: "That is not the code"}[n == 4]
		wants(t, f.types(t, m, "/msteams confirm ABCD-2346"), want)
	}
	wants(t, f.types(t, m, right), "Nothing of yours waits for a code")
	w.at("This link is not good any more") // the page has looked by itself
	f.notConnected(t, m)
}

// givenForNothing: somebody who has allowed Causeway to act as them, and gets a new link instead of pressing, has given it nothing any more.
func givenForNothing(t *testing.T, f *folk) {
	m := f.member(t, "Nils Nothing", "")
	w := f.window(t, m, true)
	f.begins(t, w, m).press(pressBegin)
	f.allow(w)
	w.at(entraPage).press(m.there.Name + " (")
	w.at(agreePage)
	if !f.authorised(t, m) {
		t.Error("they have given nothing")
	}
	f.ends(t, m) // as its quarter of an hour would
	w.press(pressFinish).at("This link is not good any more")
	f.notConnected(t, m)
	other := f.connected(t, "Nina Next") // news, so that it is done at once
	f.eventually(t, "what was given back", func() string { return complain(!f.authorised(t, m)) })
	f.empowered(t, other)
}

// nobodySignsIn: where people alone can give Causeway their right, and Mattermost signs nobody in for other programs, that is said at the command.
func nobodySignsIn(t *testing.T, f *folk) {
	m := f.member(t, "Otto Off", "")
	f.oauth(t, false)
	wants(t, f.types(t, m, "/msteams connect"), "This account cannot be connected.", "causeway check")
	check, code := f.checks(t)
	wants(t, check, "people cannot be connected: switch on ServiceSettings.EnableOAuthServiceProvider")
	if code != 0 {
		t.Errorf("check ends with %d", code)
	}
	f.oauth(t, true)
	f.connects(t, f.window(t, m, true), m)
}
