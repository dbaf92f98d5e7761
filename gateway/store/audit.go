package store

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Audited is something that an operator or administrator has had done, or that Causeway has done to somebody who has left. It holds no text of a message and no secret.
type Audited struct {
	// ID counts up; 0: not stored yet.
	ID int64
	At time.Time
	// Who has done it ("operator by command line", "Causeway by itself"), Act is the word for it ("drop"), About whom or what it was done to.
	Who, Act, About string
	// Result is what has happened, or, where it Failed, why nothing has.
	Result string
	Failed bool
}

// mostAudited is how many are kept; older ones make room.
const mostAudited = 100_000

// longestAudited bounds each text, in bytes: what somebody typed may be long.
const longestAudited = 1000

// Record stores what was done, by the clock of this machine, and returns when it is on disk. Both time and id are set here.
func (s *Store) Record(ctx context.Context, a Audited) error {
	err := s.do(ctx, func(t *tx) error {
		id, err := t.insert("INSERT INTO audit (at, who, act, about, result, failed) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
			time.Now().UnixMilli(), shortened(a.Who), shortened(a.Act), shortened(a.About), shortened(a.Result), a.Failed)
		if err != nil {
			return err
		}
		return t.exec("DELETE FROM audit WHERE id <= $1", id-mostAudited)
	})
	if err != nil {
		return fmt.Errorf("writing the audit log: %w", err)
	}
	return nil
}

func shortened(text string) string {
	if len(text) <= longestAudited {
		return text
	}
	cut := longestAudited
	for text[cut]&0xC0 == 0x80 { // within a letter
		cut--
	}
	return text[:cut] + "…"
}

// Audit gives at most limit entries that were made before the one with an id, newest first; 0: the newest of all. It reads beside the writer,
// by the table's key.
func (s *Store) Audit(ctx context.Context, before int64, limit int) ([]Audited, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := s.rowsBeside(ctx, `SELECT id, at, who, act, about, result, failed FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Audited
	for rows.Next() {
		var a Audited
		var at int64
		if err := rows.Scan(&a.ID, &at, &a.Who, &a.Act, &a.About, &a.Result, &a.Failed); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		a.At = time.UnixMilli(at)
		all = append(all, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return all, nil
}
