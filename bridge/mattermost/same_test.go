package mattermost_test

import (
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

func TestWhoIsKnownToBeAUserLooksLikeThatUserAlone(t *testing.T) {
	c := newCrowd(t, sim.Options{ClientConfig: map[string]string{"TeammateNameDisplay": "full_name"}}, restricted, nil)
	c.sim.ChangeUser("alice", func(u *model.User) { u.FirstName, u.LastName, u.Nickname = "Alice", "Chen", "Ali" })
	c.sim.ChangeUser("bob", func(u *model.User) { u.FirstName, u.LastName = "Bob", "Ray" })
	post := func(name string, same bridge.UserID, avatar string) (shown, picture, writer string) {
		t.Helper()
		d := c.draft("hi")
		d.Author = bridge.Author{ID: "0d7c1c5e-2f4e-4c0e-9a55-5d1e5f7e2f10", Name: name, Avatar: avatar}
		d.Same = same
		id, err := c.account.Post(t.Context(), d)
		c.must(err)
		view, _ := c.sim.Look(string(id))
		p, _, err := c.sim.Client(c.world.Admin).GetPost(t.Context(), string(id), "")
		c.must(err)
		picture, _ = p.GetProp("override_icon_url").(string)
		if p.GetProp("use_user_icon") != nil {
			picture = "the bot's"
		}
		return view.Shown, picture, view.Author
	}
	hers := c.sim.URL() + "/api/v4/users/" + string(c.alice()) + "/image"
	for _, x := range []struct {
		name           string
		same           bridge.UserID
		avatar         string
		shown, picture string
	}{
		{"Alice Chen", "", "", "Alice Chen (elsewhere)", "the bot's"},
		{"Alice Chen", c.alice(), "", "Alice Chen", hers},
		{"ALICE  Chen", c.alice(), "https://p.example.org/1.png", "ALICE Chen", "https://p.example.org/1.png"},
		{"Bob Ray", c.alice(), "", "Bob Ray (elsewhere)", hers}, // somebody else's name
		{"Ali", c.alice(), "", "Ali", hers},                     // hers, but not the one that is shown here
		{"Ali", "", "", "Ali (elsewhere)", "the bot's"},
		{"[Teams] Alice Chen", c.alice(), "", "[Teams] Alice Chen", hers},
		{"Alice Chen", bridge.UserID(model.NewId()), "", "Alice Chen (elsewhere)", ""}, // gone since
	} {
		shown, picture, writer := post(x.name, x.same, x.avatar)
		if x.picture == "" {
			picture = ""
		}
		if shown != x.shown || picture != x.picture || writer != "causeway" {
			t.Errorf("%q, who is %q: shown as %q with %q, written by %q", x.name, x.same, shown, picture, writer)
		}
	}
	// The name is the one of today. Connecting makes the bridge ask for every name again, so what comes over the connection is waited for.
	c.start()
	c.arrives(c.say("bob", "here I am"), "here I am")
	c.sim.ChangeUser("alice", func(u *model.User) { u.LastName = "Married" })
	c.wait("her new name", func() bool { shown, _, _ := post("Alice Married", c.alice(), ""); return shown == "Alice Married" })
	c.wait("a known name costs no request", func() bool { // what was asked for the new one may still be on its way
		c.sim.ForgetRequests()
		for range 5 {
			post("Alice Married", c.alice(), "")
		}
		return c.sim.Counts()["POST /users/search"]+c.sim.Counts()["GET /users/{user_id}"] == 0
	})
}

func TestTwoOfOneName(t *testing.T) {
	c := newCrowd(t, sim.Options{ClientConfig: map[string]string{"TeammateNameDisplay": "full_name"}}, restricted, nil)
	for _, name := range []string{"alice", "bob"} {
		c.sim.ChangeUser(name, func(u *model.User) { u.FirstName, u.LastName, u.Nickname = "Alex", "Chen", "Lex" })
	}
	for name, want := range map[string]string{
		"Alex Chen": "Alex Chen",       // as Mattermost itself shows her
		"Lex":       "Lex (elsewhere)", // which of the two?
	} {
		d := c.draft("hi")
		d.Author, d.Same = bridge.Author{ID: "0d7c1c5e-2f4e-4c0e-9a55-5d1e5f7e2f10", Name: name}, c.alice()
		id, err := c.account.Post(t.Context(), d)
		c.must(err)
		if view, _ := c.sim.Look(string(id)); view.Shown != want {
			t.Errorf("%q is shown as %q, want %q", name, view.Shown, want)
		}
	}
}
