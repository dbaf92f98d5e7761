package memory

import (
	"context"
	"slices"

	"causeway/bridge"
)

// notice is what an account has told somebody.
type notice struct {
	bridge.Notice
	// post is the message that it is, in the conversation of account and person; nil: it is none.
	post *message
}

// Notify keeps the notice for [Service.Notices]. What has a key and is about no conversation is a message in the one of account and person, where Find and Delete
// see it; what is there already with that key is not said again.
func (a *account) Notify(ctx context.Context, n bridge.Notice) error {
	return a.call(ctx, Call{Op: Notify, Conversation: n.Conversation, Key: n.Key, User: n.User}, func() error {
		s := a.service
		if n.Key == "" || n.Conversation != (bridge.ConversationID{}) {
			s.notices = append(s.notices, notice{Notice: n})
			return nil
		}
		people := []bridge.UserID{a.user, n.User}
		slices.Sort(people)
		c := s.found(people)
		if c == nil {
			c = s.open(people, "")
		}
		if slices.ContainsFunc(c.messages, func(m *message) bool { return m.key == n.Key && !m.now().deleted }) {
			return nil
		}
		id := s.add(c, &message{author: s.person(a.user), writer: a.user, key: n.Key}, version{text: s.text(n.Text)})
		s.notices = append(s.notices, notice{n, c.byID[id]})
		return nil
	})
}

// Notices gives what accounts have told people privately, as it is there now: nothing that was deleted since.
func (s *Service) Notices() []bridge.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bridge.Notice
	for _, n := range s.notices {
		if n.post != nil && n.post.now().deleted {
			continue
		}
		if n.post != nil && len(n.post.versions) > 1 {
			n.Text = n.post.now().text
		}
		all = append(all, n.Notice)
	}
	return all
}

// letters: a conversation of an account with a person, in which it alone has told something.
func (s *Service) letters(c *channel) bool {
	return c.shape == bridge.Pair && slices.ContainsFunc(c.members, func(u bridge.UserID) bool { return s.accounts[u] }) &&
		!slices.ContainsFunc(c.messages, func(m *message) bool { return m.key == "" })
}
