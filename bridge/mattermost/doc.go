// Package mattermost is the bridge to a Mattermost server (10.11 or later; its facts were verified on 11.1).
//
// One bot account listens and writes. It must be a member of each channel.
//
// # Receiving
//
// Run keeps one websocket. The goroutine that reads it does nothing but sort events into the queues of the
// channels (feed.go), so it never blocks and the server never drops the connection for slowness. Each channel has at most one
// goroutine at a time (channel.go), which turns what is queued into states and puts them, without a REST call for a new or
// edited post. Reaction events name one reaction only, so their posts are read, several events of a post by
// one read.
//
// Whatever may have been missed makes a channel "behind", and a channel that is behind is read from its cursor
// by REST (catchup.go) before its events count again: after the start, when the server greets with
// another connection id, when sequence numbers jump, when a queue grows too long, when Put failed, and when a root was deleted (its
// replies go without an event). Events that arrive during that read are queued and put after it.
//
// GET …/posts?since= lists a thousand rows at most in no defined order, of a small table on a real server indeed not by update_at.
// How all is found nevertheless stands at account.since; what cannot be found then is logged.
//
// A session whose token was revoked stays open and silent; only the application-level ping shows it
// (socket.go). One that was refused for a while and lives again has a gap that nothing shows: so a 401 anywhere makes
// it suspect, and every 15 minutes all channels are read once more from where reading last ended.
//
// # Direct and group messages
//
// They reach only their members' own websockets, and a websocket in somebody's name makes them look online and keeps the server from sending them
// e-mails. So talks.go listens for those who agreed (observer.go), with as many connections as it takes to bring each talk once (covering.go), and asks
// for the others, which shows nowhere: lists of their channels tell of new posts (sweep.go), the state of a carried talk of edits and reactions
// (polls.go). Once a minute everybody's channels are listed, whatever tells. What an event or a list shows is only a sign: a talk that the inbox does not
// know is met (meeting.go), one that it carries is a channel (channel.go) that is read from its cursor, or takes the event. The bot reads where its
// roles let it, else a connected member's token does (reading.go).
//
// A connection that ends is taken up, or its talks are read from their cursors and its person's channels listed. Up to when all was
// noticed and met is in the vault (mark.go), so that a talk in which somebody spoke first while nothing ran is met after the start.
//
// # What is stored
//
// Server id: "mattermost:" and the server's DiagnosticId, which is kept in its database, so it is the same for all accounts and
// addresses. Channel, message and user ids are Mattermost's own.
//
// Cursor: "1:" and a decimal number, the highest update_at (milliseconds of the server's clock) up to which the
// channel was read without a gap, never ahead of the server's clock. Reading goes on 10 s before it, since a
// row may be committed after a younger one.
//
// Revision: update_at times 16, plus a small number that orders changes of one millisecond.
//
// In the vault: the grants of people ([bridge.PersonGrant]; grant.go), Causeway's OAuth 2.0 app, the tokens of registered commands, the key
// that proves buttons, the mark of the installation, by which it knows the tokens that it has minted, and up to when direct messages were noticed.
//
// # People
//
// Acting as a person takes a token of theirs. With the profile "simple" the bot mints it, with "restricted" the person gives one by
// OAuth 2.0; afterwards both are one source of tokens (actors.go). A refresh token is good once: one caller renews for all, what it
// got is on disk before it is used, and a store that fails keeps it in memory for the next try. What a person's token is refused holds for that
// person alone and never makes the bot's own connection suspect (rule.ofPerson in errors.go).
//
// The server proves a slash command by the command's token, and a button by nothing, so each button carries a proof of its own in the
// context that clients do not get to see (buttons.go). Commands are put right every few minutes, team by team. Who is online, and
// who has logged in, is polled (arrivals.go, logins.go), as no event tells it.
//
// Nobody from elsewhere looks like a user of the server: the name of a relay's author is searched for, once in ten minutes, and
// told apart (lookalike.go).
//
// # Writing
//
// The key stands in props.causeway.key, where every later read shows it, and is the pending_post_id, by which the server itself
// refuses a repeat for 30 s. What the server's answers mean stands in one table (errors.go). A post whose Root was deleted
// meanwhile is Gone: it may be written without Root.
package mattermost
