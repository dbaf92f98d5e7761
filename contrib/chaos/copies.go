package main

import (
	"context"
	"slices"
	"time"
)

// side is where an act is done: where it was said, or at the copy.
func (a Act) side() Side {
	if a.Copy == (a.Side == Teams) {
		return Mattermost
	}
	return Teams
}

// calmTime is how long what Causeway has written at the other side must stand there before people change it; see sightTime, which the plan
// keeps: Causeway may come to write it only later. What is from within ten seconds of its own edit it cannot tell from that until it has seen that.
const calmTime = 13 * time.Second

// noticeTime is how long somebody looks for what they want to do something to, as it was left on the other side. Then they let it be.
const noticeTime = 5 * time.Second

// target gives the id of what an act is about, on its side; empty: it does not show there yet what people have done on the other one, or it is not theirs.
// So that nobody has to judge which of two edits is newer, people change only what they have seen.
func (w *world) target(ctx context.Context, a Act) (id string) {
	e := w.ledger.entries[a.N]
	if w.ledger.unset(a) {
		return ""
	}
	if a.side() == e.Side && e.last == e.Side {
		return e.id
	}
	for end := time.Now().Add(noticeTime); ; {
		if s := w.shown(ctx, a); s != nil && w.ledger.current(e, s) && time.Since(time.UnixMilli(s.Changed)) > calmTime {
			if a.Kind == react || a.Kind == unreact || s.account == w.account(a) {
				return s.id
			}
			return ""
		}
		if time.Now().After(end) || !sleep(ctx, 500*time.Millisecond) {
			return ""
		}
	}
}

// account is that of who does an act, on its side.
func (w *world) account(a Act) string {
	if m := w.members[a.By]; a.side() == Teams {
		return m.there.ID
	}
	return w.members[a.By].here.Id
}

// shown gives what stands on the side of an act of what it is about; nil: nothing, or more than one.
func (w *world) shown(ctx context.Context, a Act) *Seen {
	seen, v := []Seen(nil), w.places[a.Place]
	if a.side() == Teams {
		seen = w.lookInTeams(a.Place, v)
	} else {
		var err error
		if seen, err = w.lookInMattermost(ctx, a.Place, v); err != nil {
			return nil
		}
	}
	seen = slices.DeleteFunc(seen, func(s Seen) bool { return s.Token != token(a.N) || s.Gone != 0 })
	if len(seen) != 1 {
		return nil
	}
	return &seen[0]
}

// current reports whether something looks as people have left it.
func (l *ledger) current(e *entry, s *Seen) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !e.Deleted && s.Text == e.Text && slices.Equal(s.Emoji, e.emoji())
}

// unset reports whether an act takes back a reaction that is not there.
func (l *ledger) unset(a Act) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return a.Kind == unreact && !l.entries[a.N].set[[2]string{cast[a.By].name, a.Emoji}]
}
