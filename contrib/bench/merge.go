package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Run says how some parts were measured.
type Run struct {
	Parts    []string          `json:"parts"`
	Command  string            `json:"command"`
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
}

// readReport reads a report that save has written. Where there is none, it is an empty one.
func readReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Report{}, nil
	}
	r := &Report{}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the results of before: %w", err)
	}
	return r, nil
}

// merge adds those parts of an earlier report that have not been measured now. Everything that is said of a part goes with it.
func (r *Report) merge(before *Report) {
	mine := r.measuredParts()
	stays := func(part string) bool { return !slices.Contains(mine, part) }
	for _, f := range before.Figures {
		if stays(f.Part) {
			r.Figures = append(r.Figures, f)
		}
	}
	ofParts := func(lines, own []string) []string {
		kept := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
			part, _, _ := strings.Cut(line, ":")
			return !stays(part)
		})
		return append(kept, own...)
	}
	r.Notes, r.Broken = ofParts(before.Notes, r.Notes), ofParts(before.Broken, r.Broken)
	var runs []Run
	for _, run := range before.Runs {
		run.Parts = slices.DeleteFunc(slices.Clone(run.Parts), func(part string) bool { return !stays(part) })
		if len(run.Parts) > 0 {
			runs = append(runs, run)
		}
	}
	r.Runs = append(runs, r.Runs...)
	slices.SortStableFunc(r.Figures, func(a, b Figure) int { return slices.Index(partNames(), a.Part) - slices.Index(partNames(), b.Part) })
	slices.SortStableFunc(r.Notes, func(a, b string) int { return placeOf(a) - placeOf(b) })
}

// placeOf is the place among the parts of that which a note is about.
func placeOf(note string) int {
	part, _, _ := strings.Cut(note, ":")
	return slices.Index(partNames(), part)
}

// measuredParts are those of which there is anything, in their order.
func (r *Report) measuredParts() []string {
	var all []string
	for _, part := range partNames() {
		if slices.ContainsFunc(r.Figures, func(f Figure) bool { return f.Part == part && len(f.Of) > 0 }) {
			all = append(all, part)
		}
	}
	return all
}
