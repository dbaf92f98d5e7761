package mattermost

import (
	"time"

	"causeway/bridge"
)

var quick = timing{request: 10 * time.Second, ping: 300 * time.Millisecond, reconcile: time.Hour, commands: time.Hour, statuses: time.Hour, roster: time.Hour,
	retry: 20 * time.Millisecond, retryMax: time.Second,
	sweep: 20 * time.Millisecond, idle: 100 * time.Millisecond, safety: time.Second, poll: 50 * time.Millisecond, listing: time.Second}

// NewQuick makes an account that notices dead sockets and retries within a fraction of a second.
func NewQuick(env bridge.Env, s *Settings) (bridge.Bridge, error) { return newAccount(env, s, quick) }

// NewTrusting makes an account that never asks whether its socket is alive.
func NewTrusting(env bridge.Env, s *Settings) (bridge.Bridge, error) {
	t := quick
	t.ping = time.Hour
	return newAccount(env, s, t)
}

// NewReconciling makes a trusting account that often makes sure that nothing was missed.
func NewReconciling(env bridge.Env, s *Settings) (bridge.Bridge, error) {
	t := quick
	t.ping, t.reconcile = time.Hour, 100*time.Millisecond
	return newAccount(env, s, t)
}

// NewEager makes an account that looks after commands and who is online all the time.
func NewEager(env bridge.Env, s *Settings) (bridge.Bridge, error) {
	t := quick
	t.commands, t.statuses, t.roster = 20*time.Millisecond, 10*time.Millisecond, 20*time.Millisecond
	return newAccount(env, s, t)
}

// NewWatchful makes an account that looks all the time who is online, but hardly ever who there is.
func NewWatchful(env bridge.Env, s *Settings) (bridge.Bridge, error) {
	t := quick
	t.statuses = 10 * time.Millisecond
	return newAccount(env, s, t)
}
