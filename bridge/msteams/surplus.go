package msteams

import (
	"context"
	"maps"
	"time"
)

// clear deletes what is not needed any more, once all that is needed has lived for a while: what was said before that may be
// on its way still, and goes with its subscription. It forgets what was retired long ago, and gives when it is to be called
// again, if that is known.
func (s *subscriber) clear(ctx context.Context) (again time.Time) {
	now := time.Now()
	surplus, ready := s.surplus(now)
	if len(surplus) > 0 && ready.After(now) {
		again = ready
	}
	for _, f := range surplus {
		if ready.IsZero() || ready.After(now) {
			break
		}
		s.mu.Lock()
		id := f.id
		s.mu.Unlock()
		if id != "" {
			if err := s.remove(ctx, id); err != nil {
				s.a.log.WithError(err).Debug("A subscription that is not needed any more could not be ended; trying again.")
				again = now.Add(retryLeftover)
				continue
			}
			s.lost(f, id)
		}
		s.mu.Lock()
		delete(s.feeds, f.resource)
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.retired, func(_ string, at time.Time) bool { return now.Sub(at) > repeated })
	return again
}

// surplus gives what is not needed any more, and when all that is needed will have lived long enough; the zero time as long
// as not all of it lives.
func (s *subscriber) surplus(now time.Time) (list []*feed, ready time.Time) {
	feeds := s.inOrder()
	s.mu.Lock()
	defer s.mu.Unlock()
	ready = now
	for _, f := range feeds {
		switch {
		case f.surplus:
			list = append(list, f)
		case f.person != "": // stands in for no channel
		case !f.alive(now) || f.since.IsZero():
			return list, time.Time{}
		case f.since.Add(usualDelay).After(ready):
			ready = f.since.Add(usualDelay)
		}
	}
	return list, ready
}
