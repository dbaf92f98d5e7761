package msteams

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"causeway/bridge"
)

// relayMemory knows every user that this account has ever written as: what an earlier relay account posted is
// Causeway's own after another one has signed in, too.
type relayMemory struct {
	mu  sync.Mutex
	ids []bridge.UserID
}

const relaysVaultName = "relay-users"

// add takes up the present relay account and stores it, if it is new.
func (r *relayMemory) add(ctx context.Context, vault bridge.Vault, id bridge.UserID) error {
	if r.has(id) {
		return nil
	}
	text, err := vault.Load(ctx, relaysVaultName)
	if err != nil {
		return fmt.Errorf("loading former relay accounts: %w", err)
	}
	var ids []bridge.UserID
	if text != nil {
		if err := json.Unmarshal(text, &ids); err != nil {
			return fmt.Errorf("loading former relay accounts: %w", err)
		}
	}
	if !slices.Contains(ids, id) {
		ids = append(ids, id)
		if text, err = json.Marshal(ids); err != nil {
			return fmt.Errorf("storing the relay account: %w", err)
		}
		if err := vault.Save(ctx, relaysVaultName, text); err != nil {
			return fmt.Errorf("storing the relay account: %w", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = ids
	return nil
}

func (r *relayMemory) has(id bridge.UserID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return id != "" && slices.Contains(r.ids, id)
}
