package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"causeway/bridge"
)

// Sighting is a message as a search lists it.
type Sighting struct {
	// ID is that of the message in the store, for [Store.Journey].
	ID       int64
	Origin   bridge.ConversationID
	OriginID bridge.MessageID
	Author   bridge.UserID
	Created  time.Time
	Deleted  bool
	// Copies are the instances that it has or is to have elsewhere; so many of them are Waiting, or Quarantined.
	Copies, Waiting, Quarantined int
}

// byIDQuery looks into each conversation by the index of its posts, so it costs the number of conversations, however many messages there are:
// an id is unique within its conversation only. The join is a cross join so that SQLite keeps this order; PostgreSQL takes no ON with it.
const byIDQuery = `SELECT DISTINCT i.message FROM conversations c CROSS JOIN parts p JOIN instances i ON i.id = p.instance
	WHERE p.conversation = c.id AND p.id = $1 LIMIT $2`

// ByID finds at most limit messages of which any instance has one of these ids, in the order of ids. It reads beside the writer.
func (s *Store) ByID(ctx context.Context, ids []string, limit int) ([]Sighting, error) {
	var all []Sighting
	seen := map[int64]bool{}
	for _, id := range ids {
		messages, err := s.numbers(ctx, byIDQuery, id, limit)
		if err != nil {
			return nil, fmt.Errorf("looking for a message: %w", err)
		}
		for _, m := range messages {
			if seen[m] || len(all) == limit {
				continue
			}
			seen[m] = true
			one, err := s.sighted(ctx, m)
			if err != nil {
				return nil, fmt.Errorf("looking for a message: %w", err)
			}
			all = append(all, one...)
		}
	}
	return all, nil
}

// Window is what [Store.Between] looks through.
type Window struct {
	// From, and up to, but without, To.
	From, To time.Time
	// Authors are ids of users at the origin; empty: whoever it was.
	Authors []bridge.UserID
}

// mostLooked is how many messages one search looks through: with it the longest takes some tens of milliseconds.
const mostLooked = 20_000

// Between finds at most limit messages that were made within a window, newest first. cut is when it has stopped looking, as it had looked
// through so many of them; zero: at the window's beginning. It reads beside the writer, by the index on times.
func (s *Store) Between(ctx context.Context, w Window, limit int) (all []Sighting, cut time.Time, err error) {
	var messages []int64
	if messages, cut, err = s.between(ctx, w, limit, mostLooked); err == nil {
		for _, m := range messages {
			var one []Sighting
			if one, err = s.sighted(ctx, m); err != nil {
				break
			}
			all = append(all, one...)
		}
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("looking for messages by their time: %w", err)
	}
	return all, cut, nil
}

// betweenQuery's inner part is bounded; whoever has written them stands in the rows that it leads to.
func betweenQuery(authors int) string {
	if authors == 0 {
		return "SELECT id FROM messages WHERE created >= $1 AND created < $2 ORDER BY created DESC, id DESC LIMIT $3"
	}
	marks := make([]string, authors)
	for i := range marks {
		marks[i] = fmt.Sprint("$", i+5)
	}
	return `SELECT m.id FROM (SELECT id, created FROM messages WHERE created >= $1 AND created < $2 ORDER BY created DESC LIMIT $4) w
		JOIN messages m ON m.id = w.id WHERE m.author IN (` + strings.Join(marks, ", ") + `) ORDER BY w.created DESC, w.id DESC LIMIT $3`
}

func (s *Store) between(ctx context.Context, w Window, limit, most int) (messages []int64, cut time.Time, err error) {
	args := []any{w.From.UnixMilli(), w.To.UnixMilli(), limit}
	if len(w.Authors) > 0 {
		args = append(args, most)
		var last sql.NullInt64
		err := s.beside(ctx, "SELECT created FROM messages WHERE created >= $1 AND created < $2 ORDER BY created DESC LIMIT 1 OFFSET $3",
			args[0], args[1], most).Scan(&last)
		if err != nil && err != sql.ErrNoRows {
			return nil, time.Time{}, err
		}
		cut = timeOf(last.Int64)
	}
	for _, u := range w.Authors {
		args = append(args, string(u))
	}
	messages, err = s.numbers(ctx, betweenQuery(len(w.Authors)), args...)
	return messages, cut, err
}

// numbers gives the one column of a query.
func (s *Store) numbers(ctx context.Context, query string, args ...any) ([]int64, error) {
	rows, err := s.rowsBeside(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// sighted reads one message; none when it is not there any more.
func (s *Store) sighted(ctx context.Context, message int64) ([]Sighting, error) {
	one := Sighting{ID: message}
	var created int64
	err := s.beside(ctx, `SELECT c.server, c.channel, m.origin_id, m.author, m.created, m.deleted,
			(SELECT COUNT(*) FROM instances i WHERE i.message = m.id AND i.origin = 0),
			(SELECT COUNT(*) FROM instances i WHERE i.message = m.id AND i.rank IS NOT NULL),
			(SELECT COUNT(*) FROM instances i WHERE i.message = m.id AND i.reason IS NOT NULL)
		FROM messages m JOIN conversations c ON c.id = m.origin WHERE m.id = $1`, message).
		Scan((*string)(&one.Origin.Server), (*string)(&one.Origin.Channel), (*string)(&one.OriginID), (*string)(&one.Author), &created, &one.Deleted,
			&one.Copies, &one.Waiting, &one.Quarantined)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	one.Created = time.UnixMilli(created)
	return []Sighting{one}, err
}
