package bridge

// Event is a kind of what happens to a conversation without anybody saying it, which services show as lines between the messages. A [State] of one
// is a message whose author did it and whose text tells it; it calls nobody.
type Event string

// The kinds of events.
const (
	// EventMembers: somebody was added, has joined, has left, or was removed.
	EventMembers Event = "members"
	// EventRenamed: the conversation, or the team that it is in, has another name.
	EventRenamed Event = "renamed"
	// EventDescription: what stands beside the name says something else.
	EventDescription Event = "description"
	// EventCalls: a call or meeting has begun or ended, or there is a recording of it.
	EventCalls Event = "calls"
	// EventPinned: a message was pinned, or is not any more.
	EventPinned Event = "pinned"
)

// Events gives all kinds.
func Events() []Event {
	return []Event{EventMembers, EventRenamed, EventDescription, EventCalls, EventPinned}
}
