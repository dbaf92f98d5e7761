package mattermost_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

// read gives whom a reading of the directory tells of, and how they are.
func (c *crowd) read(since string) (all map[bridge.UserID]bridge.Presence, mark string, err error) {
	all = map[bridge.UserID]bridge.Presence{}
	mark, err = c.account.Directory(c.Context(), since, func(page []bridge.Profile) error {
		for _, p := range page {
			all[p.ID] = p.Standing.Presence
		}
		return nil
	})
	return all, mark, err
}

func (c *crowd) deactivate(name string, at int64) {
	c.sim.ChangeUser(name, func(u *model.User) { u.DeleteAt = at })
}

func TestTheDirectoryTellsOfAllAndThenOfWhoIsDeactivated(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	for n := range 250 { // more than a page
		c.sim.AddUser(fmt.Sprint("user", n))
	}
	c.deactivate("user7", 1)
	all, mark, err := c.read("")
	c.must(err)
	if len(all) < 250 || all[c.id("user7")] != bridge.Disabled || all[c.id("user249")] != bridge.Present || all[c.alice()] != bridge.Present {
		t.Errorf("the first reading tells of %d: user7 is %s", len(all), all[c.id("user7")])
	}
	c.deactivate("alice", 2)
	for range 2 {
		want := map[bridge.UserID]bridge.Presence{c.id("user7"): bridge.Disabled, c.alice(): bridge.Disabled}
		var later map[bridge.UserID]bridge.Presence
		later, mark, err = c.read(mark)
		c.must(err)
		if d := cmp.Diff(want, later); d != "" {
			t.Error(d)
		}
	}
	c.deactivate("alice", 0)
	c.deactivate("user7", 0)
	if later, _, err := c.read(mark); err != nil || len(later) != 0 {
		t.Errorf("though nobody is deactivated, it tells of %v: %v", later, err)
	}
}

func TestAReadingOfTheDirectoryIsWholeOrFails(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	_, _, err := c.read("of another bridge")
	c.wants(err, bridge.Gone, bridge.ScopeConversation)
	for n := range 250 {
		c.sim.AddUser(fmt.Sprint("user", n))
	}
	c.sim.Inject(sim.Fault{Method: "GET", Path: "/users", Status: 500, ErrorID: "x", Skip: 1})
	if _, mark, err := c.read(""); err == nil || mark != "" {
		t.Errorf("without its second page it is complete: %q %v", mark, err)
	}
	full := errors.New("full")
	if mark, err := c.account.Directory(t.Context(), "", func([]bridge.Profile) error { return full }); !errors.Is(err, full) || mark != "" {
		t.Errorf("%q %v", mark, err)
	}
}
