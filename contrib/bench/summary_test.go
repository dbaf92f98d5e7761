package main

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{100, 1, 2}, 2},
		{[]float64{4, 1, 100, 2}, 3},
	} {
		given := slices.Clone(c.values)
		if got := median(given); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
		if !slices.Equal(given, c.values) {
			t.Errorf("median reordered %v to %v", c.values, given)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v", got)
	}
}

func TestPercentileIsTheNearestRank(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[99-i] = float64(i + 1) // 100 … 1
	}
	for _, c := range []struct {
		values  []float64
		p, want float64
	}{
		{hundred, 50, 50}, {hundred, 95, 95}, {hundred, 99, 99}, {hundred, 100, 100}, {hundred, 0.1, 1},
		{[]float64{3, 1, 2}, 50, 2}, {[]float64{3, 1, 2}, 95, 3}, {[]float64{3, 1, 2}, 34, 2}, {[]float64{3, 1, 2}, 33, 1},
		{[]float64{5}, 99, 5},
	} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("percentile %v of %d values = %v, want %v", c.p, len(c.values), got, c.want)
		}
	}
	if got := percentile(nil, 50); !math.IsNaN(got) {
		t.Errorf("percentile of nothing = %v", got)
	}
}

func TestSummaryKeepsTheOrderOfRounds(t *testing.T) {
	got := summarise([]float64{5, 1, 3})
	if got.Median != 3 || got.Min != 1 || got.Max != 5 || !slices.Equal(got.Rounds, []float64{5, 1, 3}) {
		t.Errorf("got %+v", got)
	}
}

func TestRatiosAreMadeRoundByRound(t *testing.T) {
	// The ratio of the medians would be 1; a noisy machine that slows both in one round does not change the ratio.
	if got := ratios([]float64{2, 20, 4}, []float64{4, 40, 2}); !slices.Equal(got, []float64{0.5, 0.5, 2}) {
		t.Errorf("got %v", got)
	}
	if got := ratios([]float64{1}, []float64{1, 2}); got != nil {
		t.Errorf("of unequal rounds: %v", got)
	}
	if got := ratios([]float64{1, 1}, []float64{1, 0}); got != nil {
		t.Errorf("divided by nothing: %v", got)
	}
}
