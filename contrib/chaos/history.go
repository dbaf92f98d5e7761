package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// keep writes down the history of a run that failed: the plan, for -replay, what happened when, what is wrong, or was last, what both sides show,
// and what the programs logged.
func (w *world) keep(r *Result) {
	if w.o.keep == "" {
		return
	}
	dir := filepath.Join(w.o.keep, r.name())
	err := os.MkdirAll(dir, 0o755)
	if err != nil {
		w.tb.Errorf("keeping the history: %v", err)
		return
	}
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			w.tb.Errorf("keeping the history: %v", err)
		}
	}
	write("plan.json", asJSON(r.Plan))
	w.mu.Lock()
	write("journal.txt", []byte(strings.Join(w.journal, "\n")+"\n"))
	w.mu.Unlock()
	write("wrong.txt", []byte(strings.Join(append(r.wrong, "last: "+r.last), "\n")+"\n"))
	write("expected.json", asJSON(w.ledger.expected()))
	if seen, err := w.look(w.tb.Context()); err == nil {
		write("seen.json", asJSON(seen))
	}
	write("mattermost.log", []byte(w.servers.mattermost.Log().String()))
	for name, text := range w.logs() {
		write(name, []byte(text))
	}
	w.tb.Logf("the history is in %s; again: -replay %s", dir, dir)
}

// name tells results apart.
func (r *Result) name() string {
	name := fmt.Sprintf("seed-%d-%s-%ds", r.Plan.Seed, r.Plan.Store, r.Plan.Seconds)
	if r.Plan.Instances > 1 {
		name += fmt.Sprintf("-%d-instances", r.Plan.Instances)
	}
	return name
}

func asJSON(v any) []byte {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic("keeping the history: " + err.Error()) // plain structs can be encoded
	}
	return append(text, '\n')
}
