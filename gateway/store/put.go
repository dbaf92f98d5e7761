package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Routes is what the store must know about a conversation to take its states.
type Routes struct {
	// Targets are the conversations that what is said here goes to.
	Targets []bridge.ConversationID
	// Takes tells whether what was said at that time goes to a target; nil: all does.
	Takes func(target bridge.ConversationID, created time.Time) bool
	// Tells reports whether an event of this kind is told in a target; nil: none is.
	Tells func(target bridge.ConversationID, e bridge.Event) bool
	// Own reports whether a user of this server is one of Causeway's accounts.
	Own func(bridge.UserID) bool
	// Bare takes from the text of a copy what Causeway has put around what was said; nil: there is nothing.
	Bare func(text richtext.Doc, around Around) richtext.Doc
	// Linked, when not nil, tells which message lies at an address, wherever that is; see [bridge.Bridge.ReadAddress].
	Linked func(address string) (Linked, bool)
	// Made, when not nil, is told which messages were new, when they are on disk.
	Made func(all []Made)
	// Ignored, when not nil, is told of an edit by a human that is not carried: of one part of several.
	Ignored func(bridge.MessageID)
}

// Made is a message that is new.
type Made struct {
	// Number is that of [Message.Number].
	Number       int64
	Conversation bridge.ConversationID
	ID           bridge.MessageID
}

// Around is what Causeway may have put around a text.
type Around struct {
	// Late: when it was said, Unrooted: a quote of what it answers.
	Late, Unrooted bool
}

// Body is the text of a message with what belongs to it; kept until all instances are settled.
type Body struct {
	Author bridge.Author
	Text   richtext.Doc
	Files  []bridge.File
	// Links are the messages to which the text leads, by their addresses.
	Links map[string]Linked `json:",omitempty"`
	// Event: nobody said it, and nobody writes it as themselves.
	Event bridge.Event `json:",omitempty"`
	// Bare: the text was written at a copy when the rest was forgotten already. Author's name and files are to be read at the origin.
	Bare bool `json:",omitempty"`
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
	var made []Made
	err := s.do(ctx, func(t *tx) error {
		p := putter{tx: t, routes: routes, name: b.Conversation, now: time.Now().UnixMilli(), woken: map[int64]bool{}}
		if err := p.put(b); err != nil {
			return fmt.Errorf("storing what %s said: %w", b.Conversation, err)
		}
		woken, made = woken[:0], p.made
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
	if err == nil && len(made) > 0 && routes.Made != nil {
		routes.Made(made)
	}
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
	targets []int64 // in the order of the routes
	now     int64
	woken   map[int64]bool
	made    []Made
}

func (p *putter) put(b bridge.Batch) error {
	if err := p.begin(b); err != nil {
		return err
	}
	for i := range b.States {
		if err := p.state(&b.States[i]); err != nil {
			return err
		}
	}
	return nil
}

// begin moves the cursor and finds out what the states of a batch are about.
func (p *putter) begin(b bridge.Batch) (err error) {
	if p.here, err = p.conversation(b.Conversation); err != nil {
		return err
	}
	moved := false
	if b.Cursor != "" {
		if moved, err = p.found("UPDATE conversations SET cursor = $1, begins = CASE WHEN cursor = '' AND begins < $2 THEN $2 ELSE begins END WHERE id = $3 AND cursor <> $1 RETURNING begins",
			[]any{b.Cursor, b.Begin.UnixMilli(), p.here}, &p.begins); err != nil {
			return err
		}
		p.wrote = p.wrote || moved
	}
	if !moved {
		begun := true
		if err := p.row("SELECT begins, cursor <> '' FROM conversations WHERE id = $1", p.here).Scan(&p.begins, &begun); err != nil {
			return err
		}
		if !begun { // its first cursor comes with a later batch
			p.begins = max(p.begins, b.Begin.UnixMilli())
		}
	}
	for _, c := range p.routes.Targets {
		id, err := p.conversation(c)
		if err != nil {
			return err
		}
		p.targets = append(p.targets, id)
	}
	return nil
}

// known is what the store knows about the instance that a state is of.
type known struct {
	instance, number, revision int64
	partDeleted, leaving       bool
	// version is that of the message that the part was written for, or shows at the origin.
	version int64
	written
	origin bool
	phase  Phase
	Around
	message                int64
	deleted, reacted, text bool // text: it is not forgotten
	// hash is of what the origin showed last, newest the version of the message, said when its text was written.
	hash         string
	newest, said int64
}

const knownQuery = `SELECT p.instance, p.number, p.revision, p.deleted, p.leaving, p.version, p.writer, p.sent, p.shown, p.doubt, p.edited, p.rewritten, p.written,
		i.origin, i.phase, i.late, i.unrooted > 0, m.id, m.deleted, m.reacted, m.body IS NOT NULL, m.hash, m.version, m.edited
	FROM parts p JOIN instances i ON i.id = p.instance JOIN messages m ON m.id = i.message
	WHERE p.conversation = $1 AND p.id = $2`

func (p *putter) known(id bridge.MessageID) (k known, found bool, err error) {
	found, err = p.found(knownQuery, []any{p.here, string(id)},
		&k.instance, &k.number, &k.revision, &k.partDeleted, &k.leaving, &k.version, &k.writer, &k.sent, &k.shown, &k.doubt, &k.edited, &k.rewritten, &k.made,
		&k.origin, &k.phase, &k.Late, &k.Unrooted, &k.message, &k.deleted, &k.reacted, &k.text, &k.hash, &k.newest, &k.said)
	return k, found, err
}

func (p *putter) state(s *bridge.State) error {
	if p.trip != nil {
		p.trip(s.ID, true)
	}
	if echo, err := p.echo(s); echo || err != nil {
		return err
	}
	k, found, err := p.known(s.ID)
	switch {
	case err != nil:
		return err
	case !found && s.Key != "":
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
	switch {
	case k.origin:
		err = p.changed(s, k)
	case s.Deleted:
		err = p.removed(k)
	case k.writer != "":
		err = p.rewritten(s, k)
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

// echo takes the newer state of a post of the relay, to which nobody has reacted: it tells nothing but its revision. It reports false where it may be another one.
func (p *putter) echo(s *bridge.State) (bool, error) {
	if s.Key == "" || s.Deleted || len(s.Reactions) > 0 {
		return false, nil
	}
	n, err := p.change(`UPDATE parts SET revision = $1 WHERE conversation = $2 AND id = $3 AND revision < $1 AND deleted = 0 AND number >= 0 AND key IS NOT NULL AND writer = ''
		AND EXISTS (SELECT 1 FROM instances i JOIN messages m ON m.id = i.message WHERE i.id = parts.instance AND i.origin = 0 AND m.reacted = 0)`, s.Revision, p.here, string(s.ID))
	return n > 0, err
}

// back looks again at those reactions that could not be changed while the instance was deleted.
func (p *putter) back(instance int64) error {
	n, err := p.change("UPDATE own_reactions SET state = 2 WHERE instance = $1 AND state = 3", instance)
	if err != nil || n == 0 {
		return err
	}
	return p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 AND reason IS NULL RETURNING conversation", p.now, instance)
}

// changed brings the message to what its origin looks like now.
func (p *putter) changed(s *bridge.State, k known) error {
	hash := hashOf(s)
	switch {
	case k.number > 0, s.Deleted && k.deleted, s.Deleted == k.deleted && hash == k.hash && k.sent == "":
		return nil
	case s.Deleted, k.deleted && k.partDeleted:
		return p.revise(s, k, hash)
	case k.deleted && !s.Deleted:
		return p.stays(k, hash)
	case k.sent == "":
		if k.version < k.newest && millis(s.Edited) < k.said {
			return p.exec("UPDATE messages SET hash = $1 WHERE id = $2", hash, k.message) // a copy says something newer
		}
		return p.revise(s, k, hash)
	}
	human, err := p.human(s, k)
	if err != nil || !human {
		return err
	}
	if k.version < k.newest && millis(s.Edited) < k.said {
		return p.outdated(s, k)
	}
	return p.revise(s, k, hash)
}

// stays takes a state of an origin that is there although its message was deleted at a copy.
func (p *putter) stays(k known, hash string) error {
	if err := p.exec("UPDATE messages SET hash = $1 WHERE id = $2", hash, k.message); err != nil || !k.leaving || k.version < k.newest {
		return err
	}
	// Causeway has deleted it. The state is from before, or it was restored before the deletion was seen; that is deleted again.
	if err := p.exec("UPDATE parts SET version = version - 1 WHERE instance = $1 AND number = 0", k.instance); err != nil {
		return err
	}
	return p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 RETURNING conversation", p.now, k.instance)
}

// revise makes what the origin says the message.
func (p *putter) revise(s *bridge.State, k known, hash string) error {
	return p.says(s, k, hash, p.bodyOf)
}

// says makes what the origin says the message, with what bodyOf gives where it goes anywhere.
func (p *putter) says(s *bridge.State, k known, hash string, bodyOf func(*bridge.State) ([]byte, error)) error {
	// What was quarantined is tried again: its author may have mended it.
	n, err := p.change(`UPDATE instances SET rank = COALESCE(rank, $1), reason = NULL WHERE message = $2 AND origin = 0`, p.now, k.message)
	if err != nil {
		return err
	}
	if k.deleted && !s.Deleted { // their writers may have changed copies meanwhile
		if err := p.exec("UPDATE parts SET hash = '' WHERE writer <> '' AND number >= 0 AND instance IN (SELECT id FROM instances WHERE message = $1 AND origin = 0)", k.message); err != nil {
			return err
		}
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
	if err := p.exec("UPDATE messages SET deleted = $1, hash = $2, body = $3, version = version + 1, edited = $4, author = CASE $5 WHEN '' THEN author ELSE $5 END WHERE id = $6",
		s.Deleted, hash, body, millis(s.Edited), string(s.Author.ID), k.message); err != nil {
		return err
	}
	if err := p.exec("UPDATE parts SET version = $1, edited = $2, sent = '', shown = '', doubt = '', leaving = 0 WHERE instance = $3 AND number = 0",
		k.newest+1, millis(s.Edited), k.instance); err != nil {
		return err
	}
	if err := p.exec("UPDATE instances SET frozen = 0, blanked = 0 WHERE id = $1 AND (frozen > 0 OR blanked > 0)", k.instance); err != nil {
		return err
	}
	return p.wakeLacking(k.message)
}

// wakeLacking wakes the conversations of those instances of a message that lack something.
func (p *putter) wakeLacking(message int64) error {
	return p.each("SELECT conversation FROM instances WHERE message = $1 AND rank IS NOT NULL", []any{message}, func(rows *sql.Rows) error {
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
	if gone, err := p.withdrawn(k); gone || err != nil {
		return err
	}
	if err := p.exec(departs, k.instance); err != nil {
		return err
	}
	return p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 AND phase = 2 AND $3 = 0 RETURNING conversation", p.now, k.instance, k.deleted)
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

// reacted marks every other instance as lacking.
func (p *putter) reacted(instance, message int64) error {
	if err := p.exec("UPDATE messages SET reacted = 1 WHERE id = $1", message); err != nil {
		return err
	}
	return p.marks(p.woken, markReacted, p.now, message, instance)
}

// markReacted marks the other instances of a message as lacking.
const markReacted = `UPDATE instances SET rank = COALESCE(rank, $1) WHERE message = $2 AND id <> $3 AND phase IN (0, 1) AND reason IS NULL RETURNING conversation`

// millis gives Unix milliseconds; 0 for never.
func millis(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

func (p *putter) bodyOf(s *bridge.State) ([]byte, error) {
	return json.Marshal(Body{Author: s.Author, Text: s.Text, Files: s.Files, Event: s.Event, Links: p.routes.links(s.Text)})
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
