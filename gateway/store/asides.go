package store

import (
	"time"

	"causeway/bridge"
)

// tellOf stores who is told something of a message. Whom its present text was shown last is not shown it again, as after it was deleted and brought back
// before anybody had looked.
func (l *lane) tellOf(w *Work, all []Telling) error {
	seen := map[bridge.UserID]bool{}
	for _, one := range all {
		if _, looked := seen[one.User]; one.Shows && !looked {
			var err error
			if seen[one.User], err = l.sees(w, one.User); err != nil {
				return err
			}
		}
		if one.Shows && seen[one.User] {
			continue
		}
		key, err := l.tell(one, l.woken)
		if err == nil && one.Shows {
			err = l.exec("INSERT INTO asides (instance, conversation, person, key, hash, at) VALUES ($1, $2, $3, $4, (SELECT hash FROM messages WHERE id = $5), $6)",
				w.Instance, l.here, string(one.User), string(key), w.Message.id, time.Now().UnixMilli())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sees reports whether the last that somebody was shown of a message is what it says now.
func (l *lane) sees(w *Work, u bridge.UserID) (bool, error) {
	var one int
	return l.found("SELECT 1 FROM asides a JOIN messages m ON m.hash = a.hash WHERE m.id = $1 AND a.id = (SELECT MAX(id) FROM asides WHERE instance = $2 AND person = $3 AND state = 0)",
		[]any{w.Message.id, w.Instance, string(u)}, &one)
}

// retract has withdrawn what was shown aside of a message that is deleted, in all its versions, and reports whether there is anything. What is still to be told is not;
// what was tried may have been told all the same, and is looked for by its key.
func (l *lane) retract(instance int64) (bool, error) {
	var one int
	shown, err := l.found("SELECT 1 FROM asides WHERE instance = $1 AND state = 0 LIMIT 1", []any{instance}, &one)
	if err != nil || !shown {
		return false, err
	}
	if err := l.exec("DELETE FROM notices WHERE conversation = $1 AND key IN (SELECT key FROM asides WHERE instance = $2 AND state = 0)", l.here, instance); err != nil {
		return false, err
	}
	if err := l.exec("DELETE FROM asides WHERE instance = $1 AND state = 0 AND tried = 0", instance); err != nil {
		return false, err
	}
	return true, l.exec("UPDATE asides SET state = 1, conversation = $1 WHERE instance = $2 AND state = 0", l.here, instance)
}

// attempted notes that a notice is about to be told.
func (l *lane) attempted(key bridge.Key) error {
	if key == "" {
		return nil
	}
	return l.exec("UPDATE asides SET tried = $1 WHERE key = $2", time.Now().UnixMilli(), string(key))
}

// withdrawal gives the next that is to be withdrawn of what was shown aside. It comes before the notices: of a message that is there again the former post goes first.
func (l *lane) withdrawal() (step Step, found bool, err error) {
	var at, tried int64
	found, err = l.found("SELECT person, key, at, tried FROM asides WHERE conversation = $1 AND state = 1 AND due <= $2 ORDER BY id LIMIT 1", []any{l.here, time.Now().UnixMilli()},
		(*string)(&step.Notice.User), (*string)(&step.Notice.Key), &at, &tried)
	step.Op, step.Since, step.Tried = Withdraw, time.UnixMilli(at), time.UnixMilli(tried)
	return step, found, err
}

// withdrew forgets what was withdrawn; what could not be is left alone for a while, with all else that is to be taken back from the same person here.
func (l *lane) withdrew(o *Outcome) error {
	switch {
	case o.Verdict == Absent && o.Due.IsZero():
		return nil
	case o.Verdict == Absent:
		return l.exec("UPDATE asides SET due = $1 WHERE conversation = $2 AND state = 1 AND person = $3", o.Due.UnixMilli(), l.here, string(o.Step.Notice.User))
	}
	return l.exec("DELETE FROM asides WHERE key = $1", string(o.Step.Notice.Key))
}
