package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"causeway/contrib/e2e/harness"
)

const partStart = "start"

// hurriedPollInterval is for getting ready: at the pace that Graph allows, a thousand channels of one team take minutes to begin.
const hurriedPollInterval = 10 * time.Millisecond

// startSizes say how much is measured.
type startSizes struct {
	rounds   int
	gateways []int
	messages int           // how many mapped messages the full store has
	people   int           // how many are connected in the store with people
	burst    int           // how many messages are said at once when Causeway has started
	calm     time.Duration // until memory is looked at, after the first message has crossed
	build    bool          // whether builds are timed
}

// start measures Causeway's start, memory, size and building.
func start(tb harness.TB, o options, r *Report) {
	z := startSizes{rounds: o.rounds, gateways: []int{1, 100, 1000}, messages: 5_000_000, people: 2000, burst: 500, calm: 3 * time.Second, build: true}
	if o.quick {
		z = startSizes{rounds: 1, gateways: []int{1, 5}, messages: 2000, people: 20, burst: 20, calm: 100 * time.Millisecond}
	}
	var places []*startPlace
	for _, n := range z.gateways {
		places = append(places, newStartPlace(tb, o, number(float64(n))+plural(" gateway", n), n))
	}
	tb.Logf("filling a store with %d messages", z.messages)
	full := newStartPlace(tb, o, fmt.Sprintf("1 gateway and %d mapped messages", z.messages), 1)
	fillStore(tb, filepath.Join(full.at.dir, "causeway.db"), z.messages)
	tb.Logf("filling a store with %d people", z.people)
	crowded := newStartPlace(tb, o, fmt.Sprintf("1 gateway and %d connected people", z.people), 1)
	fillPeople(tb, crowded.at.dir, crowded.sims.crowd(z.people))
	places = append(places, full, crowded)
	for round := range z.rounds {
		tb.Logf("start, round %d of %d", round+1, z.rounds)
		for _, p := range places {
			p.measure(tb, r, z)
		}
	}
	r.add(partStart, "size of the program", "MiB", causeway, fileSize(tb, o.programs.causeway(tb))/mebi)
	r.add(partStart, "size of the store", "MiB per million mapped messages", causeway,
		fileSize(tb, filepath.Join(full.at.dir, "causeway.db"))/mebi/float64(z.messages)*1e6)
	if z.build {
		builds(tb, o, r, z.rounds)
	}
	r.note("start: there is nothing to measure with 0 gateways, as Causeway refuses to run without one; the least is 1. Gateways join a channel of either stand-in; polling has its defaults.")
	r.note("start: the first message was said while Causeway was down, so that it is caught up with; what was started for the first time before the measurement has found all its channels.")
	r.note("start: then %d messages are said at once in one channel: so it can be seen whether Causeway is as fast with much behind it as with nothing.", z.burst)
	r.note("start: resident memory is read %v after that message has crossed.", z.calm)
}

func plural(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// startPlace is a Causeway with its stand-ins and a store in which every channel has begun.
type startPlace struct {
	name    string
	sims    *sims
	first   *joint
	at      *causewayAt
	process *harness.Process
}

// newStartPlace lets all channels begin, hurriedly.
func newStartPlace(tb harness.TB, o options, name string, gateways int) *startPlace {
	tb.Helper()
	tb.Logf("beginning with %s", name)
	s := newSims(tb)
	var joints []*joint
	for n := range gateways {
		joints = append(joints, s.join(causeway, fmt.Sprint("room", n)))
	}
	p := &startPlace{name: name, sims: s, first: joints[0], at: s.configure(tb, o.programs.causeway(tb), hurriedPollInterval, joints...)}
	p.process = harness.StartProcess(tb, p.at.command("run"))
	for _, j := range []*joint{joints[0], joints[len(joints)-1]} {
		begin(tb, s.board, j.there, name)
	}
	p.process.Stop(tb)
	p.at.poll(tb, usualPollInterval)
	return p
}

// measure starts Causeway once more.
func (p *startPlace) measure(tb harness.TB, r *Report, z startSizes) {
	tb.Helper()
	f := p.sims.board.open()
	m := mark{f.series, 0, 0}
	f.say(m)
	if err := p.first.there.say(tb.Context(), 0, m.text()); err != nil {
		tb.Fatalf("saying something: %v", err)
	}
	p.first.there.flows = append(p.first.there.flows, f)
	tokens := p.sims.tokens.Load()
	began := time.Now()
	p.process.Start(tb)
	took, err := healthy(tb.Context(), began, p.at.health, p.process.Exited())
	if err != nil {
		tb.Fatalf("%s: %v", p.name, err)
	}
	if there, err := f.await(tb.Context(), harness.Patience); err != nil || !there {
		tb.Fatalf("%s: the first message has not crossed: %v", p.name, err)
	}
	f.mu.Lock()
	crossed := f.last.Sub(began)
	f.mu.Unlock()
	if err := pause(tb.Context(), z.calm); err != nil {
		tb.Fatalf("waiting: %v", err)
	}
	usage, err := memoryOf(p.process.PID())
	if err != nil {
		tb.Fatalf("measuring: %v", err)
	}
	cpu := usedCPU(tb, p.process.PID())
	rate := sayAndWait(tb, p.sims.board, p.first.there, 0, 0, z.burst).burstRate()
	busy := usedCPU(tb, p.process.PID()) - cpu
	if code := p.process.Stop(tb); code != 0 {
		tb.Fatalf("%s: stopping: exit code %d", p.name, code)
	}
	r.add(partStart, p.name+", until /healthz answers", "ms", causeway, milliseconds(took))
	r.add(partStart, p.name+", until the first message has crossed", "ms", causeway, milliseconds(crossed))
	r.add(partStart, p.name+", CPU time until then and "+z.calm.String()+" more", "ms", causeway, cpu)
	r.add(partStart, p.name+", tokens asked for until then", "requests", causeway, float64(p.sims.tokens.Load()-tokens))
	r.add(partStart, p.name+", rate of a burst then, Mattermost → Teams", "messages/s", causeway, rate)
	r.add(partStart, p.name+", CPU time of that", "ms/message", causeway, busy/float64(z.burst))
	r.add(partStart, p.name+", resident memory", "MiB", causeway, usage.resident/mebi)
	r.add(partStart, p.name+", most resident memory", "MiB", causeway, usage.peak/mebi)
	if there, _ := p.first.count(); !there.clean() {
		r.broke("start: %s: %v", p.name, there)
	}
}

// healthy asks until there is an answer, and gives the time since the process began.
func healthy(ctx context.Context, began time.Time, url string, ended <-chan struct{}) (time.Duration, error) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return 0, fmt.Errorf("asking %s: %w", url, err)
		}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode < http.StatusBadRequest {
				return time.Since(began), nil
			}
		}
		select {
		case <-ended:
			return 0, fmt.Errorf("the process has ended without answering %s", url)
		default:
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return 0, err
		}
		if time.Since(began) > harness.Patience {
			return 0, fmt.Errorf("%s does not answer", url)
		}
	}
}

func fileSize(tb harness.TB, path string) float64 {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatalf("measuring: %v", err)
	}
	return float64(info.Size())
}
