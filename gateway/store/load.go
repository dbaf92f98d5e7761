package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"causeway/bridge"
)

// load reads an instance with all that a plan needs.
func (l *lane) load(instance int64) (*Work, error) {
	w := &Work{Instance: instance, Conversation: l.name}
	m := &w.Message
	var origin, created int64
	var body []byte
	var quote string
	err := l.row(`SELECT i.origin, i.phase, i.version, i.blanked, i.frozen, i.unrooted > 0, i.unrooted > 1, i.thread, i.late,
			m.id, m.origin, m.origin_id, m.root_id, m.root, m.quote, m.created, m.version, m.deleted, m.reacted, m.body
		FROM instances i JOIN messages m ON m.id = i.message WHERE i.id = $1`, instance).Scan(
		&w.IsOrigin, &w.Phase, &w.Version, &w.Blanked, &w.Frozen, &w.Unrooted, &w.Alone, (*string)(&w.Thread), &w.Late,
		&m.id, &origin, (*string)(&m.OriginID), (*string)(&m.RootID), &m.root, &quote, &created, &m.Version, &m.Deleted, &m.reacted, &body)
	if err != nil {
		return nil, err
	}
	m.Created = time.UnixMilli(created)
	if m.Origin, err = l.tx.name(origin); err != nil {
		return nil, err
	}
	if m.Body, err = decode(body); err != nil {
		return nil, err
	}
	if m.Quote, err = decode([]byte(quote)); err != nil {
		return nil, err
	}
	if err := l.loadParts(w); err != nil {
		return nil, err
	}
	if err := l.loadRoot(w, origin); err != nil {
		return nil, err
	}
	if m.Deleted && !w.IsOrigin {
		if w.HasReplies, err = l.hasReplies(m.id); err != nil {
			return nil, err
		}
	}
	if m.reacted {
		err = l.loadReactions(w)
	}
	return w, err
}

func decode(text []byte) (*Body, error) {
	if len(text) == 0 {
		return nil, nil
	}
	b := new(Body)
	return b, json.Unmarshal(text, b)
}

func (l *lane) loadParts(w *Work) error {
	return l.each("SELECT number, id, hash, version, deleted, leaving, revision FROM parts WHERE instance = $1 AND number >= 0 ORDER BY number", []any{w.Instance}, func(rows *sql.Rows) error {
		var p Part
		var id sql.NullString
		if err := rows.Scan(&p.Number, &id, &p.Hash, &p.Version, &p.Deleted, &p.Leaving, &p.revision); err != nil {
			return err
		}
		p.ID = bridge.MessageID(id.String)
		w.Parts = append(w.Parts, p)
		return nil
	})
}

// loadRoot finds the post here that w answers. A root that was not known when the answer came may be by now.
func (l *lane) loadRoot(w *Work, origin int64) error {
	m := &w.Message
	if m.RootID == "" {
		return nil
	}
	if !m.root.Valid {
		found, err := l.found(`SELECT COALESCE(m.root, m.id) FROM parts p JOIN instances i ON i.id = p.instance JOIN messages m ON m.id = i.message
			WHERE p.conversation = $1 AND p.id = $2`, []any{origin, string(m.RootID)}, &m.root)
		if err != nil || !found {
			return err
		}
		if err := l.exec("UPDATE messages SET root = $1 WHERE id = $2", m.root.Int64, m.id); err != nil {
			return err
		}
	}
	_, err := l.found(`SELECT CASE i.thread WHEN '' THEN p.id ELSE i.thread END FROM instances i JOIN parts p ON p.instance = i.id AND p.number = 0
		WHERE i.message = $1 AND i.conversation = $2 AND i.phase IN (0, 1) AND p.id IS NOT NULL AND p.deleted = 0`,
		[]any{m.root.Int64, l.here}, (*string)(&w.RootID))
	return err
}

func (l *lane) hasReplies(message int64) (bool, error) {
	var one int
	return l.found(`SELECT 1 FROM messages m JOIN instances i ON i.message = m.id
		WHERE m.root = $1 AND m.deleted = 0 AND i.conversation = $2 AND i.phase IN (0, 1) LIMIT 1`, []any{message, l.here}, &one)
}

func (l *lane) loadReactions(w *Work) error {
	err := l.each(`SELECT DISTINCT r.emoji FROM instances i JOIN reactions r ON r.instance = i.id
		WHERE i.message = $1 AND i.id <> $2 ORDER BY r.emoji`, []any{w.Message.id, w.Instance}, func(rows *sql.Rows) error {
		var emoji string
		err := rows.Scan(&emoji)
		w.Wanted = append(w.Wanted, emoji)
		return err
	})
	if err != nil {
		return err
	}
	return l.each("SELECT emoji, state FROM own_reactions WHERE instance = $1 ORDER BY emoji", []any{w.Instance}, func(rows *sql.Rows) error {
		var emoji string
		var state int
		err := rows.Scan(&emoji, &state)
		switch state {
		case 0:
			w.Set = append(w.Set, emoji)
		case 1, 3:
			w.Refused = append(w.Refused, emoji)
		default:
			w.Begun = append(w.Begun, emoji)
		}
		return err
	})
}
