package msteams

import (
	"context"
	"time"

	"causeway/bridge"
)

// chatFeeds gives the subscriptions that the observed people need: one for all chats of each of them.
func (s *subscriber) chatFeeds() (map[string]bridge.UserID, <-chan struct{}) {
	observed, changed := s.inbox.Observed()
	people := map[string]bridge.UserID{}
	for _, o := range observed {
		people["/users/"+string(o.User)+"/chats/getAllMessages"] = o.User
	}
	return people, changed
}

// coversPerson tells since when somebody's chats have been covered by a subscription that delivers.
func (s *subscriber) coversPerson(u bridge.UserID) (since time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.distrusted != nil {
		return since, false
	}
	for _, f := range s.feeds {
		if f.person == u && f.alive(time.Now()) && !f.since.IsZero() {
			return f.since, true
		}
	}
	return since, false
}

// leave ends the subscriptions of people who are not observed any more, at once: they have parted, and what is said in their chats is none
// of ours.
func (s *subscriber) leave(ctx context.Context) {
	for _, f := range s.inOrder() {
		s.mu.Lock()
		gone, id := f.person != "" && f.surplus, f.id
		s.mu.Unlock()
		if !gone {
			continue
		}
		if id != "" {
			if err := s.remove(ctx, id); err != nil {
				s.a.log.WithError(err).Debug("The subscription of somebody who has parted could not be ended; trying again.")
				continue
			}
			s.lost(f, id)
		}
		s.mu.Lock()
		delete(s.feeds, f.resource)
		s.mu.Unlock()
	}
}

// toldAgain is how soon the operator is told again of a failure that several people's subscriptions have in common.
const toldAgain = time.Hour

// toldOfPeople tells whether the operator knows of a failure already; empty stands for its end.
func (s *subscriber) toldOfPeople(text string) bool {
	known := time.Since(s.told[text]) < toldAgain
	if !known {
		s.told[text] = time.Now()
	}
	return known
}
