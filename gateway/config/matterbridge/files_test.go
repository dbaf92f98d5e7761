package matterbridge

import "testing"

func TestSizesAreWrittenRoundAndNeverLess(t *testing.T) {
	for n, want := range map[int64]string{1: "1 kB", 1000: "1 kB", 1001: "2 kB", 2_000_000: "2 MB", 1_500_000: "1500 kB", 5 << 20: "5 MiB", 1_000_000_000: "1000 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
