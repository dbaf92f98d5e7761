package gateway

import (
	"context"
	"errors"
	"fmt"

	"causeway/bridge"
	"causeway/gateway/store"
)

// withdraw takes back what the account has told a person by a direct message, as the message that it showed was deleted. Where somebody has answered it in its thread, it
// is blanked. What is not there any more, or was never told, is done.
func (l *lane) withdraw(ctx context.Context, p *place, step store.Step) error {
	b, me := p.account.Bridge, p.account.identity.Load()
	if me == nil {
		return errors.New("taking back what was shown by a direct message: the account is not connected yet")
	}
	c, err := b.OpenConversation(ctx, bridge.Opening{People: []bridge.UserID{me.User, step.Notice.User}})
	if err != nil {
		return fmt.Errorf("taking back what was shown by a direct message: %w", err)
	}
	draft := bridge.Draft{Conversation: c, Text: blank.text, Key: step.Notice.Key}
	ids, err := b.Find(ctx, draft, step.Since.Add(-clockMargin)) // its key tells it from whatever else was said since
	if err != nil {
		return fmt.Errorf("taking back what was shown by a direct message: %w", err)
	}
	for _, id := range ids {
		err := b.Delete(ctx, bridge.Target{Conversation: c, ID: id})
		if err != nil && bridge.KindOf(err) == bridge.Unsupported {
			err = b.Edit(ctx, id, draft)
		}
		if err != nil && bridge.KindOf(err) != bridge.Gone {
			return fmt.Errorf("taking back what was shown by a direct message: %w", err)
		}
	}
	return nil
}
