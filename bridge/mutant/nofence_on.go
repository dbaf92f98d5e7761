//go:build mutant_nofence

package mutant

// NoFence: who has lost the store to another Causeway goes on writing to it.
const NoFence = true
