package store

import (
	"context"
	"fmt"

	"causeway/bridge"
)

type vault struct {
	store   *Store
	account bridge.AccountName
}

// Vault gives an account's sealed tokens.
func (s *Store) Vault(account bridge.AccountName) bridge.Vault { return vault{s, account} }

func (v vault) Load(ctx context.Context, name string) ([]byte, error) {
	var sealed []byte
	var found bool
	err := v.store.do(ctx, func(t *tx) (err error) {
		found, err = t.found("SELECT sealed FROM vault WHERE account = $1 AND name = $2", []any{string(v.account), name}, &sealed)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	value, err := v.store.keys.opened(string(v.account), name, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening the stored %s of %s: it was sealed with another key file: restore that, or sign in again", name, v.account)
	}
	return value, nil
}

func (v vault) Save(ctx context.Context, name string, value []byte) error {
	sealed := v.store.keys.sealed(string(v.account), name, value)
	return v.store.do(ctx, func(t *tx) error {
		return t.exec(`INSERT INTO vault (account, name, sealed) VALUES ($1, $2, $3)
			ON CONFLICT (account, name) DO UPDATE SET sealed = excluded.sealed`, string(v.account), name, sealed)
	})
}

func (v vault) Renew(ctx context.Context, name string, value []byte) (bool, error) {
	sealed := v.store.keys.sealed(string(v.account), name, value)
	var changed int64
	err := v.store.do(ctx, func(t *tx) (err error) {
		changed, err = t.change("UPDATE vault SET sealed = $1 WHERE account = $2 AND name = $3", sealed, string(v.account), name)
		return err
	})
	return changed > 0, err
}

func (v vault) Delete(ctx context.Context, name string) error {
	return v.store.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM vault WHERE account = $1 AND name = $2", string(v.account), name)
	})
}
