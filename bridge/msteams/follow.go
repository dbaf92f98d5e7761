package msteams

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"causeway/bridge"
)

const (
	// firstLook is how far back chats of somebody are looked at of whom it is not known when they connected.
	firstLook = 10 * time.Minute
	// idlestPerson is the longest time between two lists of somebody's chats who is not covered by a subscription.
	idlestPerson = time.Minute
)

// follower is a person whose chats are followed. It belongs to the run of talks, but for due.
type follower struct {
	id bridge.UserID
	// mark is up to when all that was said in their chats has been noticed.
	mark time.Time
	// due is when their chats are listed next. Guarded by the talks' mu.
	due      time.Time
	active   time.Time
	failures int
}

// run lists the chats of the observed people: of those who are covered by a subscription when it begins to deliver, when something may have been
// lost, and once a day; of others in short intervals.
func (t *talks) run(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := t.follow()
		err := t.look(ctx)
		t.regard()
		if err == nil && t.unsaved && !t.pending() {
			err = t.saveMarks(ctx)
		}
		if err != nil {
			return err
		}
		timer := time.NewTimer(time.Until(t.next()))
		select {
		case <-ctx.Done():
		case <-changed:
		case <-t.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// follow makes the set of followers that of the observed people.
func (t *talks) follow() <-chan struct{} {
	observed, changed := t.inbox.Observed()
	now, there := time.Now(), map[bridge.UserID]bool{}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range observed {
		there[o.User] = true
		if t.people[o.User] != nil {
			continue
		}
		f := &follower{id: o.User, due: now, active: now, mark: o.Since}
		if ms, ok := t.marks[o.User]; ok {
			f.mark = later(f.mark, time.UnixMilli(ms))
		}
		if f.mark.IsZero() {
			f.mark = now.Add(-firstLook)
		}
		t.people[o.User] = f
	}
	maps.DeleteFunc(t.people, func(u bridge.UserID, _ *follower) bool { return !there[u] })
	return changed
}

// nudge has somebody's chats listed now; of nobody where it is empty.
func (t *talks) nudge(u bridge.UserID) {
	t.mu.Lock()
	if f := t.people[u]; f != nil {
		f.due = time.Now()
	}
	t.mu.Unlock()
	t.signal()
}

func (t *talks) nudgeAll() {
	t.mu.Lock()
	for _, f := range t.people {
		f.due = time.Now()
	}
	t.mu.Unlock()
	t.signal()
}

func (t *talks) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *talks) next() time.Time {
	next := time.Now().Add(nextLook)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.people {
		if f.due.Before(next) {
			next = f.due
		}
	}
	return next
}

// look lists the chats of those who are due, in batches. The error is one for which the whole account must connect anew.
func (t *talks) look(ctx context.Context) error {
	now := time.Now()
	var due []*follower
	t.mu.Lock()
	for _, f := range t.people {
		if !f.due.After(now) {
			due = append(due, f)
		}
	}
	t.mu.Unlock()
	for len(due) > 0 {
		group := due[:min(len(due), largestBatch)]
		due = due[len(group):]
		places := make([]place, len(group))
		for i, f := range group {
			places[i] = place{user: string(f.id)}
		}
		op := t.listing()
		items, at, err := t.a.app.batch(ctx, op, places)
		for i, f := range group {
			itemErr := err
			if err == nil {
				itemErr = items[i].err
			}
			if itemErr == nil {
				itemErr = t.read(ctx, f, op, items[i].body)
			}
			if ctx.Err() != nil {
				return nil
			}
			if bridge.KindOf(itemErr) == bridge.Unauthorised && bridge.ScopeOf(itemErr) == bridge.ScopeAccount {
				return fmt.Errorf("following people's chats: %w", itemErr)
			}
			t.looked(f, at, itemErr)
			t.unsaved = t.unsaved || itemErr == nil
		}
	}
	return nil
}

// listing is the call by which chats are listed in this cloud.
func (t *talks) listing() *Operation {
	if t.a.lacks(orderedChats) {
		return opAllChats
	}
	return opChats
}

// read goes through somebody's chats, those in which something was said last first, until nothing new can come. Where Graph knows no such order, it
// goes through all.
func (t *talks) read(ctx context.Context, f *follower, op *Operation, first []byte) error {
	var page chatPage
	if err := json.Unmarshal(first, &page); err != nil {
		return fmt.Errorf("%s: reading the answer: %w", op.Doing, err)
	}
	limit := f.mark.Add(-overlap)
	for {
		for i := range page.Value {
			c := &page.Value[i]
			switch {
			case c.Last == nil || !isChat(c.ID):
			case c.Last.Created.Before(limit):
				if op == opChats {
					return nil
				}
			default:
				if c.Last.Created.After(f.mark) {
					f.active = time.Now()
				}
				t.notice(t.a.chatID(c.ID), c.Last.Created.Time, limit, true)
			}
		}
		if page.Next == "" {
			return nil
		}
		next := page.Next
		page = chatPage{}
		if err := t.a.app.read(ctx, op, next, &page); err != nil {
			return err
		}
	}
}

// looked notes how listing somebody's chats at a time of Graph went.
func (t *talks) looked(f *follower, at time.Time, err error) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		f.failures++
		wait := max(bridge.AfterOf(err), backoff(t.a.pollInterval, f.failures))
		if text := bridge.Cause(err); f.failures >= 3 && text != t.trouble {
			t.trouble = text
			t.a.log.WithError(err).WithField("user", string(f.id)).Warn("A person's chats cannot be listed; trying again. Of others with the same trouble nothing is said.")
		}
		f.due = now.Add(wait)
		return
	}
	if f.failures >= 3 && t.trouble != "" {
		t.trouble = ""
		t.a.log.Info("People's chats can be listed again.")
	}
	f.failures = 0
	f.mark = at
	f.due = nextReconcile(now)
	switch since, ok := t.covered(f.id); {
	case !ok:
		f.due = now.Add(min(max(t.a.pollInterval, now.Sub(f.active)/60), max(t.a.pollInterval, idlestPerson)))
	case now.Before(since.Add(usualDelay)): // at first a subscription does not tell of everything
		f.due = since.Add(usualDelay)
	}
}

// marksVaultName is where it is kept up to when each person's chats have been looked through.
const marksVaultName = "chats-noticed"

func (a *account) loadMarks(ctx context.Context) (map[bridge.UserID]int64, error) {
	marks := map[bridge.UserID]int64{}
	if !a.env.Direct {
		return marks, nil
	}
	text, err := a.env.Vault.Load(ctx, marksVaultName)
	if err == nil && text != nil {
		err = json.Unmarshal(text, &marks)
	}
	if err != nil {
		return nil, fmt.Errorf("loading up to when chats were looked through: %w", err)
	}
	return marks, nil
}

// marksEvery is how far a mark must have gone to be stored.
const marksEvery = time.Minute

// saveMarks stores how far people's chats have been looked through. It is not called while a talk is still to be met, so that such a one is found
// again after a restart.
func (t *talks) saveMarks(ctx context.Context) error {
	t.unsaved = false
	t.mu.Lock()
	marks, news := map[bridge.UserID]int64{}, len(t.people) != len(t.marks)
	for u, f := range t.people {
		marks[u] = f.mark.UnixMilli()
		before, known := t.marks[u]
		news = news || !known || f.mark.Sub(time.UnixMilli(before)) >= marksEvery
	}
	t.mu.Unlock()
	if !news || !t.a.env.Direct {
		return nil
	}
	text, err := json.Marshal(marks)
	if err == nil {
		err = t.a.env.Vault.Save(ctx, marksVaultName, text)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("storing up to when chats were looked through: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marks = marks
	return nil
}
