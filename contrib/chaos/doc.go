// Command chaos holds Causeway to its promise while everything around it goes wrong: a real Mattermost server on a real PostgreSQL, the
// stand-in for Teams, people who talk on both sides, and a hand that kills, stops, cuts, throttles and forges.
//
// # Design
//
// A seed becomes a [Plan]: what people do, and what the hand does, each with its moment. The plan is all that chance decides; it is kept
// with a run that failed, and -replay carries it out again. What the machine makes of it, which of two things comes first by a millisecond, no plan
// can tell.
//
// People are workers, one for each person and service, who do what the plan says one after the other, as their programs would: what has
// failed they look for, and do again. What they have done stands in the ledger. The hand makes faults and ends them; a fault knows nothing
// of people. When the plan is over everything is healed, and both sides are read through the services' own interfaces until nothing is wrong any more, or
// for as long as a heal may take.
//
// The judge is a pure function of the ledger and of what both sides show. It counts what is missing, doubled, out of order, wrong (text, author,
// thread, reactions, files, or not deleted) and seen by a stranger. What Causeway itself says it still has to do counts as pending, what it has given up as
// quarantined, and a panic in its log as one. All must be zero. A double that was removed within a minute counts as repaired: it is reported.
//
// Faults that need what this machine does not have are left out, and the table says so.
package main
