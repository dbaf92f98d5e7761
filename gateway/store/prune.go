package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"causeway/bridge"
)

// Pruned tells what Prune has done.
type Pruned struct {
	// Messages are so many that were forgotten.
	Messages int
	// Next is from when on to look next; Done: there is nothing left to be looked at.
	Next time.Time
	Done bool
}

// pruneMost is how many messages are forgotten in one transaction, which takes some milliseconds then.
const pruneMost = 100

// oldQuery finds messages of which everything is settled, and nothing is younger: no post of theirs, no answer to them. So those threads
// stay whole in which somebody still writes.
const oldQuery = `SELECT m.id, m.created FROM messages m WHERE m.created >= $1 AND m.created < $2
	AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.message = m.id AND (i.rank IS NOT NULL OR i.reason IS NOT NULL OR i.held = 1 AND i.origin = 0 AND (i.phase = 0 OR i.version < m.version)
		OR EXISTS (SELECT 1 FROM parts p WHERE p.instance = i.id AND (p.posted >= $2 OR p.intent IS NOT NULL))))
	AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.root = m.id) ORDER BY m.created LIMIT $3`

// Prune forgets some of the settled messages that were made between two times, oldest first. Whatever is seen of them later is not taken for new: the beginnings of the
// conversations in which they are move behind them. So nothing is forgotten that is in a conversation of which unread says that not all has been read that was said
// there before; nil: all has.
func (s *Store) Prune(ctx context.Context, from, before time.Time, unread func(bridge.ConversationID) bool) (Pruned, error) {
	p, err := s.prune(ctx, from, before, unread)
	if err != nil {
		return p, fmt.Errorf("forgetting old messages: %w", err)
	}
	return p, nil
}

func (s *Store) prune(ctx context.Context, from, before time.Time, unread func(bridge.ConversationID) bool) (Pruned, error) {
	// It is looked for beside the writer: where there is much that must stay, that may take a while.
	rows, err := s.rowsBeside(ctx, oldQuery, millis(from), before.UnixMilli(), pruneMost)
	if err != nil {
		return Pruned{}, err
	}
	defer rows.Close()
	var old []int64
	var created int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id, &created); err != nil {
			return Pruned{}, err
		}
		old = append(old, id)
	}
	if err := rows.Err(); err != nil || len(old) == 0 {
		return Pruned{Done: true}, err
	}
	_ = rows.Close()
	p := Pruned{Next: time.UnixMilli(created), Done: len(old) < pruneMost}
	if p.Next.Equal(from) { // all of them must stay, as they are of one moment, else it would not end
		p.Next = p.Next.Add(time.Millisecond)
	}
	err = s.do(ctx, func(t *tx) error {
		p.Messages = 0
		for _, id := range old {
			gone, err := t.pruneOne(id, before.UnixMilli(), unread)
			if err != nil {
				return err
			}
			if gone {
				p.Messages++
			}
		}
		return nil
	})
	return p, err
}

// pruneOne forgets one message, unless that is needed by now, or may be taken for what was not read yet.
func (t *tx) pruneOne(message, before int64, unread func(bridge.ConversationID) bool) (bool, error) {
	var origin, created int64
	still, err := t.found(`SELECT m.origin, m.created FROM messages m WHERE m.id = $1
		AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.message = m.id AND (i.rank IS NOT NULL OR i.reason IS NOT NULL OR i.held = 1 AND i.origin = 0 AND (i.phase = 0 OR i.version < m.version)))
		AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.root = m.id)`, []any{message}, &origin, &created)
	if err != nil || !still {
		return false, err
	}
	if stays, err := t.isIn(message, unread); err != nil || stays {
		return false, err
	}
	if err := t.raise(origin, created+1); err != nil {
		return false, err
	}
	if err := t.raiseCopies(message, before); err != nil {
		return false, err
	}
	const its = "(SELECT id FROM instances WHERE message = $1)"
	for _, table := range []string{"reactions", "own_reactions", "files", "parts", "attempts"} {
		if err := t.exec("DELETE FROM "+table+" WHERE instance IN "+its, message); err != nil {
			return false, err
		}
	}
	if err := t.exec("DELETE FROM asides WHERE state = 0 AND instance IN "+its, message); err != nil {
		return false, err
	}
	if err := t.exec("DELETE FROM instances WHERE message = $1", message); err != nil {
		return false, err
	}
	return true, t.exec("DELETE FROM messages WHERE id = $1", message)
}

// isIn reports whether a message has an instance in one of some conversations; nil: in none.
func (t *tx) isIn(message int64, some func(bridge.ConversationID) bool) (is bool, err error) {
	if some == nil {
		return false, nil
	}
	var all []int64
	if err := t.each("SELECT conversation FROM instances WHERE message = $1", []any{message}, func(rows *sql.Rows) error {
		var c int64
		err := rows.Scan(&c)
		all = append(all, c)
		return err
	}); err != nil {
		return false, err
	}
	for _, id := range all {
		c, err := t.name(id)
		if err != nil || some(c) {
			return err == nil, err
		}
	}
	return false, nil
}

// raise moves the beginning of a conversation.
func (t *tx) raise(conversation, begins int64) error {
	return t.exec("UPDATE conversations SET begins = $1 WHERE id = $2 AND begins < $1", begins, conversation)
}

// copyMargin is how much younger than our attempt a post may be by the clock of its service, in milliseconds.
const copyMargin = 5 * 60 * 1000

// raiseCopies moves the beginnings of the conversations in which a message has copies.
func (t *tx) raiseCopies(message, before int64) error {
	type copied struct{ conversation, posted int64 }
	var all []copied
	err := t.each("SELECT p.conversation, MAX(p.posted) FROM instances i JOIN parts p ON p.instance = i.id WHERE i.message = $1 AND i.origin = 0 GROUP BY p.conversation",
		[]any{message}, func(rows *sql.Rows) error {
			var c copied
			err := rows.Scan(&c.conversation, &c.posted)
			all = append(all, c)
			return err
		})
	for i := 0; err == nil && i < len(all); i++ {
		err = t.raise(all[i].conversation, min(all[i].posted+copyMargin, before))
	}
	return err
}
