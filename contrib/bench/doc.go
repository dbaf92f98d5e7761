// Command bench measures what Causeway costs, against the least that could do the same: a bare loop, a bare relay, and
// Matterbridge. `make bench` runs it.
//
// Machines are noisy, so nothing is measured once and nothing alone. Every figure is taken in several rounds, in each of
// which the partners take turns, message by message at rest and load by load otherwise; it is shown as the median of the rounds with the
// least and the greatest. A ratio is made within each round. What a process uses is read from the kernel, outside of it: CPU
// time and memory from /proc. No figure is computed from another machine's.
//
// The parts:
//
//	text          conversions between Mattermost's Markdown and Teams' HTML: how many a second, and what they allocate
//	files         a file from stand-in to stand-in and back, against a bare copy
//	store         memory bridges through the gateway and SQLite with full durability, against a bare loop
//	delay         stand-in for Mattermost to stand-in for Teams and back, against a bare relay
//	notify        stand-in for Teams to stand-in for Mattermost by change notifications, against bare decryption, and how often
//	              Causeway calls Graph
//	matterbridge  two channels of a real Mattermost server, against a bare relay and against Matterbridge; at rest, under load,
//	              with kill -9 and with a cut websocket
//	engines       a burst with the store in SQLite and in PostgreSQL, there with one to three instances, against a bare relay
//	start         time to start and memory by number of gateways and of stored messages; size of the program; time to build
//
// One part can be measured anew, such as on a machine that is quiet only for a while: with -merge the others stay as they are in the results, each with the
// machine, the versions and the command by which it was found.
//
//	go run . -parts text,files -merge -results RESULTS.md
//
// A message that Causeway loses, doubles or brings out of order ends the run with an error.
package main
