package main

import (
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
	// Runs say how the parts were measured; each part is in one of them.
	Runs    []Run    `json:"runs"`
	Figures []Figure `json:"figures"`
	// Notes say how figures are to be read.
	Notes []string `json:"notes"`
	// Broken are promises that Causeway has not kept.
	Broken []string `json:"broken,omitempty"`

	delays map[series][]float64 // of all rounds
}

// series is what a program's delays are of.
type series struct {
	part, name string
	of         subject
}

// noRatio are the units of figures whose quotient says nothing: counts of what went wrong, and differences.
var noRatio = map[string]bool{"messages": true, "ms more": true}

// add notes the value of one round. Values of a figure and subject come in the order of the rounds; one that is not a number
// was not measured and is left out.
func (r *Report) add(part, name, unit string, of subject, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	f := r.figure(part, name, unit)
	f.set(of, append(f.Of[of].Rounds, value))
}

// figure finds a figure, or makes it at the end of the table, where it shows as soon as anything is measured.
func (r *Report) figure(part, name, unit string) *Figure {
	i := slices.IndexFunc(r.Figures, func(f Figure) bool { return f.Part == part && f.Name == name })
	if i < 0 {
		i = len(r.Figures)
		r.Figures = append(r.Figures, Figure{Part: part, Name: name, Unit: unit, Of: map[subject]Summary{}})
	}
	return &r.Figures[i]
}

// measured are the figures of which there is anything.
func (r *Report) measured() []Figure {
	return slices.DeleteFunc(slices.Clone(r.Figures), func(f Figure) bool { return len(f.Of) == 0 })
}

func (f *Figure) set(of subject, rounds []float64) {
	f.Of[of] = summarise(rounds)
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

// leastForP99 is how many delays a p99 is made of at least, so that it is neither the greatest nor the next.
const leastForP99 = 200

// addDelays notes the delays of one round. A p99 is that of all rounds together; with too few delays there is none.
func (r *Report) addDelays(part, name string, of subject, delays []float64) {
	r.add(part, name+", median", "ms", of, percentile(delays, 50))
	r.add(part, name+", p95", "ms", of, percentile(delays, 95))
	if r.delays == nil {
		r.delays = map[series][]float64{}
	}
	s := series{part, name, of}
	r.delays[s] = append(r.delays[s], delays...)
	r.setP99(part, name, "ms", of, r.p99(s))
}

// addRest notes the delays of one round at rest, and what programs add to the bare relay's.
func (r *Report) addRest(part, name string, delays map[subject][]float64) {
	rest, added := name+", at rest", name+", added at rest"
	for _, who := range []subject{causeway, bare, matterbridge} {
		if len(delays[who]) > 0 {
			r.addDelays(part, rest, who, delays[who])
		}
	}
	for _, who := range []subject{causeway, matterbridge} {
		if len(delays[who]) > 0 {
			r.add(part, added+", median", "ms more", who, percentile(delays[who], 50)-percentile(delays[bare], 50))
			r.add(part, added+", p95", "ms more", who, percentile(delays[who], 95)-percentile(delays[bare], 95))
			r.setP99(part, added, "ms more", who, r.p99(series{part, rest, who})-r.p99(series{part, rest, bare}))
		}
	}
}

// p99 is not a number when there are too few delays.
func (r *Report) p99(s series) float64 {
	if len(r.delays[s]) < leastForP99 {
		return math.NaN()
	}
	return percentile(r.delays[s], 99)
}

// setP99 keeps a place in the table for a p99 that comes with a later round.
func (r *Report) setP99(part, name, unit string, of subject, value float64) {
	if f := r.figure(part, name+", p99", unit); !math.IsNaN(value) {
		f.set(of, []float64{value})
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
	for _, f := range r.measured() {
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

// reading says how to read a cell.
const reading = "Each cell is the median (least–greatest) of the rounds; a p99 is that of all rounds together, and left out below 200 delays. × is Causeway's value divided by the partner's, round by round."

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
	fmt.Fprintln(w, "\n"+reading)
	for _, note := range r.Notes {
		fmt.Fprintln(w, "  "+note)
	}
	return nil
}

// save writes the report as JSON.
func (r *Report) save(path string) error {
	shown := *r
	shown.Figures = r.measured()
	text, err := json.MarshalIndent(shown, "", "\t")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}
