package mattermost

import (
	"time"

	"causeway/bridge"
)

// NewQuick makes an account that notices dead sockets and retries within a fraction of a second.
func NewQuick(env bridge.Env, s *Settings) (bridge.Bridge, error) {
	return newAccount(env, s, timing{request: 10 * time.Second, ping: 300 * time.Millisecond, retry: 20 * time.Millisecond, retryMax: time.Second})
}
