package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// markdown writes the report for people. The file is never edited by hand.
func (r *Report) markdown(path string) error {
	if err := os.WriteFile(path, []byte(r.page()), 0o644); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

func (r *Report) page() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# What Causeway costs\n")
	line("Written by `make bench BENCH=\"-results RESULTS.md\"` in `contrib/bench`; do not edit. What is measured, and how, is told by `go doc` there.\n")
	for _, run := range r.Runs {
		line("* %s", run)
	}
	line("* %s\n", reading)
	if len(r.Broken) > 0 {
		line("**Causeway has broken its promise in this run:**\n")
		for _, text := range r.Broken {
			line("* %s", text)
		}
		line("")
	}
	// The last two columns are the ratios, which hold on other machines, too.
	of := len(columns) - 2
	line("## Ratios")
	part := ""
	for _, row := range r.rows() {
		if strings.Join(row[of:], "") == "" {
			continue
		}
		if row[0] != part {
			part = row[0]
			line("\n%s", tableRow("part", "figure", columns[of], columns[of+1]))
			line("|%s", strings.Repeat("---|", 4))
		}
		line("%s", tableRow(row[0], row[1], row[of], row[of+1]))
	}
	line("\n## First marks\n")
	for _, text := range r.firstMarks() {
		line("* %s", text)
	}
	part = ""
	for _, row := range r.rows() {
		if row[0] != part {
			part = row[0]
			line("\n## %s\n", part)
			line("%s", tableRow(columns[1:of]...))
			line("|%s", strings.Repeat("---|", of-1))
		}
		line("%s", tableRow(row[1:of]...))
	}
	if len(r.Notes) > 0 {
		line("\n## Notes\n")
		for _, text := range r.Notes {
			line("* %s", text)
		}
	}
	return b.String()
}

func tableRow(cells ...string) string {
	var b strings.Builder
	for _, cell := range cells {
		b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
	}
	return b.String() + "|"
}

// String tells people how parts were measured.
func (r Run) String() string {
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		versions = append(versions, name+" "+r.Versions[name])
	}
	m := r.Machine
	return fmt.Sprintf("%s: by `%s`. Machine: %s, %d cores, %s of memory, Linux %s; stores on %s, where making 4 KiB durable takes %s µs. Versions: %s.",
		strings.Join(r.Parts, ", "), r.Command, m.CPU, m.Cores, m.Memory, m.Kernel, m.Disk, number(m.FsyncMicroseconds), strings.Join(versions, ", "))
}
