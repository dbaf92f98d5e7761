package mattermost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// knownInsiders bounds of how many talks a member is remembered; an entry takes about 150 bytes.
const knownInsiders = 20_000

const hintReaders = "somebody who takes part in it has to connect again"

// readsAll says whether the bot may read every conversation, those that it is not in as well.
func (a *account) readsAll() bool {
	return a.may(model.PermissionReadChannel, model.PermissionReadChannelContent)
}

// reading does something that reads a conversation: with the bot's token where it may, or where it is the only one who could; else with that of
// a connected member, one after the other. It may be done several times, the last time successfully.
func (a *account) reading(ctx context.Context, channel string, do func(c *client) error) error {
	var people []bridge.UserID
	if !a.readsAll() {
		people = a.readersOf(channel)
	}
	if len(people) == 0 {
		return do(a.client)
	}
	var last error
	for _, u := range people {
		began := time.Now()
		last = a.by(ctx, u, func(c *client, _ string) error { return do(c) })
		switch {
		case lost(last):
			a.tellLost(ctx, u, began, last)
		case last == nil || !notThere(last):
			return last
		}
	}
	return &bridge.Error{Kind: bridge.Unauthorised, Hint: hintReaders, Err: fmt.Errorf("there is nobody any more by whose right it can be read: %w", bare(last))}
}

// readersOf gives the people by whose right a direct or group conversation may be read; none of a channel.
func (a *account) readersOf(channel string) []bridge.UserID {
	var people []bridge.UserID
	if t := a.talks.Load(); t != nil {
		people = t.feed.inbox.Readers(t.conversation(channel))
	}
	if u, ok := a.insiders.Get(channel); ok && !slices.Contains(people, bridge.UserID(u)) {
		people = append(slices.Clip(people), bridge.UserID(u))
	}
	return people
}

// tellLost tells whoever reads at present that a person's token is not good any more.
func (a *account) tellLost(ctx context.Context, u bridge.UserID, began time.Time, err error) {
	if t := a.talks.Load(); t != nil && ctx.Err() == nil {
		t.feed.inbox.Lost(ctx, u, began, err)
	}
}

// notThere says whether a person may not do something in a conversation, of which they may be no member.
func notThere(err error) bool {
	return bridge.KindOf(err) == bridge.Unsupported && bridge.ScopeOf(err) == bridge.ScopePerson
}

// unseen makes the error of a conversation that cannot be seen of one that says so in other words.
func unseen(err error) error {
	if !forbidden(err) && bridge.KindOf(err) != bridge.Gone {
		return err
	}
	var e *bridge.Error
	if errors.As(err, &e) {
		return &bridge.Error{Kind: bridge.Gone, Hint: e.Hint, Err: e.Err}
	}
	return err
}
