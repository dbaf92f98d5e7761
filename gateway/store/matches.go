package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"causeway/bridge"
)

// Match is who a user is on a server with which they are not connected, found by the e-mail address that both services vouch
// for. Nothing may be written as them there. At most one user of a server is matched with a user of another one.
type Match struct {
	User
	OtherServer bridge.ServerID
	// Other is empty where it was looked for, and nobody was found; Name is what they are called there.
	Other bridge.UserID
	Name  string
	// Seen is when the services said so.
	Seen time.Time
}

// NoteMatch stores what looking has found. Whoever has connected meanwhile is matched with nobody: what they have proven counts
// more. Somebody else who was matched with the same user is not any more, since that address is theirs no longer.
func (s *Store) NoteMatch(ctx context.Context, m Match) error {
	err := s.do(ctx, func(t *tx) error {
		m := m
		var one int
		connected, err := t.found(`SELECT 1 FROM identities a JOIN identities b ON b.person = a.person
			WHERE a.server = $1 AND b.server = $2 AND (a.uid = $3 OR b.uid = $4) LIMIT 1`,
			[]any{string(m.Server), string(m.OtherServer), string(m.User.User), string(m.Other)}, &one)
		if err != nil {
			return err
		}
		if connected {
			m.Other, m.Name = "", ""
		}
		if m.Other != "" {
			if err := t.exec("UPDATE matches SET other_uid = '', other_name = '' WHERE server = $1 AND other_server = $2 AND other_uid = $3 AND uid <> $4",
				string(m.Server), string(m.OtherServer), string(m.Other), string(m.User.User)); err != nil {
				return err
			}
		}
		return t.exec(`INSERT INTO matches (server, uid, other_server, other_uid, other_name, seen) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (server, uid, other_server) DO UPDATE SET other_uid = excluded.other_uid, other_name = excluded.other_name, seen = excluded.seen`,
			string(m.Server), string(m.User.User), string(m.OtherServer), string(m.Other), m.Name, m.Seen.UnixMilli())
	})
	if err != nil {
		err = fmt.Errorf("storing who has the same e-mail address: %w", err)
	}
	return err
}

// Match gives what is known of a user on another server; ok is false when nobody has looked lately.
func (s *Store) Match(ctx context.Context, u User, other bridge.ServerID) (m Match, ok bool, err error) {
	err = s.do(ctx, func(t *tx) error {
		m = Match{User: u, OtherServer: other}
		var seen int64
		ok, err = t.found("SELECT other_uid, other_name, seen FROM matches WHERE server = $1 AND uid = $2 AND other_server = $3",
			[]any{string(u.Server), string(u.User), string(other)}, (*string)(&m.Other), &m.Name, &seen)
		m.Seen = timeOf(seen)
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking up who has the same e-mail address: %w", err)
	}
	return m, ok, err
}

// Matched gives the users who are matched with somebody, and were looked at before a time.
func (s *Store) Matched(ctx context.Context, before time.Time) ([]User, error) {
	var all []User
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT DISTINCT server, uid FROM matches WHERE other_uid <> '' AND seen < $1 ORDER BY server, uid", []any{before.UnixMilli()}, func(rows *sql.Rows) error {
			var u User
			err := rows.Scan((*string)(&u.Server), (*string)(&u.User))
			all = append(all, u)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("listing who has the same e-mail address: %w", err)
	}
	return all, err
}

// Matches gives all that is known.
func (s *Store) Matches(ctx context.Context) ([]Match, error) {
	var all []Match
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT server, uid, other_server, other_uid, other_name, seen FROM matches ORDER BY server, uid, other_server", nil, func(rows *sql.Rows) error {
			var m Match
			var seen int64
			err := rows.Scan((*string)(&m.Server), (*string)(&m.User.User), (*string)(&m.OtherServer), (*string)(&m.Other), &m.Name, &seen)
			m.Seen = timeOf(seen)
			all = append(all, m)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("reading who has the same e-mail address: %w", err)
	}
	return all, err
}

// ExpireMatches forgets what the services said at that time or earlier. It tells whether there was somebody among it who was found.
func (s *Store) ExpireMatches(ctx context.Context, until time.Time) (found bool, err error) {
	err = s.do(ctx, func(t *tx) error {
		n, err := t.change("DELETE FROM matches WHERE seen <= $1 AND other_uid <> ''", until.UnixMilli())
		if err != nil {
			return err
		}
		found = n > 0
		return t.exec("DELETE FROM matches WHERE seen <= $1", until.UnixMilli())
	})
	if err != nil {
		err = fmt.Errorf("forgetting who has the same e-mail address: %w", err)
	}
	return found, err
}

// unmatch forgets the matches of and with somebody on servers between which they have connected.
func (t *tx) unmatch(person int64) error {
	return t.exec(`DELETE FROM matches WHERE EXISTS (SELECT 1 FROM identities a JOIN identities b ON b.person = a.person
		WHERE a.person = $1 AND a.server = matches.server AND b.server = matches.other_server AND (a.uid = matches.uid OR b.uid = matches.other_uid))`, person)
}
