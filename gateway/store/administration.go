package store

import (
	"context"
	"database/sql"
	"fmt"

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
