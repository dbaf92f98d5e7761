package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"causeway/contrib/e2e/harness"
)

// partEngines compares what Causeway may keep its store in, and how many of it are started on one.
const partEngines = "engines"

// engine is a store, and how many instances are started on it, of which one works.
type engine struct {
	name      string
	postgres  bool
	instances int
}

var engines = []engine{{"SQLite", false, 1}, {"PostgreSQL, 1 instance", true, 1}, {"PostgreSQL, 2 instances", true, 2}, {"PostgreSQL, 3 instances", true, 3}}

// enginesPart measures, in a world of its own for each, how fast a burst is carried; the bare relay, which keeps nothing, has its turn among them.
func enginesPart(tb harness.TB, o options, r *Report) {
	rounds, burst := o.rounds, 1000
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
	r.note("engines: %d messages are said at once; PostgreSQL runs on the same machine, with the settings that it comes with: like SQLite it syncs to the disk what it commits.", burst)
	r.note("engines: of several instances one works, and the others stand by.")
}

func bareBurst(tb harness.TB, o options, burst int) (rate float64) {
	tb.Helper()
	s := newSims(tb)
	j := s.join(bare, "bare-engines")
	relay := s.startRelay(tb, o.programs.relay(tb), j)
	j.begin(tb)
	rate = sayAndWait(tb, s.board, j.there, 0, 0, burst).burstRate()
	relay.Kill(tb)
	return rate
}

// burst starts the instances on a store of their own, and stops them at the end.
func (e engine) burst(tb harness.TB, o options, r *Report, pg *harness.Postgres, burst int) (rate float64) {
	tb.Helper()
	s := newSims(tb)
	j := s.join(causeway, "causeway-engines")
	c := s.configure(tb, o.programs.causeway(tb), pollInterval, j)
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
	j.begin(tb)
	rate = sayAndWait(tb, s.board, j.there, 0, 0, burst).burstRate()
	there, back := j.count()
	addCounts(r, partEngines, e.name, causeway, there.plus(back))
	for n := range processes { // first those that stand by, so that none takes over
		processes[len(processes)-1-n].Stop(tb)
	}
	return rate
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
