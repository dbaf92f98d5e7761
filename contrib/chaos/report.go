package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// columns are those of the table. What is right of the sums is not wrong.
var columns = []struct {
	name string
	of   func(*Result) any
}{
	{"seed", func(r *Result) any { return r.Plan.Seed }},
	{"store", func(r *Result) any { return r.Plan.Store }},
	{"instances", func(r *Result) any { return r.Plan.Instances }},
	{"receives", func(r *Result) any { return r.Plan.Receive }},
	{"seconds", func(r *Result) any { return r.Plan.Seconds }},
	{"acts", func(r *Result) any { return len(r.Plan.Acts) }},
	{"messages", func(r *Result) any { return r.Messages }},
	{"faults", func(r *Result) any { return r.faults }},
	{"reloads", func(r *Result) any { return r.reloads }},
	{"missing", func(r *Result) any { return r.Missing }},
	{"doubled", func(r *Result) any { return r.Doubled }},
	{"out of order", func(r *Result) any { return r.OutOfOrder }},
	{"wrong", func(r *Result) any { return r.Wrong }},
	{"strangers", func(r *Result) any { return r.Strangers }},
	{"pending", func(r *Result) any { return r.Pending }},
	{"quarantined", func(r *Result) any { return r.Quarantined }},
	{"misbehaved", func(r *Result) any { return r.Misbehaved }},
	{"repaired", func(r *Result) any { return r.Repaired }},
	{"late", func(r *Result) any { return r.Late }},
	{"healed after", func(r *Result) any { return r.Healed.Round(100 * time.Millisecond) }},
}

// table prints results, one a line, and their sum.
func table(out io.Writer, all []*Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	fmt.Fprintln(w, strings.Join(names, "\t")+"\t")
	for _, r := range all {
		fmt.Fprintln(w, strings.Join(r.cells(), "\t")+"\t")
	}
	return w.Flush()
}

func (r *Result) cells() (cells []string) {
	for _, c := range columns {
		cells = append(cells, fmt.Sprint(c.of(r)))
	}
	return cells
}

// total sums results up in a sentence.
func total(all []*Result) string {
	var sums Sums
	var seconds, messages, acts, faults, reloads, restarts int
	for _, r := range all {
		sums.add(r.Sums)
		seconds += r.Plan.Seconds
		messages += r.Messages
		acts += len(r.Plan.Acts)
		faults += r.faults
		reloads += r.reloads
		restarts += r.restarts
	}
	return fmt.Sprintf("%d runs of %v in all, %d messages, %d acts, %d faults, %d reloads, %d ends of Causeway by itself: %d missing, %d doubled, %d out of order, %d wrong, %d seen by strangers, %d pending, %d quarantined, %d misbehaved; %d doubles were repaired, %d copies came late",
		len(all), time.Duration(seconds)*time.Second, messages, acts, faults, reloads, restarts,
		sums.Missing, sums.Doubled, sums.OutOfOrder, sums.Wrong, sums.Strangers, sums.Pending, sums.Quarantined, sums.Misbehaved, sums.Repaired, sums.Late)
}

// kindsMade counts the faults of plans by their kinds.
func kindsMade(all []*Result) string {
	made := map[string]int{}
	for _, r := range all {
		for _, f := range r.Plan.Faults {
			made[f.Kind]++
		}
	}
	var list []string
	for _, k := range kinds {
		if n := made[k.name]; n > 0 {
			list = append(list, fmt.Sprintf("%s %d", k.name, n))
		}
	}
	return strings.Join(list, "; ")
}
