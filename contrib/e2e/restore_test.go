package e2e

import (
	"testing"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// TestARestoredStoreCatchesUp takes a backup while people talk, puts it back when more has been said and carried since, and has Causeway catch up while they go on:
// what it had posted after the backup it finds by its key, and nothing stands there twice.
func TestARestoredStoreCatchesUp(t *testing.T) {
	t.Parallel()
	const messages = 80
	shared := harness.Shared(t)
	for name, dsn := range map[string]string{"SQLite": "causeway.db", "PostgreSQL": shared.Postgres.CreateDatabase(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPairStoredIn(t, shared.Mattermost, 2, "poll", dsn)
			p.begin(t)
			p.sim.SetChaos(teams.Chaos{Seed: 3, LoseAnswer: 0.03, FailedAfter: 0.02, Throttled: 0.05})
			people := p.talk(t, messages/4)
			p.awaitSaid(t, messages/4)
			p.calls(t, "store", "backup", "before.db", "-c", "config.toml")
			teamsHad, mattermostHad := len(p.relayed()), len(p.inMattermost(t))
			p.awaitSaid(t, messages*5/8)
			p.eventually(t, "carrying what the backup does not know", func() string {
				return complain(len(p.relayed()) > teamsHad+3 && len(p.inMattermost(t)) > mattermostHad+3, len(p.relayed()), teamsHad, len(p.inMattermost(t)), mattermostHad)
			})
			p.causeway.Kill(t)
			p.calls(t, "store", "restore", "before.db", "--replace", "-c", "config.toml")
			p.run(t)
			people.Wait()
			p.judge(t, messages)
			p.alike(t)
			for _, m := range p.everything() {
				if m.Author == p.relay && m.Deleted {
					t.Errorf("a copy was there twice for a moment: %s", m.ID)
				}
			}
		})
	}
}

// calls runs a command of Causeway that must go well.
func (p *pair) calls(t *testing.T, args ...string) {
	t.Helper()
	command := harness.StartProcess(t, p.command(args...))
	if code := command.Wait(t); code != 0 {
		t.Fatalf("%v: exit code %d:\n%s", args, code, command.Output())
	}
}
