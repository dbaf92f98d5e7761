package e2e

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
)

// refusals are the ways in which connecting can fail without anybody meaning harm.
func refusals(t *testing.T, f *folk) {
	for _, one := range []struct {
		name string
		run  func(*testing.T, *folk)
	}{
		{"another account in Mattermost", anotherAccount},
		{"declined at Entra", declined},
		{"a guest", guest},
		{"a foreign tenant", foreign},
		{"other addresses", otherAddresses},
		{"connected elsewhere", connectedElsewhere},
		{"an address that was used", usedAddress},
		{"a second tab", secondTab},
		{"another browser", otherBrowser},
		{"a link that was used", usedLink},
		{"a link whose time is over", lateLink},
	} {
		t.Run(one.name, func(t *testing.T) { one.run(t, f) })
	}
}

func anotherAccount(t *testing.T, f *folk) {
	m, other := f.member(t, "Wanda Wrong", ""), f.member(t, "Walter Wrong", "")
	w := f.window(t, other, true)
	f.begins(t, w, m).press(pressBegin).at("That is another account", "@"+other.here.Username, "@"+m.here.Username, "nothing has been changed", "Go on")
	f.notConnected(t, m)
	f.notConnected(t, other)
	// They sign in with the right one, and go on.
	f.signIn(w, m)
	w.press("Go on").at(entraPage).press(m.there.Name + " (")
	w.at(agreePage).press(pressFinish).at(connectedPage)
	f.notConnected(t, other)
}

func declined(t *testing.T, f *folk) {
	m := f.member(t, "Dan Denies", "")
	w := f.window(t, m, true)
	f.begins(t, w, m).press(pressBegin).at(entraPage).press("Decline").at("You were not signed in", "have not agreed")
	f.notConnected(t, m)
	w.press("Go on").at(entraPage).press(m.there.Name + " (")
	w.at(agreePage).press(pressFinish).at(connectedPage)
}

func guest(t *testing.T, f *folk) {
	m := f.member(t, "Greta Guest", "")
	for idp, why := range map[string]string{"https://sts.windows.net/5d7a5b3c-0000-4000-8000-000000000000/": "guest", "live.com": "private Microsoft account"} {
		outsider := f.tenant.AddGuest("Outsider "+idp[:4]+m.there.Name, idp)
		w := f.window(t, m, true)
		f.begins(t, w, m).press(pressBegin).at(entraPage).press(outsider.Name+" (").at("This account cannot be connected", why)
		f.notConnected(t, m, outsider)
		w.press("Go on").at(entraPage)
	}
}

// foreign signs in with an account of another organisation, on Entra's page for everybody: Causeway itself never leads there.
func foreign(t *testing.T, f *folk) {
	m := f.member(t, "Finn Foreign", "")
	stranger := f.sim.AddTenant("fabrikam " + m.here.Username).AddUser("Stranger " + m.there.Name)
	w := f.window(t, m, true)
	f.begins(t, w, m).press(pressBegin).at(entraPage)
	w.goes(strings.Replace(w.says("location.href"), "/"+f.tenant.ID+"/", "/organizations/", 1)).at(entraPage)
	w.press(stranger.Name+" (").at("This account cannot be connected", "organisation")
	f.notConnected(t, m, stranger)
	w.press("Go on").at(entraPage).press(m.there.Name + " (")
	w.at(agreePage).press(pressFinish).at(connectedPage)
}

func otherAddresses(t *testing.T, f *folk) {
	m := f.member(t, "Olaf Other", strings.ToLower(rand.Text())+"@elsewhere.example")
	w := f.window(t, m, true)
	f.begins(t, w, m).press(pressBegin).at(entraPage).press(m.there.Name+" (").at("The e-mail addresses differ", m.here.Email, m.there.Mail)
	f.notConnected(t, m)
}

func connectedElsewhere(t *testing.T, f *folk) {
	first := f.connected(t, "Fred First")
	second := f.member(t, "Sara Second", "")
	w := f.window(t, second, true)
	f.begins(t, w, second).press(pressBegin).at(entraPage).press(first.there.Name+" (").at("This Microsoft Teams account is connected already", "Disconnect it there first")
	f.notConnected(t, second)
	f.empowered(t, first)
}

// usedAddress opens once more the address by which the browser came back from Entra.
func usedAddress(t *testing.T, f *folk) {
	m := f.member(t, "Rita Replay", "")
	w := f.window(t, m, true)
	f.begins(t, w, m).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	w.at(agreePage)
	back := w.cameBackBy()
	w.goes(back).at("This step was done already").press("Go on").at(agreePage)
	f.notConnected(t, m)
	other := f.window(t, m, true)
	other.goes(back).at("This browser has not begun here")
	w.press(pressFinish).at(connectedPage)
	w.goes(back).at("This browser has not begun here") // its cookie is gone
}

// secondTab begins anew in a second tab while the first one stands before the last press.
func secondTab(t *testing.T, f *folk) {
	m := f.member(t, "Tina Tab", "")
	w := f.window(t, m, true)
	door := link(t, f.types(t, m, "/msteams connect"))
	w.goes(door).at(doorPage).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	w.at(agreePage)
	tab := w.tab()
	tab.goes(door).at(doorPage).press(pressBegin).at(entraPage)
	w.press(pressFinish).at("This step was done already")
	f.notConnected(t, m)
	tab.press(m.there.Name + " (").at(agreePage).press(pressFinish).at(connectedPage)
	w.press("Go on").at("This browser has not begun here")
	f.empowered(t, m)
}

// otherBrowser takes the walk over: what the first one has proven does not hold any more.
func otherBrowser(t *testing.T, f *folk) {
	m := f.member(t, "Bob Browser", "")
	first, second := f.window(t, m, true), f.window(t, m, true)
	door := link(t, f.types(t, m, "/msteams connect"))
	first.goes(door).at(doorPage).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	first.at(agreePage)
	second.goes(f.origin + "/connect/step").at("This browser has not begun here")
	second.goes(door).at(doorPage).press(pressBegin).at(entraPage)
	first.press(pressFinish).at("This browser has not begun here")
	f.notConnected(t, m)
	second.press(m.there.Name + " (").at(agreePage).press(pressFinish).at(connectedPage)
}

// usedLink: looking at a link does not use it up, as programs do that look at mail; finishing does.
func usedLink(t *testing.T, f *folk) {
	m := f.member(t, "Uma Used", "")
	door := link(t, f.types(t, m, "/msteams connect"))
	for range 3 {
		answer, err := http.Get(door)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	w := f.window(t, m, true)
	w.goes(door).at(doorPage).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	w.at(agreePage).press(pressFinish).at(connectedPage)
	f.window(t, m, true).goes(door).at("This link is not good any more")
	f.window(t, m, true).goes(door[:len(door)-3] + "AAA").at("This link is not good any more")
}

// lateLink: after a quarter of an hour, at the door and at the last press.
func lateLink(t *testing.T, f *folk) {
	m := f.member(t, "Lea Late", "")
	f.window(t, m, true).goes(f.late(t)).at("This link is not good any more", "its 15 minutes are over")
	w := f.window(t, m, true)
	f.begins(t, w, m).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	w.at(agreePage)
	f.ends(t, m)
	w.press(pressFinish).at("This link is not good any more")
	f.notConnected(t, m)
}

// attacks: Mallory sends his own link to somebody, or has their browser send a form.
func attacks(t *testing.T, f *folk) {
	mallory, victim := f.member(t, "Mallory", ""), f.member(t, "Vera Victim", "")
	door := link(t, f.types(t, mallory, "/msteams connect"))
	t.Run("a link for somebody who is signed in", func(t *testing.T) {
		w := f.window(t, victim, true)
		w.goes(door).at(doorPage, "@"+mallory.here.Username, "Is this not your account?").press(pressBegin).at("That is another account", "@"+victim.here.Username)
	})
	t.Run("a link for somebody who is not", func(t *testing.T) {
		w := f.window(t, nil, true)
		w.goes(door).at(doorPage).press(pressBegin).wait(`location.pathname === "/login"`)
		w.goes(f.origin + "/connect/step")
		w.wait(`location.pathname === "/login"`) // Entra is not reached without Mattermost
	})
	t.Run("the last page of Mallory's browser", func(t *testing.T) { // he is signed in as himself at both ends; only he can be connected
		w := f.window(t, mallory, true)
		w.goes(door).at(doorPage).press(pressBegin).at(entraPage).press(victim.there.Name+" (").at("The e-mail addresses differ", victim.there.Mail)
	})
	t.Run("a form from another site", func(t *testing.T) {
		w := f.window(t, mallory, true)
		w.goes(door).at(doorPage).press(pressBegin).at(entraPage).press(mallory.there.Name + " (")
		w.at(agreePage)
		w.goes(f.mm.URL)
		w.wait(`document.readyState === "complete"`)
		w.says(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = "` + f.origin + `/connect/step"; document.body.append(f); f.submit(); return "" })()`)
		w.at("This form is not one of Causeway's")
	})
	f.notConnected(t, mallory)
	f.notConnected(t, victim)
}
