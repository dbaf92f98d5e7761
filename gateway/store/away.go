package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Pauses between attempts to reach a database that is away.
const (
	awayPause = 250 * time.Millisecond
	awayLimit = 15 * time.Second // for one attempt
)

// reconnect takes another connection in place of the lost one, in one attempt, and tells whether the commit in doubt took effect.
func (s *Store) reconnect() (kept bool, err error) {
	w := &s.writer
	ctx, cancel := context.WithTimeout(context.Background(), awayLimit)
	defer cancel()
	for _, st := range w.statements {
		_ = st.Close()
	}
	clear(w.statements)
	conn, kept, err := s.engine.again(ctx)
	if err != nil {
		return false, err
	}
	_ = w.conn.Close()
	w.conn = conn
	return kept, nil
}

// resolve finds out whether a commit took effect while whose running the connection was lost, and waits for the database as long as need be. The
// callers of the group wait with it, but for those that have given up: they are told that it is not known. Whoever calls meanwhile is told that
// the database is away.
func (s *Store) resolve(group []*request) (kept bool, err error) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	away := errDoubt
	for {
		select {
		case <-s.stop:
			return false, fmt.Errorf("%w while %w", ErrClosed, away)
		case r := <-s.requests:
			r.answer(fmt.Errorf("writing to the store: the database is away: %w", away))
			continue
		case <-pause.C:
		}
		kept, err := s.reconnect()
		if err == nil || errors.Is(err, ErrClosed) {
			return kept, err
		}
		away = err
		for _, r := range group {
			select {
			case <-r.given:
				r.answer(fmt.Errorf("writing to the store: %w: %w", errDoubt, err))
			default:
			}
		}
		pause.Reset(awayPause)
	}
}
