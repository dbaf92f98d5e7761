package main

import (
	"math"
	"slices"
)

// Summary is what the rounds of a figure say together.
type Summary struct {
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Rounds []float64 `json:"rounds"` // in the order in which they were measured
}

// summarise needs at least one value.
func summarise(rounds []float64) Summary {
	return Summary{Median: median(rounds), Min: slices.Min(rounds), Max: slices.Max(rounds), Rounds: slices.Clone(rounds)}
}

// median is the middle value, or the mean of the two in the middle; NaN of nothing.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile is the least value that at least p per cent of all values do not exceed (nearest rank), 0 < p <= 100; NaN of
// nothing. It is always a value that was measured.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// ratios divides round by round. It gives nothing when the rounds do not match or something is divided by nothing.
func ratios(above, below []float64) []float64 {
	if len(above) != len(below) {
		return nil
	}
	var all []float64
	for i := range above {
		if below[i] == 0 {
			return nil
		}
		all = append(all, above[i]/below[i])
	}
	return all
}
