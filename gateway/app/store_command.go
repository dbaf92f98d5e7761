package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

// What `causeway store` can do.
var storeActions = []string{"backup", "restore", "check", "migrate", "copy"}

// storeCommand is `causeway store backup | restore | check | migrate | copy`.
func (c *call) storeCommand(ctx context.Context) error {
	v, _ := verbNamed("store")
	action := c.args[0]
	named := action == "backup" || action == "restore"
	switch {
	case !slices.Contains(storeActions, action): // its name is what is wrong
	case named && len(c.args) < 2:
		return &usageError{text: "store " + action + " needs the name of a file", verb: v}
	case !named && len(c.args) > 1:
		return &usageError{text: fmt.Sprintf("store %s takes no %q", action, c.args[1]), verb: v}
	case c.replace && action != "restore":
		return &usageError{text: "store " + action + " takes no --" + flagReplace, verb: v}
	}
	switch {
	case action == "copy" && c.to != "":
		return c.copyStore(ctx)
	case action == "copy":
		return &usageError{text: "store copy needs --to, the path or address of an empty store", verb: v}
	case c.from != "" || c.to != "":
		return &usageError{text: "store " + action + " takes neither --from nor --to", verb: v}
	case action == "migrate":
		return c.migrateStore(ctx)
	case action == "check":
		return c.checkStore(ctx)
	case action == "backup":
		return c.backupStore(ctx)
	case action == "restore":
		return c.restoreStore(ctx)
	default:
		return &usageError{text: fmt.Sprintf("store cannot %q; %s", action, config.Suggest(action, storeActions)), verb: v}
	}
}

// migrateStore brings the store to the present version, as the next start would.
func (c *call) migrateStore(ctx context.Context) error {
	cfg, err := c.loadToLook()
	if err != nil {
		return err
	}
	lock, err := lockStore(cfg.Storage.DSN)
	if err != nil {
		return err
	}
	if lock != nil {
		defer lock.Close()
	}
	end := c.busy("bringing the store to the present version")
	opened, err := openStoreWith(ctx, cfg.Storage, store.Options{Holder: holder()})
	end()
	if err != nil {
		return err
	}
	if err := errors.Join(opened.Close(), markHeld(lock)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "The store %s has version %d, which is that of this Causeway.\n", store.Name(cfg.Storage.DSN), store.Version())
	return err
}

func (c *call) checkStore(ctx context.Context) error {
	cfg, err := c.loadToLook()
	if err != nil {
		return err
	}
	if !storeExists(cfg.Storage) {
		if err := vanished(cfg.Storage); err != nil {
			return err
		}
		return fmt.Errorf("there is no store %s yet; the first start makes it", store.Name(cfg.Storage.DSN))
	}
	end := c.busy("looking through the store")
	found, err := store.Inspect(ctx, cfg.Storage.DSN)
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, inspected(cfg.Storage.DSN, found))
	for _, p := range found.Problems {
		_, _ = fmt.Fprintln(c.Stderr, "causeway: "+oneLine(p)+": "+restoreStep)
	}
	if len(found.Problems) > 0 {
		return errProblems
	}
	return err
}

const restoreStep = "restore it from a backup"

func inspected(dsn string, i store.Inspection) string {
	return fmt.Sprintf("The store %s has version %d of %d and %d rows.", store.Name(dsn), i.Version, i.Known, i.Rows)
}

// copyStore moves everything from one store to another.
func (c *call) copyStore(ctx context.Context) error {
	from, to := c.from, c.to
	if from == "" {
		cfg, err := c.loadToLook()
		if err != nil {
			return err
		}
		from = cfg.Storage.DSN
	}
	var err error
	if from, err = fromEnvironment("--from", from); err != nil {
		return err
	}
	if to, err = fromEnvironment("--to", to); err != nil {
		return err
	}
	if from == to {
		return errors.New("--from and --to are the same store")
	}
	if _, err := os.Stat(from); !store.IsPostgres(from) && err != nil {
		return fmt.Errorf("reading the store: %w: name with --from one that is there", err)
	}
	for _, dsn := range []string{from, to} {
		lock, err := lockStore(dsn)
		if err != nil {
			return err
		}
		if lock != nil {
			defer lock.Close()
		}
	}
	told, end := c.progress("copying rows")
	copied, err := store.Copy(ctx, from, to, told)
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d rows of %d tables are in %s now. The key goes with them: set DSN in [storage], leave the key file where KeyFile names it, and "+
		"start Causeway with this store only; the former one may be kept as a backup of this moment.\n", copied.Rows, copied.Tables, store.Name(to))
	return err
}

// fromEnvironment takes the address of a store from where the list of processes does not show its password.
func fromEnvironment(flag, dsn string) (string, error) {
	name, is := strings.CutPrefix(dsn, "env:")
	if !is {
		return dsn, nil
	}
	if dsn = os.Getenv(name); dsn == "" {
		return "", fmt.Errorf("the environment variable that %s names is not set: set it to the address of the store", flag)
	}
	return dsn, nil
}
