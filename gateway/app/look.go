package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// look gives the stored tokens to commands that must not change anything; what bridges save goes into memory.
type look struct {
	reader *store.Reader // nil: nothing is stored, or it cannot be read
}

// openLook reads the store when there is one. With an error, what it gives is empty but can be used.
func openLook(ctx context.Context, s config.Storage) (*look, error) {
	if err := keyBelongs(s); err != nil {
		return &look{}, err
	}
	if !storeExists(s) {
		return &look{}, mayBeMade(s)
	}
	keys, err := loadKeys(s)
	if err != nil {
		return &look{}, err
	}
	if !store.IsPostgres(s.DSN) {
		if err := mayBeWritten(s.DSN); err != nil {
			return &look{}, err
		}
	}
	r, err := store.OpenReader(ctx, s.DSN, keys)
	if err != nil {
		return &look{}, damaged(err)
	}
	return &look{reader: r}, nil
}

// mayBeMade finds what would keep the first start from making the store.
func mayBeMade(s config.Storage) error {
	var paths []string
	if !store.IsPostgres(s.DSN) {
		paths = append(paths, s.DSN)
	}
	if s.Key == "" {
		paths = append(paths, s.KeyFile)
	}
	for _, path := range paths {
		dir := filepath.Dir(path)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("the folder %s for %s is not there: make it, or set DSN and KeyFile in [storage]", dir, filepath.Base(path))
		}
		if !mayWrite(dir) {
			return fmt.Errorf("files cannot be made in the folder %s: let the user that runs Causeway write there, or set DSN and KeyFile in [storage]", dir)
		}
	}
	if info, err := os.Stat(s.KeyFile); s.Key == "" && (err != nil || !info.Mode().IsRegular()) {
		return nil
	}
	_, err := loadKeys(s)
	return err
}

// mayBeWritten opens without changing anything.
func mayBeWritten(path string) error {
	if dir := filepath.Dir(path); !mayWrite(dir) { // the lock and SQLite's log stand beside it
		return fmt.Errorf("files cannot be made in the folder %s: let the user that runs Causeway write there, or set DSN in [storage]", dir)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening the store: %w: make the file and its folder writable, or set DSN in [storage]", err)
	}
	return f.Close()
}

// damaged adds the next step to what tells of a damaged file; all else says it itself.
func damaged(err error) error {
	if !errors.Is(err, store.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: restore the file from a backup, with `causeway store restore BACKUP --replace`, which puts this one aside", err)
}

func (l *look) close() {
	if l.reader != nil {
		_ = l.reader.Close()
	}
}

// vault gives an account's tokens.
func (l *look) vault(account string) bridge.Vault {
	return &readVault{look: l, account: bridge.AccountName(account), saved: map[string][]byte{}}
}

// readVault keeps in memory what is saved: a token that was renewed meanwhile does not replace the stored one, which
// stays good.
type readVault struct {
	look    *look
	account bridge.AccountName
	mutex   sync.Mutex
	saved   map[string][]byte
}

func (v *readVault) Load(ctx context.Context, name string) ([]byte, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if value, ok := v.saved[name]; ok || v.look.reader == nil {
		return value, nil
	}
	return v.look.reader.Load(ctx, v.account, name)
}

func (v *readVault) Save(_ context.Context, name string, value []byte) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.saved[name] = value
	return nil
}

func (v *readVault) Renew(ctx context.Context, name string, value []byte) (bool, error) {
	if old, err := v.Load(ctx, name); old == nil || err != nil {
		return false, err
	}
	return true, v.Save(ctx, name, value)
}

func (v *readVault) Delete(ctx context.Context, name string) error { return v.Save(ctx, name, nil) }
