package e2e

import (
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

func TestPeople(t *testing.T) {
	t.Parallel()
	f := newFolk(t, harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres}), "simple")
	for _, scripts := range []bool{true, false} {
		name := map[bool]string{true: "", false: " without scripts"}[scripts]
		t.Run("the whole way"+name, func(t *testing.T) { wholeWay(t, f, scripts) })
	}
	f.nothingLeaked(t)
}

// wholeWay connects somebody, has them choose, and disconnects them again.
func wholeWay(t *testing.T, f *folk, scripts bool) {
	m := f.member(t, map[bool]string{true: "Alice Chen", false: "Anders Öst"}[scripts], "")
	w := f.window(t, m, scripts)
	if f.connects(t, w, m); len(f.minted(t, m)) != 1 {
		t.Errorf("tokens that Causeway has minted: %q", f.minted(t, m))
	}
	before := f.notified(t, m)
	w.press("Choose Microsoft Teams").at(ownPage, "Your choice holds from now on", "chosen")
	f.notifiedBy(t, m, before, true)
	f.letter(t, m, "You are connected.")
	w.press("Choose Mattermost").at(ownPage, "Your choice holds from now on")
	f.notifiedBy(t, m, before, false)
	w.press("Disconnect Microsoft Teams").press("Disconnect "+m.there.Name).at(ownPage, "You are being disconnected")
	f.gone(t, m)
}
