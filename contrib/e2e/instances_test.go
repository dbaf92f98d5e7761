package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

var failovers = flag.Int("failovers", 4, "how often the instance that works is killed in TestAnotherInstanceTakesOver")

// frozen is longer than a holder may be silent.
const frozen = 7 * time.Second

// TestAnotherInstanceTakesOver has two instances on one store, and kills, stops and freezes the one that works while 4 people talk. It tells how long it takes until
// what is said after a kill has arrived.
func TestAnotherInstanceTakesOver(t *testing.T) {
	t.Parallel()
	messages := 20 + 8**failovers
	shared := harness.Shared(t)
	p := newPairStoredIn(t, shared.Mattermost, 2, "poll", shared.Postgres.CreateDatabase(t))
	config, err := os.ReadFile(filepath.Join(p.dir, "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	listen := regexp.MustCompile(`Listen = "[^"]+"`)
	p.write(t, "two.toml", listen.ReplaceAllString(string(config), fmt.Sprintf("Listen = %q", harness.FreePort(t))))
	p.begin(t)
	works := p.causeway
	waits := harness.StartProcess(t, p.command("run", "-c", "two.toml"))
	waits.WaitForLine(t, "standing by")
	p.sim.SetChaos(teams.Chaos{Seed: 2, LoseAnswer: 0.03, FailedAfter: 0.02, RetryAfter: time.Second})

	people := p.talk(t, messages/4)
	random := rand.New(rand.NewPCG(8, 8))
	var took []time.Duration
	for n := range *failovers + 2 {
		p.awaitSaid(t, (n+1)*messages*8/10/(*failovers+2))
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		began := time.Now()
		switch n - *failovers {
		case 1:
			works.Signal(t, syscall.SIGSTOP)
			waits.WaitForLine(t, "Causeway is running")
			time.Sleep(max(0, frozen-time.Since(began)))
			works.Signal(t, syscall.SIGCONT)
			works.WaitForLine(t, "begun anew")
		case 0:
			if code := works.Stop(t); code != 0 {
				t.Errorf("stopping gave %d", code)
			}
			waits.WaitForLine(t, "Causeway is running")
			works.Start(t)
		default:
			works.Kill(t)
			waits.WaitForLine(t, "Causeway is running") // it has delivered nothing yet
			before := len(p.relayed())
			p.people[0].Post(t, p.channel, "who carries this?") // in case nobody has anything to say just now
			p.within(t, func() bool { return len(p.relayed()) > before })
			took = append(took, time.Since(began))
			works.Start(t)
		}
		works.WaitForLine(t, "standing by")
		works, waits = waits, works
	}
	people.Wait()
	p.judge(t, messages)
	p.alike(t)
	slices.Sort(took)
	if *failovers >= 20 && (took[len(took)/2] > 5*time.Second || took[len(took)-1] > 10*time.Second) { // of a few on a busy machine, the worst says nothing
		t.Errorf("it takes too long until another one delivers: median at most 5 s, worst at most 10 s")
	}
	t.Logf("from a kill to the next message delivered by another: median %v, worst %v of %d", took[len(took)/2], took[len(took)-1], len(took))
}

// within waits for what is looked for every few milliseconds, so that it can be timed.
func (p *pair) within(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(harness.Patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited too long")
		}
	}
}
