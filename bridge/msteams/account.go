package msteams

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/semaphore"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
)

// account is one configured login to Teams.
type account struct {
	bridge.Base
	env          bridge.Env
	log          *logrus.Entry
	settings     Settings
	cloud        cloud
	server       bridge.ServerID
	graphOrigin  string
	pollInterval time.Duration
	postInterval time.Duration

	login *loginService
	// app reads, relay writes; lanes reads as the app what lanes must know before or after they write.
	app, lanes, relay *client
	network           http.RoundTripper
	// clock is that of Graph, as its answers tell it.
	clock bridge.Clock

	persons *persons

	keys keyMemory

	relays relayMemory

	rosters *rosters

	// joined are the teams of the relay account, seen the channels that it sees.
	joined *recent[team]
	seen   *recent[listed]

	registered registeredEnds

	hook   hook
	photos *photos
	// folders are where the files of channels lie.
	folders *lru.Cache[bridge.ConversationID, driveItem]
	// signingKeys are those with which the login service signs what vouches for notifications.
	signingKeys *notification.KeyCache

	// inbox is that of the present run, or of the last.
	inbox atomic.Pointer[bridge.Inbox]

	mu sync.Mutex
	// self is the relay account, once connected.
	self bridge.UserID
	// leftOut are the messages of which the operator has been told that they cannot be read.
	leftOut *lru.Cache[unreadMessage, bool]
	// names caches the names of people, which messages may lack.
	names *lru.Cache[bridge.UserID, string]
	// receivingTold: the operator has been told how messages are received.
	receivingTold bool
	// subscriber is that of the present run, when messages are received by change notifications.
	subscriber *subscriber
}

var _ bridge.Bridge = (*account)(nil)

// namesKept is of how many people the name is remembered, and how many messages that cannot be read.
const namesKept = 4096

// newAccount makes an account that reaches Microsoft through network.
func newAccount(env bridge.Env, s Settings, network http.RoundTripper) (*account, error) {
	ignore := func(string) {} // Validate has reported it
	a := &account{
		env: env, log: env.Log, settings: s, network: network, joined: newRecent[team](), seen: newRecent[listed](),
		server:       bridge.ServerID("msteams:" + strings.ToLower(s.TenantID)),
		pollInterval: interval(s.PollInterval, defaultPollInterval, ignore),
		postInterval: interval(s.PostInterval, defaultPostInterval, ignore),
	}
	var known bool
	if a.cloud, known = cloudOf(s); !known {
		return nil, fmt.Errorf("settings of %s: Cloud must be %s", env.Account, cloudNames())
	}
	if s.Receive == "rich" && env.Hook == "" {
		return nil, fmt.Errorf(`settings of %s: Receive = "rich" needs an address under which Graph reaches Causeway: set PublicURL in [http], or Receive = "poll"`, env.Account)
	}
	a.hook = hook{a: a, reading: semaphore.NewWeighted(readAtOnce), taking: make(chan struct{}, takenAtOnce)}
	var err error
	if a.names, err = lru.New[bridge.UserID, string](namesKept); err != nil {
		return nil, fmt.Errorf("preparing to remember names: %w", err)
	}
	if a.photos, err = newPhotos(a); err != nil {
		return nil, err
	}
	if a.rosters, err = newRosters(a); err != nil {
		return nil, err
	}
	if a.folders, err = lru.New[bridge.ConversationID, driveItem](namesKept); err != nil {
		return nil, fmt.Errorf("preparing to remember folders: %w", err)
	}
	if a.leftOut, err = lru.New[unreadMessage, bool](namesKept); err != nil {
		return nil, fmt.Errorf("preparing to remember messages: %w", err)
	}
	graphURL := serviceURL(s.GraphURL, a.cloud.graph)
	u, err := url.Parse(graphURL)
	if err != nil {
		return nil, fmt.Errorf("settings of %s: GraphURL: %w", env.Account, err)
	}
	a.graphOrigin = u.Scheme + "://" + u.Host
	proofs, err := newCredentials(s, env.Log)
	if err != nil {
		return nil, fmt.Errorf("settings of %s: %w", env.Account, err)
	}
	a.login = &loginService{
		base:     serviceURL(s.LoginURL, a.cloud.login) + "/" + strings.ToLower(s.TenantID),
		clientID: s.ClientID, credentials: proofs,
		http: &http.Client{
			Transport: network, Timeout: answerTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	a.signingKeys = notification.NewKeyCache(notification.FetchSigningKeys(a.login.get,
		notification.ConfigurationURL(serviceURL(s.LoginURL, a.cloud.login), strings.ToLower(s.TenantID))), time.Now)
	paced, err := newPacer(a.pollInterval, a.postInterval)
	if err != nil {
		return nil, err
	}
	if a.app, err = newClient(graphURL, caller{}, newTokens("check TenantID, ClientID and ClientSecret", a.appToken), paced, env.Called, timed{network, &a.clock}); err != nil {
		return nil, err
	}
	a.lanes = a.app.forLanes()
	if a.relay, err = newClient(graphURL, caller{user: "relay"}, newTokens(a.loginHint(), a.relayToken), paced, env.Called, timed{network, &a.clock}); err != nil {
		return nil, err
	}
	if a.persons, err = newPersons(a, graphURL, paced); err != nil {
		return nil, err
	}
	return a, nil
}

// settle is how long after a write a list may still lack it. Graph promises nothing; the value is a guess on the safe
// side of what bots see.
const settle = 5 * time.Second

// Capabilities says what channels and chats of Teams can do. Deleting the first message of a thread leaves the replies standing.
func (a *account) Capabilities() bridge.Capabilities {
	return bridge.Capabilities{
		Edit: !a.lacks(editing), Delete: !a.lacks(deleting), Reactions: true, Quotes: true, PostInterval: a.postInterval, Settle: settle,
		People: true, Directory: true, Files: a.carriesFiles(), FilesPerPost: filesPerPost, RemoveFiles: true, Direct: true, Regroup: true,
	}
}

// Connect proves both logins and tells who the relay account is.
func (a *account) Connect(ctx context.Context) (bridge.Identity, error) {
	if _, err := a.app.tokens.get(ctx); err != nil {
		return bridge.Identity{}, fmt.Errorf("connecting: %w", err)
	}
	me, err := a.me(ctx)
	if err != nil {
		return bridge.Identity{}, fmt.Errorf("connecting: %w", err)
	}
	if err := a.keys.load(ctx, a.env.Vault); err != nil {
		return bridge.Identity{}, err
	}
	return bridge.Identity{Server: a.server, User: me.ID, Name: me.Name}, nil
}

// me asks who the relay account is.
func (a *account) me(ctx context.Context) (bridge.Author, error) {
	var u user
	if err := a.relay.read(ctx, opMe, a.relay.base+opMe.address(place{}), &u); err != nil {
		return bridge.Author{}, err
	}
	who := u.author()
	if err := a.relays.add(ctx, a.env.Vault, who.ID); err != nil {
		return bridge.Author{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.self = who.ID
	return who, nil
}

// relayID is who the relay account is; empty before Connect or Login.
func (a *account) relayID() bridge.UserID {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.self
}

// LookUp gives a person of the tenant by object id.
func (a *account) LookUp(ctx context.Context, u bridge.UserID) (bridge.Author, error) {
	var found user
	err := a.app.read(ctx, opUser, a.app.base+opUser.address(place{user: string(u)}), &found)
	if name, known := a.names.Get(u); known && name != unknownName && bridge.KindOf(err) == bridge.Gone {
		return bridge.Author{ID: u, Name: name}, nil // somebody of another organisation, as a chat has told
	}
	if err != nil {
		return bridge.Author{}, err
	}
	return found.author(), nil
}

// Close lets go of idle connections.
func (a *account) Close() error {
	if t, ok := a.network.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	return nil
}

// value gives what p points to, or the zero value: the SDK's models have pointers everywhere.
func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

func pointer[T any](v T) *T { return &v }
