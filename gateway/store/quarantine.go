package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
)

// Quarantined is an instance that could not be delivered.
type Quarantined struct {
	ID     int64
	Target bridge.ConversationID
	Origin bridge.ConversationID
	Author string
	// Created is when it was said, Since when it was quarantined.
	Created, Since time.Time
	Reason         string
}

// ErrNotQuarantined: there is no such instance in quarantine.
var ErrNotQuarantined = errors.New("not in quarantine: `causeway quarantine list` shows what is")

// Quarantine lists what could not be delivered, oldest first.
func (s *Store) Quarantine(ctx context.Context) ([]Quarantined, error) {
	var all []Quarantined
	err := s.do(ctx, func(t *tx) error {
		all = nil
		type ref struct{ target, origin int64 }
		var refs []ref
		err := t.each(`SELECT i.id, i.conversation, m.origin, m.body, m.created, i.quarantined, i.reason
			FROM instances i JOIN messages m ON m.id = i.message WHERE i.reason IS NOT NULL ORDER BY i.id`, nil, func(rows *sql.Rows) error {
			var q Quarantined
			var r ref
			var text []byte
			var created, since int64
			if err := rows.Scan(&q.ID, &r.target, &r.origin, &text, &created, &since, &q.Reason); err != nil {
				return err
			}
			body, err := decode(text)
			if err != nil {
				return err
			}
			if body != nil {
				q.Author = body.Author.Name
			}
			q.Created, q.Since = time.UnixMilli(created), time.UnixMilli(since)
			all, refs = append(all, q), append(refs, r)
			return nil
		})
		for i := 0; err == nil && i < len(all); i++ {
			if all[i].Target, err = t.name(refs[i].target); err == nil {
				all[i].Origin, err = t.name(refs[i].origin)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the quarantine: %w", err)
	}
	return all, nil
}

// Numbers are those by which an instance in quarantine is called, and the message of which it is one.
type Numbers struct{ Instance, Message int64 }

// QuarantinedBefore gives those that have been there since before a time.
func (s *Store) QuarantinedBefore(ctx context.Context, at time.Time) ([]Numbers, error) {
	var all []Numbers
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT id, message FROM instances WHERE reason IS NOT NULL AND quarantined < $1 ORDER BY id", []any{at.UnixMilli()}, func(rows *sql.Rows) error {
			var n Numbers
			err := rows.Scan(&n.Instance, &n.Message)
			all = append(all, n)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the quarantine: %w", err)
	}
	return all, nil
}

// Retry puts an instance back into its lane and gives its conversation.
func (s *Store) Retry(ctx context.Context, id int64) (bridge.ConversationID, error) {
	return s.release(ctx, id, func(t *tx) error {
		return t.exec("UPDATE instances SET reason = NULL, rank = (SELECT created FROM messages m WHERE m.id = message) WHERE id = $1", id)
	})
}

// Drop gives an instance up: it is as if somebody there had deleted it. What its lane still has to do is to remove the files that were carried for it and that nothing
// shows.
func (s *Store) Drop(ctx context.Context, id int64) (bridge.ConversationID, error) {
	return s.release(ctx, id, func(t *tx) error {
		if err := t.exec("UPDATE instances SET reason = NULL, phase = $1 WHERE id = $2", int(Removed), id); err != nil {
			return err
		}
		left, err := t.change(`UPDATE files SET state = 3 WHERE instance = $1 AND reference IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM parts p WHERE p.instance = $1 AND p.number >= 0 AND (p.id IS NOT NULL OR p.intent IS NOT NULL))`, id)
		if err != nil {
			return err
		}
		if left > 0 {
			if err := t.exec("UPDATE instances SET rank = (SELECT created FROM messages m WHERE m.id = message) WHERE id = $1", id); err != nil {
				return err
			}
		}
		if err := t.exec("UPDATE parts SET intent = NULL, addressed = '' WHERE instance = $1 AND intent IS NOT NULL", id); err != nil {
			return err
		}
		var message int64
		if err := t.row("SELECT message FROM instances WHERE id = $1", id).Scan(&message); err != nil {
			return err
		}
		return t.forgetText(message)
	})
}

func (s *Store) release(ctx context.Context, id int64, change func(*tx) error) (bridge.ConversationID, error) {
	var c bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		var conversation int64
		found, err := t.found("SELECT conversation FROM instances WHERE id = $1 AND reason IS NOT NULL", []any{id}, &conversation)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotQuarantined
		}
		if c, err = t.name(conversation); err != nil {
			return err
		}
		return change(t)
	})
	if err != nil {
		return c, fmt.Errorf("message %d: %w", id, err)
	}
	return c, nil
}
