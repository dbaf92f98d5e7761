package store

import (
	"context"
	"database/sql"
	"fmt"

	"causeway/bridge"
)

// MuteState says how far the muting of a conversation for somebody has come.
type MuteState int

const (
	// Muting: it is about to be muted, and may be already.
	Muting MuteState = iota
	// Muted by Causeway.
	Muted
	// Unmuting: it is about to get the earlier setting back, and may have it already.
	Unmuting
	// LeftAlone: the person's own setting stands, since they muted it before Causeway would have, or changed what Causeway had set.
	LeftAlone
)

var muteStateNames = [...]string{"muting", "muted", "unmuting", "left alone"}

// String gives the state's name in logs and lists.
func (s MuteState) String() string { return muteStateNames[s] }

// Mute is a conversation that Causeway has muted for somebody, or has to leave alone.
type Mute struct {
	Server  bridge.ServerID
	User    bridge.UserID
	Channel bridge.ChannelID
	// Before is the setting that was found, in the service's own word.
	Before string
	State  MuteState
}

const muteColumns = "server, uid, channel, before, state"

func (t *tx) mutes(query string, args ...any) ([]Mute, error) {
	var all []Mute
	err := t.each(query, args, func(rows *sql.Rows) error {
		var m Mute
		err := rows.Scan((*string)(&m.Server), (*string)(&m.User), (*string)(&m.Channel), &m.Before, (*int)(&m.State))
		all = append(all, m)
		return err
	})
	return all, err
}

// Mutes gives everybody's.
func (s *Store) Mutes(ctx context.Context) (all []Mute, err error) {
	err = s.do(ctx, func(t *tx) error {
		all, err = t.mutes("SELECT " + muteColumns + " FROM mutes ORDER BY server, uid, channel")
		return err
	})
	if err != nil {
		err = fmt.Errorf("listing what is muted: %w", err)
	}
	return all, err
}

// MutesOf gives those of one user.
func (s *Store) MutesOf(ctx context.Context, server bridge.ServerID, u bridge.UserID) (all []Mute, err error) {
	err = s.do(ctx, func(t *tx) error {
		all, err = t.mutes("SELECT "+muteColumns+" FROM mutes WHERE server = $1 AND uid = $2 ORDER BY channel", string(server), string(u))
		return err
	})
	if err != nil {
		err = fmt.Errorf("listing what is muted for somebody: %w", err)
	}
	return all, err
}

// SetMute stores one, in the place of an earlier one for the same user and channel.
func (s *Store) SetMute(ctx context.Context, m Mute) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec(`INSERT INTO mutes (server, uid, channel, before, state) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (server, uid, channel) DO UPDATE SET before = excluded.before, state = excluded.state`,
			string(m.Server), string(m.User), string(m.Channel), m.Before, int(m.State))
	})
	if err != nil {
		err = fmt.Errorf("storing that a conversation is %s: %w", m.State, err)
	}
	return err
}

// DropMute forgets one.
func (s *Store) DropMute(ctx context.Context, m Mute) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("DELETE FROM mutes WHERE server = $1 AND uid = $2 AND channel = $3", string(m.Server), string(m.User), string(m.Channel))
	})
	if err != nil {
		err = fmt.Errorf("storing that a conversation is not muted any more: %w", err)
	}
	return err
}
