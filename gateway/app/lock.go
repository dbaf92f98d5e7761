package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
	path := followed(dsn) + ".lock"
	f, err := openLocked(path)
	switch {
	case errors.Is(err, errLocked):
		return nil, fmt.Errorf("opening the store %s: another `causeway run` is using it: stop that one, or set DSN in [storage] to another file", dsn)
	case err != nil:
		return nil, fmt.Errorf("locking the store: %w: make the file and its folder writable, or set DSN in [storage]", err)
	}
	return f, nil
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
