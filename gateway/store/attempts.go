package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Failure is what has failed of an instance: the same in a row is one.
type Failure struct {
	// Instance is what it is about.
	Instance int64
	// Part is of which part, from 0.
	Part int
	// Kind is what [bridge.Kind] calls that of the error, and Reason its text: what was tried, and why it failed.
	Kind, Reason string
	// Since and Last are when it failed so first and last, Times how often.
	Since, Last time.Time
	Times       int
}

// Same reports whether two failures are of one kind, so that they count as one where nothing else has failed between them.
func (f Failure) Same(g Failure) bool {
	return f.Instance == g.Instance && f.Part == g.Part && f.Kind == g.Kind && f.Reason == g.Reason
}

const (
	// failuresKept is how many failures of one instance are kept, the latest.
	failuresKept = 8
	// reasonKept is how long the text of one may be, in bytes.
	reasonKept = 1000
)

// failed keeps what has failed of an instance, for its journey. It is kept as long as the instance is known.
func (t *tx) failed(f Failure) error {
	if len(f.Reason) > reasonKept {
		f.Reason = strings.ToValidUTF8(f.Reason[:reasonKept], "") + "…"
	}
	before := Failure{Instance: f.Instance}
	number := int64(0)
	known, err := t.found("SELECT number, part, kind, reason FROM attempts WHERE instance = $1 ORDER BY number DESC LIMIT 1", []any{f.Instance},
		&number, &before.Part, &before.Kind, &before.Reason)
	switch {
	case err != nil:
		return err
	case known && before.Same(f):
		return t.exec("UPDATE attempts SET last = $1, times = times + $2 WHERE instance = $3 AND number = $4", f.Last.UnixMilli(), f.Times, f.Instance, number)
	}
	if err := t.exec(`INSERT INTO attempts (instance, number, part, kind, reason, since, last, times)
		SELECT id, $1, $2, $3, $4, $5, $6, $7 FROM instances WHERE id = $8`,
		number+1, f.Part, f.Kind, f.Reason, f.Since.UnixMilli(), f.Last.UnixMilli(), f.Times, f.Instance); err != nil {
		return err
	}
	return t.exec("DELETE FROM attempts WHERE instance = $1 AND number <= $2", f.Instance, number+1-failuresKept)
}

// failures reads what has failed of an instance, the earliest first.
func (s *Store) failures(ctx context.Context, instance int64) (all []Failure, err error) {
	err = s.rows(ctx, "SELECT part, kind, reason, since, last, times FROM attempts WHERE instance = $1 ORDER BY number", instance, func(rows *sql.Rows) error {
		f := Failure{Instance: instance}
		var since, last int64
		err := rows.Scan(&f.Part, &f.Kind, &f.Reason, &since, &last, &f.Times)
		f.Since, f.Last = timeOf(since), timeOf(last)
		all = append(all, f)
		return err
	})
	return all, err
}
