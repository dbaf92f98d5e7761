// Package gateway carries messages between the conversations of a config.
//
//	service --state--> inbox --one transaction--> messages, instances, cursor
//	                                                 |  wakes
//	service <--one write-- lane of a conversation <--+  "what does my conversation lack?"
//
// A feed per account reads; a lane per conversation writes, one write at a time, and lives only while its
// conversation lacks something. Between them stands the store: whatever is killed, cut or throttled, what has been
// put into the inbox is on disk, and a lane plans each step from there. A failing account or conversation waits by
// itself and is tried again; the others go on.
package gateway
