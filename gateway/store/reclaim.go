package store

import "causeway/bridge"

// reclaims gives a post to the part for which it was just made, although it is known as something else. Whoever has made it knows best: if it was taken for a message of
// somebody's before, that message goes, with all that was made of it. A post that is another part of Causeway's can be none of this one: the service
// has given one id to two posts, and making it again and again would not help.
func (l *lane) reclaims(o *Outcome) ([]bridge.MessageID, error) {
	id := o.IDs[0]
	var instance, message int64
	var origin bool
	found, err := l.found("SELECT i.id, i.message, i.origin FROM parts p JOIN instances i ON i.id = p.instance WHERE p.conversation = $1 AND p.id = $2 AND NOT (p.instance = $3 AND p.number = $4)",
		[]any{l.here, string(id), o.Work.Instance, o.Step.Part}, &instance, &message, &origin)
	switch {
	case err != nil || !found:
		return nil, err
	case !origin:
		o.Reason = "the service says that it is another message which Causeway has posted"
		return nil, l.quarantine(o)
	}
	for _, query := range []string{
		"DELETE FROM reactions WHERE instance = $1",
		"DELETE FROM parts WHERE instance = $1",
		"UPDATE instances SET phase = 2, rank = NULL, reason = NULL WHERE id = $1",
	} {
		if err := l.exec(query, instance); err != nil {
			return nil, err
		}
	}
	if err := l.exec("UPDATE messages SET deleted = 1, body = NULL, version = version + 1 WHERE id = $1", message); err != nil {
		return nil, err
	}
	p := l.putter(Routes{})
	if err := l.marks(l.woken, "UPDATE instances SET rank = COALESCE(rank, $1), reason = NULL WHERE message = $2 AND id <> $3 RETURNING conversation", p.now, message, instance); err != nil {
		return nil, err
	}
	return o.IDs, nil
}
