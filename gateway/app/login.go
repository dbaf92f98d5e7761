package app

import (
	"context"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// login is `causeway login ACCOUNT`. A `causeway run` that is waiting for it notices when it next tries to connect.
func (c *call) login(ctx context.Context) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	account, err := c.account(cfg)
	if err != nil {
		return err
	}
	opened, err := openStore(ctx, cfg.Storage)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	failed := c.signIn(ctx, cfg, account, opened, func(text string) { _, _ = fmt.Fprintln(c.out, text) })
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if err := c.note(kept, opened, "login", account.ID, "signed in", failed); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is signed in. A running Causeway uses it within a few minutes.\n", account.ID)
	return err
}

// noteTime is how long writing into the audit log may take, also after a signal.
const noteTime = 5 * time.Second

// signIn signs an account in, whose tokens go into the store.
func (c *call) signIn(ctx context.Context, cfg *config.Config, account config.Account, s *store.Store, show func(text string)) error {
	b, err := c.bridge(cfg, account, s.Vault(bridge.AccountName(account.ID)))
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	if err := b.Login(ctx, show); err != nil {
		return fmt.Errorf("%s: %w", account.ID, err)
	}
	return nil
}
