package mattermost_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

// TestWhoArrivesIsOfTheGroupsOfTheConfig: of teams and groups together, whoever is in one; what the bot does not see is said, and counts once it does.
func TestWhoArrivesIsOfTheGroupsOfTheConfig(t *testing.T) {
	c := newCrowd(t, sim.Options{Licensed: true}, restricted, nil)
	ids := map[string]bridge.UserID{"alice": c.alice(), "bob": bridge.UserID(c.world.Bob.ID)}
	for _, name := range []string{"teammate", "seller", "gone", "boarder"} {
		ids[name] = bridge.UserID(c.sim.AddUser(name).Id)
	}
	c.sim.AddTeam("globex")
	c.sim.AddToTeam("globex", "causeway", "teammate", "seller")
	c.sim.AddGroup("Sales People", model.GroupSourceCustom, true, "seller", "gone")
	c.sim.AddGroup("Sales People of the Past", model.GroupSourceCustom, true, "bob")
	c.sim.AddGroup("Board", model.GroupSourceLdap, false, "boarder")
	c.sim.ChangeUser("gone", func(u *model.User) { u.DeleteAt = 1 })
	for name := range ids {
		c.sim.SetStatus(name, "online")
	}
	c.front.Await(true, bridge.Circle{Teams: []string{"globex", "initech"}, Groups: []string{"sales-people", "board"}})
	c.start()
	arrived := func() map[bridge.UserID]bool {
		came := map[bridge.UserID]bool{}
		_, _, who := c.front.Seen()
		for _, u := range who {
			came[u] = true
		}
		return came
	}
	of := func(names ...string) map[bridge.UserID]bool {
		who := map[bridge.UserID]bool{}
		for _, name := range names {
			who[ids[name]] = true
		}
		return who
	}
	listings := func() int { return c.sim.Counts()["GET /groups"] }
	c.wait("those of the team and the group were here", func() bool { return len(arrived()) == 2 })
	before := listings()
	c.wait("two more listings", func() bool { return listings() >= before+4 })
	if d := cmp.Diff(of("teammate", "seller"), arrived()); d != "" {
		t.Error(d)
	}
	for _, want := range []string{"nobody of the team initech is asked to connect", "nobody of the group board is asked to connect"} {
		if n := strings.Count(c.said.String(), want); n != 1 {
			t.Errorf("%q is said %d times", want, n)
		}
	}
	c.sim.Grant(restricted, "sysconsole_read_user_management_groups")
	c.wait("the board was here", func() bool { return len(arrived()) == 3 })
	if d := cmp.Diff(of("teammate", "seller", "boarder"), arrived()); d != "" {
		t.Error(d)
	}
	c.sim.License(false)
	c.wait("the missing licence is said", func() bool { return strings.Contains(c.said.String(), "with a licence only") })
	c.sim.SetStatus("teammate", "offline")
	looks := c.sim.Counts()["POST /users/status/ids"]
	c.wait("two looks", func() bool { return c.sim.Counts()["POST /users/status/ids"] >= looks+2 })
	c.sim.SetStatus("teammate", "online")
	c.wait("the team is still awaited", func() bool {
		_, _, who := c.front.Seen()
		return len(who) >= 4 && who[len(who)-1] == ids["teammate"]
	})
}

// TestCheckSaysOfWhomNobodyIsAsked: wrong names, and groups on a server that has none.
func TestCheckSaysOfWhomNobodyIsAsked(t *testing.T) {
	for _, x := range []struct {
		name     string
		licensed bool
		of       bridge.Circle
		want     []string
	}{
		{"without a licence", false, bridge.Circle{Teams: []string{"acme"}, Groups: []string{"sales"}}, []string{"nobody of the group sales is asked to connect: looking for the group sales: "}},
		{"with wrong names", true, bridge.Circle{Teams: []string{"acne"}, Groups: []string{"sale"}}, []string{
			"nobody of the team acne is asked to connect: the bot sees no team of that name", "nobody of the group sale is asked to connect: the bot sees no group of that name; "}},
		{"all well", true, bridge.Circle{Teams: []string{"ACME"}, Groups: []string{"Sales"}}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newCrowd(t, sim.Options{Licensed: x.licensed}, restricted, nil)
			c.sim.AddGroup("sales", model.GroupSourceCustom, true, "alice")
			c.front.Await(true, x.of)
			var found []string
			for _, f := range c.account.Check(t.Context()) {
				if strings.Contains(f.Text, "is asked to connect") {
					found = append(found, f.Text)
				}
			}
			if len(found) != len(x.want) {
				t.Fatalf("%q, want %q", found, x.want)
			}
			for n, want := range x.want {
				if !strings.HasPrefix(found[n], want) {
					t.Errorf("%q, want %q", found[n], want)
				}
			}
			if !x.licensed && !strings.Contains(strings.Join(found, ""), "with a licence only") {
				t.Errorf("no licence is spoken of in %q", found)
			}
		})
	}
}
