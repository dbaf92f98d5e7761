package app

import (
	"cmp"
	"slices"

	"causeway/bridge"
	"causeway/gateway/store"
)

// balance decides which conversations the holder, who delivers to all that have no lane, gives to whom of the members that are able, and which it asks for, so that in the
// end all deliver to as many, but for one. Nothing is moved that need not be.
func balance(all []bridge.ConversationID, lanes []store.Lane, able []int64) (give map[int64][]bridge.ConversationID, back []bridge.ConversationID) {
	at, asked := map[bridge.ConversationID]int64{}, map[bridge.ConversationID]bool{}
	for _, l := range lanes {
		at[l.Conversation], asked[l.Conversation] = l.Member, l.Back
		if !slices.Contains(able, l.Member) || !slices.Contains(all, l.Conversation) {
			if !l.Back {
				back = append(back, l.Conversation)
			}
			asked[l.Conversation] = true
		}
	}
	have := map[int64][]bridge.ConversationID{} // those that stay; 0 is the holder
	for _, c := range all {
		if !asked[c] {
			have[at[c]] = append(have[at[c]], c)
		}
	}
	quota := quotas(len(all), have, able)
	spare := have[0][min(quota[0], len(have[0])):]
	give = map[int64][]bridge.ConversationID{}
	for _, member := range able {
		switch n := min(quota[member]-len(have[member]), len(spare)); {
		case n < 0:
			back = append(back, have[member][quota[member]:]...)
		case n > 0:
			give[member], spare = spare[:n], spare[n:]
		}
	}
	return give, back
}

// quotas says to how many conversations each is to deliver. Where they cannot be divided, those members who have most have one more; the holder, who is 0 and reads as
// well, has not.
func quotas(n int, have map[int64][]bridge.ConversationID, able []int64) map[int64]int {
	order := slices.Clone(able)
	slices.SortStableFunc(order, func(a, b int64) int { return cmp.Compare(len(have[b]), len(have[a])) })
	all := map[int64]int{}
	for i, member := range append(order, 0) {
		all[member] = n / (len(able) + 1)
		if i < n%(len(able)+1) {
			all[member]++
		}
	}
	return all
}
