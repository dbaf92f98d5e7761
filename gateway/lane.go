package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/mutant"
	"causeway/gateway/store"
)

// lane is the one worker that writes to one conversation. It runs while the conversation lacks something.
type lane struct {
	gateway *Gateway
	name    bridge.ConversationID
	log     *logrus.Entry
	trouble troubles
	again   bool          // guarded by gateway.lanes: woken while running
	woken   chan struct{} // holds a value when woken since it was last looked at

	wrote    time.Time        // when the last step ended, if it was a write
	differed int64            // the instance for which a group was found to have other people
	ended    []*store.Outcome // how the last steps ended, until it is stored
	rest     []store.Planned  // posts that are stored as begun and come next
	most     int              // so many posts are begun at once
	failures int              // in a row
	failing  int64            // the instance whose step failed last
	since    time.Time        // when it failed first
	reason   error            // why its last post failed
	tripped  tripped          // what has panicked last
	spoilt   int64            // the instance at which the store has panicked last
}

// wake starts the lanes of conversations that may lack something.
func (g *Gateway) wake(all ...bridge.ConversationID) {
	g.lanes.Lock()
	defer g.lanes.Unlock()
	for _, c := range all {
		if l := g.running[c]; l != nil {
			l.again = true
			select {
			case l.woken <- struct{}{}:
			default:
			}
			continue
		}
		if p := g.table.Load().at(c); p == nil || g.ctx == nil || g.ctx.Err() != nil {
			continue
		}
		l := &lane{gateway: g, name: c, log: g.log.WithField(keyConversation, c.String()), woken: make(chan struct{}, 1), most: max(g.ahead, 1)}
		g.running[c] = l
		g.tasks.Go(func() { l.run(g.ctx) })
	}
}

// run works until nothing is lacking.
func (l *lane) run(ctx context.Context) {
	for {
		l.work(ctx)
		g := l.gateway
		g.lanes.Lock()
		if !l.again || ctx.Err() != nil {
			delete(g.running, l.name)
			g.lanes.Unlock()
			return
		}
		l.again = false
		g.lanes.Unlock()
	}
}

func (l *lane) work(ctx context.Context) {
	defer l.note(context.WithoutCancel(ctx)) // what is known is not to be looked for
	for ctx.Err() == nil {
		p := l.gateway.table.Load().at(l.name)
		if p == nil {
			return // no longer in the config
		}
		began := time.Now()
		next, err := l.gateway.store.Advance(ctx, l.name, l.ended, l.most, planner{l.gateway, p}.plan)
		l.gateway.metrics.Stored("advance", time.Since(began))
		if err = l.gateway.stored(err); err != nil {
			if ctx.Err() != nil {
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
			return
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
		l.failures = 0 // those of another message say nothing of this one
	}
	if (step.Op == store.Find || step.Op == store.Look || step.Op == store.Line && !step.Since.IsZero()) && !l.settled(ctx, settling(p.account.capabilities.Settle, time.Since(l.lastWrite(step)))) {
		return nil
	}
	if waited, ok := p.account.ready(ctx, step.Writer()); !ok {
		return nil
	} else if waited {
		return unmade(o) // much may have changed: plan it anew
	}
	if p.talk != nil && step.Op == store.Post && step.Writer() == "" && !p.account.mayRelay() {
		return unmade(o) // that was not known when it was planned
	}
	if !p.account.turn(ctx, step.Op, step.Writer()) {
		return nil
	}
	began := time.Now()
	l.wrote = time.Time{}
	err := l.poisons(o, guarded(func() error { return l.act(ctx, p, o) }))
	if writes(step.Op) {
		l.wrote = time.Now()
	}
	l.count(p.account.Name, o, err)
	switch {
	case err == nil && step.Op == store.Find && o.Verdict == store.Absent && l.failing == work.Instance && l.failures > 0:
		return l.missed(ctx, o)
	case err == nil:
		p.account.alive()
		l.failures = 0
		l.trouble.report(delivering, l.log, "delivering", nil)
		return o
	}
	if as := step.Writer(); as != "" && !fromOrigin(err) && bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopePerson {
		if l.gateway.lose(ctx, l.name.Server, as, began, err) && step.Op != store.Find {
			return unmade(o) // the plan does without them
		}
	}
	if work.Instance != l.failing {
		l.failing, l.since, l.failures = work.Instance, time.Now(), 0
	}
	if final := l.final(ctx, o, err); final {
		return o
	}
	return l.retry(ctx, p, o, elsewhere(err))
}

// missed follows a post that has failed and certainly was not made: a service that fails every post is not hurried.
func (l *lane) missed(ctx context.Context, o *store.Outcome) *store.Outcome {
	if l.poisoned(ctx, o) {
		l.refuse(o, store.Refused, l.reason)
		return o
	}
	l.note(ctx)
	if !pause(ctx, l.gateway.backoff(l.failures)) {
		return nil
	}
	return o
}

// unmade is the outcome of a step that had no effect and is to be planned anew.
func unmade(o *store.Outcome) *store.Outcome {
	switch o.Step.Op {
	case store.Find, store.Quote, store.Recall, store.Look, store.Tell, store.Stray, store.Line, store.Carry:
		return nil
	}
	o.Verdict = store.Absent
	return o
}

// lastWrite is when what a step asks about may have been written at the latest: the store counts in milliseconds, and the answer to
// a write may have been long in coming.
func (l *lane) lastWrite(step store.Step) time.Time {
	if since := step.Since.Add(time.Millisecond); since.After(l.wrote) {
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

// writeGrace is how long a write that is under way may go on when Causeway is stopped; writeLimit how long at all.
const (
	writeGrace = 3 * time.Second
	writeLimit = 2 * time.Minute
)

// detached gives a context for a write past the point of no return.
func detached(ctx context.Context) (context.Context, func()) {
	write, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(writeGrace, cancel) })
	return write, func() { stop(); cancel() }
}

// findMargin is how far the clock of a service may be behind: a post found needlessly is told by its key.
const findMargin = 5 * time.Minute

// clockMargin is how far our own clock may have been ahead when an intent was made, as long as what was said then tells.
const clockMargin = 25 * time.Hour

// sought is from when on a post is looked for whose intent was made then by our clock, for something that was said then by its service's: it cannot have been made before
// that. Our clock may have been set meanwhile, or have been wrong; it is believed only where it says the earlier time, or the message is old.
func sought(intended, said time.Time) time.Time {
	if said.After(intended.Add(-clockMargin)) && said.Before(intended) {
		intended = said
	}
	return intended.Add(-findMargin)
}

// act does what step says, once.
func (l *lane) act(ctx context.Context, p *place, o *store.Outcome) error {
	if o.Step.Op == store.Carry { // as long as it takes: it can be broken off at any time
		return l.carry(ctx, p, o)
	}
	ctx, done := detached(ctx)
	defer done()
	b, step := p.account.Bridge, o.Step
	step.Draft.Open = l.opener(o)
	target := bridge.Target{Conversation: l.name, ID: step.ID, As: step.As}
	switch step.Op {
	case store.Post:
		if same, err := l.amongTheSame(ctx, p, o); !same {
			return err
		}
		id, err := b.Post(ctx, step.Draft)
		o.IDs = []bridge.MessageID{id}
		return err
	case store.Find:
		if mutant.NoKey {
			o.Verdict = store.Absent
			return nil
		}
		draft := planner{l.gateway, p}.sent(o.Work, step)
		ids, err := b.Find(ctx, draft, sought(step.Since, o.Work.Message.Created))
		if draft.Anybody && len(ids) > 1 {
			ids = ids[:1] // the others are copies that people have made
		}
		if o.IDs = ids; len(ids) == 0 {
			o.Verdict = store.Absent
		}
		return err
	case store.Edit:
		if same, err := l.amongTheSame(ctx, p, o); !same {
			return err
		}
		return b.Edit(ctx, step.ID, step.Draft)
	case store.Blank:
		return b.Edit(ctx, step.ID, step.Draft)
	case store.Delete:
		return b.Delete(ctx, target)
	case store.Stray:
		if step.Keep {
			return b.Edit(ctx, step.ID, bridge.Draft{Conversation: l.name, As: step.As, Text: blank.text, Key: step.Draft.Key})
		}
		return b.Delete(ctx, target)
	case store.React, store.Unreact:
		return b.React(ctx, target, step.Emoji, step.Op == store.React)
	case store.Discard:
		return l.discard(ctx, p, step)
	case store.Quote:
		return l.fetchRoot(ctx, o)
	case store.Recall:
		return l.recall(ctx, o)
	case store.Look:
		return l.look(ctx, p, o)
	case store.Line:
		return l.line(ctx, p, step)
	case store.Tell:
		if invite := l.gateway.invite; step.Ask && invite != nil {
			step.Notice.Choices = invite(p.account.Name, step.Notice.User)
		}
		return l.tell(ctx, p, step)
	}
	return fmt.Errorf("internal error: no such step: %d", step.Op)
}

// line says something as the account itself. It may have been said before.
func (l *lane) line(ctx context.Context, p *place, step store.Step) error {
	if !step.Since.IsZero() {
		ids, err := p.account.Bridge.Find(ctx, step.Draft, step.Since.Add(-findMargin))
		if err != nil || len(ids) > 0 {
			return err
		}
	}
	_, err := p.account.Bridge.Post(ctx, step.Draft)
	return err
}

// amongTheSame makes sure, right before a text is written into a group that can change, that those are in it to whom it was said. Otherwise it is planned
// anew.
func (l *lane) amongTheSame(ctx context.Context, p *place, o *store.Outcome) (bool, error) {
	if p.talk == nil || !p.talk.regroups {
		return true, nil
	}
	want := p.talk.latest().Members
	if !o.Work.IsOrigin {
		want = p.talk.pairs[o.Work.Message.Origin].Here(l.name).Members
	}
	return l.amongThose(ctx, p, o, l.name, want)
}

// amongThose makes sure that just these people are in a group. Otherwise what is to be done is planned anew.
func (l *lane) amongThose(ctx context.Context, p *place, o *store.Outcome, c bridge.ConversationID, want []bridge.UserID) (bool, error) {
	same, err := l.gateway.talks.unchanged(ctx, p, c, want)
	if err == nil && !same && l.differed == o.Work.Instance { // having met it has changed nothing
		err = errors.New("looking who is in the conversation: others than those to whom the message was said, and it is not known what follows from that")
	}
	l.differed = 0
	if err != nil || !same {
		l.differed, o.Verdict = o.Work.Instance, store.Absent
		return false, err
	}
	return true, nil
}

// look reads a part as it is now.
func (l *lane) look(ctx context.Context, p *place, o *store.Outcome) error {
	s, err := p.account.Bridge.Read(ctx, l.name, o.Step.ID)
	switch {
	case err != nil && l.blind(ctx, o, err):
		return nil
	case err != nil:
		return fmt.Errorf("looking at what is to be changed: %w", err)
	case slices.ContainsFunc(o.Work.Parts, func(part store.Part) bool { return part.ID == s.ID && part.Revision > s.Revision }):
		return errors.New("looking at what is to be changed: the service gives an older state than it gave before")
	}
	if p.in && p.talk != nil && p.talk.regroups { // what a human has made of it may be for others than those who are elsewhere
		if same, err := l.amongThose(ctx, p, o, l.name, p.talk.latest().Members); !same {
			return err
		}
	}
	if p.in {
		o.State, o.Routes = &s, l.gateway.routesOf(p, l.name.Server)
	}
	return nil
}

// blind tells whether there is no use in looking any longer. What is to be overwritten is not waited for: the write itself will tell. Of a
// reaction that is unclear nothing else will tell: whoever took it away would have it kept elsewhere.
func (l *lane) blind(ctx context.Context, o *store.Outcome, err error) bool {
	if o.Step.Since.IsZero() {
		return !passes(err) || l.failures >= quoteTries
	}
	return !passes(err) && bridge.KindOf(err) != bridge.Unauthorised || l.poisoned(ctx, o)
}

// passes tells whether an error may go away by itself.
func passes(err error) bool {
	switch bridge.KindOf(err) {
	case bridge.Transient, bridge.Throttled:
		return true
	case bridge.Unauthorised:
		return bridge.ScopeOf(err) == bridge.ScopeAccount
	}
	return false
}

// recall reads at the origin who has said something, and with which files.
func (l *lane) recall(ctx context.Context, o *store.Outcome) error {
	m := o.Work.Message
	origin := l.gateway.table.Load().at(m.Origin)
	if origin == nil || origin.account.identity.Load() == nil && l.failures >= quoteTries {
		return nil
	}
	s, err := origin.account.Bridge.Read(ctx, m.Origin, m.OriginID)
	switch {
	case err != nil && (!passes(err) || l.failures >= quoteTries):
		return nil // what is known must do
	case err != nil:
		return &bridge.Error{Kind: bridge.Transient, After: bridge.AfterOf(err), Err: fmt.Errorf("reading the message at its origin: %w", err)}
	}
	o.Quote = store.Body{Author: s.Author, Files: s.Files}
	return nil
}

// quoteTries is how often the root of an answer is asked for; with the waits between them about a minute.
const quoteTries = 6

// fetchRoot reads at the origin what the message answers, and which is not here.
func (l *lane) fetchRoot(ctx context.Context, o *store.Outcome) error {
	m := o.Work.Message
	origin := l.gateway.table.Load().at(m.Origin)
	if origin == nil {
		return nil // an empty quote says that something was answered
	}
	if l.failures >= quoteTries {
		return nil // the origin's trouble must not become this conversation's
	}
	if origin.account.identity.Load() == nil {
		return fmt.Errorf("reading the message that is answered: %s is not connected yet", origin.account.Name)
	}
	s, err := origin.account.Bridge.Read(ctx, m.Origin, m.RootID)
	switch {
	case err != nil && bridge.KindOf(err) != bridge.Transient && bridge.KindOf(err) != bridge.Throttled:
		return nil
	case err != nil:
		return &bridge.Error{Kind: bridge.KindOf(err), After: bridge.AfterOf(err), Err: fmt.Errorf("reading the message that is answered: %w", err)}
	case s.Deleted, origin.talk != nil && !origin.talk.shows(l.name, s): // who is here may not have been there
		return nil
	}
	if !s.Edited.IsZero() && origin.talk != nil && origin.talk.regroups { // nor when it was changed
		if same, err := l.amongThose(ctx, origin, o, m.Origin, origin.talk.latest().Members); !same {
			return err
		}
	}
	// The answer may have overtaken it: then it is carried, and goes first.
	if carried, err := l.gateway.take(ctx, origin, s, l.name); carried || err != nil {
		o.Verdict = store.Absent
		return err
	}
	o.Quote = store.Body{Author: s.Author, Text: s.Text}
	return nil
}

// final decides whether err ends the step, and how.
func (l *lane) final(ctx context.Context, o *store.Outcome, err error) bool {
	op, kind := o.Step.Op, bridge.KindOf(err)
	refuse := func(verdict store.Verdict) bool { l.refuse(o, verdict, err); return true }
	switch {
	case op == store.Stray && kind == bridge.Unsupported && !o.Step.Keep:
		return refuse(store.NoDelete)
	case op == store.Stray: // errands come last, so it holds up nobody
		return kind == bridge.Gone || kind == bridge.Rejected || kind == bridge.Unsupported
	case op == store.Tell || op == store.Line:
		return kind == bridge.Gone || kind == bridge.Rejected || kind == bridge.Unsupported || l.failures >= noticeTries
	case op == store.Look || op == store.Recall:
		return false
	case op == store.Carry:
		return l.finalFile(ctx, o, err)
	case op == store.Discard: // it is known to the service's own people then
		return kind == bridge.Gone || kind == bridge.Rejected || kind == bridge.Unsupported || kind == bridge.Unauthorised || l.failures >= noticeTries
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

// noticeTries is how often a notice is tried: it must not hold up what people say.
const noticeTries = 3

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
	if !errors.Is(err, context.Canceled) {
		l.trouble.report(delivering, l.log, "delivering", err)
	}
	kind, wait := bridge.KindOf(err), l.gateway.backoff(l.failures)
	switch {
	case kind == bridge.Uncertain && o.Step.Op == store.Post:
		l.reason = err
		return nil // find it
	case kind == bridge.Throttled:
		if after := bridge.AfterOf(err); after > 0 {
			wait = after
		}
		if bridge.ScopeOf(err) == bridge.ScopeConversation {
			l.gateway.metrics.Throttled(p.account.Name, wait)
		}
		switch as := o.Step.Writer(); {
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
	l.note(ctx)
	if o.Step.Op == store.Stray || o.Step.Op == store.Tell || o.Step.Op == store.Line {
		l.settled(ctx, wait) // what people say goes first
		return nil
	}
	// Woken early by a shutdown, the intent stays and is settled at the next start.
	if !pause(ctx, wait) {
		return nil
	}
	return unmade(o)
}
