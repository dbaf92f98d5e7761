package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"causeway/bridge"
)

// Reader reads stored tokens and writes nothing, not even what SQLite keeps beside a database that is in use.
type Reader struct {
	db      *sql.DB
	keys    Keys
	version int
}

// OpenReader opens an existing store. [ErrTooNew]: it cannot be understood.
func OpenReader(ctx context.Context, dsn string, keys Keys) (*Reader, error) {
	r := &Reader{keys: keys}
	var err error
	if r.db, r.version, err = readOnly(ctx, dsn); err != nil {
		return nil, fmt.Errorf("reading the store %s: %w", Name(dsn), err)
	}
	return r, nil
}

// readOnly opens a store for reading and gives its version; 0: nothing was ever written.
func readOnly(ctx context.Context, dsn string) (db *sql.DB, version int, err error) {
	query := "PRAGMA user_version"
	if IsPostgres(dsn) {
		query = "SELECT version FROM store"
		db, err = readPostgres(ctx, dsn)
	} else {
		db, err = sql.Open("sqlite", readDataSource(dsn))
	}
	if err != nil {
		return nil, 0, err
	}
	err = db.QueryRowContext(ctx, query).Scan(&version)
	switch {
	case err == nil:
		err = usable(ctx, db, version)
	case noTable(err):
		err = nil
	}
	if err != nil {
		_ = db.Close()
		return nil, 0, saying(err)
	}
	return db, version, nil
}

func readDataSource(path string) string {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}
	if _, err := os.Stat(path + "-wal"); err != nil {
		// Nobody has it open, and everything is in the one file. Without this SQLite would make a log and its index, and
		// leave them.
		q.Set("immutable", "1")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Load gives what an account has saved under name; nil without an error when there is nothing.
func (r *Reader) Load(ctx context.Context, account bridge.AccountName, name string) ([]byte, error) {
	if r.version == 0 {
		return nil, nil // made, but never written to
	}
	var sealed []byte
	err := r.db.QueryRowContext(ctx, "SELECT sealed FROM vault WHERE account = $1 AND name = $2", string(account), name).Scan(&sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the stored %s of %s: %w", name, account, err)
	}
	value, err := r.keys.opened(string(account), name, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening the stored %s of %s: it was sealed with another key file: restore that, or sign in again", name, account)
	}
	return value, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.db.Close() }
