package e2e

import (
	"testing"

	"causeway/bridge/mattermost/mmtest"
	"causeway/contrib/e2e/harness"
)

// TestTalksOnARealMattermost holds what the bridge does about direct and group conversations to the same as on the stand-in.
func TestTalksOnARealMattermost(t *testing.T) {
	t.Parallel()
	// A server takes 250 users at most (Team Edition), and all tests together make more.
	mm := harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres})
	mmtest.RunTalks(t, func(t *testing.T) mmtest.World {
		return mmtest.Real(t, mm.URL, mm.Admin.Token)
	})
}

// TestNobodyLooksOnlineWhoDidNotAgree: whoever prefers Mattermost, or declined, is not shown online by Causeway and still gets the e-mails that
// Mattermost sends to who is not there.
func TestNobodyLooksOnlineWhoDidNotAgree(t *testing.T) {
	t.Parallel()
	box := newLetterbox(t)
	mm := harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres, Settings: box.settings()})
	mmtest.RunPresence(t, func(t *testing.T) mmtest.World {
		return mmtest.Real(t, mm.URL, mm.Admin.Token)
	}, box.direct)
}
