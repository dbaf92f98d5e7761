package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	// The engine: SQLite translated to Go, so that the binary needs no C library.
	_ "modernc.org/sqlite"
)

// sqlite is a database in a file, in WAL mode with synchronous=FULL.
type sqlite struct{ path, vfs string }

func (e *sqlite) openFor(ctx context.Context, copying bool) (*sql.DB, *sql.Conn, error) {
	if e.vfs == "" {
		if err := probe(e.path); err != nil {
			return nil, nil, err
		}
	}
	db, err := sql.Open("sqlite", dataSource(e.path, e.vfs))
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(2) // the writer's, and one for reading what may take longer
	conn, err := db.Conn(ctx)
	if err == nil {
		err = e.migrate(ctx, conn, copying)
	}
	if err != nil {
		_ = db.Close()
		return nil, nil, saying(err)
	}
	return db, conn, nil
}

// probe gives an error with the next step where SQLite would only say "unable to open database file".
func probe(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("%w: make the file and its folder writable, or set DSN in [storage]", err)
	}
	return f.Close()
}

func dataSource(path, vfs string) string {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "cache_size(-4000)", "journal_size_limit(16777216)"}}
	if vfs != "" {
		q = url.Values{"vfs": {vfs}, "_pragma": {"synchronous(OFF)"}}
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// migrate brings the database to the present version, in one transaction. Another process may be about to do the same.
func (e *sqlite) migrate(ctx context.Context, conn *sql.Conn, copying bool) error {
	version, err := usableVersion(ctx, conn)
	if copying && errors.Is(err, ErrUnfinished) || err == nil && version == len(migrations) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err == nil {
		err = e.steps(ctx, conn)
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return fmt.Errorf("bringing the store to version %d: %w", len(migrations), err)
	}
	return nil
}

// steps applies what is missing since the version that the database has now that nobody else writes.
func (e *sqlite) steps(ctx context.Context, conn *sql.Conn) error {
	version, err := usableVersion(ctx, conn)
	for ; err == nil && version < len(migrations); version++ {
		_, err = conn.ExecContext(ctx, fmt.Sprintf("%s;PRAGMA user_version = %d", migrations[version], version+1))
	}
	return err
}

// usableVersion reads the version, and gives the error of one that this Causeway cannot work on.
func usableVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("reading the store's version: %w", err)
	}
	return version, usable(ctx, conn, version)
}

func (*sqlite) query(text string) string { return text }
func (*sqlite) value(argument any) any   { return argument }
func (*sqlite) version() string          { return "PRAGMA data_version" }

// rest: texts that are settled are gone from the database; this takes them out of its log, too.
func (*sqlite) rest() string { return "PRAGMA wal_checkpoint(TRUNCATE)" }

func (*sqlite) beat() time.Duration { return 0 }

func (*sqlite) limit() time.Duration           { return 0 }
func (*sqlite) begin(w *writer) error          { return w.exec("BEGIN IMMEDIATE") }
func (*sqlite) commit(w *writer, _ bool) error { return w.exec("COMMIT") }
func (*sqlite) rollback(w *writer)             { _ = w.exec("ROLLBACK") }

func (*sqlite) release(*sql.Conn) {}

// lost: a file stays where it is.
func (*sqlite) lost(*sql.Conn) bool { return false }

func (*sqlite) again(context.Context) (*sql.Conn, bool, error) { return nil, false, ErrClosed }
