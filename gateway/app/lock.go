package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

var errLocked = errors.New("locked")

// lockStore keeps a second `causeway run` away from a store: two lanes for one conversation would post twice. The
// lock ends with the process, however that ends; the file stays. Other commands do not ask for it.
// A store in PostgreSQL is held by the database itself: there is no file then, nor an error.
func lockStore(dsn string) (*os.File, error) {
	if store.IsPostgres(dsn) {
		return nil, nil
	}
	f, err := openLocked(lockPath(dsn))
	switch {
	case errors.Is(err, errLocked):
		return nil, fmt.Errorf("opening the store %s: another `causeway run` is using it: stop that one, or set DSN in [storage] to another file", dsn)
	case err != nil:
		return nil, fmt.Errorf("locking the store: %w: make the file and its folder writable, or set DSN in [storage]", err)
	}
	return f, nil
}

// lockPath is the file whose lock is that of the store.
func lockPath(dsn string) string { return followed(dsn) + ".lock" }

// heldMark is what a lock says once there has been a store.
const heldMark = "There is a store beside this file. Where it is missing, Causeway does not make another one as long as this file is here.\n"

// markHeld notes that there is a store, so that it is missed when it is gone.
func markHeld(lock *os.File) error {
	if lock == nil {
		return nil
	}
	if info, err := lock.Stat(); err != nil || info.Size() > 0 {
		return err
	}
	if _, err := lock.WriteString(heldMark); err != nil {
		return fmt.Errorf("noting that there is a store: %w: make room on the disk", err)
	}
	return nil
}

// hasHeld reports whether there was a store.
func hasHeld(dsn string) bool {
	info, err := os.Stat(lockPath(dsn))
	return err == nil && info.Size() > 0
}

// keyMark is what stands beside the key file once there has been a store in PostgreSQL.
const keyMark = "The store %s belongs to the key file beside this file. Where DSN in [storage] names an empty database, Causeway does not make another one as long as this file is here.\n"

// keyMarkPath is that file; empty: there is no key file.
func keyMarkPath(s config.Storage) string {
	if s.Key != "" {
		return ""
	}
	return followed(s.KeyFile) + ".held"
}

// markKey notes that there is a store in PostgreSQL, so that it is missed when it is gone.
func markKey(s config.Storage) error {
	path, text := keyMarkPath(s), fmt.Sprintf(keyMark, store.Name(s.DSN))
	if path == "" || !store.IsPostgres(s.DSN) {
		return nil
	}
	if before, err := os.ReadFile(path); err == nil && string(before) == text {
		return nil
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("noting that there is a store: %w: let Causeway write in the folder of the key file", err)
	}
	return nil
}

// followed follows symbolic links, so that two names of one store have one lock.
func followed(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}
