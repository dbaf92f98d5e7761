package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// invites has people log in who are not connected; what it gives looks, later, whether they were asked, once.
func (f *folk) invites(t *testing.T) (later func(*testing.T)) {
	t.Helper()
	came := map[*member]time.Time{}
	for _, m := range append(f.invited, f.member(t, "Newcomer", "")) {
		_, _, err := f.mm.Client("").Login(t.Context(), m.here.Username, m.password)
		must(t, err)
		// Logging in makes nobody online, but what Mattermost's own programs do next. Causeway goes by that.
		status, _, err := f.mm.Admin.Client.GetUserStatus(t.Context(), m.here.Id, "")
		if must(t, err); status.Status != model.StatusOffline {
			t.Errorf("%s is %s before their program listens", m.there.Name, status.Status)
		}
		came[m] = time.Now()
		f.listens(t, m)
		f.newcomer = m
	}
	// One logs in without any of Mattermost's programs, and never looks online.
	rita := f.member(t, "Rita Rest", "")
	_, _, err := f.mm.Client("").Login(t.Context(), rita.here.Username, rita.password)
	must(t, err)
	came[rita] = time.Now()
	const question = "Do you use Microsoft Teams, too?"
	// asked waits until somebody was asked, which must have been soon.
	asked := func(t *testing.T, m *member) *model.Post {
		t.Helper()
		p := f.letter(t, m, question)
		after := time.UnixMilli(p.CreateAt).Sub(came[m])
		t.Logf("%s was asked after %v", m.there.Name, after.Round(time.Millisecond))
		if after > 2*time.Minute {
			t.Errorf("%s was asked after %v", m.there.Name, after)
		}
		return p
	}
	return func(t *testing.T) {
		ivy, nora, nell := f.invited[0], f.invited[1], f.invited[2]
		asked(t, rita)
		if status, _, err := f.mm.Admin.Client.GetUserStatus(t.Context(), rita.here.Id, ""); err != nil || status.Status != model.StatusOffline {
			t.Errorf("Rita is %+v (%v)", status, err)
		}
		asked(t, f.newcomer) // who joined when the people were listed already
		refused := asked(t, nell)
		f.presses(t, nell, refused, "Never ask")
		f.become(t, nell, refused, "You are not asked again.")
		put := asked(t, nora)
		f.presses(t, nora, put, "Not now")
		f.become(t, nora, put, "All right, not now.")
		f.presses(t, ivy, asked(t, ivy), "Connect")
		door := link(t, f.whispered(t, ivy))
		w := f.window(t, ivy, true)
		w.goes(door).at(doorPage).press(pressBegin).at(entraPage).press(ivy.there.Name + " (")
		w.at(agreePage).press(pressFinish).at(connectedPage)
		for _, m := range []*member{nora, nell} {
			f.notConnected(t, m)
			if n := len(f.letters(t, m)); n != 1 {
				t.Errorf("%s has got %d messages", m.there.Name, n)
			}
		}
	}
}

// departs has people leave Teams; what it gives looks, later, what became of their accounts in Mattermost.
func (f *folk) departs(t *testing.T) (later func(*testing.T)) {
	t.Helper()
	deleted, disabled, admin := f.connected(t, "Dora Deleted"), f.connected(t, "Dirk Disabled"), f.connected(t, "Ada Admin")
	stays, inactive := f.connected(t, "Stan Stays"), f.connected(t, "Ina Inactive")
	_, err := f.mm.Admin.Client.UpdateUserRoles(t.Context(), admin.here.Id, "system_user system_admin")
	must(t, err)
	active := func(t *testing.T, m *member, yes bool) {
		_, err := f.mm.Admin.Client.UpdateUserActive(t.Context(), m.here.Id, yes)
		must(t, err)
	}
	active(t, inactive, false)
	deleted.there.Delete()
	disabled.there.SetDisabled(true)
	admin.there.Delete()
	return func(t *testing.T) {
		deactivated := func(m *member) bool {
			user, _, err := f.mm.Admin.Client.GetUser(t.Context(), m.here.Id, "")
			must(t, err)
			return user.DeleteAt > 0
		}
		f.eventually(t, "two who are deactivated", func() string { return complain(deactivated(deleted) && deactivated(disabled)) })
		f.gone(t, admin)
		if deactivated(admin) || deactivated(stays) {
			t.Error("an administrator, or somebody who has not left, was deactivated")
		}
		f.empowered(t, stays)
		wants(t, f.types(t, stays, "/msteams status"), "Connected: you write as yourself")
		f.eventually(t, "who was deactivated in Mattermost is disconnected", func() string { return strings.Join(f.known(t, inactive), "; ") })
		audit, _ := f.runs(t, "audit")
		wants(t, audit, deleted.there.Name, disabled.there.Name, admin.there.Name, inactive.here.Username, "deactivated: deleted in Microsoft Teams", "disconnected: disabled in Mattermost")
		// Who returns connects again.
		active(t, inactive, true)
		inactive.socket = nil // the server has closed it
		f.connects(t, f.window(t, inactive, true), inactive)
		f.empowered(t, inactive)
	}
}

// killed has Causeway die (SIGKILL) in the middle of walks, and of muting and putting back.
func killed(t *testing.T, f *folk) {
	m := f.member(t, "Kay Killed", "")
	f.remembers(t, m)
	w := f.window(t, m, true)
	f.begins(t, w, m).press(pressBegin).at(entraPage)
	f.causeway.Kill(t)
	f.again(t)
	w.press(m.there.Name+" (").at(agreePage, m.there.Name)
	w.press(pressFinish)
	f.causeway.Kill(t)
	f.again(t)
	// Whether it was stored before it died or not: going on leads to the end.
	if w.goes(f.origin + "/connect/step"); w.says(heading) == agreePage {
		w.press(pressFinish).at(connectedPage)
	}
	f.status(t, m, "Connected: you write as yourself")
	f.empowered(t, m)

	before := f.notified(t, m)
	for _, choice := range []struct {
		platform string
		muted    bool
	}{{"teams", true}, {"mattermost", false}} {
		f.types(t, m, "/msteams platform "+choice.platform)
		f.causeway.Kill(t)
		f.again(t)
		f.notifiedBy(t, m, before, choice.muted)
	}
	if got := before[model.DesktopNotifyProp]; got != "mention" {
		t.Errorf("their own setting was %s", got)
	}
	m.here.Post(t, f.channel, "Kay lives")
	f.inTeams(t, "Kay lives", m.there)
}
