package store

import (
	"context"
	"database/sql"
	"fmt"

	"causeway/bridge"
)

// Stalest gives of those who are connected on an account, or were until they were lost, so many of whom has not been made sure for the longest time, and
// counts all of them.
func (s *Store) Stalest(ctx context.Context, a bridge.AccountName, limit int) (stalest []Identity, count int, err error) {
	err = s.do(ctx, func(t *tx) error {
		stalest = nil
		if err := t.row("SELECT COUNT(*) FROM identities WHERE account = $1 AND state IN ($2, $3)", string(a), int(Connected), int(Lost)).Scan(&count); err != nil {
			return err
		}
		return t.each("SELECT "+identityColumns+" FROM identities WHERE account = $1 AND state IN ($2, $3) ORDER BY verified, uid LIMIT $4",
			[]any{string(a), int(Connected), int(Lost), limit}, func(rows *sql.Rows) error {
				_, i, err := scanIdentity(rows)
				stalest = append(stalest, i)
				return err
			})
	})
	if err != nil {
		err = fmt.Errorf("reading who is connected: %w", err)
	}
	return stalest, count, err
}
