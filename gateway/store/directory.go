package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"causeway/bridge"
)

// Departure is somebody of whom the directory said that they have left, until all that follows from it is done.
type Departure struct {
	Server bridge.ServerID
	User   bridge.UserID
	// HomeServer and Home are who they were where people connect, since that may be forgotten before it is removed, too.
	HomeServer bridge.ServerID
	Home       bridge.UserID
	// Presence is what the directory said.
	Presence bridge.Presence
	// Seen is when it said so; Allowed when it was found to be within the limit, or the operator agreed; zero: not yet.
	Seen, Allowed time.Time
}

// DirectoryMark gives how far an account's directory has been read, and when; empty when never.
func (s *Store) DirectoryMark(ctx context.Context, a bridge.AccountName) (mark string, read time.Time, err error) {
	err = s.do(ctx, func(t *tx) error {
		mark = ""
		var at int64
		_, err := t.found("SELECT mark, read FROM directories WHERE account = $1", []any{string(a)}, &mark, &at)
		read = timeOf(at)
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking up how far a directory has been read: %w", err)
	}
	return mark, read, err
}

// DirectoryRead stores how far a directory has been read, together with those who have left according to it.
func (s *Store) DirectoryRead(ctx context.Context, a bridge.AccountName, mark string, at time.Time, left []Departure) error {
	err := s.do(ctx, func(t *tx) error {
		for _, d := range left {
			if err := t.suspect(d); err != nil {
				return err
			}
		}
		return t.exec(`INSERT INTO directories (account, mark, read) VALUES ($1, $2, $3)
			ON CONFLICT (account) DO UPDATE SET mark = excluded.mark, read = excluded.read`, string(a), mark, at.UnixMilli())
	})
	if err != nil {
		err = fmt.Errorf("storing what a directory said: %w", err)
	}
	return err
}

// Suspect stores somebody who seems to have left, found otherwise than by reading a directory.
func (s *Store) Suspect(ctx context.Context, d Departure) error {
	err := s.do(ctx, func(t *tx) error { return t.suspect(d) })
	if err != nil {
		err = fmt.Errorf("storing that somebody seems to have left: %w", err)
	}
	return err
}

// suspect keeps since when, and whether it has been allowed.
func (t *tx) suspect(d Departure) error {
	return t.exec(`INSERT INTO departures_of_people (server, uid, home_server, home, presence, seen, allowed) VALUES ($1, $2, $3, $4, $5, $6, 0)
		ON CONFLICT (server, uid) DO UPDATE SET presence = excluded.presence`,
		string(d.Server), string(d.User), string(d.HomeServer), string(d.Home), int(d.Presence), d.Seen.UnixMilli())
}

// Departures gives all, the oldest first.
func (s *Store) Departures(ctx context.Context) ([]Departure, error) {
	var all []Departure
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT server, uid, home_server, home, presence, seen, allowed FROM departures_of_people ORDER BY seen, server, uid", nil, func(rows *sql.Rows) error {
			var d Departure
			var seen, allowed int64
			err := rows.Scan((*string)(&d.Server), (*string)(&d.User), (*string)(&d.HomeServer), (*string)(&d.Home), (*uint8)(&d.Presence), &seen, &allowed)
			d.Seen, d.Allowed = timeOf(seen), timeOf(allowed)
			all = append(all, d)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("listing who has left: %w", err)
	}
	return all, err
}

// AllowDepartures stores that these may be removed, and who they are at home by now; counted: within the limit, without anybody's consent.
func (s *Store) AllowDepartures(ctx context.Context, left []Departure, at time.Time, counted bool) error {
	err := s.do(ctx, func(t *tx) error {
		for _, d := range left {
			changed, err := t.change("UPDATE departures_of_people SET allowed = $1, home_server = $2, home = $3 WHERE server = $4 AND uid = $5 AND allowed = 0",
				at.UnixMilli(), string(d.HomeServer), string(d.Home), string(d.Server), string(d.User))
			if err != nil {
				return err
			}
			if !counted || changed == 0 {
				continue
			}
			if err := t.exec("INSERT INTO removals (server, uid, at) VALUES ($1, $2, $3) ON CONFLICT (server, uid) DO UPDATE SET at = excluded.at",
				string(d.Server), string(d.User), at.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("storing that people who have left may be removed: %w", err)
	}
	return err
}

// DropDeparture forgets one: all is done, or they are back.
func (s *Store) DropDeparture(ctx context.Context, d Departure) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM departures_of_people WHERE server = $1 AND uid = $2", string(d.Server), string(d.User))
	})
	if err != nil {
		err = fmt.Errorf("storing that a departure is done: %w", err)
	}
	return err
}

// Removals counts who was removed from a server since a time, without anybody's consent, and forgets earlier ones.
func (s *Store) Removals(ctx context.Context, server bridge.ServerID, since time.Time) (n int, err error) {
	err = s.do(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM removals WHERE at < $1", since.UnixMilli()); err != nil {
			return err
		}
		return t.row("SELECT COUNT(*) FROM removals WHERE server = $1", string(server)).Scan(&n)
	})
	if err != nil {
		err = fmt.Errorf("counting who was removed lately: %w", err)
	}
	return n, err
}
