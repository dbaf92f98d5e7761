package app

import (
	"context"
	"errors"
	"fmt"

	"causeway/gateway/store"
)

// rekey is `causeway rekey`.
func (c *call) rekey(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	s := cfg.Storage
	switch {
	case s.Key != "":
		return errors.New("the key stands in Key in [storage], which Causeway cannot change: put it into a file, name that as KeyFile, " +
			"run causeway rekey, and put what the file then says where Key takes it from")
	case !storeExists(s):
		return fmt.Errorf("there is no store %s yet, so nothing is encrypted", store.Name(s.DSN))
	}
	if err := keyBelongs(s); err != nil {
		return err
	}
	lock, err := lockStore(s.DSN)
	if err != nil {
		return err
	}
	if lock != nil {
		defer lock.Close()
	}
	end := c.busy("encrypting everything anew")
	sealed, err := store.Rekey(ctx, s.DSN, s.KeyFile, store.Options{Holder: holder(), Program: version()})
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d stored values are encrypted with a new key, which is in %s. Back it up. "+
		"Backups of the database made until now need the former key file.\n", sealed, s.KeyFile)
	return err
}
