package main

import (
	"bytes"
	"os"
	"path/filepath"
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
	return sizes{rounds: o.rounds, rest: 100, burst: 200, step: step, tries: rateTries}
}

// delay measures both ways between the stand-ins. Each round is a world of its own, since stand-ins and stores fill.
func delay(tb harness.TB, o options, r *Report) {
	z := delaySizes(o)
	for round := range z.rounds {
		delayRound(tb, o, r, z, round)
	}
	r.note("delay: the bare relay is contrib/bench/relay, a program of %d lines.", linesOf(tb, filepath.Join(o.paths.bench, "relay", "main.go")))
	r.note("delay: Causeway runs with LogLevel info and PostInterval %v, so that Graph's pace of one post a second is not what is measured; both programs read Teams every %v.", postInterval, pollInterval)
	r.note("delay: Graph lets an app read a channel once a second, page by page as well. Both programs keep to that, with %v in the place of the second: a burst of %d messages from Teams, of which a page has 50, is for the most part waiting for the next page, so that its rate is that of reading and its CPU time tells what Causeway costs.", pollInterval, z.burst)
	r.note("delay: from Teams, messages are said in a burst, and others at a steady rate; polling brings them in lumps. Causeway reads the last two minutes of a channel again and again, as Graph shows changes late, so that its delay grows with what was said there.")
	r.note("delay: added is Causeway's percentile less the bare relay's, of the same round, or of all rounds where it is a p99; from Teams it is counted from the answer of Graph that shows the message, as the wait for the next look is the same for both.")
	r.note("delay: the stand-ins and all people run in the process of the benchmark, which shares the processors with the program that is measured.")
}

// delayKinds are the kinds of load, each in channels of its own: what is said in one is read again for a while by whoever polls it.
var delayKinds = []string{"rest", "burst", "steady"}

func delayRound(tb harness.TB, o options, r *Report, z sizes, round int) {
	s := newSims(tb)
	joints := map[subject][]*joint{}
	for _, who := range []subject{causeway, bare} {
		for _, kind := range delayKinds {
			joints[who] = append(joints[who], s.join(who, strings.ToLower(string(who))+"-"+kind))
		}
	}
	process := harness.StartProcess(tb, s.configure(tb, o.programs.causeway(tb), pollInterval, joints[causeway]...).command("run"))
	polled := map[subject][]float64{}
	for i, kind := range delayKinds {
		tb.Logf("delay, round %d of %d: %s", round+1, z.rounds, kind)
		relay := s.startRelay(tb, o.programs.relay(tb), joints[bare][i])
		processes := map[subject]*harness.Process{causeway: process, bare: relay}
		ways := []*joint{joints[causeway][i], joints[bare][i]}
		for _, j := range ways {
			j.begin(tb)
		}
		restBack(tb, r, z, s, ways, polled)
		delayOf(tb, r, z, s, kind, processes, rotated(ways, round))
		relay.Kill(tb)
	}
	r.addRest(partDelay, back, polled)
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

// delayOf measures one kind of load.
func delayOf(tb harness.TB, r *Report, z sizes, s *sims, kind string, processes map[subject]*harness.Process, ways []*joint) {
	tb.Helper()
	if kind == "rest" {
		restThere(tb, r, z, s, ways)
	}
	for _, j := range ways {
		process := processes[j.who]
		switch kind {
		case "rest":
			measureCPU(tb, r, there+", burst", process.PID(), j.there, func() { sayAndWait(tb, s.board, j.there, 0, 0, z.burst) })
			rateThere(tb, r, z, s, j, process)
			if j.who == bare { // Causeway's memory is looked at in the end
				addMemory(tb, r, partDelay, bare, process.PID())
			}
		case "burst":
			measureCPU(tb, r, back+", burst", process.PID(), j.back, func() { burstBack(tb, r, z, s, j.back) })
		case "steady":
			measureCPU(tb, r, back+", "+number(steadyRate)+" a second", process.PID(), j.back, func() { steadyBack(tb, r, z, s, j.back) })
		}
	}
}

// restBack measures at rest from Teams, and no more than a page of Graph has: a full channel is read page by page. What it finds, counted
// from the answer that shows a message, is added to polled.
func restBack(tb harness.TB, r *Report, z sizes, s *sims, ways []*joint, polled map[subject][]float64) {
	tb.Helper()
	var talks []*talk
	for _, j := range ways {
		talks = append(talks, j.back)
	}
	flows, err := rest(tb.Context(), s.board, talks, min(z.rest, 40), true)
	if err != nil {
		tb.Fatalf("%s: %v", back, err)
	}
	for i, t := range talks {
		r.add(partDelay, back+", at rest with the wait for the look, median", "ms", t.who, percentile(flows[i].delays, 50))
		polled[t.who] = append(polled[t.who], flows[i].polled...)
	}
}

func restThere(tb harness.TB, r *Report, z sizes, s *sims, ways []*joint) {
	tb.Helper()
	var talks []*talk
	for _, j := range ways {
		talks = append(talks, j.there)
	}
	flows, err := rest(tb.Context(), s.board, talks, z.rest, false)
	if err != nil {
		tb.Fatalf("%s: %v", there, err)
	}
	delays := map[subject][]float64{}
	for i, t := range talks {
		delays[t.who] = flows[i].delays
	}
	r.addRest(partDelay, there, delays)
}

// rateThere starts the bare relay again when it has ended with its websocket: Mattermost closes that of a program for which more than
// 256 events wait.
func rateThere(tb harness.TB, r *Report, z sizes, s *sims, j *joint, process *harness.Process) {
	tb.Helper()
	rate, err := sustained(tb.Context(), s.board, j.there, z, func(lost bool) {
		ended := !process.Running()
		if ended && j.who == bare {
			process.Start(tb)
			process.WaitForLine(tb, "running")
		}
		if ended || lost {
			j.begin(tb)
		}
	})
	if err != nil {
		tb.Fatalf("%s: the rate of %s: %v", there, j.who, err)
	}
	r.add(partDelay, there+", sustained rate", "messages/s", j.who, rate)
}

// burstBack says much at once in Teams. What polling brings comes in lumps, of which nobody can say whether a backlog grows, so
// the rate is that of a burst.
func burstBack(tb harness.TB, r *Report, z sizes, s *sims, t *talk) {
	tb.Helper()
	f := sayAndWait(tb, s.board, t, 0, 0, z.burst)
	r.add(partDelay, back+", rate of a burst", "messages/s", t.who, f.burstRate())
}

// steadyRate is in messages per second; more than people say in a channel.
const steadyRate = 20.0

func steadyBack(tb harness.TB, r *Report, z sizes, s *sims, t *talk) {
	tb.Helper()
	f := sayAndWait(tb, s.board, t, steadyRate, 3*z.step, 0)
	r.addDelays(partDelay, back+", at "+number(steadyRate)+" a second", t.who, f.delays)
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

// usedCPU gives the CPU time of a process in milliseconds.
func usedCPU(tb harness.TB, pid int) float64 {
	tb.Helper()
	d, err := cpuOf(pid)
	if err != nil {
		tb.Fatalf("measuring: %v", err)
	}
	return milliseconds(d)
}

func linesOf(tb harness.TB, path string) int {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatalf("counting lines: %v", err)
	}
	return bytes.Count(text, []byte("\n"))
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
