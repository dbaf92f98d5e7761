// Package people knows who somebody is on more than one service: it connects accounts, keeps the preferred platform, mutes where
// a message arrives elsewhere, asks people to connect, and acts when somebody leaves. It holds what is true of any two services; what is
// special to one is behind [bridge.Bridge].
//
// People connect at home, the account where they type commands ([bridge.Capabilities].Commands), with another account on which
// Causeway can act as them. A walk through one browser proves both ends:
//
//	/msteams connect ─▶ link (signed, 15 minutes) ─▶ page ─▶ sign-in at home ─▶ sign-in there ─▶ page that names both ─▶ press
//
// Only the last press stores anything but the walk itself, in one transaction with both grants. All that lasts longer than a
// request (muting, inviting, verifying, synchronising, disconnecting) is a duty: it compares what should be with what the store says,
// does one step after the other, and can be stopped between any two.
package people

import (
	"context"
	"sync"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// Account is a bridge with what people call it.
type Account struct {
	Name bridge.AccountName
	// Title is what people call the service: "Microsoft Teams"; Label what the config calls this account, may be empty.
	Title, Label string
	Bridge       bridge.Bridge
}

// Gateway is what people need to know of the gateway that carries their messages.
type Gateway interface {
	// Identity tells which server an account is on, and as whom; false before it has connected once.
	Identity(a bridge.AccountName) (bridge.Identity, bool)
	// Pairs gives, for each conversation that is read, those to which it is carried, as far as their names were found. The channel is closed when that
	// has changed.
	Pairs() ([]Pair, <-chan struct{})
	// Delivers reports whether what is said in a conversation arrives in another one at present: both accounts work, neither
	// conversation is in trouble.
	Delivers(from, to bridge.ConversationID) bool
	// Waiting counts what has been said by a user, and has not been delivered yet.
	Waiting(ctx context.Context, server bridge.ServerID, u bridge.UserID) (int, error)
}

// Pair is a conversation and one to which it is carried.
type Pair struct {
	From, To bridge.ConversationID
	// Reader reads From, Writer writes to To.
	Reader, Writer bridge.AccountName
	// Name is what the config calls From.
	Name string
}

// Options is what People work with.
type Options struct {
	Accounts []Account
	Settings config.People
	Store    *store.Store
	Gateway  Gateway
	// PublicURL is where browsers reach Causeway; empty: nobody can connect.
	PublicURL string
	Log       *logrus.Entry
}

// People is all of it. Make it with New, run it once.
type People struct {
	o        Options
	accounts map[bridge.AccountName]Account
}

// New puts it together; nothing is read or written yet.
func New(o Options) *People {
	p := &People{o: o, accounts: map[bridge.AccountName]Account{}}
	for _, a := range o.Accounts {
		p.accounts[a.Name] = a
	}
	return p
}

// duty is something that goes on until ctx ends.
type duty func(ctx context.Context)

// Run does the duties until ctx ends, and waits for them.
func (p *People) Run(ctx context.Context) {
	var tasks sync.WaitGroup
	for _, d := range p.duties() {
		tasks.Go(func() { d(ctx) })
	}
	tasks.Wait()
}

// duties are what goes on beside the walks.
func (p *People) duties() []duty { return nil }
