package store

import (
	"encoding/json"

	"causeway/bridge"
)

// written is what is remembered of Causeway's last write of a part as a person. Services normalise texts, repeat states and let
// them overtake each other, so an edit counts as a human's only when the service's edit time moved beyond all that is known, and the text
// is neither what was sent nor what was first seen after it.
//
// Until the write has been seen, something else may be an edit from just before it (lanes look before they write, so that is
// rare), the service's form of what was sent, or an edit from just after it, unless by the service's clock that is too late to be the write. Then the write is repeated once. What is seen again after that is the
// service's form; everything else has given way to the message, and all instances agree.
type written struct {
	writer, sent, shown, doubt string
	edited                     int64
	rewritten                  bool
	// made is when the last edit was made at the latest, by the service's clock; 0: that is not known.
	made int64
}

// clocksNear is how far a service's clock may be from what is known of it, in milliseconds: half of the time that the slowest answers take.
const clocksNear = 10_000

// human reports whether a state shows what a human has written into a part of Causeway's, or into the origin that Causeway has
// edited as its author. Otherwise it notes what the state tells.
func (p *putter) human(s *bridge.State, k known) (bool, error) {
	look, edited := hashOf(s), millis(s.Edited)
	switch {
	case s.Text.Hash() == k.sent, !k.rewritten && edited == 0 && k.shown == "":
		return false, p.saw(k, look, edited)
	case look == k.shown, k.origin && look == k.hash, !k.origin && edited <= k.edited:
		return false, nil // as before
	case k.shown != "", !k.rewritten, k.made > 0 && edited > k.made+clocksNear:
		return true, nil
	case !k.text: // it cannot be repeated
		return false, p.saw(k, look, edited)
	}
	if err := p.showed(k, look); err != nil {
		return false, err
	}
	if err := p.exec("UPDATE parts SET doubt = $1, edited = CASE WHEN edited < $2 THEN $2 ELSE edited END, hash = '' WHERE instance = $3 AND number = $4", look, edited, k.instance, k.number); err != nil {
		return false, err
	}
	// These versions tell that it is to be written.
	if err := p.exec("UPDATE parts SET version = version - 1 WHERE instance = $1 AND number = $2 AND version = $3", k.instance, k.number, k.newest); err != nil {
		return false, err
	}
	if err := p.exec("UPDATE instances SET version = version - 1 WHERE id = $1 AND version = $2", k.instance, k.newest); err != nil {
		return false, err
	}
	return false, p.again(k)
}

// saw notes what a part looks like after Causeway's write.
func (p *putter) saw(k known, look string, edited int64) error {
	if err := p.showed(k, look); err != nil {
		return err
	}
	if err := p.exec("UPDATE parts SET shown = $1, edited = CASE WHEN edited < $2 THEN $2 ELSE edited END, doubt = '' WHERE instance = $3 AND number = $4", look, edited, k.instance, k.number); err != nil {
		return err
	}
	if k.rewritten && k.shown == "" && k.text {
		return p.forgetText(k.message)
	}
	return nil
}

// showed notes what an origin shows.
func (p *putter) showed(k known, look string) error {
	if !k.origin {
		return nil
	}
	return p.exec("UPDATE messages SET hash = $1 WHERE id = $2", look, k.message)
}

// again has an instance looked at by its lane.
func (p *putter) again(k known) error {
	return p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 AND reason IS NULL AND phase IN (0, 1) RETURNING conversation", p.now, k.instance)
}

// outdated takes an edit by a human that gives way to a newer one: it will be overwritten.
func (p *putter) outdated(s *bridge.State, k known) error {
	if err := p.saw(k, hashOf(s), millis(s.Edited)); err != nil {
		return err
	}
	if err := p.exec("UPDATE parts SET hash = '' WHERE instance = $1 AND number = $2", k.instance, k.number); err != nil {
		return err
	}
	return p.again(k)
}

// Theirs is the hash of a part that shows what its human writer made of it, which is what the message says since then.
const Theirs = "theirs"

// rewritten takes the state of a copy that was written as a person, who may have edited it.
//
// Who edits a copy that shows the present text knows that text: their edit is newer, whatever the clocks of two services say. Where a newer text is
// still on its way there, the services' edit times decide, and a tie goes to the message. What was edited before the store was restored may be an edit of
// Causeway's own, which gives way.
//
// Of a copy in several parts only one is changed, and what the others say is not known any more: such an edit is not
// carried, and the next change of the message overwrites it.
func (p *putter) rewritten(s *bridge.State, k known) error {
	if k.sent == "" || k.deleted || k.phase == Gone || k.phase == Removed {
		return nil
	}
	human, err := p.human(s, k)
	if err != nil || !human {
		return err
	}
	var parts int
	if err := p.row("SELECT COUNT(*) FROM parts WHERE instance = $1 AND number >= 0 AND deleted = 0", k.instance).Scan(&parts); err != nil {
		return err
	}
	switch {
	case parts > 1:
		if p.routes.Ignored != nil {
			p.routes.Ignored(s.ID)
		}
		if err := p.saw(k, hashOf(s), millis(s.Edited)); err != nil {
			return err
		}
		return p.exec("UPDATE parts SET hash = '' WHERE instance = $1 AND number = $2", k.instance, k.number)
	case k.version < k.newest && (millis(s.Edited) <= k.said || p.former(millis(s.Edited))):
		return p.outdated(s, k)
	}
	return p.take(s, k)
}

// take makes what a human has written into a copy the message.
func (p *putter) take(s *bridge.State, k known) error {
	var raw []byte
	var author string
	if err := p.row("SELECT body, author FROM messages WHERE id = $1", k.message).Scan(&raw, &author); err != nil {
		return err
	}
	body, err := decode(raw)
	if err != nil {
		return err
	}
	if body == nil {
		body = &Body{Author: bridge.Author{ID: bridge.UserID(author), Name: s.Author.Name}, Bare: true}
	}
	body.Text = s.Text
	if p.routes.Bare != nil {
		body.Text = p.routes.Bare(s.Text, k.Around)
	}
	var origin string
	if err := p.row("SELECT c.server FROM messages m JOIN conversations c ON c.id = m.origin WHERE m.id = $1", k.message).Scan(&origin); err != nil {
		return err
	}
	if body.Text, err = p.mentioning(body.Text, p.name.Server, bridge.ServerID(origin)); err != nil {
		return err
	}
	body.Links = p.routes.links(body.Text)
	if raw, err = json.Marshal(body); err != nil {
		return err
	}
	edited := millis(s.Edited)
	if err := p.exec("UPDATE messages SET version = $1, body = $2, edited = $3 WHERE id = $4", k.newest+1, raw, edited, k.message); err != nil {
		return err
	}
	if err := p.exec("UPDATE parts SET version = $1, hash = $2, sent = $3, shown = $4, edited = $5, doubt = '' WHERE instance = $6 AND number = $7",
		k.newest+1, Theirs, s.Text.Hash(), hashOf(s), edited, k.instance, k.number); err != nil {
		return err
	}
	if err := p.exec("UPDATE instances SET version = $1 WHERE id = $2 AND rank IS NULL", k.newest+1, k.instance); err != nil {
		return err
	}
	if err := p.exec("UPDATE instances SET rank = COALESCE(rank, $1), reason = NULL WHERE message = $2 AND id <> $3", p.now, k.message, k.instance); err != nil {
		return err
	}
	return p.wakeLacking(k.message)
}

// withdrawn deletes the message of which a copy, written as its author, was deleted by them. It reports false where that may
// have been somebody else: Causeway itself, or whoever deleted the thread in which it stood.
func (p *putter) withdrawn(k known) (bool, error) {
	if k.writer == "" || k.leaving || k.deleted {
		return false, nil
	}
	var one int
	along, err := p.found(`SELECT 1 FROM instances i JOIN parts p ON p.conversation = i.conversation AND p.id = i.thread
		WHERE i.id = $1 AND i.thread <> '' AND p.deleted = 1`, []any{k.instance}, &one)
	if err != nil || along {
		return false, err
	}
	if err := p.exec("UPDATE messages SET deleted = 1, body = NULL, version = version + 1 WHERE id = $1", k.message); err != nil {
		return false, err
	}
	if err := p.exec("UPDATE instances SET phase = $1 WHERE id = $2", int(Gone), k.instance); err != nil {
		return false, err
	}
	if err := p.exec("UPDATE instances SET rank = COALESCE(rank, $1), reason = NULL WHERE message = $2", p.now, k.message); err != nil {
		return false, err
	}
	return true, p.wakeLacking(k.message)
}
