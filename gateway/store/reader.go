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
func OpenReader(ctx context.Context, path string, keys Keys) (*Reader, error) {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}
	if _, err := os.Stat(path + "-wal"); err != nil {
		// Nobody has it open, and everything is in the one file. Without this SQLite would make a log and its index, and
		// leave them.
		q.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("reading the store %s: %w", path, err)
	}
	r := &Reader{db: db, keys: keys}
	if err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&r.version); err == nil && r.version > len(migrations) {
		err = tooNew(r.version)
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("reading the store %s: %w", path, err)
	}
	return r, nil
}

func tooNew(version int) error {
	return fmt.Errorf("%w (its version is %d, this Causeway knows up to %d): run that newer version, or restore a backup made before it",
		ErrTooNew, version, len(migrations))
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
