package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A subject is a program that is measured.
type subject string

const (
	causeway     subject = "Causeway"
	bare         subject = "bare"
	matterbridge subject = "Matterbridge"
)

// Figure is one line of the table: what was measured of one or more subjects.
type Figure struct {
	Part string `json:"part"`
	Name string `json:"figure"`
	Unit string `json:"unit"`
	// Of are the summaries by subject.
	Of map[subject]Summary `json:"of"`
	// Ratio is Causeway's value divided by that of the partner, made round by round.
	Ratio map[subject]Summary `json:"ratio,omitempty"`
}

// Report collects figures; the zero value is ready.
type Report struct {
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Command  string            `json:"command"`
	Figures  []Figure          `json:"figures"`
	// Notes say how figures are to be read.
	Notes []string `json:"notes"`
	// Broken are promises that Causeway has not kept.
	Broken []string `json:"broken,omitempty"`
}

// noRatio are the units of figures whose quotient says nothing: counts of what went wrong, and differences.
var noRatio = map[string]bool{"messages": true, "ms more": true}

// add notes the value of one round. Values of a figure and subject come in the order of the rounds; one that is not a number
// was not measured and is left out.
func (r *Report) add(part, name, unit string, of subject, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Part == part && f.Name == name })
	if i < 0 {
		i = len(r.Figures)
		r.Figures = append(r.Figures, Figure{Part: part, Name: name, Unit: unit, Of: map[subject]Summary{}})
	}
	f := &r.Figures[i]
	f.Of[of] = summarise(append(f.Of[of].Rounds, value))
	f.Ratio = nil
	if noRatio[f.Unit] {
		return
	}
	for partner, theirs := range f.Of {
		if all := ratios(f.Of[causeway].Rounds, theirs.Rounds); partner != causeway && all != nil {
			if f.Ratio == nil {
				f.Ratio = map[subject]Summary{}
			}
			f.Ratio[partner] = summarise(all)
		}
	}
}

// value gives the median of a figure, and whether it was measured.
func (r *Report) value(part, name string, of subject) (float64, bool) {
	i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Part == part && f.Name == name })
	if i < 0 {
		return 0, false
	}
	s, ok := r.Figures[i].Of[of]
	return s.Median, ok
}

// ratio gives the median ratio of a figure to a partner's.
func (r *Report) ratio(part, name string, to subject) (float64, bool) {
	i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Part == part && f.Name == name })
	if i < 0 {
		return 0, false
	}
	s, ok := r.Figures[i].Ratio[to]
	return s.Median, ok
}

// note adds an explanation, once.
func (r *Report) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// broke notes a promise that was not kept.
func (r *Report) broke(format string, args ...any) {
	r.Broken = append(r.Broken, fmt.Sprintf(format, args...))
}

var columns = []string{"part", "figure", "unit", string(causeway), string(bare), string(matterbridge), "to bare", "to Matterbridge"}

// rows gives the table, without its head.
func (r *Report) rows() [][]string {
	var rows [][]string
	for _, f := range r.Figures {
		row := []string{f.Part, f.Name, f.Unit, cell(f.Of, causeway), cell(f.Of, bare), cell(f.Of, matterbridge)}
		for _, partner := range []subject{bare, matterbridge} {
			text := cell(f.Ratio, partner)
			if text != "" {
				text = "× " + text
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return rows
}

func cell(of map[subject]Summary, who subject) string {
	s, ok := of[who]
	switch {
	case !ok:
		return ""
	case len(s.Rounds) == 1 || s.Min == s.Max:
		return number(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median), number(s.Min), number(s.Max))
}

// number shows three digits that count, and whole numbers wholly.
func number(v float64) string {
	switch size := math.Abs(v); {
	case size >= 100 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case size >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// print writes the table as text.
func (r *Report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(columns, "\t"))
	for _, row := range r.rows() {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	fmt.Fprintln(w, "\nmedian (least–greatest) of the rounds; × is Causeway's value divided by the partner's, round by round")
	for _, note := range r.Notes {
		fmt.Fprintln(w, "  "+note)
	}
	return nil
}

// save writes the report as JSON.
func (r *Report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

// marksOf compares the report with the first marks that Causeway is to reach. What was not measured is not judged.
func (r *Report) firstMarks() []string {
	var all []string
	judge := func(text string, got float64, measured, reached bool, unit string) {
		if measured {
			all = append(all, fmt.Sprintf("%s: %s (%s%s)", cmp.Or(map[bool]string{true: "reached"}[reached], "missed"), text, number(got), unit))
		}
	}
	for _, where := range []struct{ part, name string }{
		{partDelay, there + ", added at rest, median"}, {partMatterbridge, across + ", added at rest, median"},
	} {
		got, ok := r.value(where.part, where.name, causeway)
		judge("delay added at rest under 5 ms, the fsync included: "+where.part, got, ok, got < 5, " ms")
	}
	for _, where := range []struct{ part, name string }{
		{partDelay, there + ", sustained rate"}, {partMatterbridge, across + ", sustained rate"},
	} {
		got, ok := r.ratio(where.part, where.name, bare)
		judge("rate at least half the bare relay's: "+where.part+", "+where.name, got, ok, got >= 0.5, "×")
	}
	for _, mark := range notifyMarks {
		got, ok := r.value(partNotify, mark.name, causeway)
		judge(mark.text, got, ok, got >= mark.least && got <= mark.most, mark.unit)
	}
	if got, ok := r.ratio(partMatterbridge, across+", sustained rate", matterbridge); ok {
		judge("rate ahead of Matterbridge", got, ok, got > 1, "×")
	}
	for _, f := range r.Figures {
		theirs, ok := f.Of[matterbridge]
		if ours := f.Of[causeway]; ok && f.Part == partMatterbridge && f.Unit == "messages" {
			judge(f.Name+" no worse than Matterbridge's "+number(theirs.Median), ours.Median, true, ours.Median <= theirs.Median, "")
		}
	}
	return all
}
