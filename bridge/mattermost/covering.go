package mattermost

import (
	"container/heap"
	"slices"
)

// covering chooses, of people with these talks, whose connections bring the talks that nobody of the chosen brings yet: each time whoever brings the
// most of those that are left.
func covering(talks map[string][]string, chosen func(user string) bool) []string {
	left := map[string]bool{}
	for _, list := range talks {
		for _, t := range list {
			left[t] = true
		}
	}
	take := func(user string) {
		for _, t := range talks[user] {
			delete(left, t)
		}
	}
	for u := range talks {
		if chosen(u) {
			take(u)
		}
	}
	brings := func(user string) (n int) {
		for _, t := range talks[user] {
			if left[t] {
				n++
			}
		}
		return n
	}
	var queue gains
	for u := range talks {
		if n := brings(u); n > 0 {
			queue = append(queue, gain{u, n})
		}
	}
	heap.Init(&queue)
	var more []string
	for len(queue) > 0 {
		// What somebody brings only becomes less: whoever still brings what they did when the others brought no more is the best.
		first := &queue[0]
		switch n := brings(first.user); {
		case n == 0:
			heap.Pop(&queue)
		case n < first.talks:
			first.talks = n
			heap.Fix(&queue, 0)
		default:
			take(first.user)
			more = append(more, first.user)
			heap.Pop(&queue)
		}
	}
	slices.Sort(more)
	return more
}

// gain is how many talks somebody brought when that was last looked at.
type gain struct {
	user  string
	talks int
}

// gains is a heap, the greatest first.
type gains []gain

func (g gains) Len() int { return len(g) }
func (g gains) Less(i, j int) bool {
	return g[i].talks > g[j].talks || g[i].talks == g[j].talks && g[i].user < g[j].user
}
func (g gains) Swap(i, j int) { g[i], g[j] = g[j], g[i] }
func (g *gains) Push(x any)   { *g = append(*g, x.(gain)) }

func (g *gains) Pop() any {
	old := *g
	last := old[len(old)-1]
	*g = old[:len(old)-1]
	return last
}
