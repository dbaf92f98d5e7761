package store

import (
	"context"
	"database/sql"
	"fmt"

	"causeway/bridge"
)

// Endpoint gives what a name in the config was found to be; ok is false when it was never found.
func (s *Store) Endpoint(ctx context.Context, account bridge.AccountName, name string) (c bridge.ConversationID, ok bool, err error) {
	err = s.do(ctx, func(t *tx) error {
		var id int64
		ok, err = t.found("SELECT conversation FROM endpoints WHERE account = $1 AND name = $2", []any{string(account), name}, &id)
		if err != nil || !ok {
			return err
		}
		c, err = t.name(id)
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking up channel %q of %s in the store: %w", name, account, err)
	}
	return c, ok, err
}

// Endpoint is a name in the config, of an account.
type Endpoint struct {
	Account bridge.AccountName
	Name    string
}

// Endpoints gives what all names were found to be that were ever found.
func (s *Store) Endpoints(ctx context.Context) (map[Endpoint]bridge.ConversationID, error) {
	var all map[Endpoint]bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		all = map[Endpoint]bridge.ConversationID{}
		return t.each("SELECT e.account, e.name, c.server, c.channel FROM endpoints e JOIN conversations c ON c.id = e.conversation", nil, func(rows *sql.Rows) error {
			var e Endpoint
			var c bridge.ConversationID
			err := rows.Scan((*string)(&e.Account), &e.Name, (*string)(&c.Server), (*string)(&c.Channel))
			all[e] = c
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("looking up channels in the store: %w", err)
	}
	return all, err
}

// Remember stores what a name in the config was found to be, so that messages for it are kept while its
// service cannot be asked.
func (s *Store) Remember(ctx context.Context, account bridge.AccountName, name string, c bridge.ConversationID) error {
	err := s.do(ctx, func(t *tx) error {
		id, err := t.conversation(c)
		if err != nil {
			return err
		}
		return t.exec(`INSERT INTO endpoints (account, name, conversation) VALUES ($1, $2, $3)
			ON CONFLICT (account, name) DO UPDATE SET conversation = excluded.conversation`, string(account), name, id)
	})
	if err != nil {
		err = fmt.Errorf("remembering channel %q of %s: %w", name, account, err)
	}
	return err
}

// Lacking gives the conversations that have something to do.
func (s *Store) Lacking(ctx context.Context) ([]bridge.ConversationID, error) {
	var all []bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each(`SELECT server, channel FROM conversations WHERE id IN (
			SELECT conversation FROM instances WHERE rank IS NOT NULL UNION SELECT conversation FROM parts WHERE intent IS NOT NULL
			UNION SELECT conversation FROM strays WHERE done <> 1 UNION SELECT conversation FROM asides WHERE state = 1 UNION SELECT conversation FROM notices UNION SELECT conversation FROM lines)`, nil, func(rows *sql.Rows) error {
			var c bridge.ConversationID
			err := rows.Scan((*string)(&c.Server), (*string)(&c.Channel))
			all = append(all, c)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("looking what is waiting: %w", err)
	}
	return all, err
}
