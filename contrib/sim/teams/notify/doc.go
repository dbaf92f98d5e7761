// Package notify is the delivering half of change notifications in the Teams stand-in: it encrypts, signs, posts,
// repeats and, when told to, misbehaves. It knows nothing of teams and channels; the stand-in hands it an [Item] for
// each subscription that a change concerns.
//
// # Design
//
// An [Engine] keeps one lane per notification URL. Items wait in the lane in the order in which they were sent, and up
// to [Config.Parallel] posts of a lane are on their way at once (one by default, so that without faults nothing
// overtakes). A post that is not acknowledged is repeated with growing intervals while the lane goes on, which is how
// the real service reorders. Nothing runs while there is nothing to deliver; [Engine.Close] ends everything and waits.
//
// All times are times of the stand-in's deliveries: [Config.Speed] says how many of their seconds pass in one second of
// the test. Only the time limits of a single request (handshake, acknowledgement) are real ones.
//
// Sources: the pages change-notifications-delivery-webhooks, change-notifications-with-resource-data and
// change-notifications-lifecycle-events of the Graph documentation. What they leave open is marked "choice".
package notify
