package e2e

import (
	"testing"

	"causeway/bridge/bridgetest"
	"causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	"causeway/contrib/e2e/harness"
)

// TestPeopleOnARealMattermost holds what the bridge does for people to the same as on the stand-in.
func TestPeopleOnARealMattermost(t *testing.T) {
	t.Parallel()
	// A server takes 250 users at most (Team Edition), and all tests together make more.
	mm := harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres})
	mmtest.RunPeople(t, func(t *testing.T) mmtest.World {
		return mmtest.Real(t, mm.URL, mm.Admin.Token)
	})
}

// TestLawsOfMintedTokensOnARealMattermost: the laws of people with a bot that is an administrator; TestLawsOnARealMattermost has them
// with tokens of OAuth 2.0.
func TestLawsOfMintedTokensOnARealMattermost(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	bridgetest.Run(t, func(t *testing.T) bridgetest.Service {
		w := mmtest.Real(t, mm.URL, mm.Admin.Token)
		w.Profile = mattermost.ProfileSimple
		return mmtest.Open(t, w)
	}, bridgetest.Only("a post as a person is theirs and known by its key", "as a person their posts are changed", "a person's reactions are their own",
		"a revoked person stops nobody else", "what is kept outlives connecting that led to nothing", "how a person is notified is changed and put back"))
}
