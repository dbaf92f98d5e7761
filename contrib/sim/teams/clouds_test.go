package teams_test

import (
	"testing"

	"causeway/contrib/sim/teams"
)

func TestWhatCloudsLack(t *testing.T) {
	for _, c := range []struct {
		cloud                                                        teams.Cloud
		subscribe, edit, remove, restore, allChannels, picturesAsApp int
	}{
		{teams.Worldwide, 201, 204, 204, 204, 200, 200},
		{teams.GCC, 201, 501, 204, 204, 200, 200},
		{teams.GCCHigh, 201, 501, 501, 501, 501, 200},
		{teams.DoD, 201, 501, 501, 501, 501, 200},
		{teams.China, 501, 501, 204, 204, 501, 501},
	} {
		t.Run(string(c.cloud), func(t *testing.T) {
			w, _ := hooked(t, teams.Options{Cloud: c.cloud})
			id := w.say(w.bob, "x")
			bob := w.as(w.bob)
			w.post("/subscriptions", w.appToken, w.wish(nil)).want(t, c.subscribe, "")
			w.send("PATCH", w.messages(id), bob, `{"body":{"content":"y"}}`).want(t, c.edit, "")
			w.get(w.messages(id, "hostedContents"), w.appToken).want(t, c.picturesAsApp, "")
			w.get(w.messages(id, "hostedContents"), bob).want(t, 200, "")
			w.post(w.messages(id, "softDelete"), bob, "").want(t, c.remove, "")
			w.post(w.messages(id, "undoSoftDelete"), bob, "").want(t, c.restore, "")
			w.get("/teams/"+w.team.ID+"/allChannels", bob).want(t, c.allChannels, "")
			w.post(w.messages(), bob, hello).want(t, 201, "") // posting works everywhere
		})
	}
}
