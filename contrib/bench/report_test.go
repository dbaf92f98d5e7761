package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheTableComparesRoundByRound(t *testing.T) {
	var r Report
	for _, round := range [][2]float64{{10, 20}, {30, 40}, {5, 20}} {
		r.add("p", "rate", "messages/s", causeway, round[0])
		r.add("p", "rate", "messages/s", bare, round[1])
	}
	r.add("p", "lost", "messages", causeway, 0)
	r.add("p", "lost", "messages", matterbridge, 31)
	got := r.rows()
	want := [][]string{
		{"p", "rate", "messages/s", "10 (5–30)", "20 (20–40)", "", "× 0.5 (0.25–0.75)", ""},
		{"p", "lost", "messages", "0", "", "31", "", ""},
	}
	for i := range want {
		if i >= len(got) || strings.Join(got[i], "|") != strings.Join(want[i], "|") {
			t.Errorf("row %d: %q, want %q", i, got, want[i])
		}
	}
}

func TestWhatWasNotMeasuredIsLeftOut(t *testing.T) {
	var r Report
	r.add("p", "delay", "ms", causeway, math.NaN())
	r.add("p", "delay", "ms", causeway, math.Inf(1))
	if len(r.Figures) != 0 {
		t.Errorf("%+v", r.Figures)
	}
	if got := r.firstMarks(); len(got) != 0 {
		t.Errorf("judged without a measurement: %q", got)
	}
}

func TestFirstMarks(t *testing.T) {
	var r Report
	r.add(partDelay, there+", added at rest, median", "ms more", causeway, 5.5)
	r.add(partDelay, there+", sustained rate", "messages/s", causeway, 60)
	r.add(partDelay, there+", sustained rate", "messages/s", bare, 100)
	r.add(partMatterbridge, "kill -9, lost", "messages", causeway, 0)
	r.add(partMatterbridge, "kill -9, lost", "messages", matterbridge, 31)
	r.add(partMatterbridge, "kill -9, doubled", "messages", causeway, 1)
	r.add(partMatterbridge, "kill -9, doubled", "messages", matterbridge, 0)
	var verdicts []string
	for _, line := range r.firstMarks() {
		verdict, _, _ := strings.Cut(line, ":")
		verdicts = append(verdicts, verdict)
	}
	if got, want := strings.Join(verdicts, " "), "missed reached reached missed"; got != want {
		t.Errorf("%s, want %s: %q", got, want, r.firstMarks())
	}
}

func TestABrokenPromiseEndsTheRun(t *testing.T) {
	for _, c := range []struct {
		who    subject
		counts Counts
		broken bool
	}{
		{causeway, Counts{Said: 9, Delivered: 9}, false},
		{matterbridge, Counts{Said: 9, Delivered: 1, Lost: 8}, false},
		{causeway, Counts{Said: 9, Delivered: 8, Lost: 1}, true},
		{causeway, Counts{Said: 9, Delivered: 9, Doubled: 1}, true},
		{causeway, Counts{Said: 9, Delivered: 9, OutOfOrder: 1}, true},
	} {
		var r Report
		addCounts(&r, "p", "a load", c.who, c.counts)
		results := filepath.Join(t.TempDir(), "RESULTS.md")
		err := publish(&r, "", results)
		if (err != nil) != c.broken {
			t.Errorf("%s, %v: error %v", c.who, c.counts, err)
		}
		page, err := os.ReadFile(results)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(page), "broken its promise") != c.broken {
			t.Errorf("%s, %v:\n%s", c.who, c.counts, page)
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 3: "3", 1234.5: "1234", 99.95: "100.0", 12.345: "12.3", 1.2345: "1.23", 0.012345: "0.0123", -2.5: "-2.50"} {
		if got := number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}
