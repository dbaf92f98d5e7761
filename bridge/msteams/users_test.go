package msteams

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

func profileOf(u *teams.User) bridge.Profile {
	return bridge.Profile{Author: bridge.Author{ID: bridge.UserID(u.ID), Name: u.Name, Username: u.UPN}, Email: u.Mail, EmailProven: u.Mail != ""}
}

func as(p bridge.Profile, presence bridge.Presence) bridge.Profile {
	p.Standing.Presence = presence
	return p
}

// absence is all that is said of those who are not there.
func absence(u *teams.User, presence bridge.Presence) bridge.Profile {
	return as(bridge.Profile{Author: bridge.Author{ID: bridge.UserID(u.ID)}}, presence)
}

func TestProfile(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	guest := w.tenant.AddGuest("Gina Guest", "live.com")
	gone, back := w.tenant.AddUser("Gone"), w.tenant.AddUser("Back")
	disabled, unlicensed, erased := w.tenant.AddUser("Disabled"), w.tenant.AddUser("Unlicensed"), w.tenant.AddUser("Erased")
	disabled.SetDisabled(true)
	unlicensed.SetLicensed(false)
	gone.Delete()
	back.Delete()
	back.Restore()
	erased.Purge()
	ofGuest := profileOf(guest)
	ofGuest.EmailProven, ofGuest.Standing.Guest = false, true
	for u, want := range map[*teams.User]bridge.Profile{
		w.alice: profileOf(w.alice), guest: ofGuest, disabled: as(profileOf(disabled), bridge.Disabled), unlicensed: as(profileOf(unlicensed), bridge.Unlicensed),
		gone: absence(gone, bridge.Deleted), back: profileOf(back), erased: absence(erased, bridge.Erased),
	} {
		got, err := a.Profile(t.Context(), bridge.UserID(u.ID))
		w.do(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", u.Name, diff)
		}
	}
	got, err := a.Profile(t.Context(), "nobody")
	if diff := cmp.Diff(as(bridge.Profile{Author: bridge.Author{ID: "nobody"}}, bridge.Erased), got); diff != "" || err != nil {
		t.Errorf("%s (%v)", diff, err)
	}
}

// TestNobodyIsGoneOnDoubt: only what Graph itself says counts.
func TestNobodyIsGoneOnDoubt(t *testing.T) {
	strange := func(status int, body string) func(w *simWorld, path string) {
		return func(w *simWorld, path string) {
			w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
				return roundTrip(func(r *http.Request) (*http.Response, error) {
					if !strings.Contains(r.URL.Path, path) {
						return next.RoundTrip(r)
					}
					return &http.Response{StatusCode: status, Header: http.Header{}, Body: readCloser(body), Request: r}, nil
				})
			})
		}
	}
	for name, breaks := range map[string]func(w *simWorld, path string){
		"a page of somebody in between": strange(404, "<html>not found"),
		"another code":                  strange(404, `{"error":{"code":"UnknownError","message":"x"}}`),
		"gone":                          strange(410, `{"error":{"code":"Gone","message":"x"}}`),
		"nothing":                       strange(200, `{}`),
		"no JSON":                       strange(200, `<html>`),
		"another user":                  strange(200, `{"id":"11111111-2222-3333-4444-555555555555","accountEnabled":false,"assignedPlans":[]}`),
		"half a user":                   strange(200, `{"id":"","accountEnabled":null}`),
		"out of order":                  strange(503, `{}`),
		"throttled":                     strange(429, `{}`),
		"forbidden":                     strange(403, `{"error":{"code":"Authorization_RequestDenied","message":"x"}}`),
		"unauthorised":                  strange(401, `{}`),
	} {
		for _, path := range []string{"/users/", "/deletedItems/"} {
			t.Run(name+" "+path, func(t *testing.T) {
				w := peopleWorld(t, teams.Options{})
				a := w.connected()
				u := bridge.UserID(w.alice.ID)
				if path == "/deletedItems/" {
					w.alice.Delete()
				}
				breaks(w, path)
				p, err := a.Profile(t.Context(), u)
				if err == nil || bridge.KindOf(err) == bridge.Gone {
					t.Errorf("%+v (%v)", p, err)
				}
			})
		}
	}
	w := peopleWorld(t, teams.Options{})
	w.app.SetRoles(permissions(false)...)
	_, err := w.connected().Profile(t.Context(), bridge.UserID(w.alice.ID))
	var e *bridge.Error
	if !errors.As(err, &e) || e.Kind != bridge.Unauthorised || !strings.Contains(e.Hint, "User.Read.All") {
		t.Errorf("without the permission: %v", err)
	}
}

func readCloser(text string) struct {
	*strings.Reader
	closer
} {
	return struct {
		*strings.Reader
		closer
	}{strings.NewReader(text), closer{}}
}

type closer struct{}

func (closer) Close() error { return nil }

func TestLicences(t *testing.T) {
	for status, want := range map[string]bool{
		"Enabled": true, "enabled": true, "Warning": true, "Suspended": false, "LockedOut": false, "Deleted": false, "MadeUpSince": true,
	} {
		if got := licensed([]plan{{"exchange", "Enabled"}, {"TeamspaceAPI/NA001", status}}); got != want {
			t.Errorf("%s: %t", status, got)
		}
	}
	if licensed([]plan{{"exchange", "Enabled"}}) || licensed(nil) {
		t.Error("licensed without a plan of Teams")
	}
	if !licensed([]plan{{"TeamspaceAPI", "Deleted"}, {"TeamspaceAPI", "Enabled"}}) {
		t.Error("a former licence hides a present one")
	}
}

func TestFindUser(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	odd := w.tenant.AddUser("O'Neill")
	odd.Mail = "o'neill@contoso.example"
	for _, name := range []string{w.alice.ID, strings.ToUpper(w.alice.ID), w.alice.UPN, strings.ToUpper(w.alice.Mail), " " + w.alice.UPN + " "} {
		p, err := a.FindUser(t.Context(), name)
		if diff := cmp.Diff(profileOf(w.alice), p); diff != "" || err != nil {
			t.Errorf("%s: %s (%v)", name, diff, err)
		}
	}
	if p, err := a.FindUser(t.Context(), odd.Mail); err != nil || string(p.ID) != odd.ID {
		t.Errorf("%s: %+v (%v)", odd.Mail, p, err)
	}
	w.bob.Mail = odd.Mail
	gone := w.tenant.AddUser("Gone")
	gone.Delete()
	for _, name := range []string{"", "Alice Adams", "nobody@contoso.example", gone.ID, gone.UPN, odd.Mail, "11111111-2222-3333-4444-555555555555", "x' or 'a' eq 'a@b"} {
		_, err := a.FindUser(t.Context(), name)
		isOf(t, fmt.Sprintf("%q", name), err, bridge.Gone, bridge.ScopeConversation)
	}
	w.sim.Inject(teams.Fault{Template: "/users", Status: 404})
	_, err := a.FindUser(t.Context(), w.alice.UPN)
	isOf(t, "something in between", err, bridge.Transient, bridge.ScopeConversation)
}

// Of a standard channel the owners of its team decide, of a private one its own, and nobody of a chat.
func TestOwnersAdminister(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	private := w.team.AddPrivateChannel("Private", w.alice, w.owner)
	for _, c := range []struct {
		in      *teams.Channel
		who     *teams.User
		decides bool
	}{{w.general, w.owner, true}, {w.general, w.alice, false}, {private, w.alice, true}, {private, w.owner, false}, {private, w.bob, false}} {
		if got, err := a.Administers(t.Context(), w.id(c.in), bridge.UserID(c.who.ID)); got != c.decides || err != nil {
			t.Errorf("%s of %s: %v %v", c.who.Name, c.in.Name, got, err)
		}
	}
	private.Remove()
	_, err := a.Administers(t.Context(), w.id(private), bridge.UserID(w.alice.ID))
	isOf(t, "a channel that is gone", err, bridge.Gone, bridge.ScopeConversation)
}

func TestMembers(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	private := w.team.AddPrivateChannel("Private", w.owner, w.alice)
	for c, want := range map[*teams.Channel][]bridge.UserID{
		w.general: {bridge.UserID(w.owner.ID), bridge.UserID(w.relay.ID), bridge.UserID(w.alice.ID), bridge.UserID(w.bob.ID)},
		private:   {bridge.UserID(w.owner.ID), bridge.UserID(w.alice.ID)},
	} {
		got, err := a.Members(t.Context(), w.id(c))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %s (%v)", c.Name, diff, err)
		}
	}
	private.Remove()
	_, err := a.Members(t.Context(), w.id(private))
	isOf(t, "a channel that is gone", err, bridge.Gone, bridge.ScopeConversation)
	_, err = a.Members(t.Context(), bridge.ConversationID{Server: "msteams:x", Channel: "y"})
	isOf(t, "another tenant's", err, bridge.Gone, bridge.ScopeConversation)
}

// reads the directory; of each user it keeps what was said last.
func (w *simWorld) reads(a *account, since string) (map[bridge.UserID]bridge.Profile, string) {
	w.Helper()
	said := map[bridge.UserID]bridge.Profile{}
	mark, err := a.Directory(w.Context(), since, func(page []bridge.Profile) error {
		if len(page) == 0 {
			w.Error("an empty page was told of")
		}
		for _, p := range page {
			said[p.ID] = p
		}
		return nil
	})
	w.do(err)
	return said, mark
}

func TestDirectory(t *testing.T) {
	w := peopleWorld(t, teams.Options{UsersPerPage: 2, EmptyPageEvery: 2})
	a := w.connected()
	guest := w.tenant.AddGuest("Gina Guest", "live.com")
	said, mark := w.reads(a, "")
	ofGuest := profileOf(guest)
	ofGuest.EmailProven, ofGuest.Standing.Guest = false, true
	want := map[bridge.UserID]bridge.Profile{}
	for _, u := range []*teams.User{w.owner, w.relay, w.alice, w.bob} {
		want[bridge.UserID(u.ID)] = profileOf(u)
	}
	want[ofGuest.ID] = ofGuest
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("at first: %s", diff)
	}
	if said, again := w.reads(a, mark); len(said) != 0 || again == "" {
		t.Errorf("nothing has changed: %v", said)
	}
	w.alice.SetDisabled(true)
	w.bob.SetLicensed(false)
	w.owner.Delete()
	guest.Purge()
	// Somebody disabled whose name has changed stays disabled, although the change does not say so.
	_, half := w.reads(a, mark)
	w.alice.Rename("Alice Adams")
	said, mark = w.reads(a, half)
	if diff := cmp.Diff(map[bridge.UserID]bridge.Profile{bridge.UserID(w.alice.ID): as(profileOf(w.alice), bridge.Disabled)}, said); diff != "" {
		t.Errorf("a part of the change: %s", diff)
	}
	w.alice.SetDisabled(false)
	w.owner.Restore()
	said, _ = w.reads(a, mark)
	if diff := cmp.Diff(map[bridge.UserID]bridge.Profile{bridge.UserID(w.alice.ID): profileOf(w.alice), bridge.UserID(w.owner.ID): profileOf(w.owner)}, said); diff != "" {
		t.Errorf("who is back: %s", diff)
	}
}

func TestDirectoryTellsOfTheAbsent(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	_, mark := w.reads(a, "")
	w.alice.SetDisabled(true)
	w.bob.SetLicensed(false)
	w.owner.Delete()
	erased := w.tenant.AddUser("Erased")
	erased.Purge()
	said, _ := w.reads(a, mark)
	want := map[bridge.UserID]bridge.Profile{}
	for _, p := range []bridge.Profile{as(profileOf(w.alice), bridge.Disabled), as(profileOf(w.bob), bridge.Unlicensed), absence(w.owner, bridge.Deleted), absence(erased, bridge.Erased)} {
		want[p.ID] = p
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

func TestMarksOfTheDirectoryExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{})
		a := w.connected()
		_, mark := w.reads(a, "")
		time.Sleep(7*24*time.Hour - time.Minute)
		_, second := w.reads(a, mark)
		time.Sleep(time.Minute)
		none := func([]bridge.Profile) error { t.Error("somebody was told of"); return nil }
		for name, mark := range map[string]string{"after seven days": mark, "of another version": "users 0 x", "of another cloud": markOf + "https://graph.microsoft.us/v1.0/users/delta?$deltatoken=x"} {
			_, err := a.Directory(t.Context(), mark, none)
			isOf(t, name, err, bridge.Gone, bridge.ScopeConversation)
		}
		w.tenant.ForgetDeltas()
		_, err := a.Directory(t.Context(), second, none)
		isOf(t, "when Graph begins anew", err, bridge.Gone, bridge.ScopeConversation)
		w.reads(a, "")
		w.sim.Inject(teams.Fault{Template: "/users/delta", Status: 404})
		_, err = a.Directory(t.Context(), "", none)
		isOf(t, "where nothing is", err, bridge.Transient, bridge.ScopeConversation)
	})
}

// TestAReadingOfTheDirectoryIsWholeOrFails, and bears to be throttled.
func TestAReadingOfTheDirectoryIsWholeOrFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{UsersPerPage: 1, EmptyPageEvery: -1})
		a := w.connected()
		began := time.Now()
		w.sim.Inject(teams.Fault{Template: "/users/delta", Skip: 2, Times: throttlesBorne, Status: 429, RetryAfter: 20 * time.Second})
		if said, _ := w.reads(a, ""); len(said) != 4 {
			t.Errorf("%d users", len(said))
		}
		if took := time.Since(began); took < 100*time.Second || took > 110*time.Second {
			t.Errorf("it took %v", took)
		}
		some := func([]bridge.Profile) error { return nil }
		for name, c := range map[string]struct {
			fault teams.Fault
			kind  bridge.Kind
		}{
			"throttled again and again": {teams.Fault{Times: throttlesBorne + 1, Status: 429, RetryAfter: time.Second}, bridge.Throttled},
			"throttled for long":        {teams.Fault{Status: 429, RetryAfter: time.Hour}, bridge.Throttled},
			"out of order":              {teams.Fault{Status: 503}, bridge.Transient},
			"cut off":                   {teams.Fault{Drop: true}, bridge.Transient},
			"forbidden":                 {teams.Fault{Status: 403}, bridge.Unauthorised},
		} {
			time.Sleep(2 * time.Hour)
			c.fault.Template, c.fault.Skip = "/users/delta", 2
			remove := w.sim.Inject(c.fault)
			mark, err := a.Directory(t.Context(), "", some)
			if remove(); mark != "" || bridge.KindOf(err) != c.kind {
				t.Errorf("%s: %q, %v", name, mark, err)
			}
		}
		time.Sleep(2 * time.Hour)
		full := errors.New("the store is full")
		n := 0
		if mark, err := a.Directory(t.Context(), "", func([]bridge.Profile) error { n++; return full }); !errors.Is(err, full) || mark != "" || n != 1 {
			t.Errorf("when it is not taken: %q, %v, %d", mark, err, n)
		}
		w.replaceAnswer("/users/delta", func(body map[string]any) { delete(body, "@odata.nextLink") })
		_, err := a.Directory(t.Context(), "", some)
		isOf(t, "a page that ends nowhere", err, bridge.Transient, bridge.ScopeConversation)
		w.replaceAnswer("/users/delta", func(body map[string]any) { body["@odata.nextLink"] = "https://elsewhere.example/x" })
		if _, err := a.Directory(t.Context(), "", some); err == nil || slices.ContainsFunc(w.sim.Requests(), func(r teams.Request) bool { return r.Path == "/x" }) {
			t.Errorf("a link that leads elsewhere: %v", err)
		}
	})
}

func TestWhatTeamsCannot(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	a := w.connected()
	c := a.Capabilities()
	if !c.People || !c.Directory || c.Commands || c.Muted != "" {
		t.Errorf("%+v", c)
	}
	_, err := a.Notifications(t.Context(), "u", w.id(w.general))
	for what, err := range map[string]error{"notifications": err, "setting them": a.SetNotifications(t.Context(), "u", w.id(w.general), "x"), "deactivating": a.Deactivate(t.Context(), "u")} {
		isOf(t, what, err, bridge.Unsupported, bridge.ScopeConversation)
	}
}
