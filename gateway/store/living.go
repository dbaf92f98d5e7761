package store

import (
	"context"
	"fmt"
	"time"

	"causeway/bridge"
)

const livingQuery = `SELECT p.id FROM conversations c JOIN parts p ON p.conversation = c.id
	JOIN instances i ON i.id = p.instance JOIN messages m ON m.id = i.message
	WHERE c.server = $1 AND c.channel = $2 AND p.id IS NOT NULL AND p.number >= 0 AND p.deleted = 0 AND (m.created >= $3 OR p.posted >= $3)`

// Living gives the posts of a conversation that were made since a time, our own among them, and are not known to be
// deleted. It reads beside the writer and holds up nothing.
func (s *Store) Living(ctx context.Context, c bridge.ConversationID, since time.Time) ([]bridge.MessageID, error) {
	all, err := s.living(ctx, c, since)
	if err != nil {
		return nil, fmt.Errorf("reading which posts are there: %w", err)
	}
	return all, nil
}

func (s *Store) living(ctx context.Context, c bridge.ConversationID, since time.Time) ([]bridge.MessageID, error) {
	rows, err := s.rowsBeside(ctx, livingQuery, string(c.Server), string(c.Channel), since.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []bridge.MessageID
	for rows.Next() {
		var id bridge.MessageID
		if err := rows.Scan((*string)(&id)); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
