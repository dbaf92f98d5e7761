package mattermost

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCovering(t *testing.T) {
	nobody := func(string) bool { return false }
	for _, c := range []struct {
		name   string
		talks  map[string][]string
		chosen func(string) bool
		want   []string
	}{
		{"nobody", nil, nobody, nil},
		{"without talks nobody is connected", map[string][]string{"a": nil, "b": {}}, nobody, nil},
		{"one of two is enough", map[string][]string{"a": {"ab"}, "b": {"ab"}}, nobody, []string{"a"}},
		{"whoever brings most", map[string][]string{"a": {"ab"}, "b": {"ab", "bc"}, "c": {"bc"}}, nobody, []string{"b"}},
		{"what is there counts", map[string][]string{"a": {"ab"}, "b": {"ab", "bc"}, "c": {"bc"}}, func(u string) bool { return u == "a" }, []string{"b"}},
		{"nothing is missing", map[string][]string{"a": {"ab"}, "b": {"ab"}}, func(u string) bool { return u == "b" }, nil},
		{"oneself is brought by nobody else", map[string][]string{"a": {"ab", "aa"}, "b": {"ab", "bb"}}, nobody, []string{"a", "b"}},
	} {
		if d := cmp.Diff(c.want, covering(c.talks, c.chosen)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// Whatever the talks are, each has one who brings it, and nobody is chosen who brings nothing new.
func TestCoveringCovers(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		talks, there := map[string][]string{}, map[string]bool{}
		for n := range random.IntN(30) {
			user := fmt.Sprint("u", n)
			there[user] = random.IntN(4) == 0
			talks[user] = nil
			for range random.IntN(8) {
				talks[user] = append(talks[user], fmt.Sprint("t", random.IntN(25)))
			}
		}
		more := covering(talks, func(u string) bool { return there[u] })
		brought := map[string]int{}
		for u, on := range there {
			if on {
				for _, one := range talks[u] {
					brought[one]++
				}
			}
		}
		for _, u := range more {
			if there[u] {
				t.Fatalf("seed %d: %s was chosen already", seed, u)
			}
			for _, one := range talks[u] {
				brought[one]++
			}
		}
		for u, list := range talks {
			for _, one := range list {
				if brought[one] == 0 {
					t.Fatalf("seed %d: nobody brings %s of %s", seed, one, u)
				}
			}
		}
	}
}
