package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

var failovers = flag.Int("failovers", 4, "how often the instance that leads is killed in TestAnotherInstanceTakesOver")

// frozen is longer than a holder may be silent.
const frozen = 7 * time.Second

// alive is how long an instance must have worked for its end not to count as one of many.
const alive = 2500 * time.Millisecond

// TestAnotherInstanceTakesOver has two instances on one store, and kills, stops and freezes the one that leads while 4 people talk. It tells how long it takes until
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
			time.Sleep(alive) // those who are killed as soon as they have begun are followed by ones that wait
			began = time.Now()
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
	missed := p.killHelpers(t, waits, *failovers)
	people.Wait()
	p.judge(t, messages)
	p.alike(t)
	inTime(t, "from a kill of the instance that leads to the next message delivered by another", took)
	inTime(t, "from a kill of the other one until what is said on both sides has arrived", missed)
}

// killHelpers kills the instance that helps to deliver, over and over, and gives how long it takes until what is said on both sides has arrived.
func (p *pair) killHelpers(t *testing.T, helps *harness.Process, times int) (took []time.Duration) {
	for n := range times {
		p.chatUntil(t, func() { helps.WaitForLine(t, "a step of a message") }) // it has delivered something
		helps.Kill(t)
		began, text := time.Now(), fmt.Sprintf("is it gone, %d?", n)
		p.people[0].Post(t, p.channel, text)
		p.says(t, "<p>"+text+"</p>")
		p.within(t, func() bool {
			return slices.ContainsFunc(p.relayed(), func(m teams.Message) bool { return strings.Contains(m.Text, text) })
		})
		p.copyInMattermost(t, text)
		took = append(took, time.Since(began))
		helps.Start(t)
	}
	return took
}

// chatUntil has something said on both sides, again and again, until something has come.
func (p *pair) chatUntil(t *testing.T, come func()) {
	stop := make(chan struct{})
	var talking sync.WaitGroup
	defer talking.Wait()
	defer close(stop)
	talking.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(300 * time.Millisecond):
			}
			p.people[0].Post(t, p.channel, "anybody there?")
			p.says(t, "<p>anybody there?</p>")
		}
	})
	come()
}

// inTime fails unless work has moved soon enough.
func inTime(t *testing.T, what string, took []time.Duration) {
	t.Helper()
	slices.Sort(took)
	if len(took) >= 20 && (took[len(took)/2] > 5*time.Second || took[len(took)-1] > 10*time.Second) { // of a few on a busy machine, the worst says nothing
		t.Errorf("%s: it takes too long: median at most 5 s, worst at most 10 s", what)
	}
	t.Logf("%s: median %v, worst %v of %d", what, took[len(took)/2], took[len(took)-1], len(took))
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
