package main

import (
	"context"
	"fmt"
	"io"

	"causeway/contrib/e2e/harness"
)

// mutant is something that is taken out of Causeway by a build tag, see bridge/mutant, and the faults after which that is missed. As each of the
// others makes good for much of what one of them lets happen, there are no other faults.
type mutant struct {
	tag, store, receive string
	instances           int
	faults              []string
	// hurry divides the time between two things that people do.
	hurry int
	// lenient: a double that was repaired does not count, as there may be one without the mutant, too.
	lenient bool
}

var allMutants = []mutant{
	{"mutant_nokey", storeSQLite, "", 1, []string{"kill -9", "Graph's answers are lost", "Mattermost's answers are lost"}, 1, false},
	// The key finds out about a double as soon as it is seen. So it must be seen late.
	{"mutant_nointent", storeSQLite, "rich", 1, []string{"Graph's answers are lost", "notifications do not get through", "notifications dropped, subscriptions removed"}, 1, false},
	{"mutant_gaps", storeSQLite, "", 1, []string{"kill -9", "stop", "websocket cut", "no way to Mattermost"}, 1, false},
	// Two that work get into each other's way only where they write at the same moment. Who was frozen in the middle of a post finishes it in any case.
	{"mutant_nofence", storePostgres, "poll", 2, []string{"frozen until another has taken over"}, 4, true},
}

// mutants carries plans out with each mutant, until the promise is broken, and then the same plans with Causeway as it is. A double counts even where it was
// repaired, unless said otherwise. What is not found out fails, and so does Causeway as it is.
func mutants(ctx context.Context, o options, out io.Writer) error {
	o.keep, o.store = "", storeBoth
	wrong := 0
	err := harness.Alone(ctx, func(tb harness.TB) {
		s := startServers(tb, o)
		whole := s.program
		for _, m := range allMutants {
			o := o
			o.tags, o.store, o.receive, o.instances, o.only, o.calm = m.tag, m.store, m.receive, m.instances, m.faults, o.calm/2
			o.pause, o.strict = o.pause/m.hurry, !m.lenient
			plans, err := o.plans()
			if err != nil {
				tb.Fatalf("%v", err)
			}
			s.program = o.build(tb)
			n, r := o.findOut(tb, s, plans)
			if r == nil {
				wrong++
				fmt.Fprintf(out, "%s: not found out by %d seeds\n", m.tag, n)
				continue
			}
			fmt.Fprintf(out, "%s: found out by seed %d, the %d. that was tried: %+v\n%s\n", m.tag, r.Plan.Seed, n, r.Sums, r.why())
			s.program = whole
			if _, r := o.findOut(tb, s, plans[:n]); r != nil {
				wrong++
				fmt.Fprintf(out, "without any mutant: broken by seed %d, too: %+v\n%s\n", r.Plan.Seed, r.Sums, r.why())
				continue
			}
			fmt.Fprintf(out, "without any mutant: nothing is wrong with the same seeds\n")
		}
	})
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d went otherwise than they should: see above", wrong)
	}
	return err
}

// findOut carries plans out until one breaks the promise, and gives how many it took; nil: none did.
func (o options) findOut(tb harness.TB, s *servers, plans []*Plan) (int, *Result) {
	for n, plan := range plans {
		if r := perform(tb, s, plan, o); r != nil && r.broken(o.strict) {
			return n + 1, r
		}
	}
	return len(plans), nil
}
