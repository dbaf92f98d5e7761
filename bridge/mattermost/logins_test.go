package mattermost_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

// came gives how often each was told to have come.
func (c *crowd) came() map[bridge.UserID]int {
	all := map[bridge.UserID]int{}
	_, _, who := c.front.Seen()
	for _, u := range who {
		all[u]++
	}
	return all
}

// looks waits until the audits were asked for twice more.
func (c *crowd) looksAtAudits() {
	c.Helper()
	asked := func() int { return c.sim.Counts()["GET /audits"] }
	before := asked()
	c.wait("two looks at the audits", func() bool { return asked() >= before+2 })
}

// TestWhoLogsInIsToldWhateverTheirPresence: once for each log-in, though others happen in the same millisecond, or more than a page of them.
func TestWhoLogsInIsToldWhateverTheirPresence(t *testing.T) {
	c := newCrowd(t, sim.Options{}, "system_admin", nil)
	alice, bob := c.alice(), bridge.UserID(c.world.Bob.ID)
	c.sim.AddUser("outsider")
	c.sim.LogIn("alice") // before it began
	c.front.Await(true, bridge.Circle{})
	c.start()
	c.looksAtAudits()
	if d := cmp.Diff(map[bridge.UserID]int{}, c.came()); d != "" {
		t.Error(d)
	}
	c.sim.SetStatus("bob", model.StatusOffline)
	c.sim.LogIn("bob")
	c.wait("bob was here", func() bool { return c.came()[bob] == 1 })
	c.sim.Audit("alice", "/api/v4/users/login", "failure - login_id=alice")
	c.sim.Audit("alice", "/api/v4/users/login/switch", "success")
	c.sim.LogIn("outsider")
	c.looksAtAudits()
	if d := cmp.Diff(map[bridge.UserID]int{bob: 1}, c.came()); d != "" {
		t.Error(d)
	}
	c.sim.LogIn("alice")
	for range 450 {
		c.sim.Audit("bob", "/api/v4/posts", "")
	}
	c.wait("alice was here", func() bool { return c.came()[alice] == 1 })
	c.sim.SetStatus("alice", model.StatusOnline)
	c.wait("alice is online", func() bool { return c.came()[alice] == 2 })
	c.sim.LogIn("alice") // whoever is online was told
	c.looksAtAudits()
	if d := cmp.Diff(map[bridge.UserID]int{alice: 2, bob: 1}, c.came()); d != "" {
		t.Error(d)
	}
}

func TestWhoMayNotReadAuditsDoesNotAskForThem(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.front.Await(true, bridge.Circle{})
	c.start()
	looks := func() int { return c.sim.Counts()["POST /users/status/ids"] }
	c.wait("some looks who is online", func() bool { return looks() > 3 })
	c.sim.LogIn("bob")
	before := looks()
	c.wait("some more", func() bool { return looks() > before+2 })
	if n := c.sim.Counts()["GET /audits"]; n != 0 || len(c.came()) != 0 {
		t.Errorf("the audits were asked for %d times; came %v", n, c.came())
	}
}
