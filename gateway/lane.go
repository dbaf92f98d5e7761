package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

// lane is the one worker that writes to one conversation. It runs while the conversation lacks something.
type lane struct {
	gateway *Gateway
	name    bridge.ConversationID
	log     *logrus.Entry
	trouble troubles
	tries   attempts
	again   bool          // guarded by gateway.lanes: woken while running
	woken   chan struct{} // holds a value when woken since it was last looked at
	stop    func()        // breaks off what it does
	left    chan struct{} // closed when it has ended

	wrote    time.Time        // when the last step ended, if it was a write
	wroteOf  int64            // the instance of that step
	differed int64            // the instance for which a group was found to have other people
	ended    []*store.Outcome // how the last steps ended, until it is stored
	unstored []store.Failure  // what has failed, until it is stored
	rest     []store.Planned  // posts that are stored as begun and come next
	most     int              // so many posts are begun at once
	failures int              // in a row
	posts    int              // so many of them were posts
	failing  int64            // the instance whose step failed last; noInstance: none has
	since    time.Time        // when it failed first
	spared   time.Time        // since when it was left alone last
	trials   map[string]trial // errands that fail
	reason   error            // why its last post failed
	tripped  tripped          // what has panicked last
	spoilt   int64            // the instance at which the store has panicked last
}

// wake starts the lanes of conversations that may lack something. Where others deliver, they are told.
func (g *Gateway) wake(all ...bridge.ConversationID) {
	var elsewhere []bridge.ConversationID
	g.lanes.Lock()
	for _, c := range all {
		if g.here(c) {
			g.begin(c)
		} else if g.peers != nil {
			elsewhere = append(elsewhere, c)
		}
	}
	g.lanes.Unlock()
	if len(elsewhere) > 0 {
		g.peers.Tell(elsewhere)
	}
}

// begin starts the lane of a conversation, or has it look again; it is called with g.lanes held.
func (g *Gateway) begin(c bridge.ConversationID) {
	if l := g.running[c]; l != nil {
		l.again = true
		l.prod()
		return
	}
	if p := g.table.Load().at(c); p == nil || g.ctx == nil || g.ctx.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(g.ctx)
	l := &lane{gateway: g, name: c, log: g.log.WithField(keyConversation, c.String()), woken: make(chan struct{}, 1), most: max(g.ahead, 1), failing: noInstance, trials: map[string]trial{},
		stop: stop, left: make(chan struct{})}
	g.running[c] = l
	g.tasks.Go(func() { l.run(ctx) })
}

// prod wakes it where it waits for something new.
func (l *lane) prod() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// run works until nothing is lacking.
func (l *lane) run(ctx context.Context) {
	defer close(l.left)
	defer l.stop()
	for {
		l.work(ctx)
		g := l.gateway
		g.lanes.Lock()
		if !l.again || ctx.Err() != nil || !g.here(l.name) {
			delete(g.running, l.name)
			g.lanes.Unlock()
			return
		}
		l.again = false
		g.lanes.Unlock()
	}
}

// stays reports whether it is still for this process to deliver there.
func (l *lane) stays() bool {
	l.gateway.lanes.Lock()
	defer l.gateway.lanes.Unlock()
	return l.gateway.here(l.name)
}

func (l *lane) work(ctx context.Context) {
	defer l.note(context.WithoutCancel(ctx)) // what is known is not to be looked for
	for ctx.Err() == nil {
		p := l.gateway.table.Load().at(l.name)
		if p == nil || !l.stays() {
			return // no longer in the config, or given to another process
		}
		l.tellFailed()
		began := time.Now()
		next, err := l.gateway.store.Advance(ctx, l.name, l.ended, l.most, planner{l.gateway, p}.plan)
		l.gateway.metrics.Stored("advance", time.Since(began))
		if err = l.gateway.stored(err); err != nil {
			if ctx.Err() != nil || errors.Is(err, store.ErrElsewhere) { // who knows better has it looked at again
				return
			}
			if l.spoils(ctx, err) {
				continue
			}
			l.trouble.report(storing, l.log, "storing", err)
			l.failures++
			if !pause(ctx, l.gateway.backoff(l.failures)) {
				return
			}
			continue // with the same outcomes
		}
		l.ended = nil
		l.trouble.report(storing, l.log, "storing", nil)
		l.gateway.wake(next.Woken...)
		if next.Step.Op == store.Settled {
			if !l.rests(ctx, began) {
				return
			}
			continue
		}
		l.steps(ctx, p, next)
	}
}

// attempt makes one step and waits where it must be made again. It gives no outcome when that is not known: the
// store then asks for what settles it.
func (l *lane) attempt(ctx context.Context, p *place, work *store.Work, step store.Step) *store.Outcome {
	o := &store.Outcome{Work: work, Step: step}
	ctx, leave := p.account.enter(ctx)
	if leave == nil {
		return unmade(o) // another one has taken its place
	}
	defer leave()
	if work.Instance != l.failing {
		l.failures, l.posts = 0, 0 // those of another message say nothing of this one
	}
	if until := l.trials[errandOf(step)].until; time.Now().Before(until) {
		return l.puts(ctx, o, until)
	}
	if (step.Op == store.Find || step.Op == store.Look || step.Op == store.Withdraw || step.Op == store.Line && !step.Since.IsZero()) && !l.settled(ctx, settling(p.account.capabilities.Settle, time.Since(l.lastWrite(work.Instance, step)))) {
		return nil
	}
	if goes, ended := l.goes(ctx, p, o); !goes {
		return ended
	}
	if p.talk != nil && step.Op == store.Post && step.Writer() == "" && !p.account.mayRelay() {
		return unmade(o) // that was not known when it was planned
	}
	if !overwrites(step) && step.Before == "" && !p.account.turn(ctx, l, step) {
		return nil
	}
	began := time.Now()
	l.wrote = time.Time{}
	err := l.poisons(o, guarded(func() error { return l.act(ctx, p, o) }))
	if writes(step.Op) {
		l.wrote, l.wroteOf = time.Now(), work.Instance
	}
	if step.Op == store.Edit || step.Op == store.Blank {
		o.At, o.Unsure = p.account.Bridge.Now(), err != nil && bridge.KindOf(err) == bridge.Uncertain
	}
	l.count(p.account.Name, o, err)
	l.tries.note(work.Instance, step.Op, err)
	l.remember(o, err)
	switch {
	case err == nil && step.Op == store.Find && o.Verdict == store.Absent && l.failing == work.Instance && l.posts > 0:
		return l.missed(ctx, p, o)
	case err == nil:
		l.did(p, o)
		return o
	}
	if as := step.Writer(); as != "" && !fromOrigin(err) && bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopePerson {
		if l.gateway.lose(ctx, l.name.Server, as, began, err) && step.Op != store.Find {
			return unmade(o) // the plan does without them
		}
	}
	if errandOf(step) != "" {
		return l.failed(ctx, p, o, began, err)
	}
	if work.Instance != l.failing {
		l.failing, l.since, l.failures, l.posts = work.Instance, time.Now(), 0, 0
	}
	if final := l.final(ctx, o, err); final {
		l.failing = noInstance // what comes next has not failed
		return o
	}
	return l.retry(ctx, p, o, elsewhere(err))
}

// goes waits until a step may be made, except for its turn; where it may not, or much may have changed meanwhile, it is to be planned anew. An edit of what a person may have changed never waits once it
// is begun, as what they write meanwhile would pass for Causeway's: the look at it before waits, for the edit's turn, too.
func (l *lane) goes(ctx context.Context, p *place, o *store.Outcome) (goes bool, ended *store.Outcome) {
	step, writer := o.Step, p.account
	if overwrites(step) {
		if ctx.Err() == nil && writer.keeps(ctx, l, step.Writer()) {
			return true, nil
		}
		return false, unmade(o)
	}
	if step.Before != "" {
		writer = p.through(l.gateway.setup.Load().accounts[step.Account]).account
	}
	for _, wait := range []struct {
		account *account
		as      bridge.UserID
	}{{p.account, step.Writer()}, {writer, step.Before}} {
		if waited, ok := wait.account.ready(ctx, wait.as); !ok {
			return false, nil
		} else if waited {
			return false, unmade(o)
		}
	}
	return step.Before == "" || writer.turn(ctx, l, step), nil
}

// overwrites: the step edits what a person may have changed, so it has been looked at just now.
func overwrites(step store.Step) bool {
	return step.Op == store.Edit && step.Draft.As != "" && step.Seen
}

// did follows a step that has succeeded. Looking at something is no progress: what was to be done with it may still fail, again and again.
func (l *lane) did(p *place, o *store.Outcome) {
	p.account.alive()
	if writes(o.Step.Op) {
		p.account.lastWrite.Store(time.Now().UnixNano())
	}
	if g := l.gateway; g.helps && o.Step.Op == store.Post && len(o.IDs) > 0 {
		g.peers.Posted(l.name, o.IDs[0])
	}
	if l.tripped == trippedBy(o) {
		l.tripped = tripped{}
	}
	if name := errandOf(o.Step); name != "" {
		l.ends(name, true)
		return
	}
	if o.Step.Op != store.Look {
		l.failing, l.failures, l.posts = noInstance, 0, 0
		l.trouble.report(delivering, l.log, "delivering", nil)
	}
}

// missed follows a post that has failed and certainly was not made: a service that fails every post is not hurried. How often looking for it has
// failed does not count any more.
func (l *lane) missed(ctx context.Context, p *place, o *store.Outcome) *store.Outcome {
	l.failures = l.posts
	if l.poisoned(ctx, o) {
		l.refuse(o, store.Refused, l.reason)
		return o
	}
	l.note(ctx)
	if !l.spares(ctx, p, o, l.reason, l.gateway.backoff(l.failures)) {
		return nil
	}
	return o
}

// unmade is the outcome of a step that had no effect and is to be planned anew.
func unmade(o *store.Outcome) *store.Outcome {
	switch o.Step.Op {
	case store.Find, store.Quote, store.Recall, store.Look, store.Stray, store.Line, store.Carry:
		return nil
	}
	o.Verdict = store.Absent
	return o
}

// lastWrite is when what a step asks about may have been written at the latest: the store counts in milliseconds, and the answer to
// a write may have been long in coming. What was written of other messages says nothing of this one.
func (l *lane) lastWrite(instance int64, step store.Step) time.Time {
	if since := later(step.Since, step.Tried).Add(time.Millisecond); since.After(l.wrote) || l.wroteOf != instance {
		return since
	}
	return l.wrote
}

// settling is how long a service that settles within settle must still be left alone, that long after the last write. Where our clock has been set back, that
// is no time at all.
func settling(settle, after time.Duration) time.Duration { return settle - max(after, 0) }

// settled waits until the service can be asked for an uncertain post. It reports false when that may not be needed any
// more: the feed may have seen the post, or ctx has ended.
func (l *lane) settled(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-l.woken:
		return false
	case <-t.C:
		return true
	}
}

// final decides whether err ends the step, and how.
func (l *lane) final(ctx context.Context, o *store.Outcome, err error) bool {
	op, kind := o.Step.Op, bridge.KindOf(err)
	refuse := func(verdict store.Verdict) bool { l.refuse(o, verdict, err); return true }
	switch {
	case op == store.Look || op == store.Recall || op == store.Quote:
		return without(o, err)
	case op == store.Carry:
		return l.finalFile(ctx, o, err)
	case op == store.Discard: // it is known to the service's own people then
		return kind == bridge.Gone || kind == bridge.Rejected || kind == bridge.Unsupported || kind == bridge.Unauthorised || l.failures >= discardTries
	case (op == store.Post || op == store.Edit) && len(bridge.FilesOf(err)) > 0:
		o.Lost = bridge.FilesOf(err)
		return refuse(store.Fileless)
	case op == store.Delete && kind == bridge.Gone:
		return true
	case o.Step.Writer() != "" && op != store.Find && !l.allowed(o, kind, err):
		return refuse(withoutThem(op))
	case op == store.Delete && (kind == bridge.Unsupported || kind == bridge.Rejected):
		return refuse(store.NoDelete)
	case op == store.Post && o.Step.Draft.Root != "" && (kind == bridge.Gone || kind == bridge.Rejected && o.Step.Part > 0):
		return refuse(store.Rootless)
	case kind == bridge.Gone && op != store.Post && op != store.Find && op != store.Quote:
		return refuse(store.Vanished)
	case (op == store.Edit || op == store.Blank) && kind == bridge.Unsupported:
		return refuse(store.NoEdit)
	case kind == bridge.Rejected || kind == bridge.Unsupported:
		return refuse(store.Refused)
	case (kind == bridge.Transient || kind == bridge.Uncertain && op != store.Post || kind == bridge.Unauthorised && op == store.Find) && l.poisoned(ctx, o):
		return refuse(store.Refused)
	}
	return false
}

// allowed reports whether the service lets the writer of a step do such things in this conversation: they may not be in it.
func (l *lane) allowed(o *store.Outcome, kind bridge.Kind, err error) bool {
	switch kind {
	case bridge.Unauthorised:
		return bridge.ScopeOf(err) != bridge.ScopeConversation
	case bridge.Rejected, bridge.Unsupported:
		return o.Step.Op != store.Post
	case bridge.Gone:
		return o.Step.Op != store.Post || o.Step.Draft.Root != ""
	}
	return true
}

// withoutThem is how a step ends that its writer may not make.
func withoutThem(op store.Op) store.Verdict {
	switch op {
	case store.Post:
		return store.NotAs
	case store.Edit, store.Blank:
		return store.NoEdit
	case store.Delete:
		return store.NoDelete
	}
	return store.Refused
}

func (l *lane) refuse(o *store.Outcome, verdict store.Verdict, why error) {
	o.Verdict, o.Reason = verdict, why.Error()
	if p := l.gateway.table.Load().at(l.name); p != nil {
		o.Told = inWords(p.account.title(), why)
	}
	if verdict == store.Refused && o.Step.Op != store.React && o.Step.Op != store.Unreact {
		of(l.log, o.Work).WithError(why).Warn("quarantined; see `causeway quarantine list`")
		if p := l.gateway.table.Load().at(l.name); p != nil {
			l.gateway.metrics.Quarantined(p.account.Name, bridge.KindOf(why))
		}
	}
}

// noInstance is the number of none.
const noInstance = -1

// discardTries is how often it is tried to remove a file that nothing shows.
const discardTries = 3

// A step that keeps failing although its account does other things well can never succeed.
const (
	poisonedTries = 12
	poisonedAfter = 30 * time.Minute
)

func (l *lane) poisoned(ctx context.Context, o *store.Outcome) bool {
	p := l.gateway.table.Load().at(l.name)
	return p != nil && o.Work.Instance != 0 && l.failures >= poisonedTries && l.overdue() && p.account.works(ctx, l.since)
}

// overdue: the step has been failing for long.
func (l *lane) overdue() bool { return time.Since(l.since) > poisonedAfter }

// retry waits until the step may be tried again, and gives what is known about it.
func (l *lane) retry(ctx context.Context, p *place, o *store.Outcome, err error) *store.Outcome {
	l.failures++
	if o.Step.Op == store.Post {
		l.posts, l.reason = l.posts+1, err
	}
	if !errors.Is(err, context.Canceled) {
		l.trouble.report(delivering, l.log, "delivering", err)
	}
	if bridge.KindOf(err) == bridge.Uncertain && o.Step.Op == store.Post {
		return nil // find it
	}
	wait := l.waits(p, o.Step, err, l.failures)
	edit := o.Step.Op == store.Edit || o.Step.Op == store.Blank
	if edit { // what its writer does there while it waits is told from it by that
		l.ended = append(l.ended, unmade(o))
	}
	l.note(ctx)
	// Woken early by a shutdown, the intent stays and is settled at the next start.
	if !l.spares(ctx, p, o, err, wait) || edit {
		return nil
	}
	return unmade(o)
}

// waits gives how long a step is left alone that has failed so often, and makes others wait whom its error is about, too.
func (l *lane) waits(p *place, step store.Step, err error, failures int) time.Duration {
	kind, wait := bridge.KindOf(err), l.gateway.backoff(failures)
	switch {
	case kind == bridge.Throttled:
		if after := bridge.AfterOf(err); after > 0 {
			wait = after
		}
		if bridge.ScopeOf(err) == bridge.ScopeConversation {
			l.gateway.metrics.Throttled(p.account.Name, wait)
		}
		switch as := step.Writer(); {
		case bridge.ScopeOf(err) == bridge.ScopeAccount:
			p.account.throttled("", wait)
			wait = 0
		case bridge.ScopeOf(err) == bridge.ScopePerson && as != "":
			p.account.throttled(as, wait)
			wait = 0
		}
	case kind == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeAccount:
		p.account.park(err)
		wait = 0
	case kind == bridge.Unauthorised:
		wait = max(wait, 30*time.Second)
	}
	return wait
}
