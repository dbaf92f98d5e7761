package store

import (
	"database/sql"

	"causeway/bridge"
)

// fresh stores a message that has not been seen before.
func (p *putter) fresh(s *bridge.State) error {
	message, instance, err := p.makes(s, hashOf(s), p.bodyOf)
	if err != nil || message == 0 {
		return err
	}
	return p.reactions(s, instance, 0, message, false)
}

// makes stores a message, with what bodyOf gives where it goes anywhere, and gives it with its instance here; 0 where it is not carried.
func (p *putter) makes(s *bridge.State, hash string, bodyOf func(*bridge.State) ([]byte, error)) (message, instance int64, err error) {
	created := s.Created.UnixMilli()
	if created < p.begins {
		return 0, 0, nil
	}
	root, err := p.root(s.Root)
	if err != nil {
		return 0, 0, err
	}
	targets := p.takers(s)
	if s.Event != "" && len(targets) == 0 {
		return 0, 0, nil // nobody asks for it
	}
	var body any
	if !s.Deleted && len(targets) > 0 {
		if body, err = bodyOf(s); err != nil {
			return 0, 0, err
		}
	}
	message, err = p.insert(`INSERT INTO messages (origin, origin_id, root_id, root, created, deleted, hash, body, author, edited) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
		p.here, string(s.ID), string(s.Root), root, created, s.Deleted, hash, body, string(s.Author.ID), millis(s.Edited))
	if err != nil {
		return 0, 0, err
	}
	p.made = append(p.made, Made{message, p.name, s.ID})
	instance, err = p.insert("INSERT INTO instances (message, conversation, origin, phase, version, thread) VALUES ($1, $2, 1, $3, 1, $4) RETURNING id",
		message, p.here, int(Live), string(s.Root))
	if err != nil {
		return 0, 0, err
	}
	if err := p.exec("INSERT INTO parts (instance, number, conversation, id, revision, deleted, version, edited) VALUES ($1, 0, $2, $3, $4, $5, 1, $6)",
		instance, p.here, string(s.ID), s.Revision, s.Deleted, millis(s.Edited)); err != nil {
		return 0, 0, err
	}
	// A deleted one is remembered: its older state may come yet, or it may be restored.
	phase, rank := Waiting, sql.NullInt64{Int64: created, Valid: true}
	if s.Deleted {
		phase, rank.Valid = Gone, false
	}
	for _, target := range targets {
		if err := p.exec("INSERT INTO instances (message, conversation, origin, phase, rank) VALUES ($1, $2, 0, $3, $4)",
			message, target, int(phase), rank); err != nil {
			return 0, 0, err
		}
		p.woken[target] = p.woken[target] || rank.Valid
	}
	return message, instance, nil
}

// takers gives the targets to which a new message goes. What Causeway's own accounts do is no news there.
func (p *putter) takers(s *bridge.State) []int64 {
	takes, tells := p.routes.Takes, p.routes.Tells
	if takes == nil && s.Event == "" {
		return p.targets
	}
	var all []int64
	for i, id := range p.targets {
		target := p.routes.Targets[i]
		if s.Event != "" && (tells == nil || !tells(target, s.Event) || p.routes.Own != nil && p.routes.Own(s.Author.ID)) {
			continue
		}
		if takes == nil || takes(target, s.Created) {
			all = append(all, id)
		}
	}
	return all
}

// root gives the message that id, or the instance it is part of, belongs to; nil when it is not known.
func (p *putter) root(id bridge.MessageID) (any, error) {
	if id == "" {
		return nil, nil
	}
	var message int64
	var above sql.NullInt64
	found, err := p.found(`SELECT m.id, m.root FROM parts p JOIN instances i ON i.id = p.instance JOIN messages m ON m.id = i.message
		WHERE p.conversation = $1 AND p.id = $2`, []any{p.here, string(id)}, &message, &above)
	if err != nil || !found {
		return nil, err
	}
	if above.Valid {
		return above.Int64, nil
	}
	return message, nil
}
