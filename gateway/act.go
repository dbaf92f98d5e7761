package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/bridge/mutant"
	"causeway/gateway/store"
)

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
	case store.Withdraw:
		return l.withdraw(ctx, p, step)
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
	if o.Step.Op != store.Look { // which goes before what is to be done, and is about other people
		l.differed = 0
	}
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
