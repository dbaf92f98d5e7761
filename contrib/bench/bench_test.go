package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test program be the child that measures the store.
func TestMain(m *testing.M) {
	if child(os.Args[1:]) {
		return
	}
	os.Exit(m.Run())
}

// TestAQuickRunMeasuresEverything runs all parts on everything that they need: stand-ins, a real Mattermost server, Matterbridge.
// What it measures means nothing; that Causeway loses, doubles and reorders nothing does.
func TestAQuickRunMeasuresEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	t.Chdir(".") // bench goes elsewhere, and the next test must find itself here
	jsonTo, results := filepath.Join(t.TempDir(), "results.json"), filepath.Join(t.TempDir(), "RESULTS.md")
	if err := bench(t.Context(), []string{"-quick", "-json", jsonTo, "-results", results}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(jsonTo)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		part, name string
		of         []subject
	}{
		{partText, "28 KB table, " + back + ", allocations", []subject{causeway}},
		{partFiles, there + ", 64 MiB", []subject{causeway, bare}},
		{partFiles, back + ", 64 MiB", []subject{causeway, bare}},
		{partStore, "1 gateway, rate", []subject{causeway, bare}},
		{partStore, "10 gateways, CPU time", []subject{causeway, bare}},
		{partStore, "1 gateway, messages in the time of one fsync", []subject{causeway}},
		{partStore, "1 gateway, commits", []subject{causeway}},
		{partEngines, there + ", rate of a burst, SQLite", []subject{causeway, bare}},
		{partEngines, there + ", rate of a burst, PostgreSQL, 3 instances", []subject{causeway, bare}},
		{partDelay, there + ", at rest, p95", []subject{causeway, bare}},
		{partDelay, back + ", added at rest, median", []subject{causeway}},
		{partDelay, back + ", rate of a burst", []subject{causeway, bare}},
		{partMatterbridge, "CPU time of 1,000 messages said, at 20 a second", []subject{causeway, bare, matterbridge}},
		{partDelay, back + ", at 20 a second, p95", []subject{causeway, bare}},
		{partNotify, back + ", at rest, p95", []subject{causeway}},
		{partNotify, accepted + atOnce(1) + whileUp, []subject{causeway}},
		{partNotify, accepted + atOnce(postsAtOnce) + whileDown, []subject{causeway}},
		{partNotify, "CPU time to accept one" + atOnce(postsAtOnce), []subject{causeway}},
		{partNotify, idleFigure{rich: true, channels: 1}.name(), []subject{causeway}},
		{partNotify, idleFigure{channels: 20, counted: true}.name(), []subject{causeway}},
		{partMatterbridge, across + ", at rest, median", []subject{causeway, bare, matterbridge}},
		{partMatterbridge, across + ", added at rest, p95", []subject{causeway, matterbridge}},
		{partMatterbridge, "at 20 a second, lost", []subject{causeway, bare, matterbridge}},
		{partMatterbridge, "resident memory after the load", []subject{causeway, bare, matterbridge}},
		{partMatterbridge, "kill -9, lost", []subject{causeway, matterbridge}},
		{partMatterbridge, "websocket cut, delivered", []subject{causeway, matterbridge}},
		{partStart, "1 gateway, until the first message has crossed", []subject{causeway}},
		{partStart, "1 gateway and 2000 mapped messages, resident memory", []subject{causeway}},
		{partStart, "size of the program", []subject{causeway}},
	} {
		for _, who := range want.of {
			if _, ok := r.value(want.part, want.name, who); !ok {
				t.Errorf("%s: %s: of %s nothing was measured", want.part, want.name, who)
			}
		}
	}
	for _, f := range r.Figures {
		if ours, ok := f.Of[causeway]; ok && f.Unit == "messages" && ours.Max > 0 {
			t.Errorf("%s: %s: %v", f.Part, f.Name, ours)
		}
	}
	for name, want := range map[string]float64{perRead: 0, perSent: 1} {
		if got, ok := r.value(partNotify, name, causeway); !ok || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	page, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append(partNames(), "Matterbridge v1.26.0", r.Runs[0].Machine.Kernel, "go run . -quick") {
		if !strings.Contains(string(page), want) {
			t.Errorf("RESULTS.md does not say %q", want)
		}
	}
	if host, err := os.Hostname(); err == nil && slices.Contains(strings.Fields(string(page)), host) {
		t.Errorf("RESULTS.md names this machine: %s", host)
	}
}

func TestFlagsThatMeanNothing(t *testing.T) {
	for _, args := range [][]string{{"-parts", "store,nonsense"}, {"-rounds", "0"}, {"-nonsense"}} {
		if err := bench(t.Context(), args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
