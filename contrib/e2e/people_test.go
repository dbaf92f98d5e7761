package e2e

import (
	"testing"

	"causeway/bridge/mattermost/mmtest"
	"causeway/contrib/e2e/harness"
)

// TestPeopleOnARealMattermost holds what the bridge does for people to the same as on the stand-in.
func TestPeopleOnARealMattermost(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	mmtest.RunPeople(t, func(t *testing.T) mmtest.World {
		return mmtest.Real(t, mm.URL, mm.Admin.Token)
	})
}
