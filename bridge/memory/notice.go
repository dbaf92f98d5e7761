package memory

import (
	"context"
	"slices"
	"time"

	"causeway/bridge"
)

// talks is what accounts remember of direct and group conversations from one Run to the next.
type talks struct {
	// observed are the people whose conversations an account has begun to notice, heard is how far it has in each.
	observed map[noticing]bool
	heard    map[hearing]int
}

type noticing struct {
	account bridge.AccountName
	user    bridge.UserID
}

type hearing struct {
	account bridge.AccountName
	channel *channel
}

func newTalks() talks { return talks{observed: map[noticing]bool{}, heard: map[hearing]int{}} }

// meetWait and meetWaitLongest bound how long after a failure a talk is met again.
const (
	meetWait        = time.Second
	meetWaitLongest = time.Minute
)

// observe takes up who is observed now. What was said in their conversations before does not count.
func (f *feed) observe(ctx context.Context, all []bridge.Observed) {
	s := f.account.service
	if s.options.NoDirect {
		return
	}
	s.mu.Lock()
	f.observed = map[bridge.UserID]bool{}
	for _, o := range all {
		f.observed[o.User] = true
		if at := (noticing{f.account.name, o.User}); !s.observed[at] {
			s.observed[at] = true
			for _, c := range s.order {
				if _, known := s.heard[hearing{f.account.name, c}]; !known && c.has(o.User) {
					s.heard[hearing{f.account.name, c}] = c.from(o.Since, s.options)
				}
			}
		}
	}
	order := s.order
	s.mu.Unlock()
	for _, c := range order {
		f.notice(ctx, c)
	}
}

// has: somebody is in it, and it is no channel.
func (c *channel) has(u bridge.UserID) bool {
	if c.shape == bridge.Open {
		return false
	}
	for _, m := range c.members {
		if m == u {
			return true
		}
	}
	return false
}

// news tells whether something happened in a talk of somebody observed since it was heard last, how far it goes now, and whether anybody has
// spoken at all. It is called with the service's mutex held.
func (f *feed) news(c *channel) (until int, ok bool) {
	observed := false
	for u := range f.observed {
		observed = observed || c.has(u)
	}
	return len(c.log), observed && len(c.messages) > 0 && f.account.service.heard[hearing{f.account.name, c}] < len(c.log)
}

// notice has the inbox meet a talk in which something was said, unless it is read, or not wanted. Nothing but this talk waits for that.
func (f *feed) notice(ctx context.Context, c *channel) {
	s := f.account.service
	s.mu.Lock()
	until, ok := f.news(c)
	ok = ok && !f.meeting[c]
	s.mu.Unlock()
	if !ok {
		return
	}
	interest := f.inbox.Interest(c.conversation.ID)
	if interest == bridge.Ignored && f.regrouped(c) {
		f.lookAgain(ctx, c)
		return
	}
	if interest == bridge.Carried || interest == bridge.Ignored {
		f.hear(c, until)
		return
	}
	s.mu.Lock()
	f.meeting[c] = true
	s.mu.Unlock()
	f.readers.Go(func() {
		err := patiently(ctx, func() error {
			talk, err := f.account.Talk(ctx, c.conversation.ID)
			if bridge.KindOf(err) == bridge.Gone && err != nil {
				return nil
			}
			if err == nil {
				until = f.asOf(c, &talk)
				_, err = f.inbox.Meet(ctx, talk)
			}
			return err
		})
		if err == nil {
			f.hear(c, until)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(f.meeting, c)
		if _, more := f.news(c); more {
			s.wake(c)
		}
	})
}

// regrouped tells whether the people in a talk are others than when it was heard last.
func (f *feed) regrouped(c *channel) bool {
	s := f.account.service
	s.mu.Lock()
	defer s.mu.Unlock()
	heard := s.heard[hearing{f.account.name, c}]
	return heard > 0 && slices.ContainsFunc(c.log[heard:], func(e change) bool { return e.roster != nil })
}

// lookAgain notices a talk again after a while: what becomes of it may not hold any more, now that its people have changed.
func (f *feed) lookAgain(ctx context.Context, c *channel) {
	f.account.service.mu.Lock()
	f.meeting[c] = true
	f.account.service.mu.Unlock()
	f.readers.Go(func() {
		t := time.NewTimer(meetWaitLongest)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		s := f.account.service
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(f.meeting, c)
		s.wake(c)
	})
}

// asOf makes a talk what it was when something was said there first of what was not heard yet, and gives how far that holds: what was said then was
// said to those who were in it then.
func (f *feed) asOf(c *channel, talk *bridge.Talk) (until int) {
	s := f.account.service
	s.mu.Lock()
	defer s.mu.Unlock()
	until = len(c.log)
	var first *roster
	var speakers []bridge.UserID
	for i, e := range c.log {
		switch {
		case e.roster == nil && i >= s.heard[hearing{f.account.name, c}]:
			speakers = spoke(speakers, e.m.author.ID)
		case e.roster != nil && len(speakers) > 0:
			*talk = c.as(first)
			talk.Speakers = speakers
			return i
		case e.roster != nil:
			first = e.roster
		}
	}
	if len(speakers) > 0 {
		talk.Speakers = speakers
	}
	return until
}

// meet tells the inbox of the people in a group before anything is read that was said among them.
func (f *feed) meet(ctx context.Context, r *reading) error {
	if !r.begun {
		return nil
	}
	s := f.account.service
	s.mu.Lock()
	c, known := s.channels[r.conversation.Channel], 0
	if c != nil {
		for i := 0; i < len(c.log) && (i < r.position || c.log[i].roster != nil); i++ {
			if c.log[i].roster != nil {
				known = i + 1
			}
		}
	}
	if known == r.met {
		s.mu.Unlock()
		return nil
	}
	talk := c.as(c.log[known-1].roster)
	s.mu.Unlock()
	err := patiently(ctx, func() error { _, err := f.inbox.Meet(ctx, talk); return err })
	r.met = known
	return err
}

// patiently does something until it succeeds, less often each time; it fails only when ctx ends.
func patiently(ctx context.Context, do func() error) error {
	for wait := meetWait; ; wait = min(2*wait, meetWaitLongest) {
		if do() == nil {
			return nil
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// hear notes that what happened in a talk until then has been dealt with.
func (f *feed) hear(c *channel, until int) {
	s := f.account.service
	s.mu.Lock()
	defer s.mu.Unlock()
	at := hearing{f.account.name, c}
	s.heard[at] = max(s.heard[at], until)
}
