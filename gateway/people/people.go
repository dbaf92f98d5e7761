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
// request (muting, inviting, verifying, matching, synchronising, disconnecting) is a duty: it compares what should be with what the store says,
// does one step after the other, and can be stopped between any two.
package people

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// Account is a bridge with what people call it.
type Account struct {
	Name bridge.AccountName
	// Title is what people call the service: "Microsoft Teams"; Label what the config calls this account, may be empty.
	Title, Label string
	// Address is where its server is, as people know it: "https://mattermost.example.com"; may be empty.
	Address string
	// With are the accounts with which it shares a gateway of the config.
	With   []bridge.AccountName
	Bridge bridge.Bridge
}

// protocol is the first half of its name: "msteams".
func (a Account) protocol() string {
	protocol, _, _ := strings.Cut(string(a.Name), ".")
	return protocol
}

// short is the second half of its name: "contoso".
func (a Account) short() string {
	_, short, _ := strings.Cut(string(a.Name), ".")
	return short
}

// Gateway is what people need to know of the gateway that carries their messages.
type Gateway interface {
	// Identity tells which server an account is on, and as whom; false before it has connected once.
	Identity(a bridge.AccountName) (bridge.Identity, bool)
	// Routes gives, for each conversation that is read, those to which it is carried, as far as their names were found. The channel is closed when that
	// has changed.
	Routes() ([]Route, <-chan struct{})
	// Delivers reports whether what is said in a conversation arrives in another one at present: both accounts work, neither
	// conversation is in trouble.
	Delivers(from, to bridge.ConversationID) bool
	// Lose stores that acting as a user was refused in something that began at that time, unless they have connected anew since, and has them told.
	Lose(ctx context.Context, server bridge.ServerID, u bridge.UserID, began time.Time, why error) error
	// Waiting counts what has been said by a user, and has not been delivered yet.
	Waiting(ctx context.Context, server bridge.ServerID, u bridge.UserID) (int, error)
}

// Route is a conversation and one to which it is carried.
type Route struct {
	From, To bridge.ConversationID
	// Reader reads From, Writer writes to To.
	Reader, Writer bridge.AccountName
	// Name is what the config calls From.
	Name string
	// Shape is [bridge.Open] for channels. Members are all who are in the direct or group conversation From; Everybody: they are all connected at both ends.
	Shape     bridge.Shape
	Members   []bridge.UserID
	Everybody bool
}

// Options is what People work with.
type Options struct {
	// Accounts stand as in the config.
	Accounts []Account
	Settings config.People
	Store    *store.Store
	Gateway  Gateway
	// PublicURL is where browsers reach Causeway; empty: nobody can connect.
	PublicURL string
	Log       *logrus.Entry
	// Off, when not nil, tells what of direct and group messages is switched off between two accounts.
	Off func(one, other bridge.AccountName) []direct.Reason
	// Changed, when not nil, is told whenever the store says something new about people. It must return at once.
	Changed func()
}

// People is all of it. Make it with New, run it once.
type People struct {
	o        Options
	accounts map[bridge.AccountName]Account
	// answers say what a press of a button does, by the purpose of the button.
	answers map[string]answer
	// arrived takes who has come online at home, and awaited says of whom it matters; nil: nobody minds.
	arrived func(home Account, users []bridge.UserID)
	awaited func(home Account) (of bridge.Circle, ok bool)
	// mutes puts back how somebody was told of things.
	mutes mutes
	// members know who is in which conversation.
	members *members
	// departures know who has left.
	departures *departures
	// inviting asks people whether they want to connect.
	inviting *inviting
	// matching knows who has the same e-mail address.
	matching *matching
	// errands are done for administrators.
	errands *errands
	// letters tell people what has become of their connections.
	letters *letters
	work    []duty

	mutex sync.Mutex // guards what follows
	// news is closed when something about people has changed.
	news chan struct{}
	// finishing are the walks whose last press is being dealt with.
	finishing map[string]bool
}

// mutes knows what was muted for people.
type mutes interface {
	// Undo puts the settings of an identity back; done when there is nothing left to put back.
	Undo(ctx context.Context, i store.Identity) (done bool, err error)
}

// nothingMuted is for accounts on which nothing is muted.
type nothingMuted struct{}

func (nothingMuted) Undo(context.Context, store.Identity) (bool, error) { return true, nil }

// New puts it together; nothing is read or written yet.
func New(o Options) *People {
	p := &People{o: o, accounts: map[bridge.AccountName]Account{}, answers: map[string]answer{}, mutes: nothingMuted{},
		news: make(chan struct{}), finishing: map[string]bool{}}
	for _, a := range o.Accounts {
		p.accounts[a.Name] = a
	}
	p.work = p.duties()
	return p
}

// duty is something that goes on until ctx ends.
type duty func(ctx context.Context)

// Run does the duties until ctx ends, and waits for them.
func (p *People) Run(ctx context.Context) {
	var tasks sync.WaitGroup
	for _, d := range p.work {
		tasks.Go(func() { p.lasting(ctx, d) })
	}
	tasks.Wait()
}

// dutyRetry is how long after a panic a duty begins anew.
const dutyRetry = time.Minute

// lasting does a duty that no panic may end, nor all that Causeway does with it.
func (p *People) lasting(ctx context.Context, d duty) {
	for {
		err := guarded(func() error { d(ctx); return nil })
		if err == nil {
			return
		}
		p.o.Log.WithError(err).Error("something about people stopped by a mistake of Causeway's own; it begins anew in a minute")
		if !pause(ctx, dutyRetry) {
			return
		}
	}
}

// duties are what goes on beside the walks. Each adds what its buttons do to p.answers when it is made.
func (p *People) duties() []duty {
	p.answers[forPlatform], p.answers[forConnect] = p.choosePlatform, p.connectAgain
	p.members, p.errands, p.matching, p.letters = newMembers(), newErrands(p), newMatching(p), &letters{p: p}
	m, d, i := newMuting(p), newDepartures(p), newInviting(p)
	p.mutes, p.departures, p.inviting, p.arrived, p.awaited, p.answers[forInvitation] = m, d, i, i.Arrived, i.Awaited, i.press
	return []duty{newLeaving(p).run, p.letters.run, m.run, d.run, newVerifying(p).run, i.run, p.errands.run, p.matching.run}
}

// account gives an account of the config; false when it is not used any more.
func (p *People) account(name bridge.AccountName) (Account, bool) {
	a, ok := p.accounts[name]
	return a, ok
}

// home reports whether people can reach Causeway through an account.
func (a Account) home() bool { return a.Bridge.Capabilities().Commands }

// server tells which server an account is on; false before it has connected once.
func (p *People) server(a bridge.AccountName) (bridge.ServerID, bool) {
	id, ok := p.o.Gateway.Identity(a)
	return id.Server, ok
}

// Noticed says that the store says something new about people, since another process has changed it or acting as somebody was refused. It returns at once.
func (p *People) Noticed() { p.changed() }

// changed tells everybody who waits for [People.changes] that the store says something new about people.
func (p *People) changed() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	close(p.news)
	p.news = make(chan struct{})
	if p.o.Changed != nil {
		p.o.Changed()
	}
}

// changes is closed when the store says something new about people: take it before looking.
func (p *People) changes() <-chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.news
}
