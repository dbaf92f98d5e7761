package e2e

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// TestNothingIsLostWithAStoreInPostgreSQL kills Causeway 5 times and cuts all of its connections to the database 5 times while 4 people talk.
func TestNothingIsLostWithAStoreInPostgreSQL(t *testing.T) {
	t.Parallel()
	const messages, troubles = 104, 10
	shared := harness.Shared(t)
	dsn := shared.Postgres.CreateDatabase(t)
	p := newPairStoredIn(t, shared.Mattermost, 2, "poll", dsn)
	p.begin(t)
	p.sim.SetChaos(teams.Chaos{Seed: 1, Throttled: 0.03, Failed: 0.03, FailedAfter: 0.02, LoseAnswer: 0.03, RetryAfter: time.Second})
	people := p.talk(t, messages/4)
	random := rand.New(rand.NewPCG(7, 7))
	cut := 0
	for n := range troubles {
		p.awaitSaid(t, (n+1)*messages*9/10/troubles)
		if n%2 == 0 {
			p.causeway.Kill(t)
			time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
			p.run(t)
			continue
		}
		answer := shared.Postgres.Query(t, dsn, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		if answer != "0" {
			cut++
		}
	}
	p.speakOn()
	people.Wait()
	p.judge(t, messages)
	p.alike(t)
	if cut == 0 {
		t.Error("there was never a connection to cut")
	}
	log := p.causeway.Output().String()
	if password := shared.Postgres.Password(); strings.Contains(log, password) {
		t.Error("the password of the database stands in the log")
	}
}
