package main

import (
	"context"
	"fmt"
	"io"

	"causeway/contrib/e2e/harness"
)

// mutantTags are build tags that take out what keeps the promise; see bridge/mutant.
var mutantTags = []string{"mutant_nokey", "mutant_nointent", "mutant_gaps"}

// mutants carries the plans out with each mutant, until the promise is broken. A double counts even where it was repaired, as the key alone makes good
// for an intent that is missing. Whatever is not found out fails; and so does Causeway as it is, with the same plans.
func mutants(ctx context.Context, plans []*Plan, o options, out io.Writer) error {
	o.strict, o.keep = true, ""
	missed := 0
	err := harness.Alone(ctx, func(tb harness.TB) {
		o := o
		s := startServers(tb, o)
		most := 0
		for _, tag := range mutantTags {
			o.tags = tag
			s.program = o.build(tb)
			n, r := o.findOut(tb, s, plans)
			if r == nil {
				missed++
				fmt.Fprintf(out, "%s: not found out by %d seeds\n", tag, len(plans))
				continue
			}
			most = max(most, n)
			fmt.Fprintf(out, "%s: found out by seed %d, the %d. that was tried: %+v\n%s\n", tag, r.Plan.Seed, n, r.Sums, r.why())
		}
		o.tags = ""
		s.program = o.build(tb)
		if n, r := o.findOut(tb, s, plans[:most]); r != nil {
			missed++
			fmt.Fprintf(out, "without any mutant: broken by seed %d, the %d. that was tried: %+v\n%s\n", r.Plan.Seed, n, r.Sums, r.why())
			return
		}
		fmt.Fprintf(out, "without any mutant: nothing is wrong with %d seeds\n", most)
	})
	if err == nil && missed > 0 {
		err = fmt.Errorf("%d went otherwise than they should: see above", missed)
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
