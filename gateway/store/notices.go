package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// noticeAbout is what a notice is about, which tells how often it may be given; 0: anything else, which may be given at once.
type noticeAbout int

const (
	// aboutFailure: something was not delivered. An author is told so once a minute at most; what comes meanwhile is folded into one notice.
	aboutFailure noticeAbout = iota + 1
	// aboutDelay: what somebody has said is late.
	aboutDelay
)

// warnEvery is how often an author is told at most that something was not delivered.
const warnEvery = time.Minute

// warn has the author of a message told that something was not delivered. Where they are to be told so already in its conversation, it is counted there.
func (l *lane) warn(m Message, text string) error {
	if m.Body == nil || m.Body.Author.ID == "" || m.Body.Event != "" {
		return nil
	}
	author, now := string(m.Body.Author.ID), time.Now()
	origin, err := l.conversation(m.Origin)
	if err != nil {
		return err
	}
	folded, err := l.change("UPDATE notices SET more = more + 1 WHERE id = (SELECT MIN(id) FROM notices WHERE about = $1 AND person = $2 AND conversation = $3)",
		int(aboutFailure), author, origin)
	if err != nil || folded > 0 {
		return err
	}
	if err := l.exec("DELETE FROM warned WHERE at < $1", now.Add(-warnEvery).UnixMilli()); err != nil {
		return err
	}
	var last int64
	lately, err := l.found("SELECT at FROM warned WHERE server = $1 AND uid = $2", []any{string(m.Origin.Server), author}, &last)
	if err != nil {
		return err
	}
	due := now.UnixMilli()
	if lately {
		due = last + warnEvery.Milliseconds()
	}
	due, err = l.warnAt(due, m.Origin.Server, author, 0)
	if err != nil {
		return err
	}
	l.woken[origin] = l.woken[origin] || due <= now.UnixMilli()
	raw, err := json.Marshal(richtext.Plain(text))
	if err != nil {
		return err
	}
	return l.exec("INSERT INTO notices (conversation, person, text, due, about) VALUES ($1, $2, $3, $4, $5)", origin, author, string(raw), due, int(aboutFailure))
}

// warnAt gives when somebody is to be told, not before due, that something was not delivered: after what waits for them in other conversations.
func (l *lane) warnAt(due int64, server bridge.ServerID, author string, besides int64) (int64, error) {
	var latest int64
	err := l.row(`SELECT COALESCE(MAX(n.due), 0) FROM notices n JOIN conversations c ON c.id = n.conversation
		WHERE n.about = $1 AND n.person = $2 AND c.server = $3 AND n.id <> $4`, int(aboutFailure), author, string(server), besides).Scan(&latest)
	return max(due, latest+warnEvery.Milliseconds()), err
}

// withMore says how many more a notice stands for.
func withMore(text richtext.Doc, more int64) richtext.Doc {
	switch {
	case more == 0:
		return text
	case more == 1:
		return append(text[:len(text):len(text)], richtext.Plain("And 1 more.")...)
	}
	return append(text[:len(text):len(text)], richtext.Plain(fmt.Sprintf("And %d more.", more))...)
}

// wasTold takes a notice that was given. Of what was folded into it meanwhile, another one tells; that one waits.
func (l *lane) wasTold(o *Outcome) error {
	if o.Step.about != aboutFailure {
		return l.exec("DELETE FROM notices WHERE id = $1", o.Step.notice)
	}
	now := time.Now()
	if err := l.exec("INSERT INTO warned (server, uid, at) VALUES ($1, $2, $3) ON CONFLICT (server, uid) DO UPDATE SET at = excluded.at",
		string(l.name.Server), string(o.Step.Notice.User), now.UnixMilli()); err != nil {
		return err
	}
	gone, err := l.change("DELETE FROM notices WHERE id = $1 AND more = $2", o.Step.notice, o.Step.folded)
	if err != nil || gone > 0 {
		return err
	}
	next, err := l.warnAt(now.Add(warnEvery).UnixMilli(), l.name.Server, string(o.Step.Notice.User), o.Step.notice)
	if err != nil {
		return err
	}
	text, err := json.Marshal(richtext.Plain("Another message of yours was not delivered. It is kept, and whoever runs Causeway here can see why and try it again."))
	if err != nil {
		return err
	}
	return l.exec("UPDATE notices SET more = more - $1, text = $2, due = $3 WHERE id = $4", o.Step.folded+1, string(text), next, o.Step.notice)
}

// Due gives the conversations in which somebody is to be told something that had to wait, and now need not any more.
func (s *Store) Due(ctx context.Context) ([]bridge.ConversationID, error) {
	var all []bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT DISTINCT c.server, c.channel FROM notices n JOIN conversations c ON c.id = n.conversation WHERE n.due > 0 AND n.due <= $1 ORDER BY c.server, c.channel",
			[]any{time.Now().UnixMilli()}, func(rows *sql.Rows) error {
				var c bridge.ConversationID
				err := rows.Scan((*string)(&c.Server), (*string)(&c.Channel))
				all = append(all, c)
				return err
			})
	})
	if err != nil {
		err = fmt.Errorf("reading who is to be told something: %w", err)
	}
	return all, err
}

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
		"SELECT c.server, c.channel, 1 FROM instances i INDEXED BY instances_held"+of+"i.held = 1", string(who.User), string(who.Conversation.Server), string(who.Conversation.Channel))
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

// Delayed gives those who know that messages of theirs are late.
func (s *Store) Delayed(ctx context.Context) ([]Speaker, error) {
	var all []Speaker
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT c.server, c.channel, d.uid FROM delays d JOIN conversations c ON c.id = d.conversation", nil, func(rows *sql.Rows) error {
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

// Delay has somebody told, once, that messages of theirs are late.
func (s *Store) Delay(ctx context.Context, who Speaker, text string) error {
	return s.delay(ctx, who, text, func(t *tx, c int64) (bool, error) {
		n, err := t.change("INSERT INTO delays (conversation, uid, at) VALUES ($1, $2, $3) ON CONFLICT (conversation, uid) DO NOTHING", c, string(who.User), time.Now().UnixMilli())
		return n > 0, err
	})
}

// CaughtUp has somebody told, once, that nothing of theirs is late any more; nothing when they have not been told yet that it was, or where text is empty.
func (s *Store) CaughtUp(ctx context.Context, who Speaker, text string) error {
	return s.delay(ctx, who, text, func(t *tx, c int64) (bool, error) {
		known, err := t.change("DELETE FROM delays WHERE conversation = $1 AND uid = $2", c, string(who.User))
		if err != nil || known == 0 {
			return false, err
		}
		untold, err := t.change("DELETE FROM notices WHERE conversation = $1 AND person = $2 AND about = $3", c, string(who.User), int(aboutDelay))
		return untold == 0 && text != "", err
	})
}

func (s *Store) delay(ctx context.Context, who Speaker, text string, change func(*tx, int64) (tell bool, err error)) error {
	raw, err := json.Marshal(richtext.Plain(text))
	if err == nil {
		err = s.do(ctx, func(t *tx) error {
			c, err := t.conversation(who.Conversation)
			if err != nil {
				return err
			}
			tell, err := change(t, c)
			if err != nil || !tell {
				return err
			}
			return t.exec("INSERT INTO notices (conversation, person, text, about) VALUES ($1, $2, $3, $4)", c, string(who.User), string(raw), int(aboutDelay))
		})
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		err = fmt.Errorf("storing that somebody is to be told what is late: %w", err)
	}
	return err
}
