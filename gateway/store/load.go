package store

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
)

// loadColumns and loadJoins read instances i, their messages and their parts in one go; most instances have one part, or none yet. As whom the author's
// posts go out ($2 is this server), and whether parts can be changed as their writers, is asked here each time: who is connected may have
// changed since the last step.
const loadColumns = `SELECT i.rank, i.id, i.origin, i.phase, i.version, i.blanked, i.frozen > 0, i.frozen > 1, i.unrooted > 0, i.unrooted > 1, i.thread, i.late,
		m.id, m.origin, m.origin_id, m.root_id, m.root, m.quote, m.created, m.edited, m.version, m.deleted, m.reacted, m.body,
		COALESCE(d.created, 0), p.number, p.id, p.key, p.hash, p.version, p.deleted, p.leaving, p.revision,
		EXISTS (SELECT 1 FROM orphans), p.writer, p.writer = '' OR COALESCE(w.state, -1) = 0, CASE WHEN y.state = 0 AND i.relayed = 0 THEN y.uid END, COALESCE(y.uid, z.other_uid, r.uid), z.other_name, COALESCE(y.state, -1) = 1
	FROM `

const loadJoins = ` JOIN messages m ON m.id = i.message LEFT JOIN departures d ON d.origin = m.origin AND d.target = i.conversation
	JOIN conversations o ON o.id = m.origin LEFT JOIN identities x ON x.server = o.server AND x.uid = m.author
	LEFT JOIN identities y ON y.person = x.person AND y.server = $2
	LEFT JOIN matches z ON y.uid IS NULL AND z.server = o.server AND z.uid = m.author AND z.other_server = $2 AND z.other_uid <> ''
	LEFT JOIN matches r ON y.uid IS NULL AND z.uid IS NULL AND r.server = $2 AND r.other_server = o.server AND r.other_uid = m.author AND r.other_uid <> ''
	LEFT JOIN parts p ON p.instance = i.id LEFT JOIN identities w ON p.writer <> '' AND w.server = $2 AND w.uid = p.writer `

// load reads an instance with all that a plan needs.
func (l *lane) load(instance int64) (*Work, error) {
	all, err := l.read(loadColumns+"instances i"+loadJoins+"WHERE i.id = $1", instance, string(l.name.Server))
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, fmt.Errorf("internal error: there is no instance %d", instance)
	}
	return all[0], l.complete(all[0])
}

// first gives the instance whose turn it is, nil when none is lacking. It reads those that follow it as well: what becomes of one instance changes no
// other one here.
func (l *lane) first() (*Work, error) {
	if len(l.waiting) > 0 {
		l.turn, l.waiting = l.waiting[0], l.waiting[1:]
		return l.turn, l.complete(l.turn)
	}
	// Rows are sorted here, as SQLite would write them into a table first. The plus keeps it from preparing the query anew for each limit.
	all, err := l.read(loadColumns+`(SELECT id AS turn FROM instances WHERE conversation = $1 AND rank IS NOT NULL ORDER BY rank, id LIMIT $3 + 0) q JOIN instances i ON i.id = q.turn`+loadJoins,
		l.here, string(l.name.Server), max(l.most, 1))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	l.turn, l.waiting = all[0], all[1:]
	return all[0], l.complete(all[0])
}

// read gives instances, by their turn, with what one row for each of their parts tells.
func (l *lane) read(query string, args ...any) (all []*Work, err error) {
	err = l.each(query, args, func(rows *sql.Rows) error {
		w := &Work{Conversation: l.name}
		if err := w.scan(rows); err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(known *Work) bool { return known.Instance == w.Instance })
		if at < 0 {
			all = append(all, w)
			return nil
		}
		all[at].Parts, all[at].buried = append(all[at].Parts, w.Parts...), all[at].buried+w.buried
		return nil
	})
	slices.SortStableFunc(all, func(a, b *Work) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Instance, b.Instance)) })
	for i := 0; err == nil && i < len(all); i++ {
		w := all[i]
		slices.SortFunc(w.Parts, func(a, b Part) int { return cmp.Compare(a.Number, b.Number) })
		w.Late = w.Late || w.late()
		w.Message.Origin, err = l.tx.name(w.Message.origin)
	}
	return all, err
}

// late: it is to be posted after a younger one has left. What was posted already was not late, whatever was posted together with it.
func (w *Work) late() bool {
	return w.Phase == Waiting && w.Message.Created.UnixMilli() < w.departed && !slices.ContainsFunc(w.Parts, func(p Part) bool { return p.ID != "" })
}

// complete reads what belongs to an instance besides.
func (l *lane) complete(w *Work) (err error) {
	m := &w.Message
	if err := l.loadRoot(w, m.origin); err != nil {
		return err
	}
	if m.Deleted {
		if w.HasReplies, err = l.hasReplies(m.id); err != nil {
			return err
		}
	}
	if err := l.loadWritten(w); err != nil {
		return err
	}
	if err := l.loadFiles(w); err != nil {
		return err
	}
	if err := l.loadCalled(w); err != nil {
		return err
	}
	if err := l.loadLinks(w); err != nil {
		return err
	}
	if m.reacted {
		return l.loadReactions(w)
	}
	return nil
}

// scan takes a row of loadColumns.
func (w *Work) scan(rows *sql.Rows) error {
	m := &w.Message
	var created, edited int64
	var body []byte
	var quote string
	var part struct {
		number, version, revision sql.NullInt64
		id, key, hash, writer     sql.NullString
		deleted, leaving, able    sql.NullBool
	}
	var as, same, name sql.NullString
	var rank sql.NullInt64
	err := rows.Scan(&rank, &w.Instance, &w.IsOrigin, &w.Phase, &w.Version, &w.Blanked, &w.Frozen, &w.Told, &w.Unrooted, &w.Alone, (*string)(&w.Thread), &w.Late,
		&m.id, &m.origin, (*string)(&m.OriginID), (*string)(&m.RootID), &m.root, &quote, &created, &edited, &m.Version, &m.Deleted, &m.reacted, &body,
		&w.departed, &part.number, &part.id, &part.key, &part.hash, &part.version, &part.deleted, &part.leaving, &part.revision,
		&w.orphans, &part.writer, &part.able, &as, &same, &name, &w.Lost)
	if err != nil {
		return err
	}
	w.rank = rank.Int64
	switch {
	case !part.number.Valid:
	case part.number.Int64 < 0:
		w.buried++
	default:
		w.Parts = append(w.Parts, Part{Number: int(part.number.Int64), ID: bridge.MessageID(part.id.String), Hash: part.hash.String, Version: part.version.Int64,
			Deleted: part.deleted.Bool, Leaving: part.leaving.Bool, Writer: bridge.UserID(part.writer.String), Able: part.able.Bool, key: bridge.Key(part.key.String), Revision: part.revision.Int64})
	}
	if w.As = bridge.UserID(as.String); w.As == "" && !w.IsOrigin {
		w.Same, w.SameName = bridge.UserID(same.String), name.String
	}
	m.Created, m.Edited = time.UnixMilli(created), timeOf(edited)
	if m.Body, err = decode(body); err != nil {
		return err
	}
	m.Quote, err = decode([]byte(quote))
	return err
}

func decode(text []byte) (*Body, error) {
	if len(text) == 0 {
		return nil, nil
	}
	b := new(Body)
	return b, json.Unmarshal(text, b)
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
	// What begins a thread there may itself answer something, which need not be here.
	var answered int64
	found, err := l.found("SELECT i.message FROM parts p JOIN instances i ON i.id = p.instance WHERE p.conversation = $1 AND p.id = $2", []any{origin, string(m.RootID)}, &answered)
	if err == nil && found && answered != m.root.Int64 {
		found, err = l.thread(w, answered)
	} else {
		found = false
	}
	if err != nil || found {
		return err
	}
	_, err = l.thread(w, m.root.Int64)
	return err
}

// thread finds the post here that begins the thread in which a message stands. What was said here may answer something that was never known, or is not the same elsewhere.
func (l *lane) thread(w *Work, message int64) (bool, error) {
	return l.found(`SELECT CASE WHEN i.origin = 0 AND i.thread <> '' THEN i.thread ELSE p.id END, CASE WHEN i.origin = 0 THEN '' WHEN i.thread <> '' THEN i.thread ELSE r.root_id END
		FROM instances i JOIN messages r ON r.id = i.message JOIN parts p ON p.instance = i.id AND p.number = 0
		WHERE i.message = $1 AND i.conversation = $2 AND i.phase IN (0, 1) AND p.id IS NOT NULL AND p.deleted = 0`,
		[]any{message, l.here}, (*string)(&w.RootID), (*string)(&w.Above))
}

// loadWritten finds the copy at which the text was written that an origin lacks.
func (l *lane) loadWritten(w *Work) error {
	m := &w.Message
	if !w.IsOrigin || m.Deleted || len(w.Parts) == 0 || w.Parts[0].Version >= m.Version {
		return nil
	}
	var c int64
	found, err := l.found("SELECT i.conversation FROM instances i JOIN parts p ON p.instance = i.id WHERE i.message = $1 AND i.origin = 0 AND p.version = $2 AND p.hash = $3 LIMIT 1",
		[]any{m.id, m.Version, Theirs}, &c)
	if err == nil && found {
		m.Written, err = l.tx.name(c)
	}
	return err
}

func (l *lane) hasReplies(message int64) (bool, error) {
	var one int
	return l.found(`SELECT 1 FROM messages m JOIN instances i ON i.message = m.id
		WHERE m.root = $1 AND m.deleted = 0 AND i.conversation = $2 AND i.phase IN (0, 1) LIMIT 1`, []any{message, l.here}, &one)
}
