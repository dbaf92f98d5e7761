package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// ErrExists: there is a file where one is to be made.
var ErrExists = errors.New("there is a file already")

// ErrDamaged: what is stored cannot be read, or contradicts itself.
var ErrDamaged = errors.New("it is damaged")

// partialEnding is that of a file which is not whole yet.
const partialEnding = ".partial"

// Backup writes all that a store of either kind holds at one moment into a new SQLite file, while others may work on the store, and looks through that file.
// Killed at any point, it leaves at most a file whose name ends in ".partial". The key is not in it.
func Backup(ctx context.Context, dsn, file string) (Inspection, error) {
	found, err := backup(ctx, dsn, file)
	if err != nil {
		return found, fmt.Errorf("backing up the store %s: %w", Name(dsn), err)
	}
	return found, nil
}

func backup(ctx context.Context, dsn, file string) (i Inspection, err error) {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return i, fmt.Errorf("%w called %s: give another name, or move that one away", ErrExists, file)
	}
	partial := file + partialEnding
	if err := makeEmpty(partial); err != nil {
		return i, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeDatabase(partial))
		}
	}()
	if IsPostgres(dsn) {
		err = backupPostgres(ctx, dsn, partial)
	} else {
		err = vacuumInto(ctx, dsn, partial)
	}
	if err != nil {
		return i, err
	}
	if i, err = whole(ctx, partial); err != nil {
		return i, err
	}
	return i, publish(partial, file)
}

// makeEmpty makes an empty file that only its owner can read, in place of what an earlier call has left.
func makeEmpty(path string) error {
	if err := removeDatabase(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%w: name a file in a folder that this user may write to", err)
	}
	return f.Close()
}

// besides are the endings of what SQLite keeps beside a database.
var besides = []string{"-wal", "-shm", "-journal"}

func removeDatabase(path string) error {
	for _, ending := range append([]string{""}, besides...) {
		if err := os.Remove(path + ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// vacuumInto has SQLite copy a database, as it is at one moment, into an empty file. Pages that were freed are not in it.
func vacuumInto(ctx context.Context, path, file string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", sharedDataSource(path))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", file); err != nil {
		return saying(err)
	}
	return nil
}

// sharedDataSource opens a database for reading that others may be writing, or begin to write meanwhile.
func sharedDataSource(path string) string {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func backupPostgres(ctx context.Context, dsn, file string) error {
	db, version, err := readOnly(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if version != len(migrations) {
		return fmt.Errorf("it has version %d, not %d: back it up with the Causeway that works on it, or do causeway store migrate first", version, len(migrations))
	}
	conn, done, err := oneMoment(ctx, db, true)
	if err != nil {
		return err
	}
	defer done()
	_, err = copyInto(ctx, conn, file, filling{})
	return err
}

// whole looks through a database that nobody uses.
func whole(ctx context.Context, path string) (Inspection, error) {
	i, err := inspect(ctx, path)
	switch {
	case err != nil:
		return i, saying(err)
	case len(i.Problems) > 0:
		return i, fmt.Errorf("%w: %s", ErrDamaged, i.Problems[0])
	case i.Version == 0:
		return i, fmt.Errorf("%w: nothing was ever stored in it", ErrDamaged)
	}
	return i, nil
}

// publish gives a whole database its name, after it has reached the disk.
func publish(from, to string) error {
	for _, ending := range besides { // all is in the file itself
		if err := os.Remove(from + ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(to))
}
