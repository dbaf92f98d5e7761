package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// originError is an error of reading a file where it was said, which says nothing of where it is to go.
type originError struct{ err error }

func (e *originError) Error() string { return "reading a file at its origin: " + e.err.Error() }
func (e *originError) Unwrap() error { return e.err }

func fromOrigin(err error) bool {
	var there *originError
	return errors.As(err, &there)
}

// openOrigin reads a file at its origin from a byte on.
func (l *lane) openOrigin(ctx context.Context, m store.Message, f bridge.File, offset int64) (*originReader, bridge.File, error) {
	origin := l.gateway.table.Load().at(m.Origin)
	switch {
	case origin == nil:
		return nil, f, &originError{&bridge.Error{Kind: bridge.Gone, Err: errors.New("its conversation is not in the config any more")}}
	case origin.account.identity.Load() == nil:
		return nil, f, &originError{fmt.Errorf("%s is not connected yet", origin.account.Name)}
	}
	body, known, err := origin.account.Bridge.Open(ctx, m.Origin, f, offset)
	if err != nil {
		return nil, f, &originError{err}
	}
	return &originReader{body: body}, known, nil
}

// stalled is how long a file may stand still, on either side, before the attempt is broken off.
const stalled = 5 * time.Minute

var errStalled = errors.New("nothing has moved for " + stalled.String())

// originReader tells errors of reading at the origin from those of writing, and that something moves.
type originReader struct {
	body  io.ReadCloser
	moves func()
}

func (r *originReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if r.moves != nil {
		r.moves()
	}
	if err != nil && err != io.EOF {
		err = &originError{err}
	}
	return n, err
}

func (r *originReader) Close() error { return r.body.Close() }

// carry makes one attempt to bring a file here. What is read first tells how large it is, and is used when the file may cross.
func (l *lane) carry(ctx context.Context, p *place, o *store.Outcome) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timer := time.AfterFunc(stalled, func() { stop(errStalled) })
	defer timer.Stop()
	moves := func() { timer.Reset(stalled) }
	f, m := &o.Step.File, o.Work.Message
	var first *originReader
	defer func() {
		if first != nil {
			first.Close()
		}
	}()
	if f.Resume == "" {
		body, known, err := l.openOrigin(ctx, m, f.Origin, 0)
		if err != nil {
			return err
		}
		first = body
		first.moves = moves
		f.Origin.Size, f.Origin.Type = known.Size, known.Type
		if why := (planner{l.gateway, p}).policy(o.Work).refuses(f.Origin); why != "" {
			return &bridge.Error{Kind: bridge.Rejected, Err: errors.New("carrying a file: " + why), Hint: why}
		}
	}
	here, err := p.account.Bridge.Upload(ctx, bridge.Upload{
		Conversation: l.name, As: o.Step.As, Members: p.meant(l.name, m.Origin), File: f.Origin, Beside: o.Step.Beside, Resume: f.Resume,
		Open: func(ctx context.Context, offset int64) (io.ReadCloser, error) {
			if body := first; body != nil && offset == 0 {
				first = nil
				return body, nil
			}
			body, known, err := l.openOrigin(ctx, m, f.Origin, offset)
			if err != nil {
				return nil, err
			}
			if body.moves = moves; known.Size != f.Origin.Size {
				body.Close()
				return nil, &originError{&bridge.Error{Kind: bridge.Gone, Err: errors.New("it has changed meanwhile")}}
			}
			return body, nil
		},
		Progress: func(ctx context.Context, resume string) error {
			f.Resume = resume
			return l.gateway.stored(l.gateway.store.FileProgress(ctx, o.Work.Instance, *f))
		},
	})
	if f.Here = here; err != nil && context.Cause(ctx) == errStalled {
		return &bridge.Error{Err: fmt.Errorf("carrying a file: %w", errStalled)}
	}
	return err
}

// finalFile decides whether err ends the carrying of a file. The message goes out without it then, and says why.
func (l *lane) finalFile(ctx context.Context, o *store.Outcome, err error) bool {
	leave := func(reason string) bool {
		o.Verdict, o.Reason = store.Refused, crossed(reason)
		of(l.log, o.Work).WithError(err).Info("a file does not cross; the message says so")
		return true
	}
	kind := bridge.KindOf(err)
	if fromOrigin(err) {
		switch kind {
		case bridge.Gone:
			return leave("it is not there any more")
		case bridge.Unauthorised:
			return bridge.ScopeOf(err) != bridge.ScopeAccount && leave("Causeway may not read it")
		case bridge.Rejected, bridge.Unsupported:
			return leave(bridge.HintOf(err))
		}
		return l.failures >= poisonedTries && l.overdue() && leave("it could not be read")
	}
	_, posted := partOf(o.Work, 0)
	switch {
	case o.Step.As != "" && !posted && (kind == bridge.Unsupported && bridge.ScopeOf(err) == bridge.ScopePerson ||
		kind == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation):
		o.Verdict = store.NotAs
		return true
	case kind == bridge.Rejected || kind == bridge.Unsupported:
		return leave(bridge.HintOf(err))
	case kind == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation:
		return leave("Causeway may not store files there")
	case (kind == bridge.Transient || kind == bridge.Uncertain || kind == bridge.Gone) && l.poisoned(ctx, o):
		return leave("")
	}
	return false
}

// elsewhere gives an error of reading at the origin as one that is nobody's fault here.
func elsewhere(err error) error {
	if fromOrigin(err) && !errors.Is(err, context.Canceled) {
		return &bridge.Error{Kind: bridge.Transient, Err: err}
	}
	return err
}

// discard removes a copied file, where it does not go by itself.
func (l *lane) discard(ctx context.Context, p *place, step store.Step) error {
	if step.File.Here.ID == "" || !p.account.capabilities.RemoveFiles {
		return nil
	}
	return p.account.Bridge.RemoveFile(ctx, l.name, step.As, step.File.Here)
}

// opener reads files of a draft at their origin.
func (l *lane) opener(o *store.Outcome) func(context.Context, bridge.File) (io.ReadCloser, error) {
	return func(ctx context.Context, here bridge.File) (io.ReadCloser, error) {
		for _, f := range o.Work.Files {
			if f.State == store.FileThere && f.Here.ID == here.ID {
				body, _, err := l.openOrigin(ctx, o.Work.Message, f.Origin, 0)
				if err != nil {
					return nil, err
				}
				return body, nil
			}
		}
		return nil, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("reading a file at its origin: %q is not known", here.ID)}
	}
}
