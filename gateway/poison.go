package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/gateway/store"
)

// panicError is the error of a panic.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("internal error: %v", e.value) }

// stackKey is what a stack is called in the log.
const stackKey = "stack"

// guarded turns a panic of a bridge into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &bridge.Error{Kind: bridge.Rejected, Err: &panicError{p, string(debug.Stack())}}
		}
	}()
	return do()
}

// stackOf is where a panic happened; empty: the error is of none.
func stackOf(err error) string {
	var p *panicError
	if errors.As(err, &p) {
		return p.stack
	}
	var s *store.PanicError
	if errors.As(err, &s) {
		return s.Stack
	}
	return ""
}

// tripped is on what something has panicked: a step, and the state of the message for which it was made.
type tripped struct {
	instance, version int64
	op                store.Op
	part              int
	errand            string
}

func trippedBy(o *store.Outcome) tripped {
	return tripped{o.Work.Instance, o.Work.Message.Version, o.Step.Op, o.Step.Part, errandOf(o.Step)}
}

// poisons lets what has panicked be tried once more: the first time may have been chance. The second time on the same state it is refused, with its stack in the log.
func (l *lane) poisons(o *store.Outcome, err error) error {
	stack := stackOf(err)
	if stack == "" {
		return err
	}
	now := trippedBy(o)
	if l.tripped == now {
		l.log.WithError(err).WithField(keyInstance, now.instance).WithField(stackKey, stack).Error("it has panicked twice, and is given up")
		if bridge.KindOf(err) != bridge.Rejected { // it was the store
			err = &bridge.Error{Kind: bridge.Rejected, Err: err}
		}
		return err
	}
	l.tripped = now
	kind := bridge.Transient
	if o.Step.Op == store.Post { // it may have been made before
		kind = bridge.Uncertain
	}
	return &bridge.Error{Kind: kind, Err: errors.Unwrap(err)}
}

// without ends a step that only reads, where reading has panicked twice: what is known must do.
func without(o *store.Outcome, err error) bool {
	if stackOf(err) == "" || bridge.KindOf(err) != bridge.Rejected {
		return false
	}
	o.Verdict, o.State, o.Quote = store.Done, nil, store.Body{}
	return true
}

// spoils quarantines an instance on which the store has panicked twice, and reports whether it has.
func (l *lane) spoils(ctx context.Context, err error) bool {
	var p *store.PanicError
	if !errors.As(err, &p) || p.Instance == 0 {
		return false
	}
	if l.spoilt != p.Instance {
		l.spoilt = p.Instance
		return false
	}
	l.log.WithError(err).WithField(keyInstance, p.Instance).WithField(stackKey, p.Stack).Error("quarantined; see `causeway quarantine list`")
	l.ended = slices.DeleteFunc(l.ended, func(o *store.Outcome) bool { return o.Work.Instance == p.Instance })
	l.spoilt = 0
	told := ""
	if here := l.gateway.table.Load().at(l.name); here != nil {
		told = inWords(here.account.title(), err)
	}
	woken, err := l.gateway.store.Poison(ctx, p.Instance, p.Error(), told)
	if l.gateway.stored(err) != nil {
		return false
	}
	l.gateway.wake(woken...)
	return true
}

var errLeftOut = errors.New("a message could not be stored because of a mistake in Causeway, and was left out")

// leftOutKey is under which an account's troubles hold that a message of a conversation was left out.
func leftOutKey(c bridge.ConversationID) string { return "left out " + c.String() }

// leftOutStep is what an operator can do about a message that was left out.
const leftOutStep = "the log says where it failed: report that; once it is mended, the message crosses when its author edits it. This is shown until Causeway is started again"

// putSound puts a batch. What a state says on which the store panics twice is quarantined, with its stack in the log, so that the others of its conversation go on. A
// state that is of no message, such as a change at a copy, is left out; the status tells of it.
func (g *Gateway) putSound(ctx context.Context, p *place, b bridge.Batch) ([]bridge.ConversationID, error) {
	routes := g.routesOf(p, b.Conversation.Server)
	woken, err := g.store.Put(ctx, b, routes)
	var panicked *store.PanicError
	if !errors.As(err, &panicked) {
		return woken, err
	}
	woken = nil
	for _, s := range b.States {
		more, err := g.store.Put(ctx, bridge.Batch{Conversation: b.Conversation, Begin: b.Begin, States: []bridge.State{s}}, routes)
		if errors.As(err, &panicked) {
			more, err = g.putAside(ctx, p, b, &s, panicked)
		}
		if err != nil {
			return woken, err
		}
		woken = append(woken, more...)
	}
	b.States = nil
	more, err := g.store.Put(ctx, b, routes)
	return append(woken, more...), err
}

// putAside quarantines a state on which the store has panicked twice, or leaves it out.
func (g *Gateway) putAside(ctx context.Context, p *place, b bridge.Batch, s *bridge.State, panicked *store.PanicError) ([]bridge.ConversationID, error) {
	log := p.account.log.WithError(panicked).WithField("channel", p.channel).WithField(keyID, string(s.ID)).WithField(stackKey, panicked.Stack)
	kept, woken, err := g.store.PoisonState(ctx, b, s, g.routesOf(p, b.Conversation.Server), panicked.Error(), inWords(g.titles(p.targets), panicked))
	switch again := (*store.PanicError)(nil); {
	case errors.As(err, &again):
		log.WithField("then", again.Stack).Error("this state of a message cannot be stored, and is left out")
	case err != nil:
		return nil, err
	case kept:
		log.Error("quarantined; see `causeway quarantine list`")
		return woken, nil
	default:
		log.Error("this state of a message cannot be stored, and is left out")
	}
	p.account.reading.note(leftOutKey(b.Conversation), &bridge.Error{Kind: bridge.Rejected, Hint: leftOutStep, Err: errLeftOut})
	return nil, nil
}

// titles names the services of conversations, each once.
func (g *Gateway) titles(all []bridge.ConversationID) string {
	var titles []string
	for _, c := range all {
		if p := g.table.Load().at(c); p != nil && !slices.Contains(titles, p.account.title()) {
			titles = append(titles, p.account.title())
		}
	}
	slices.Sort(titles)
	return strings.Join(titles, " and ")
}
