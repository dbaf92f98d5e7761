package store

import (
	"encoding/json"
	"time"
)

// errand gives what else is to be done in this conversation. It comes last: what people say goes first. What could not be told, or taken back, makes room for others until
// it is due again, so those come before what fails without making room.
func (l *lane) errand() (Step, error) {
	if withdraw, found, err := l.withdrawal(); found || err != nil {
		return withdraw, err
	}
	if notice, found, err := l.notice(); found || err != nil {
		return notice, err
	}
	if line, found, err := l.line(); found || err != nil {
		return line, err
	}
	return l.leftover()
}

// leftover gives the next stray. Those of people as whom Causeway cannot act are left until it can.
func (l *lane) leftover() (Step, error) {
	var step Step
	found, err := l.found(`SELECT id, key, done = 2, writer FROM strays WHERE conversation = $1 AND done <> 1
		AND (writer = '' OR EXISTS (SELECT 1 FROM identities WHERE server = $2 AND uid = writer AND state = 0)) LIMIT 1`, []any{l.here, string(l.name.Server)},
		(*string)(&step.ID), (*string)(&step.Draft.Key), &step.Keep, (*string)(&step.As))
	if found {
		step.Op = Stray
	}
	return step, err
}

// notice gives the next notice that is due.
func (l *lane) notice() (step Step, found bool, err error) {
	for {
		var text []byte
		var way NoticeWay
		step = Step{Op: Tell}
		found, err = l.found("SELECT id, person, text, way, about, more, key FROM notices WHERE conversation = $1 AND due <= $2 ORDER BY id LIMIT 1", []any{l.here, time.Now().UnixMilli()},
			&step.notice, (*string)(&step.Notice.User), &text, (*int)(&way), (*int)(&step.about), &step.folded, (*string)(&step.Notice.Key))
		if err != nil || !found {
			return Step{}, false, err
		}
		if waits, err := l.tooSoon(step); err != nil {
			return Step{}, false, err
		} else if waits {
			continue
		}
		step.Ask = way == Asking
		if way != Aside {
			step.Notice.Conversation = l.name
		}
		if err := json.Unmarshal(text, &step.Notice.Text); err != nil {
			return Step{}, false, err
		}
		step.Notice.Text = withMore(step.Notice.Text, step.about, step.folded)
		return step, true, l.attempted(step.Notice.Key)
	}
}

// tooSoon puts a notice off whose reader was told lately, or is about to be; else that is so from now on.
func (l *lane) tooSoon(step Step) (bool, error) {
	if step.about == 0 {
		return false, nil
	}
	now := time.Now().UnixMilli()
	last, err := l.lastWarned(l.name.Server, step.Notice.User)
	if err != nil {
		return false, err
	}
	if due := last + warnEvery.Milliseconds(); due > now {
		return true, l.exec("UPDATE notices SET due = $1 WHERE id = $2", due, step.notice)
	}
	return false, l.warned(l.name.Server, step.Notice.User)
}

// putOff has nothing told to somebody here before a time: what is to be told to them keeps its order, and holds up nobody else.
func (l *lane) putOff(o *Outcome) error {
	if o.Step.about != 0 { // they have not been told
		if err := l.exec("DELETE FROM warned WHERE server = $1 AND uid = $2", string(l.name.Server), string(o.Step.Notice.User)); err != nil {
			return err
		}
	}
	if o.Due.IsZero() {
		return nil
	}
	return l.exec("UPDATE notices SET due = $1 WHERE conversation = $2 AND person = $3 AND due < $1", o.Due.UnixMilli(), l.here, string(o.Step.Notice.User))
}

// alike is when a further notice to somebody in a conversation is due that is no warning: not before those that were put off.
const alike = "(SELECT COALESCE(MAX(due), 0) FROM notices WHERE conversation = $1 AND person = $2 AND about = 0)"
