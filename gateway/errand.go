package gateway

import (
	"context"
	"errors"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// trial is how it goes with an errand that fails: a notice, of which those to the same person fail together, what is to be taken back from them, a line or a stray.
type trial struct {
	failures int       // in a row
	since    time.Time // when it failed first
	last     time.Time // when it failed last
	until    time.Time // it is left alone until then
	// refused: what was to be told to somebody was given up as the account may not tell them anything, for long.
	refused bool
}

// errandOf names what fails together with an errand; empty: it is a step for a message.
func errandOf(step store.Step) string {
	switch step.Op {
	case store.Tell:
		return "to " + string(step.Notice.User)
	case store.Withdraw:
		return "from " + string(step.Notice.User)
	case store.Line:
		return "line"
	case store.Stray:
		return "stray"
	}
	return ""
}

// puts leaves an errand alone until a time. Others take the place of a notice meanwhile; a line or stray comes last, so nothing is left to be done but what is new.
func (l *lane) puts(ctx context.Context, o *store.Outcome, until time.Time) *store.Outcome {
	if o.Step.Op == store.Tell || o.Step.Op == store.Withdraw {
		o.Verdict, o.Due = store.Absent, until
		return o
	}
	l.note(ctx)
	l.settled(ctx, time.Until(until))
	return nil
}

// failed follows an errand that has failed: it is given up, or left alone for a while.
func (l *lane) failed(ctx context.Context, p *place, o *store.Outcome, began time.Time, err error) *store.Outcome {
	name := errandOf(o.Step)
	t := l.trials[name]
	if t.failures == 0 {
		t.since = began
	}
	if l.givesUp(ctx, p, o, t, began, err) {
		l.ends(name, false)
		if bridge.KindOf(err) == bridge.Unauthorised { // nor will the next one be told to them
			l.trials[name] = trial{refused: true}
		}
		return o
	}
	t.failures++
	t.last, t.refused = time.Now(), false
	wait := l.waits(p, o.Step, err, t.failures)
	if kind := bridge.KindOf(err); kind == bridge.Transient || kind == bridge.Uncertain {
		wait = min(wait, longestAway) // nobody tells when its service is there again
	}
	t.until = t.last.Add(wait)
	if t.until.After(t.last) { // the store counts in milliseconds: what is due there is not to be too early here
		t.until = t.until.Add(time.Millisecond - t.until.Sub(t.until.Truncate(time.Millisecond)))
	}
	t.until = t.until.Round(0) // by the clock on the wall, as in the store, which may be set forward
	l.trials[name] = t
	if !errors.Is(err, context.Canceled) {
		l.trouble.report(errands, l.log, runningErrands, err)
	}
	return l.puts(ctx, o, t.until)
}

// runningErrands is what is said to fail.
const runningErrands = "telling people, or removing what is there twice,"

// ends forgets how an errand has failed; well: it has succeeded now.
func (l *lane) ends(name string, well bool) {
	delete(l.trials, name)
	if len(l.trials) == 0 && l.trouble.note(errands, nil) && well {
		l.log.Info(runningErrands + " works again")
	}
}

// givesUp decides whether err ends an errand, and how. What is told may be all that somebody sees of what was said, and is not said again: it outlasts whatever keeps the
// account from its work. Only what fails although others are told or written to can never succeed; nor can what the account may not do, though it works.
func (l *lane) givesUp(ctx context.Context, p *place, o *store.Outcome, t trial, began time.Time, err error) bool {
	kind := bridge.KindOf(err)
	long := t.failures >= poisonedTries && time.Since(t.since) > poisonedAfter
	switch {
	case o.Step.Op == store.Stray && kind == bridge.Unsupported && !o.Step.Keep:
		l.refuse(o, store.NoDelete, err)
		return true
	case o.Step.Op == store.Stray:
		return kind == bridge.Gone || kind == bridge.Rejected || kind == bridge.Unsupported
	case o.Step.Op == store.Withdraw && kind == bridge.Gone:
		return true // there is no such person any more
	case kind == bridge.Unsupported && !p.account.capabilities.RelayAside:
		l.log.WithError(err).Info("somebody could not be told something: the service has no way for that")
		return true
	case kind == bridge.Gone, kind == bridge.Rejected, kind == bridge.Unsupported:
	case kind == bridge.Unauthorised && bridge.ScopeOf(err) != bridge.ScopeAccount && (t.refused || long && p.account.works(ctx, began)):
	case (kind == bridge.Transient && bridge.ScopeOf(err) != bridge.ScopeAccount || kind == bridge.Uncertain) && long && p.account.wrote(t.last):
	default:
		return false
	}
	log := l.log.WithError(err)
	switch n := o.Step.Notice; {
	case o.Step.Op == store.Withdraw:
		log.WithField(keyTo, string(n.User)).Warn("a message was deleted, and somebody keeps what they were shown of it by direct message")
	case o.Step.Op == store.Line:
		log.Warn("what Causeway itself was to say in the conversation is given up")
	case n.Conversation == (bridge.ConversationID{}):
		log.WithField(keyTo, string(n.User)).Warn("what somebody was to be shown by direct message is given up: they do not get to see it")
	default:
		log.WithField(keyTo, string(n.User)).Warn("what somebody was to be told is given up")
	}
	return true
}

// rests waits where all that is left are notices that were put off, until the first of them is due or there is something new. It reports false where there is
// none; what was due when the conversation was looked at is not there any more.
func (l *lane) rests(ctx context.Context, looked time.Time) bool {
	var next time.Time
	for name, t := range l.trials {
		if !t.until.After(looked) {
			l.ends(name, false)
		} else if next.IsZero() || t.until.Before(next) {
			next = t.until
		}
	}
	if next.IsZero() {
		return false
	}
	l.settled(ctx, time.Until(next))
	return ctx.Err() == nil
}
