package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"causeway/bridge"
)

// Standing is what the store knows of a user of one server about another one.
type Standing struct {
	User bridge.UserID
	// Other is who they are there, by connection or match; empty: not known. Matched: by match.
	Other   bridge.UserID
	Matched bool
	// Here and There are how their ends of a connection stand, Since is from when on there have been both; only with Other, and not of a match.
	Here, There IdentityState
	Since       time.Time
	// Preferred is the account on which they want to be notified.
	Preferred bridge.AccountName
	// Looked: it was looked for a match lately.
	Looked bool
}

// Standings gives those of users, in their order.
func (s *Store) Standings(ctx context.Context, server, other bridge.ServerID, users []bridge.UserID) ([]Standing, error) {
	var all []Standing
	err := s.do(ctx, func(t *tx) error {
		all = nil
		for _, u := range users {
			one := Standing{User: u}
			var there, match sql.NullString
			var here, state sql.NullInt64
			var since, sinceThere sql.NullInt64
			var preferred sql.NullString
			if err := t.row(`SELECT x.state, y.uid, y.state, x.since, y.since, p.preferred, COALESCE(NULLIF(z.other_uid, ''), r.uid, z.other_uid) FROM (SELECT $1 AS server, $2 AS uid) u
				LEFT JOIN identities x ON x.server = u.server AND x.uid = u.uid LEFT JOIN identities y ON y.person = x.person AND y.server = $3
				LEFT JOIN people p ON p.id = x.person LEFT JOIN matches z ON z.server = u.server AND z.uid = u.uid AND z.other_server = $3
				LEFT JOIN matches r ON r.server = $3 AND r.other_server = u.server AND r.other_uid = u.uid AND r.other_uid <> ''`,
				string(server), string(u), string(other)).Scan(&here, &there, &state, &since, &sinceThere, &preferred, &match); err != nil {
				return err
			}
			one.Here, one.There, one.Other = IdentityState(here.Int64), IdentityState(state.Int64), bridge.UserID(there.String)
			one.Since, one.Preferred = timeOf(max(since.Int64, sinceThere.Int64)), bridge.AccountName(preferred.String)
			one.Looked = match.Valid || there.Valid
			if !there.Valid && match.String != "" {
				one.Other, one.Matched = bridge.UserID(match.String), true
			}
			all = append(all, one)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("looking up people of a conversation: %w", err)
	}
	return all, err
}
