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

// keeps decides whether somebody keeps what was to be taken back from them.
func (l *lane) keeps(ctx context.Context, err error) bool {
	switch bridge.KindOf(err) {
	case bridge.Gone: // there is no such person any more
		return true
	case bridge.Rejected, bridge.Unsupported:
	default:
		p := l.gateway.table.Load().at(l.name)
		if p == nil || l.failures < poisonedTries || !l.overdue() || !p.account.works(ctx, l.since) {
			return false
		}
	}
	l.log.WithError(err).Warn("a message was deleted, and somebody keeps what they were shown of it by a direct message")
	return true
}
