package gateway

import (
	"context"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// A commit may cost more than a post. So a lane that finds posts quickly made has several stored as begun at once, and stores together how they
// ended: as many as are made within aheadTime, which is how long a change of one of them, or its deletion, may come too late for it (nobody takes back what they have
// said that fast), and aheadMost at most, since all of them are looked for after a crash. A server that takes 4 ms for a post lets a lane begin two dozen at once; only one
// that takes less than 1 ms gets as far as aheadMost.
const (
	aheadTime = 100 * time.Millisecond
	aheadMost = 128
)

// steps makes the steps that the store has given, in their order, until one is not done.
func (l *lane) steps(ctx context.Context, p *place, next store.Next) {
	began, made := time.Now(), 0
	through := func(step store.Step) *place {
		if step.Writer() == "" { // Account is for what comes next
			return p
		}
		return p.through(l.gateway.setup.Load().accounts[step.Account])
	}
	slow := func() bool { return l.gateway.ahead == 0 && time.Since(began) > aheadTime }
	now := store.Planned{Work: next.Work, Step: next.Step}
	several := len(next.Ahead) > 0
	l.rest = next.Ahead
	for {
		o := l.attempt(ctx, through(now.Step), now.Work, now.Step)
		if o == nil && several {
			o = &store.Outcome{Work: now.Work, Step: now.Step, Verdict: store.Unknown}
		}
		if o != nil {
			l.ended = append(l.ended, o)
			made++
		}
		if len(l.rest) == 0 {
			break
		}
		if o.Verdict != store.Done || slow() || !through(l.rest[0].Step).account.free(l.rest[0].Step.Writer()) {
			l.leaveRest()
			break
		}
		now, l.rest = l.rest[0], l.rest[1:]
	}
	if next.Step.Op == store.Post && l.gateway.ahead == 0 {
		l.most = posts(l.most, made, time.Since(began), p.account.capabilities)
	}
}

// posts gives how many are to be begun at once after so many have taken so long.
func posts(most, made int, took time.Duration, can bridge.Capabilities) int {
	each := max(took/time.Duration(max(made, 1)), can.PostInterval, 1)
	return max(1, min(2*most, int(aheadTime/each), aheadMost))
}

// leaveRest gives up the posts that are stored as begun, and have not been tried, until they are planned anew.
func (l *lane) leaveRest() {
	for _, one := range l.rest {
		l.ended = append(l.ended, &store.Outcome{Work: one.Work, Step: one.Step, Verdict: store.Absent})
	}
	l.rest = nil
}

// note stores what is known before the lane waits, or ends. Where that fails, it is stored later, or looked for.
func (l *lane) note(ctx context.Context) {
	l.leaveRest()
	if len(l.ended) == 0 {
		return
	}
	l.tellFailed()
	woken, err := l.gateway.store.Note(ctx, l.name, l.ended)
	if err == nil {
		l.ended = nil
		l.gateway.wake(woken...)
	}
}

// free reports whether the account may write now, or as a person.
func (a *account) free(as bridge.UserID) bool {
	p := a.pen(as)
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.open && a.waits(p) <= 0
}
