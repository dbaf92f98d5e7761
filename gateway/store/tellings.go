package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// NoticeWay is how a person is told something.
type NoticeWay int

const (
	// InPlace: in the conversation that it is about, where nobody else sees it.
	InPlace NoticeWay = iota
	// Aside: by a direct message, about no conversation.
	Aside
	// Asking: in place, with a button to connect.
	Asking
)

// Telling is why something of a conversation is not carried, for somebody who should know.
type Telling struct {
	// Conversation is on the server of the user. Without a user it is a line for everybody there.
	Conversation bridge.ConversationID
	User         bridge.UserID
	Reason       int
	Text         richtext.Doc
	Way          NoticeWay
	// Again is after how long they are told again, when it happens again; 0: never.
	Again time.Duration
	// Lasting: they know it also when the conversation is carried again and then no more.
	Lasting bool
	// Each: they are told each time, and it is not noted that they know.
	Each bool
	// Shows: it shows a message, and is withdrawn when that is deleted.
	Shows bool
}

// Told is that somebody knows it.
type Told struct {
	Conversation bridge.ConversationID
	User         bridge.UserID
	Reason       int
	At           time.Time
}

// Denial is that a message is not carried to a conversation, and who is told.
type Denial struct {
	Reason int
	Tell   []Telling
}

// deny takes an instance out of its lane for ever: its message is not carried there.
func (l *lane) deny(w *Work) error {
	if err := l.exec("UPDATE instances SET rank = NULL, held = 0, version = $1, phase = $2 WHERE id = $3", w.Message.Version, int(Removed), w.Instance); err != nil {
		return err
	}
	return l.forgetText(w.Message.id)
}

// hold takes an instance out of its lane until something is new about people, as that its author has connected again.
func (l *lane) hold(w *Work) error {
	return l.exec("UPDATE instances SET rank = NULL, held = 1 WHERE id = $1", w.Instance)
}

// tell stores what is to be told to somebody who does not know it, and gives its key.
func (t *tx) tell(one Telling, woken map[int64]bool) (key bridge.Key, err error) {
	c, err := t.conversation(one.Conversation)
	if err != nil {
		return "", err
	}
	if known, err := t.knows(c, one); known || err != nil {
		return "", err
	}
	text, err := json.Marshal(one.Text)
	if err != nil {
		return "", err
	}
	woken[c] = true
	key = bridge.Key(rand.Text())
	return key, t.exec("INSERT INTO notices (conversation, person, text, way, key, due) VALUES ($1, $2, $3, $4, $5, "+alike+")", c, string(one.User), string(text), int(one.Way), string(key))
}

// knows tells whether somebody knows what they are to be told, and notes that they do.
func (t *tx) knows(c int64, one Telling) (bool, error) {
	if one.Each {
		return false, nil
	}
	now := time.Now()
	since := int64(-1)
	if one.Again > 0 {
		since = now.Add(-one.Again).UnixMilli()
	}
	fresh, err := t.change(`INSERT INTO told (conversation, uid, reason, at, lasting) VALUES ($1, $2, $3, $4, $6)
		ON CONFLICT (conversation, uid, reason) DO UPDATE SET at = excluded.at WHERE told.at <= $5`, c, string(one.User), one.Reason, now.UnixMilli(), since, one.Lasting)
	return fresh == 0, err
}

// untold forgets who knows why something of a conversation is not carried, as it is now: when it is no more, they are told anew.
func (t *tx) untold(c bridge.ConversationID) error {
	id, err := t.conversation(c)
	if err != nil {
		return err
	}
	return t.exec("DELETE FROM told WHERE conversation = $1 AND lasting = 0", id)
}

// RefusalKey gives the key of the notice by which somebody gets to know why something of a conversation is not carried. It is the same each time while state is, which says what
// is carried of it.
func (s *Store) RefusalKey(k Told, state ...int64) bridge.Key {
	parts := []string{"refusal", string(k.Conversation.Server), string(k.Conversation.Channel), string(k.User), strconv.Itoa(k.Reason)}
	for _, n := range state {
		parts = append(parts, strconv.FormatInt(n, 10))
	}
	return bridge.Key(base64.RawURLEncoding.EncodeToString(s.keys.mac(parts...)))
}

// Know notes that somebody has been told why something of a conversation is not carried.
func (s *Store) Know(ctx context.Context, k Told) error {
	err := s.do(ctx, func(t *tx) error {
		c, err := t.conversation(k.Conversation)
		if err != nil {
			return err
		}
		return t.exec(`INSERT INTO told (conversation, uid, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT (conversation, uid, reason) DO UPDATE SET at = excluded.at`,
			c, string(k.User), k.Reason, time.Now().UnixMilli())
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody has been told: %w", err)
	}
	return err
}

// Tellings gives who knows what.
func (s *Store) Tellings(ctx context.Context) ([]Told, error) { return s.told(ctx, "", nil) }

// ToldTo gives what somebody knows, newest first.
func (s *Store) ToldTo(ctx context.Context, server bridge.ServerID, u bridge.UserID) ([]Told, error) {
	return s.told(ctx, "WHERE c.server = $1 AND k.uid = $2", []any{string(server), string(u)})
}

func (s *Store) told(ctx context.Context, where string, args []any) ([]Told, error) {
	var all []Told
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT c.server, c.channel, k.uid, k.reason, k.at FROM told k JOIN conversations c ON c.id = k.conversation "+where+" ORDER BY k.at DESC, k.conversation, k.uid, k.reason", args, func(rows *sql.Rows) error {
			var one Told
			var at int64
			err := rows.Scan((*string)(&one.Conversation.Server), (*string)(&one.Conversation.Channel), (*string)(&one.User), &one.Reason, &at)
			one.At = timeOf(at)
			all = append(all, one)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("reading who has been told what: %w", err)
	}
	return all, err
}

// Say has the account itself say something in conversations, each once; or tells those users who are named.
func (s *Store) Say(ctx context.Context, lines ...Telling) error {
	err := s.do(ctx, func(t *tx) error { return t.say(lines) })
	if err != nil {
		err = fmt.Errorf("storing what is to be said about a conversation: %w", err)
	}
	return err
}

func (t *tx) say(lines []Telling) error {
	for _, one := range lines {
		if one.User != "" {
			if _, err := t.tell(one, map[int64]bool{}); err != nil {
				return err
			}
			continue
		}
		c, err := t.conversation(one.Conversation)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(one.Text)
		if err != nil {
			return err
		}
		if err := t.exec("INSERT INTO lines (conversation, text) VALUES ($1, $2)", c, string(raw)); err != nil {
			return err
		}
	}
	return nil
}

// line gives the next line of the account itself. Since tells when it was tried before. Its key is made of that time and the text, too, as a database
// may give the number of a line that has been said to another one.
func (l *lane) line() (step Step, found bool, err error) {
	var tried int64
	var text []byte
	found, err = l.found("SELECT id, text, tried FROM lines WHERE conversation = $1 ORDER BY id LIMIT 1", []any{l.here}, &step.notice, &text, &tried)
	if err != nil || !found {
		return step, false, err
	}
	step.Op, step.Since = Line, timeOf(tried)
	if tried == 0 {
		tried = time.Now().UnixMilli()
		if err := l.exec("UPDATE lines SET tried = $1 WHERE id = $2", tried, step.notice); err != nil {
			return step, false, err
		}
	}
	step.Draft = bridge.Draft{Conversation: l.name, Key: l.keys.postKey(l.name, bridge.MessageID(fmt.Sprintf("line %d %d %s", step.notice, tried, text)), l.name, 0, 0)}
	return step, true, json.Unmarshal(text, &step.Draft.Text)
}

// releasing puts back into the lanes what is held: of what is delivered, and waits for reactions alone, that to which somebody has reacted who can be acted as and whose reaction is
// not set; of all else what is not by somebody lost.
const releasing = `UPDATE instances SET held = 0, relayed = CASE phase WHEN 0 THEN 0 ELSE relayed END, rank = (SELECT created FROM messages m WHERE m.id = message)
	WHERE held = 1 AND reason IS NULL AND CASE WHEN phase = 1 AND (origin = 1 OR version = (SELECT version FROM messages m WHERE m.id = message)) THEN EXISTS (
		SELECT 1 FROM instances j JOIN reactions r ON r.instance = j.id JOIN conversations o ON o.id = j.conversation JOIN identities x ON x.server = o.server AND x.uid = r.person
		JOIN conversations c ON c.id = instances.conversation JOIN identities y ON y.person = x.person AND y.server = c.server
		WHERE j.message = instances.message AND j.id <> instances.id AND y.state = $2
		AND NOT EXISTS (SELECT 1 FROM own_reactions s WHERE s.instance = instances.id AND s.emoji = r.emoji AND s.writer = y.uid))
	ELSE NOT EXISTS (
		SELECT 1 FROM messages m JOIN conversations o ON o.id = m.origin JOIN identities x ON x.server = o.server AND x.uid = m.author
		JOIN conversations c ON c.id = instances.conversation JOIN identities y ON y.person = x.person AND y.server = c.server
		WHERE m.id = instances.message AND y.state = $1) END RETURNING conversation`

// Release puts back into their lanes those messages that wait for authors who are not lost any more, or have reactions of people who may not be, and gives the
// conversations. What a service did not take from its author is tried as them again.
func (s *Store) Release(ctx context.Context) ([]bridge.ConversationID, error) {
	var all []bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		all = nil
		woken := map[int64]bool{}
		if err := t.marks(woken, releasing, int(Lost), int(Connected)); err != nil {
			return err
		}
		for id := range woken {
			c, err := t.name(id)
			if err != nil {
				return err
			}
			all = append(all, c)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("looking who has connected again: %w", err)
	}
	return all, err
}
