package store

import (
	"database/sql"

	"causeway/bridge"
	"causeway/bridge/mutant"
)

// ownPart is a part that was posted under a key.
type ownPart struct {
	instance, number, message, posted int64
	id                                sql.NullString
	// writer is as whom it was posted last, tried as whom it may have been.
	writer, tried string
	// reacted: somebody has reacted to the message; settled: the instance looks like it.
	reacted, settled bool
}

func (p *putter) ownPart(key bridge.Key) (o ownPart, found bool, err error) {
	found, err = p.found(`SELECT p.instance, p.number, p.id, p.posted, p.writer, p.tried, m.id, m.reacted, i.phase = 1 AND i.version = m.version FROM parts p JOIN instances i ON i.id = p.instance JOIN messages m ON m.id = i.message
		WHERE p.key = $1 AND p.conversation = $2`, []any{string(key), p.here}, &o.instance, &o.number, &o.id, &o.posted, &o.writer, &o.tried, &o.message, &o.reacted, &o.settled)
	return o, found, err
}

// own takes what carries a key and is not known by its id. A key counts only from whom the post was written as: people copy posts
// together with it, and what they say is carried.
func (p *putter) own(s *bridge.State) error {
	if mutant.NoKey {
		return nil
	}
	account := p.routes.Own(s.Author.ID)
	switch authentic := p.keys.authentic(s.Key, p.name); {
	case !authentic && account:
		return nil // another installation's: never carried
	case !authentic:
		return p.fresh(s)
	}
	o, found, err := p.ownPart(s.Key)
	author := string(s.Author.ID)
	theirs := !account && o.writer != author && o.tried != author && !p.lost(s, o)
	strayed := false
	if err == nil && found {
		strayed, err = p.strayed(s.ID)
	}
	switch {
	case err != nil:
		return err
	case s.Deleted:
		if !found || o.id.Valid || o.number < 0 || theirs {
			return nil // of no use any more
		}
		return p.stillborn(s, o.instance, o.number)
	case !found:
		return p.orphan(s, account)
	case theirs:
		return p.fresh(s)
	case strayed: // where the clock was wrong, each of two may seem to be of an earlier life
		return p.double(s)
	case o.id.Valid && o.number >= 0 && s.Created.UnixMilli() < o.posted-forerunner:
		if err := p.replaced(s, o); err != nil {
			return err
		}
	case (o.id.Valid || o.number < 0) && !account && s.Created.UnixMilli() > o.posted+forerunner:
		return p.fresh(s) // people copy what was written as themselves, too
	case o.id.Valid, o.number < 0: // not this one, or it would have been found by its id; or it was buried
		return p.double(s)
	case o.settled && o.number > 0:
		// The text became shorter before it turned up.
		if err := p.bury(o.instance, o.number); err != nil {
			return err
		}
		return p.double(s)
	}
	return p.settles(s, o, account)
}

// lost reports whether a post is from before the store was restored, and older than all posts of the same part that the store knows: then it is Causeway's,
// as somebody who had connected since the backup was made. Who has copied a post has done it later.
func (p *putter) lost(s *bridge.State, o ownPart) bool {
	created := s.Created.UnixMilli()
	return p.former(created) && (!o.id.Valid && p.former(o.posted) || created < o.posted-forerunner)
}

// replaced puts an older post in the place of a younger one. An older store was restored, and has posted what had been posted: people may have answered
// the first one.
func (p *putter) replaced(s *bridge.State, o ownPart) error {
	if err := p.stray(p.here, bridge.MessageID(o.id.String), s.Key, bridge.UserID(o.writer)); err != nil {
		return err
	}
	if err := p.exec("UPDATE parts SET mixed = 1 WHERE instance = $1 AND number = $2", o.instance, o.number); err != nil {
		return err
	}
	return p.exec("UPDATE own_reactions SET state = 2, seen = 0 WHERE instance = $1", o.instance)
}

// settles takes a post that was made: the answer is still on its way, or was lost.
func (p *putter) settles(s *bridge.State, o ownPart, account bool) error {
	if err := p.adopt(o.instance, o.number, s.ID, s.Revision); err != nil {
		return err
	}
	author := string(s.Author.ID)
	if account {
		author = ""
	}
	if o.writer != author { // of several attempts it is one that was made as somebody else
		if err := p.exec("UPDATE parts SET writer = $1, sent = '' WHERE instance = $2 AND number = $3", author, o.instance, o.number); err != nil {
			return err
		}
	}
	// Of several attempts it may be one that answered another post, or none.
	if err := p.exec(`UPDATE instances SET phase = CASE phase WHEN 2 THEN 1 ELSE phase END, thread = $1, unrooted = CASE WHEN $1 = '' AND (SELECT root_id FROM messages m WHERE m.id = message) <> '' THEN 1 ELSE 0 END
		WHERE id = $2 AND $3 = 0`, string(s.Root), o.instance, o.number); err != nil {
		return err
	}
	// It may have been given up meanwhile, as when its message was deleted.
	if err := p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 AND reason IS NULL RETURNING conversation", p.now, o.instance); err != nil {
		return err
	}
	if !account { // its writer may have edited it already
		k, found, err := p.known(s.ID)
		if err == nil && found {
			err = p.rewritten(s, k)
		}
		if err != nil {
			return err
		}
	}
	return p.reactions(s, o.instance, o.number, o.message, o.reacted)
}

// stillborn takes a post that was deleted by somebody before it was known to be made.
func (p *putter) stillborn(s *bridge.State, instance, number int64) error {
	if err := p.adopt(instance, number, s.ID, s.Revision); err != nil {
		return err
	}
	if err := p.exec("UPDATE parts SET deleted = 1 WHERE instance = $1 AND number = $2", instance, number); err != nil {
		return err
	}
	k, found, err := p.known(s.ID)
	if err != nil || !found {
		return err
	}
	return p.removed(k)
}

// orphan keeps an own post that the store does not know, by the account or by somebody who was connected here, for when its message
// comes. Everybody else has copied it. What is older than the beginning here was forgotten; see Prune.
func (p *putter) orphan(s *bridge.State, account bool) error {
	created := s.Created.UnixMilli()
	if created < p.begins-forerunner { // its message is older than all that is carried
		return nil
	}
	writer := ""
	if !account {
		var one int
		known, err := p.found("SELECT 1 FROM identities WHERE server = $1 AND uid = $2", []any{string(p.name.Server), string(s.Author.ID)}, &one)
		if err != nil {
			return err
		}
		if !known && !p.former(created) { // or they had connected since the backup was made
			return p.fresh(s)
		}
		writer = string(s.Author.ID)
	}
	changed, err := p.change(`INSERT INTO orphans (conversation, key, id, writer, root) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, p.here, string(s.Key), string(s.ID), writer,
		string(s.Root))
	if err != nil || changed > 0 {
		return err
	}
	var first, by string
	err = p.row("SELECT id, writer FROM orphans WHERE key = $1", string(s.Key)).Scan(&first, &by)
	switch {
	case err != nil || first == string(s.ID):
		return err
	case !account && by != writer:
		return p.fresh(s)
	}
	return p.double(s)
}

// forerunner is how much older than our last attempt a post must be, in milliseconds, to be of an earlier life of the
// store, and how much younger to be none of Causeway's: clocks differ, and an attempt is settled sooner.
const forerunner = 10 * 60 * 1000

// adopt takes a post that was found by its key. Where it may show an earlier text, the next plan edits it.
func (t *tx) adopt(instance, number int64, id bridge.MessageID, revision int64) error {
	return t.exec("UPDATE parts SET id = $1, revision = $2, hash = CASE mixed WHEN 1 THEN '' ELSE hash END WHERE instance = $3 AND number = $4",
		string(id), revision, instance, number)
}

// double has a second copy deleted.
func (p *putter) double(s *bridge.State) error {
	p.woken[p.here] = true
	writer := s.Author.ID
	if p.routes.Own(writer) {
		writer = ""
	}
	return p.stray(p.here, s.ID, s.Key, writer)
}

// strayed tells whether a post is a second copy that must go.
func (p *putter) strayed(id bridge.MessageID) (bool, error) {
	var one int
	return p.found("SELECT 1 FROM strays WHERE conversation = $1 AND id = $2", []any{p.here, string(id)}, &one)
}

// stray notes a second copy that must go.
func (t *tx) stray(conversation int64, id bridge.MessageID, key bridge.Key, writer bridge.UserID) error {
	return t.exec("INSERT INTO strays (conversation, id, key, writer) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		conversation, string(id), string(key), string(writer))
}
