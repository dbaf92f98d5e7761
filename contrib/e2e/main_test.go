// Package e2e proves Causeway between a real Mattermost server and the stand-in for Teams.
package e2e

import (
	"os"
	"testing"

	"causeway/contrib/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
