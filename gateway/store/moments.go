package store

import (
	"context"
	"fmt"
)

// begunOften is under which the moments count starts. Its time is their number.
const begunOften = "begun"

// Begun counts that a process begins to work on the store, and gives how many before it have ended without having lived; see Lived.
func (s *Store) Begun(ctx context.Context) (ended int, err error) {
	err = s.do(ctx, func(t *tx) error {
		n, err := t.insertCount(begunOften)
		ended = int(n) - 1
		return err
	})
	if err != nil {
		err = fmt.Errorf("counting the start: %w", err)
	}
	return ended, err
}

func (t *tx) insertCount(what string) (n int64, err error) {
	t.wrote = true
	err = t.row("INSERT INTO moments (what, at) VALUES ($1, 1) ON CONFLICT (what) DO UPDATE SET at = moments.at + 1 RETURNING at", what).Scan(&n)
	return n, err
}

// Lived notes that this process works, or has ended in order: none has ended early since.
func (s *Store) Lived(ctx context.Context) error {
	err := s.do(ctx, func(t *tx) error { return t.exec("DELETE FROM moments WHERE what = $1", begunOften) })
	if err != nil {
		err = fmt.Errorf("noting that it works: %w", err)
	}
	return err
}
