package main

import (
	"math/rand/v2"
	"syscall"
	"time"
)

// processFaults are what happens to Causeway itself.
var processFaults = []*kind{
	{name: "kill -9", group: ofProcess, downs: true, least: 0, most: 2500,
		begin: func(w *world, f Fault) { w.victim(f).Kill(w.tb) }, end: restarted},
	{name: "stop", group: ofProcess, downs: true, least: 0, most: 2000, begin: stopped, end: restarted},
	{name: "pause", group: ofProcess, least: 500, most: 8000,
		begin: func(w *world, f Fault) { w.victim(f).Signal(w.tb, syscall.SIGSTOP) },
		end:   func(w *world, f Fault) { w.victim(f).Signal(w.tb, syscall.SIGCONT) }},
	{name: "frozen until another has taken over", group: ofProcess, least: 7000, most: 10000, needs: "several",
		begin: func(w *world, f Fault) { w.victim(f).Signal(w.tb, syscall.SIGSTOP) },
		end:   func(w *world, f Fault) { w.victim(f).Signal(w.tb, syscall.SIGCONT) }},
	{name: "clock an hour ahead", group: ofProcess, least: 1000, most: 8000, needs: "clock",
		begin: func(w *world, f Fault) { w.shift(f, time.Hour) }, end: func(w *world, f Fault) { w.shift(f, 0) }},
	{name: "clock an hour behind", group: ofProcess, least: 1000, most: 8000, needs: "clock",
		begin: func(w *world, f Fault) { w.shift(f, -time.Hour) }, end: func(w *world, f Fault) { w.shift(f, 0) }},
	{name: "reloads", group: ofProcess, least: 1000, most: 5000, begin: reloads},
}

func stopped(w *world, f Fault) {
	// A stop is bounded: what a service has not answered by then is looked for at the next start.
	if code := w.victim(f).Stop(w.tb); code != 0 && !w.victim(f).said("stopping: not done after") {
		w.note("Causeway ended with exit code %d", code)
		w.counts.misbehaved++
	}
}

func restarted(w *world, f Fault) { w.victim(f).Start(w.tb) }

// shift sets the clock of an instance. One that has been started anew has the right time.
func (w *world) shift(f Fault, by time.Duration) {
	i := w.victim(f)
	if !i.Running() {
		return
	}
	if i.clock == nil || i.clock.pid != i.PID() {
		if by == 0 {
			return
		}
		var err error
		if i.clock, err = newJumper(i.PID()); err != nil {
			w.tb.Fatalf("%v", err)
		}
	}
	if err := i.clock.jumps(by); err != nil && i.Running() {
		w.tb.Fatalf("setting the clock of Causeway: %v", err)
	}
}

// reloads changes the config again and again: an account, the other, both, a gateway that has nothing to do with people, or nothing. It goes on by itself.
func reloads(w *world, f Fault) {
	dice := rand.New(rand.NewPCG(f.Salt, 1))
	ended := time.Now().Add(time.Duration(f.For) * time.Millisecond)
	for time.Now().Before(ended) && w.tb.Context().Err() == nil {
		w.writeConfig(dice.IntN(120))
		w.victim(f).Signal(w.tb, syscall.SIGHUP)
		w.counts.reloads++
		w.sleep(time.Duration(20+dice.IntN(200)) * time.Millisecond)
	}
}
