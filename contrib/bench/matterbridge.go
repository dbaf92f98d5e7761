package main

import (
	"math"
	"time"

	"causeway/contrib/e2e/harness"
)

const (
	partMatterbridge = "matterbridge"
	across           = "channel to channel"
)

// stretch is a steady load, in messages per second.
type stretch struct {
	rate float64
	d    time.Duration
}

// realSizes say how much is measured on the real server.
type realSizes struct {
	sizes
	calm stretch // that every program can bear
	much stretch // that is too much for some
	kill stretch // while the program is killed after a fifth of the time
	cut  stretch // while its websocket is cut after a fifth of the time
	// settle is how long after the last word CPU time is read, for every program alike.
	settle time.Duration
	// quiet is how long nothing may arrive until the rest counts as lost.
	quiet time.Duration
}

func matterbridgeSizes(o options) realSizes {
	if o.quick {
		return realSizes{
			sizes: sizes{rounds: 1, rest: 3, burst: 20, step: quickStep, tries: 1},
			calm:  stretch{20, time.Second}, much: stretch{100, time.Second},
			kill: stretch{20, 1500 * time.Millisecond}, cut: stretch{20, 1500 * time.Millisecond},
			settle: 500 * time.Millisecond, quiet: 2 * time.Second,
		}
	}
	return realSizes{
		sizes: sizes{rounds: o.rounds, rest: 100, burst: 200, step: step, tries: rateTries},
		calm:  stretch{40, 5 * time.Second}, much: stretch{300, 3 * time.Second},
		kill: stretch{40, 6 * time.Second}, cut: stretch{25, 12 * time.Second},
		settle: time.Second, quiet: 5 * time.Second,
	}
}

// againstMatterbridge measures on a real Mattermost server, channel to channel.
func againstMatterbridge(tb harness.TB, o options, r *Report) {
	z := matterbridgeSizes(o)
	w := newReal(tb)
	ours := w.causeway(tb, o.programs.causeway(tb))
	relay := w.bare(tb, o.programs.relay(tb))
	theirs := w.matterbridge(tb, o.programs.matterbridge(tb))
	all := []*contender{ours, relay, theirs}
	for round := range z.rounds {
		progress := func(what string) { tb.Logf("matterbridge, round %d of %d: %s", round+1, z.rounds, what) }
		progress("at rest")
		for _, c := range all {
			c.ready(tb)
		}
		talks := []*talk{ours.talk, relay.talk, theirs.talk}
		flows, err := rest(tb.Context(), w.board, talks, z.rest, false)
		if err != nil {
			tb.Fatalf("%v", err)
		}
		delays := map[subject][]float64{}
		for i, t := range talks {
			delays[t.who] = flows[i].delays
		}
		r.addRest(partMatterbridge, across, delays)
		for i, c := range all {
			addCounts(r, partMatterbridge, "at rest", c.who, c.count(tb, flows[i]))
		}
		progress("the sustained rate")
		for _, c := range rotated(all, round) {
			rateOf(tb, r, c, z)
		}
		progress("under load")
		for _, c := range rotated(all, round) {
			loaded(tb, r, c, z)
		}
		progress("under too much load")
		for _, c := range rotated(all, round) {
			tooMuch(tb, r, c, z)
		}
		progress("kill -9")
		for _, c := range rotated([]*contender{ours, theirs}, round) {
			disturbedBy(tb, r, c, z.kill, z.quiet, "kill -9", func() {
				c.process.Kill(tb)
				c.process.Start(tb)
			})
		}
		progress("with its websocket cut")
		for _, c := range rotated([]*contender{ours, theirs}, round) {
			disturbedBy(tb, r, c, z.cut, z.quiet, "websocket cut", func() {
				if c.proxy.CutWebSockets() == 0 {
					tb.Fatalf("%s has no websocket to cut", c.who)
				}
			})
		}
	}
	for _, c := range all {
		c.process.Stop(tb)
	}
	r.note("matterbridge: every program writes as a bot of one server, with a config for both directions, and reaches the server by way of a proxy that can cut connections; delays run from the request that says a message to the event that shows its copy.")
	r.note("matterbridge: what nobody has seen %v after the last copy (Causeway has %v) counts as lost; the channel itself is then read and decides.", z.quiet, harness.Patience)
	r.note("matterbridge: programs are killed and cut off after a fifth of %v and %v of talk; whoever does not come back meanwhile loses the rest of it, and is given something every quarter of a second until it does.", z.kill.d, z.cut.d)
	r.note("matterbridge: CPU time is read %v after the last word, for every program alike, and divided by the messages said, lost ones included.", z.settle)
	r.note("matterbridge: the programs take turns in being the first one, round by round.")
}

func rateOf(tb harness.TB, r *Report, c *contender, z realSizes) {
	tb.Helper()
	c.ready(tb)
	already := len(c.flows)
	rate, err := sustained(tb.Context(), c.world.board, c.talk, z.sizes, func(lost bool) {
		if lost || !c.process.Running() {
			c.ready(tb)
		}
	})
	if err != nil {
		tb.Fatalf("the rate of %s: %v", c.who, err)
	}
	r.add(partMatterbridge, across+", sustained rate", "messages/s", c.who, rate)
	addCounts(r, partMatterbridge, "finding the rate", c.who, c.count(tb, c.flows[already:]...))
}

// loaded is a load that every program can bear.
func loaded(tb harness.TB, r *Report, c *contender, z realSizes) {
	tb.Helper()
	c.ready(tb)
	f := c.world.board.open()
	before := usedCPU(tb, c.process.PID())
	if _, err := load(tb.Context(), f, c.talk, z.calm.rate, z.calm.d, 0); err != nil {
		tb.Fatalf("%s under load: %v", c.who, err)
	}
	// Whoever has lost something is waited for longer, which must not count.
	if err := pause(tb.Context(), z.settle); err != nil {
		tb.Fatalf("waiting for %s: %v", c.who, err)
	}
	used := math.NaN()
	if c.process.Running() { // a bare relay ends with its websocket
		used = usedCPU(tb, c.process.PID()) - before
	}
	awaitAll(tb, c, f, z.quiet)
	name := "at " + number(z.calm.rate) + " a second"
	r.addDelays(partMatterbridge, across+", "+name, c.who, f.delays)
	counts := c.count(tb, f)
	r.add(partMatterbridge, "CPU time of 1,000 messages said, "+name, "ms", c.who, used/float64(counts.Said)*1000)
	addCounts(r, partMatterbridge, name, c.who, counts)
}

// tooMuch is a load that is above what some can bear.
func tooMuch(tb harness.TB, r *Report, c *contender, z realSizes) {
	tb.Helper()
	c.ready(tb)
	f := c.world.board.open()
	attained, err := load(tb.Context(), f, c.talk, z.much.rate, z.much.d, 0)
	if err != nil {
		tb.Fatalf("%s under much load: %v", c.who, err)
	}
	awaitAll(tb, c, f, z.quiet)
	name := "at up to " + number(z.much.rate) + " a second"
	counts := c.count(tb, f)
	r.add(partMatterbridge, name+", said", "messages/s", c.who, attained)
	r.add(partMatterbridge, name+", delivered", "%", c.who, 100*float64(counts.Delivered)/float64(counts.Said))
	addCounts(r, partMatterbridge, name, c.who, counts)
	if c.process.Running() {
		addMemory(tb, r, partMatterbridge, c.who, c.process.PID())
	}
}

// disturbedBy lets people talk on while something happens to the program after a fifth of the time.
func disturbedBy(tb harness.TB, r *Report, c *contender, s stretch, quiet time.Duration, name string, disturb func()) {
	tb.Helper()
	c.ready(tb)
	f := c.world.board.open()
	talking := make(chan error, 1)
	go func() { // ends with the load, which is waited for below; only an error of tb comes before it, and ends its context
		_, err := load(tb.Context(), f, c.talk, s.rate, s.d, 0)
		talking <- err
	}()
	if err := pause(tb.Context(), s.d/5); err != nil {
		tb.Fatalf("waiting: %v", err)
	}
	at := time.Now()
	disturb()
	if err := <-talking; err != nil {
		tb.Fatalf("%s with %s: %v", c.who, name, err)
	}
	awaitAll(tb, c, f, quiet)
	counts := c.count(tb, f)
	took := f.recovery(at)
	if took < 0 && c.process.Running() {
		// Matterbridge looks after a websocket that has ended every 45 seconds (checkAlive of its matterclient), so it is asked on.
		took = begin(tb, c.world.board, c.talk, string(c.who)).Sub(at)
	}
	if took >= 0 {
		r.add(partMatterbridge, name+recovered, "s", c.who, took.Seconds())
	} else {
		r.note("matterbridge: after %s %s has ended, in one round at least.", name, c.who)
	}
	r.add(partMatterbridge, name+", delivered", "%", c.who, 100*float64(counts.Delivered)/float64(counts.Said))
	addCounts(r, partMatterbridge, name, c.who, counts)
}

// awaitAll waits until everything is there or nothing more comes, and then for doubles that may follow.
func awaitAll(tb harness.TB, c *contender, f *flow, quiet time.Duration) {
	tb.Helper()
	if c.who == causeway {
		quiet = harness.Patience // what is late is late, not lost
	}
	if _, err := f.await(tb.Context(), quiet); err != nil {
		tb.Fatalf("waiting for %s: %v", c.who, err)
	}
	if err := pause(tb.Context(), time.Second); err != nil {
		tb.Fatalf("waiting for %s: %v", c.who, err)
	}
}
