package main

import (
	"fmt"
	"strings"
	"time"

	"causeway/contrib/e2e/harness"
)

const (
	partDelay = "delay"
	there     = "Mattermost → Teams"
	back      = "Teams → Mattermost"
)

// delaySizes are what a run and a quick run measure.
func delaySizes(o options) sizes {
	if o.quick {
		return sizes{rounds: 1, rest: 5, burst: 30, step: quickStep, tries: 1}
	}
	return sizes{rounds: o.rounds, rest: 100, burst: 300, step: step, tries: 5}
}

// delay measures both ways between the stand-ins. Each round is a world of its own, since stand-ins and stores fill.
func delay(tb harness.TB, o options, r *Report) {
	z := delaySizes(o)
	for round := range z.rounds {
		tb.Logf("delay, round %d of %d", round+1, z.rounds)
		delayRound(tb, o, r, z)
	}
	r.note("delay: Causeway runs with LogLevel info and PostInterval %v, so that Graph's pace of one post a second is not what is measured; both programs read Teams every %v.", postInterval, pollInterval)
	r.note("delay: from Teams, messages are said in a burst and at a steady rate; polling brings them in lumps. Causeway reads the last two minutes of a channel again and again, as Graph shows changes late, so that its delay grows with what was said there.")
	r.note("delay: added is Causeway's percentile less the bare relay's, of the same round; from Teams it is counted from the answer of Graph that shows the message, as the wait for the next look is the same for both.")
	r.note("delay: the stand-ins and all people run in the process of the benchmark, which shares the processors with the program that is measured.")
}

func delayRound(tb harness.TB, o options, r *Report, z sizes) {
	s := newSims(tb)
	// What is said in one channel is read again for a while by whoever polls it, so each kind of load has channels of its own.
	joints := map[subject][]*joint{}
	for _, who := range []subject{causeway, bare} {
		for _, kind := range []string{"rest", "burst", "steady"} {
			joints[who] = append(joints[who], s.join(who, strings.ToLower(string(who))+"-"+kind))
		}
	}
	process := harness.StartProcess(tb, s.configure(tb, o.programs.causeway(tb), pollInterval, joints[causeway]...).command("run"))
	for i := range joints[bare] {
		delayOf(tb, o, r, z, s, i, process, joints[causeway][i], joints[bare][i])
	}
	addMemory(tb, r, partDelay, causeway, process.PID())
	for _, who := range []subject{causeway, bare} {
		var toTeams, toMattermost Counts
		for _, j := range joints[who] {
			a, b := j.count()
			toTeams, toMattermost = toTeams.plus(a), toMattermost.plus(b)
		}
		addCounts(r, partDelay, there+", all of it", who, toTeams)
		addCounts(r, partDelay, back+", all of it", who, toMattermost)
	}
	process.Stop(tb)
}

// delayOf measures one kind of load: 0 is at rest and the rate there, 1 a burst back, 2 a steady rate back.
func delayOf(tb harness.TB, o options, r *Report, z sizes, s *sims, kind int, process *harness.Process, ours, theirs *joint) {
	tb.Helper()
	relay := s.startRelay(tb, o.programs.relay(tb), theirs)
	pids := map[subject]int{causeway: process.PID(), bare: relay.PID()}
	ours.begin(tb)
	theirs.begin(tb)
	switch ways := []*joint{ours, theirs}; kind {
	case 0:
		delayAtRest(tb, r, z, s, ours, theirs)
		for _, j := range ways {
			measureCPU(tb, r, there, pids[j.who], j.there, func() {
				rate, err := sustained(tb.Context(), s.board, j.there, z)
				if err != nil {
					tb.Fatalf("%s: the rate of %s: %v", there, j.who, err)
				}
				r.add(partDelay, there+", sustained rate", "messages/s", j.who, rate)
			})
		}
		addMemory(tb, r, partDelay, bare, relay.PID())
	case 1:
		for _, j := range ways {
			measureCPU(tb, r, back+", burst", pids[j.who], j.back, func() { burstBack(tb, r, z, s, j.back) })
		}
	case 2:
		for _, j := range ways {
			measureCPU(tb, r, back+", "+number(steadyRate)+" a second", pids[j.who], j.back, func() { steadyBack(tb, r, z, s, j.back) })
		}
	}
	relay.Kill(tb)
}

func delayAtRest(tb harness.TB, r *Report, z sizes, s *sims, ours, theirs *joint) {
	tb.Helper()
	talks := []*talk{ours.back, theirs.back}
	// First, and no more than a page of Graph has: a full channel is read page by page.
	flows, err := rest(tb.Context(), s.board, talks, min(z.rest, 40), true)
	if err != nil {
		tb.Fatalf("%s: %v", back, err)
	}
	addDelays(r, partDelay, back, talks, flows, true)
	talks = []*talk{ours.there, theirs.there}
	if flows, err = rest(tb.Context(), s.board, talks, z.rest, false); err != nil {
		tb.Fatalf("%s: %v", there, err)
	}
	addDelays(r, partDelay, there, talks, flows, false)
}

// burstBack says much at once in Teams. What polling brings comes in lumps, of which nobody can say whether a backlog grows, so
// the rate is that of a burst.
func burstBack(tb harness.TB, r *Report, z sizes, s *sims, t *talk) {
	tb.Helper()
	f := sayAndWait(tb, s.board, t, 0, 0, z.burst)
	r.add(partDelay, fmt.Sprintf("%s, rate of a burst of %d", back, z.burst), "messages/s", t.who, f.burstRate())
}

// steadyRate is in messages per second; more than people say in a channel.
const steadyRate = 20.0

func steadyBack(tb harness.TB, r *Report, z sizes, s *sims, t *talk) {
	tb.Helper()
	f := sayAndWait(tb, s.board, t, steadyRate, 4*z.step, 0)
	for _, p := range []float64{50, 95, 99} {
		r.add(partDelay, fmt.Sprintf("%s, at %s a second, p%v", back, number(steadyRate), p), "ms", t.who, percentile(f.delays, p))
	}
}

func sayAndWait(tb harness.TB, b *board, t *talk, rate float64, d time.Duration, n int) *flow {
	tb.Helper()
	f := b.open()
	t.flows = append(t.flows, f)
	if _, err := load(tb.Context(), f, t, rate, d, n); err != nil {
		tb.Fatalf("%s: %v", t.who, err)
	}
	if _, err := f.await(tb.Context(), harness.Patience); err != nil {
		tb.Fatalf("%s: %v", t.who, err)
	}
	return f
}

// measureCPU notes what a process has used per message that was said meanwhile.
func measureCPU(tb harness.TB, r *Report, name string, pid int, t *talk, do func()) {
	tb.Helper()
	before, already := usedCPU(tb, pid), len(said(t))
	do()
	r.add(partDelay, name+", CPU time", "ms/message", t.who, (usedCPU(tb, pid)-before)/float64(len(said(t))-already))
}

// addDelays notes percentiles of the delay, and what Causeway adds to the bare relay's.
func addDelays(r *Report, part, name string, talks []*talk, flows []*flow, polled bool) {
	var base map[string]float64
	for _, t := range talks { // the bare relay's first
		if i := indexOf(talks, t); t.who == bare {
			base = percentiles(flows[i], polled)
		}
	}
	for i, t := range talks {
		if polled {
			r.add(part, name+", at rest with the wait for the look, median", "ms", t.who, percentile(flows[i].delays, 50))
		}
		for _, p := range []string{"median", "p95", "p99"} {
			r.add(part, fmt.Sprintf("%s, at rest, %s", name, p), "ms", t.who, percentiles(flows[i], polled)[p])
		}
	}
	for i, t := range talks {
		for _, p := range []string{"median", "p95", "p99"} {
			if t.who != bare {
				r.add(part, fmt.Sprintf("%s, added at rest, %s", name, p), "ms more", t.who, percentiles(flows[i], polled)[p]-base[p])
			}
		}
	}
}

func indexOf(talks []*talk, t *talk) int {
	for i := range talks {
		if talks[i] == t {
			return i
		}
	}
	return -1
}

func percentiles(f *flow, polled bool) map[string]float64 {
	values := f.delays
	if polled {
		values = f.polled
	}
	return map[string]float64{"median": percentile(values, 50), "p95": percentile(values, 95), "p99": percentile(values, 99)}
}

// usedCPU gives the CPU time of a process in milliseconds.
func usedCPU(tb harness.TB, pid int) float64 {
	tb.Helper()
	d, err := cpuOf(pid)
	if err != nil {
		tb.Fatalf("measuring: %v", err)
	}
	return milliseconds(d)
}

func addMemory(tb harness.TB, r *Report, part string, who subject, pid int) {
	tb.Helper()
	m, err := memoryOf(pid)
	if err != nil {
		tb.Fatalf("measuring: %v", err)
	}
	r.add(part, "resident memory after the load", "MiB", who, m.resident/mebi)
	r.add(part, "most resident memory", "MiB", who, m.peak/mebi)
}

// addCounts notes what became of messages. What goes wrong with Causeway breaks its promise.
func addCounts(r *Report, part, name string, who subject, c Counts) {
	for _, line := range []struct {
		name string
		n    int
	}{{"lost", c.Lost}, {"doubled", c.Doubled}, {"out of order", c.OutOfOrder}} {
		r.add(part, name+", "+line.name, "messages", who, float64(line.n))
	}
	if who == causeway && !c.clean() {
		r.broke("%s: %s: %v", part, name, c)
	}
}
