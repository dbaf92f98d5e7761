package bridgetest_test

import (
	"context"

	"causeway/bridge"
)

var mentionProofs = []proof{
	{"states in which mentions are words", "mentions are reported as whom they call", `calls []`, state(func(s *bridge.State) { s.Text = s.Text.Literal() })},
	{"an address that leads elsewhere", "the address of a message leads to it", "leads to", func(_ *handle, b *broken) {
		b.address = func(c bridge.ConversationID, id bridge.MessageID) string { return b.Bridge.Address(c, id) + "0" }
	}},
	{"one address for all", "the address of a message leads to it", "two messages lie at", func(_ *handle, b *broken) {
		b.address = func(c bridge.ConversationID, _ bridge.MessageID) string { return b.Bridge.Address(c, "m1") }
	}},
	{"posts in which mentions are words", "a mention notifies whom it calls and nobody else", "notifies 0, want 1", drafted(func(d *bridge.Draft) { d.Text = d.Text.Literal() })},
	{"edits in which mentions are words", "a mention notifies whom it calls and nobody else", "after the edit", func(_ *handle, b *broken) {
		b.edit = func(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
			d.Text = d.Text.Literal()
			return b.Bridge.Edit(ctx, id, d)
		}
	}},
}
