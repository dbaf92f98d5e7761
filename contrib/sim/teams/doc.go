// Package teams is a stand-in for Microsoft Teams: Microsoft Graph v1.0 and Entra ID (the login service) on
// loopback, for tests and demonstrations. It is stricter than Microsoft: where the documentation leaves a choice, it
// takes the one that catches a careless client.
//
// # Design
//
// A [Sim] is an [http.Handler] that holds whole tenants in memory: users, teams, channels, messages, app
// registrations and tokens. One mutex guards all of it; a request takes effect wholly or not at all. Graph lives under
// /v1.0, Entra under /{tenant}/oauth2/v2.0. [Start] puts it on a TCP port; [Sim.Transport] serves requests in the
// calling goroutine, without a network, so that it works inside a testing/synctest bubble.
//
// What people do in the Teams program is done by the driver ([Sim.Say], [Sim.Reply], [Sim.Edit], …), not through
// Graph, and what they see is read with [Sim.Messages].
//
// # What it enforces
//
//   - App-only tokens may read and never write messages. Delegated tokens need the documented permission and the
//     signed-in user must be a member. Only the author edits; the author or an owner of the team deletes.
//   - Message ids are epoch milliseconds, unique inside their channel only: messages that appear in two channels within
//     ten milliseconds deliberately get the same id.
//   - etag is lastModifiedDateTime in milliseconds. Reactions move it, edits move it and lastEditedDateTime, which lies
//     a little earlier. Deleted messages stay in lists, emptied. With [Options.DeletionMovesNothing] a deletion is
//     visible by deletedDateTime only, as in the one documented sample.
//   - Lists are ordered by the last change anywhere in the thread, newest first; nextLinks are opaque and must be
//     followed whole; a page may be empty and still have a nextLink.
//   - Unknown query options and unknown or read-only JSON properties are refused.
//   - HTML is normalised on the way in, see [NormaliseHTML].
//   - Subscriptions pass the handshake, live three days at most, deliver under the token that they were made or renewed
//     with and pause without it. Resource data is encrypted, and posts carry validation tokens that the OpenID
//     configuration of the tenant verifies. Package notify delivers; [Options.Webhooks] says how.
//   - People sign in at a page that lists them, with PKCE (S256) and an address that is registered letter by letter; what cannot go back
//     to the app is said on the page. A code is redeemed once, within ten minutes, by an app that proves itself.
//   - users/delta tells of changes no more than what has changed, tells some twice, and its tokens end after seven days. Who is
//     deleted is gone everywhere but in directory/deletedItems. What is not in the basic profile needs User.Read.All.
//   - What a national cloud lacks is refused there, see [Options.Cloud].
//   - Two people have one chat, and each POST of a group makes another one. The chat with oneself (48:notes) is on no page of Graph, so there
//     is none. In a list of messages a $filter counts only with the $orderby of the same property, and a list of chats that is ordered by the
//     last message leaves out those without any. Who joins, leaves and renames is told by notices among the messages.
//
// # Failing on purpose
//
// [Sim.Inject] scripts faults: statuses with or without Retry-After, requests lost before and answers lost after they
// took effect, delays. [Sim.SetChaos] does so at random from a seed, [Sim.Outage] stops everything, and
// [Options.Throttle] applies the documented rate limits. [Sim.Requests] tells who called what. [Sim.SetWebhookFaults] lets
// notifications be late, doubled, reordered, lost or accompanied by forged ones, [Sim.WebhookOutage] cuts them off, and
// [Sim.AwaitDeliveries] waits until all are through. [Sim.FailLogin] gives the errors of the login service.
//
// [Tenant.AddChat], [Sim.AddToChat], [Sim.RemoveFromChat], [Sim.RenameChat] and [Quoting] are for chats.
//
// [Sim.Authorize] is a browser at the authorization page, [Sim.WithdrawConsent] takes a consent back. [User.SetDisabled],
// [User.SetLicensed], [User.Delete], [User.Restore] and [User.Purge] are an administrator of the directory, and [Tenant.ForgetDeltas] makes
// readers of it begin anew.
//
// Where the answer of the real service is not documented, the choice made here is marked "choice" in the code.
package teams
