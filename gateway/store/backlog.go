package store

import (
	"context"
	"fmt"
	"time"

	"causeway/bridge"
)

// Backlog is what has not arrived in a conversation.
type Backlog struct {
	// Waiting are the messages that it lacks, wholly or in their present form, and Oldest is since when the first of them waits;
	// zero when none does.
	Waiting int
	Oldest  time.Time
	// Quarantined are those that could not be delivered, and Stuck is since when the first of them is there; zero when
	// none is.
	Quarantined int
	Stuck       time.Time
}

// backlogQuery reads the two partial indexes, so it costs what is waiting and quarantined, however much is settled.
const backlogQuery = `SELECT c.server, c.channel, b.waiting, b.oldest, b.quarantined, b.stuck FROM (
	SELECT conversation, SUM(waiting) AS waiting, MAX(oldest) AS oldest, SUM(quarantined) AS quarantined, MAX(stuck) AS stuck FROM (
		SELECT conversation, COUNT(*) AS waiting, MIN(rank) AS oldest, 0 AS quarantined, 0 AS stuck
			FROM instances INDEXED BY instances_lacking WHERE rank IS NOT NULL GROUP BY conversation
		UNION ALL
		SELECT conversation, 0, 0, COUNT(*), MIN(quarantined)
			FROM instances INDEXED BY instances_quarantined WHERE reason IS NOT NULL GROUP BY conversation
	) each GROUP BY conversation
) b JOIN conversations c ON c.id = b.conversation`

// Backlogs gives the conversations in which something has not arrived. It reads beside the writer and holds up nothing.
func (s *Store) Backlogs(ctx context.Context) (map[bridge.ConversationID]Backlog, error) {
	all, err := s.backlogs(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading what is waiting: %w", err)
	}
	return all, nil
}

func (s *Store) backlogs(ctx context.Context) (map[bridge.ConversationID]Backlog, error) {
	rows, err := s.rowsBeside(ctx, backlogQuery)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[bridge.ConversationID]Backlog{}
	for rows.Next() {
		var c bridge.ConversationID
		var b Backlog
		var oldest, stuck int64
		if err := rows.Scan((*string)(&c.Server), (*string)(&c.Channel), &b.Waiting, &oldest, &b.Quarantined, &stuck); err != nil {
			return nil, err
		}
		if b.Waiting > 0 {
			b.Oldest = time.UnixMilli(oldest)
		}
		if b.Quarantined > 0 {
			b.Stuck = time.UnixMilli(stuck)
		}
		all[c] = b
	}
	return all, rows.Err()
}
