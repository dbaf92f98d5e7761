package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Rekey seals everything in the store anew, with a new key that takes the place of the one in the key file. The key of the marks stays:
// Causeway would not recognise its own posts with another one. Nobody else may have the store open. Killed at any point, it leaves a key
// file that opens the store, and may be called again.
func Rekey(ctx context.Context, path, keyFile string, o Options) (sealed int, err error) {
	old, err := LoadKeys(keyFile)
	if err != nil {
		return 0, err
	}
	next := keyText{seal: newSecret(), marks: old.text.markSecret(), former: append([][]byte{old.text.seal}, old.text.former...)}
	if err := replaceKeyFile(keyFile, next); err != nil {
		return 0, err
	}
	keys, err := next.keys()
	if err != nil {
		return 0, err
	}
	s, err := Open(ctx, path, keys, o)
	if err != nil {
		return 0, err
	}
	sealed, err = s.reseal(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return 0, err
	}
	next.former = nil
	return sealed, replaceKeyFile(keyFile, next)
}

// reseal opens and seals whatever is sealed, in one transaction, and tells how much that was.
func (s *Store) reseal(ctx context.Context) (int, error) {
	type row struct {
		account, name string
		sealed        []byte
	}
	var all []row
	files := 0
	err := s.do(ctx, func(t *tx) error {
		all = nil
		err := t.each("SELECT account, name, sealed FROM vault", nil, func(rows *sql.Rows) error {
			var r row
			err := rows.Scan(&r.account, &r.name, &r.sealed)
			all = append(all, r)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range all {
			value, err := s.keys.opened(r.account, r.name, r.sealed)
			if err != nil {
				return fmt.Errorf("opening the stored %s of %s: it was sealed with another key", r.name, r.account)
			}
			if err := t.exec("UPDATE vault SET sealed = $1 WHERE account = $2 AND name = $3", s.keys.sealed(r.account, r.name, value), r.account, r.name); err != nil {
				return err
			}
		}
		if files, err = t.resealFiles(); err != nil {
			return err
		}
		return t.endWalks()
	})
	if err != nil {
		return 0, fmt.Errorf("sealing with the new key: %w", err)
	}
	return len(all) + files, nil
}

// endWalks ends those that are under way, as they last minutes, and seals them anew: what was given on them is to be given back.
func (t *tx) endWalks() error {
	type row struct {
		id     string
		sealed []byte
	}
	var all []row
	err := t.each("SELECT id, sealed FROM walks", nil, func(rows *sql.Rows) error {
		var r row
		err := rows.Scan(&r.id, &r.sealed)
		all = append(all, r)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		if text, err := t.keys.opened(walkSeal, r.id, r.sealed); err == nil {
			r.sealed = t.keys.sealed(walkSeal, r.id, text)
		}
		if err := t.exec("UPDATE walks SET expires = 0, sealed = $1 WHERE id = $2", r.sealed, r.id); err != nil {
			return err
		}
	}
	return nil
}

// replaceKeyFile writes the file whole or not at all.
func replaceKeyFile(path string, text keyText) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // has mode 0600
	if err != nil {
		return fmt.Errorf("writing the key file: %w", err)
	}
	defer os.Remove(f.Name())
	if _, err = f.WriteString(text.String()); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("writing the key file: %w", err)
	}
	return nil
}

// syncFolder makes a renaming last; file systems that cannot do that say so, which is no failure.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync()
	return dir.Close()
}
