//go:build !mutant_nokey

package mutant

// NoKey: Causeway does not recognise its own posts.
const NoKey = false
