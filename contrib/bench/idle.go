package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"causeway/contrib/e2e/harness"
)

// idleTest measures in fake time, which only tests have, and gives its figures as attributes.
const idleTest = "TestIdleCalls"

// idleFigure is one of them.
type idleFigure struct {
	rich     bool
	channels int
	counted  bool // each read of a batch counts
	perHour  float64
}

func (f idleFigure) name() string {
	name := "poll"
	if f.rich {
		name = "rich"
	}
	name = fmt.Sprintf("idle, %s, %d%s", name, f.channels, plural(" channel", f.channels))
	if f.counted {
		name += ", each read of a batch counted"
	}
	return name
}

// idle has the test run and takes its figures over.
func idle(tb harness.TB, o options, r *Report) {
	tb.Helper()
	output, err := run(tb.Context(), o.paths.product, "go", "test", "-json", "-count=1", "-timeout=5m", "-run=^"+idleTest+"$", "./bridge/msteams")
	if err != nil {
		tb.Fatalf("counting idle calls: %v\n%s", err, output)
	}
	figures, err := idleFigures(output)
	if err != nil {
		tb.Fatalf("counting idle calls: %v", err)
	}
	for _, f := range figures {
		single := f
		single.counted = false
		if f.counted && slices.Contains(figures, single) { // no batches: the same once more
			continue
		}
		r.add(partNotify, f.name(), "calls/hour and channel", causeway, f.perHour)
	}
}

var idleName = regexp.MustCompile(`^` + idleTest + `/(rich|poll)_([0-9]+)$`)

// idleFigures reads the output of go test -json (go doc test2json).
func idleFigures(output string) ([]idleFigure, error) {
	var all []idleFigure
	for line := range strings.Lines(output) {
		var event struct{ Action, Test, Key, Value string }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return nil, fmt.Errorf("reading the test's output: %w", err)
		}
		found := idleName.FindStringSubmatch(event.Test)
		if event.Action != "attr" || found == nil {
			continue
		}
		channels, err := strconv.Atoi(found[2])
		if err != nil {
			return nil, fmt.Errorf("reading the test's name: %w", err)
		}
		perHour, err := strconv.ParseFloat(event.Value, 64)
		if err != nil {
			return nil, fmt.Errorf("reading the test's figures: %w", err)
		}
		all = append(all, idleFigure{rich: found[1] == "rich", channels: channels, counted: event.Key == "counted", perHour: perHour})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the test %s gives no figures", idleTest)
	}
	return all, nil
}
