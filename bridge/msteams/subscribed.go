package msteams

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"causeway/bridge"
)

// Subscriptions gives those that the present run needs; none while messages are polled for.
func (a *account) Subscriptions() []bridge.Subscription {
	if s := a.subscribing(); s != nil {
		return s.shown()
	}
	return nil
}

// Renew has every subscription tended to at once.
func (a *account) Renew(context.Context) error {
	s := a.subscribing()
	if s == nil {
		return &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("renewing subscriptions: messages are read by polling now, without any"),
			Hint: "`causeway status` says why"}
	}
	s.urge(func(f *feed) bool { return !f.surplus }, func(*feed) {})
	return nil
}

// subscribing is the subscriber of the present run; nil: there is none.
func (a *account) subscribing() *subscriber {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.subscriber
}

func (s *subscriber) shown() []bridge.Subscription {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bridge.Subscription
	for _, f := range s.feeds {
		if !f.surplus {
			all = append(all, f.shown(now))
		}
	}
	slices.SortFunc(all, func(x, y bridge.Subscription) int {
		if x.Alive != y.Alive {
			return map[bool]int{false: -1, true: 1}[x.Alive]
		}
		return cmp.Compare(x.What, y.What)
	})
	return all
}

func (f *feed) shown(now time.Time) bridge.Subscription {
	one := bridge.Subscription{Alive: f.alive(now), Since: f.since, Renewed: f.renewed, Ends: f.expires, Next: f.next}
	if f.trouble != nil {
		one.Trouble = bridge.Cause(f.trouble)
	}
	if f.id != "" && f.authorised.Before(f.expires) {
		one.Ends = f.authorised // it delivers no longer than that
	}
	switch {
	case f.person != "":
		one.What = "chats of " + string(f.person)
	case f.resource == allMessages:
		one.What = "all channels"
	default:
		one.What, one.Conversation = "channel "+string(f.conversation.Channel), f.conversation
	}
	return one
}
