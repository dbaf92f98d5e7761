package e2e

import (
	"testing"

	"causeway/bridge/bridgetest"
	"causeway/bridge/mattermost/mmtest"
	"causeway/contrib/e2e/harness"
)

// TestLawsOnARealMattermost holds the bridge to the same laws as on the stand-in: what the stand-in gets wrong shows here.
func TestLawsOnARealMattermost(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	bridgetest.Run(t, func(t *testing.T) bridgetest.Service {
		return mmtest.Open(t, mmtest.Real(t, mm.URL, mm.Admin.Token))
	})
}
