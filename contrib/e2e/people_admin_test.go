package e2e

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

// accepts has somebody connect by the button of a letter.
func (f *folk) accepts(t *testing.T, m *member, letter *model.Post) {
	t.Helper()
	f.presses(t, m, letter, "Connect")
	door := link(t, f.whispered(t, m))
	w := f.window(t, m, true)
	w.goes(door).at(doorPage).press(pressBegin)
	f.allow(w)
	w.at(entraPage).press(m.there.Name + " (")
	w.at(agreePage).press(pressFinish).at(connectedPage)
	f.empowered(t, m)
}

// administered is what administrators do to people, by commands in Mattermost and on the command line.
func administered(t *testing.T, f *folk) {
	boss, ann := f.member(t, "Berta Boss", ""), f.member(t, "Ann Asked", "")
	alias := f.member(t, "Axel Alias", strings.ToLower(rand.Text())+"@elsewhere.example")
	both := alias.here.Username + " " + alias.there.Mail
	_, err := f.mm.Admin.Client.UpdateUserRoles(t.Context(), boss.here.Id, "system_user system_admin")
	must(t, err)
	admin := func(words string) string {
		t.Helper()
		return f.types(t, boss, "/msteams admin "+words)
	}
	wants(t, f.types(t, ann, "/msteams admin list"), "You may not do that")
	if help := f.types(t, ann, "/msteams help"); strings.Contains(help, "/msteams admin") {
		t.Errorf("who administers nothing is told %q", help)
	}
	wants(t, f.types(t, boss, "/msteams help"), "As an administrator you can also type:", "/msteams admin sync")

	wants(t, admin("invite "+ann.here.Username), "asked to connect")
	wants(t, admin("invite "+ann.here.Username), "has not answered yet")
	f.accepts(t, ann, f.letter(t, ann, "Do you use Microsoft Teams, too?"))
	wants(t, admin("disallow "+both), "were not allowed to connect")
	wants(t, admin("connect "+both), "may be connected", "asked to connect")
	letter := f.letter(t, alias, "You can connect your account with Microsoft Teams.")
	wants(t, admin("disallow "+both), "may not be connected any more")
	f.presses(t, alias, letter, "Connect")
	w := f.window(t, alias, true)
	w.goes(link(t, f.whispered(t, alias))).at(doorPage).press(pressBegin).at(entraPage).press(alias.there.Name + " (")
	w.at("The e-mail addresses differ", alias.here.Email)
	f.notConnected(t, alias)
	wants(t, admin("connect "+both), "may be connected")
	f.connects(t, f.window(t, alias, true), alias)
	f.empowered(t, alias)
	wants(t, admin("list "+alias.here.Email), alias.here.Username, alias.there.Mail, "connected")
	wants(t, admin("show "+alias.here.Username), alias.there.Mail, "May connect with, although the addresses differ")

	before := f.notified(t, ann)
	wants(t, admin("platform "+ann.here.Username+" teams"), "is notified in Microsoft Teams from now on")
	f.notifiedBy(t, ann, before, true)
	f.letter(t, ann, "An administrator has set where you are notified")
	f.write(t, "some.txt", "# who\n"+ann.here.Username+"\nnobody\n")
	said, code := f.runs(t, "people", "platform", "mattermost", "--file", "some.txt")
	if wants(t, said, "is notified in Mattermost from now on", "nobody mattermost: not done"); code != 1 {
		t.Errorf("as one of two could not be done it ends with %d:\n%s", code, said)
	}
	f.notifiedBy(t, ann, before, false)
	f.administers(t, ann, alias)
	wants(t, admin("sync --dry-run"), "You get a direct message when that is done")
	f.letter(t, boss, "Who has left:")
	f.write(t, "all.txt", ann.here.Email+"\n"+alias.here.Email+"\n")
	said, code = f.runs(t, "people", "disconnect", "--file", "all.txt")
	if strings.Count(said, "is being disconnected from Microsoft Teams") != 2 || code != 0 {
		t.Errorf("disconnecting two ends with %d:\n%s", code, said)
	}
	f.gone(t, ann)
	f.gone(t, alias)
	said, _ = f.runs(t, "audit", "500")
	wants(t, said, "mattermost.hq "+boss.here.Id, "people connect", "people disallow", "operator by command line", "people disconnect")
}

// administers looks at people on the command line, and for whom nobody is asked.
func (f *folk) administers(t *testing.T, all ...*member) {
	t.Helper()
	csv, _ := f.runs(t, "people", "export", "--csv")
	text, _ := f.runs(t, "people", "export", "--json")
	var people []struct {
		State    string
		Accounts []struct{ ID, Email string }
	}
	must(t, json.Unmarshal([]byte(text), &people))
	for _, m := range all {
		list, code := f.runs(t, "people", "list", m.there.Mail)
		if wants(t, list, "@"+m.here.Username, m.there.Mail, "connected"); code != 0 {
			t.Errorf("list ends with %d", code)
		}
		wants(t, csv, m.here.Id, m.there.ID, m.here.Email)
		found := false
		for _, p := range people {
			found = found || p.State == "connected" && len(p.Accounts) == 2 && p.Accounts[0].ID == m.here.Id && p.Accounts[1].ID == m.there.ID
		}
		if !found {
			t.Errorf("%s is not in the JSON:\n%s", m.there.Name, text)
		}
	}
	config, err := os.ReadFile(filepath.Join(f.dir, "config.toml"))
	must(t, err)
	f.write(t, "groups.toml", strings.Replace(string(config), "[people]", "[people]\nPromptGroups = [\"sales\"]", 1))
	check, _ := f.runs(t, "check", "-c", "groups.toml")
	wants(t, check, "nobody of the group sales is asked to connect") // a server without a licence has none
}

// away: what somebody chooses while Mattermost cannot be reached is done when it can be again.
func away(t *testing.T, f *folk) {
	m := f.connected(t, "Wilma Waits")
	f.remembers(t, m)
	before := f.notified(t, m)
	own, w := link(t, f.types(t, m, "/msteams status")), f.window(t, nil, true)
	for _, choice := range []struct {
		platform string
		muted    bool
	}{{"Microsoft Teams", true}, {"Mattermost", false}} {
		f.proxy.Down()
		w.goes(own).press("Choose "+choice.platform).at(ownPage, "Keep "+choice.platform)
		f.notifiedBy(t, m, before, !choice.muted)
		must(t, f.proxy.Up())
		f.notifiedBy(t, m, before, choice.muted)
	}
}
