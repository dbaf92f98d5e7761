package store

import (
	"context"
	"fmt"
	"time"

	"causeway/bridge"
)

// Traffic is how much was said in a conversation within an hour of the clock, by people, not by Causeway.
type Traffic struct {
	Origin bridge.ConversationID
	// Hour is when it began, by UTC; Last, when the last message of it was made.
	Hour, Last time.Time
	Messages   int
}

// trafficQuery reads the index on the time of messages and nothing else of them, so it costs what was said since then.
const trafficQuery = `SELECT c.server, c.channel, h.hour, h.number, h.last FROM (
	SELECT origin, created / 3600000 AS hour, COUNT(*) AS number, MAX(created) AS last FROM messages WHERE created >= $1 GROUP BY origin, created / 3600000
) h JOIN conversations c ON c.id = h.origin`

// lastQuery reads a row for each pair of conversations, however many messages there are.
const lastQuery = "SELECT c.server, c.channel, d.last FROM (SELECT origin, MAX(created) AS last FROM departures GROUP BY origin) d JOIN conversations c ON c.id = d.origin"

// Last gives when the youngest message of each conversation was made that has left for another one, however long ago. It reads beside the writer.
func (s *Store) Last(ctx context.Context) (map[bridge.ConversationID]time.Time, error) {
	all, err := s.last(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking when something was said last: %w", err)
	}
	return all, nil
}

func (s *Store) last(ctx context.Context) (map[bridge.ConversationID]time.Time, error) {
	rows, err := s.rowsBeside(ctx, lastQuery)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[bridge.ConversationID]time.Time{}
	for rows.Next() {
		var c bridge.ConversationID
		var at int64
		if err := rows.Scan((*string)(&c.Server), (*string)(&c.Channel), &at); err != nil {
			return nil, err
		}
		all[c] = time.UnixMilli(at)
	}
	return all, rows.Err()
}

// Traffic gives what was said since a time, in no order. It reads beside the writer.
func (s *Store) Traffic(ctx context.Context, since time.Time) ([]Traffic, error) {
	all, err := s.traffic(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("counting messages: %w", err)
	}
	return all, nil
}

func (s *Store) traffic(ctx context.Context, since time.Time) ([]Traffic, error) {
	rows, err := s.rowsBeside(ctx, trafficQuery, since.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []Traffic
	for rows.Next() {
		var t Traffic
		var hour, last int64
		if err := rows.Scan((*string)(&t.Origin.Server), (*string)(&t.Origin.Channel), &hour, &t.Messages, &last); err != nil {
			return nil, err
		}
		t.Hour, t.Last = time.UnixMilli(hour*time.Hour.Milliseconds()), time.UnixMilli(last)
		all = append(all, t)
	}
	return all, rows.Err()
}
