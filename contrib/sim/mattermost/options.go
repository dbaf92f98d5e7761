package mattermost

import (
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// Limits of a Mattermost 11.1 server with default settings.
const (
	// MaxPostRunes is the longest message, in runes.
	MaxPostRunes = 16383
	// MaxBodyBytes is MaximumPayloadSizeBytes: a larger request body is 413.
	MaxBodyBytes = 300000
	// PendingPostLife is how long a pending_post_id makes a post idempotent,
	// counted from its creation.
	PendingPostLife = 30 * time.Second
	// MaxPendingPosts is the size of the cache of pending_post_ids.
	MaxPendingPosts = 25000
	// MaxSinceRows is the limit of GET /channels/{id}/posts?since=.
	MaxSinceRows = 1000
	// MaxPerPage caps per_page everywhere.
	MaxPerPage = 200
	// MaxUniqueEmoji is UniqueEmojiReactionLimitPerPost.
	MaxUniqueEmoji = 50

	sendQueueSize   = 256 // unsent events of one connection
	sendSlowMark    = 128 // from here on typing and status events are dropped
	sentRingSize    = 128 // sent events that a connection can replay
	maxClientFrame  = 8192
	defaultPerPage  = 60
	reaperInterval  = 5 * time.Minute
	reaperThreshold = 5 * time.Minute
)

// ServerVersion is what X-Version-Id and hello.server_version begin with. The
// real server appends build, hash of the configuration and whether licensed.
const ServerVersion = "11.1.0"

const serverVersionID = ServerVersion + ".19162534321.5d6bd1bbef6ff8d4d3a4d29a3a8bba38.false"

// Options are the settings of a [Server]. The zero value is a server with the
// defaults named at each field.
type Options struct {
	// Now is the server's clock. Default: time.Now. Life times (pending posts,
	// kept connections, rate limits) are counted with it; the intervals of
	// pings and the authentication deadline of sockets run on real timers.
	Now func() time.Time
	// SiteURL appears in the client configuration. Default: the address of the
	// loopback listener, "" for a plain handler.
	SiteURL string
	// DiagnosticID identifies the server (DiagnosticId and TelemetryId of the
	// client configuration). Default: a fresh id.
	DiagnosticID string
	// NoUsernameOverride and NoIconOverride switch off
	// EnablePostUsernameOverride and EnablePostIconOverride, which are on here
	// (and off on a fresh real server).
	NoUsernameOverride, NoIconOverride bool
	// NoPostPriority switches off PostPriority.
	NoPostPriority bool
	// DeletedLast has a list of more than MaxSinceRows changes leave out deleted posts first, as PostgreSQL does when it
	// chooses the index by delete_at. Default: the latest changes are left out.
	DeletedLast bool
	// NoUserAccessTokens, NoOAuth and NoCommands switch off EnableUserAccessTokens (on here, and off on a fresh real server),
	// EnableOAuthServiceProvider and EnableCommands.
	NoUserAccessTokens, NoOAuth, NoCommands bool
	// AllowedInternal is AllowedUntrustedInternalConnections: hosts and networks in private ranges to which commands and buttons
	// may go. Default: "127.0.0.1", where a fresh real server has none; "none" for none.
	AllowedInternal string
	// RestrictDirectMessage has people write to each other only where they have a team in common, as the setting "team" does.
	RestrictDirectMessage bool
	// Licensed gives the server a licence, with which it has groups of users; see [Server.AddGroup].
	Licensed bool
	// HideEmail switches off ShowEmailAddress.
	HideEmail bool
	// MaxFileSize is how large a file may be, in bytes. Default: 100 MiB. NoFiles switches off EnableFileAttachments.
	MaxFileSize int64
	NoFiles     bool
	// PostEditTimeLimit, when above zero, is how long a post may be edited.
	PostEditTimeLimit time.Duration
	// BotsOutliveOwners is the opposite of DisableBotsWhenOwnerIsDeactivated, which is on by default.
	BotsOutliveOwners bool
	// ClientConfig overrides or adds single values of /config/client.
	ClientConfig map[string]string
	// RolePermissions adds permissions to roles, as PUT /roles/{id}/patch does:
	// {"system_custom_group_admin": {"create_post_ephemeral"}}.
	RolePermissions map[string][]string
	// RateLimit, when PerSec is above zero, answers 429 as the real server does.
	RateLimit RateLimit
	// PingInterval is the time between websocket pings of the server. Default 60 s.
	PingInterval time.Duration
	// PongWait is how long the server waits for a sign of life of a socket.
	// Default 100 s.
	PongWait time.Duration
	// AuthTimeout is how long a socket may stay without authentication. Default 5 s.
	AuthTimeout time.Duration
	// WriteWait bounds one write to a socket. Default 30 s.
	WriteWait time.Duration
	// OnEvent is called for every websocket event the server publishes, in
	// order, outside of the server's lock, whether or not anybody listens.
	OnEvent func(*model.WebSocketEvent)
	// SocketWriteBuffer, when above zero, is the kernel's send buffer of a
	// socket in bytes: a small one makes slow readers noticeable early.
	SocketWriteBuffer int
}

// RateLimit is RateLimitSettings: PerSec requests per second and remote
// address, with a burst of MaxBurst more.
type RateLimit struct {
	PerSec   int
	MaxBurst int
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.DiagnosticID == "" {
		o.DiagnosticID = model.NewId()
	}
	if o.AllowedInternal == "" {
		o.AllowedInternal = "127.0.0.1"
	}
	setDefault(&o.PingInterval, 60*time.Second)
	setDefault(&o.PongWait, 100*time.Second)
	setDefault(&o.AuthTimeout, 5*time.Second)
	setDefault(&o.WriteWait, 30*time.Second)
	return o
}

// Configure changes settings while the server runs; everybody is told by config_changed.
func (s *Server) Configure(change func(*Options)) {
	s.locked(func() {
		change(&s.opts)
		s.publish(model.NewWebSocketEvent(model.WebsocketEventConfigChanged, "", "", "", nil, ""), nil)
	})
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
