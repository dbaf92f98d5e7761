package e2e

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/mattermost/mattermost/server/public/model"
)

// pictures looks at every page in both colours and on a phone: nothing may be wider than the screen, and axe finds nothing
// that keeps anybody from using it. With PEOPLE_PICTURES it writes what it has
// seen into that folder: PEOPLE_PICTURES=folder go test -run TestPeople$/pictures
func pictures(t *testing.T, f *folk) {
	m := f.member(t, "Maria Lopez", "")
	username := "maria.lopez"
	_, _, err := f.mm.Admin.Client.PatchUser(t.Context(), m.here.Id, &model.UserPatch{Username: &username})
	must(t, err)
	m.here.Username = username
	w := f.window(t, nil, true)
	door := link(t, f.types(t, m, "/msteams connect"))
	w.goes(door).at(doorPage)
	w.picture("1-door")
	w.goes(door[:len(door)-3] + "AAA").at("This link is not good any more")
	w.picture("2-refused")

	f.oauth(t, false)
	w.goes(door).at(doorPage).press(pressBegin).at(entraPage).press("Decline").at("You were not signed in")
	w.picture("3-declined")
	f.oauth(t, true)

	w = f.window(t, m, true)
	w.goes(door).at(doorPage).press(pressBegin).at(entraPage).press(m.there.Name + " (")
	w.at(agreePage)
	w.picture("5-agree")
	w.press(pressFinish).at(connectedPage)
	w.picture("6-connected")
	w.press("Choose Microsoft Teams").at(ownPage)
	w.press("Disconnect Microsoft Teams")
	w.picture("7-own")
}

// axe finds what keeps people from using a page: axe-core of the npm registry, under the Mozilla Public License, for tests alone.
//
//go:embed dashboard/testdata/axe.min.js
var axe string

// accessible has axe look at the page as it is shown now.
func (w *window) accessible(name string) {
	w.t.Helper()
	w.do(chromedp.Evaluate[chromedp.Void](`if (!window.axe) { ` + axe + ` }; undefined`))
	found, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`axe.run(document, { resultTypes: ["violations"] }).then((r) =>
		r.violations.map((x) => x.id + ": " + x.nodes.map((n) => n.html + " " + n.failureSummary).join(" | ")).join("\n") || (r.passes.length > 5 ? "none" : "nothing was looked at"))`, chromedp.EvalAwaitPromise))
	if w.call(nil, err); found != "none" {
		w.t.Errorf("%s: %s", name, found)
	}
}

// picture takes those of the page where the window stands.
func (w *window) picture(name string) {
	w.t.Helper()
	for _, look := range []struct {
		name, theme string
		width       int64
	}{{"light", "light", 1100}, {"dark", "dark", 1100}, {"phone", "light", 390}, {"phone-dark", "dark", 390}, {"narrow", "light", 320}} {
		w.theme(look.theme)
		w.size(look.width, 800)
		if over := w.says(`String(document.documentElement.scrollWidth - innerWidth)`); over != "0" && !strings.HasPrefix(over, "-") {
			w.t.Errorf("%s: at a width of %d it is %s too wide", name, look.width, over)
		}
		if look.name != "phone" { // which shows no other colours than one, and no other widths than another
			w.accessible(name + ", " + look.name)
		}
		folder := os.Getenv("PEOPLE_PICTURES")
		if folder == "" {
			continue
		}
		image, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		w.call(nil, err)
		w.call(nil, os.WriteFile(filepath.Join(folder, name+"-"+look.name+".png"), image, 0o644))
	}
	w.theme("light")
	w.size(1100, 800)
}
