package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// noticeAbout is what a notice is about, which tells how often it may be given; 0: anything else, which may be given at once. Somebody is given one of the others once a
// minute at most, wherever it is, and what comes meanwhile is folded.
type noticeAbout int

const (
	// aboutFailure: something was not delivered.
	aboutFailure noticeAbout = iota + 1
	// aboutDelay: what somebody has said is late.
	aboutDelay
	// aboutEnd: it is not late any more.
	aboutEnd
)

// warnEvery is how often somebody is told at most how what they have said fares.
const warnEvery = time.Minute

// warn has the author of a message told that something was not delivered. Where they are to be told so already in its conversation, it is counted there.
func (l *lane) warn(m Message, text string) error {
	if m.Body == nil || m.Body.Author.ID == "" || m.Body.Event != "" {
		return nil
	}
	author, now := m.Body.Author.ID, time.Now()
	origin, err := l.conversation(m.Origin)
	if err != nil {
		return err
	}
	folded, err := l.change("UPDATE notices SET more = more + 1 WHERE id = (SELECT MIN(id) FROM notices WHERE about = $1 AND person = $2 AND conversation = $3)",
		int(aboutFailure), string(author), origin)
	if err != nil || folded > 0 {
		return err
	}
	_, due, err := l.warning(aboutFailure, m.Origin.Server, author, origin, text, 0)
	l.woken[origin] = l.woken[origin] || due <= now.UnixMilli()
	return err
}

// warning stores a notice about something, which stands for so many more like it, and tells when it is due.
func (t *tx) warning(about noticeAbout, server bridge.ServerID, u bridge.UserID, conversation int64, text string, more int) (notice, due int64, err error) {
	raw, err := json.Marshal(richtext.Plain(text))
	if err != nil {
		return 0, 0, err
	}
	now := time.Now()
	if err := t.exec("DELETE FROM warned WHERE at < $1", now.Add(-warnEvery).UnixMilli()); err != nil {
		return 0, 0, err
	}
	last, err := t.lastWarned(server, u)
	if err != nil {
		return 0, 0, err
	}
	if due, err = t.warnAt(max(now.UnixMilli(), last+warnEvery.Milliseconds()), server, u, 0); err != nil {
		return 0, 0, err
	}
	notice, err = t.insert("INSERT INTO notices (conversation, person, text, due, about, more) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id", conversation, string(u), string(raw), due, int(about), more)
	return notice, due, err
}

// warnAt gives when somebody is to be told something of that kind, not before due: after what waits for them in other conversations.
func (t *tx) warnAt(due int64, server bridge.ServerID, u bridge.UserID, besides int64) (int64, error) {
	var latest int64
	err := t.row(`SELECT COALESCE(MAX(n.due), 0) FROM notices n JOIN conversations c ON c.id = n.conversation
		WHERE n.about <> 0 AND n.person = $1 AND c.server = $2 AND n.id <> $3`, string(u), string(server), besides).Scan(&latest)
	return max(due, latest+warnEvery.Milliseconds()), err
}

// lastWarned is when somebody was told so last, in milliseconds; 0: not lately.
func (t *tx) lastWarned(server bridge.ServerID, u bridge.UserID) (at int64, err error) {
	_, err = t.found("SELECT at FROM warned WHERE server = $1 AND uid = $2", []any{string(server), string(u)}, &at)
	return at, err
}

// warned notes that somebody is told so now.
func (t *tx) warned(server bridge.ServerID, u bridge.UserID) error {
	return t.exec("INSERT INTO warned (server, uid, at) VALUES ($1, $2, $3) ON CONFLICT (server, uid) DO UPDATE SET at = excluded.at", string(server), string(u), time.Now().UnixMilli())
}

// withMore says how many more a notice stands for.
func withMore(text richtext.Doc, about noticeAbout, more int64) richtext.Doc {
	if more == 0 {
		return text
	}
	line := fmt.Sprintf("And %d more.", more)
	switch {
	case about == aboutFailure:
	case more == 1:
		line = "And in 1 more conversation."
	default:
		line = fmt.Sprintf("And in %d more conversations.", more)
	}
	return append(text[:len(text):len(text)], richtext.Plain(line)...)
}

// wasTold takes a notice that was given. Of what was folded into it meanwhile, another one tells; that one waits.
func (l *lane) wasTold(o *Outcome) error {
	if o.Step.about != 0 {
		if err := l.warned(l.name.Server, o.Step.Notice.User); err != nil {
			return err
		}
	}
	if o.Step.about == aboutDelay {
		if err := l.knowsLate(o.Step.notice); err != nil {
			return err
		}
	}
	if o.Step.about != aboutFailure {
		return l.exec("DELETE FROM notices WHERE id = $1", o.Step.notice)
	}
	gone, err := l.change("DELETE FROM notices WHERE id = $1 AND more = $2", o.Step.notice, o.Step.folded)
	if err != nil || gone > 0 {
		return err
	}
	next, err := l.warnAt(time.Now().Add(warnEvery).UnixMilli(), l.name.Server, o.Step.Notice.User, o.Step.notice)
	if err != nil {
		return err
	}
	text, err := json.Marshal(richtext.Plain("Another message of yours was not delivered. It is kept, and whoever runs Causeway here can see why and try it again."))
	if err != nil {
		return err
	}
	return l.exec("UPDATE notices SET more = more - $1, text = $2, due = $3 WHERE id = $4", o.Step.folded+1, string(text), next, o.Step.notice)
}

// Due gives the conversations in which somebody is to be told something that had to wait, or it is to be taken back, and now need not any more.
func (s *Store) Due(ctx context.Context) ([]bridge.ConversationID, error) {
	var all []bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each(`SELECT server, channel FROM conversations WHERE id IN (SELECT conversation FROM notices WHERE due > 0 AND due <= $1
			UNION SELECT conversation FROM asides WHERE state = 1 AND due > 0 AND due <= $1) ORDER BY server, channel`,
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
