package msteams

import (
	"slices"
	"strconv"
	"strings"
)

// near gives up to three of the names that look most like name.
func near(name string, names []string) []string {
	type scored struct {
		name     string
		distance int
	}
	var all []scored
	for _, n := range names {
		all = append(all, scored{n, distance(strings.ToLower(name), strings.ToLower(n))})
	}
	slices.SortStableFunc(all, func(a, b scored) int { return a.distance - b.distance })
	var out []string
	for _, s := range all {
		if len(out) < 3 {
			out = append(out, strconv.Quote(s.name))
		}
	}
	return out
}

// distance is the number of letters to change, add or drop to make b of a (Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
