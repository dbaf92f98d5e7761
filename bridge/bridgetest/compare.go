package bridgetest

import (
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
)

// same compares what the inbox holds of a place with what people see there; it gives the first difference.
func (w *world) same(p Place) string {
	seen := map[bridge.MessageID]bool{}
	for _, m := range w.Messages(p.ID) {
		seen[m.ID] = true
		if w.ignored[message{p.ID, m.ID}] {
			continue
		}
		s, arrived := w.inbox.state(p.ID, m.ID)
		if !arrived {
			return fmt.Sprintf("message %s %.60q has not arrived", m.ID, m.Text)
		}
		if d := w.differ(s, m); d != "" {
			return fmt.Sprintf("message %s %.60q: %s", m.ID, m.Text, d)
		}
	}
	for _, s := range w.inbox.states(p.ID) {
		if !s.Deleted && !seen[s.ID] && !w.ignored[message{p.ID, s.ID}] {
			return fmt.Sprintf("message %s %.60q was reported, and people do not see it", s.ID, plain(s.Text))
		}
	}
	return ""
}

// differ compares a state with what people see. What the bridge posted may show more: the author's name.
func (w *world) differ(s bridge.State, m Seen) string {
	said, shown := squash(plain(s.Text)), squash(m.Text)
	switch {
	case s.Deleted:
		return "reported as deleted"
	case s.Key == "" && said != shown || !strings.Contains(shown, said):
		return fmt.Sprintf("reported text %.80q, people see %.80q", said, shown)
	case s.Root != m.Root:
		return fmt.Sprintf("reported root %q, people see %q", s.Root, m.Root)
	}
	if got, want := reactions(s.Reactions), reactions(m.Reactions); !w.Features().NoReactionFeed && !slices.Equal(got, want) {
		return fmt.Sprintf("reported reactions %q, people see %q", got, want)
	}
	return ""
}

// converges waits until the inbox holds exactly what people see.
func (w *world) converges(places ...Place) {
	w.Helper()
	for _, p := range places {
		w.eventually("what is reported becomes what people see", func() string { return w.same(p) })
	}
}

// arrives waits for a message's state to pass a check.
func (w *world) arrives(p Place, id bridge.MessageID, check func(bridge.State) string) bridge.State {
	w.Helper()
	var last bridge.State
	w.eventually("message "+string(id)+" is reported", func() string {
		s, arrived := w.inbox.state(p.ID, id)
		if !arrived {
			return "it has not arrived"
		}
		last = s
		return check(s)
	})
	return last
}

// hasText checks for a text.
func hasText(text string) func(bridge.State) string {
	return func(s bridge.State) string {
		if got := squash(plain(s.Text)); s.Deleted || got != squash(text) {
			return fmt.Sprintf("its text is %.80q (deleted: %t), want %.80q", got, s.Deleted, text)
		}
		return ""
	}
}

// hasReactions checks for exactly these.
func hasReactions(want ...bridge.Reaction) func(bridge.State) string {
	return func(s bridge.State) string {
		if got := reactions(s.Reactions); !slices.Equal(got, reactions(want)) {
			return fmt.Sprintf("its reactions are %q, want %q", got, want)
		}
		return ""
	}
}

func isDeleted(s bridge.State) string {
	if !s.Deleted {
		return "it is not deleted"
	}
	return ""
}

// inOrder checks that messages first arrived in this order, whatever came between them.
func (w *world) inOrder(p Place, want []bridge.MessageID) {
	w.Helper()
	var got []bridge.MessageID
	for _, s := range w.inbox.states(p.ID) {
		if slices.Contains(want, s.ID) {
			got = append(got, s.ID)
		}
	}
	if !slices.Equal(got, want) {
		w.Errorf("messages arrived as %v, want %v", got, want)
	}
}

// shows waits until people see exactly these texts of a place, each perhaps with an author's name before it.
func (w *world) shows(p Place, texts ...string) []Seen {
	w.Helper()
	var seen []Seen
	w.eventually("people see what was written", func() string {
		seen = w.Messages(p.ID)
		if len(seen) != len(texts) {
			return fmt.Sprintf("they see %d messages, want %d: %+v", len(seen), len(texts), seen)
		}
		for n, text := range texts {
			if !strings.HasSuffix(squash(seen[n].Text), squash(text)) {
				return fmt.Sprintf("message %d is %.100q, want %.100q", n, seen[n].Text, text)
			}
		}
		return ""
	})
	return seen
}
