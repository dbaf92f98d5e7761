package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
)

// Speaker is somebody in a conversation.
type Speaker struct {
	Conversation bridge.ConversationID
	User         bridge.UserID
}

// Delay is that messages of somebody have not arrived.
type Delay struct {
	Speaker
	Target bridge.ConversationID
	// Oldest is when the first of them was said.
	Oldest time.Time
}

// anEvent is in the body of each event, and of nothing else: in what people write, quotes are escaped. PostgreSQL writes bytes as text in hexadecimal.
const (
	anEvent    = `%"Event":"%`
	anEventHex = `\\x%224576656e74223a22%`
)

// Delays gives whose messages, said before a time, still wait to be posted. Nobody has said an event. It reads beside the writer, and costs what is waiting.
func (s *Store) Delays(ctx context.Context, before time.Time) ([]Delay, error) {
	rows, err := s.rowsBeside(ctx, `SELECT o.server, o.channel, m.author, c.server, c.channel, MIN(m.created)
		FROM instances i INDEXED BY instances_lacking JOIN messages m ON m.id = i.message JOIN conversations o ON o.id = m.origin JOIN conversations c ON c.id = i.conversation
		WHERE i.rank IS NOT NULL AND i.origin = 0 AND i.phase = 0 AND m.deleted = 0 AND m.created < $1 AND m.author <> '' AND CAST(m.body AS TEXT) NOT LIKE $2 AND CAST(m.body AS TEXT) NOT LIKE $3
		GROUP BY o.server, o.channel, m.author, c.server, c.channel`, before.UnixMilli(), anEvent, anEventHex)
	if err != nil {
		return nil, fmt.Errorf("reading what is late: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Delay
	for rows.Next() {
		var d Delay
		var oldest int64
		if err := rows.Scan((*string)(&d.Conversation.Server), (*string)(&d.Conversation.Channel), (*string)(&d.User), (*string)(&d.Target.Server), (*string)(&d.Target.Channel), &oldest); err != nil {
			return nil, err
		}
		d.Oldest = time.UnixMilli(oldest)
		all = append(all, d)
	}
	return all, rows.Err()
}

// Waits gives where messages of somebody still wait to be posted, and whether some are held until they have connected again. It reads beside the writer.
func (s *Store) Waits(ctx context.Context, who Speaker) (targets []bridge.ConversationID, held bool, err error) {
	const of = ` JOIN messages m ON m.id = i.message JOIN conversations o ON o.id = m.origin JOIN conversations c ON c.id = i.conversation
		WHERE m.author = $1 AND o.server = $2 AND o.channel = $3 AND i.origin = 0 AND m.deleted = 0 AND `
	rows, err := s.rowsBeside(ctx, "SELECT c.server, c.channel, 0 FROM instances i INDEXED BY instances_lacking"+of+"i.rank IS NOT NULL AND i.phase = 0 UNION "+
		"SELECT c.server, c.channel, 1 FROM instances i INDEXED BY instances_held"+of+"i.held = 1 AND (i.phase = 0 OR i.version < m.version)", string(who.User), string(who.Conversation.Server), string(who.Conversation.Channel))
	if err != nil {
		return nil, false, fmt.Errorf("reading what waits: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c bridge.ConversationID
		var holds bool
		if err := rows.Scan((*string)(&c.Server), (*string)(&c.Channel), &holds); err != nil {
			return nil, false, err
		}
		if held = held || holds; !holds {
			targets = append(targets, c)
		}
	}
	return targets, held, rows.Err()
}

// Delayed gives those who know that messages of theirs are late, or are about to be told.
func (s *Store) Delayed(ctx context.Context) ([]Speaker, error) {
	var all []Speaker
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT c.server, c.channel, d.uid FROM delays d JOIN conversations c ON c.id = d.conversation ORDER BY c.server, c.channel, d.uid", nil, func(rows *sql.Rows) error {
			var one Speaker
			err := rows.Scan((*string)(&one.Conversation.Server), (*string)(&one.Conversation.Channel), (*string)(&one.User))
			all = append(all, one)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("reading who knows what is late: %w", err)
	}
	return all, err
}

// Delay has somebody told, once, that messages of theirs are late: of all these conversations of one server together, in the first of which they do not know
// it yet. While that waits to be told, more are folded into it.
func (s *Store) Delay(ctx context.Context, all []Speaker, text string) error {
	return s.lateness(ctx, all, func(t *tx, server bridge.ServerID, u bridge.UserID, here []int64) error {
		var news []int64
		for _, c := range here {
			var one int
			if known, err := t.found("SELECT 1 FROM delays WHERE conversation = $1 AND uid = $2", []any{c, string(u)}, &one); err != nil {
				return err
			} else if !known {
				news = append(news, c)
			}
		}
		if len(news) == 0 {
			return nil
		}
		notice, err := t.folds(aboutDelay, server, u, news[0], text, len(news))
		if err != nil {
			return err
		}
		for _, c := range news {
			if err := t.exec("INSERT INTO delays (conversation, uid, at) VALUES ($1, $2, $3)", c, string(u), -notice); err != nil {
				return err
			}
		}
		return nil
	})
}

// knowsLate notes of which conversations a notice has told. Until then delays.at is its number, below 0.
func (t *tx) knowsLate(notice int64) error {
	return t.exec("UPDATE delays SET at = $1 WHERE at = $2", time.Now().UnixMilli(), -notice)
}

// CaughtUp has somebody told, once, that nothing of theirs is late any more in these conversations of one server; nothing of those where they have not been told yet that
// it was, or where text is empty. What such a notice would have told of others is to be told anew.
func (s *Store) CaughtUp(ctx context.Context, all []Speaker, text string) error {
	return s.lateness(ctx, all, func(t *tx, server bridge.ServerID, u bridge.UserID, here []int64) error {
		var knew []int64
		for _, c := range here {
			var at int64
			t.wrote = true
			known, err := t.found("DELETE FROM delays WHERE conversation = $1 AND uid = $2 RETURNING at", []any{c, string(u)}, &at)
			switch {
			case err != nil:
				return err
			case known && at >= 0:
				knew = append(knew, c)
			case known:
				if err := t.exec("DELETE FROM notices WHERE id = $1", -at); err != nil {
					return err
				}
				if err := t.exec("DELETE FROM delays WHERE at = $1", at); err != nil {
					return err
				}
			}
		}
		if len(knew) == 0 || text == "" {
			return nil
		}
		_, err := t.folds(aboutEnd, server, u, knew[0], text, len(knew))
		return err
	})
}

// folds has somebody told something of so many conversations: in one of them, or with what waits to be told to them already. It gives the notice.
func (t *tx) folds(about noticeAbout, server bridge.ServerID, u bridge.UserID, conversation int64, text string, count int) (notice int64, err error) {
	t.wrote = true
	folded, err := t.found(`UPDATE notices SET more = more + $1 WHERE id = (SELECT MIN(n.id) FROM notices n JOIN conversations c ON c.id = n.conversation
		WHERE n.about = $2 AND n.person = $3 AND c.server = $4 AND n.due > $5) RETURNING id`, []any{count, int(about), string(u), string(server), time.Now().UnixMilli()}, &notice)
	if err != nil || folded {
		return notice, err
	}
	notice, _, err = t.warning(about, server, u, conversation, text, count-1)
	return notice, err
}

// lateness changes what somebody knows of what is late.
func (s *Store) lateness(ctx context.Context, all []Speaker, change func(t *tx, server bridge.ServerID, u bridge.UserID, here []int64) error) error {
	if len(all) == 0 {
		return nil
	}
	err := s.do(ctx, func(t *tx) error {
		var here []int64
		for _, one := range all {
			c, err := t.conversation(one.Conversation)
			if err != nil {
				return err
			}
			here = append(here, c)
		}
		return change(t, all[0].Conversation.Server, all[0].User, here)
	})
	if err != nil && !errors.Is(err, ErrClosed) {
		err = fmt.Errorf("storing that somebody is to be told what is late: %w", err)
	}
	return err
}
