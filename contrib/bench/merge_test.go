package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPartsThatAreMeasuredAnewReplaceTheirOwn: what an earlier run has found of other parts stays, with how it was found.
func TestPartsThatAreMeasuredAnewReplaceTheirOwn(t *testing.T) {
	before := &Report{Runs: []Run{{Parts: []string{partStore, partDelay}, Command: "first"}, {Parts: []string{partStart}, Command: "second"}}}
	before.add(partStart, "size", "MiB", causeway, 3)
	before.add(partStore, "rate", "messages/s", causeway, 1)
	before.add(partDelay, "rate", "messages/s", causeway, 2)
	before.note("store: as before")
	before.note("delay: as before")
	before.broke("delay: lost")
	path := filepath.Join(t.TempDir(), "results.json")
	if err := before.save(path); err != nil {
		t.Fatal(err)
	}
	stored, err := readReport(path)
	if err != nil {
		t.Fatal(err)
	}
	now := &Report{Runs: []Run{{Parts: []string{partText, partDelay}, Command: "third"}}}
	now.add(partText, "table", "conversions/s", causeway, 5)
	now.add(partDelay, "rate", "messages/s", causeway, 4)
	now.note("delay: as now")
	now.merge(stored)
	var rows []string
	for _, row := range now.rows() {
		rows = append(rows, strings.Join(row[:4], " "))
	}
	if diff := cmp.Diff([]string{"text table conversions/s 5", "store rate messages/s 1", "delay rate messages/s 4", "start size MiB 3"}, rows); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"store: as before", "delay: as now"}, now.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if len(now.Broken) != 0 {
		t.Errorf("a promise that was broken in a part that is replaced: %q", now.Broken)
	}
	want := []Run{{Parts: []string{partStore}, Command: "first"}, {Parts: []string{partStart}, Command: "second"}, {Parts: []string{partText, partDelay}, Command: "third"}}
	if diff := cmp.Diff(want, now.Runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if none, err := readReport(path + ".none"); err != nil || len(none.Figures) > 0 {
		t.Errorf("without results of before: %+v, %v", none, err)
	}
}
