package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// lineageQueries tell a PostgreSQL database, and the history that it is on, from what it was replaced by: the cluster's identifier; its timeline, which is another
// one after a replica has taken over or the cluster was recovered from an archive; and the number of the table that names the holder, which is another one after pg_restore.
// Any role may ask (https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA and functions-admin.html#FUNCTIONS-ADMIN-BACKUP).
// pg_control_checkpoint() has a timeline, too, but that of the last checkpoint, which comes only after a replica has begun to take writes.
var lineageQueries = []string{
	"SELECT system_identifier::text FROM pg_control_system()",
	"SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
	"SELECT 'store'::regclass::oid::text",
}

// lineage gives what they say. What a provider does not let be asked is empty, as the timeline in Amazon Aurora, all of whose instances have the same storage.
func lineage(ctx context.Context, conn *sql.Conn) (string, error) {
	var all []string
	for _, query := range lineageQueries {
		var one string
		err := conn.QueryRowContext(ctx, query).Scan(&one)
		var refusal *pgconn.PgError
		if err != nil && (!errors.As(err, &refusal) || strings.HasPrefix(refusal.Code, "57")) { // it was interrupted
			return "", fmt.Errorf("asking which database it is: %w", err)
		}
		all = append(all, one)
	}
	return strings.Join(all, " "), nil
}

// trace finds out whether the database is the one, on the same history, in which the store was last, as otherwise it may have less than what was said to be stored: by a
// replica that was behind, or a backup. Then the store is marked as one that was restored, which makes posts be looked for before they are made. It costs no more than that
// where nothing is missing, as after a synchronous replica has taken over. In a store that has only just been begun, nothing can be missing.
func (p *postgres) trace(ctx context.Context, conn *sql.Conn, begun bool) (err error) {
	if p.lineage, err = lineage(ctx, conn); err != nil {
		return err
	}
	var before string
	if err := conn.QueryRowContext(ctx, "SELECT lineage FROM store").Scan(&before); err != nil {
		return fmt.Errorf("looking which database it was in: %w", err)
	}
	if begun || (before == "" || before == p.lineage) && !p.broken { // nobody who works on it has noted it yet
		return nil
	}
	if err := markRestored(ctx, conn, time.Now().UnixMilli()); err != nil {
		return fmt.Errorf("noting that it may have gone back: %w", err)
	}
	p.moved = true
	return nil
}

// followed notes the lineage of a database that has everything that this process has stored.
func (p *postgres) followed(ctx context.Context, conn *sql.Conn) error {
	now, err := lineage(ctx, conn)
	if err != nil || now == p.lineage {
		return err
	}
	if err := p.shared(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "UPDATE store SET lineage = $1 WHERE token = $2", now, p.token); err != nil {
		return fmt.Errorf("noting which database it is in: %w", err)
	}
	p.lineage = now
	return nil
}

// shared begins all anew where several processes work on the store: what this one has stored is there, but what others have may not be.
func (p *postgres) shared(ctx context.Context, conn *sql.Conn) error {
	there := false
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM members)").Scan(&there); err != nil || !there {
		return err
	}
	if err := markRestored(ctx, conn, time.Now().UnixMilli()); err != nil {
		return fmt.Errorf("noting that it may have gone back: %w", err)
	}
	return errRewound
}

// Moved reports whether the store may lack what was said to be stored in it, since PostgreSQL is another one than before, or was put back, or a replica has taken over.
func (s *Store) Moved() bool {
	p, ok := s.engine.(*postgres)
	return ok && p.moved
}
