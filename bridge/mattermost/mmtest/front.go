package mmtest

import (
	"context"
	"sync"

	"causeway/bridge"
)

// Front is a [bridge.Front] that answers as the test says, and remembers what it was asked.
type Front struct {
	mu       sync.Mutex
	triggers []bridge.Trigger
	command  bridge.Reply
	press    bridge.Reply
	commands []bridge.Command
	presses  []bridge.Press
	arrived  []bridge.UserID
	awaited  bridge.Circle
	careless bool
}

var _ bridge.Front = (*Front)(nil)

// Offer sets the words to register.
func (f *Front) Offer(t ...bridge.Trigger) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.triggers = t
}

// Answer sets the replies to commands and presses.
func (f *Front) Answer(command, press bridge.Reply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.command, f.press = command, press
}

// Triggers gives what Offer has set.
func (f *Front) Triggers() []bridge.Trigger {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.triggers
}

// Command remembers it and gives what Answer has set.
func (f *Front) Command(_ context.Context, c bridge.Command) bridge.Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commands = append(f.commands, c)
	return f.command
}

// Press remembers it and gives what Answer has set.
func (f *Front) Press(_ context.Context, p bridge.Press) bridge.Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.presses = append(f.presses, p)
	return f.press
}

// Await sets of whom it matters that they come online; ok false: of nobody.
func (f *Front) Await(ok bool, of bridge.Circle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awaited, f.careless = of, !ok
}

// Awaited gives what Await has set; everybody before that.
func (f *Front) Awaited() (of bridge.Circle, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.awaited, !f.careless
}

// Arrived remembers who.
func (f *Front) Arrived(_ context.Context, users []bridge.UserID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrived = append(f.arrived, users...)
}

// Seen gives all commands and presses so far, and who has arrived.
func (f *Front) Seen() (commands []bridge.Command, presses []bridge.Press, arrived []bridge.UserID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(commands, f.commands...), append(presses, f.presses...), append(arrived, f.arrived...)
}
