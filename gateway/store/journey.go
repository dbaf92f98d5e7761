package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
)

// Journey is all that is known of a message: what has become of it in each conversation.
type Journey struct {
	Sighting
	// RootID is the origin's id of the message that it answers; empty: none. Root is that message in the store; 0: not known.
	RootID bridge.MessageID
	Root   int64
	// Version counts the changes of text, files and deletion, from 1; Edited is the service's time of the last one of the text.
	Version int64
	Edited  time.Time
	// Body is kept until all instances are settled; nil afterwards.
	Body *Body
	// Stops are its instances, the origin first.
	Stops []Stop
}

// Stop is an instance.
type Stop struct {
	// ID is that by which it can be retried and dropped when it is in quarantine.
	ID           int64
	Conversation bridge.ConversationID
	IsOrigin     bool
	Phase        Phase
	// Version of the message that it looks like.
	Version int64
	// Waiting: it lacks something.
	Waiting bool
	// Held: it waits until its author has connected again.
	Held bool
	// Late: it was posted after a younger one. Blanked: deleted, but its post stays for its replies.
	Late, Blanked bool
	// Reason is why it is in quarantine since Quarantined; empty: it is not.
	Reason      string
	Quarantined time.Time
	// Begun is when a post of it was begun whose outcome is not known yet; zero: there is none.
	Begun time.Time
	Posts []Posting
	Files []Carried
	// Failed is what has failed, the latest of it, the earliest first; also where all has arrived since.
	Failed []Failure
}

// Posting is one post of an instance.
type Posting struct {
	Number int
	// ID is empty until it is known.
	ID bridge.MessageID
	// Version of the message that it shows, and Revision the newest of the service's that was seen.
	Version, Revision int64
	// Tried is when Causeway last tried to post it; zero: it has not, as at the origin.
	Tried time.Time
	// Writer is as whom it was written; empty: the relay, or at the origin.
	Writer  bridge.UserID
	Deleted bool
}

// Carried is a file on its way into an instance, or there. What it is called is encrypted, and is not told.
type Carried struct {
	State FileState
	// Reason is why it does not cross; empty: it does.
	Reason string
}

// Journey gives that of a message; false when there is none with this id. It reads beside the writer, by keys, so that it costs what there is of
// this one message.
func (s *Store) Journey(ctx context.Context, message int64) (Journey, bool, error) {
	j, err := s.journey(ctx, message)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Journey{}, false, nil
	case err != nil:
		return Journey{}, false, fmt.Errorf("reading the journey of message %d: %w", message, err)
	}
	return j, true, nil
}

func (s *Store) journey(ctx context.Context, message int64) (j Journey, err error) {
	found, err := s.sighted(ctx, message)
	if err != nil {
		return j, err
	}
	if len(found) == 0 {
		return j, sql.ErrNoRows
	}
	j.Sighting = found[0]
	var root sql.NullInt64
	var edited int64
	var body []byte
	if err := s.beside(ctx, "SELECT root_id, root, version, edited, body FROM messages WHERE id = $1", message).
		Scan((*string)(&j.RootID), &root, &j.Version, &edited, &body); err != nil {
		return j, err
	}
	j.Root, j.Edited = root.Int64, timeOf(edited)
	if j.Body, err = decode(body); err != nil {
		return j, err
	}
	if j.Stops, err = s.stops(ctx, message); err != nil {
		return j, err
	}
	for i := range j.Stops {
		if err := s.fill(ctx, &j.Stops[i]); err != nil {
			return j, err
		}
	}
	return j, nil
}

func (s *Store) stops(ctx context.Context, message int64) ([]Stop, error) {
	rows, err := s.rowsBeside(ctx, `SELECT i.id, c.server, c.channel, i.origin, i.phase, i.version, i.rank IS NOT NULL, i.held, i.late, i.blanked, i.reason, i.quarantined,
			(SELECT MIN(posted) FROM parts WHERE instance = i.id AND intent IS NOT NULL)
		FROM instances i JOIN conversations c ON c.id = i.conversation
		WHERE i.message = $1 ORDER BY i.origin DESC, i.id`, message)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []Stop
	for rows.Next() {
		var one Stop
		var reason sql.NullString
		var since int64
		var begun sql.NullInt64
		if err := rows.Scan(&one.ID, (*string)(&one.Conversation.Server), (*string)(&one.Conversation.Channel), &one.IsOrigin, &one.Phase, &one.Version, &one.Waiting,
			&one.Held, &one.Late, &one.Blanked, &reason, &since, &begun); err != nil {
			return nil, err
		}
		if reason.Valid {
			one.Reason, one.Quarantined = reason.String, timeOf(since)
		}
		one.Begun = timeOf(begun.Int64)
		all = append(all, one)
	}
	return all, rows.Err()
}

// fill reads the posts and files of an instance, and what has failed of it.
func (s *Store) fill(ctx context.Context, to *Stop) (err error) {
	if to.Failed, err = s.failures(ctx, to.ID); err != nil {
		return err
	}
	err = s.rows(ctx, "SELECT number, COALESCE(id, ''), version, revision, posted, writer, deleted FROM parts WHERE instance = $1 ORDER BY number < 0, number", to.ID,
		func(rows *sql.Rows) error {
			var p Posting
			var tried int64
			err := rows.Scan(&p.Number, (*string)(&p.ID), &p.Version, &p.Revision, &tried, (*string)(&p.Writer), &p.Deleted)
			p.Tried = timeOf(tried)
			p.Deleted = p.Deleted || p.Number < 0
			to.Posts = append(to.Posts, p)
			return err
		})
	if err != nil {
		return err
	}
	return s.rows(ctx, "SELECT state, reason FROM files WHERE instance = $1 ORDER BY id", to.ID, func(rows *sql.Rows) error {
		var f Carried
		err := rows.Scan(&f.State, &f.Reason)
		to.Files = append(to.Files, f)
		return err
	})
}

// rows reads beside the writer.
func (s *Store) rows(ctx context.Context, query string, arg any, scan func(*sql.Rows) error) error {
	rows, err := s.rowsBeside(ctx, query, arg)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
