//go:build mutant_nointent

package mutant

// NoIntent: Causeway does not remember what it is about to post.
const NoIntent = true
