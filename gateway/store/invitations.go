package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"causeway/bridge"
)

// Answer is what somebody said to the question whether they want to connect.
type Answer int

const (
	// Unanswered: nothing yet.
	Unanswered Answer = iota
	// NotNow: they may be asked again later. Whoever has disconnected has said that, too.
	NotNow
	// NeverAsk: they may not be asked again.
	NeverAsk
	// Accepted: they have begun to connect.
	Accepted
)

var answerNames = [...]string{"unanswered", "not now", "never", "accepted"}

// String gives the answer's name in logs and lists.
func (a Answer) String() string { return answerNames[a] }

// Invitation is somebody's being asked to connect.
type Invitation struct {
	Server bridge.ServerID
	User   bridge.UserID
	// Asked is when they were asked or answered, whichever was later; zero: they are about to be asked, and may have been.
	Asked  time.Time
	Answer Answer
}

// InvitationLimits say who may be asked again, and how many may be asked.
type InvitationLimits struct {
	// Again is how long after asking, or after an answer other than never, somebody may be asked again. Until then, a question without an
	// answer is open. 0: they may not be asked again, and it is open for ever.
	Again time.Duration
	// Open is how many may be open.
	Open int
}

// Invite stores that a user is about to be asked, unless the limits or an earlier answer forbid that. It gives what was known
// before, nil when nothing was, to be handed to [Store.Uninvite] where asking fails.
func (s *Store) Invite(ctx context.Context, server bridge.ServerID, u bridge.UserID, now time.Time, l InvitationLimits) (before *Invitation, ok bool, err error) {
	err = s.do(ctx, func(t *tx) error {
		ok = false
		before, err = t.invitation(server, u)
		if err != nil || before != nil && !before.Again(now, l) {
			return err
		}
		oldest := int64(0)
		if l.Again > 0 {
			oldest = now.Add(-l.Again).UnixMilli()
		}
		var open int
		if err := t.row("SELECT COUNT(*) FROM invitations WHERE answer = $1 AND (asked = 0 OR asked > $2)", int(Unanswered), oldest).Scan(&open); err != nil {
			return err
		}
		if open >= l.Open {
			return nil
		}
		ok = true
		return t.invite(Invitation{Server: server, User: u})
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody is about to be asked: %w", err)
	}
	return before, ok, err
}

// Again reports whether somebody may be asked once more.
func (i Invitation) Again(now time.Time, l InvitationLimits) bool {
	return i.Answer != NeverAsk && !i.Asked.IsZero() && l.Again > 0 && now.Sub(i.Asked) >= l.Again
}

// Open reports whether somebody may still answer.
func (i Invitation) Open(now time.Time, l InvitationLimits) bool {
	return i.Answer == Unanswered && (i.Asked.IsZero() || l.Again == 0 || now.Sub(i.Asked) < l.Again)
}

func (t *tx) invitation(server bridge.ServerID, u bridge.UserID) (*Invitation, error) {
	i := Invitation{Server: server, User: u}
	var asked int64
	found, err := t.found("SELECT asked, answer FROM invitations WHERE server = $1 AND uid = $2", []any{string(server), string(u)}, &asked, (*int)(&i.Answer))
	if err != nil || !found {
		return nil, err
	}
	i.Asked = timeOf(asked)
	return &i, nil
}

func (t *tx) invite(i Invitation) error {
	return t.exec(`INSERT INTO invitations (server, uid, asked, answer) VALUES ($1, $2, $3, $4)
		ON CONFLICT (server, uid) DO UPDATE SET asked = excluded.asked, answer = excluded.answer`,
		string(i.Server), string(i.User), millis(i.Asked), int(i.Answer))
}

// timeOf reads a stored time, of which 0 means none.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// Invited stores that a user has been asked. An answer that came meanwhile stays.
func (s *Store) Invited(ctx context.Context, server bridge.ServerID, u bridge.UserID, at time.Time) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("UPDATE invitations SET asked = $1 WHERE server = $2 AND uid = $3 AND asked = 0", at.UnixMilli(), string(server), string(u))
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody has been asked: %w", err)
	}
	return err
}

// AssumeInvited stores that all who were about to be asked when an earlier run ended have been asked: nobody knows, and nobody
// may be asked twice.
func (s *Store) AssumeInvited(ctx context.Context, at time.Time) error {
	err := s.do(ctx, func(t *tx) error {
		return t.exec("UPDATE invitations SET asked = $1 WHERE asked = 0", at.UnixMilli())
	})
	if err != nil {
		err = fmt.Errorf("storing who has been asked: %w", err)
	}
	return err
}

// Uninvite stores that asking a user certainly failed; before is what [Store.Invite] gave.
func (s *Store) Uninvite(ctx context.Context, server bridge.ServerID, u bridge.UserID, before *Invitation) error {
	err := s.do(ctx, func(t *tx) error {
		if before != nil {
			return t.invite(*before)
		}
		return t.exec("DELETE FROM invitations WHERE server = $1 AND uid = $2", string(server), string(u))
	})
	if err != nil {
		err = fmt.Errorf("storing that somebody has not been asked: %w", err)
	}
	return err
}

// Answered stores what a user said, asked or not.
func (s *Store) Answered(ctx context.Context, server bridge.ServerID, u bridge.UserID, a Answer, at time.Time) error {
	err := s.do(ctx, func(t *tx) error { return t.invite(Invitation{Server: server, User: u, Asked: at, Answer: a}) })
	if err != nil {
		err = fmt.Errorf("storing an answer: %w", err)
	}
	return err
}

// Invitations gives all, by user.
func (s *Store) Invitations(ctx context.Context) ([]Invitation, error) {
	var all []Invitation
	err := s.do(ctx, func(t *tx) error {
		all = nil
		return t.each("SELECT server, uid, asked, answer FROM invitations ORDER BY server, uid", nil, func(rows *sql.Rows) error {
			var i Invitation
			var asked int64
			err := rows.Scan((*string)(&i.Server), (*string)(&i.User), &asked, (*int)(&i.Answer))
			i.Asked = timeOf(asked)
			all = append(all, i)
			return err
		})
	})
	if err != nil {
		err = fmt.Errorf("listing who has been asked: %w", err)
	}
	return all, err
}

// settleInvitation is what connecting and disconnecting do to it: whoever has connected does not count as open, whoever has disconnected is not asked
// at once, and never stays never.
func (t *tx) settleInvitation(server bridge.ServerID, u bridge.UserID, a Answer, at time.Time) error {
	before, err := t.invitation(server, u)
	if err != nil || before != nil && before.Answer == NeverAsk {
		return err
	}
	return t.invite(Invitation{Server: server, User: u, Asked: at, Answer: a})
}
