// Package mutant switches off, by build tags, what keeps Causeway's promise: contrib/chaos must find out when it is missing. As the program is
// shipped, all its constants are false, and the compiler leaves out what depends on them.
//
//	mutant_nokey     Causeway does not recognise its own posts: it neither looks for one whose making is uncertain, nor takes one that it sees for its own
//	mutant_nointent  it does not remember what it is about to post: after a crash or a lost answer it posts again
//	mutant_gaps      where it begins to read Mattermost again it begins at the present: what was said meanwhile is in a gap of its cursor
//	mutant_nofence   whoever has held a store in PostgreSQL goes on writing to it when another has taken it over meanwhile
package mutant
