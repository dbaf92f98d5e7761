package harness

import (
	"sync"
	"testing"
)

// World is what the tests of one package share.
type World struct {
	Postgres   *Postgres
	Mattermost *Mattermost
}

// shared is the one World of this process; Shared starts it and Main ends it.
var shared struct {
	mu      sync.Mutex
	tb      *mainTB // nil outside of Main
	tried   bool
	world   *World
	failure error
}

// Main runs the tests of a package and afterwards stops what Shared started. It returns the exit code for os.Exit, and
// belongs into TestMain.
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.tb = newMainTB()
	shared.mu.Unlock()

	code := m.Run()

	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.tb.end() && code == 0 {
		code = 1
	}
	return code
}

// Shared returns the servers that all tests of the package share, and starts them for the first test that asks. When tb
// fails, the end of what the server logged meanwhile is printed. A test that stops, restarts or reconfigures the server must not do it to
// this one.
func Shared(tb TB) *World {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.tb == nil {
		tb.Fatalf("the test package needs: func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }")
	}
	if !shared.tried {
		shared.tried = true
		shared.failure = shared.tb.try(func() {
			postgres := StartPostgres(shared.tb)
			mattermost := StartMattermost(shared.tb, Options{Postgres: postgres})
			shared.world = &World{Postgres: postgres, Mattermost: mattermost}
		})
	}
	if shared.failure != nil {
		tb.Fatalf("starting the shared servers: %v", shared.failure)
	}
	log := shared.world.Mattermost.process.Output()
	mark := log.Len()
	tb.Cleanup(func() {
		if tb.Failed() && log.Len() > mark {
			tb.Logf("the shared Mattermost server meanwhile:\n%s", log.tail(mark))
		}
	})
	return shared.world
}
