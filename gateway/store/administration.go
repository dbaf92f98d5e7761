package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"causeway/bridge"
)

// InvitationOf gives a user's; nil when they have never been asked.
func (s *Store) InvitationOf(ctx context.Context, server bridge.ServerID, u bridge.UserID) (i *Invitation, err error) {
	err = s.do(ctx, func(t *tx) error {
		i, err = t.invitation(server, u)
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking whether somebody has been asked: %w", err)
	}
	return i, err
}

// Approvals gives those of whom one is a given user: who may connect with them although the e-mail addresses differ.
func (s *Store) Approvals(ctx context.Context, u User) ([]User, error) {
	var all []User
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each(`SELECT other_server, other_uid FROM approvals WHERE server = $1 AND uid = $2
			UNION SELECT server, uid FROM approvals WHERE other_server = $1 AND other_uid = $2 ORDER BY 1, 2`,
			[]any{string(u.Server), string(u.User)}, func(rows *sql.Rows) error {
				var other User
				err := rows.Scan((*string)(&other.Server), (*string)(&other.User))
				all = append(all, other)
				return err
			})
	})
	if err != nil {
		err = fmt.Errorf("listing approvals: %w", err)
	}
	return all, err
}

// Called gives the users who are known, or have been asked, by a name: an id, or, in whatever case, a user name or an e-mail address. It reads beside the
// writer, so that many of these hold up nothing.
func (s *Store) Called(ctx context.Context, name string) ([]User, error) {
	rows, err := s.rowsBeside(ctx, `SELECT server, uid FROM identities WHERE uid = $1 OR username <> '' AND lower(username) = lower($2) OR email <> '' AND lower(email) = lower($1)
		UNION SELECT server, uid FROM invitations WHERE uid = $1 ORDER BY 1, 2`, name, strings.TrimPrefix(name, "@"))
	if err != nil {
		return nil, fmt.Errorf("looking who is called so: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []User
	for rows.Next() {
		var u User
		if err := rows.Scan((*string)(&u.Server), (*string)(&u.User)); err != nil {
			return nil, fmt.Errorf("looking who is called so: %w", err)
		}
		all = append(all, u)
	}
	return all, rows.Err()
}
