package mattermost

import (
	"context"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
)

// putVanished stores the deletions that vanished finds.
func (c *channel) putVanished(ctx context.Context) error {
	gone, err := c.vanished(ctx)
	if err != nil {
		return err
	}
	for states := range slices.Chunk(gone, putSize) {
		b := &batch{states: states, noted: map[string]seen{}}
		for _, s := range states {
			b.noted[string(s.ID)] = seen{revision: s.Revision, print: fingerprint(s)}
		}
		if err := c.store(ctx, b, 0); err != nil {
			return err
		}
	}
	return nil
}

// vanished finds what was deleted without being listed. Of more than a thousand changes the server lists some thousand, and
// when its database chooses the index by delete_at (seen on 11.1), deleted posts come behind all others: in no list that
// begins before the last thousand changes. So what should be there is compared with the pages of what is, as far back as
// they are looked through, and what is missing is asked for.
func (c *channel) vanished(ctx context.Context) ([]bridge.State, error) {
	a := c.feed.account
	var there map[bridge.MessageID]bool
	var since time.Time
	err := a.reading(ctx, c.id, func(by *client) (err error) {
		there, since, err = a.live(ctx, by, c.id)
		return err
	})
	if err != nil {
		return nil, err
	}
	known, err := c.feed.inbox.Living(ctx, c.conv, since)
	if err != nil {
		return nil, storeError{fmt.Errorf("looking for posts that were deleted: %w", err)}
	}
	var gone []bridge.State
	for _, id := range known {
		if there[id] {
			continue
		}
		_, err := a.Read(ctx, c.conv, id)
		switch {
		case bridge.KindOf(err) == bridge.Gone:
			gone = append(gone, bridge.State{Conversation: c.conv, ID: id, Deleted: true, Revision: a.clock.now() * revisionsPerMilli})
		case err != nil:
			return nil, fmt.Errorf("looking for posts that were deleted: %w", err)
		}
	}
	return gone, nil
}

// live gives the posts that can be read, back to lookBack pages, and since when they are all.
func (a *account) live(ctx context.Context, c *client, channel string) (there map[bridge.MessageID]bool, since time.Time, err error) {
	there = map[bridge.MessageID]bool{}
	before := ""
	for range lookBack {
		page, err := a.page(ctx, c, channel, before, pageSize)
		if err != nil {
			return nil, time.Time{}, err
		}
		for _, id := range page.Order {
			there[bridge.MessageID(id)] = true
		}
		if len(page.Order) < pageSize {
			return there, time.Time{}, nil
		}
		before = page.Order[len(page.Order)-1]
		if oldest := page.Posts[before]; oldest != nil {
			since = at(oldest.CreateAt)
		}
	}
	return there, since, nil
}
