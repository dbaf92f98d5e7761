package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

// openStore opens the store of the config for reading and writing; key file and store are made when both are absent.
func openStore(ctx context.Context, s config.Storage) (*store.Store, error) {
	return openStoreWith(ctx, s, store.Options{})
}

// holder names this process to others that want to work on the same store.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return fmt.Sprintf("process %d on %s", os.Getpid(), host)
}

func openStoreWith(ctx context.Context, s config.Storage, o store.Options) (*store.Store, error) {
	if err := keyBelongs(s); err != nil {
		return nil, err
	}
	if !o.Member { // it has the same
		o.Program = version()
	}
	if o.Holder == "" {
		done, err := alone(ctx, s)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	keys, err := loadKeys(s)
	if err != nil {
		return nil, err
	}
	if store.IsPostgres(s.DSN) { // else an instance could stand by that can never take over
		if err := keys.Belongs(ctx, s.DSN); err != nil {
			return nil, err
		}
	}
	opened, err := store.Open(ctx, s.DSN, keys, o)
	if err != nil {
		return nil, damaged(err)
	}
	return opened, nil
}

// alone keeps a command from bringing a store to its version beneath an older Causeway that is running, and that from beginning meanwhile. PostgreSQL's store sees to
// that itself.
func alone(ctx context.Context, s config.Storage) (done func(), err error) {
	if store.IsPostgres(s.DSN) || !storeExists(s) {
		return func() {}, nil
	}
	older := store.Older(ctx, s.DSN)
	if older == nil {
		return func() {}, nil
	}
	lock, err := openLocked(lockPath(s.DSN))
	switch {
	case errors.Is(err, errLocked):
		return nil, older
	case err != nil:
		return nil, fmt.Errorf("locking the store: %w: make the file and its folder writable, or set DSN in [storage]", err)
	}
	return func() { _ = lock.Close() }, nil
}

// loadKeys reads the key from where the config says; the file is made when it is absent.
func loadKeys(s config.Storage) (store.Keys, error) {
	if s.Key == "" {
		return store.LoadKeys(s.KeyFile)
	}
	keys, err := store.ParseKeys(s.Key.Reveal())
	if err != nil {
		return store.Keys{}, fmt.Errorf("reading Key in [storage]: %w: put there what a key file says", err)
	}
	return keys, nil
}

// keyBelongs keeps a lost key file from being replaced without a word: with a new key, Causeway would neither
// recognise its own posts nor be able to use the stored tokens.
func keyBelongs(s config.Storage) error {
	if !storeExists(s) {
		return vanished(s)
	}
	if s.Key != "" {
		return nil
	}
	if _, err := os.Stat(s.KeyFile); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the store %s is there, but its key file %s is not: restore it from a backup or set KeyFile in [storage]; to begin anew, move the store away too",
			store.Name(s.DSN), s.KeyFile)
	}
	return nil
}

// vanished keeps a lost database from being made anew without a word: everything that was said before would be forgotten, and everybody who had connected.
func vanished(s config.Storage) error {
	if _, err := os.Stat(s.KeyFile); s.Key == "" && errors.Is(err, fs.ErrNotExist) {
		return nil // moved away with its key, to begin anew
	}
	if !store.IsPostgres(s.DSN) && hasHeld(s.DSN) {
		return fmt.Errorf("the store %s was there, and now it is not, or is empty: put it back, as with `causeway store restore BACKUP`; to begin anew, remove %s, too", s.DSN, lockPath(s.DSN))
	}
	if mark := keyMarkPath(s); mark != "" {
		if _, err := os.Stat(mark); err == nil {
			return fmt.Errorf("there is no store in %s, but there was one, as %s says: see that DSN in [storage] names the right database, or put it back, as with `causeway store restore BACKUP`; "+
				"to begin anew, remove that file, or give this one a KeyFile of its own in [storage]", store.Name(s.DSN), mark)
		}
	}
	return nil
}

// lookTime is how long PostgreSQL may take to tell whether there is a store.
const lookTime = 10 * time.Second

// storeExists reports whether anything was ever stored.
func storeExists(s config.Storage) bool {
	if store.IsPostgres(s.DSN) {
		ctx, cancel := context.WithTimeout(context.Background(), lookTime)
		defer cancel()
		return store.Begun(ctx, s.DSN)
	}
	info, err := os.Stat(s.DSN)
	return err == nil && info.Size() > 0
}
