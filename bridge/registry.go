package bridge

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/sirupsen/logrus"
)

// Vault keeps an account's tokens encrypted at rest.
type Vault interface {
	// Load gives what was saved under name; nil without an error when there is nothing.
	Load(ctx context.Context, name string) ([]byte, error)
	// Save returns when the value is on disk.
	Save(ctx context.Context, name string, value []byte) error
	// Renew is Save, but only where something is saved under name already; it reports whether that was so.
	Renew(ctx context.Context, name string, value []byte) (bool, error)
	// Delete removes what was saved; harmless when there is nothing.
	Delete(ctx context.Context, name string) error
}

// Env is what the gateway gives to an account.
type Env struct {
	Account AccountName
	Log     *logrus.Entry
	Vault   Vault
	// Hook is the address below which others reach [Bridge.Handler], without a slash at its end, such as
	// "https://causeway.example.com/hooks/msteams.contoso"; empty when Causeway cannot be reached from outside.
	Hook string
	// Direct: the direct and group conversations of the account's people are to be carried, so that what that needs is asked for and checked.
	Direct bool
	// Deactivates: accounts of people who have left elsewhere are to be deactivated here, so that commands that only look check what that needs.
	Deactivates bool
	// Counts takes numbers; nil: nobody counts.
	Counts Counts
	// Front is how people reach Causeway through the account; nil in commands that only look.
	Front Front
}

// Protocol is a kind of chat service.
type Protocol struct {
	// Name is the table in the config: "mattermost" for [mattermost.NAME].
	Name string
	// Title is how people call it: "Mattermost". Shown by {PROTOCOL}-less texts and logs.
	Title string
	// Settings gives a pointer to a fresh struct that the account's table is decoded into. Fields of type
	// secret.Secret accept a value, a file (key + "File") or "env:NAME". A method Validate(report func(key,
	// problem string)) may report mistakes.
	Settings func() any
	// Place tells apart where the channels that an account's settings name are looked for, such as a server and a team: what a name
	// was found to be is remembered for the same place, whatever else changes in the settings. nil: all of them count.
	Place func(settings any) string
	// Login: a person signs an account in, by [Bridge.Login].
	Login bool
	// New makes an account from its decoded settings. It does no I/O beyond reading local files.
	New func(env Env, settings any) (Bridge, error)
	// Setup makes the service ready; nil: that must be done by hand.
	Setup *Setup
}

var (
	registryMutex sync.Mutex
	registry      = map[string]Protocol{}
)

// Register makes a protocol known; call it from init. It panics when the name is taken.
func Register(p Protocol) {
	registryMutex.Lock()
	defer registryMutex.Unlock()
	if _, taken := registry[p.Name]; taken {
		panic("bridge.Register: " + p.Name + " is registered twice")
	}
	registry[p.Name] = p
}

// Protocols gives all registered protocols, sorted by name.
func Protocols() []Protocol {
	registryMutex.Lock()
	defer registryMutex.Unlock()
	var all []Protocol
	for _, name := range slices.Sorted(maps.Keys(registry)) {
		all = append(all, registry[name])
	}
	return all
}
