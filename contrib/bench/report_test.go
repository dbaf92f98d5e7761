package main

import (
	"errors"
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
	for _, c := range []struct {
		name, unit string
		of         map[subject]float64
		want       string
	}{
		{there + ", added at rest, median", "ms more", map[subject]float64{causeway: 5.5}, "missed"},
		{back + ", added at rest, median", "ms more", map[subject]float64{causeway: 4.5}, "reached"},
		{there + ", sustained rate", "messages/s", map[subject]float64{causeway: 60, bare: 100}, "reached"},
		{back + ", rate of a burst", "messages/s", map[subject]float64{causeway: 40, bare: 100}, "missed"},
		{across + ", added at rest, median", "ms more", map[subject]float64{causeway: 5, matterbridge: 1}, "missed"},
		{across + ", sustained rate", "messages/s", map[subject]float64{causeway: 120, bare: 120, matterbridge: 100}, "reached reached"},
		{across + ", sustained rate", "messages/s", map[subject]float64{causeway: 120, bare: 120, matterbridge: 0}, "reached not judged"},
		{across + ", sustained rate", "messages/s", map[subject]float64{causeway: 120}, "not judged not judged"},
		{"kill -9, lost", "messages", map[subject]float64{causeway: 0, matterbridge: 31}, "reached"},
		{"kill -9, doubled", "messages", map[subject]float64{causeway: 1, matterbridge: 0}, "missed"},
		{"kill -9, out of order", "messages", map[subject]float64{matterbridge: 0}, "not judged"},
		{"kill -9, delivered", "%", map[subject]float64{causeway: 100, matterbridge: 100}, "reached"},
		{"kill -9, delivered", "%", map[subject]float64{causeway: 99, matterbridge: 100}, "missed"},
		{"kill -9" + recovered, "s", map[subject]float64{causeway: 1, matterbridge: 2}, "reached"},
		{"kill -9" + recovered, "s", map[subject]float64{causeway: 2, matterbridge: 1}, "missed"},
		{"kill -9" + recovered, "s", map[subject]float64{causeway: 2}, "not judged"},
	} {
		var r Report
		part := partMatterbridge
		if strings.HasPrefix(c.name, there) || strings.HasPrefix(c.name, back) {
			part = partDelay
		}
		for who, value := range c.of {
			r.add(part, c.name, c.unit, who, value)
		}
		var verdicts []string
		for _, line := range r.firstMarks() {
			verdict, _, _ := strings.Cut(line, ":")
			verdicts = append(verdicts, verdict)
		}
		if got := strings.Join(verdicts, " "); got != c.want {
			t.Errorf("%s of %v: %s, want %s: %q", c.name, c.of, got, c.want, r.firstMarks())
		}
	}
}

func TestAP99IsOfAllRoundsTogether(t *testing.T) {
	var r Report
	round := func(from, base float64) map[subject][]float64 {
		delays := map[subject][]float64{}
		for n := range 100 {
			delays[causeway] = append(delays[causeway], from+float64(n))
			delays[bare] = append(delays[bare], base)
		}
		return delays
	}
	r.addRest("p", "way", round(1, 3)) // 1 … 100
	r.add("p", "another figure", "ms", causeway, 1)
	if _, ok := r.value("p", "way, at rest, p99", causeway); ok || len(r.rows()) != 5 {
		t.Errorf("a p99 of 100 delays: %q", r.rows())
	}
	r.addRest("p", "way", round(101, 5)) // 101 … 200
	want := map[string]float64{
		"way, at rest, median": 100, "way, at rest, p95": 145, "way, at rest, p99": 198,
		"way, added at rest, median": 96, "way, added at rest, p95": 141, "way, added at rest, p99": 193,
	}
	for name, want := range want {
		if got, ok := r.value("p", name, causeway); !ok || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got, ok := r.ratio("p", "way, at rest, p99", bare); !ok || got != 198.0/5 {
		t.Errorf("ratio %v", got)
	}
	// In the table it stands with its like, although it came later.
	if rows := r.rows(); len(rows) != 7 || rows[2][1] != "way, at rest, p99" || rows[2][3] != "198" || rows[6][1] != "another figure" {
		t.Errorf("%q", rows)
	}
}

func TestThePageBeginsWithRatiosAndMarks(t *testing.T) {
	var r Report
	for _, round := range [][2]float64{{60, 100}, {90, 100}, {80, 100}} {
		r.add(partDelay, there+", sustained rate", "messages/s", causeway, round[0])
		r.add(partDelay, there+", sustained rate", "messages/s", bare, round[1])
	}
	r.add(partStart, "size of the program", "MiB", causeway, 70)
	page, at := r.page(), 0
	for _, want := range []string{
		"## Ratios", "| delay | " + there + ", sustained rate | × 0.8 (0.6–0.9) |  |", "## First marks", "* reached: rate at least half",
		"## delay", "| 80 (60–90) | 100 |", "## start", "| size of the program | MiB | 70 |",
	} {
		found := strings.Index(page[at:], want)
		if found < 0 {
			t.Fatalf("%q is not in its place:\n%s", want, page)
		}
		at += found
	}
	if n := strings.Count(page, "size of the program"); n != 1 {
		t.Errorf("what has no ratio stands there %d times", n)
	}
}

func TestSourcesWithoutGitHaveAnUnknownVersion(t *testing.T) {
	if got := causewayVersion(t.Context(), t.TempDir()); got != "unknown version" {
		t.Errorf("%q", got)
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
		err := errors.Join(publish(&r, strings.TrimSuffix(results, ".md")+".json", results), promise(r.Broken))
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
