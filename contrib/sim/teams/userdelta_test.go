package teams_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams"
)

const tracked = "/users/delta?$select=id,displayName,accountEnabled,assignedPlans"

// reading follows a delta to its end; of each user it keeps what was said last.
func (w *world) reading(address string) (said map[string]map[string]any, link string, pages, items int) {
	w.t.Helper()
	said = map[string]map[string]any{}
	for {
		r := w.get(address, w.appToken).want(w.t, 200, "")
		pages++
		for i := range r.list("value") {
			items++
			item := r.json("value", i).(map[string]any)
			id := item["id"].(string)
			delete(item, "id")
			said[id] = item
		}
		if link = r.text("@odata.deltaLink"); link != "" {
			if r.text("@odata.nextLink") != "" {
				w.t.Error("a page has both links")
			}
			return said, link, pages, items
		}
		address = r.text("@odata.nextLink")
	}
}

func TestUserDeltaTellsWhatHasChanged(t *testing.T) {
	w := newWorld(t, teams.Options{UsersPerPage: 1, EmptyPageEvery: 2})
	gone := w.tenant.AddUser("Gone")
	gone.Delete()
	said, link, pages, items := w.reading(tracked)
	if len(said) != 4 || said[w.bob.ID]["accountEnabled"] != true || len(said[w.bob.ID]["assignedPlans"].([]any)) != 2 {
		t.Errorf("at first: %v", said)
	}
	if pages < 5 || items < 7 {
		t.Errorf("%d pages and %d items: none was empty or none came again", pages, items)
	}
	if said, _, _, _ := w.reading(link); len(said) != 0 {
		t.Errorf("nothing has changed, and %v", said)
	}
	w.bob.SetDisabled(true)
	w.cyd.Delete()
	w.eve.Purge()
	w.ada.SetLicensed(false)
	said, link, _, _ = w.reading(link)
	removed := func(reason string) map[string]any {
		return map[string]any{"@removed": map[string]any{"reason": reason}}
	}
	plans := said[w.ada.ID]["assignedPlans"].([]any)
	delete(said[w.ada.ID], "assignedPlans")
	want := map[string]map[string]any{w.bob.ID: {"accountEnabled": false}, w.cyd.ID: removed("changed"), w.eve.ID: removed("deleted"), w.ada.ID: {}}
	if d := cmp.Diff(want, said); d != "" || len(plans) != 2 {
		t.Errorf("%s, plans %v", d, plans)
	}
	w.cyd.Restore()
	w.bob.Rename("Robert")
	said, _, _, _ = w.reading(link)
	if len(said) != 2 || said[w.cyd.ID]["displayName"] != "Cyd Charisse" || said[w.cyd.ID]["accountEnabled"] != true || said[w.bob.ID]["displayName"] != "Robert" {
		t.Errorf("after that: %v", said)
	}
}

func TestUserDeltaTracksWhatWasSelected(t *testing.T) {
	w := newWorld(t, teams.Options{})
	_, link, _, _ := w.reading("/users/delta?$select=id,displayName")
	w.bob.SetDisabled(true)
	if said, _, _, _ := w.reading(link); len(said) != 0 {
		t.Errorf("not selected, and %v", said)
	}
	_, link, _, items := w.reading("/users/delta?$deltatoken=latest&$select=id,displayName")
	if items != 0 {
		t.Errorf("%d users before the latest", items)
	}
	w.bob.Rename("Robert")
	if said, _, _, _ := w.reading(link); len(said) != 1 {
		t.Errorf("since the latest: %v", said)
	}
}

func TestUserDeltaTokensEnd(t *testing.T) {
	w := newWorld(t, teams.Options{UsersPerPage: 1, EmptyPageEvery: -1})
	_, link, _, _ := w.reading(tracked)
	next := w.get(tracked, w.appToken).text("@odata.nextLink")
	w.get(link+"&$select=id", w.appToken).want(t, 400, "BadRequest")
	w.get(next+"&$select=id", w.appToken).want(t, 400, "BadRequest")
	w.get(strings.Replace(next, "$skiptoken", "$deltatoken", 1), w.appToken).want(t, 400, "BadRequest")
	w.get(link[:len(link)-4]+"AAAA", w.appToken).want(t, 400, "BadRequest")
	w.get(tracked+"&$top=5", w.appToken).want(t, 400, "BadRequest")
	w.clock.Add(7*24*time.Hour - time.Second)
	w.appToken = w.sim.AppToken(w.app)
	_, second, _, _ := w.reading(link)
	w.clock.Add(time.Second)
	w.get(link, w.appToken).want(t, 400, "syncStateNotFound")
	w.reading(second)
	w.tenant.ForgetDeltas()
	r := w.get(second, w.appToken).want(t, 410, "resyncRequired")
	if !strings.HasSuffix(r.header.Get("Location"), "/users/delta?$deltatoken=") {
		t.Errorf("location: %v", r.header)
	}
	w.reading(tracked)
}

func TestDeletedUsers(t *testing.T) {
	w := newWorld(t, teams.Options{})
	token := w.as(w.bob)
	path := "/directory/deletedItems/" + w.bob.ID
	w.get(path, w.appToken).want(t, 404, "Request_ResourceNotFound")
	w.bob.Delete()
	w.get("/users/"+w.bob.ID, w.appToken).want(t, 404, "Request_ResourceNotFound")
	w.get("/me", token).want(t, 401, "InvalidAuthenticationToken")
	if r := w.get(path+"?$select=id,deletedDateTime", w.appToken).want(t, 200, ""); r.text("id") != w.bob.ID || r.text("deletedDateTime") == "" || r.text("@odata.type") != "#microsoft.graph.user" {
		t.Errorf("deleted: %s", r.raw)
	}
	if ids := w.get("/directory/deletedItems/microsoft.graph.user", w.appToken).want(t, 200, "").ids(); len(ids) != 1 {
		t.Errorf("deleted: %v", ids)
	}
	if r := w.get("/teams/"+w.team.ID+"/members", w.appToken).want(t, 200, ""); len(r.list("value")) != 2 {
		t.Errorf("members: %s", r.raw)
	}
	w.bob.Restore()
	w.get("/users/"+w.bob.ID, w.appToken).want(t, 200, "")
	w.get("/me", token).want(t, 200, "")
	w.bob.Purge()
	w.get(path, w.appToken).want(t, 404, "Request_ResourceNotFound")
	w.bob.Restore()
	w.get("/users/"+w.bob.ID, w.appToken).want(t, 404, "Request_ResourceNotFound")
}

func TestWhatIsNotBasicNeedsMorePermission(t *testing.T) {
	w := newWorld(t, teams.Options{})
	w.app.SetRoles("User.ReadBasic.All")
	basic := w.sim.AppToken(w.app)
	w.get("/users/"+w.bob.ID+"?$select=id,displayName,mail,userPrincipalName", basic).want(t, 200, "")
	w.get("/users/"+w.bob.ID+"?$select=id,accountEnabled", basic).want(t, 403, "Authorization_RequestDenied")
	w.get("/users?$select=id,assignedPlans", basic).want(t, 403, "Authorization_RequestDenied")
	w.get(tracked, basic).want(t, 403, "Forbidden")
	w.get("/directory/deletedItems/"+w.bob.ID, basic).want(t, 403, "Forbidden")
	if r := w.get("/me?$select=id,userType,accountEnabled", w.as(w.bob, "User.Read")).want(t, 200, ""); r.text("userType") != "Member" {
		t.Errorf("oneself: %s", r.raw)
	}
}
