package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
)

// ChannelEnd is a channel as the config would name it.
type ChannelEnd struct {
	Account bridge.AccountName
	Channel string
	// Name is what the channel was called when it was linked by its id. It is shown, and leads nowhere: others may be called so by now.
	Name string
}

// String is how it is typed: "mattermost.hq:town/berlin".
func (e ChannelEnd) String() string { return string(e.Account) + ":" + e.Channel }

// Shown is how people know it.
func (e ChannelEnd) Shown() string {
	if e.Name != "" {
		return string(e.Account) + ":" + e.Name
	}
	return e.String()
}

// Same reports whether both are typed the same.
func (e ChannelEnd) Same(other ChannelEnd) bool {
	return e.Account == other.Account && e.Channel == other.Channel
}

// ChannelLink is a pair of channels that was made at run time.
type ChannelLink struct {
	// ID counts up; 0: not stored yet.
	ID   int64
	Ends [2]ChannelEnd
	Made time.Time
	// Who has made it, as in the audit log.
	Who string
}

const channelLinksQuery = "SELECT id, one_account, one_channel, one_name, two_account, two_channel, two_name, made, who FROM channel_links ORDER BY id"

func scanChannelLink(scan func(to ...any) error) (l ChannelLink, err error) {
	var made int64
	err = scan(&l.ID, (*string)(&l.Ends[0].Account), &l.Ends[0].Channel, &l.Ends[0].Name,
		(*string)(&l.Ends[1].Account), &l.Ends[1].Channel, &l.Ends[1].Name, &made, &l.Who)
	l.Made = time.UnixMilli(made)
	return l, err
}

// ChannelLinks gives all of them, oldest first.
func (s *Store) ChannelLinks(ctx context.Context) ([]ChannelLink, error) {
	var all []ChannelLink
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each(channelLinksQuery, nil, func(rows *sql.Rows) error {
			l, err := scanChannelLink(rows.Scan)
			all = append(all, l)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the linked channels: %w", err)
	}
	return all, nil
}

// Link stores a pair, and gives it with its id. One with an id gets that again. anew are those conversations that begin with it: what was said in them until then,
// as while they were linked with none, is not carried.
func (s *Store) Link(ctx context.Context, l ChannelLink, anew ...bridge.ConversationID) (ChannelLink, error) {
	err := s.do(ctx, func(t *tx) (err error) {
		for _, c := range anew {
			id, err := t.conversation(c)
			if err != nil {
				return err
			}
			if err := t.exec("UPDATE conversations SET cursor = '' WHERE id = $1", id); err != nil {
				return err
			}
		}
		values := []any{string(l.Ends[0].Account), l.Ends[0].Channel, l.Ends[0].Name, string(l.Ends[1].Account), l.Ends[1].Channel, l.Ends[1].Name, l.Made.UnixMilli(), l.Who}
		if l.ID != 0 {
			return t.exec("INSERT INTO channel_links (one_account, one_channel, one_name, two_account, two_channel, two_name, made, who, id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", append(values, l.ID)...)
		}
		l.ID, err = t.insert("INSERT INTO channel_links (one_account, one_channel, one_name, two_account, two_channel, two_name, made, who) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id", values...)
		return err
	})
	if err != nil {
		return l, fmt.Errorf("storing that %s and %s are linked: %w", l.Ends[0], l.Ends[1], err)
	}
	return l, nil
}

// ErrNotLinked: there is no such pair.
var ErrNotLinked = errors.New("they are not linked")

// Unlink forgets a pair. What waits for its channels stays.
func (s *Store) Unlink(ctx context.Context, id int64) error {
	err := s.do(ctx, func(t *tx) error {
		n, err := t.change("DELETE FROM channel_links WHERE id = $1", id)
		if err == nil && n == 0 {
			err = ErrNotLinked
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting link %d: %w", id, err)
	}
	return nil
}

// Endpoint gives what a name in the config was found to be; ok is false when it was never found.
func (r *Reader) Endpoint(ctx context.Context, account bridge.AccountName, name string) (c bridge.ConversationID, ok bool, err error) {
	if r.version == 0 {
		return c, false, nil
	}
	err = r.db.QueryRowContext(ctx, "SELECT c.server, c.channel FROM endpoints e JOIN conversations c ON c.id = e.conversation WHERE e.account = $1 AND e.name = $2", string(account), name).
		Scan((*string)(&c.Server), (*string)(&c.Channel))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, false, nil
	case err != nil:
		return c, false, fmt.Errorf("looking up channel %q of %s in the store: %w", name, account, err)
	}
	return c, true, nil
}

// ChannelLinks gives all of them, oldest first.
func (r *Reader) ChannelLinks(ctx context.Context) ([]ChannelLink, error) {
	if r.version < channelLinksVersion {
		return nil, nil // the next start makes the table
	}
	rows, err := r.db.QueryContext(ctx, channelLinksQuery)
	if err != nil {
		return nil, fmt.Errorf("reading the linked channels: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []ChannelLink
	for rows.Next() {
		l, err := scanChannelLink(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading the linked channels: %w", err)
		}
		all = append(all, l)
	}
	return all, rows.Err()
}
