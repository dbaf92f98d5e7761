package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Restoring is how a store is put back.
type Restoring struct {
	// Keys are those of the store that was backed up.
	Keys Keys
	// Replace: what is in the target goes. An SQLite file is kept beside it, under another name.
	Replace bool
	// Now is the present time.
	Now time.Time
}

// Restored tells what Restore has done.
type Restored struct {
	Inspection
	// Kept is what the former file is called now; empty: there was none.
	Kept string
}

// Restore puts what Backup has written in the place of a store. Nobody may be working on that. Until it is whole, the target stays as it was.
//
// Since the backup was made, Causeway has posted what the store does not know. So each message that is older than the restoring is looked for at its
// target by its key before it is posted; see restoredAt.
func Restore(ctx context.Context, file, dsn string, how Restoring) (Restored, error) {
	r, err := restore(ctx, file, dsn, how)
	if err != nil {
		return r, fmt.Errorf("restoring the store %s from %s: %w", Name(dsn), file, err)
	}
	return r, nil
}

func restore(ctx context.Context, file, dsn string, how Restoring) (r Restored, err error) {
	if _, err := os.Stat(file); err != nil {
		return r, err
	}
	if r.Inspection, err = whole(ctx, file); err != nil {
		return r, fmt.Errorf("the backup: %w: take another one", err)
	}
	if err := how.Keys.belong(ctx, file); err != nil {
		return r, err
	}
	if !IsPostgres(dsn) {
		r.Kept, err = restoreFile(ctx, file, dsn, how)
		return r, err
	}
	folder, err := os.MkdirTemp("", "causeway-restore-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(folder)
	ready := filepath.Join(folder, "causeway.db")
	if err := prepare(ctx, file, ready, 0); err != nil {
		return r, err
	}
	db, _, err := readOnly(ctx, ready)
	if err != nil {
		return r, err
	}
	defer db.Close()
	conn, done, err := oneMoment(ctx, db, false)
	if err != nil {
		return r, err
	}
	defer done()
	_, err = copyInto(ctx, conn, dsn, filling{holder: "a restoring that is under way", replace: how.Replace, restored: how.Now.UnixMilli()})
	return r, err
}

// belong makes sure that a backup is of a store with these keys.
func (k Keys) belong(ctx context.Context, file string) error {
	db, _, err := readOnly(ctx, file)
	if err != nil {
		return err
	}
	defer db.Close()
	var sealed []byte
	if err := db.QueryRowContext(ctx, "SELECT sealed FROM vault WHERE account = '' AND name = $1", keyFileSeal).Scan(&sealed); err != nil {
		return fmt.Errorf("looking which key it was made with: %w", err)
	}
	if _, err := k.opened("", keyFileSeal, sealed); err != nil {
		return errors.New("the backup belongs to another key file: restore the one that was in use when it was made (KeyFile or Key in [storage]), and do this again")
	}
	return nil
}

// restoringEnding is that of a file that is about to become the store.
const restoringEnding = ".restoring"

func restoreFile(ctx context.Context, file, path string, how Restoring) (kept string, err error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.Size() > 0 && !how.Replace:
		return "", fmt.Errorf("%w: with --replace it is put aside", ErrNotEmpty)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	ready := path + restoringEnding
	if err := prepare(ctx, file, ready, how.Now.UnixMilli()); err != nil {
		return "", errors.Join(err, removeDatabase(ready))
	}
	kept = fmt.Sprintf("%s.before-%s", path, how.Now.UTC().Format("20060102-150405"))
	if err := putAside(path, kept); err != nil {
		return "", err
	}
	if info == nil {
		kept = ""
	}
	return kept, publish(ready, path)
}

// putAside renames a database and its log, which SQLite would take for that of the new one, even where there is no database any more.
func putAside(path, to string) error {
	for _, ending := range append([]string{""}, besides...) {
		if err := os.Rename(path+ending, to+ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("putting the former file aside: %w", err)
		}
	}
	return nil
}

// prepare makes a database of the present version of a backup.
func prepare(ctx context.Context, file, ready string, restored int64) error {
	if err := makeEmpty(ready); err != nil {
		return err
	}
	if err := vacuumInto(ctx, file, ready); err != nil {
		return err
	}
	e := &sqlite{path: ready}
	db, conn, err := e.openFor(ctx, false)
	if err != nil {
		return err
	}
	if restored != 0 {
		err = markRestored(ctx, conn, restored)
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, e.rest())
	}
	return errors.Join(err, conn.Close(), db.Close())
}

// wasRestored is what the moment is called in the table.
const wasRestored = "restored"

func markRestored(ctx context.Context, conn *sql.Conn, at int64) error {
	_, err := conn.ExecContext(ctx, "INSERT INTO moments (what, at) VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET at = excluded.at", wasRestored, at)
	return err
}

// restoredAt gives when the store was put back from a backup, in Unix milliseconds; 0: never. What was said before may have been posted without the
// store's knowing it: it is looked for before it is posted, and a post with a genuine key is Causeway's, whoever wrote it.
func restoredAt(ctx context.Context, conn *sql.Conn) (at int64, err error) {
	err = conn.QueryRowContext(ctx, "SELECT at FROM moments WHERE what = $1", wasRestored).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return at, err
}

// former reports whether something of this time may have been posted before the store was restored. Clocks differ.
func (w *writer) former(millis int64) bool { return w.restored != 0 && millis < w.restored+forerunner }
