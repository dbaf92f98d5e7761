package store

import (
	"context"
	"fmt"

	"causeway/bridge"
)

// Planned is a step with what it is about.
type Planned struct {
	Work *Work
	Step Step
}

// plain tells whether a post is the first one of a message that answers nothing, is not late, and nobody has reacted to.
func plain(w *Work, step Step) bool {
	return step.Op == Post && step.Part == 0 && len(w.Parts) == 0 && w.buried == 0 && w.Message.RootID == "" && !w.Message.reacted && !w.Late
}

// ahead begins the posts that follow step in the lane, as far as each shows all of its message and depends on nothing that is not known
// before the others are made.
func (l *lane) ahead(first *Work, step Step) (all []Planned, err error) {
	if first != l.turn || !plain(first, step) || !step.Whole {
		return nil, nil
	}
	youngest := map[int64]int64{first.Message.origin: first.Message.Created.UnixMilli()}
	for _, w := range l.waiting {
		l.on(w.Instance)
		m := &w.Message
		created := m.Created.UnixMilli()
		if w.IsOrigin || w.Phase != Waiting || m.Deleted || m.RootID != "" || m.reacted || m.Body == nil || m.Version > 1 || len(m.Body.Files) > 0 || len(m.Body.Links) > 0 || len(w.Parts) > 0 || created < youngest[m.origin] || l.former(created) {
			return all, nil
		}
		youngest[m.origin] = created
		if err := l.loadCalled(w); err != nil {
			return nil, err
		}
		step := l.plan(w)
		if !plain(w, step) || !step.Whole {
			return all, nil
		}
		if adopted, err := l.intend(w, &step); err != nil || adopted {
			return all, err
		}
		if err := l.by(&step); err != nil {
			return nil, err
		}
		all = append(all, Planned{w, step})
	}
	return all, nil
}

// Note stores how steps of a lane ended, for when it will be long until it is advanced. It gives other conversations that now lack something.
func (s *Store) Note(ctx context.Context, c bridge.ConversationID, ended []*Outcome) ([]bridge.ConversationID, error) {
	var woken []bridge.ConversationID
	err := s.do(ctx, func(t *tx) (err error) {
		l := lane{tx: t, name: c, woken: map[int64]bool{}}
		if l.here, err = t.conversation(c); err != nil {
			return err
		}
		if err := l.storeAll(ended); err != nil {
			return fmt.Errorf("storing what happened in %s: %w", c, err)
		}
		woken, err = l.others()
		return err
	})
	return woken, err
}
