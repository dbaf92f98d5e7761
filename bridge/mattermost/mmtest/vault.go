package mmtest

import (
	"context"
	"slices"
	"sync"

	"causeway/bridge"
)

// Vault is a [bridge.Vault] in memory. The zero value is empty.
type Vault struct {
	mu     sync.Mutex
	values map[string][]byte
	fail   error
	renews int
	loads  int
}

var _ bridge.Vault = (*Vault)(nil)

// Fail makes every change fail until it is called with nil.
func (v *Vault) Fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fail = err
}

// Renews counts the renewals so far, failed ones left out.
func (v *Vault) Renews() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.renews
}

// Loads counts the readings so far.
func (v *Vault) Loads() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.loads
}

// Load gives what was saved.
func (v *Vault) Load(_ context.Context, name string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loads++
	return slices.Clone(v.values[name]), nil
}

// Save keeps a value.
func (v *Vault) Save(_ context.Context, name string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		return v.fail
	}
	if v.values == nil {
		v.values = map[string][]byte{}
	}
	v.values[name] = slices.Clone(value)
	return nil
}

// Renew keeps a value where there is one.
func (v *Vault) Renew(_ context.Context, name string, value []byte) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		return false, v.fail
	}
	if v.values[name] == nil {
		return false, nil
	}
	v.renews++
	v.values[name] = slices.Clone(value)
	return true, nil
}

// Delete forgets a value.
func (v *Vault) Delete(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		return v.fail
	}
	delete(v.values, name)
	return nil
}
