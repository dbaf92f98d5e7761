package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"causeway/contrib/e2e/harness"
)

// partEngines compares what Causeway may keep its store in, and how many of it are started on one.
const partEngines = "engines"

// engine is a store, and how many instances are started on it, which share the work.
type engine struct {
	name      string
	postgres  bool
	instances int
}

var engines = []engine{{"SQLite", false, 1}, {"PostgreSQL, 1 instance", true, 1}, {"PostgreSQL, 2 instances", true, 2}, {"PostgreSQL, 3 instances", true, 3}}

// enginesChannels is how many channels a burst is divided among: each is delivered to by one instance.
const enginesChannels = 6

// enginesPart measures, in a world of its own for each, how fast a burst is carried; the bare relay, which keeps nothing, has its turn among them.
func enginesPart(tb harness.TB, o options, r *Report) {
	rounds, burst := o.rounds, 1200
	if o.quick {
		rounds, burst = 1, 30
	}
	pg := harness.StartSyncedPostgres(tb)
	for round := range rounds {
		tb.Logf("engines, round %d of %d", round+1, rounds)
		var rate float64
		measured := map[string]float64{}
		for _, turn := range rotated(append([]engine{{name: string(bare)}}, engines...), round) {
			if turn.name == string(bare) {
				rate = bareBurst(tb, o, burst)
				continue
			}
			measured[turn.name] = turn.burst(tb, o, r, pg, burst)
		}
		for _, e := range engines {
			name := there + ", rate of a burst, " + e.name
			r.add(partEngines, name, "messages/s", causeway, measured[e.name])
			r.add(partEngines, name, "messages/s", bare, rate)
		}
	}
	r.note("engines: %d messages are said at once, in %d channels; PostgreSQL runs on the same machine, with the settings that it comes with: like SQLite it syncs to the disk what it commits.", burst, enginesChannels)
	r.note("engines: of several instances one reads, and each delivers to as many channels as the others; they, PostgreSQL and both stand-ins share the cores of one machine.")
}

func bareBurst(tb harness.TB, o options, burst int) (rate float64) {
	tb.Helper()
	s := newSims(tb)
	joints := s.joinMany(bare, "bare-engines")
	for _, j := range joints {
		relay := s.startRelay(tb, o.programs.relay(tb), j)
		defer relay.Kill(tb)
	}
	return burstIn(tb, joints, burst)
}

func (s *sims) joinMany(who subject, name string) (all []*joint) {
	for n := range enginesChannels {
		all = append(all, s.join(who, fmt.Sprintf("%s-%d", name, n)))
	}
	return all
}

// burstIn has so many messages said at once, in all channels together, and gives at what rate they arrive.
func burstIn(tb harness.TB, joints []*joint, burst int) (rate float64) {
	tb.Helper()
	for _, j := range joints {
		j.begin(tb)
	}
	var flows []*flow
	tasks, ctx := errgroup.WithContext(tb.Context())
	for _, j := range joints {
		f := j.sims.board.open()
		j.there.flows, flows = append(j.there.flows, f), append(flows, f)
		tasks.Go(func() error {
			_, err := load(ctx, f, j.there, 0, 0, burst/len(joints))
			if err == nil {
				_, err = f.await(ctx, harness.Patience)
			}
			return err
		})
	}
	if err := tasks.Wait(); err != nil {
		tb.Fatalf("%s: %v", joints[0].who, err)
	}
	return burstRate(flows...)
}

// burst starts the instances on a store of their own, and stops them at the end.
func (e engine) burst(tb harness.TB, o options, r *Report, pg *harness.Postgres, burst int) (rate float64) {
	tb.Helper()
	s := newSims(tb)
	joints := s.joinMany(causeway, "causeway-engines")
	c := s.configure(tb, o.programs.causeway(tb), pollInterval, joints...)
	if e.postgres {
		c.move(tb, pg.CreateDatabase(tb))
	}
	var processes []*harness.Process
	for n := range max(e.instances, 1) {
		processes = append(processes, harness.StartProcess(tb, c.command("run", "-c", c.another(tb, n))))
		if n > 0 {
			processes[n].WaitForLine(tb, "standing by")
		} else {
			processes[0].WaitForLine(tb, "Causeway is running")
		}
	}
	c.shared(tb, 2*enginesChannels/max(e.instances, 1))
	rate = burstIn(tb, joints, burst)
	var counts Counts
	for _, j := range joints {
		there, back := j.count()
		counts = counts.plus(there.plus(back))
	}
	addCounts(r, partEngines, e.name, causeway, counts)
	for n := range processes { // first those that help, so that none takes over
		processes[len(processes)-1-n].Stop(tb)
	}
	return rate
}

// shared waits until each instance delivers to that many conversations.
func (c *causewayAt) shared(tb harness.TB, each int) {
	tb.Helper()
	for end := time.Now().Add(harness.Patience); ; time.Sleep(100 * time.Millisecond) {
		status := harness.StartProcess(tb, c.command("status"))
		status.Wait(tb)
		text := status.Output().String()
		if !strings.Contains(text, "INSTANCES") || !strings.Contains(text, ": stands by, since") && strings.Contains(text, fmt.Sprintf("delivers to %d conversations, and does everything else", each)) {
			return
		}
		if time.Now().After(end) {
			tb.Fatalf("the work is not shared:\n%s", text)
		}
	}
}

// move moves the store to PostgreSQL.
func (c *causewayAt) move(tb harness.TB, dsn string) {
	tb.Helper()
	if code := harness.StartProcess(tb, c.command("store", "copy", "--to", dsn)).Wait(tb); code != 0 {
		tb.Fatalf("moving the store to PostgreSQL: exit code %d", code)
	}
	c.write(tb, fmt.Sprintf("[storage]\nDSN = %q\nKeyFile = \"causeway.db.key\"\n", dsn)+c.config(tb))
}

func (c *causewayAt) config(tb harness.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "config.toml"))
	if err != nil {
		tb.Fatalf("reading the config: %v", err)
	}
	return string(text)
}

// another writes the config of one of several instances, which listens at an address of its own, and gives its name.
func (c *causewayAt) another(tb harness.TB, n int) string {
	tb.Helper()
	if n == 0 {
		return "config.toml"
	}
	own := strings.TrimSuffix(strings.TrimPrefix(c.health, "http://"), "/healthz")
	name := fmt.Sprintf("config-%d.toml", n)
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(strings.Replace(c.config(tb), own, harness.FreePort(tb), 1)), 0o600); err != nil {
		tb.Fatalf("writing a config: %v", err)
	}
	return name
}
