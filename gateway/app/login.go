package app

import (
	"context"
	"fmt"

	"causeway/bridge"
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
	b, err := c.bridge(cfg, account, opened.Vault(bridge.AccountName(account.ID)))
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	if err := b.Login(ctx, func(text string) { _, _ = fmt.Fprintln(c.out, text) }); err != nil {
		return fmt.Errorf("%s: %w", account.ID, err)
	}
	_, err = fmt.Fprintf(c.out, "%s is signed in. A running Causeway uses it within a few minutes.\n", account.ID)
	return err
}
