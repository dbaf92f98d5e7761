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

// backupStore writes the store, as it is now, into a new file. Causeway may be running.
func (c *call) backupStore(ctx context.Context) error {
	cfg, err := c.loadToLook()
	if err != nil {
		return err
	}
	s, file := cfg.Storage, c.args[1]
	if !storeExists(s) {
		if err := vanished(s); err != nil {
			return err
		}
		return fmt.Errorf("there is no store %s yet, so there is nothing to back up", store.Name(s.DSN))
	}
	end := c.busy("backing up")
	found, err := store.Backup(ctx, s.DSN, file)
	end()
	if err != nil {
		return damaged(err)
	}
	_, err = fmt.Fprintln(c.out, backedUp(s, file, found))
	return err
}

func backedUp(s config.Storage, file string, found store.Inspection) string {
	return fmt.Sprintf("%s holds the store %s as it was just now: %d rows. What is encrypted in it can be opened only with %s: back that up, too, and keep it apart.",
		file, store.Name(s.DSN), found.Rows, keyName(s))
}

// keyName says where the key is.
func keyName(s config.Storage) string {
	if s.Key != "" {
		return "the Key of [storage]"
	}
	return "the key file " + s.KeyFile
}

// restoreStore puts a backup in the place of the store. Causeway must be stopped.
func (c *call) restoreStore(ctx context.Context) error {
	cfg, err := c.loadToLook()
	if err != nil {
		return err
	}
	s, file := cfg.Storage, c.args[1]
	if _, err := os.Stat(s.KeyFile); s.Key == "" && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the key file %s is not there, and without it a backup cannot be used: put back the one that was in use when it was made, or set KeyFile in [storage]", s.KeyFile)
	}
	keys, err := loadKeys(s)
	if err != nil {
		return err
	}
	lock, err := lockStore(s.DSN)
	if err != nil {
		return err
	}
	if lock != nil {
		defer lock.Close()
	}
	to := s.DSN
	if !store.IsPostgres(to) {
		to = followed(to)
	}
	end := c.busy("restoring")
	restored, err := store.Restore(ctx, file, to, store.Restoring{Keys: keys, Replace: c.replace, Now: time.Now()})
	end()
	if err != nil {
		return err
	}
	if err := markHeld(lock); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "The store %s is as it was when %s was made: %d rows.%s Start Causeway: it reads again what was said since then, and looks for what it has posted already before it posts "+
		"anything. Who has connected since then must do that again.\n", store.Name(s.DSN), file, restored.Rows, keptAs(restored.Kept))
	return err
}

func keptAs(kept string) string {
	if kept == "" {
		return ""
	}
	return " What was there before is in " + kept + "."
}
