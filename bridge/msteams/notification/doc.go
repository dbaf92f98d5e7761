// Package notification reads the change notifications of Microsoft Graph: everything about them that needs neither a
// network nor a store.
//
// # The way of a notification
//
// [Parse] reads the body of a delivery and leaves alone what is encrypted in it. Each [Item] then passes four gates, the
// cheapest first, so that a forged one costs next to nothing:
//
//  1. its client state is the one that was given to its subscription: [ClientStates.Valid];
//  2. its [Resource] is one that is wanted; the conversation is known from it before anything is decrypted;
//  3. its tenant is vouched for by a validation token of the same delivery: [Validator.Verify], [Vouched.Check];
//  4. its content opens: [Keys.Open].
//
// The last two are for items with resource data, [Item.Rich], only: the others, events in the life of a subscription
// among them, come without tokens. They bring nothing but a name, and what it names must be read from Graph.
//
// What a validation token proves is that Graph made a delivery for this app and tenant, not which one: it is not bound
// to the items. The client state, which only Graph knows, is the second half of the proof.
//
// # Errors
//
// One bad item spoils no other: it carries its own error, and Parse fails only when the body as a whole is unreadable or
// beyond a limit. [Keys.Open] has a single error for whatever is wrong with the encrypted content, so that nobody learns
// from answers at which step a forged one failed. A [TokenError] names its reason and, where there is one, the way out.
//
// Sources, on learn.microsoft.com/graph: change-notifications-delivery-webhooks, change-notifications-lifecycle-events,
// change-notifications-with-resource-data; changeNotificationCollection and what it contains in Microsoft's schema.
package notification
