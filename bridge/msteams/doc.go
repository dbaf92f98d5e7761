// Package msteams is the bridge to Microsoft Teams, through Microsoft Graph v1.0.
//
// # Tokens
//
// Reading is done by the app itself (client credentials), writing by the relay account, a user that a person signs in
// once (device code), or by people who have connected: Graph lets no app write messages on its own. Both tokens are renewed before they expire, by one
// caller at a time. The relay's refresh token is kept in the account's vault, the newest one stored before it is used.
// Without a signed-in relay the account does not connect: who the relay is, is how its own posts are recognised.
//
// # People
//
// People sign in with a browser (authorization code with PKCE, signin.go). Only members of the tenant can be connected; who they are is
// what the id token says (package idtoken), and Graph is asked whether they are guests, disabled or without a licence. What Entra grants is one refresh
// token for each, kept in the vault under [bridge.PersonGrant]; persons.go renews it, and never stores one again that was taken away.
// A refusal is about one person, or about the app and so about nobody (personrefusals.go): an expired client secret must not
// look as if everybody had left. Where a person may not write, Unsupported for that person tells the gateway to write as the relay.
//
// The directory is read by users/delta (users.go). A change may say a part only; then the user is asked for. That somebody is
// not there counts only when Graph itself has said so, for a user and then for the deleted ones.
//
// # Ids
//
// Message ids of Graph are unique within their channel only, and the path of a reply needs its root. So a
// [bridge.ChannelID] is "teamID/channelID", or the id of a chat, in which there is no "/"; and a [bridge.MessageID] is "rootID" or
// "rootID/replyID", in chats "messageID". The server id is
// "msteams:" and the tenant id in lower case.
//
// # Reading
//
// Channels are polled. Graph lists a channel's threads by their last change, newest first, with their replies, so
// reading pages until a thread's last change lies before the cursor closes any gap, however long. The states found are
// put oldest first once the whole gap has been read; the cursor goes with the last of them, so whatever is killed in
// between is read again. A deletion may move neither version nor date of a message: what the first page shows is
// compared whole on every poll. See poll.go.
//
// With change notifications each channel has a gate. Deliveries go in while it is open; it is shut when something may have been
// said of which none tells (a subscription begins or goes on, a delivery was refused, deliveries could not be trusted for a while),
// and only a reading that began after that opens it, so that what is said now does not go ahead of what was said before. A
// subscription is not known before its channels' gates are shut, and one that is not needed any more goes some minutes after
// those that take its place have come. See gate.go.
//
// # Chats
//
// Direct and group conversations of connected people are chats. Whose chats are followed the inbox says; one subscription for each person tells of all
// their chats (chatfeeds.go), and who has none, or may have missed something, has their chats listed by what was said last (follow.go). A
// conversation is decided on by its id alone. What is not carried is never decrypted nor read: of a talk that is not known yet it is asked
// who is in it, and the inbox meets it, each talk by itself (talks.go). What is carried is read as channels are, with one more rule for groups, whose members
// change: they are read in order, never by pushes, and the inbox meets them as they were after each of Teams' notices of that, before it gets what was
// said next (groups.go). Reading is done as the app, writing as people alone; the relay account tells people something in a chat that it has
// with them (chats.go). An answer in a chat is a quote that Teams makes (answers.go).
//
// What Graph has no documented way to: a chat with oneself, which all people have under one id, 48:notes.
//
// # Writing
//
// One call is one attempt: the SDK's retry, redirect and compression handlers are not used, and no challenge is
// answered by a second request. Graph knows no idempotency key, so each post carries Causeway's own key as the title
// of an empty <abbr> at its end, and [bridge.Bridge.Find] looks for it. Whether a tenant keeps that element is seen in
// the answer to each post, which shows the message as it was stored; the finding is kept in the vault. Where the
// element is dropped, Find goes by writer, time and text. The writer is the relay account, or the person as whom the draft is
// written.
//
// Nobody from elsewhere looks like a member of the channel: who is in it is asked for once an hour, beside the posts, and an author who is
// called like one of them is told apart (lookalike.go).
//
// # Errors
//
// Every answer of Graph is judged in one table, verdicts in errors.go; what the login service refuses in another,
// loginVerdicts in loginerrors.go. A claims challenge is met by the next token, not by a second request.
//
// # Pace
//
// Calls wait for their turn, so that Microsoft's rates are kept and Graph need not throttle; what it throttles all the same is
// left alone until its time is over, and nothing else. See pace.go. Which of several conversations writes next is decided
// by the gateway, which shares out PostInterval.
//
// # Clouds
//
// What a national cloud lacks is in one table, clouds.go. Capabilities follow from it, and nothing is tried that it lacks.
package msteams
