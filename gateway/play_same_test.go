package gateway

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// TestRandomPlayIsTheSameEachTime: the seed alone decides what happens, to the nanosecond, so that a play which went wrong can be looked
// at again. What happens within one nanosecond, as when a process dies, may be noted in any order. Two processes that share the work do as they come.
func TestRandomPlayIsTheSameEachTime(t *testing.T) {
	defer func(parallel bool) { *playParallel = parallel }(*playParallel)
	*playParallel = false
	for seed := *playFirst; seed < *playFirst+min(uint64(*playSeeds), 30); seed++ {
		if (&play{seed: seed}).spread() {
			continue
		}
		first, again := events(t, seed), events(t, seed)
		if d := cmp.Diff(first, again); d != "" {
			t.Fatalf("seed %d:\n%s", seed, d)
		}
	}
}

// events gives all that happens in a play.
func events(t *testing.T, seed uint64) (all []string) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, seed)
		p.troubles = new(tally)
		p.perform()
		all = strings.Split(p.history.String(), "\n")
	})
	slices.Sort(all)
	return all
}
