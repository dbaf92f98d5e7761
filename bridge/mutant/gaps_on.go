//go:build mutant_gaps

package mutant

// Gaps: Causeway reads over gaps.
const Gaps = true
