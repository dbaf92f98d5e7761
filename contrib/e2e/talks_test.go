package e2e

import (
	"testing"

	"causeway/bridge/mattermost/mmtest"
	"causeway/contrib/e2e/harness"
)

// TestTalksOnARealMattermost holds what the bridge does about direct and group conversations to the same as on the stand-in.
func TestTalksOnARealMattermost(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	mmtest.RunTalks(t, func(t *testing.T) mmtest.World {
		return mmtest.Real(t, mm.URL, mm.Admin.Token)
	})
}
