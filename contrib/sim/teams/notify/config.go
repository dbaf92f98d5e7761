package notify

import (
	"cmp"
	"crypto/tls"
	"net/http"
	"time"
)

// Config says how notifications are delivered. The zero value is the documented service without faults, one post of one
// item at a time.
type Config struct {
	// Transport carries the posts; nil means the network, with TLS. Handler serves a handler without a network.
	Transport http.RoundTripper
	// TLS is used when Transport is nil, so that a test can have a certificate authority of its own; nil means the
	// system's authorities.
	TLS *tls.Config
	// AllowHTTP takes notification URLs of loopback addresses with http as well. The real service takes https only.
	AllowHTTP bool

	// Speed is how many seconds of deliveries (intervals, delays, windows) pass in one second; 0 means 1. With 1000 an
	// hour takes 3.6 seconds. The time limits of single requests below are not sped up.
	Speed float64
	// Handshake is how long an endpoint has to answer a validation request; 0 means 10 seconds.
	Handshake time.Duration
	// Acknowledge is how long an endpoint has to answer a post; 0 means 3 seconds.
	Acknowledge time.Duration
	// AcknowledgeRetry is the same for a repeated post; 0 means 10 seconds.
	AcknowledgeRetry time.Duration
	// Retry are the intervals before a post is repeated; the last one goes on. Empty means 10 s, 30 s, 1, 2, 5 and
	// 10 minutes (choice: the documentation says only that they grow).
	Retry []time.Duration
	// GiveUp is the age at which what cannot be delivered is lost; 0 means 4 hours.
	GiveUp time.Duration
	// Window is over which endpoints are watched, and for how long a slow or dropping one stays so; 0 means 10 minutes.
	Window time.Duration
	// Sample is how many answers within the window are needed to judge an endpoint; 0 means 10 (choice).
	Sample int

	// Parallel is how many posts to one URL are on their way at once; 0 means 1. More than one lets posts overtake each
	// other.
	Parallel int
	// Batch is how many waiting items one post takes at most; 0 means 1.
	Batch int

	// Version1Tokens gives validation tokens the form of version 1.0 instead of 2.0.
	Version1Tokens bool
	// NullTokens sends null in place of validation tokens, as when the app requires assignment.
	NullTokens bool
	// HandshakeToken makes the token of a validation request; nil means one that needs escaping in a URL.
	HandshakeToken func() string

	// Observe, when set, is called with every post before it leaves. It must not call the stand-in.
	Observe func(Post)
}

// Post is what Observe sees.
type Post struct {
	URL       string
	Lifecycle bool
	Forged    bool // something in it is
	Attempt   int  // 0: the first
	Body      []byte
}

func (c Config) withDefaults() Config {
	c.Speed = cmp.Or(c.Speed, 1)
	c.Handshake = cmp.Or(c.Handshake, 10*time.Second)
	c.Acknowledge = cmp.Or(c.Acknowledge, 3*time.Second)
	c.AcknowledgeRetry = cmp.Or(c.AcknowledgeRetry, 10*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, 4*time.Hour)
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.Sample = cmp.Or(c.Sample, 10)
	c.Parallel = max(1, c.Parallel)
	c.Batch = max(1, c.Batch)
	if len(c.Retry) == 0 {
		c.Retry = []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	}
	return c
}

// interval is how long to wait before the attempt of that number, 1 being the first repetition.
func (c Config) interval(attempt int) time.Duration {
	return c.Retry[min(attempt, len(c.Retry))-1]
}
