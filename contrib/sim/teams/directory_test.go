package teams_test

import (
	"strings"
	"testing"

	"causeway/contrib/sim/teams"
	"github.com/google/go-cmp/cmp"
)

func TestUsers(t *testing.T) {
	w := newWorld(t, teams.Options{})
	for _, path := range []string{"/users/" + w.ada.ID, "/users/" + w.ada.UPN, "/users/" + strings.ToUpper(w.ada.UPN)} {
		if r := w.get(path, w.appToken).want(t, 200, ""); r.text("id") != w.ada.ID || r.text("surname") != "Lovelace" || r.json("accountEnabled") != nil {
			t.Errorf("%s: %s", path, r.raw)
		}
	}
	if r := w.get("/me", w.as(w.bob)).want(t, 200, ""); r.text("id") != w.bob.ID {
		t.Errorf("me: %s", r.raw)
	}
	r := w.get("/users/"+w.bob.ID+"?$select=id,accountEnabled", w.appToken).want(t, 200, "")
	if r.json("accountEnabled") != true || r.json("mail") != nil {
		t.Errorf("selected: %s", r.raw)
	}
	found := w.get("/users?$filter=mail eq '"+w.cyd.Mail+"'", w.appToken).want(t, 200, "")
	if d := cmp.Diff([]string{w.cyd.ID}, found.ids()); d != "" {
		t.Error(d)
	}
	for _, text := range []string{"x'' or mail eq ''y", "a or b"} {
		if r := w.get("/users?$filter=mail eq '"+text+"' or displayName eq '"+text+"'", w.appToken).want(t, 200, ""); len(r.ids()) != 0 {
			t.Errorf("%s: %s", text, r.raw)
		}
	}
	w.get("/users?$filter=shoeSize eq '7'", w.appToken).want(t, 400, "BadRequest")
	w.get("/users/nobody", w.appToken).want(t, 404, "Request_ResourceNotFound")
	self := w.as(w.bob, "User.Read")
	w.get("/users/"+w.bob.ID, self).want(t, 200, "")
	w.get("/users/"+w.ada.ID, self).want(t, 403, "Authorization_RequestDenied")
}

func TestPhotos(t *testing.T) {
	w := newWorld(t, teams.Options{})
	picture := "\xff\xd8\xff\xe0 a face"
	w.ada.SetPhoto([]byte(picture))
	path := "/users/" + w.ada.ID + "/photos/96x96/$value"
	w.get(path, w.as(w.bob, "User.Read")).want(t, 403, "")
	reader := w.as(w.bob, "ProfilePhoto.Read.All")
	if r := w.get(path, reader).want(t, 200, ""); string(r.raw) != picture || r.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%s: %q", r.header.Get("Content-Type"), r.raw)
	}
	w.get("/users/"+w.ada.ID+"/photos/7x7/$value", reader).want(t, 400, "")
	w.get("/users/"+w.cyd.ID+"/photos/96x96/$value", reader).want(t, 404, "ImageNotFound")
	w.ada.SetPhoto(nil)
	w.get(path, reader).want(t, 404, "ImageNotFound")
}

func TestTeamsAndChannels(t *testing.T) {
	w := newWorld(t, teams.Options{})
	r := w.get("/me/joinedTeams", w.as(w.bob)).want(t, 200, "")
	if d := cmp.Diff([]string{w.team.ID}, r.ids()); d != "" || r.json("value", 0, "webUrl") != nil {
		t.Errorf("%s %s", d, r.raw)
	}
	if r := w.get("/me/joinedTeams", w.as(w.eve)).want(t, 200, ""); len(r.ids()) != 0 {
		t.Errorf("eve's teams: %s", r.raw)
	}
	w.get("/users/"+w.bob.ID+"/joinedTeams", w.as(w.bob)).want(t, 403, "Forbidden")
	if r := w.get("/users/"+w.bob.ID+"/joinedTeams", w.appToken).want(t, 200, ""); len(r.ids()) != 1 {
		t.Errorf("bob's teams by an app: %s", r.raw)
	}
	w.get("/teams/"+w.team.ID, w.as(w.bob)).want(t, 200, "")
	w.get("/teams/"+w.team.ID, w.as(w.eve)).want(t, 403, "Forbidden")
	w.get("/teams/nothing", w.appToken).want(t, 404, "NotFound")

	channels := func(path, token string) []string { return w.get(path, token).want(t, 200, "").ids() }
	both, one := []string{w.general.ID, w.secret.ID}, []string{w.general.ID}
	for _, c := range []struct {
		path, token string
		want        []string
	}{
		{"/teams/" + w.team.ID + "/channels", w.appToken, both},
		{"/teams/" + w.team.ID + "/channels", w.as(w.cyd), both},
		{"/teams/" + w.team.ID + "/channels", w.as(w.bob), one},
		{"/teams/" + w.team.ID + "/allChannels", w.as(w.bob), one},
		{"/teams/" + w.team.ID + "/channels?$filter=membershipType eq 'private'", w.appToken, both[1:]},
		{"/teams/" + w.team.ID + "/channels?$filter=displayName eq 'General'", w.appToken, one},
	} {
		if d := cmp.Diff(c.want, channels(c.path, c.token)); d != "" {
			t.Errorf("%s: %s", c.path, d)
		}
	}
	if r := w.get(channelPath(w.secret, w.team), w.as(w.cyd)).want(t, 200, ""); r.text("membershipType") != "private" || r.text("webUrl") != w.secret.WebURL {
		t.Errorf("channel: %s", r.raw)
	}
	w.get(channelPath(w.secret, w.team), w.as(w.bob)).want(t, 403, "Forbidden")
	w.secret.Remove()
	w.get(channelPath(w.secret, w.team), w.appToken).want(t, 404, "NotFound")
}

func TestMembers(t *testing.T) {
	w := newWorld(t, teams.Options{})
	users := func(path string) (ids []string) {
		r := w.get(path, w.appToken).want(t, 200, "")
		for i := range r.list("value") {
			ids = append(ids, r.text("value", i, "userId"))
		}
		return ids
	}
	path := "/teams/" + w.team.ID + "/members"
	const member = "microsoft.graph.aadUserConversationMember/"
	for p, want := range map[string][]string{
		path: {w.ada.ID, w.bob.ID, w.cyd.ID},
		path + "?$filter=(" + member + "userId eq '" + w.bob.ID + "')":                                        {w.bob.ID},
		path + "?$filter=(" + member + "displayName eq 'Bob' or " + member + "email eq '" + w.ada.Mail + "')": {w.ada.ID, w.bob.ID},
		channelPath(w.general, w.team) + "/members":                                                           {w.ada.ID, w.bob.ID, w.cyd.ID},
		channelPath(w.secret, w.team) + "/members":                                                            {w.ada.ID, w.cyd.ID},
	} {
		if d := cmp.Diff(want, users(p)); d != "" {
			t.Errorf("%s: %s", p, d)
		}
	}
	r := w.get(path, w.appToken)
	if r.text("value", 0, "roles", 0) != "owner" || len(r.list("value", 1, "roles")) != 0 {
		t.Errorf("roles: %s", r.raw)
	}
	w.team.RemoveMember(w.cyd)
	w.team.AddMember(w.eve)
	w.get(w.messages(), w.as(w.cyd)).want(t, 403, "Forbidden")
	w.get(channelPath(w.secret, w.team)+"/messages", w.as(w.cyd)).want(t, 403, "Forbidden")
	w.get(w.messages(), w.as(w.eve)).want(t, 200, "")
	id := w.say(w.bob, "x")
	w.post(w.messages(id, "softDelete"), w.as(w.eve), "").want(t, 403, "Forbidden")
	w.team.AddOwner(w.eve)
	w.post(w.messages(id, "softDelete"), w.as(w.eve), "").want(t, 204, "")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	w := newWorld(t, teams.Options{})
	w.get("/planets", w.appToken).want(t, 400, "BadRequest")
	w.send("DELETE", "/teams/"+w.team.ID, w.appToken, "").want(t, 405, "Request_BadRequest")
	w.get("/TEAMS/"+w.team.ID, w.appToken).want(t, 200, "")
	r := w.get("/planets", w.appToken, "client-request-id", "mine")
	if r.header.Get("client-request-id") != "mine" || r.text("error", "innerError", "client-request-id") != "mine" || r.header.Get("request-id") == "" {
		t.Errorf("ids: %v %s", r.header, r.raw)
	}
}
