package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
)

// Walk is connecting that is under way.
type Walk struct {
	// ID is a hash of the link that led here; the link itself is not stored.
	ID string
	// Account and User are who asked for it, and where; Target is the account to connect to.
	Account bridge.AccountName
	User    bridge.UserID
	Target  bridge.AccountName
	Expires time.Time
	// Progress is what has been proven so far, in a form that the store does not know; it is sealed.
	Progress []byte
}

// Errors about walks.
var (
	// ErrNoWalk: it has been finished, was ended by another one, or its time is over.
	ErrNoWalk = errors.New("this connecting is not under way any more")
	// ErrLeaving: what must be undone after disconnecting is still being undone.
	ErrLeaving = errors.New("still being disconnected")
)

const walkSeal = "walk"

// BeginWalk stores a walk. It ends the one that the same user has under way.
func (s *Store) BeginWalk(ctx context.Context, w Walk) error {
	err := s.do(ctx, func(t *tx) error {
		if err := t.exec("UPDATE walks SET expires = 0 WHERE account = $1 AND uid = $2", string(w.Account), string(w.User)); err != nil {
			return err
		}
		return t.exec("INSERT INTO walks (id, account, uid, target, sealed, expires) VALUES ($1, $2, $3, $4, $5, $6)",
			w.ID, string(w.Account), string(w.User), string(w.Target), t.keys.sealed(walkSeal, w.ID, w.Progress), w.Expires.UnixMilli())
	})
	if err != nil {
		err = fmt.Errorf("beginning to connect: %w", err)
	}
	return err
}

// Walk gives a walk that is under way; ErrNoWalk when there is none of that id.
func (s *Store) Walk(ctx context.Context, id string) (Walk, error) {
	return s.walk(ctx, "id = $2", id)
}

// WalkOf gives the walk that a user has under way; ErrNoWalk when there is none.
func (s *Store) WalkOf(ctx context.Context, a bridge.AccountName, u bridge.UserID) (Walk, error) {
	return s.walk(ctx, "account = $2 AND uid = $3", string(a), string(u))
}

func (s *Store) walk(ctx context.Context, where string, args ...any) (w Walk, err error) {
	err = s.do(ctx, func(t *tx) (err error) {
		w, err = t.walk(where, args...)
		return err
	})
	return w, err
}

const walkColumns = "id, account, uid, target, sealed, expires"

func scanWalk(rows interface{ Scan(...any) error }) (w Walk, sealed []byte, err error) {
	var expires int64
	err = rows.Scan(&w.ID, (*string)(&w.Account), (*string)(&w.User), (*string)(&w.Target), &sealed, &expires)
	w.Expires = time.UnixMilli(expires)
	return w, sealed, err
}

func (t *tx) walk(where string, args ...any) (Walk, error) {
	w, sealed, err := scanWalk(t.row("SELECT "+walkColumns+" FROM walks WHERE expires > $1 AND "+where, append([]any{time.Now().UnixMilli()}, args...)...))
	if errors.Is(err, sql.ErrNoRows) {
		return Walk{}, ErrNoWalk
	}
	if err != nil {
		return Walk{}, fmt.Errorf("looking up a walk: %w", err)
	}
	if w.Progress, err = t.keys.opened(walkSeal, w.ID, sealed); err != nil {
		return Walk{}, ErrNoWalk // begun with another key file
	}
	return w, nil
}

// ChangeWalk stores what change makes of the progress of a walk, in one transaction. When change fails, nothing is stored and its
// error is given. It may be called twice, and then counts as if it had been called once.
func (s *Store) ChangeWalk(ctx context.Context, id string, change func(Walk) (progress []byte, err error)) error {
	return s.do(ctx, func(t *tx) error {
		w, err := t.walk("id = $2", id)
		if err != nil {
			return err
		}
		progress, err := change(w)
		if err != nil {
			return err
		}
		return t.exec("UPDATE walks SET sealed = $1 WHERE id = $2", t.keys.sealed(walkSeal, id, progress), id)
	})
}

// EndWalk ends a walk; harmless when there is none.
func (s *Store) EndWalk(ctx context.Context, id string) error {
	return s.do(ctx, func(t *tx) error { return t.exec("UPDATE walks SET expires = 0 WHERE id = $1", id) })
}

// EndedWalks gives the walks that led to nothing: they were ended, or their time is over. What was given on them is to be given back, then they
// are to be dropped. Those that were begun with another key file are forgotten.
func (s *Store) EndedWalks(ctx context.Context) (all []Walk, err error) {
	err = s.do(ctx, func(t *tx) error {
		all = nil
		var unread []string
		err := t.each("SELECT "+walkColumns+" FROM walks WHERE expires <= $1 ORDER BY expires, id", []any{time.Now().UnixMilli()}, func(rows *sql.Rows) error {
			w, sealed, err := scanWalk(rows)
			if err != nil {
				return err
			}
			if w.Progress, err = t.keys.opened(walkSeal, w.ID, sealed); err != nil {
				unread = append(unread, w.ID)
				return nil
			}
			all = append(all, w)
			return nil
		})
		for _, id := range unread {
			err = errors.Join(err, t.exec("DELETE FROM walks WHERE id = $1", id))
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking for walks that led to nothing: %w", err)
	}
	return all, err
}

// DropWalk forgets a walk, with what was proven on it.
func (s *Store) DropWalk(ctx context.Context, id string) error {
	return s.do(ctx, func(t *tx) error { return t.exec("DELETE FROM walks WHERE id = $1", id) })
}

// finish ends the walk that leads to a connection, and has who asked for it told; "" is a connection without one, by an administrator.
func (t *tx) finish(walk string, ends [2]End) error {
	if walk == "" {
		return nil
	}
	var asked, target string
	found, err := t.found("SELECT account, target FROM walks WHERE id = $1 AND expires > $2", []any{walk, time.Now().UnixMilli()}, &asked, &target)
	if err == nil && !found {
		err = ErrNoWalk
	}
	if err == nil {
		err = t.exec("DELETE FROM walks WHERE id = $1", walk)
	}
	for _, e := range ends {
		if err == nil && string(e.Account) == asked {
			err = t.write(Letter{To: User{Server: e.Server, User: e.User}, Kind: Welcome, About: []bridge.AccountName{bridge.AccountName(target)}})
		}
	}
	return err
}

// staying makes sure that nobody is connected who is still being disconnected.
func (t *tx) staying(ends [2]End) error {
	for _, e := range ends {
		var state int
		found, err := t.found("SELECT state FROM identities WHERE server = $1 AND uid = $2", []any{string(e.Server), string(e.User)}, &state)
		if err != nil {
			return err
		}
		if found && IdentityState(state) == Leaving {
			return ErrLeaving
		}
	}
	return nil
}

// unkeep forgets what is only remembered of people and stands in the way of a new connection.
func (t *tx) unkeep(ends [2]End) error {
	for i, e := range ends {
		other := ends[1-i]
		if err := t.exec(`DELETE FROM identities WHERE state = $1 AND server = $2 AND uid <> $3
			AND person = (SELECT person FROM identities WHERE server = $4 AND uid = $5)`,
			int(Kept), string(other.Server), string(other.User), string(e.Server), string(e.User)); err != nil {
			return err
		}
	}
	for i, e := range ends {
		other := ends[1-i]
		if err := t.exec(`DELETE FROM identities WHERE state = $1 AND server = $2 AND uid = $3
			AND person <> (SELECT person FROM identities WHERE server = $4 AND uid = $5)`,
			int(Kept), string(e.Server), string(e.User), string(other.Server), string(other.User)); err != nil {
			return err
		}
	}
	return t.exec("DELETE FROM people WHERE NOT EXISTS (SELECT 1 FROM identities WHERE person = people.id)")
}

// User is a user of a server.
type User struct {
	Server bridge.ServerID
	User   bridge.UserID
}

// Approve lets two users connect although their e-mail addresses differ, or takes that back.
func (s *Store) Approve(ctx context.Context, a, b User, allowed bool) error {
	err := s.do(ctx, func(t *tx) error {
		for _, ends := range [2][2]User{{a, b}, {b, a}} {
			if err := t.exec("DELETE FROM approvals WHERE server = $1 AND uid = $2 AND other_server = $3 AND other_uid = $4",
				string(ends[0].Server), string(ends[0].User), string(ends[1].Server), string(ends[1].User)); err != nil {
				return err
			}
		}
		if !allowed {
			return nil
		}
		return t.exec("INSERT INTO approvals (server, uid, other_server, other_uid) VALUES ($1, $2, $3, $4)",
			string(a.Server), string(a.User), string(b.Server), string(b.User))
	})
	if err != nil {
		err = fmt.Errorf("storing an approval: %w", err)
	}
	return err
}

// Approved reports whether two users may connect although their e-mail addresses differ.
func (s *Store) Approved(ctx context.Context, a, b User) (ok bool, err error) {
	err = s.do(ctx, func(t *tx) (err error) {
		var one int
		ok, err = t.found(`SELECT 1 FROM approvals WHERE server = $1 AND uid = $2 AND other_server = $3 AND other_uid = $4
			OR server = $3 AND uid = $4 AND other_server = $1 AND other_uid = $2`,
			[]any{string(a.Server), string(a.User), string(b.Server), string(b.User)}, &one)
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking for an approval: %w", err)
	}
	return ok, err
}

// Untold gives those who have been lost and have not been told so.
func (s *Store) Untold(ctx context.Context) ([]User, error) {
	var all []User
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT server, uid FROM identities WHERE state = $1 AND told = 0 ORDER BY server, uid", []any{int(Lost)}, func(rows *sql.Rows) error {
			var u User
			err := rows.Scan((*string)(&u.Server), (*string)(&u.User))
			all = append(all, u)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("looking who was lost: %w", err)
	}
	return all, err
}

// Told notes that somebody has been told that they were lost; until they connect again.
func (s *Store) Told(ctx context.Context, u User) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("UPDATE identities SET told = 1 WHERE server = $1 AND uid = $2 AND state = $3", string(u.Server), string(u.User), int(Lost))
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody was told: %w", err)
	}
	return err
}

// Headcount is how many people there are.
type Headcount struct {
	// People are all who take a place: who have connected, and have not disconnected. Connected are those of whom at least one identity is connected,
	// Lost those of whom one is lost.
	People, Connected, Lost int
	// Asked are open invitations.
	Asked int
	// Preferring counts those who are connected by the account on which they want to be notified; who has not chosen is left out, and it is nil where nobody has.
	Preferring map[bridge.AccountName]int
}

// CountPeople counts beside the writer, and holds up nothing.
func (s *Store) CountPeople(ctx context.Context) (h Headcount, err error) {
	err = s.beside(ctx, `SELECT (SELECT COUNT(DISTINCT person) FROM identities WHERE state <> $3), (SELECT COUNT(DISTINCT person) FROM identities WHERE state = $1),
		(SELECT COUNT(DISTINCT person) FROM identities WHERE state = $2), (SELECT COUNT(*) FROM invitations WHERE answer = 0 AND asked > 0)`,
		int(Connected), int(Lost), int(Kept)).Scan(&h.People, &h.Connected, &h.Lost, &h.Asked)
	if err == nil {
		err = s.rows(ctx, `SELECT preferred, COUNT(*) FROM people WHERE preferred <> '' AND EXISTS (SELECT 1 FROM identities WHERE person = people.id AND state = $1)
			GROUP BY preferred`, int(Connected), func(rows *sql.Rows) error {
			var on bridge.AccountName
			var n int
			err := rows.Scan((*string)(&on), &n)
			if h.Preferring == nil {
				h.Preferring = map[bridge.AccountName]int{}
			}
			h.Preferring[on] = n
			return err
		})
	}
	if err != nil {
		err = fmt.Errorf("counting people: %w", err)
	}
	return h, err
}

// Undelivered is a message of somebody that has not arrived somewhere.
type Undelivered struct {
	Origin, Target bridge.ConversationID
	Created        time.Time
	// Reason is why it could not be delivered; empty: it is waiting.
	Reason string
	Body   Body
}

const undeliveredQuery = `SELECT o.server, o.channel, t.server, t.channel, m.created, u.reason, m.body FROM (
	SELECT message, conversation, reason FROM instances INDEXED BY instances_quarantined WHERE reason IS NOT NULL AND origin = 0
	UNION ALL
	SELECT message, conversation, '' FROM instances INDEXED BY instances_lacking WHERE rank IS NOT NULL AND reason IS NULL AND origin = 0
) u JOIN messages m ON m.id = u.message JOIN conversations o ON o.id = m.origin JOIN conversations t ON t.id = u.conversation
WHERE o.server = $1 AND m.author = $2 AND m.body IS NOT NULL
ORDER BY u.reason = '', m.created DESC LIMIT $3`

// Undelivered gives what a user has said and has not arrived, at most limit of it: first what could not be delivered, the newest
// first. It reads beside the writer and holds up nothing.
func (s *Store) Undelivered(ctx context.Context, server bridge.ServerID, u bridge.UserID, limit int) ([]Undelivered, error) {
	rows, err := s.rowsBeside(ctx, undeliveredQuery, string(server), string(u), limit)
	if err != nil {
		return nil, fmt.Errorf("looking for what has not arrived: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Undelivered
	for rows.Next() {
		one, err := scanUndelivered(rows)
		if err != nil {
			return nil, fmt.Errorf("looking for what has not arrived: %w", err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func scanUndelivered(rows *sql.Rows) (u Undelivered, err error) {
	var created int64
	var text []byte
	if err := rows.Scan((*string)(&u.Origin.Server), (*string)(&u.Origin.Channel), (*string)(&u.Target.Server), (*string)(&u.Target.Channel), &created, &u.Reason, &text); err != nil {
		return u, err
	}
	u.Created = time.UnixMilli(created)
	body, err := decode(text)
	if body != nil {
		u.Body = *body
	}
	return u, err
}
