package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Routes is what the store must know about a conversation to take its states.
type Routes struct {
	// Targets are the conversations that what is said here goes to.
	Targets []bridge.ConversationID
	// Own reports whether a user of this server is one of Causeway's accounts.
	Own func(bridge.UserID) bool
}

// Body is the text of a message with what belongs to it; kept until all instances are settled.
type Body struct {
	Author bridge.Author
	Text   richtext.Doc
	Files  []bridge.File
}

// Phase is how far an instance has come.
type Phase int

// The phases of an instance.
const (
	// Waiting: not all of it has been posted.
	Waiting Phase = iota
	// Live: it can be seen.
	Live
	// Gone: deleted because the message was.
	Gone
	// Removed: deleted by somebody there; it stays deleted.
	Removed
)

// Put stores a batch and gives the conversations that now lack something.
func (s *Store) Put(ctx context.Context, b bridge.Batch, routes Routes) ([]bridge.ConversationID, error) {
	var woken []bridge.ConversationID
	err := s.do(ctx, func(t *tx) error {
		p := putter{tx: t, routes: routes, name: b.Conversation, now: time.Now().UnixMilli(), woken: map[int64]bool{}}
		if err := p.put(b); err != nil {
			return fmt.Errorf("storing what %s said: %w", b.Conversation, err)
		}
		woken = woken[:0]
		for id, lacks := range p.woken {
			if !lacks {
				continue
			}
			c, err := t.name(id)
			if err != nil {
				return err
			}
			woken = append(woken, c)
		}
		return nil
	})
	return woken, err
}

// Cursor gives the stored cursor of a conversation; empty when it has not begun.
func (s *Store) Cursor(ctx context.Context, c bridge.ConversationID) (string, error) {
	var cursor string
	err := s.do(ctx, func(t *tx) error {
		cursor = ""
		_, err := t.found("SELECT cursor FROM conversations WHERE server = $1 AND channel = $2", []any{string(c.Server), string(c.Channel)}, &cursor)
		return err
	})
	return cursor, err
}

// putter stores one batch.
type putter struct {
	*tx
	routes  Routes
	name    bridge.ConversationID
	here    int64
	begins  int64
	targets []int64
	now     int64
	woken   map[int64]bool
}

func (p *putter) put(b bridge.Batch) (err error) {
	if p.here, err = p.conversation(b.Conversation); err != nil {
		return err
	}
	var cursor string
	if err := p.row("SELECT cursor, begins FROM conversations WHERE id = $1", p.here).Scan(&cursor, &p.begins); err != nil {
		return err
	}
	if b.Cursor != "" && b.Cursor != cursor {
		if cursor == "" {
			p.begins = b.Begin.UnixMilli()
		}
		if err := p.exec("UPDATE conversations SET cursor = $1, begins = $2 WHERE id = $3", b.Cursor, p.begins, p.here); err != nil {
			return err
		}
	}
	for _, c := range p.routes.Targets {
		id, err := p.conversation(c)
		if err != nil {
			return err
		}
		p.targets = append(p.targets, id)
	}
	for i := range b.States {
		if err := p.state(&b.States[i]); err != nil {
			return err
		}
	}
	return nil
}

// known is what the store knows about the instance that a state is of.
type known struct {
	instance, number, revision int64
	partDeleted                bool
	message                    int64
	origin                     bool
	phase                      Phase
	deleted, reacted           bool
	hash                       string
}

func (p *putter) state(s *bridge.State) error {
	var k known
	found, err := p.found(`SELECT p.instance, p.number, p.revision, p.deleted, i.message, i.origin, i.phase, m.deleted, m.reacted, m.hash
		FROM parts p JOIN instances i ON i.id = p.instance JOIN messages m ON m.id = i.message
		WHERE p.conversation = $1 AND p.id = $2`, []any{p.here, string(s.ID)},
		&k.instance, &k.number, &k.revision, &k.partDeleted, &k.message, &k.origin, &k.phase, &k.deleted, &k.reacted, &k.hash)
	switch {
	case err != nil:
		return err
	case !found && s.Key != "" && p.routes.Own(s.Author.ID):
		return p.own(s)
	case !found:
		return p.fresh(s)
	case s.Revision < k.revision || s.Revision == k.revision && s.Deleted == k.partDeleted:
		return nil
	case k.partDeleted && !s.Deleted && s.Revision <= k.revision:
		return nil
	}
	if err := p.exec("UPDATE parts SET revision = $1, deleted = $2 WHERE instance = $3 AND number = $4", s.Revision, s.Deleted, k.instance, k.number); err != nil {
		return err
	}
	if k.number < 0 {
		return nil // buried
	}
	if k.origin {
		err = p.changed(s, k)
	} else if s.Deleted {
		err = p.removed(k)
	}
	if err != nil || s.Deleted {
		return err
	}
	if k.reacted {
		if err := p.back(k.instance); err != nil {
			return err
		}
	}
	return p.reactions(s, k.instance, k.number, k.message, k.reacted)
}

// back looks again at those reactions that could not be changed while the instance was deleted.
func (p *putter) back(instance int64) error {
	n, err := p.change("UPDATE own_reactions SET state = 2 WHERE instance = $1 AND state = 3", instance)
	if err != nil || n == 0 {
		return err
	}
	return p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 RETURNING conversation", p.now, instance)
}

// fresh stores a message that has not been seen before.
func (p *putter) fresh(s *bridge.State) error {
	created := s.Created.UnixMilli()
	if created < p.begins {
		return nil
	}
	root, err := p.root(s.Root)
	if err != nil {
		return err
	}
	var body any
	if !s.Deleted && len(p.targets) > 0 {
		if body, err = bodyOf(s); err != nil {
			return err
		}
	}
	message, err := p.insert(`INSERT INTO messages (origin, origin_id, root_id, root, created, deleted, hash, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		p.here, string(s.ID), string(s.Root), root, created, s.Deleted, hashOf(s), body)
	if err != nil {
		return err
	}
	instance, err := p.insert("INSERT INTO instances (message, conversation, origin, phase, version, thread) VALUES ($1, $2, 1, $3, 1, $4) RETURNING id",
		message, p.here, int(Live), string(s.Root))
	if err != nil {
		return err
	}
	if err := p.exec("INSERT INTO parts (instance, number, conversation, id, revision, deleted) VALUES ($1, 0, $2, $3, $4, $5)",
		instance, p.here, string(s.ID), s.Revision, s.Deleted); err != nil {
		return err
	}
	// A deleted one is remembered: its older state may come yet, or it may be restored.
	phase, rank := Waiting, sql.NullInt64{Int64: created, Valid: true}
	if s.Deleted {
		phase, rank.Valid = Gone, false
	}
	for _, target := range p.targets {
		if err := p.exec("INSERT INTO instances (message, conversation, origin, phase, rank) VALUES ($1, $2, 0, $3, $4)",
			message, target, int(phase), rank); err != nil {
			return err
		}
		p.woken[target] = p.woken[target] || rank.Valid
	}
	return p.reactions(s, instance, 0, message, false)
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

// own takes a post of Causeway's that is not known by its id.
func (p *putter) own(s *bridge.State) error {
	if !p.keys.authentic(s.Key, p.name) || s.Deleted {
		return nil // another installation's, or of no use any more: never carried
	}
	var instance, number, message, posted int64
	var id sql.NullString
	var reacted, settled bool
	found, err := p.found(`SELECT p.instance, p.number, p.id, p.posted, m.id, m.reacted, i.phase = 1 AND i.version = m.version FROM parts p JOIN instances i ON i.id = p.instance JOIN messages m ON m.id = i.message
		WHERE p.key = $1 AND p.conversation = $2`, []any{string(s.Key), p.here}, &instance, &number, &id, &posted, &message, &reacted, &settled)
	switch {
	case err != nil:
		return err
	case !found:
		changed, err := p.change(`INSERT INTO orphans (conversation, key, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, p.here, string(s.Key), string(s.ID))
		if err != nil || changed > 0 {
			return err
		}
		var first string
		if err := p.row("SELECT id FROM orphans WHERE key = $1", string(s.Key)).Scan(&first); err != nil || first == string(s.ID) {
			return err
		}
		return p.double(s)
	case id.Valid && number >= 0 && s.Created.UnixMilli() < posted-forerunner:
		// An older store was restored, and has posted what had been posted: people may have answered the first one.
		if err := p.stray(p.here, bridge.MessageID(id.String), s.Key); err != nil {
			return err
		}
		if err := p.exec("UPDATE parts SET mixed = 1 WHERE instance = $1 AND number = $2", instance, number); err != nil {
			return err
		}
		if err := p.exec("UPDATE own_reactions SET state = 2 WHERE instance = $1", instance); err != nil {
			return err
		}
	case id.Valid, number < 0: // not this one, or it would have been found by its id; or it was buried
		return p.double(s)
	case settled && number > 0:
		// The text became shorter before it turned up.
		if err := p.bury(instance, number); err != nil {
			return err
		}
		return p.double(s)
	}
	// The answer to the post is still on its way, or was lost: this settles it.
	if err := p.adopt(instance, number, s.ID, s.Revision); err != nil {
		return err
	}
	// Of several attempts it may be one that answered another post, or none.
	if err := p.exec(`UPDATE instances SET phase = CASE phase WHEN 2 THEN 1 ELSE phase END, thread = $1, unrooted = $1 = '' AND (SELECT root_id FROM messages m WHERE m.id = message) <> ''
		WHERE id = $2 AND $3 = 0`, string(s.Root), instance, number); err != nil {
		return err
	}
	// It may have been given up meanwhile, as when its message was deleted.
	if err := p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 AND reason IS NULL RETURNING conversation", p.now, instance); err != nil {
		return err
	}
	return p.reactions(s, instance, number, message, reacted)
}

// forerunner is how much older than our last attempt a post must be, in milliseconds, to be of an earlier life of the
// store: clocks differ, and an attempt is settled sooner.
const forerunner = 10 * 60 * 1000

// adopt takes a post that was found by its key. Where it may show an earlier text, the next plan edits it.
func (t *tx) adopt(instance, number int64, id bridge.MessageID, revision int64) error {
	return t.exec("UPDATE parts SET id = $1, revision = $2, hash = CASE mixed WHEN 1 THEN '' ELSE hash END WHERE instance = $3 AND number = $4",
		string(id), revision, instance, number)
}

// double has a second copy deleted.
func (p *putter) double(s *bridge.State) error {
	p.woken[p.here] = true
	return p.stray(p.here, s.ID, s.Key)
}

// stray notes a second copy that must go.
func (t *tx) stray(conversation int64, id bridge.MessageID, key bridge.Key) error {
	return t.exec("INSERT INTO strays (conversation, id, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", conversation, string(id), string(key))
}

// changed brings the message to what its origin looks like now.
func (p *putter) changed(s *bridge.State, k known) error {
	hash := hashOf(s)
	if s.Deleted == k.deleted && hash == k.hash {
		return nil
	}
	// What was quarantined is tried again: its author may have mended it.
	n, err := p.change(`UPDATE instances SET rank = COALESCE(rank, $1), reason = NULL WHERE message = $2 AND origin = 0`, p.now, k.message)
	if err != nil {
		return err
	}
	if k.deleted && k.reacted { // people may have reacted to copies meanwhile
		if err := p.exec("UPDATE instances SET rank = COALESCE(rank, $1) WHERE message = $2", p.now, k.message); err != nil {
			return err
		}
	}
	var body any
	if !s.Deleted && n > 0 {
		if body, err = bodyOf(s); err != nil {
			return err
		}
	}
	if err := p.exec("UPDATE messages SET deleted = $1, hash = $2, body = $3, version = version + 1 WHERE id = $4", s.Deleted, hash, body, k.message); err != nil {
		return err
	}
	return p.each("SELECT conversation FROM instances WHERE message = $1 AND rank IS NOT NULL", []any{k.message}, func(rows *sql.Rows) error {
		var c int64
		err := rows.Scan(&c)
		p.woken[c] = true
		return err
	})
}

// removed notes that a post of a copy is no longer there.
func (p *putter) removed(k known) error {
	if err := p.forget(k.instance, k.number, k.message); err != nil {
		return err
	}
	if k.phase == Gone || k.number > 0 { // a later part may have been ours to delete
		return nil
	}
	if err := p.exec(departs, k.instance); err != nil {
		return err
	}
	return p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 AND phase = 2 AND NOT $3 RETURNING conversation", p.now, k.instance, k.deleted)
}

// departs notes that the first post of an instance is no longer there: Gone when Causeway was deleting it, Removed when
// somebody else did.
const departs = `UPDATE instances SET phase = (SELECT CASE leaving WHEN 1 THEN 2 ELSE 3 END FROM parts WHERE parts.instance = instances.id AND number = 0) WHERE id = $1`

// forget drops what people had set on a post that is no longer there.
func (p *putter) forget(instance, number, message int64) error {
	n, err := p.change("DELETE FROM reactions WHERE instance = $1 AND number = $2", instance, number)
	if err != nil || n == 0 {
		return err
	}
	return p.reacted(instance, message)
}

// reactions makes the known set of one post what the state says.
func (p *putter) reactions(s *bridge.State, instance, number, message int64, reacted bool) error {
	var set []bridge.Reaction
	for _, r := range s.Reactions {
		if !p.routes.Own(r.User) && !slices.Contains(set, r) {
			set = append(set, r)
		}
	}
	if len(set) == 0 && !reacted {
		return nil
	}
	var before []bridge.Reaction
	err := p.each("SELECT person, emoji FROM reactions WHERE instance = $1 AND number = $2", []any{instance, number}, func(rows *sql.Rows) error {
		var r bridge.Reaction
		before = append(before, r)
		last := &before[len(before)-1]
		return rows.Scan((*string)(&last.User), &last.Emoji)
	})
	if err != nil {
		return err
	}
	changed := false
	for _, r := range before {
		if !slices.Contains(set, r) {
			changed = true
			if err := p.exec("DELETE FROM reactions WHERE instance = $1 AND number = $2 AND person = $3 AND emoji = $4", instance, number, string(r.User), r.Emoji); err != nil {
				return err
			}
		}
	}
	for _, r := range set {
		if !slices.Contains(before, r) {
			changed = true
			if err := p.exec("INSERT INTO reactions (instance, number, person, emoji) VALUES ($1, $2, $3, $4)", instance, number, string(r.User), r.Emoji); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	return p.reacted(instance, message)
}

// reacted marks every other instance as lacking.
func (p *putter) reacted(instance, message int64) error {
	if err := p.exec("UPDATE messages SET reacted = 1 WHERE id = $1", message); err != nil {
		return err
	}
	return p.marks(p.woken, markReacted, p.now, message, instance)
}

// markReacted marks the other instances of a message as lacking.
const markReacted = `UPDATE instances SET rank = COALESCE(rank, $1) WHERE message = $2 AND id <> $3 AND phase IN (0, 1) AND reason IS NULL RETURNING conversation`

func bodyOf(s *bridge.State) ([]byte, error) {
	return json.Marshal(Body{Author: s.Author, Text: s.Text, Files: s.Files})
}

// hashOf tells whether text or files have changed; empty for a deleted message.
func hashOf(s *bridge.State) string {
	if s.Deleted {
		return ""
	}
	h := sha256.New()
	h.Write([]byte(s.Text.Hash()))
	for _, f := range s.Files {
		fmt.Fprintf(h, "\x00%q%q%d", f.ID, f.Name, f.Size)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:half])
}
