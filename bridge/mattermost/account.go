package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mattermost/mattermost/server/public/model"
	"github.com/sirupsen/logrus"

	"causeway/bridge"
)

// timing holds the durations that tests shorten.
type timing struct {
	// request bounds one REST call.
	request time.Duration
	// ping is the time between application-level pings of the websocket; one that is not answered until the next is due
	// means that the socket is dead.
	ping time.Duration
	// reconcile is the time between readings that make sure that nothing was missed unnoticed.
	reconcile time.Duration
	// commands is the time between two looks whether the commands are registered as they should be, statuses between two
	// looks who is online, roster between two listings of who there is.
	commands, statuses, roster time.Duration
	// retry is the first pause after a failure; it doubles up to retryMax.
	retry, retryMax time.Duration
	// sweep is the time between two looks at the conversations of somebody who is observed without a connection; while nothing happens it grows
	// up to idle. Whatever else tells, all are listed every safety. poll is the time between two looks whether something has changed in a talk.
	sweep, idle, safety, poll time.Duration
	// listing is how long connections wait until it is known who has which talks.
	listing time.Duration
}

var defaultTiming = timing{request: 30 * time.Second, ping: 30 * time.Second, reconcile: 15 * time.Minute,
	commands: 5 * time.Minute, statuses: time.Minute, roster: 10 * time.Minute, retry: time.Second, retryMax: time.Minute,
	sweep: time.Second, idle: 10 * time.Second, safety: time.Minute, poll: 5 * time.Second, listing: 10 * time.Second}

// Sizes of what is remembered; an entry takes about 100 bytes.
const (
	knownUsers    = 10_000
	knownChannels = 10_000
	knownPosts    = 50_000
)

// account is one bot on one server.
type account struct {
	bridge.Base // Login: a bot needs none

	client   *client
	settings Settings
	log      *logrus.Entry
	timing   timing
	name     bridge.AccountName
	vault    bridge.Vault
	front    bridge.Front
	// deactivates and direct: see [bridge.Env].
	deactivates, direct bool
	// callback is where the server reaches Handler; empty: it cannot.
	callback string

	actors   *actors
	commands *commands
	arrivals *arrivals
	logins   logins
	// buttonsKey proves buttons; nil until it is needed.
	buttonsKey atomic.Pointer[buttonsKey]
	names      *lookalikes
	rooms      rooms
	handles    *lru.Cache[string, handle]
	// sockets counts the account's own websockets that are open, notified takes how many events come on them.
	sockets  atomic.Int64
	notified func(outcome string, n int)

	clock    clock
	users    *lru.Cache[string, person]
	channels *lru.Cache[string, model.ChannelType]
	posts    *seenPosts
	// insiders are members of talks, by whose right they can be looked at before anybody is known to read them.
	insiders *lru.Cache[string, string]
	// talks are what the present Run knows of direct and group conversations; nil when there is none.
	talks atomic.Pointer[talks]

	mu sync.Mutex
	// verified is up to where each channel was read by REST: what was pushed later may have gaps that only reading shows. In
	// milliseconds.
	verified map[string]int64
	me       *model.User
	config   serverConfig
	powers   powers
	// stale: the server said that its config has changed.
	stale bool
}

// New makes an account. It reads CAFile and does no other I/O.
func New(env bridge.Env, s *Settings) (bridge.Bridge, error) {
	return newAccount(env, s, defaultTiming)
}

func newAccount(env bridge.Env, s *Settings, t timing) (*account, error) {
	c, err := newClient(s, t.request)
	if err != nil {
		return nil, fmt.Errorf("making the Mattermost account: %w", err)
	}
	c.counted = env.Called
	log := env.Log
	if log == nil {
		log = logrus.NewEntry(logrus.StandardLogger())
	}
	vault := env.Vault
	if vault == nil {
		vault = noVault{}
	}
	a := &account{
		client: c, settings: *s, log: log, timing: t, name: env.Account, vault: vault, notified: env.Notified, front: env.Front, deactivates: env.Deactivates, direct: env.Direct, callback: s.callback(env),
		posts: newSeenPosts(knownPosts), verified: map[string]int64{}, arrivals: newArrivals(), names: newLookalikes(),
	}
	a.actors, a.commands = newActors(a), newCommands(vault)
	a.config.maxRunes = model.PostMessageMaxRunesV2
	if a.users, err = lru.New[string, person](knownUsers); err != nil {
		return nil, fmt.Errorf("making the Mattermost account: %w", err)
	}
	if a.handles, err = lru.New[string, handle](knownUsers); err != nil {
		return nil, fmt.Errorf("making the Mattermost account: %w", err)
	}
	if a.channels, err = lru.New[string, model.ChannelType](knownChannels); err != nil {
		return nil, fmt.Errorf("making the Mattermost account: %w", err)
	}
	if a.insiders, err = lru.New[string, string](knownInsiders); err != nil {
		return nil, fmt.Errorf("making the Mattermost account: %w", err)
	}
	return a, nil
}

// Capabilities tells what the bridge can do: deleting a root takes its replies along, and copied files go with their post.
func (a *account) Capabilities() bridge.Capabilities {
	return bridge.Capabilities{
		Edit: true, Delete: true, Reactions: true, Files: true, FilesPerPost: filesPerPost, DeleteTakesReplies: true, People: true, Commands: a.callback != "", Muted: model.ChannelMarkUnreadMention,
		Handles: true, Directory: true, Direct: true, GroupLimit: groupLimit, RelayDirect: a.simple() && a.may(everywhere...), RelayAside: true,
	}
}

// everywhere is what it takes to write in conversations of others.
var everywhere = []*model.Permission{
	model.PermissionCreatePost, model.PermissionEditPost, model.PermissionDeletePost, model.PermissionAddReaction, model.PermissionRemoveReaction,
	model.PermissionReadChannel, model.PermissionReadChannelContent,
}

// Connect proves the token and learns who the bot is, which server this is and what its settings are.
func (a *account) Connect(ctx context.Context) (bridge.Identity, error) {
	var me model.User
	answer, err := a.client.call(ctx, opRead, http.MethodGet, "/users/me", nil, &me)
	if err != nil {
		return bridge.Identity{}, fmt.Errorf("asking %s who the bot is: %w", a.client.base, err)
	}
	a.clock.sync(answer)
	if !model.IsValidId(me.Id) {
		return bridge.Identity{}, &bridge.Error{Scope: bridge.ScopeAccount, Hint: hintAddress,
			Err: fmt.Errorf("asking %s who the bot is: the answer is not Mattermost's", a.client.base)}
	}
	config, err := a.readConfig(ctx)
	if err != nil {
		return bridge.Identity{}, err
	}
	powers, err := a.readPowers(ctx, &me)
	if err != nil {
		return bridge.Identity{}, err
	}
	if err := a.commands.load(ctx); err != nil {
		return bridge.Identity{}, fmt.Errorf("reading the tokens of commands: %w", err)
	}
	a.client.bot.Store(&me.Username)
	a.mu.Lock()
	a.me, a.config, a.powers, a.stale = &me, config, powers, false
	a.mu.Unlock()
	a.users.Purge() // nobody tells of changes of people as long as nothing is read
	a.handles.Purge()
	a.users.Add(me.Id, personOf(&me, config.nameFormat))
	return bridge.Identity{Server: config.server, User: bridge.UserID(me.Id), Name: me.Username}, nil
}

// Status tells how people are acted as, and where commands are missing.
func (a *account) Status() bridge.Status {
	profile := ProfileRestricted
	if a.simple() {
		profile = ProfileSimple
	}
	s := bridge.Status{Facts: []bridge.Fact{{Name: "acting as people", Value: profile}}, Sockets: map[string]int{bridge.OfAccount: int(a.sockets.Load())}}
	if t := a.talks.Load(); t != nil {
		connected, all := t.counts()
		s.Sockets[bridge.OfPeople] = connected
		if all > 0 {
			s.Facts = append(s.Facts, bridge.Fact{Name: "direct messages", Value: fmt.Sprintf("%d people observed by websocket, %d by polling", connected, all-connected)})
		}
	}
	for _, one := range a.commands.lacking() {
		s.Facts = append(s.Facts, bridge.Fact{Name: "command not registered", Value: one})
	}
	return s
}

// verify notes that a channel was read up to a time.
func (a *account) verify(channel string, until int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.verified[channel] = until
}

// unverified gives from where on a channel must be read to be sure of it, at the latest its cursor.
func (a *account) unverified(channel string, cursor int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if until, ok := a.verified[channel]; ok {
		return min(until, cursor)
	}
	return cursor
}

// Close releases the idle connections.
func (a *account) Close() error {
	a.client.HTTPClient.CloseIdleConnections()
	a.client.uploads.CloseIdleConnections()
	return nil
}

var errNotConnected = errors.New("the account is not connected")

// self gives who the bot is and the server's settings, as read last.
func (a *account) self() (*model.User, serverConfig, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.me == nil {
		return nil, serverConfig{}, errNotConnected
	}
	return a.me, a.config, nil
}

// channelOf gives the channel of a conversation on this server.
func (a *account) channelOf(c bridge.ConversationID) (string, error) {
	_, config, err := a.self()
	if err != nil {
		return "", err
	}
	if c.Server != config.server || !model.IsValidId(string(c.Channel)) {
		return "", gone("there is no conversation %s on this server", c)
	}
	return string(c.Channel), nil
}
