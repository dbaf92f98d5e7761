package store

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// storeAll writes down how steps ended.
func (l *lane) storeAll(all []*Outcome) error {
	for _, o := range all {
		for _, f := range o.Failed {
			if err := l.failed(f); err != nil {
				return err
			}
		}
		if o.Step.Op == Settled {
			continue
		}
		l.worksOn(o.Work)
		if err := l.store(o); err != nil {
			return err
		}
	}
	l.on(0)
	return l.departed()
}

// store writes down how a step ended.
func (l *lane) store(o *Outcome) error {
	switch o.Step.Op {
	case Post, Find:
		return l.posted(o)
	case Edit, Blank:
		return l.edited(o)
	case Delete:
		return l.deleted(o)
	case React, Unreact:
		return l.reacted(o)
	case Quote:
		return l.quoted(o)
	case Look:
		return l.sawPart(o)
	case Recall:
		return l.recalled(o)
	case Carry:
		return l.carried(o)
	case Discard:
		return l.discarded(o)
	case Stray:
		done := 1
		if o.Verdict == NoDelete {
			done = 2
		}
		return l.exec("UPDATE strays SET done = $1 WHERE conversation = $2 AND id = $3", done, l.here, string(o.Step.ID))
	case Line:
		return l.exec("DELETE FROM lines WHERE id = $1", o.Step.notice)
	case Tell:
		if o.Verdict == Absent {
			return l.putOff(o)
		}
		return l.wasTold(o)
	case Withdraw:
		return l.withdrew(o)
	}
	return fmt.Errorf("internal error: an outcome without a step: %d", o.Step.Op)
}

// unclaimed leaves out what is known to be another part. A service that does not keep keys finds posts by what they say,
// and people say "ok" more than once.
func (l *lane) unclaimed(o *Outcome) ([]bridge.MessageID, error) {
	var ids []bridge.MessageID
	for _, id := range o.IDs {
		var one int
		taken, err := l.found("SELECT 1 FROM parts WHERE conversation = $1 AND id = $2 AND NOT (instance = $3 AND number = $4)",
			[]any{l.here, string(id), o.Work.Instance, o.Step.Part}, &one)
		if err != nil {
			return nil, err
		}
		if !taken {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (l *lane) posted(o *Outcome) error {
	l.certain = o.Step.Op == Post
	if o.Verdict == Unknown {
		l.unknown = true
		return nil
	}
	// As nearly always: the one post that was made, not known yet, and nobody else's.
	if o.Step.Op == Post && o.Verdict == Done && len(o.IDs) == 1 {
		n, err := l.change(`UPDATE parts SET id = $1, intent = NULL WHERE instance = $2 AND number = $3 AND id IS NULL
			AND NOT EXISTS (SELECT 1 FROM parts other WHERE other.conversation = $4 AND other.id = $1)`, string(o.IDs[0]), o.Work.Instance, o.Step.Part, l.here)
		if err != nil {
			return err
		}
		if n == 1 {
			l.leaves(o)
			return l.settlePosted(o)
		}
	}
	if err := l.unintend(o.Work.Instance, int64(o.Step.Part)); err != nil {
		return err
	}
	switch o.Verdict {
	case Refused:
		return l.quarantine(o)
	case Rootless:
		unrooted := 1
		if o.Step.Part > 0 {
			unrooted = 2
		}
		return l.exec("UPDATE instances SET unrooted = $1 WHERE id = $2", unrooted, o.Work.Instance)
	case NotAs:
		return l.exec("UPDATE instances SET relayed = 1 WHERE id = $1", o.Work.Instance)
	case Fileless:
		return l.lostFiles(o)
	case Absent:
		return l.absent(o)
	}
	ids, err := l.unclaimed(o)
	if err == nil && len(ids) == 0 && o.Step.Op == Post && len(o.IDs) > 0 {
		ids, err = l.reclaims(o)
	}
	if err != nil || len(ids) == 0 {
		return err
	}
	var known *string
	var key string
	if err := l.row("SELECT id, key FROM parts WHERE instance = $1 AND number = $2", o.Work.Instance, o.Step.Part).Scan(&known, &key); err != nil {
		return err
	}
	switch {
	case known == nil && o.Step.Op == Find:
		if err := l.adopt(o.Work.Instance, int64(o.Step.Part), ids[0], 0); err != nil {
			return err
		}
	case known == nil:
		if err := l.exec("UPDATE parts SET id = $1 WHERE instance = $2 AND number = $3", string(ids[0]), o.Work.Instance, o.Step.Part); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if known == nil && id == ids[0] || known != nil && string(id) == *known {
			continue
		}
		if err := l.stray(l.here, id, bridge.Key(key), o.Step.Draft.As); err != nil {
			return err
		}
	}
	l.leaves(o)
	return nil
}

// absent notes that a post was looked for in vain. In a restored store that lets it be made; see lookFirst.
func (l *lane) absent(o *Outcome) error {
	if o.Step.Op != Find || l.restored == 0 {
		return nil
	}
	return l.exec("UPDATE parts SET posted = $1 WHERE instance = $2 AND number = $3", max(time.Now().UnixMilli(), l.restored+forerunner), o.Work.Instance, o.Step.Part)
}

// settlePosted settles an instance that lacked nothing but the post that was just made, as nearly always, without reading all of it
// again. What is an answer, comes late, was written as a person, has been posted before or has changed since it was planned is left to next. No state of the post
// can have been stored yet, since nobody knew its id.
func (l *lane) settlePosted(o *Outcome) error {
	w, m := *o.Work, o.Work.Message
	if l.plan == nil || !plain(&w, o.Step) || o.Step.Draft.As != "" {
		return nil
	}
	w.departed = m.Created.UnixMilli()
	w.Parts = []Part{{Number: o.Step.Part, ID: o.IDs[0], Hash: o.Step.Hash, Version: m.Version, Able: true, key: o.Step.Draft.Key}}
	if l.plan(&w).Op != Settled {
		return nil
	}
	n, err := l.change(`UPDATE instances SET rank = NULL, held = 0, version = $1, phase = 1 WHERE id = $2
		AND EXISTS (SELECT 1 FROM messages WHERE id = $3 AND version = $1 AND reacted = 0)`, m.Version, w.Instance, m.id)
	if err != nil || n == 0 {
		return err
	}
	return l.forgetText(m.id)
}

// leaves remembers how young what has just left for here is, until departed writes it down: what is posted later and was said before comes late.
func (l *lane) leaves(o *Outcome) {
	if l.left == nil {
		l.left = map[bridge.ConversationID]int64{}
	}
	m := o.Work.Message
	l.left[m.Origin] = max(l.left[m.Origin], m.Created.UnixMilli())
}

func (l *lane) departed() error {
	for name, created := range l.left {
		origin, err := l.conversation(name)
		if err != nil {
			return err
		}
		if err := l.exec(`INSERT INTO departures (origin, target, created) VALUES ($1, $2, $3)
			ON CONFLICT (origin, target) DO UPDATE SET created = excluded.created WHERE excluded.created > departures.created`, origin, l.here, created); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) edited(o *Outcome) error {
	switch {
	case o.Verdict == Absent:
		return l.unmade(o)
	case o.Verdict == Fileless:
		return l.lostFiles(o)
	case o.Verdict == NoEdit, o.Verdict != Done && o.Work.IsOrigin: // an origin stays as its author left it
		return l.exec("UPDATE instances SET frozen = CASE frozen WHEN 0 THEN 1 ELSE frozen END WHERE id = $1", o.Work.Instance)
	case o.Verdict == Refused:
		return l.quarantine(o)
	case o.Verdict == Vanished:
		return l.vanished(o)
	}
	// With a doubt it is written once more; see written.
	if err := l.exec("UPDATE parts SET hash = CASE doubt WHEN '' THEN $1 ELSE '' END, version = CASE doubt WHEN '' THEN $2 ELSE version END, written = $5 WHERE instance = $3 AND number = $4",
		o.Step.Hash, o.Work.Message.Version, o.Work.Instance, o.Step.Part, millis(o.At)); err != nil {
		return err
	}
	return l.exec("UPDATE instances SET blanked = $1 WHERE id = $2", o.Step.Op == Blank, o.Work.Instance)
}

// vanished notes that a part was deleted there by somebody before the feed said so.
func (l *lane) vanished(o *Outcome) error {
	if err := l.exec("UPDATE parts SET deleted = 1 WHERE instance = $1 AND number = $2", o.Work.Instance, o.Step.Part); err != nil {
		return err
	}
	if err := l.forget(o); err != nil || o.Step.Part > 0 {
		return err
	}
	p := l.putter(Routes{})
	k, found, err := p.known(o.Step.ID)
	if err != nil {
		return err
	}
	if found {
		if gone, err := p.withdrawn(k); gone || err != nil {
			return err
		}
	}
	return l.exec(departs, o.Work.Instance)
}

// putter takes what a lane has learnt of its own conversation as a state would be.
func (l *lane) putter(r Routes) *putter {
	return &putter{tx: l.tx, routes: r, name: l.name, here: l.here, now: time.Now().UnixMilli(), woken: l.woken}
}

// forget drops what people had set on a post that is no longer there.
func (l *lane) forget(o *Outcome) error {
	n, err := l.change("DELETE FROM reactions WHERE instance = $1 AND number = $2", o.Work.Instance, o.Step.Part)
	if err != nil || n == 0 {
		return err
	}
	return l.marks(l.woken, markReacted, time.Now().UnixMilli(), o.Work.Message.id, o.Work.Instance)
}

func (l *lane) deleted(o *Outcome) error {
	if o.Work.IsOrigin {
		return l.deletedOrigin(o)
	}
	switch o.Verdict {
	case Absent:
		return nil
	case NoDelete:
		// Not blanked yet, but never to be deleted: the plan blanks it. Who deletes it later is not Causeway.
		if err := l.exec("UPDATE parts SET leaving = 0 WHERE instance = $1 AND number = $2", o.Work.Instance, o.Step.Part); err != nil {
			return err
		}
		return l.exec("UPDATE instances SET blanked = 1 WHERE id = $1", o.Work.Instance)
	case Refused:
		return l.quarantine(o)
	}
	if err := l.exec("UPDATE parts SET deleted = 1 WHERE instance = $1 AND number = $2", o.Work.Instance, o.Step.Part); err != nil {
		return err
	}
	if err := l.forget(o); err != nil {
		return err
	}
	// Its part 0 goes last; the message may have been restored meanwhile.
	if o.Step.Part > 0 || o.Work.Phase == Removed {
		return nil
	}
	return l.exec("UPDATE instances SET phase = $1 WHERE id = $2", int(Gone), o.Work.Instance)
}

func (l *lane) quoted(o *Outcome) error {
	if o.Verdict == Absent { // it is carried itself
		return nil
	}
	text, err := json.Marshal(o.Quote)
	if err != nil {
		return err
	}
	return l.exec("UPDATE messages SET quote = $1 WHERE id = $2", string(text), o.Work.Message.id)
}

// sawPart takes the state of a part that was looked at. It is newer than all that was done before the look.
func (l *lane) sawPart(o *Outcome) error {
	if o.Verdict == Absent {
		return nil
	}
	l.looked = o.Work.Instance
	if !o.Step.Since.IsZero() {
		if err := l.exec("DELETE FROM own_reactions WHERE instance = $1 AND state IN (4, 6) AND made <= $2", o.Work.Instance, o.Step.Since.UnixMilli()); err != nil {
			return err
		}
		// What was set before, and is missing now, its person took away. What is only begun may not have been set yet.
		if err := l.exec("UPDATE own_reactions SET seen = 1 WHERE instance = $1 AND seen = 2 AND state = 0 AND made <= $2", o.Work.Instance, o.Step.Since.UnixMilli()); err != nil {
			return err
		}
	}
	if o.State == nil {
		return nil
	}
	p := l.putter(o.Routes)
	k, found, err := p.known(o.State.ID)
	switch {
	case err != nil || !found:
		return err
	case o.State.Revision == k.revision && !o.State.Deleted && k.number >= 0:
		return p.reactions(o.State, k.instance, k.number, k.message, k.reacted)
	}
	return p.state(o.State)
}

// recalled completes a text that was written at a copy.
func (l *lane) recalled(o *Outcome) error {
	body := *o.Work.Message.Body
	body.Bare, body.Files = false, o.Quote.Files
	if o.Quote.Author.ID != "" {
		body.Author = o.Quote.Author
	} else {
		var err error
		if body.Files, err = l.recalledFiles(o.Work.Message.id); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return l.exec("UPDATE messages SET body = $1 WHERE id = $2 AND version = $3 AND body IS NOT NULL", raw, o.Work.Message.id, o.Work.Message.Version)
}

// deletedOrigin notes that the origin was deleted as its author, or stays. The feed tells when it is gone: a state from before must not
// pass for its being restored.
func (l *lane) deletedOrigin(o *Outcome) error {
	switch o.Verdict {
	case Absent:
		return nil
	case NoDelete, Refused: // the plan blanks it
		if err := l.exec("UPDATE parts SET leaving = 0 WHERE instance = $1", o.Work.Instance); err != nil {
			return err
		}
		return l.exec("UPDATE instances SET blanked = 1 WHERE id = $1", o.Work.Instance)
	}
	return l.exec("UPDATE parts SET version = $1 WHERE instance = $2 AND number = 0", o.Work.Message.Version, o.Work.Instance)
}

// stay has the author told, once, that their message is still there.
func (l *lane) stay(w *Work) error {
	w.Told = true
	if err := l.exec("UPDATE instances SET frozen = 2 WHERE id = $1", w.Instance); err != nil {
		return err
	}
	if err := l.exec("UPDATE parts SET leaving = 0 WHERE instance = $1", w.Instance); err != nil {
		return err
	}
	text, err := json.Marshal(richtext.Plain("You have deleted a copy of a message of yours, so it was deleted everywhere else. Here it is still there: Causeway cannot delete it as you. Delete it yourself where it should go."))
	if err != nil {
		return err
	}
	var author string
	if err := l.row("SELECT author FROM messages WHERE id = $1", w.Message.id).Scan(&author); err != nil || author == "" {
		return err
	}
	return l.exec("INSERT INTO notices (conversation, person, text, key, due) VALUES ($1, $2, $3, $4, "+alike+")", l.here, author, string(text), rand.Text())
}

// quarantine takes an instance out of its lane and has its author told.
func (l *lane) quarantine(o *Outcome) error {
	if err := l.exec("UPDATE instances SET rank = NULL, held = 0, reason = $1, quarantined = $2 WHERE id = $3",
		o.Reason, time.Now().UnixMilli(), o.Work.Instance); err != nil {
		return err
	}
	return l.warn(o.Work.Message, undelivered(o))
}

// undelivered is what the author gets to know; the reason itself speaks to the operator.
func undelivered(o *Outcome) string {
	what := "Your message"
	if o.Work.Phase == Live {
		what = "The change of your message"
	}
	if body := o.Work.Message.Body; body != nil {
		if begins := body.Text.Literal().Excerpt(excerpt).PlainText(); begins != "" {
			what += " “" + begins + "”"
		}
	}
	return what + " " + cmp.Or(o.Told, "was not delivered to everybody") + ". It is kept, and whoever runs Causeway here can see why and try it again."
}

// excerpt is how many letters of a message its author is shown, to know which one it is.
const excerpt = 60
