package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Stuck is an instance in quarantine, with the message that it belongs to.
type Stuck struct {
	Quarantined
	Message int64
}

// quarantineQuery reads the partial index on what is there, from an id on.
const quarantineQuery = `SELECT i.id, i.message, t.server, t.channel, o.server, o.channel, m.body, m.created, i.quarantined, i.reason
	FROM instances i JOIN messages m ON m.id = i.message JOIN conversations t ON t.id = i.conversation JOIN conversations o ON o.id = m.origin
	WHERE i.reason IS NOT NULL AND i.id > $1 ORDER BY i.id LIMIT $2`

// QuarantineAfter gives at most limit of what is in quarantine and has a greater id, oldest first. It reads beside the writer.
func (s *Store) QuarantineAfter(ctx context.Context, after int64, limit int) ([]Stuck, error) {
	rows, err := s.rowsBeside(ctx, quarantineQuery, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the quarantine: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Stuck
	for rows.Next() {
		var q Stuck
		var text []byte
		var created, since int64
		if err := rows.Scan(&q.ID, &q.Message, (*string)(&q.Target.Server), (*string)(&q.Target.Channel), (*string)(&q.Origin.Server), (*string)(&q.Origin.Channel),
			&text, &created, &since, &q.Reason); err != nil {
			return nil, fmt.Errorf("reading the quarantine: %w", err)
		}
		body, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("reading the quarantine: %w", err)
		}
		if body != nil {
			q.Author = body.Author.Name
		}
		q.Created, q.Since = time.UnixMilli(created), time.UnixMilli(since)
		all = append(all, q)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the quarantine: %w", err)
	}
	return all, nil
}

// peopleQuery reads so many people by their key, and the identities of each by their index.
const peopleQuery = `SELECT p.id, p.preferred, p.observe, p.since, i.server, i.uid, i.account, i.name, i.username, i.email, i.state, i.reason, i.verified, i.since
	FROM (SELECT id, preferred, observe, since FROM people WHERE id > $1 ORDER BY id LIMIT $2) p JOIN identities i ON i.person = p.id ORDER BY p.id, i.account`

// PeopleAfter gives at most limit people with greater ids, oldest first. It reads beside the writer.
func (s *Store) PeopleAfter(ctx context.Context, after int64, limit int) ([]Person, error) {
	rows, err := s.rowsBeside(ctx, peopleQuery, after, limit)
	if err != nil {
		return nil, fmt.Errorf("listing people: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Person
	for rows.Next() {
		var p Person
		var i Identity
		var since, verified, connected int64
		if err := rows.Scan(&p.ID, (*string)(&p.Preferred), &p.Observe, &since, (*string)(&i.Server), (*string)(&i.User), (*string)(&i.Account),
			&i.Name, &i.Username, &i.Email, &i.State, &i.Reason, &verified, &connected); err != nil {
			return nil, fmt.Errorf("listing people: %w", err)
		}
		i.Verified, i.Since = timeOf(verified), timeOf(connected)
		if len(all) == 0 || all[len(all)-1].ID != p.ID {
			p.Since = timeOf(since)
			all = append(all, p)
		}
		last := &all[len(all)-1]
		last.Identities = append(last.Identities, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing people: %w", err)
	}
	return all, nil
}

// InvitationsAfter gives at most limit of those who were asked to connect, in the order of servers and ids, from behind a user on; the zero
// value: from the first. It reads beside the writer.
func (s *Store) InvitationsAfter(ctx context.Context, after User, limit int) ([]Invitation, error) {
	var all []Invitation
	rows, err := s.rowsBeside(ctx, "SELECT server, uid, asked, answer FROM invitations WHERE (server, uid) > ($1, $2) ORDER BY server, uid LIMIT $3",
		string(after.Server), string(after.User), limit)
	if err == nil {
		defer func() { _ = rows.Close() }()
		for rows.Next() && err == nil {
			var i Invitation
			var asked sql.NullInt64
			err = rows.Scan((*string)(&i.Server), (*string)(&i.User), &asked, &i.Answer)
			i.Asked = timeOf(asked.Int64)
			all = append(all, i)
		}
		if err == nil {
			err = rows.Err()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listing who was asked: %w", err)
	}
	return all, nil
}
