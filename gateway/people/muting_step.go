package people

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Undo puts back for an identity what must not be muted any more by what the store says of their person now, so they must have been turned
// from Connected before. done: nothing is left for which waiting would help. What the service refuses for good, since the
// person's token is gone with their connection, stays known, and is undone if they connect again.
func (m *muting) Undo(ctx context.Context, i store.Identity) (done bool, err error) {
	mirrors, talkers, _ := m.mirrors()
	v := m.view(mirrors, talkers, m.arriving(mirrors))
	users := []store.User{{Server: i.Server, User: i.User}}
	person, ok, err := m.p.o.Store.PersonOf(ctx, i.Server, i.User)
	if err != nil {
		return false, err
	}
	if ok {
		users = nil
		for _, home := range m.p.homes(person) {
			users = append(users, store.User{Server: home.Server, User: home.User})
		}
	}
	done = true
	for _, u := range users {
		left, failed := m.settle(ctx, v, u)
		done, err = done && !left, errors.Join(err, failed)
	}
	return done && err == nil, err
}

// settle makes a user's conversations as they should be. left: something must be undone, and later can be.
func (m *muting) settle(ctx context.Context, v muteView, u store.User) (left bool, err error) {
	defer m.people.lock(u)()
	person, known, err := m.p.o.Store.PersonOf(ctx, u.Server, u.User)
	if err != nil {
		return true, err
	}
	was, err := m.p.o.Store.MutesOf(ctx, u.Server, u.User)
	if err != nil {
		return true, err
	}
	var home store.Identity
	var want wishes
	if known {
		home, _ = on(person, u.Server)
		want = m.wishes(v, person, home)
	}
	b, ok := m.bridge(u.Server, home.Account)
	if !ok { // its account is not in the config, or has not connected yet
		return len(was) > 0, nil
	}
	rows := map[bridge.ChannelID]*store.Mute{}
	channels := slices.Collect(maps.Keys(want.of))
	for i, one := range was {
		rows[one.Channel] = &was[i]
		channels = append(channels, one.Channel)
	}
	slices.Sort(channels)
	for _, c := range slices.Compact(channels) {
		s := muteStep{muting: m, b: b, now: store.Mute{Server: u.Server, User: u.User, Channel: c}}
		tried := time.Now()
		err := s.towards(ctx, rows[c], want.wish(c))
		switch {
		case err == nil:
		case bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) != bridge.ScopeAccount:
			return false, m.p.o.Gateway.Lose(ctx, u.Server, u.User, tried, err)
		case bridge.KindOf(err) == bridge.Rejected, bridge.KindOf(err) == bridge.Unsupported:
			m.log.WithError(err).WithFields(map[string]any{"user": string(u.User), "channel": string(c)}).Warn("how somebody is notified cannot be changed")
		default:
			return true, err
		}
	}
	return false, nil
}

// on gives who a person is on a server.
func on(p store.Person, server bridge.ServerID) (store.Identity, bool) {
	i := slices.IndexFunc(p.Identities, func(i store.Identity) bool { return i.Server == server })
	if i < 0 {
		return store.Identity{}, false
	}
	return p.Identities[i], true
}

// bridge gives a bridge to a server: that of the account, where it is still used, or else another one; false before it has connected once.
func (m *muting) bridge(server bridge.ServerID, account bridge.AccountName) (bridge.Bridge, bool) {
	if a, ok := m.p.account(account); ok {
		_, connected := m.p.server(account)
		return a.Bridge, connected && a.Bridge.Capabilities().Muted != ""
	}
	for _, a := range m.p.o.Accounts {
		if s, ok := m.p.server(a.Name); ok && s == server && a.Bridge.Capabilities().Muted != "" {
			return a.Bridge, true
		}
	}
	return nil, false
}

// muteStep is the way of one conversation to what it should be. Each write is stored before it is made, and again when it has
// been: whatever ends in between, the next pass looks at the setting and goes on.
type muteStep struct {
	*muting
	b   bridge.Bridge
	now store.Mute
}

func (s *muteStep) towards(ctx context.Context, was *store.Mute, w wish) error {
	if was != nil {
		s.now = *was
	}
	word := s.b.Capabilities().Muted
	next := nextMove(was, w, word, nil)
	if next == toLook {
		setting, err := s.b.Notifications(ctx, s.now.User, s.conversation())
		if bridge.KindOf(err) == bridge.Gone && err != nil {
			return s.forget(ctx, was)
		}
		if err != nil {
			return fmt.Errorf("asking how somebody is notified: %w", err)
		}
		next = nextMove(was, w, word, &setting)
		if next == toMute || next == toLeave && was == nil {
			s.now.Before = setting
		}
	}
	switch next {
	case toMute:
		return s.change(ctx, was, store.Muting, word, func() error { return s.note(ctx, store.Muted) })
	case toRestore:
		return s.change(ctx, was, store.Unmuting, s.now.Before, func() error { return s.p.o.Store.DropMute(ctx, s.now) })
	case toKeep:
		return s.note(ctx, store.Muted)
	case toLeave:
		return s.note(ctx, store.LeftAlone)
	case toDrop:
		return s.forget(ctx, was)
	}
	return nil
}

func (s *muteStep) conversation() bridge.ConversationID {
	return bridge.ConversationID{Server: s.now.Server, Channel: s.now.Channel}
}

// change stores what is about to be done, does it, and stores that it is done.
func (s *muteStep) change(ctx context.Context, was *store.Mute, intent store.MuteState, setting string, done func() error) error {
	if err := s.note(ctx, intent); err != nil {
		return err
	}
	err := s.b.SetNotifications(ctx, s.now.User, s.conversation(), setting)
	switch {
	case err == nil:
		return done()
	case bridge.KindOf(err) == bridge.Gone:
		return s.forget(ctx, &s.now)
	}
	return fmt.Errorf("changing how somebody is notified: %w", err)
}

func (s *muteStep) note(ctx context.Context, state store.MuteState) error {
	s.now.State = state
	return s.p.o.Store.SetMute(ctx, s.now)
}

func (s *muteStep) forget(ctx context.Context, was *store.Mute) error {
	if was == nil {
		return nil
	}
	return s.p.o.Store.DropMute(ctx, s.now)
}
