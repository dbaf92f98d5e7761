package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"causeway/bridge"
)

// Poison quarantines an instance on which something has panicked, without looking at it any closer, and has its author told; told is as in Outcome. It gives
// the conversations that now lack something.
func (s *Store) Poison(ctx context.Context, id int64, reason, told string) ([]bridge.ConversationID, error) {
	var woken []bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		if err := t.exec("UPDATE instances SET rank = NULL, held = 0, reason = $1, quarantined = $2 WHERE id = $3", reason, time.Now().UnixMilli(), id); err != nil {
			return err
		}
		o := Outcome{Work: &Work{Instance: id}, Told: told}
		var origin int64
		var body []byte
		found, err := t.found("SELECT i.phase, m.origin, m.body FROM instances i JOIN messages m ON m.id = i.message WHERE i.id = $1 AND i.origin = 0", []any{id},
			(*int)(&o.Work.Phase), &origin, &body)
		if err != nil || !found {
			return err
		}
		var text string
		if err := safely(func(*tx) (err error) {
			o.Work.Message.Body, err = decode(body)
			text = undelivered(&o)
			return err
		}, t); err != nil {
			return nil // it is this that panics
		}
		if o.Work.Message.Origin, err = t.name(origin); err != nil {
			return err
		}
		l := lane{tx: t, woken: map[int64]bool{}}
		if err := l.warn(o.Work.Message, text); err != nil {
			return err
		}
		woken, err = l.others()
		return err
	})
	if err != nil {
		err = fmt.Errorf("quarantining message %d: %w", id, err)
	}
	return woken, err
}

// PoisonState quarantines what a state says on which Put has panicked: each copy of its message, without looking at the state any closer than to keep its text, so that
// each can be tried again. Its author is told; told is as in Outcome. It reports false where the state is of no message's origin or its text cannot be kept: that state can only be
// left out. It gives the conversations that now lack something.
func (s *Store) PoisonState(ctx context.Context, b bridge.Batch, one *bridge.State, routes Routes, reason, told string) (kept bool, woken []bridge.ConversationID, err error) {
	var made []Made
	err = s.do(ctx, func(t *tx) error {
		p := putter{tx: t, routes: routes, name: b.Conversation, now: time.Now().UnixMilli(), woken: map[int64]bool{}}
		if err := p.begin(bridge.Batch{Conversation: b.Conversation, Begin: b.Begin}); err != nil {
			return err
		}
		var o Outcome
		var err error
		if o, kept, err = p.spoilt(one, reason); err != nil || o.Work == nil {
			return err
		}
		var text string
		o.Told, made = told, p.made
		if safely(func(*tx) error { text = undelivered(&o); return nil }, t) != nil {
			return nil // it is this that panics
		}
		l := lane{tx: t, woken: map[int64]bool{}}
		if err := l.warn(o.Work.Message, text); err != nil {
			return err
		}
		woken, err = l.others()
		return err
	})
	if err != nil {
		return false, nil, fmt.Errorf("quarantining what %s said: %w", b.Conversation, err)
	}
	if len(made) > 0 && routes.Made != nil {
		routes.Made(made)
	}
	return kept, woken, nil
}

// spoilt stores a state as one on whose message everything else must wait. It gives what its author is to be told of, without work where that is nothing.
func (p *putter) spoilt(s *bridge.State, reason string) (o Outcome, kept bool, err error) {
	k, found, err := p.known(s.ID)
	if err != nil || found && (!k.origin || k.number != 0) || !found && p.keys.authentic(s.Key, p.name) {
		return o, false, err
	}
	o.Work = &Work{Message: Message{Origin: p.name}}
	switch {
	case found && (s.Revision < k.revision || s.Revision == k.revision && s.Deleted == k.partDeleted || k.partDeleted && !s.Deleted && s.Revision == k.revision):
		return Outcome{}, true, nil // it was seen before
	case found && k.deleted && !s.Deleted && !k.partDeleted:
		return Outcome{}, false, nil // its author has deleted it at a copy
	case found:
		o.Work.Phase = Live
		if err := p.exec("UPDATE parts SET revision = $1, deleted = $2 WHERE instance = $3 AND number = $4", s.Revision, s.Deleted, k.instance, k.number); err != nil {
			return o, false, err
		}
		err = p.says(s, k, "", p.kept(&o))
	default:
		k.message, _, err = p.makes(s, "", p.kept(&o))
	}
	if err != nil || k.message == 0 {
		return Outcome{}, err == nil, err
	}
	held, err := p.change("UPDATE instances SET rank = NULL, held = 0, reason = $1, quarantined = $2 WHERE message = $3 AND origin = 0 AND phase IN (0, 1)", reason, p.now, k.message)
	if held == 0 {
		o.Work = nil
	}
	if err == nil { // nor is anything to be done where it is not shown
		err = p.exec("UPDATE instances SET rank = NULL WHERE message = $1 AND origin = 0 AND reason IS NULL", k.message)
	}
	return o, true, err
}

// kept gives what is kept of a state, and has it in o: where the messages cannot be found to which its text leads, that is without them.
func (p *putter) kept(o *Outcome) func(*bridge.State) ([]byte, error) {
	return func(s *bridge.State) (raw []byte, err error) {
		body := Body{Author: s.Author, Text: s.Text, Files: s.Files, Event: s.Event}
		o.Work.Message.Body = &body
		if err = safely(func(*tx) (err error) { raw, err = p.bodyOf(s); return err }, p.tx); err != nil {
			raw, err = json.Marshal(body)
		}
		return raw, err
	}
}
