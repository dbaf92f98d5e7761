package config

import (
	"cmp"
	"slices"
	"strings"
)

// suggest gives the hint for a word that is not among the known ones: the nearest when it is near enough to be
// what was meant, else all of them, nearest first. meant is the nearest in the first case.
func suggest(word string, known []string) (hint, meant string) {
	if len(known) == 0 {
		return "", ""
	}
	sorted := slices.Clone(known)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(distance(word, a), distance(word, b)) })
	if best := sorted[0]; distance(word, best) <= max(1, min(len(word), len(best))/3) {
		return "did you mean " + best + "?", best
	}
	return "known here: " + strings.Join(sorted, ", "), ""
}

// distance is the number of letters to insert, remove, replace or swap with their neighbour until a reads b,
// whatever the case (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			replace := last[j-1]
			if s[i-1] != t[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
