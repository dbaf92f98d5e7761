// Package memory is a chat service that lives in memory: the reference implementation of the contract, and the
// partner of the gateway's tests.
//
// A [Service] has a clock (time.Now, so that testing/synctest owns it), people, and channels with a change log
// each. What people do goes into the log; what an account reads comes out of it: a cursor is a position in
// the log. Every entry keeps the message as it was then, so a read that lags ([Options.Settle]), a late
// redelivery ([Feed]) and an equal revision after a deletion look as they do on real services.
//
// It is as awkward as real services may be: message ids repeat in every channel, revisions count per message, several
// messages may have one time, texts are normalised. What goes wrong is decided by the test: [Options.Fault] is
// asked before and after the effect of every call.
package memory
