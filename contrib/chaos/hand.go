package main

import (
	"cmp"
	"slices"
	"time"
)

// moment is the beginning or the end of a fault.
type moment struct {
	at    int
	fault int
	ends  bool
}

// hand makes the faults of the plan, and ends them.
type hand struct {
	*world
	active map[int]bool
	down   map[*instance]bool
	// late is how long what was done has taken in all, where nothing should have taken long.
	late time.Duration
}

// strikes does all that the plan says. When something takes longer than it should, such as the start of a server, all that follows comes later: what
// lies between two moments stays as long as it was planned.
func (h *hand) strikes() {
	var all []moment
	for n, f := range h.plan.Faults {
		all = append(all, moment{f.At, n, false}, moment{f.At + f.For, n, true})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	for _, m := range all {
		at := h.began.Add(time.Duration(m.at) * time.Millisecond)
		if !h.waits(at.Add(h.late)) {
			return
		}
		if m.ends {
			h.ends(m.fault)
		} else {
			h.begins(m.fault)
		}
		h.late = max(h.late, time.Since(at))
	}
	h.waits(h.began.Add(time.Duration(h.plan.Seconds) * time.Second))
}

// waits until a time, and meanwhile starts what has ended by itself.
func (h *hand) waits(until time.Time) bool {
	for {
		h.revive(h.down)
		left := time.Until(until)
		if left <= 0 {
			return h.tb.Context().Err() == nil
		}
		if !h.sleep(min(left, time.Second)) {
			return false
		}
	}
}

func (h *hand) begins(n int) {
	f := h.plan.Faults[n]
	k := kindNamed(f.Kind)
	if k == nil {
		h.tb.Fatalf("the plan asks for %q, which this program does not know", f.Kind)
	}
	h.note("+ %s, for %d ms", f.Kind, f.For)
	h.counts.faults++
	h.active[n] = true
	if k.downs {
		h.down[h.victim(f)] = true
	}
	k.begin(h.world, f)
}

func (h *hand) ends(n int) {
	f := h.plan.Faults[n]
	k := kindNamed(f.Kind)
	if !h.active[n] {
		return
	}
	delete(h.active, n)
	if k.end != nil {
		k.end(h.world, f)
		h.note("- %s", f.Kind)
	}
	if k.group == ofProcess {
		delete(h.down, h.victim(f))
	}
}

// heals ends everything that still lasts.
func (h *hand) heals() {
	for n := range h.plan.Faults {
		h.ends(n)
	}
	h.writeConfig(-1)
	h.revive(nil)
	h.connectAgain()
}
